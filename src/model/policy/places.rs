//! Where the stores of one case and their copies are, as far as it is known.

use std::collections::BTreeSet;

use crate::model::plan::StoreDeclaration;
use crate::model::policy::numbers::Policy;
use crate::model::posture::CopyDeclaration;
use crate::model::posture::PlaceDeclaration;
use crate::plan_file::Node;
use crate::plan_file::Problems;

/// A text of the plan that inputs may say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// The plan does not say it.
    Nothing,
    /// An input says it that was not given yet.
    Later,
    /// It is this.
    Now(String),
}

impl Said {
    /// True when both are known and differ.
    pub(super) fn differs(&self, other: &Self) -> bool {
        matches!((self, other), (Self::Now(a), Self::Now(b)) if a != b)
    }

    /// True when it is known to be none of these.
    pub(super) fn is_outside(&self, sites: &BTreeSet<String>) -> bool {
        matches!(self, Self::Now(site) if !sites.contains(site))
    }
}

/// Where something is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) site: Said,
    pub(super) account: Said,
    pub(super) medium: Said,
}

impl Place {
    fn is_open(&self) -> bool {
        [&self.site, &self.account, &self.medium].contains(&&Said::Later)
    }
}

/// A store and its copies with their places.
pub(super) struct Posture<'p> {
    pub(super) store: &'p StoreDeclaration,
    pub(super) live: Place,
    pub(super) copies: Vec<(Place, &'p CopyDeclaration)>,
}

impl Posture<'_> {
    /// True when inputs that were not given yet decide about it: it is judged once they are.
    pub(super) fn is_open(&self) -> bool {
        self.live.is_open() || self.copies.iter().any(|(place, _)| place.is_open())
    }

    /// The places of the live data and of the copies.
    pub(super) fn places(&self) -> impl Iterator<Item = &Place> {
        std::iter::once(&self.live).chain(self.copies.iter().map(|(place, _)| place))
    }

    /// The store's name.
    pub(super) fn name(&self) -> &str {
        &self.store.name.name
    }
}

impl Policy<'_, '_> {
    /// The places of a store of this case.
    pub(super) fn posture(&self, name: &str) -> Option<Posture<'_>> {
        let store = *self.judged.resolution.stores.get(name)?;
        let copies = store.posture.copies.iter();
        Some(Posture {
            store,
            live: self.place_at(&store.posture.place),
            copies: copies
                .map(|copy| (self.place_at(&copy.place), copy))
                .collect(),
        })
    }

    /// The places of all stores of this case.
    pub(super) fn postures(&self) -> Vec<Posture<'_>> {
        let names = self.judged.resolution.stores.keys();
        names.filter_map(|name| self.posture(name)).collect()
    }

    /// Adds the problems of the texts themselves.
    pub(super) fn places(&self, problems: &mut Problems) {
        for store in self.judged.resolution.stores.values() {
            let copies = store.posture.copies.iter().map(|copy| &copy.place);
            for place in std::iter::once(&store.posture.place).chain(copies) {
                for node in [&place.site, &place.account, &place.medium] {
                    self.builder.text(node.as_ref(), problems);
                }
            }
        }
        let plan = self.judged.resolution.plan;
        let lost = plan.scenarios.iter().flat_map(|scenario| &scenario.lost);
        for node in lost.chain(&plan.policies.state_site) {
            self.builder.text(Some(node), problems);
        }
    }

    fn place_at(&self, written: &PlaceDeclaration) -> Place {
        Place {
            site: self.said(written.site.as_ref()),
            account: self.said(written.account.as_ref()),
            medium: self.said(written.medium.as_ref()),
        }
    }

    /// What a text says in this case.
    pub(super) fn said(&self, node: Option<&Node>) -> Said {
        match (node, self.builder.text(node, &mut Problems::new())) {
            (None, _) => Said::Nothing,
            (Some(_), Some(text)) => Said::Now(text),
            // An optional input was left out.
            (Some(_), None) if self.is_given => Said::Nothing,
            (Some(_), None) => Said::Later,
        }
    }
}
