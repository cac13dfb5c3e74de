//! Objectives against the plan's own numbers: how much may be lost, how long it may take.

use std::collections::BTreeSet;
use std::time::Duration;

use salvor_contract::Period;
use salvor_contract::StepName;

use crate::model::instance::Step;
use crate::model::order::longest_path;
use crate::model::plan::ScenarioDeclaration;
use crate::model::policy::numbers::Policy;
use crate::plan_file::Code;
use crate::plan_file::Problem;
use crate::plan_file::Problems;

impl Policy<'_, '_> {
    pub(super) fn objectives(
        &self,
        scenario: &ScenarioDeclaration,
        within: &BTreeSet<StepName>,
        problems: &mut Problems,
    ) {
        let of_scenario = self
            .builder
            .objective(scenario.rpo.as_ref(), &mut Problems::new());
        for name in self.restored(within) {
            let Some(store) = self.judged.stores.get(&name) else {
                continue;
            };
            let (Some(rpo), Some(interval)) =
                (store.rpo.or(of_scenario), self.interval(&name, store))
            else {
                continue;
            };
            if rpo >= interval {
                continue;
            }
            let Some(at) = self.backup_place(&name, &["interval", "schedule"]) else {
                continue;
            };
            let problem = Problem::warning(
                Code::RpoBelowBackup,
                format!("`{name}` is backed up every {interval}, and its RPO is {rpo}"),
            )
            .at(at, "cannot hold it")
            .help(match rpo == Period::ZERO {
                true => format!(
                    "no backup holds an RPO of 0: keep a replica that is written with every commit, or promise {interval}"
                ),
                false => format!("back it up every {rpo} or more often, or promise {interval}"),
            });
            problems.push(match (&store.rpo, &scenario.rpo) {
                (None, Some(node)) => problem.and_at(node.at, "this RPO"),
                (_, _) => problem,
            });
        }
    }

    /// The longest path of steps against the RTO, by what the plan itself expects of them.
    pub(super) fn durations(
        &self,
        scenario: &ScenarioDeclaration,
        within: &BTreeSet<StepName>,
        problems: &mut Problems,
    ) {
        let rto = self
            .builder
            .objective(scenario.rto.as_ref(), &mut Problems::new());
        let (Some(rto), Some(node)) = (rto, &scenario.rto) else {
            return;
        };
        let steps = &self.judged.steps;
        let goals = scenario.goal.iter().map(|goal| StepName::new(&goal.name));
        let goals: BTreeSet<StepName> = goals.collect();
        let takes = |step: &Step| {
            step.expect
                .map_or(Duration::ZERO, |period| period.duration())
        };
        let Some((length, path)) = longest_path(steps, within, &goals, takes) else {
            return;
        };
        if length <= rto.duration() {
            return;
        }
        let words: Vec<String> = path
            .into_iter()
            .filter_map(|name| Some(format!("`{name}` {}", steps.get(name)?.expect?)))
            .collect();
        problems.push(
            Problem::warning(
                Code::RtoBelowSteps,
                format!(
                    "the steps of `{}` take {} one after the other, and its RTO is {rto}",
                    scenario.name.name,
                    Period::from(length)
                ),
            )
            .at(node.at, "cannot be held")
            .note(words.join(" → "))
            .help("let steps go side by side, correct their `expect`, or promise less"),
        );
    }
}
