//! The `finally` steps that have something to finish and were not begun, and for what they wait.

use std::collections::BTreeSet;

use salvor_contract::Class;
use salvor_contract::StepName;

use crate::change_set::ChangeSet;
use crate::change_set::PlannedStep;
use crate::journal::FailureKind;
use crate::journal::RunState;
use crate::journal::Status;

/// A final step that should have run and did not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfinished<'a> {
    /// The step.
    pub step: &'a StepName,
    /// The steps that it waits for of which nobody knows what became. Empty when it cannot run for another reason:
    /// one that it refers to has failed and left something.
    pub waits_for: BTreeSet<&'a StepName>,
}

impl Unfinished<'_> {
    /// Why it was not run, in words.
    pub fn why(&self) -> String {
        if self.waits_for.is_empty() {
            return "a step that it refers to failed and may have left something".to_owned();
        }
        let names = self.waits_for.iter().map(|name| format!("`{name}`"));
        let names = names.collect::<Vec<_>>().join(", ");
        format!("it waits for {names}, of which nobody knows what became")
    }
}

/// The final steps that have something to finish and were not begun, in the order of the change set.
///
/// A step that failed without a change, or that was never begun, left nothing that one that refers to it could
/// finish.
pub fn unfinished<'a>(change_set: &'a ChangeSet, state: &RunState) -> Vec<Unfinished<'a>> {
    let mut found: Vec<Unfinished<'a>> = Vec::new();
    let not_begun = |step: &&PlannedStep| step.finally && !was_begun(state.status(&step.name));
    for step in change_set.steps.iter().filter(not_begun) {
        let earlier = |name: &StepName| found.iter().find(|other| other.step == name);
        let references = step.references();
        let mut before = step.needs.iter().chain(&references);
        // What only goes after others is due whatever became of them.
        let goes_after_only = step.needs.is_empty() && references.is_empty();
        let is_due = (goes_after_only
            || before.any(|name| was_begun(state.status(name)) || earlier(name).is_some()))
            && references
                .iter()
                .all(|name| may_have_changed(state, name) || earlier(name).is_some());
        if !is_due {
            continue;
        }
        let mut waits_for = BTreeSet::new();
        for name in step.needs.iter().chain(&step.after) {
            match earlier(name) {
                Some(other) => waits_for.extend(&other.waits_for),
                None if state.status(name) == Status::Unknown => _ = waits_for.insert(name),
                None => {}
            }
        }
        let step = &step.name;
        found.push(Unfinished { step, waits_for });
    }
    found
}

fn was_begun(status: Status) -> bool {
    match status {
        Status::Intended | Status::Succeeded | Status::Failed | Status::Unknown => true,
        Status::Pending | Status::Asked | Status::Answered | Status::Retrying | Status::Skipped => {
            false
        }
    }
}

fn may_have_changed(state: &RunState, name: &StepName) -> bool {
    let has_changed = || {
        let step = state.step(name);
        let sets_a_state = step
            .current()
            .is_some_and(|attempt| attempt.class == Class::Convergent);
        match step.failure.map(|failure| failure.kind) {
            Some(FailureKind::Finding) => true,
            // Its deadline may have ended it half-way.
            Some(FailureKind::Transient) => sets_a_state,
            Some(
                FailureKind::Refused
                | FailureKind::Conflict
                | FailureKind::Unanswered
                | FailureKind::Preparation,
            )
            | None => false,
        }
    };
    match state.status(name) {
        Status::Intended | Status::Succeeded | Status::Unknown => true,
        Status::Failed => has_changed(),
        Status::Pending | Status::Asked | Status::Answered | Status::Retrying | Status::Skipped => {
            false
        }
    }
}
