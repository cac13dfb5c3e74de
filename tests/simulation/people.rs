//! The people of a schedule: who answers, who watches, and who decides after a look at the world.
//!
//! They tell the truth, and they wait until nothing is on its way before they judge.

use std::sync::Arc;
use std::sync::Mutex;

use async_trait::async_trait;
use salvor::execution::reopen::reopened_by;
use salvor::execution::watcher::Event;
use salvor::execution::watcher::People;
use salvor::execution::watcher::Question;
use salvor::execution::watcher::Watcher;
use salvor::journal::Body;
use salvor::journal::Decision;
use salvor::journal::Journal;
use salvor::journal::JournalError;
use salvor::journal::RunState;
use salvor::journal::Status;
use salvor_contract::Answer;
use salvor_contract::Class;
use salvor_contract::Clock;
use salvor_contract::Outcome;
use salvor_contract::StepName;
use salvor_simulated::world::WorkState;

use crate::ledger::place;
use crate::mutants::Mutant;
use crate::plan::target;
use crate::random::Random;
use crate::shared::LateRequest;
use crate::shared::Shared;
use crate::time::ProcessClock;
use crate::time::SECOND;

/// Who sits at one process.
pub struct Crew {
    /// What they see.
    pub shared: Arc<Shared>,
    /// Their clock.
    pub clock: Arc<ProcessClock>,
    /// Their chance.
    pub random: Mutex<Random>,
}

#[async_trait]
impl People for Crew {
    async fn answer(&self, question: &Question) -> Answer {
        let (number, wait) = {
            let mut random = self.random.lock().expect("drawing does not panic");
            (random.below(1000), random.log_uniform(26))
        };
        let time = &self.shared.time;
        time.sleep_until(time.now() + wait).await;
        Answer {
            text: format!("{}: {number}", question.ask),
            by: "j.doe".to_owned(),
            role: None,
            at: self.clock.now(),
            file: None,
        }
    }

    async fn recorded(&self, _: &StepName) {}
}

impl Watcher for Crew {
    fn saw(&self, event: Event<'_>) {
        match event {
            Event::Retrying { .. } => self.shared.hit("transient error tried again"),
            Event::Stopping { .. } => self.shared.hit("stopped by the operator"),
            Event::Ended { .. } => self.shared.tell(|| format!("{event:?}")),
            Event::Started { .. }
            | Event::Looking { .. }
            | Event::Found { .. }
            | Event::Progress { .. }
            | Event::Asked { .. }
            | Event::NotAccepted { .. }
            | Event::Told { .. }
            | Event::Left { .. } => {}
        }
    }
}

/// Decides what can be decided now about steps that failed or that nobody can tell of.
pub async fn decide(shared: &Shared, journal: &Journal) -> Result<(), JournalError> {
    // What is late at a target that fences can do no harm; for anything else people wait.
    let is_fenced = |late: &LateRequest| {
        shared.schedule.steps[place(&late.operation.step)].class == Class::Fenced
    };
    if !shared.seen().network.iter().all(is_fenced) {
        return Ok(());
    }
    let state = journal.state();
    let steps = shared.change_set.steps.iter().map(|step| &step.name);
    let verdicts: Vec<(StepName, Decision)> = steps
        .filter_map(|step| Some((step.clone(), verdict(shared, &state, step)?)))
        .collect();
    for (step, decision) in verdicts {
        record(journal, step, decision).await?;
    }
    let reopened = reopened_by(&shared.change_set, |step| {
        journal.with_state(|state| state.status(step))
    });
    for step in reopened {
        record(journal, step, Decision::Retry).await?;
    }
    Ok(())
}

async fn record(journal: &Journal, step: StepName, decision: Decision) -> Result<(), JournalError> {
    let body = Body::Decided {
        step,
        decision,
        by: "j.doe".to_owned(),
        why: "looked".to_owned(),
    };
    journal.append(body).await.map(|_| ())
}

fn verdict(shared: &Shared, state: &RunState, step: &StepName) -> Option<Decision> {
    match state.status(step) {
        Status::Failed => {
            let mut world = shared.world();
            let target = target(&shared.schedule, place(step));
            if world
                .values
                .get(&target)
                .is_some_and(|held| held.mark.is_none())
            {
                world.values.remove(&target);
            }
            Some(Decision::Retry)
        }
        Status::Unknown => look(shared, state, step),
        Status::Pending
        | Status::Asked
        | Status::Answered
        | Status::Intended
        | Status::Retrying
        | Status::Succeeded
        | Status::Skipped => None,
    }
}

/// What a look at the world says of an unknown step; nothing while its work goes on.
fn look(shared: &Shared, state: &RunState, step: &StepName) -> Option<Decision> {
    if shared.mutant == Some(Mutant::UnknownRetriedBlindly) {
        return Some(Decision::Retry);
    }
    if shared.schedule.steps[place(step)].class == Class::Read {
        return Some(Decision::Retry);
    }
    let operation = state.step(step).current()?.op.clone();
    let mut world = shared.world();
    world.advance(shared.time.moment());
    let work = world
        .work
        .values_mut()
        .find(|work| work.mark.operation == operation);
    let Some(work) = work else {
        return Some(Decision::Retry);
    };
    match &work.state {
        WorkState::Running => None,
        WorkState::Done => Some(Decision::Succeeded(Outcome::of(work.outputs.clone()))),
        WorkState::Failed(_) => Some(Decision::Retry),
        WorkState::Strange(_) => {
            // Whatever it was, somebody cleared it, and the service goes on.
            work.state = WorkState::Running;
            work.fails = None;
            None
        }
    }
}

/// How long people wait between two rounds at the end.
pub const ROUND: u64 = 150 * SECOND;
