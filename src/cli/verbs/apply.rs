//! `salvor apply`: does what a plan or a saved change set says, once, and only while it still holds.

use std::collections::BTreeMap;
use std::path::Path;

use salvor_contract::Period;
use salvor_contract::RunId;

use crate::change_set;
use crate::change_set::ChangeSet;
use crate::cli::arguments::Apply;
use crate::cli::arguments::PlanChoice;
use crate::cli::confirm::confirm;
use crate::cli::exit::Exit;
use crate::cli::load;
use crate::cli::others::refuse_open;
use crate::cli::output;
use crate::cli::part::Hold;
use crate::cli::part::Way;
use crate::cli::part::source;
use crate::cli::planning;
use crate::cli::refusal::Refusal;
use crate::diff::stale;
use crate::digest::Digest;
use crate::journal::Body;
use crate::journal::Environment;
use crate::journal::Journal;
use crate::journal::OpenError;
use crate::journal::names::run_id;
use crate::model::Instance;
use crate::recovery_points::Request;
use crate::registry::Registry;
use crate::surroundings::Surroundings;

/// How long a change set that is applied at once may be confirmed.
const VALID: Period = Period::from_seconds(24 * 60 * 60);

/// Applies a plan, or a saved change set.
///
/// The lock is held while a person confirms, as nobody else may move the environment meanwhile. What moves all the
/// same (the world itself, the plan, another run before the lock was taken) is found by a second look.
pub async fn apply(
    arguments: &Apply,
    registry: &Registry,
    surroundings: &Surroundings,
) -> anyhow::Result<Exit> {
    refuse_missing(&arguments.choice.plan)?;
    if arguments.adopt.is_some() && !is_change_set(&arguments.choice.plan) {
        return Err(Refusal::new(
            Exit::Usage,
            "--adopt needs the saved change set of the lost run",
        )
        .hint("Name the file that `salvor plan --out` saved.")
        .into());
    }
    let asked = match is_change_set(&arguments.choice.plan) {
        true => saved(arguments, registry, surroundings).await?,
        false => planned(arguments, registry, surroundings).await?,
    };
    let hold = Hold::take(asked.state, run_of(&asked.change_set), surroundings).await?;
    let approved = Approved {
        change_set: asked.change_set,
        shown: asked.shown,
        hold,
        arguments,
        registry,
        surroundings,
    };
    let confirmed = match approved.confirmed(asked.seen.as_ref()).await {
        Ok(confirmed) => confirmed,
        Err(refused) => {
            approved.hold.give_back().await;
            return Err(refused);
        }
    };
    approved.begin(confirmed).await
}

/// A change set that somebody wants applied.
struct Asked {
    change_set: ChangeSet,
    state: Environment,
    /// What the operator calls it.
    shown: String,
    /// How the runs stood before the look at the world that it was made from; none when that was long ago.
    seen: Option<BTreeMap<RunId, u64>>,
}

/// A change set of a plan, made now and shown.
async fn planned(
    arguments: &Apply,
    registry: &Registry,
    surroundings: &Surroundings,
) -> anyhow::Result<Asked> {
    let scenario = arguments.scenario.scenario.as_deref();
    let instance = load::instance(&arguments.choice, scenario, registry)?;
    let request = load::request(&arguments.goal)?;
    let state = load::state_of(&instance, registry, surroundings).await?;
    let seen = state.lengths().await?;
    let computed =
        planning::look(&instance, &state, registry, surroundings, request, VALID).await?;
    output::result_text(&planning::text(&computed));
    planning::refuse_problems(&computed)?;
    Ok(Asked {
        change_set: computed.change_set,
        state,
        shown: "the change set above".to_owned(),
        seen: Some(seen),
    })
}

/// A change set, with the lock of its environment.
struct Approved<'a> {
    change_set: ChangeSet,
    shown: String,
    hold: Hold,
    arguments: &'a Apply,
    registry: &'a Registry,
    surroundings: &'a Surroundings,
}

