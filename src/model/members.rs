//! Chooses the steps of a run: the goals, all that they need, and the `finally` steps that belong to them.
//!
//! `check` and the graph both ask here, so that what is checked is what runs.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use salvor_contract::StepName;

use crate::model::instance::Step;
use crate::model::order::Steps;

/// The names of the steps of a run with these goals.
///
/// A step whose condition does not hold is not among the steps; who needs it goes on as if it were done, so
/// a needed name that is missing is passed over.
pub fn members<'s>(steps: &Steps, goals: impl Iterator<Item = &'s StepName>) -> BTreeSet<StepName> {
    let mut members = BTreeSet::new();
    let mut open: Vec<&StepName> = Vec::new();
    for goal in goals {
        if let Some((name, _)) = steps.get_key_value(goal) {
            open.push(name);
        }
    }
    while let Some(name) = open.pop() {
        if let Some(step) = steps.get(name)
            && members.insert(name.clone())
        {
            open.extend(step.needs.iter().chain(&step.references));
        }
    }
    add_finally_steps(steps, &mut members);
    members
}

/// What must be in the run for a `finally` step to come along: these steps, and how many of them. `None`
/// when it never does.
///
/// The steps whose outputs it refers to say what it is about; without references, the steps that it needs;
/// without these, any of those that it goes after. One that names no step at all is part of every run. Of
/// the needed steps only those count that are there, and one at least must be.
fn wanted<'s>(steps: &'s Steps, step: &'s Step) -> Option<(BTreeSet<&'s StepName>, usize)> {
    let all = |names: BTreeSet<&'s StepName>| {
        let enough = names.len();
        (names, enough)
    };
    if !step.references.is_empty() {
        return Some(all(step.references.iter().collect()));
    }
    if !step.needs.is_empty() {
        let there = step.needs.iter().filter(|name| steps.contains_key(*name));
        let there: BTreeSet<&StepName> = there.collect();
        return (!there.is_empty()).then(|| all(there));
    }
    Some((step.after.iter().collect(), step.after.len().min(1)))
}

/// Adds the `finally` steps that come along by themselves. They bring nothing with them: what else they need
/// and is not in the run is passed over.
///
/// Each step is looked at again only when one that it waits for came in, so the whole is linear in the edges.
fn add_finally_steps(steps: &Steps, members: &mut BTreeSet<StepName>) {
    let mut missing: BTreeMap<&StepName, usize> = BTreeMap::new();
    let mut waiting: BTreeMap<&StepName, Vec<&StepName>> = BTreeMap::new();
    let mut coming: Vec<&StepName> = Vec::new();
    let outside = steps
        .iter()
        .filter(|(name, step)| step.finally && !members.contains(*name));
    for (name, step) in outside {
        let Some((wanted, enough)) = wanted(steps, step) else {
            continue;
        };
        let absent: Vec<&StepName> = wanted
            .iter()
            .copied()
            .filter(|n| !members.contains(*n))
            .collect();
        let left = enough.saturating_sub(wanted.len() - absent.len());
        if left == 0 {
            coming.push(name);
        } else {
            missing.insert(name, left);
            for other in absent {
                waiting.entry(other).or_default().push(name);
            }
        }
    }
    while let Some(name) = coming.pop() {
        if !members.insert(name.clone()) {
            continue;
        }
        for other in waiting.remove(name).unwrap_or_default() {
            if let Some(left) = missing.get_mut(other) {
                *left = left.saturating_sub(1);
                if *left == 0 {
                    coming.push(other);
                }
            }
        }
    }
}
