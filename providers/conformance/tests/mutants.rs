//! The suite against a small provider: it passes as it is, and each of its seeded defects is found.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use salvor_conformance::Case;
use salvor_conformance::Report;
use salvor_conformance::Surroundings;
use salvor_conformance::check_action;
use salvor_conformance::check_description;
use salvor_conformance::check_store;
use salvor_conformance::operation;
use salvor_conformance::store;
use salvor_contract::ActionKind;
use salvor_contract::Call;
use salvor_contract::Class;
use salvor_contract::Description;
use salvor_contract::Effect;
use salvor_contract::Error;
use salvor_contract::Field;
use salvor_contract::Fields;
use salvor_contract::Idempotency;
use salvor_contract::IdentityTemplate;
use salvor_contract::Isolation;
use salvor_contract::Operation;
use salvor_contract::OperationId;
use salvor_contract::Outcome;
use salvor_contract::Output;
use salvor_contract::Period;
use salvor_contract::PointId;
use salvor_contract::PointState;
use salvor_contract::Preview;
use salvor_contract::Probe;
use salvor_contract::Provider;
use salvor_contract::Reach;
use salvor_contract::RecoveryPoint;
use salvor_contract::Removal;
use salvor_contract::RunId;
use salvor_contract::StoreKind;
use salvor_contract::StoreRequest;
use salvor_contract::Survey;
use salvor_contract::Type;
use salvor_contract::Values;
use serde_json::json;

/// What is wrong with the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Defect {
    None,
    PreviewWrites,
    PreviewFactsVary,
    ProbeForgets,
    ProbeAdoptsStrangers,
    RepeatsEffect,
    ActsBeforeMarking,
    OutputsVary,
    OutputMissing,
    OutputOfWrongType,
    IgnoresDeadline,
    IgnoresStop,
    LiesAboutChange,
    HangsOnStop,
    AdoptsStrangers,
    RemovesStrangers,
    RemovesNothing,
    IgnoresLostName,
    SurveyVaries,
    DetailNotDeclared,
    DetailOfWrongType,
    TellsSecret,
    ForgetsEarlierAttempt,
}

/// Each defect and a part of the problem that it is to be found by.
const ALL: [(Defect, &str); 22] = [
    (Defect::PreviewWrites, "after previews, which only read"),
    (
        Defect::PreviewFactsVary,
        "two previews of an unchanged world have other facts",
    ),
    (
        Defect::ProbeForgets,
        "after perform, probe of class Named finds Absent",
    ),
    (
        Defect::ProbeAdoptsStrangers,
        "probe for a target that another run made gives",
    ),
    (
        Defect::RepeatsEffect,
        "after performing twice with one id: 1 effects expected, 2 counted",
    ),
    (
        Defect::ActsBeforeMarking,
        "probe finds it absent with 1 effects counted",
    ),
    (Defect::OutputsVary, "performed again: output `calls` was"),
    (
        Defect::OutputMissing,
        "the declared output `calls` is missing",
    ),
    (
        Defect::OutputOfWrongType,
        "output `calls` is \"seven\", declared as Integer",
    ),
    (
        Defect::IgnoresDeadline,
        "performed after its deadline, it succeeds",
    ),
    (Defect::IgnoresStop, "stopped before it began"),
    (
        Defect::LiesAboutChange,
        "which says that nothing was changed: 0 effects expected, 1 counted",
    ),
    (Defect::HangsOnStop, "it did not return within"),
    (
        Defect::AdoptsStrangers,
        "another run's operation adopted what it did not make",
    ),
    (
        Defect::RemovesStrangers,
        "another run removed what it did not make",
    ),
    (
        Defect::RemovesNothing,
        "after remove: 0 effects expected, 1 counted",
    ),
    (
        Defect::IgnoresLostName,
        "when its name could not be recorded, it went on and succeeded",
    ),
    (
        Defect::SurveyVaries,
        "two surveys of an unchanged world differ",
    ),
    (
        Defect::DetailNotDeclared,
        "recovery point `box-1` has the detail `colour`, which its kind does not declare",
    ),
    (
        Defect::DetailOfWrongType,
        "detail `weight` of recovery point `box-1` is \"heavy\", declared as Integer",
    ),
    (
        Defect::TellsSecret,
        "progress shows the secret env:PASSWORD",
    ),
    (
        Defect::ForgetsEarlierAttempt,
        "probe takes what the earlier attempt made for another's: another's box",
    ),
];

/// Boxes by name, each with the mark of the run and the operation that made it.
#[derive(Default)]
struct Boxes {
    marks: BTreeMap<String, (RunId, OperationId)>,
    effects: u64,
    calls: u64,
}

struct Toy {
    defect: Defect,
    boxes: Mutex<Boxes>,
    description: Description,
}

