//! A failed site: what a scenario needs must not be lost with it.

use std::collections::BTreeSet;

use salvor_contract::StepName;

use crate::model::plan::Named;
use crate::model::plan::ScenarioDeclaration;
use crate::model::policy::numbers::Policy;
use crate::model::policy::places::Place;
use crate::model::policy::places::Posture;
use crate::model::policy::places::Said;
use crate::model::policy::places::readable;
use crate::model::posture::CopyDeclaration;
use crate::plan_file::Code;
use crate::plan_file::Position;
use crate::plan_file::Problem;
use crate::plan_file::Problems;

impl Policy<'_, '_> {
    /// Copies, what opens them, and the plan's state, against the sites that the scenario says are lost.
    pub(super) fn lost_sites(
        &self,
        scenario: &ScenarioDeclaration,
        within: &BTreeSet<StepName>,
        problems: &mut Problems,
    ) {
        let Some(first) = scenario.lost.first() else {
            return;
        };
        let Some(lost) = self.lost(scenario) else {
            return;
        };
        self.refuse_unknown_sites(scenario, problems);
        self.state_survives(&lost, first.at, problems);
        let postures: Vec<&Posture<'_>> = self.postures().collect();
        let left = Left::of(&postures, &lost);
        for (_, posture) in self.restores(within) {
            if !posture.is_open() {
                survives(posture, &left, first.at, problems);
            }
        }
        self.brought_back(scenario, within, &lost, problems);
        self.fenced(within, &lost, first.at, problems);
    }

    /// The sites that a scenario loses; `None` when one of them is known only later.
    pub(super) fn lost(&self, scenario: &ScenarioDeclaration) -> Option<BTreeSet<String>> {
        let mut lost = BTreeSet::new();
        for node in &scenario.lost {
            match self.said(Some(node)) {
                Said::Now(site) => {
                    lost.insert(site);
                }
                Said::Nothing => {}
                Said::Later => return None,
            }
        }
        Some(lost)
    }

    fn refuse_unknown_sites(&self, scenario: &ScenarioDeclaration, problems: &mut Problems) {
        if self.postures().any(Posture::is_open) {
            return;
        }
        let known: BTreeSet<&str> = self
            .postures()
            .flat_map(Posture::places)
            .filter_map(|place| match &place.site {
                Said::Now(site) => Some(site.as_str()),
                Said::Nothing | Said::Later => None,
            })
            .collect();
        for node in &scenario.lost {
            if let Said::Now(site) = self.said(Some(node))
                && !known.contains(site.as_str())
            {
                problems.push(
                    Problem::error(Code::LostSite, format!("nothing is at `{site}`"))
                        .at(node.at, "not the site of a store or copy")
                        .meant(node.at, &site, known.iter().copied()),
                );
            }
        }
    }

    fn state_survives(&self, lost: &BTreeSet<String>, at: Position, problems: &mut Problems) {
        let plan = self.judged.resolution.plan;
        match (
            self.said(plan.policies.state_site.as_ref()),
            &plan.policies.state_site,
        ) {
            (Said::Now(site), Some(node)) if lost.contains(&site) => problems.push(
                Problem::error(
                    Code::LostSite,
                    format!("the plan's state is lost with `{site}`"),
                )
                .at(node.at, "its runs and locks are here")
                .and_at(at, "lost here")
                .help("keep `state` at a site that no scenario loses"),
            ),
            // A folder is where the operator is.
            (Said::Nothing, _) if !plan.state.settings.is_address() => {}
            (Said::Nothing, _) => problems.push(
                Problem::error(
                    Code::LostSite,
                    "whether the plan's state survives cannot be judged".to_owned(),
                )
                .at(at, "the plan does not say where its state is")
                .help("write state-site = \"…\" in [policies]"),
            ),
            (Said::Now(_) | Said::Later, _) => {}
        }
    }
}

/// What is left of the stores when sites are lost.
struct Left<'p> {
    postures: &'p [&'p Posture<'p>],
    lost: &'p BTreeSet<String>,
    /// The stores that can surely be had.
    surely: BTreeSet<&'p str>,
    /// Those that can be had if all that the plan does not place is elsewhere.
    perhaps: BTreeSet<&'p str>,
}