impl Approved<'_> {
    /// The fingerprints that were typed, and the open runs that were passed over, when the change set still holds.
    async fn confirmed(&self, seen: Option<&BTreeMap<RunId, u64>>) -> anyhow::Result<Vec<String>> {
        let at = load::plan_dir_option(&self.surroundings.plan_dir);
        self.hold.sweep().await;
        if self.hold.state.chain(&self.hold.run).await.is_ok() {
            return Err(consumed(&self.hold.run, &at).into());
        }
        if seen != Some(&self.hold.state.lengths().await?) {
            self.refuse_stale().await?;
        }
        let passed_over = refuse_open(&self.hold.state, &self.arguments.despite, &at).await?;
        let may_ask = !self.arguments.no_input;
        let confirmed = confirm(&self.change_set, &self.arguments.confirmed, may_ask)?;
        if confirmed.was_asked {
            self.refuse_stale().await?;
        }
        Ok([confirmed.fingerprints, passed_over].concat())
    }

    /// Refuses a change set that is too old, or that another look at the plan and the world would not make again.
    async fn refuse_stale(&self) -> anyhow::Result<()> {
        if self.arguments.adopt.is_none() {
            refuse_expired(&self.change_set, &self.shown, self.surroundings)?;
        }
        let instance = instance_of(&self.change_set, self.arguments, self.registry)?;
        let request = Request::again(&self.change_set);
        let state = &self.hold.state;
        let now = planning::look(
            &instance,
            state,
            self.registry,
            self.surroundings,
            request,
            VALID,
        )
        .await?;
        let deltas = stale(&self.change_set, &now.change_set);
        if deltas.is_empty() {
            return Ok(());
        }
        planning::show_deltas(&deltas);
        if self.arguments.adopt.is_some() {
            output::progress(
                "These differences are taken for what the run did whose journal is lost.",
            );
            return Ok(());
        }
        let what = format!(
            "the world is not what {} was made from; {} differences",
            self.shown,
            deltas.len()
        );
        Err(Refusal::new(Exit::Refused, what)
            .hint("Make a new one with `salvor plan --out`.")
            .into())
    }

    /// Opens the run and performs it.
    async fn begin(self, confirmed: Vec<String>) -> anyhow::Result<Exit> {
        let Self {
            change_set, hold, ..
        } = self;
        let at = load::plan_dir_option(&self.surroundings.plan_dir);
        let digest = change_set.digest();
        let storage = hold.state.create(&hold.run).await?;
        hold.state.make_scratch(&hold.run).await?;
        // The bytes before the record that names them: a run is never without its change set.
        let bytes = serde_json::to_vec(&change_set)?;
        debug_assert_eq!(
            Digest::of_bytes(&bytes),
            digest,
            "the digest is over these bytes"
        );
        storage.put_blob(&digest, &bytes).await?;
        let opened = Body::Opened {
            lineage: hold.state.lineage().to_owned(),
            plan: change_set.plan.clone(),
            scenario: change_set.scenario.name.clone(),
            change_set: digest,
            approval: change_set.nonce.clone(),
            goal: change_set.goal,
            tool: env!("CARGO_PKG_VERSION").to_owned(),
            holder: hold.holder.clone(),
            confirmed,
            adopts: self.arguments.adopt.is_some(),
        };
        let created =
            Journal::create(storage, source(self.surroundings), hold.run.clone(), opened).await;
        let journal = match created {
            Ok(journal) => journal,
            Err(OpenError::Exists { run }) => return Err(consumed(&run, &at).into()),
            Err(error) => return Err(error.into()),
        };
        hold.part(
            &change_set,
            &journal,
            self.registry,
            self.surroundings,
            Way::GoOn,
            !self.arguments.no_input,
        )
        .await
    }
}

fn run_of(change_set: &ChangeSet) -> RunId {
    run_id(&change_set.lineage, &change_set.digest(), &change_set.nonce)
}

fn consumed(run: &RunId, at: &str) -> Refusal {
    Refusal::new(
        Exit::Refused,
        format!("this change set was applied already, as run {run}"),
    )
    .hint(format!(
        "Look at it with `salvor show {run}{at}`, go on with `salvor resume {run}{at}`, or make a new plan."
    ))
}

/// What was meant by a path that is not there: a plan is named by its folder or its TOML file.
fn refuse_missing(path: &Path) -> Result<(), Refusal> {
    let is_saved = path
        .extension()
        .is_some_and(|extension| extension != "toml");
    if path.exists() || !is_saved {
        return Ok(());
    }
    let what = format!("there is no change set {}", path.display());
    Err(Refusal::new(Exit::Usage, what)
        .hint("Save one with `salvor plan --out FILE`, or name the folder of a plan."))
}

