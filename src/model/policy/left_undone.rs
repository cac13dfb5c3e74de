//! What a plan leaves undone around a restore: backups that nobody says are taken, a restored store that nothing uses,
//! access that comes back after it was taken away, and steps that use what is lost.

use std::collections::BTreeSet;

use salvor_contract::Effect;
use salvor_contract::StepName;

use crate::model::instance::StoreClass;
use crate::model::instance::StoreRole;
use crate::model::order::reaches;
use crate::model::plan::ScenarioDeclaration;
use crate::model::plan::StepDeclaration;
use crate::model::policy::numbers::Policy;
use crate::plan_file::Code;
use crate::plan_file::Content;
use crate::plan_file::Node;
use crate::plan_file::Problem;
use crate::plan_file::Problems;
use crate::plan_file::Table;

/// A shorter text of a store names nothing that could be told from other words.
const NAME_LENGTH_MIN: usize = 6;

impl Policy<'_, '_> {
    /// Adds what one scenario leaves undone.
    pub(super) fn left_undone(
        &self,
        scenario: &ScenarioDeclaration,
        within: &BTreeSet<StepName>,
        lost: &BTreeSet<String>,
        problems: &mut Problems,
    ) {
        self.never_taken(scenario, within, problems);
        self.not_taken_over(within, problems);
        self.comes_back_to_life(within, problems);
        self.uses_what_is_lost(scenario, within, lost, problems);
    }

    /// A set, or a store with an objective, of which nothing says how often it is backed up: its loss has no bound.
    fn never_taken(
        &self,
        scenario: &ScenarioDeclaration,
        within: &BTreeSet<StepName>,
        problems: &mut Problems,
    ) {
        let restored = self.restored(within);
        let is_bounded = |name: &str| {
            let store = self.judged.stores.get(name);
            store.is_some_and(|store| store.rpo.is_some() || self.interval(name, store).is_some())
        };
        let plan = self.judged.resolution.plan;
        for set in &plan.sets {
            let mut members = set.members.iter().map(|member| member.name.as_str());
            let is_restored = members.clone().any(|name| restored.contains(name));
            if is_restored && set.schedule.is_none() && !members.any(is_bounded) {
                problems.push(
                    Problem::warning(
                        Code::NotScheduled,
                        format!("nothing says how often the set `{}` is taken", set.name.name),
                    )
                    .at(set.name.at, "how much is lost has no bound")
                    .help("write `schedule`, and let something take it")
                    .help("where only people take it: write `rpo` in its stores, and look in a scenario of its own how old the newest one is"),
                );
            }
        }
        let in_sets = plan.sets.iter().flat_map(|set| &set.members);
        let in_sets: BTreeSet<&str> = in_sets.map(|member| member.name.as_str()).collect();
        for name in restored
            .iter()
            .filter(|name| !in_sets.contains(name.as_str()))
        {
            let (Some(store), Some(declared)) = (
                self.judged.stores.get(name),
                self.judged.resolution.stores.get(name.as_str()),
            ) else {
                continue;
            };
            let objective = declared.rpo.as_ref().or(scenario.rpo.as_ref());
            let is_judged = store.class == StoreClass::Authoritative
                && declared.backup_written.is_none()
                && store.why.is_none();
            if let (Some(objective), true) = (objective, is_judged) {
                problems.push(
                    Problem::warning(
                        Code::NotScheduled,
                        format!("nothing says how often `{name}` is backed up"),
                    )
                    .at(declared.name.at, "how much is lost has no bound")
                    .and_at(objective.at, "this RPO is promised")
                    .help("write how it is: backup = { schedule = \"0 2 * * *\", retention = \"30d\" }"),
                );
            }
        }
    }

    /// What is restored beside the old one, in a run whose later steps change things and never learn where it is.
    fn not_taken_over(&self, within: &BTreeSet<StepName>, problems: &mut Problems) {
        let steps = &self.judged.steps;
        for (name, posture) in self.restores(within) {
            let (Some(step), Some(declared)) = (
                steps.get(name),
                self.judged.resolution.steps.get(name.as_str()),
            ) else {
                continue;
            };
            let registry = &self.judged.resolution.plan.registry;
            let is_elsewhere = registry.action(&step.action).is_some_and(|action| {
                action.effect == Effect::Create && !action.outputs.is_empty()
            });
            let is_used = steps.values().any(|other| other.references.contains(name));
            let is_offered = self.judged.resolution.offers.values().any(|part| {
                let prefix = format!("steps.{name}.");
                part.offers
                    .entries
                    .iter()
                    .any(|entry| holds(&entry.value, &prefix))
            });
            if !is_elsewhere || declared.destroys.is_some() || is_used || is_offered {
                continue;
            }
            let changes = |other: &&StepName| {
                let action = steps
                    .get(*other)
                    .and_then(|other| registry.action(&other.action));
                *other != name
                    && steps.get(*other).is_some_and(|other| other.store.is_none())
                    && action
                        .is_some_and(|action| !matches!(action.effect, Effect::Read | Effect::Ask))
                    && reaches(steps, within, other, name)
            };
            let Some(next) = within.iter().find(changes) else {
                continue;
            };
            let next_at = self.judged.resolution.steps.get(next.as_str());
            let problem = Problem::warning(
                Code::NotTakenOver,
                format!("nothing is told where `{}` was restored to", posture.name()),
            )
            .at(declared.name.at, "no step refers to what it puts out")
            .help(format!(
                "let the step that changes the connection refer to it: {{{{steps.{name}.OUTPUT}}}}; `salvor kinds` lists \
                 its outputs"
            ));
            problems.push(match next_at {
                Some(next) => problem.and_at(next.name.at, "goes on with the old one"),
                None => problem,
            });
        }
    }

