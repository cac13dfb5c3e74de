//! Which steps are done again, when a run goes on, because a `finally` step ran before its time.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use salvor_contract::StepName;

use crate::change_set::ChangeSet;
use crate::change_set::PlannedStep;
use crate::journal::Status;
use crate::model::instance::OnFailure;

/// The steps that were done and have to be done again when the run goes on as it stands, retries recorded.
///
/// A `finally` step that ran after a failure has undone what an earlier step had prepared. With `stop`, `load`,
/// `migrate` and a final `start`, a retry of `load` must stop the scheduler once more, and start it again
/// afterwards: whatever of the steps before `start` failed, and whether `start` needs it or only comes after it.
///
/// What a final step has undone is what writes the same thing. Only where neither says what it writes do its
/// references tell: to do a restore again because its endpoint is used would repeat an effect.
pub fn reopened_by(
    change_set: &ChangeSet,
    status: impl Fn(&StepName) -> Status,
) -> BTreeSet<StepName> {
    let steps = &change_set.steps;
    // While a failure stops the run nothing but final steps starts.
    let is_stopped = |step: &PlannedStep| match status(&step.name) {
        Status::Failed => step.on_failure == OnFailure::Stop,
        Status::Pending
        | Status::Asked
        | Status::Answered
        | Status::Intended
        | Status::Retrying
        | Status::Succeeded
        // It is looked for again, and what follows goes on when it is found.
        | Status::Unknown
        | Status::Skipped => false,
    };
    if steps.iter().any(is_stopped) {
        return BTreeSet::new();
    }
    let place: BTreeMap<&StepName, usize> = steps
        .iter()
        .enumerate()
        .map(|(place, step)| (&step.name, place))
        .collect();
    let will_run = will_run(change_set, &status);
    let is_done = |name: &StepName| status(name) == Status::Succeeded;
    let mut reopened = BTreeSet::new();
    for last in steps
        .iter()
        .filter(|step| step.finally && is_done(&step.name))
    {
        let before = before(steps, &place, last);
        if !before.iter().any(|step| will_run.contains(step)) {
            continue;
        }
        reopened.insert(last.name.clone());
        let undone = before
            .iter()
            .map(|name| &steps[place[*name]])
            .filter(|step| is_done(&step.name) && undoes(last, step));
        reopened.extend(undone.map(|step| step.name.clone()));
    }
    reopened
}

/// The steps that start, or go on, when the run goes on.
fn will_run<'a>(
    change_set: &'a ChangeSet,
    status: &impl Fn(&StepName) -> Status,
) -> BTreeSet<&'a StepName> {
    let mut will_run = BTreeSet::new();
    // Steps stand in an order in which each comes after all that it waits for.
    for step in &change_set.steps {
        let is_open = match status(&step.name) {
            Status::Pending
            | Status::Asked
            | Status::Answered
            | Status::Intended
            | Status::Retrying
            | Status::Unknown
            | Status::Skipped => true,
            Status::Succeeded | Status::Failed => false,
        };
        let may_start = |name: &StepName| {
            status(name) == Status::Succeeded || will_run.contains(name) || step.finally
        };
        if is_open && step.needs.iter().all(may_start) {
            will_run.insert(&step.name);
        }
    }
    will_run
}

/// All steps that a step waits for, directly or not.
fn before<'a>(
    steps: &'a [PlannedStep],
    place: &BTreeMap<&StepName, usize>,
    of: &'a PlannedStep,
) -> BTreeSet<&'a StepName> {
    let mut found = BTreeSet::new();
    let mut open = vec![of];
    while let Some(step) = open.pop() {
        for name in step.needs.iter().chain(&step.after) {
            if found.insert(name) {
                open.push(&steps[place[name]]);
            }
        }
    }
    found
}

fn undoes(last: &PlannedStep, step: &PlannedStep) -> bool {
    if last.writes.is_empty() && step.writes.is_empty() {
        return last.references().contains(&step.name);
    }
    step.writes
        .iter()
        .any(|target| last.writes.contains(target))
}

#[cfg(test)]
mod tests {
    use salvor_contract::StepName;
    use serde_json::json;

    use super::reopened_by;
    use crate::execution::sample::change_set;
    use crate::execution::sample::step;
    use crate::journal::Status;

    #[test]
    fn a_retry_prepares_again_what_a_finally_step_has_undone() {
        let mut start = step("start", &["infra", "stop", "load"]);
        start.finally = true;
        start
            .with
            .set("replicas", json!({"$template": "{{steps.stop.previous}}"}));
        let set = change_set(vec![
            step("infra", &[]),
            step("stop", &[]),
            step("load", &["stop"]),
            start,
        ]);
        let status = |name: &StepName| match name.as_str() {
            "load" => Status::Pending,
            _ => Status::Succeeded,
        };
        let names: Vec<String> = reopened_by(&set, status)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(names, ["start", "stop"]);
    }
}
