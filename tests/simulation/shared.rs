//! What outlives the processes of a schedule: time, world, journal, lock, network, and what was seen of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;

use salvor::change_set::ChangeSet;
use salvor::digest::Digest;
use salvor::journal::Journal;
use salvor::journal::lock::register::MemoryRegister;
use salvor::journal::memory::Shelf;
use salvor::journal::names::run_id;
use salvor_contract::Class;
use salvor_contract::Operation;
use salvor_contract::RunId;
use salvor_simulated::Simulated;
use salvor_simulated::World;
use salvor_simulated::world::Work;
use salvor_simulated::world::WorkState;

use crate::ledger::Ledger;
use crate::ledger::OperationFacts;
use crate::ledger::place_of;
use crate::mutants::Mutant;
use crate::plan;
use crate::probes::Probes;
use crate::schedule::Schedule;
use crate::time::Time;
use crate::violation::Rule;
use crate::violation::Violation;

/// What outlives the processes.
pub struct Shared {
    /// What is to happen.
    pub schedule: Schedule,
    /// What is broken on purpose.
    pub mutant: Option<Mutant>,
    /// Somebody will read the story.
    is_told: bool,
    /// The true time.
    pub time: Time,
    /// The change set as it was reviewed.
    pub change_set: ChangeSet,
    /// The run.
    pub run: RunId,
    /// Where the journal is.
    pub shelf: Shelf,
    /// Where the lock is.
    pub register: MemoryRegister,
    /// What there is.
    pub world: Arc<Mutex<World>>,
    /// The services of that world; they keep nothing else between calls.
    pub simulated: Arc<Simulated>,
    seen: Mutex<Seen>,
}

/// What was seen.
#[derive(Default)]
pub struct Seen {
    /// The journal, as durable.
    pub ledger: Ledger,
    /// How many effects of the world were looked at.
    effects: usize,
    /// When each operation had its first effect.
    pub effect_times: BTreeMap<String, u64>,
    /// The highest token that had an effect, by target.
    tokens: BTreeMap<String, u64>,
    /// Requests that are on their way.
    pub network: Vec<LateRequest>,
    /// How many times each step was sent.
    pub sent: BTreeMap<usize, u64>,
    /// Who took the lock last.
    pub lock_taken_by: Option<usize>,
    /// Who has the journal's file open.
    pub file_open_by: Option<usize>,
    /// Whose next write is its last.
    pub dying: Option<usize>,
    /// The journals that are open, by process.
    pub journals: BTreeMap<usize, Arc<Journal>>,
    /// The last record that each process was told to be durable.
    looked_at: BTreeMap<usize, u64>,
    /// Heads that a process was told to be durable.
    pub acknowledged: BTreeMap<(u64, String), usize>,
    /// Rare branches.
    pub probes: Probes,
    /// The first broken promise.
    pub violation: Option<Violation>,
    /// What happened, for people.
    pub story: Vec<String>,
}

/// A request that is on its way.
pub struct LateRequest {
    /// When it arrives.
    pub at: u64,
    /// What it asks for.
    pub operation: Operation,
}

impl Shared {
    /// Before anything has happened.
    pub fn new(schedule: Schedule, mutant: Option<Mutant>, is_told: bool) -> Self {
        let change_set = plan::change_set(&schedule);
        let run = run_id("00", &Digest::of_bytes(&schedule.seed.to_be_bytes()), "00");
        let mut world = World {
            faults: schedule.rules.clone(),
            ..World::default()
        };
        for place in &schedule.foreign {
            let held = salvor_simulated::world::Held {
                value: "foreign".into(),
                mark: None,
            };
            world.values.insert(plan::target(&schedule, *place), held);
        }
        let world = Arc::new(Mutex::new(world));
        Self {
            schedule,
            mutant,
            is_told,
            time: Time::default(),
            change_set,
            run,
            shelf: Shelf::new(),
            register: MemoryRegister::default(),
            simulated: Arc::new(Simulated::in_memory(Arc::clone(&world))),
            world,
            seen: Mutex::new(Seen::default()),
        }
    }

