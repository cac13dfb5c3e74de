//! The steps that really decided when a run ended.
//!
//! Walked backwards from the step that ended last: before each step stands what it had to wait for until it
//! began. That is the last of the steps that it waits for; or, when that had ended before, the step that gave back
//! the slot or the target which it lacked; or, for a step that runs whatever happens, what ended last before it.

use std::collections::BTreeMap;

use salvor_contract::StepName;

use crate::change_set::ChangeSet;
use crate::change_set::PlannedStep;
use crate::journal::RunState;
use crate::journal::state::Moment;
use crate::report::run_report::course::busy_until;

/// A step that was begun, in milliseconds from the opening of the run.
struct Ran<'a> {
    planned: &'a PlannedStep,
    began: u64,
    ended: u64,
}

/// The steps that decided the end, first to last. One that goes on ends with the last record.
pub(super) fn deciding(
    change_set: &ChangeSet,
    state: &RunState,
    began: &BTreeMap<StepName, Moment>,
) -> Vec<StepName> {
    let ran: Vec<Ran<'_>> = change_set
        .steps
        .iter()
        .filter_map(|planned| {
            let began = began.get(&planned.name)?;
            let ended = busy_until(state.steps.get(&planned.name)?, state.last);
            Some(Ran {
                planned,
                began: began.run_ms,
                ended: ended.run_ms,
            })
        })
        .collect();
    let mut path = Vec::new();
    let mut at = last_of(ran.iter());
    while let Some(step) = at {
        path.push(step.planned.name.clone());
        at = awaited(change_set, &ran, step).filter(|before| !path.contains(&before.planned.name));
    }
    path.reverse();
    path
}

/// The one that ended last; of two, the later one in the order of the run.
fn last_of<'a, 'b>(steps: impl Iterator<Item = &'b Ran<'a>>) -> Option<&'b Ran<'a>>
where
    'a: 'b,
{
    steps.max_by_key(|step| step.ended)
}

fn awaited<'a, 'b>(
    change_set: &ChangeSet,
    ran: &'b [Ran<'a>],
    step: &Ran<'_>,
) -> Option<&'b Ran<'a>> {
    let waits_for = |other: &&Ran<'_>| {
        let name = &other.planned.name;
        step.planned.needs.contains(name) || step.planned.after.contains(name)
    };
    let is_before =
        |other: &&Ran<'_>| other.ended <= step.began && other.planned.name != step.planned.name;
    let before = || ran.iter().filter(is_before);
    let needed = last_of(before().filter(waits_for));
    let ready = needed.map_or(0, |needed| needed.ended);
    let lacked = before()
        .filter(|other| other.ended > ready)
        .filter(|other| gave_way(change_set, ran, other, step));
    let lacked = last_of(lacked).or(needed);
    if step.planned.finally {
        lacked.or_else(|| last_of(before()))
    } else {
        lacked
    }
}

/// Whether the end of one step gave another what it lacked: a target, a slot of its provider, a slot at all.
fn gave_way(change_set: &ChangeSet, ran: &[Ran<'_>], ended: &Ran<'_>, step: &Ran<'_>) -> bool {
    let target = ended.planned.writes.first();
    if target.is_some() && target == step.planned.writes.first() {
        return true;
    }
    if ended.planned.asks || step.planned.asks {
        return false;
    }
    let limits = &change_set.limits;
    let provider = step.planned.action.provider();
    let beside: Vec<&Ran<'_>> = ran
        .iter()
        .filter(|other| !other.planned.asks)
        .filter(|other| other.began < ended.ended && other.ended >= ended.ended)
        .collect();
    let is_of_provider = |other: &&&Ran<'_>| other.planned.action.provider() == provider;
    let of_provider = beside.iter().filter(is_of_provider).count();
    beside.len() >= limits.parallel
        || (ended.planned.action.provider() == provider
            && limits
                .providers
                .get(provider)
                .is_some_and(|limit| of_provider >= *limit))
}
