//! The steps that really decided when a run ended.
//!
//! Walked backwards from the step that ended last: before each step stands what it had to wait for until it
//! began. That is the last of the steps that it waits for; or, when that had ended before, the step that gave back
//! the slot or the target which it lacked; or, for a step that runs whatever happens, what ended last before it.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use salvor_contract::StepName;

use crate::change_set::ChangeSet;
use crate::change_set::PlannedStep;
use crate::journal::RunState;
use crate::journal::state::Moment;
use crate::model::instance::Limits;
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
    let ran = change_set.steps.iter().filter_map(|planned| {
        let began = began.get(&planned.name)?;
        let ended = busy_until(state.steps.get(&planned.name)?, state.last);
        Some(Ran {
            planned,
            began: began.run_ms,
            ended: ended.run_ms,
        })
    });
    let past = Past::new(ran.collect(), &change_set.limits);
    let mut path = Vec::new();
    let mut seen = BTreeSet::new();
    let mut at = past.by_end.last();
    while let Some(step) = at.filter(|step| seen.insert(&step.planned.name)) {
        path.push(step.planned.name.clone());
        at = past.awaited(step);
    }
    path.reverse();
    path
}

/// The steps that were begun, sorted so that each question about them is a search: a run may have thousands.
struct Past<'a> {
    /// The earliest end first; of two, the earlier one in the order of the run.
    by_end: Vec<Ran<'a>>,
    /// Where each is in `by_end`.
    places: BTreeMap<&'a StepName, usize>,
    limits: &'a Limits,
    /// Those that take a slot.
    all: Slots,
    /// Those that take a slot of a provider.
    of_provider: BTreeMap<&'a str, Slots>,
}

/// When steps that take a slot began and ended, both sorted.
#[derive(Default)]
struct Slots {
    began: Vec<u64>,
    ended: Vec<u64>,
}

impl Slots {
    fn add(&mut self, ran: &Ran<'_>) {
        self.began.push(ran.began);
        self.ended.push(ran.ended);
    }

    fn sort(&mut self) {
        self.began.sort_unstable();
        self.ended.sort_unstable();
    }

    /// How many were taken right before this moment: by those that had begun, but for those that had ended.
    fn taken_before(&self, at: u64) -> usize {
        let before = |moments: &[u64]| moments.partition_point(|moment| *moment < at);
        before(&self.began).saturating_sub(before(&self.ended))
    }
}

impl<'a> Past<'a> {
    fn new(mut by_end: Vec<Ran<'a>>, limits: &'a Limits) -> Self {
        by_end.sort_by_key(|ran| ran.ended);
        let (mut all, mut of_provider) = (Slots::default(), BTreeMap::<&str, Slots>::new());
        for ran in by_end.iter().filter(|ran| !ran.planned.asks) {
            all.add(ran);
            let provider = ran.planned.action.provider();
            of_provider.entry(provider).or_default().add(ran);
        }
        all.sort();
        of_provider.values_mut().for_each(Slots::sort);
        let names = by_end.iter().map(|ran| &ran.planned.name);
        Self {
            places: names.zip(0..).collect(),
            by_end,
            limits,
            all,
            of_provider,
        }
    }

    /// What a step had to wait for until it began.
    fn awaited(&self, step: &Ran<'_>) -> Option<&Ran<'a>> {
        let until = self
            .by_end
            .partition_point(|other| other.ended <= step.began);
        let names = step.planned.needs.iter().chain(&step.planned.after);
        let needed = names
            .filter_map(|name| self.places.get(name).copied())
            .filter(|place| *place < until)
            .max()
            .and_then(|place| self.by_end.get(place));
        let ready = needed.map_or(0, |needed| needed.ended);
        let is_other = |other: &&Ran<'_>| other.planned.name != step.planned.name;
        let before = || self.by_end[..until].iter().rev().filter(is_other);
        let lacked = before()
            .take_while(|other| other.ended > ready)
            .find(|other| self.gave_way(other, step));
        let lacked = lacked.or(needed);
        if step.planned.finally {
            lacked.or_else(|| before().next())
        } else {
            lacked
        }
    }

    /// Whether the end of one step gave another what it lacked: a target, a slot of its provider, a slot at all.
    fn gave_way(&self, ended: &Ran<'_>, step: &Ran<'_>) -> bool {
        let target = ended.planned.writes.first();
        if target.is_some() && target == step.planned.writes.first() {
            return true;
        }
        if ended.planned.asks || step.planned.asks {
            return false;
        }
        let provider = step.planned.action.provider();
        let is_full = |limit: usize, slots: Option<&Slots>| {
            slots.is_some_and(|slots| slots.taken_before(ended.ended) >= limit)
        };
        is_full(self.limits.parallel, Some(&self.all))
            || (ended.planned.action.provider() == provider
                && self
                    .limits
                    .providers
                    .get(provider)
                    .is_some_and(|limit| is_full(*limit, self.of_provider.get(provider))))
    }
}
