//! Steps that a run cannot repeat by itself when it was interrupted in them.

use std::collections::BTreeSet;

use salvor_contract::Class;
use salvor_contract::Idempotency;
use salvor_contract::StepName;

use crate::model::plan::ScenarioDeclaration;
use crate::model::policy::numbers::Policy;
use crate::plan_file::Code;
use crate::plan_file::Problem;
use crate::plan_file::Problems;

impl Policy<'_, '_> {
    pub(super) fn unkeyed(
        &self,
        scenario: &ScenarioDeclaration,
        within: &BTreeSet<StepName>,
        problems: &mut Problems,
    ) {
        let names: Vec<&str> = within
            .iter()
            .filter(|name| self.class(name) == Some(Class::Unkeyed))
            .map(StepName::as_str)
            .collect();
        if names.is_empty() {
            return;
        }
        let convergent = within
            .iter()
            .filter(|name| self.class(name) == Some(Class::Convergent))
            .count();
        let (count, verb) = match names.len() {
            1 => ("1 step".to_owned(), "stops"),
            many => (format!("{many} steps"), "stop"),
        };
        let problem = Problem::warning(
            Code::UnkeyedSteps,
            format!("{count} of `{}` {verb} the run when interrupted: a person must say what became of it", scenario.name.name),
        )
        .at(scenario.name.at, format!("`{}`", names.join("`, `")))
        .help(format!(
            "where it is true, say how it may be repeated: {} = \"read\" or \"convergent\"",
            self.class_input(within).unwrap_or("class")
        ));
        problems.push(match convergent {
            0 => problem,
            1 => problem.note("1 more step sets a state again after a look"),
            many => problem.note(format!("{many} more steps set a state again after a look")),
        });
    }

    /// The input in which the first of these steps that may declare its class does so.
    fn class_input(&self, within: &BTreeSet<StepName>) -> Option<&'static str> {
        within.iter().find_map(|name| {
            let step = self.judged.steps.get(name)?;
            match self
                .judged
                .resolution
                .plan
                .registry
                .action(&step.action)?
                .idempotency
            {
                Idempotency::Declared(input) => Some(input),
                Idempotency::Fixed(_) => None,
            }
        })
    }

    fn class(&self, name: &StepName) -> Option<Class> {
        let step = self.judged.steps.get(name)?;
        let action = self.judged.resolution.plan.registry.action(&step.action)?;
        if action.asks {
            return None;
        }
        match action.idempotency {
            Idempotency::Fixed(class) => Some(class),
            Idempotency::Declared(input) => {
                let declared = step.with.get(input).cloned();
                Some(
                    declared
                        .and_then(|value| serde_json::from_value(value).ok())
                        .unwrap_or(Class::Unkeyed),
                )
            }
        }
    }
}
