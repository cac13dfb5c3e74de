//! Where the stores of one case and their copies are, as far as it is known.

use std::collections::BTreeSet;

use crate::model::instantiate::Builder;
use crate::model::plan::Named;
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
    /// True when the plan says of both that they are at different sites, or in different accounts.
    pub(super) fn is_apart_from(&self, other: &Self) -> bool {
        self.site.differs(&other.site) || self.account.differs(&other.account)
    }

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

impl<'p> Posture<'p> {
    /// The site that took the live data along, when one of these did.
    pub(super) fn lost_site(&self, lost: &BTreeSet<String>) -> Option<&str> {
        match &self.live.site {
            Said::Now(site) if lost.contains(site) => Some(site),
            Said::Now(_) | Said::Nothing | Said::Later => None,
        }
    }

    /// The places of a store and of its copies.
    pub(super) fn of(
        store: &'p StoreDeclaration,
        builder: &Builder<'_, '_>,
        is_given: bool,
    ) -> Self {
        let copies = store.posture.copies.iter();
        Self {
            store,
            live: place(&store.posture.place, builder, is_given),
            copies: copies
                .map(|copy| (place(&copy.place, builder, is_given), copy))
                .collect(),
        }
    }

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

/// The stores that can be had: those at hand, and those of which a copy is left whose needs can be had. What a copy
/// needs that is no store of these counts as there.
pub(super) fn readable<'p>(
    postures: &[&'p Posture<'_>],
    is_at_hand: impl Fn(&Posture<'_>) -> bool,
    is_left: impl Fn(&Place) -> bool,
) -> BTreeSet<&'p str> {
    let known: BTreeSet<&str> = postures.iter().map(|posture| posture.name()).collect();
    let at_hand = postures.iter().filter(|posture| is_at_hand(posture));
    let mut found: BTreeSet<&str> = at_hand.map(|posture| posture.name()).collect();
    loop {
        let before = found.len();
        for posture in postures {
            let is_there = |need: &Named| {
                found.contains(need.name.as_str()) || !known.contains(need.name.as_str())
            };
            let mut copies = posture.copies.iter();
            if copies.any(|(place, copy)| is_left(place) && copy.needs().all(is_there)) {
                found.insert(posture.name());
            }
        }
        if found.len() == before {
            return found;
        }
    }
}

impl Policy<'_, '_> {
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

    /// What a text says in this case.
    pub(super) fn said(&self, node: Option<&Node>) -> Said {
        said(node, self.builder, self.is_given)
    }
}

fn place(written: &PlaceDeclaration, builder: &Builder<'_, '_>, is_given: bool) -> Place {
    let said = |node: &Option<Node>| said(node.as_ref(), builder, is_given);
    Place {
        site: said(&written.site),
        account: said(&written.account),
        medium: said(&written.medium),
    }
}

fn said(node: Option<&Node>, builder: &Builder<'_, '_>, is_given: bool) -> Said {
    match (node, builder.text(node, &mut Problems::new())) {
        (None, _) => Said::Nothing,
        (Some(_), Some(text)) => Said::Now(text),
        // An optional input was left out.
        (Some(_), None) if is_given => Said::Nothing,
        (Some(_), None) => Said::Later,
    }
}
