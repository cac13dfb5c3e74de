//! A failed site, seen from what was there: every store comes back, and the old one does not.

use std::collections::BTreeSet;

use salvor_contract::StepName;

use crate::model::condition::Condition;
use crate::model::instance::StoreClass;
use crate::model::instance::StoreRole;
use crate::model::order::reaches;
use crate::model::plan::ScenarioDeclaration;
use crate::model::plan::StepDeclaration;
use crate::model::policy::numbers::Policy;
use crate::model::policy::places::Posture;
use crate::plan_file::Code;
use crate::plan_file::Position;
use crate::plan_file::Problem;
use crate::plan_file::Problems;

impl Policy<'_, '_> {
    /// A store whose live data is lost is restored or made again, or goes on from a copy that is left.
    pub(super) fn brought_back(
        &self,
        scenario: &ScenarioDeclaration,
        within: &BTreeSet<StepName>,
        lost: &BTreeSet<String>,
        problems: &mut Problems,
    ) {
        let restored = self.restored(within);
        let is_named = |name: &str| {
            let mut rebuilt = self.declared(within).flat_map(|(_, step)| &step.rebuilds);
            restored.contains(name) || rebuilt.any(|store| store.name == name)
        };
        for posture in self.postures() {
            let Some(site) = posture.lost_site(lost) else {
                continue;
            };
            let comes_back = match posture.store.class {
                // Whether a key is missed is told by the copies that it opens.
                StoreClass::Ephemeral | StoreClass::Key => true,
                // What is read where it is, and need not be made again.
                StoreClass::Replicated | StoreClass::External | StoreClass::InGit => {
                    has_copy(posture, lost) || is_named(posture.name())
                }
                StoreClass::Authoritative | StoreClass::Rebuildable => is_named(posture.name()),
            };
            if comes_back {
                continue;
            }
            let name = &scenario.name.name;
            let problem = Problem::warning(
                Code::NotBroughtBack,
                format!("nothing in `{name}` brings back `{}`", posture.name()),
            )
            .at(posture.store.name.at, format!("lost with `{site}`"))
            .help("restore it in a step that the scenario needs, or name it with `rebuilds` in the step that makes it again");
            problems.push(match scenario.lost.first() {
                Some(node) => problem.and_at(node.at, "lost here"),
                None => problem,
            });
        }
    }

    /// A site that only cannot be reached comes back, with its writers: what is restored beside the old data is fenced
    /// before. A step that `destroys` leaves nothing old behind.
    pub(super) fn fenced(
        &self,
        within: &BTreeSet<StepName>,
        lost: &BTreeSet<String>,
        lost_at: Position,
        problems: &mut Problems,
    ) {
        for (name, posture) in self.restores(within) {
            let Some(declared) = self.judged.resolution.steps.get(name.as_str()) else {
                continue;
            };
            let holds = |when: &Condition| when.holds(self.judged.resolution.case);
            let destroys = declared.destroys.as_ref();
            let is_over = destroys.is_some_and(|(_, when)| when.as_ref().is_none_or(holds));
            let is_judged = posture.store.class == StoreClass::Authoritative && !is_over;
            let Some(site) = posture.lost_site(lost).filter(|_| is_judged) else {
                continue;
            };
            let fences: Vec<&StepName> = self.fences_of(posture.name(), within).collect();
            let goes_before = |fence: &&StepName| reaches(&self.judged.steps, within, name, fence);
            if !fences.iter().any(goes_before) {
                let problem = unfenced(posture.name(), site, fences.first().copied());
                let label = match fences.first() {
                    Some(fence) => format!("`{fence}` need not go before it"),
                    None => "no step of the run fences the old one".to_owned(),
                };
                problems.push(
                    problem
                        .at(declared.name.at, label)
                        .and_at(lost_at, "lost here"),
                );
            }
        }
    }

    /// The steps of a run that fence a store.
    fn fences_of<'s>(
        &'s self,
        store: &'s str,
        within: &'s BTreeSet<StepName>,
    ) -> impl Iterator<Item = &'s StepName> {
        let fences = move |step: &StepDeclaration| step.fences.iter().any(|f| f.name == store);
        let declared = self.declared(within);
        declared
            .filter(move |(_, step)| fences(step))
            .map(|(name, _)| name)
    }

    /// The steps of a run as they are written.
    fn declared<'s>(
        &'s self,
        within: &'s BTreeSet<StepName>,
    ) -> impl Iterator<Item = (&'s StepName, &'s StepDeclaration)> {
        let steps = &self.judged.resolution.steps;
        within
            .iter()
            .filter_map(|name| Some((name, *steps.get(name.as_str())?)))
    }

    /// The stores of a run that its steps restore or verify.
    pub(super) fn touched(&self, within: &BTreeSet<StepName>) -> BTreeSet<String> {
        within
            .iter()
            .filter_map(|name| self.judged.steps.get(name)?.store.as_ref())
            .filter(|(role, _)| match role {
                StoreRole::Restore | StoreRole::Verify => true,
                StoreRole::Backup => false,
            })
            .map(|(_, store)| store.as_str().to_owned())
            .collect()
    }
}

/// What is wrong with a store that is restored beside an old one; `fence` is a step that fences it too late.
fn unfenced(store: &str, site: &str, fence: Option<&StepName>) -> Problem {
    Problem::warning(
        Code::NotFenced,
        format!("`{store}` is restored beside one that may come back"),
    )
    .note(format!(
        "`{site}` may only be out of reach: then writers find the old `{store}` again"
    ))
    .help(match fence {
        Some(fence) => format!("write after = [\"{fence}\"]"),
        None => "name the store with `fences` in a step that goes before it".to_owned(),
    })
}

/// True when a copy is at a site that is not lost.
fn has_copy(posture: &Posture<'_>, lost: &BTreeSet<String>) -> bool {
    let mut copies = posture.copies.iter();
    copies.any(|(place, _)| place.site.is_outside(lost))
}