impl<'p> Left<'p> {
    fn of(postures: &'p [&'p Posture<'p>], lost: &'p BTreeSet<String>) -> Self {
        let is_outside = |place: &Place| place.site.is_outside(lost);
        let may_be_outside = |place: &Place| is_outside(place) || place.site == Said::Nothing;
        Self {
            postures,
            lost,
            surely: readable(
                postures,
                |posture| posture.is_open() || is_outside(&posture.live),
                is_outside,
            ),
            perhaps: readable(
                postures,
                |posture| posture.is_open() || may_be_outside(&posture.live),
                may_be_outside,
            ),
        }
    }

    /// The first store that is missing on the way to what a copy needs: what is needed itself, or what its own copies
    /// need.
    fn missing<'n>(&'n self, need: &'n str, there: &BTreeSet<&str>) -> &'n str {
        let mut seen = BTreeSet::from([need]);
        let mut at = need;
        loop {
            let posture = self.postures.iter().find(|posture| posture.name() == at);
            let mut needs = posture
                .into_iter()
                .flat_map(|posture| &posture.copies)
                .filter(|(place, _)| place.site.is_outside(self.lost))
                .flat_map(|(_, copy)| copy.needs());
            let is_next = |name: &&str| !there.contains(name) && !seen.contains(name);
            match needs
                .by_ref()
                .map(|named| named.name.as_str())
                .find(is_next)
            {
                Some(next) => {
                    seen.insert(next);
                    at = next;
                }
                None => return at,
            }
        }
    }
}

fn survives(posture: &Posture<'_>, left: &Left<'_>, at: Position, problems: &mut Problems) {
    let name = posture.name();
    let Some(copies_at) = posture.store.posture.copies_at else {
        problems.push(
            Problem::error(
                Code::LostSite,
                format!("whether a copy of `{name}` survives cannot be judged"),
            )
            .at(
                posture.store.name.at,
                "the plan does not say where its copies are",
            )
            .and_at(at, "lost here")
            .help(format!(
                "write copies = [{{ site = \"…\" }}] in [stores.{name}]"
            )),
        );
        return;
    };
    let copies: Vec<&CopyDeclaration> = posture
        .copies
        .iter()
        .filter(|(place, _)| place.site.is_outside(left.lost))
        .map(|(_, copy)| *copy)
        .collect();
    if copies.is_empty() {
        problems.push(
            Problem::error(Code::LostSite, format!("every copy of `{name}` is lost"))
                .at(copies_at, "none is at another site")
                .and_at(at, "lost here")
                .help("keep one copy at a site that the scenario does not lose"),
        );
        return;
    }
    // What keeps each copy from being read; a store of another case keeps none.
    let closed_by = |there: &BTreeSet<&str>| -> Option<&Named> {
        let is_missing = |need: &&Named| {
            let mut known = left.postures.iter();
            known.any(|other| other.name() == need.name) && !there.contains(need.name.as_str())
        };
        let closed = copies.iter().map(|copy| copy.needs().find(is_missing));
        closed.collect::<Option<Vec<&Named>>>()?.first().copied()
    };
    if let Some(need) = closed_by(&left.perhaps) {
        let missing = left.missing(&need.name, &left.perhaps);
        let label = match missing == need.name {
            true => "no copy that is left can be read without it".to_owned(),
            false => {
                format!("no copy that is left can be read without it, nor it without `{missing}`")
            }
        };
        problems.push(
            Problem::error(
                Code::LostSite,
                format!("`{missing}` is lost, and with it the copies of `{name}`"),
            )
            .at(need.at, label)
            .and_at(at, "lost here")
            .help(format!(
                "write in [stores.{missing}] at which other site it is: copies = [{{ site = \"…\" }}]"
            )),
        );
    } else if let Some(need) = closed_by(&left.surely) {
        let missing = left.missing(&need.name, &left.surely);
        problems.push(
            Problem::error(
                Code::LostSite,
                format!("whether a copy of `{name}` can be read cannot be judged"),
            )
            .at(
                need.at,
                format!("the plan does not say where `{missing}` is"),
            )
            .and_at(at, "lost here")
            .help(format!("write `site` in [stores.{missing}]")),
        );
    }
}
