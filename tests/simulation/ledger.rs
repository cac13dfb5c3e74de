//! Reads the journal's lines as they become durable, by rules of its own, and holds them against the world.
//!
//! It shares nothing with the code under test but the format: the same rules written twice, from the two
//! sides of the promise.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use salvor::journal::memory::Shelf;
use salvor::journal::storage::Storage;
use salvor_contract::Class;
use salvor_contract::OperationId;
use salvor_contract::StepName;
use salvor_simulated::World;
use salvor_simulated::world::WorkState;
use serde::Deserialize;
use serde_json::Value;

use crate::probes::Probes;
use crate::schedule::Schedule;
use crate::schedule::name;
use crate::violation::Rule;
use crate::violation::Violation;
use crate::wake::now_or_never;

/// The durable records and what they say.
#[derive(Default)]
pub struct Ledger {
    /// The hash of each line.
    pub hashes: Vec<String>,
    /// What is known of each step.
    pub steps: BTreeMap<String, StepFacts>,
    /// What is known of each operation.
    pub operations: BTreeMap<String, OperationFacts>,
    /// The type of the last record.
    pub last: String,
    /// The operations that a probe has looked for, each since it was recorded as unknown.
    pub looked_for: BTreeSet<String>,
    /// The run is given up: only `finally` steps may begin.
    is_given_up: bool,
}

/// Where a step stands by the journal.
#[derive(Clone, Debug, Default)]
pub struct StepFacts {
    /// Where.
    pub status: Status,
    /// The answer that counts.
    pub answer: Option<Value>,
    /// How often it was done again although it had succeeded.
    pub reopened: usize,
    /// It was begun at least once, or tried to be.
    pub was_begun: bool,
    /// The first operation with each inputs since it was last done: what later ones with them may take up.
    pub marks: BTreeMap<String, String>,
}

/// Where a step stands by the journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Status {
    /// Not begun.
    #[default]
    Pending,
    /// Under way, perhaps.
    Intended,
    /// Done.
    Succeeded,
    /// Failed.
    Failed,
    /// Nobody knows.
    Unknown,
}

/// What is known of an operation.
#[derive(Clone, Debug)]
pub struct OperationFacts {
    /// Under which operation's id its work may stand.
    pub mark: String,
    /// Its step.
    pub step: String,
    /// The place of its intent.
    pub seq: u64,
    /// How its end was recorded last.
    pub end: Option<String>,
    /// It failed in a way that says that nothing was changed.
    pub changed_nothing: bool,
}

/// A record, as far as this file reads it.
#[derive(Deserialize)]
struct Durable {
    seq: u64,
    hash: String,
    r#type: String,
    body: Said,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Said {
    step: String,
    op: Option<String>,
    inputs: String,
    adopted: bool,
    kind: String,
    why: String,
    found: Value,
    decision: Value,
    answer: Value,
    cut_bytes: u64,
}

impl Ledger {
    /// Reads what has become durable since the last time.
    pub fn sync(
        &mut self,
        shelf: &Shelf,
        schedule: &Schedule,
        world: &mut World,
        probes: &mut Probes,
    ) -> Result<(), Violation> {
        let known = self.hashes.len() as u64;
        let view = shelf.open();
        let loaded = now_or_never(view.load(known)).expect("memory answers at once");
        for line in loaded.expect("memory can be read").lines {
            let broken =
                |what: &str| Violation::new(Rule::Chain, format!("a line is not a record: {what}"));
            let text = std::str::from_utf8(&line).map_err(|_| broken("not text"))?;
            let record: Durable = serde_json::from_str(text).map_err(|e| broken(&e.to_string()))?;
            self.read(&record, schedule, world, probes)?;
        }
        Ok(())
    }

