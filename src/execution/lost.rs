//! What a run that lost its journal may have done: what is looked for, what is left to a person, and what it surely
//! did not begin.

use std::collections::BTreeSet;

use salvor_contract::Class;
use salvor_contract::StepName;

use crate::change_set::PlannedStep;
use crate::change_set::PointSource;
use crate::execution::begin::NoOperation;
use crate::execution::engine::Engine;
use crate::execution::operate::Operator;
use crate::execution::watcher::End;
use crate::journal::JournalError;
use crate::journal::RunState;
use crate::journal::body::Found;
use crate::journal::state::Attempt;

/// What is wrong when a run takes up what another one did.
pub(super) const LOST: &str = "the journal of the run that may have done it is lost";

/// Whether what was done under an id is found by it.
fn leaves_a_mark(class: Class) -> bool {
    match class {
        Class::Token | Class::Named | Class::Fenced => true,
        Class::Read | Class::Convergent | Class::Unkeyed => false,
    }
}

/// Whether the look at an operation found that it was not done.
fn found_not_done(attempt: &Attempt) -> bool {
    match attempt.found {
        Some(Found::Absent | Found::InFlight { .. }) => true,
        Some(Found::Unclear { .. }) | None => false,
    }
}

impl Engine<'_> {
    /// Whether a run whose journal is lost may have done this attempt of the step.
    pub(super) fn may_be_done(&self, step: &PlannedStep, attempt: u32) -> bool {
        attempt == 1
            && self.journal.with_state(|state| state.opening.adopts)
            && !self.never_began(step)
    }

    /// Whether what is looked for was sent, if at all, by a run whose journal is lost.
    pub(super) fn was_lost(&self, step: &PlannedStep) -> bool {
        let attempt = |state: &RunState| state.step(&step.name).next_attempt() - 1;
        self.may_be_done(step, self.journal.with_state(attempt))
    }

    /// Why a step of which nothing was found is not done again after the loss of a journal; none where that repeats
    /// nothing and loses nothing.
    pub(super) fn lost_with_the_journal(&self, step: &PlannedStep) -> Option<String> {
        if !self.was_lost(step) || step.asks {
            return None;
        }
        let mut others = self.change_set.steps.iter();
        let is_read = others.any(|other| other.references().contains(&step.name));
        match step.class {
            Class::Unkeyed => Some(format!("{LOST}; nobody can tell whether it was done")),
            Class::Convergent | Class::Read if is_read => Some(format!(
                "{LOST}, and with it what the step put out: done again it may put out something else"
            )),
            Class::Token | Class::Named | Class::Fenced if !self.had_the_same_inputs(step) => {
                Some(format!("{LOST}, and it may have had other inputs"))
            }
            Class::Convergent | Class::Read | Class::Token | Class::Named | Class::Fenced => None,
        }
    }

    /// Whether the lost run surely never began this step: one that it waits for was looked for and was not done.
    fn never_began(&self, step: &PlannedStep) -> bool {
        let was_not_done = |state: &RunState, name: &StepName| {
            let step = state.step(name);
            let first = step.attempts.first();
            first.is_some_and(|first| leaves_a_mark(first.class) && found_not_done(first))
        };
        self.journal.with_state(|state| {
            let mut waiting = vec![step];
            let mut seen = BTreeSet::new();
            while let Some(step) = waiting.pop() {
                // A final step does not wait for what failed.
                for name in step.needs.iter().filter(|_| !step.finally) {
                    if was_not_done(state, name) {
                        return true;
                    }
                    waiting.extend(self.change_set.step(name).filter(|_| seen.insert(name)));
                }
            }
            false
        })
    }

    /// Whether the lost run surely gave this step the inputs that it has now, and so the id that is looked for: not
    /// where they come of the run's own time, a point that is chosen in the run, or a step that was not found done.
    fn had_the_same_inputs(&self, step: &PlannedStep) -> bool {
        let is_fixed = match step.point {
            PointSource::None | PointSource::Pinned(_) => true,
            PointSource::Later(_) => false,
        };
        let (stores, steps) = (step.stores_referred_to(), step.references());
        is_fixed
            && step.run_facts().iter().all(|fact| fact == "id")
            && self.journal.with_state(|state| {
                let found_done = |name: &StepName| {
                    let step = state.step(name);
                    step.current().is_some_and(|attempt| attempt.adopted)
                };
                stores.iter().all(|store| !state.chosen.contains_key(store))
                    && steps.iter().all(found_done)
            })
    }

    /// What is refused of a step that was looked for and not found after the loss of a journal: what it destroys was
    /// not looked at before, as it might have been its own.
    pub(super) async fn refused_after_a_loss(
        &self,
        operator: &Operator<'_>,
    ) -> Result<Option<End>, JournalError> {
        let step = operator.step;
        if !self.was_lost(step) {
            return Ok(None);
        }
        let checked = self.destroys_what_was_confirmed(step, &operator.operation);
        match checked.await {
            Ok(()) => Ok(None),
            Err(NoOperation::Stopped) => Ok(Some(End::LeftRunning)),
            Err(NoOperation::Journal(error)) => Err(error),
            Err(NoOperation::Failed(kind, error)) => {
                let end = self.failed(operator, kind, &error, Vec::new()).await?;
                Ok(Some(end))
            }
        }
    }
}