impl Toy {
    fn new(defect: Defect) -> Self {
        let target = Field {
            name: "target".to_owned(),
            takes: Type::Text,
            is_required: true,
            help: "Its name.".to_owned(),
            default: None,
        };
        let make = ActionKind {
            outputs: vec![Output::new("calls", Type::Integer, "A number.")],
            effect: Effect::Create,
            writes: vec![IdentityTemplate::new("toy.box", "{target}")],
            idempotency: Idempotency::Fixed(Class::Named),
            isolation: Isolation::Rename(vec!["target"]),
            ..ActionKind::reading("toy.make", "Makes a box.", vec![target.clone()].into())
        };
        let shelf = StoreKind {
            name: "toy.shelf",
            summary: "A shelf.",
            with: vec![target].into(),
            identity: vec![IdentityTemplate::new("toy.shelf", "{target}")],
            details: vec![Output::new("weight", Type::Integer, "In grams.")],
            is_stated: false,
            restore: Some("toy.make"),
            backup: None,
            verify: None,
        };
        let description = Description {
            name: "toy",
            summary: "Boxes.",
            config: Fields::none(),
            stores: vec![shelf],
            actions: vec![make],
        };
        Self {
            defect,
            boxes: Mutex::default(),
            description,
        }
    }

    fn boxes(&self) -> MutexGuard<'_, Boxes> {
        self.boxes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is(&self, defect: Defect) -> bool {
        self.defect == defect
    }

    fn outcome(&self) -> Outcome {
        let number = if self.is(Defect::OutputsVary) {
            self.boxes().calls
        } else {
            7
        };
        if self.is(Defect::OutputMissing) {
            return Outcome::default();
        }
        Outcome::of(if self.is(Defect::OutputOfWrongType) {
            Values::new().with("calls", "seven")
        } else {
            Values::new().with("calls", number)
        })
    }

    fn make(&self, operation: &Operation) {
        let mark = (operation.run.clone(), self.mark_of(operation).clone());
        let target = operation.with.text("target").unwrap_or_default();
        self.boxes().marks.insert(target.to_owned(), mark);
    }

    fn mark_of<'a>(&self, operation: &'a Operation) -> &'a OperationId {
        if self.is(Defect::ForgetsEarlierAttempt) {
            &operation.id
        } else {
            &operation.mark
        }
    }

    fn mark(&self, operation: &Operation) -> Option<(RunId, OperationId)> {
        let target = operation.with.text("target").unwrap_or_default();
        self.boxes().marks.get(target).cloned()
    }
}

#[async_trait]
impl Provider for Toy {
    fn description(&self) -> &Description {
        &self.description
    }

    async fn survey(&self, _: &StoreRequest, _: &Call<'_>) -> Result<Survey, Error> {
        let mut boxes = self.boxes();
        boxes.calls += 1;
        Ok(Survey(json!(if self.is(Defect::SurveyVaries) {
            boxes.calls
        } else {
            0
        })))
    }

    fn recovery_points(&self, _: &StoreRequest, _: &Survey) -> Result<Vec<RecoveryPoint>, Error> {
        let details = if self.is(Defect::DetailNotDeclared) {
            Values::new().with("colour", "red")
        } else if self.is(Defect::DetailOfWrongType) {
            Values::new().with("weight", "heavy")
        } else {
            Values::new().with("weight", 7)
        };
        Ok(vec![RecoveryPoint {
            id: PointId::from("box-1"),
            reach: Reach::Moment(Timestamp::UNIX_EPOCH),
            state: PointState::Usable,
            size: None,
            objects: None,
            expires: None,
            set: None,
            title: "a box".to_owned(),
            details,
        }])
    }

    async fn preview(&self, _: &Operation, _: &Call<'_>) -> Result<Preview, Error> {
        let mut boxes = self.boxes();
        boxes.calls += 1;
        if self.is(Defect::PreviewWrites) {
            boxes.effects += 1;
        }
        let number = if self.is(Defect::PreviewFactsVary) {
            boxes.calls
        } else {
            0
        };
        let facts = Values::new().with("number", number);
        Ok(Preview {
            facts,
            ..Preview::new(Effect::Create, "makes a box")
        })
    }

    async fn perform(&self, operation: &Operation, call: &Call<'_>) -> Result<Outcome, Error> {
        self.boxes().calls += 1;
        if call.stop.is_cancelled()
            && !self.is(Defect::IgnoresStop)
            && !self.is(Defect::HangsOnStop)
        {
            return Err(Error::transient("stopped"));
        }
        if call.time_left().is_zero() && !self.is(Defect::IgnoresDeadline) {
            return Err(Error::transient("too late"));
        }
        tokio::task::yield_now().await;
        let found = self.mark(operation);
        let is_ours = found
            .as_ref()
            .is_some_and(|(_, id)| id == self.mark_of(operation));
        if found.is_some() && !is_ours {
            if self.is(Defect::AdoptsStrangers) {
                return Ok(self.outcome());
            }
            return Err(Error::refused("another's box is there"));
        }
        if !is_ours || self.is(Defect::RepeatsEffect) {
            self.boxes().effects += 1;
            if self.is(Defect::ActsBeforeMarking) {
                tokio::task::yield_now().await;
            }
            self.make(operation);
        }
        let name = if self.is(Defect::TellsSecret) {
            "box-hunter2"
        } else {
            "box-1"
        };
        let named = call.progress.named(name).await;
        if !self.is(Defect::IgnoresLostName) {
            named?;
        }
        for _ in 0..3 {
            if self.is(Defect::HangsOnStop) && call.stop.is_cancelled() {
                std::future::pending::<()>().await;
            }
            let waited = call.pause(Duration::from_secs(1), "the box").await;
            if self.is(Defect::LiesAboutChange) {
                waited.map_err(|_| Error::transient("it did not work out"))?;
            } else if ![
                Defect::HangsOnStop,
                Defect::IgnoresDeadline,
                Defect::IgnoresStop,
            ]
            .contains(&self.defect)
            {
                waited?;
            }
        }
        Ok(self.outcome())
    }

