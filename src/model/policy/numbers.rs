//! What the plan's own numbers say of a store, and where they are written.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use salvor_contract::Period;
use salvor_contract::StepName;

use crate::model::check::Judged;
use crate::model::instance::Store;
use crate::model::instance::StoreRole;
use crate::model::instantiate::Builder;
use crate::model::policy::places::Posture;
use crate::model::schedule;
use crate::plan_file::Node;
use crate::plan_file::Position;
use crate::plan_file::Problems;

/// The plan of one case, held against its policies.
pub(super) struct Policy<'r, 'a> {
    /// Where its stores and their copies are, by name: asked for many times and worked out once.
    postures: BTreeMap<&'a str, Posture<'a>>,
    /// The plan for the case.
    pub(super) judged: &'r Judged<'r, 'a>,
    /// What made it.
    pub(super) builder: &'r Builder<'r, 'a>,
    /// Whether the inputs are those that were given: then all that can be known is known.
    pub(super) is_given: bool,
}

impl<'r, 'a> Policy<'r, 'a> {
    /// With `is_given` the inputs are those that were given.
    pub(super) fn new(
        judged: &'r Judged<'r, 'a>,
        builder: &'r Builder<'r, 'a>,
        is_given: bool,
    ) -> Self {
        let stores = judged.resolution.stores.iter();
        let postures = stores
            .map(|(name, store)| (*name, Posture::of(store, builder, is_given)))
            .collect();
        Self {
            postures,
            judged,
            builder,
            is_given,
        }
    }

    /// The places of a store of this case.
    pub(super) fn posture(&self, name: &str) -> Option<&Posture<'a>> {
        self.postures.get(name)
    }

    /// The places of all stores of this case.
    pub(super) fn postures(&self) -> impl Iterator<Item = &Posture<'a>> {
        self.postures.values()
    }
}

impl Policy<'_, '_> {
    pub(super) fn place(&self, store: &str) -> Option<Position> {
        let declared = self.judged.resolution.stores.get(store)?;
        Some(declared.name.at)
    }

    /// The first of these keys of the store's `backup` that is there, else the store.
    pub(super) fn backup_place(&self, store: &str, keys: &[&str]) -> Option<Position> {
        let declared = self.judged.resolution.stores.get(store)?;
        let written = declared.backup_written.as_ref().and_then(Node::table);
        let entry = keys.iter().find_map(|key| written?.entry(key));
        Some(entry.map_or(declared.name.at, |entry| entry.key_at))
    }

    /// How far apart the recovery points of a store lie, by the plan's own numbers.
    pub(super) fn interval(&self, name: &str, store: &Store) -> Option<Period> {
        let of = |schedule: &Option<String>| {
            schedule
                .as_ref()
                .and_then(|text| schedule::interval(text).ok())
        };
        let by_set = self
            .judged
            .resolution
            .plan
            .sets
            .iter()
            .filter(|set| set.members.iter().any(|member| member.name == name))
            .filter_map(|set| {
                self.builder
                    .text(set.schedule.as_ref(), &mut Problems::new())
            })
            .filter_map(|text| schedule::interval(&text).ok())
            .min();
        let by_window = match (store.backup.pitr, store.backup.interval) {
            (Some(_), Some(interval)) => Some(interval),
            // A window without its lag: every moment, as far as the plan says.
            (Some(_), None) => Some(Period::ZERO),
            (None, interval) => interval,
        };
        [of(&store.backup.schedule), by_set, by_window]
            .into_iter()
            .flatten()
            .min()
    }

    /// How long the points of a store are kept, by the plan's own numbers.
    pub(super) fn kept(&self, name: &str, store: &Store) -> Option<Period> {
        let by_set = self
            .judged
            .resolution
            .plan
            .sets
            .iter()
            .filter(|set| set.members.iter().any(|member| member.name == name))
            .filter_map(|set| self.builder.period(set.ttl.as_ref(), &mut Problems::new()))
            .max();
        store.backup.kept().max(by_set)
    }

    pub(super) fn restored(&self, within: &BTreeSet<StepName>) -> BTreeSet<String> {
        within
            .iter()
            .filter_map(|name| self.judged.steps.get(name)?.store.as_ref())
            .filter(|(role, _)| *role == StoreRole::Restore)
            .map(|(_, store)| store.as_str().to_owned())
            .collect()
    }
}
