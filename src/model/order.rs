//! The order of steps: what comes before what, cycles, and the order through steps that are not there.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;

use salvor_contract::Afterwards;
use salvor_contract::Effect;
use salvor_contract::StepName;

use crate::model::instance::Step;
use crate::registry::Registry;

/// Why one step waits for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Because {
    /// It says `needs`.
    Needs,
    /// It refers to an output.
    References,
    /// It says `after`.
    After,
}

/// The steps of a case.
pub type Steps = BTreeMap<StepName, Step>;

/// What a step waits for; `after` only among `within`.
fn before<'s>(
    step: &'s Step,
    within: &'s BTreeSet<StepName>,
) -> impl Iterator<Item = (&'s StepName, Because)> {
    let needs = step.needs.iter().map(|name| (name, Because::Needs));
    let references = step
        .references
        .iter()
        .map(|name| (name, Because::References));
    let after = step
        .after
        .iter()
        .filter(|name| within.contains(*name))
        .map(|name| (name, Because::After));
    needs.chain(references).chain(after)
}

/// What the steps after each step do about it, found in one pass over all. A final step that uses what it puts out
/// comes along wherever it is run.
pub struct Followers<'a> {
    given_back: BTreeSet<&'a StepName>,
    watched: BTreeSet<&'a StepName>,
}

impl<'a> Followers<'a> {
    /// Those of these steps.
    pub fn of(steps: &'a Steps, registry: &Registry) -> Self {
        // A program looks, or a person is asked.
        let only_looks = |step: &&Step| {
            let action = registry.action(&step.action);
            action.is_some_and(|action| matches!(action.effect, Effect::Read | Effect::Ask))
        };
        let finals = steps.values().filter(|step| step.finally);
        Self {
            given_back: finals.flat_map(|step| &step.references).collect(),
            watched: (steps.values().filter(only_looks))
                .flat_map(|step| [&step.needs, &step.references, &step.after])
                .flatten()
                .collect(),
        }
    }

    /// What they do about this one.
    pub fn after(&self, name: &StepName) -> Afterwards {
        Afterwards {
            is_given_back: self.given_back.contains(name),
            is_watched: self.watched.contains(name),
        }
    }
}

/// Takes steps out, as if their conditions did not hold.
pub fn leave_out(steps: &mut Steps, names: &BTreeSet<StepName>) {
    let mut gone: BTreeMap<StepName, BTreeSet<StepName>> = BTreeMap::new();
    let mut waiting: BTreeMap<StepName, BTreeSet<StepName>> = BTreeMap::new();
    for (name, step) in &*steps {
        let all = step.needs.iter().chain(&step.references).chain(&step.after);
        let all: BTreeSet<StepName> = all.cloned().collect();
        if names.contains(name) {
            gone.insert(name.clone(), all);
        } else if !all.is_disjoint(names) {
            waiting.insert(name.clone(), all.intersection(names).cloned().collect());
        }
    }
    steps.retain(|name, _| !names.contains(name));
    for step in steps.values_mut().filter(|step| !step.finally) {
        step.needs.retain(|name| !names.contains(name));
        step.after.retain(|name| !names.contains(name));
    }
    keep_order_through(steps, &gone, &waiting);
}

/// Keeps the order that went through steps that are not there: what waits for one of them goes after what
/// that one waited for. `gone` says what each of them waits for, `waiting` which of them the steps wait for.
///
/// Where the plan says the other order itself, that holds: conditions may turn an order round.
pub fn keep_order_through(
    steps: &mut Steps,
    gone: &BTreeMap<StepName, BTreeSet<StepName>>,
    waiting: &BTreeMap<StepName, BTreeSet<StepName>>,
) {
    let all: BTreeSet<StepName> = steps.keys().cloned().collect();
    for (name, names) in waiting {
        let mut seen: BTreeSet<&StepName> = BTreeSet::new();
        let mut open: Vec<&StepName> = names.iter().collect();
        while let Some(next) = open.pop() {
            if let (true, Some(behind)) = (seen.insert(next), gone.get(next)) {
                open.extend(behind);
            }
        }
        for before in seen {
            let is_there = before != name && all.contains(before);
            if is_there && !reaches(steps, &all, before, name) {
                let step = steps.get_mut(name);
                // What a `finally` step goes after may say to which runs it belongs: that is the plan's word.
                let takes = |step: &Step| {
                    let is_named = step.needs.contains(before) || step.references.contains(before);
                    let is_free = !step.needs.is_empty() || !step.references.is_empty();
                    !is_named && (is_free || !step.finally)
                };
                if let Some(step) = step.filter(|step| takes(step)) {
                    step.after.insert(before.clone());
                }
            }
        }
    }
}