    fn read(
        &mut self,
        record: &Durable,
        schedule: &Schedule,
        world: &mut World,
        probes: &mut Probes,
    ) -> Result<(), Violation> {
        let seq = self.hashes.len() as u64;
        if record.seq != seq {
            let what = format!("record {seq} is another one");
            return Err(Violation::new(Rule::Chain, what));
        }
        self.hashes.push(record.hash.clone());
        let (kind, body) = (record.r#type.clone(), &record.body);
        let (step, operation) = (body.step.clone(), body.op.clone().unwrap_or_default());
        self.count(schedule, &kind, body, probes);
        let before = self.step(&step).status;
        let mut facts = self.step(&step);
        match kind.as_str() {
            "intent" => {
                self.check_order(schedule, &step, seq)?;
                if before == Status::Unknown {
                    return Err(unknown_lost(&step, seq, "intended anew"));
                }
                facts.status = Status::Intended;
                facts.was_begun = true;
                let mark = facts.marks.entry(body.inputs.clone());
                let mark = mark.or_insert_with(|| operation.clone()).clone();
                let begun = OperationFacts {
                    mark,
                    step: step.clone(),
                    seq,
                    end: None,
                    changed_nothing: false,
                };
                self.operations.insert(operation, begun);
            }
            "probed" => {
                facts.status = Status::Intended;
                self.end(&operation, None);
            }
            "succeeded" => {
                let is_found = body.adopted && self.looked_for.contains(&operation);
                if before == Status::Unknown && !is_found {
                    return Err(unknown_lost(&step, seq, "succeeded without a probe"));
                }
                facts.status = Status::Succeeded;
                facts.marks.clear();
                self.end(&operation, Some("succeeded"));
                self.check_done(schedule, world, &step, &operation, seq)?;
            }
            "failed" => {
                if before == Status::Unknown && !self.looked_for.contains(&operation) {
                    return Err(unknown_lost(&step, seq, "failed without a look"));
                }
                facts.status = Status::Failed;
                facts.was_begun = true;
                self.end(&operation, Some("failed"));
                let has_changed = body.kind == "finding";
                self.check_failed(schedule, world, &step, &operation, has_changed)?;
                if let Some(operation) = self.operations.get_mut(&operation) {
                    operation.changed_nothing = !has_changed;
                }
            }
            "unknown" => {
                facts.status = Status::Unknown;
                self.looked_for.remove(&operation);
                self.end(&operation, Some("unknown"));
            }
            "decided" => {
                facts.reopened += usize::from(before == Status::Succeeded);
                facts.status = match &body.decision {
                    Value::String(word) if word == "retry" => Status::Pending,
                    Value::String(_) => Status::Failed,
                    Value::Null
                    | Value::Bool(_)
                    | Value::Number(_)
                    | Value::Array(_)
                    | Value::Object(_) => Status::Succeeded,
                };
                if facts.status == Status::Pending {
                    facts.answer = None;
                }
                if facts.status == Status::Succeeded {
                    facts.marks.clear();
                }
            }
            "stopping" => self.is_given_up = true,
            "resumed" => self.is_given_up = false,
            "answered" => facts.answer = Some(body.answer.clone()),
            "halted" if body.why == "failure" => self.check_finally(schedule, seq)?,
            "aborted" => self.check_given_up(schedule, seq)?,
            _ => {}
        }
        if !step.is_empty() {
            self.steps.insert(step, facts);
        }
        self.last = kind;
        Ok(())
    }

    fn end(&mut self, operation: &str, end: Option<&str>) {
        if let Some(operation) = self.operations.get_mut(operation) {
            operation.end = end.map(str::to_owned);
        }
    }

    /// What is known of a step.
    pub fn step(&self, name: &str) -> StepFacts {
        self.steps.get(name).cloned().unwrap_or_default()
    }

    /// True when no record may follow.
    pub fn is_over(&self) -> bool {
        self.last == "finished" || self.last == "aborted"
    }

    /// A step is begun only when all that it needs is done; a `finally` step when all has come to an end.
    fn check_order(&self, schedule: &Schedule, step: &str, seq: u64) -> Result<(), Violation> {
        let place = place_of(step);
        let plan = &schedule.steps[place];
        if self.is_given_up && !plan.finally {
            let what = format!("record {seq} begins {step} of a run that is given up");
            return Err(Violation::new(Rule::Order, what));
        }
        for need in &plan.needs {
            let must_have_succeeded = !plan.finally || plan.refers == Some(*need);
            let status = self.step(&name(*need)).status;
            let is_good = match status {
                Status::Succeeded => true,
                Status::Failed | Status::Pending => !must_have_succeeded,
                Status::Intended | Status::Unknown => false,
            };
            if !is_good {
                let what = format!("record {seq} begins {step} while s{need} is {status:?}");
                return Err(Violation::new(Rule::Order, what));
            }
        }
        Ok(())
    }

    /// What is recorded as done is done.
    fn check_done(
        &self,
        schedule: &Schedule,
        world: &World,
        step: &str,
        operation: &str,
        seq: u64,
    ) -> Result<(), Violation> {
        if schedule.steps[place_of(step)].class == Class::Read {
            return Ok(());
        }
        let works = works_of(world, operation);
        let taken_up = self.operations.get(operation);
        let taken_up = taken_up.map_or(Vec::new(), |facts| works_of(world, &facts.mark));
        if works.contains(&&WorkState::Done) || taken_up.contains(&&WorkState::Done) {
            return Ok(());
        }
        let what = format!("record {seq} says that {step} is done, and its work is {works:?}");
        Err(Violation::new(Rule::Truth, what))
    }

    /// What is recorded as failed changed nothing, or its work has failed.
    fn check_failed(
        &self,
        schedule: &Schedule,
        world: &World,
        step: &str,
        operation: &str,
        has_changed: bool,
    ) -> Result<(), Violation> {
        let works = works_of(world, operation);
        let is_harmless = |state: &&WorkState| has_changed && matches!(state, WorkState::Failed(_));
        // A late request may still come, and comes before the next operation or not at all.
        let may_be_late = schedule.steps[place_of(step)].may_be_late();
        if may_be_late || works.iter().all(is_harmless) {
            return Ok(());
        }
        let seq = self.hashes.len() - 1;
        let what = format!("record {seq} says that {step} failed, and its work is {works:?}");
        Err(Violation::new(Rule::Truth, what))
    }

    /// After a failure everything that must be finished was finished.
    fn check_finally(&self, schedule: &Schedule, seq: u64) -> Result<(), Violation> {
        let is_open =
            |facts: &StepFacts| matches!(facts.status, Status::Intended | Status::Unknown);
        if self.steps.values().any(is_open) {
            return Ok(());
        }
        for (place, plan) in schedule.steps.iter().enumerate().filter(|(_, p)| p.finally) {
            let all_done = plan
                .needs
                .iter()
                .all(|n| self.step(&name(*n)).status == Status::Succeeded);
            let any_begun = plan.needs.iter().any(|n| self.step(&name(*n)).was_begun);
            let can_refer = plan
                .refers
                .is_none_or(|n| self.step(&name(n)).status == Status::Succeeded);
            let is_due = all_done || (any_begun && can_refer);
            if is_due && !self.step(&name(place)).was_begun {
                let what = format!("record {seq} halts the run, and {} was due", name(place));
                return Err(Violation::new(Rule::Finally, what));
            }
        }
        Ok(())
    }

    /// A run is not given up while something that must be finished waits for what nobody knows.
    fn check_given_up(&self, schedule: &Schedule, seq: u64) -> Result<(), Violation> {
        let status = |place: usize| self.step(&name(place)).status;
        for (place, plan) in schedule.steps.iter().enumerate().filter(|(_, p)| p.finally) {
            let waits = plan.needs.iter().any(|n| status(*n) == Status::Unknown);
            let can_refer = plan
                .refers
                .is_none_or(|n| matches!(status(n), Status::Succeeded | Status::Unknown));
            if status(place) == Status::Pending && waits && can_refer {
                let what = format!(
                    "record {seq} gives the run up, and {} waits for what nobody knows",
                    name(place)
                );
                return Err(Violation::new(Rule::Finally, what));
            }
        }
        Ok(())
    }

    fn count(&self, schedule: &Schedule, kind: &str, body: &Said, probes: &mut Probes) {
        match kind {
            "succeeded" if body.adopted => probes.hit("adopted"),
            "probed" if body.found == "absent" => probes.hit("sent again after a look"),
            "probed" => probes.hit("attached after a look"),
            "unknown" => probes.hit("unknown"),
            "failed" if body.kind == "conflict" => probes.hit("conflict"),
            "failed" if body.op.is_none() => probes.hit("failed in preparation"),
            "failed" => probes.hit("failed"),
            "decided" => probes.hit("decided by a person"),
            "answered" => probes.hit("answered by a person"),
            "aborted" => probes.hit("given up"),
            "resumed" if body.cut_bytes != 0 => probes.hit("torn tail cut"),
            "intent" => {
                let has_failed = |step: &StepFacts| step.status == Status::Failed;
                if self.steps.values().any(has_failed) {
                    probes.hit(if schedule.steps[place_of(&body.step)].finally {
                        "cleaned up after a failure"
                    } else {
                        "begun after a failure"
                    });
                }
            }
            _ => {}
        }
    }
}

/// The states of the work that an operation began: more than one only when it has no key.
pub fn works_of<'a>(world: &'a World, operation: &str) -> Vec<&'a WorkState> {
    let id = OperationId::new(operation);
    let of = world.work.values().filter(|work| work.mark.operation == id);
    of.map(|work| &work.state).collect()
}

/// The place of the step of this name.
pub fn place_of(step: &str) -> usize {
    let number = step
        .strip_prefix('s')
        .and_then(|number| number.parse().ok());
    number.expect("every step here has a number")
}

/// The place of a step.
pub fn place(step: &StepName) -> usize {
    place_of(step.as_str())
}

fn unknown_lost(step: &str, seq: u64, how: &str) -> Violation {
    let what = format!("record {seq}: {step} was unknown and is {how}");
    Violation::new(Rule::Unknown, what)
}