    /// A restored key, or access, is as it was then: what was revoked since works again.
    fn comes_back_to_life(&self, within: &BTreeSet<StepName>, problems: &mut Problems) {
        let steps = &self.judged.steps;
        for (name, posture) in self.restores(within) {
            let Some(declared) = self.judged.resolution.steps.get(name.as_str()) else {
                continue;
            };
            let reviews = |other: &StepName| {
                other != name
                    && steps.get(other).is_some_and(|other| other.store.is_none())
                    && reaches(steps, within, other, name)
            };
            let is_explained = posture.store.why.is_some();
            if posture.store.class == StoreClass::Key
                && !is_explained
                && !within.iter().any(reviews)
            {
                problems.push(
                    Problem::warning(
                        Code::RevokedReturns,
                        format!("what was revoked since then works again with `{}`", posture.name()),
                    )
                    .at(declared.name.at, "no step comes after it")
                    .and_at(posture.store.name.at, "a store of keys")
                    .help("add a step that needs it and reviews them: who left, what was rotated; or write `why` there is nothing to review"),
                );
            }
        }
    }

    /// A step that is not the restore and names what the store is made of, by the store's own words, although the site
    /// of both is lost.
    fn uses_what_is_lost(
        &self,
        scenario: &ScenarioDeclaration,
        within: &BTreeSet<StepName>,
        lost: &BTreeSet<String>,
        problems: &mut Problems,
    ) {
        let declared = |name: &StepName| self.judged.resolution.steps.get(name.as_str()).copied();
        for (restore, posture) in self.restores(within) {
            let Some(site) = posture.lost_site(lost) else {
                continue;
            };
            let is_of_store = |step: &StepDeclaration| {
                step.fences.iter().any(|fence| fence.name == posture.name())
            };
            let restored = declared(restore);
            for word in words_of(&posture.store.with) {
                // Restored under its old name it is there again.
                if restored.is_some_and(|step| names(&step.with, word)) {
                    continue;
                }
                for name in within.iter().filter(|name| *name != restore) {
                    let step = self.judged.steps.get(name);
                    let role = step
                        .and_then(|step| step.store.as_ref())
                        .map(|(role, _)| *role);
                    let Some(step) = declared(name) else { continue };
                    let is_meant = !matches!(role, Some(StoreRole::Restore | StoreRole::Backup))
                        && !is_of_store(step)
                        && names(&step.with, word);
                    if !is_meant {
                        continue;
                    }
                    let problem = Problem::warning(
                        Code::LostSite,
                        format!("step `{}` uses `{word}`, which is lost with `{site}`", step.name.name),
                    )
                    .at(step.name.at, "nobody answers there")
                    .and_at(posture.store.name.at, "lost")
                    .help("use what was restored, or what was written down while it was there, such as counts taken at the backup");
                    problems.push(match scenario.lost.first() {
                        Some(node) => problem.and_at(node.at, "lost here"),
                        None => problem,
                    });
                }
            }
        }
    }
}

/// The texts of a store's inputs that name something: one word, no template and no pattern.
fn words_of(with: &Table) -> impl Iterator<Item = &str> {
    let texts = with.entries.iter().filter_map(|entry| entry.value.text());
    texts.filter(|text| {
        text.len() >= NAME_LENGTH_MIN
            && text.contains(['-', '_', '.', '/'])
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_./:".contains(c))
    })
}

/// True when a text of the table has this as a word of its own.
fn names(table: &Table, word: &str) -> bool {
    let mut values = table.entries.iter().map(|entry| &entry.value);
    values.any(|node| holds(node, word))
}

fn holds(node: &Node, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    match &node.content {
        Content::Text(text) => text.match_indices(word).any(|(at, _)| {
            let before = text[..at].chars().next_back();
            let after = text[at + word.len()..].chars().next();
            let ends = word.ends_with('.') || !after.is_some_and(is_part);
            !before.is_some_and(is_part) && ends
        }),
        Content::List(list) => list.iter().any(|node| holds(node, word)),
        Content::Table(table) => names(table, word),
        Content::Integer(_) | Content::Float(_) | Content::Boolean(_) | Content::Time(_) => false,
    }
}
