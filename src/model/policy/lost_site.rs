//! A failed site: what a scenario needs must not be lost with it.

use std::collections::BTreeSet;

use salvor_contract::StepName;

use crate::model::plan::Named;
use crate::model::plan::ScenarioDeclaration;
use crate::model::policy::numbers::Policy;
use crate::model::policy::places::Posture;
use crate::model::policy::places::Said;
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
        let said: Vec<Said> = scenario
            .lost
            .iter()
            .map(|node| self.said(Some(node)))
            .collect();
        if said.contains(&Said::Later) {
            return;
        }
        let lost: BTreeSet<String> = said
            .into_iter()
            .filter_map(|said| match said {
                Said::Now(site) => Some(site),
                Said::Nothing | Said::Later => None,
            })
            .collect();
        self.refuse_unknown_sites(scenario, problems);
        self.state_survives(&lost, first.at, problems);
        for (_, posture) in self.restores(within) {
            if !posture.is_open() {
                self.survives(posture, &lost, first.at, problems);
            }
        }
        self.brought_back(scenario, within, &lost, problems);
        self.fenced(within, &lost, first.at, problems);
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
        // A folder is where the operator is.
        if !plan.state.contains("://") {
            return;
        }
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

    fn survives(
        &self,
        posture: &Posture<'_>,
        lost: &BTreeSet<String>,
        at: Position,
        problems: &mut Problems,
    ) {
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
        let left: Vec<_> = posture
            .copies
            .iter()
            .filter(|(place, _)| place.site.is_outside(lost))
            .collect();
        if left.is_empty() {
            problems.push(
                Problem::error(Code::LostSite, format!("every copy of `{name}` is lost"))
                    .at(copies_at, "none is at another site")
                    .and_at(at, "lost here")
                    .help("keep one copy at a site that the scenario does not lose"),
            );
            return;
        }
        let needed = |need: &&Named| !self.is_left(&need.name, lost);
        let closed: Vec<&Named> = left
            .iter()
            .filter_map(|(_, copy)| copy.needs().find(needed))
            .collect();
        if let (true, Some(need)) = (closed.len() == left.len(), closed.first()) {
            problems.push(
                Problem::error(
                    Code::LostSite,
                    format!(
                        "`{}` is lost, and with it the copies of `{name}`",
                        need.name
                    ),
                )
                .at(need.at, "no copy that is left can be read without it")
                .and_at(at, "lost here")
                .help(format!(
                    "write in [stores.{}] at which other site it is: copies = [{{ site = \"…\" }}]",
                    need.name
                )),
            );
        }
    }

    /// True when a store, or a copy of it, is at a site that is not lost; true as well while that is not known.
    fn is_left(&self, name: &str, lost: &BTreeSet<String>) -> bool {
        let Some(posture) = self.posture(name) else {
            return true;
        };
        posture.is_open() || posture.places().any(|place| place.site.is_outside(lost))
    }
}