    /// What was seen.
    pub fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen
            .lock()
            .expect("nothing panics while it holds this")
    }

    /// The world.
    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world
            .lock()
            .expect("nothing panics while it holds this")
    }

    /// A branch was taken.
    pub fn hit(&self, branch: &'static str) {
        self.seen().probes.hit(branch);
    }

    /// Notes something for the reader of a failure.
    pub fn tell(&self, what: impl FnOnce() -> String) {
        if !self.is_told {
            return;
        }
        let at = self.time.now();
        let line = format!("{:>12.6}  {}", at as f64 / 1e6, what());
        self.seen().story.push(line);
    }

    /// Keeps the first broken promise.
    pub fn check(&self, outcome: Result<(), Violation>) {
        if let Err(violation) = outcome {
            self.seen().violation.get_or_insert(violation);
        }
    }

    /// Reads what has become durable.
    pub fn sync(&self) {
        let mut world = self.world();
        world.advance(self.time.moment());
        let seen = &mut *self.seen();
        let Seen { ledger, probes, .. } = seen;
        let read = ledger.sync(&self.shelf, &self.schedule, &mut world, probes);
        if let Err(violation) = read {
            seen.violation.get_or_insert(violation);
        }
    }

    /// Looks at the effects that have happened since the last time.
    pub fn look_at_effects(&self) {
        if self.world().effects.len() == self.seen().effects {
            return;
        }
        self.sync();
        let world = self.world();
        let mut seen = self.seen();
        for effect in &world.effects[seen.effects..] {
            let operation = effect.operation.to_string();
            let checked = self.check_effect(
                &world,
                &mut seen,
                &operation,
                effect.step.as_str(),
                &effect.what,
            );
            if let Err(violation) = checked {
                seen.violation.get_or_insert(violation);
            }
            if self.is_told {
                let at = self.time.now() as f64 / 1e6;
                let line = format!("{at:>12.6}  effect: {} by {operation}", effect.what);
                seen.story.push(line);
            }
        }
        seen.effects = world.effects.len();
    }

    fn check_effect(
        &self,
        world: &World,
        seen: &mut Seen,
        operation: &str,
        step: &str,
        what: &str,
    ) -> Result<(), Violation> {
        let class = self.schedule.steps[place_of(step)].class;
        seen.effect_times
            .entry(operation.to_owned())
            .or_insert(self.time.now());
        let Some(facts) = seen.ledger.operations.get(operation) else {
            let text =
                format!("`{what}` of {step} happened, and no durable intent has {operation}");
            return Err(Violation::new(Rule::Intent, text));
        };
        let id = salvor_contract::OperationId::new(operation);
        if world.effects_of(&id) > 1 && class != Class::Convergent {
            let text = format!("{step} ({operation}) had its effect twice: {what}");
            return Err(Violation::new(Rule::Once, text));
        }
        let highest = seen.tokens.entry(what.to_owned()).or_insert(facts.seq);
        if class == Class::Fenced && facts.seq < *highest {
            let text = format!(
                "{step} ({operation}, token {}) came after token {highest}",
                facts.seq
            );
            return Err(Violation::new(Rule::Once, text));
        }
        *highest = facts.seq.max(*highest);
        let may_be_late = self.schedule.steps[place_of(step)].may_be_late();
        let allowed = 1 + seen.ledger.step(step).reopened;
        let is_of_step = |work: &&Work| {
            let is_it = |facts: &OperationFacts| facts.step == step;
            let is_bad = matches!(work.state, WorkState::Failed(_));
            !is_bad
                && seen
                    .ledger
                    .operations
                    .get(work.mark.operation.as_str())
                    .is_some_and(is_it)
        };
        let done = world.work.values().filter(is_of_step).count();
        if done > allowed && !may_be_late {
            let text = format!("{step} has {done} operations that had their effect");
            return Err(Violation::new(Rule::Once, text));
        }
        match facts.end.as_deref() {
            Some(end @ ("succeeded" | "failed")) if !may_be_late => {
                let text = format!("{step} ({operation}) had its effect after it had {end}");
                Err(Violation::new(Rule::Intent, text))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Takes note of what a process believes to be durable, and compares it with what is.
    pub fn look_at_head(&self, process: usize) {
        let Some(journal) = self.seen().journals.get(&process).cloned() else {
            return;
        };
        // The records of a journal only grow in number: nothing is new where the last one stands as before.
        let seq = journal.with_state(|state| state.head.seq);
        if self.seen().looked_at.insert(process, seq) == Some(seq) {
            return;
        }
        let head = journal.head();
        let key = (head.seq, head.hash.as_str().to_owned());
        if self.seen().acknowledged.contains_key(&key) {
            return;
        }
        self.sync();
        let mut seen = self.seen();
        let found = seen.ledger.hashes.get(head.seq as usize);
        if found != Some(&key.1) {
            let what = format!(
                "process {process} was told that record {} is durable, and it is not there",
                head.seq
            );
            seen.violation
                .get_or_insert(Violation::new(Rule::Chain, what));
        }
        seen.acknowledged.insert(key, process);
    }
}
