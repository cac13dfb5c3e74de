//! Traps of the services that the inputs of a step step into.

use salvor_contract::Condition;

use crate::model::order::is_given_back;
use crate::model::policy::numbers::Policy;
use crate::plan_file::Code;
use crate::plan_file::Problem;
use crate::plan_file::Problems;
use crate::template::as_written;

impl Policy<'_, '_> {
    /// Traps that the inputs of a step step into. What holds whatever they are is said by `plan`, not here: a
    /// warning that cannot be got rid of is not read.
    pub(super) fn traps(&self, problems: &mut Problems) {
        for (name, step) in &self.judged.steps {
            let Some(action) = self.judged.resolution.plan.registry.action(&step.action) else {
                continue;
            };
            let Some(declared) = self.judged.resolution.steps.get(name.as_str()) else {
                continue;
            };
            let with = as_written(&step.with);
            let judged = salvor_contract::Judged {
                takes: &action.with,
                with: &with,
                store: None,
                is_given_back: is_given_back(&self.judged.steps, name),
            };
            for trap in &action.traps {
                let Some(input) = trap.when.input() else {
                    continue;
                };
                // An input with a wrong value, or with one that is known later, was not left out.
                let is_missing = matches!(trap.when, Condition::InputMissing(_));
                let is_written = declared.with.get(input).is_some();
                if trap.when.holds(judged) && !(is_missing && is_written) {
                    let at = declared.with.entry(input).map(|entry| entry.key_at);
                    problems.push(
                        Problem::warning(Code::Trap, trap.message)
                            .at(at.unwrap_or(declared.name.at), format!("`{}`", trap.id))
                            .note(format!("source: {}", trap.source)),
                    );
                }
            }
        }
    }
}