fn is_change_set(path: &Path) -> bool {
    path.is_file() && path.extension().is_none_or(|extension| extension != "toml")
}

/// A saved change set, when it is whole, of this plan and environment, and in time. Whether it is still what the world
/// asks for is found under the lock: another run may be at work.
async fn saved(
    arguments: &Apply,
    registry: &Registry,
    surroundings: &Surroundings,
) -> anyhow::Result<Asked> {
    let path = &arguments.choice.plan;
    refuse_other_wishes(arguments)?;
    let shown = path.display().to_string();
    let change_set = change_set::load(path).map_err(|error| {
        let what = format!("{shown}: {:#}", anyhow::Error::from(error));
        Refusal::new(Exit::Refused, what)
            .hint("Give a plan's folder, or a change set that `salvor plan --out` saved.")
    })?;
    let run = run_of(&change_set);
    if let Some(other) = (arguments.adopt.as_ref()).filter(|named| run.as_str() != named.as_str()) {
        let what = format!("{other} is not the run of {shown}");
        return Err(Refusal::new(Exit::Refused, what)
            .hint("Name the run as its first line and its notifications named it, or make a new plan.")
            .into());
    }
    // What was begun in time is gone on with at any time.
    if arguments.adopt.is_none() {
        refuse_expired(&change_set, &shown, surroundings)?;
    }
    let instance = instance_of(&change_set, arguments, registry)?;
    let mut state = load::state_of(&instance, registry, surroundings).await?;
    if arguments.adopt.is_some() && state.run_ids().await?.is_empty() {
        state = state.with_lineage(&change_set.lineage).await?;
    }
    if state.lineage() != change_set.lineage {
        let what = format!("{shown} was made for another environment");
        let hint = format!(
            "Name the folder of its plan with --plan-dir, or bring back the state folder that it was made with: {} is \
             another one. When that is lost, name the run that is gone on with by --adopt RUN.",
            state.shown()
        );
        return Err(Refusal::new(Exit::Refused, what).hint(hint).into());
    }
    Ok(Asked {
        change_set,
        state,
        shown,
        seen: None,
    })
}

fn refuse_expired(
    change_set: &ChangeSet,
    shown: &str,
    surroundings: &Surroundings,
) -> Result<(), Refusal> {
    match surroundings.clock.now() > change_set.expires {
        false => Ok(()),
        true => {
            let what = format!("{shown} was good until {}", change_set.expires);
            Err(Refusal::new(Exit::Refused, what).hint("Make a new one with `salvor plan --out`."))
        }
    }
}

/// Everything that can be wished for is in the change set: an option beside it would be ignored.
fn refuse_other_wishes(arguments: &Apply) -> Result<(), Refusal> {
    let Apply {
        choice,
        scenario,
        goal,
        plan_dir: _,
        confirmed: _,
        despite: _,
        adopt: _,
        no_input: _,
    } = arguments;
    let wishes = [
        ("--scenario", scenario.scenario.is_some()),
        ("--at", goal.at.is_some()),
        ("--backup", goal.backup.is_some()),
        ("--point", !goal.points.is_empty()),
        ("--input", !choice.inputs.is_empty()),
        ("--inputs", !choice.input_files.is_empty()),
    ];
    let Some((option, _)) = wishes.iter().find(|(_, is_given)| *is_given) else {
        return Ok(());
    };
    let file = choice.plan.display();
    let what = format!("{option} cannot be given with {file}: a saved change set has it fixed");
    let hint = format!(
        "Leave it out, or make another change set with `salvor plan {option} … --out FILE`."
    );
    Err(Refusal::new(Exit::Usage, what).hint(hint))
}

/// The plan of a change set with the inputs that the change set holds.
fn instance_of(
    change_set: &ChangeSet,
    arguments: &Apply,
    registry: &Registry,
) -> anyhow::Result<Instance> {
    let named = &arguments.choice.plan;
    let folder = arguments
        .plan_dir
        .clone()
        .unwrap_or_else(|| match is_change_set(named) {
            true => load::folder_of(named),
            false => named.clone(),
        });
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".").to_owned()
    } else {
        folder
    };
    let choice = PlanChoice {
        plan: folder,
        inputs: Vec::new(),
        input_files: Vec::new(),
    };
    load::approved_instance(&choice, change_set, "the change set", registry)
}