/// The longest path that ends at one of these goals, and how long it takes; `None` when there is a cycle.
/// Its steps are in their order.
pub fn longest_path<'s>(
    steps: &'s Steps,
    within: &'s BTreeSet<StepName>,
    goals: &BTreeSet<StepName>,
    takes: impl Fn(&Step) -> Duration,
) -> Option<(Duration, Vec<&'s StepName>)> {
    let inside = |name: &'s StepName| {
        let step = steps.get(name)?;
        let names = before(step, within).map(|(name, _)| name);
        Some(names.filter(|name| within.contains(*name)).collect())
    };
    let mut waits: BTreeMap<&StepName, BTreeSet<&StepName>> = within
        .iter()
        .filter_map(|name| Some((name, inside(name)?)))
        .collect();
    let mut ends: BTreeMap<&StepName, (Duration, Option<&StepName>)> = BTreeMap::new();
    let mut followers: BTreeMap<&StepName, Vec<&StepName>> = BTreeMap::new();
    for (name, names) in &waits {
        for before in names {
            followers.entry(before).or_default().push(name);
        }
    }
    let is_free = |(_, names): &(&&StepName, &BTreeSet<&StepName>)| names.is_empty();
    let mut open: Vec<&StepName> = waits
        .iter()
        .filter(is_free)
        .map(|(name, _)| *name)
        .collect();
    while let Some(name) = open.pop() {
        let begins = ends.get(name).map_or(Duration::ZERO, |(at, _)| *at);
        let end = begins.saturating_add(steps.get(name).map_or(Duration::ZERO, &takes));
        ends.entry(name).or_insert((Duration::ZERO, None)).0 = end;
        for next in followers.remove(name).unwrap_or_default() {
            let known = ends.entry(next).or_insert((Duration::ZERO, None));
            if known.1.is_none() || end > known.0 {
                *known = (end, Some(name));
            }
            if let Some(names) = waits.get_mut(next) {
                names.remove(name);
                if names.is_empty() {
                    open.push(next);
                }
            }
        }
    }
    if waits.values().any(|names| !names.is_empty()) {
        return None;
    }
    let last = ends.iter().filter(|(name, _)| goals.contains(**name));
    let (last, (length, _)) = last.max_by_key(|(_, (end, _))| *end)?;
    let mut path = vec![*last];
    while let Some((_, Some(before))) = path.last().and_then(|name| ends.get(name)) {
        path.push(before);
    }
    path.reverse();
    Some((*length, path))
}

/// True when one of the two comes before the other in this set.
pub fn are_ordered(steps: &Steps, within: &BTreeSet<StepName>, a: &StepName, b: &StepName) -> bool {
    reaches(steps, within, a, b) || reaches(steps, within, b, a)
}

/// True when the step `from` comes after `to` in this set, or is it.
pub fn reaches(steps: &Steps, within: &BTreeSet<StepName>, from: &StepName, to: &StepName) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![from];
    while let Some(name) = open.pop() {
        if name == to {
            return true;
        }
        if let (true, Some(step)) = (seen.insert(name), steps.get(name)) {
            open.extend(before(step, within).map(|(name, _)| name));
        }
    }
    false
}

/// A step on the path of a walk, why it was entered, and what it waits for that was not looked at yet.
type OnPath<'s> = (&'s StepName, Because, Vec<(&'s StepName, Because)>);

/// A cycle among these steps, when there is one: each waits for the next, the last for the first.
pub fn cycle(steps: &Steps, within: &BTreeSet<StepName>) -> Option<Vec<(StepName, Because)>> {
    let mut done: BTreeSet<&StepName> = BTreeSet::new();
    for start in within {
        // A walk in depth with its own stack: a plan of 10,000 steps in a row must not end the real one.
        let mut path: Vec<OnPath<'_>> = Vec::new();
        let mut on_path: BTreeSet<&StepName> = BTreeSet::new();
        let mut enter = Some((start, Because::Needs));
        loop {
            if let Some((name, because)) = enter.take()
                && !done.contains(name)
                && let Some(step) = steps.get(name)
            {
                on_path.insert(name);
                path.push((name, because, before(step, within).collect()));
            }
            let Some((name, _, open)) = path.last_mut() else {
                break;
            };
            match open.pop() {
                None => {
                    done.insert(name);
                    on_path.remove(name);
                    path.pop();
                }
                Some((next, because)) if on_path.contains(next) => {
                    let first = path.iter().position(|(name, _, _)| *name == next)?;
                    let mut found: Vec<(StepName, Because)> = Vec::new();
                    for (index, (name, _, _)) in path.iter().enumerate().skip(first) {
                        let because = path.get(index + 1).map_or(because, |(_, b, _)| *b);
                        found.push(((*name).clone(), because));
                    }
                    return Some(found);
                }
                Some(next) => enter = Some(next),
            }
        }
    }
    None
}