    async fn probe(&self, operation: &Operation, _: &Call<'_>) -> Result<Probe, Error> {
        Ok(match self.mark(operation) {
            _ if self.is(Defect::ProbeForgets) => Probe::Absent,
            None => Probe::Absent,
            Some((_, id))
                if id == *self.mark_of(operation) || self.is(Defect::ProbeAdoptsStrangers) =>
            {
                Probe::Done(self.outcome())
            }
            Some(_) => Probe::Conflict {
                found: "another's box".to_owned(),
            },
        })
    }

    async fn remove(&self, operation: &Operation, _: &Call<'_>) -> Result<Removal, Error> {
        let Some((run, _)) = self.mark(operation) else {
            return Ok(Removal::NothingThere);
        };
        if run != operation.run && !self.is(Defect::RemovesStrangers) {
            return Ok(Removal::NotOurs("another's box".to_owned()));
        }
        if !self.is(Defect::RemovesNothing) {
            let mut boxes = self.boxes();
            boxes
                .marks
                .remove(operation.with.text("target").unwrap_or_default());
            boxes.effects = 0;
        }
        Ok(Removal::Removed("a box".to_owned()))
    }
}

async fn check(defect: Defect) -> Result<(), Report> {
    let surroundings = Surroundings::virtual_time().secret("env:PASSWORD", "hunter2");
    let toy = Toy::new(defect);
    let with = Values::new().with("target", "b");
    check_store(&toy, &surroundings, &store("toy.shelf", with.clone())).await?;
    let case = Case::new(
        operation("toy.make", with),
        async || toy.boxes().effects,
        async || *toy.boxes() = Boxes::default(),
    );
    check_action(&toy, &surroundings, case).await
}

#[tokio::test]
async fn a_provider_without_defects_conforms() -> Result<(), Report> {
    check_description(&Toy::new(Defect::None))?;
    check(Defect::None).await
}

// Paused time: what hangs is found at once.
#[tokio::test(start_paused = true)]
async fn every_seeded_defect_is_found_by_its_own_check() {
    for (defect, problem) in ALL {
        let report = check(defect)
            .await
            .expect_err("it has a defect")
            .to_string();
        assert!(
            report.contains(problem),
            "{defect:?} is to be found as\n{problem}\n{report}"
        );
    }
}

#[test]
fn a_description_that_contradicts_itself_is_found() {
    let mut toy = Toy::new(Defect::None);
    let tells = &mut toy.description;
    tells.stores[0].restore = Some("toy.nothing");
    tells.stores[0].identity = vec![IdentityTemplate::new("toy.shelf", "{config.host}/{target}")];
    let weight = tells.stores[0].details[0].clone();
    let title = Output::new("title", Type::Text, "What it says.");
    tells.stores[0].details.extend([weight, title]);
    let make = &mut tells.actions[0];
    make.deadline = Period::ZERO;
    make.isolation = Isolation::NotNeeded;
    make.writes = Vec::new();
    make.idempotency = Idempotency::Declared("class");
    make.by_hand = vec!["make {{q with.targt}}"];
    make.outputs.push(make.outputs[0].clone());
    let report = check_description(&toy).expect_err("many problems");
    assert_eq!(
        report.problems(),
        [
            "store kind `toy.shelf`: `{config.host}` in `{config.host}/{target}` is not an input",
            "store kind `toy.shelf`: two details have the name `weight`",
            "store kind `toy.shelf`: every recovery point has `title`, a detail of this name is never seen",
            "store kind `toy.shelf`: its restore names `toy.nothing`, which is not an action",
            "action `toy.make`: two outputs have the name `calls`",
            "action `toy.make`: its deadline is zero",
            "action `toy.make`: it settles no sooner than its deadline",
            "action `toy.make`: it writes and names no target in `writes`",
            "action `toy.make`: it has an effect and says that it needs no isolation",
            "action `toy.make`: the declared class names the input `class`, which it does not have",
            "action `toy.make`: `with.targt` in `make {{q with.targt}}` is not an input",
        ]
    );
}
