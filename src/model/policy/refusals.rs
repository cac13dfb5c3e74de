//! Inputs that their provider refuses whatever the world looks like.

use salvor_contract::InputRefusal;
use salvor_contract::KindName;
use salvor_contract::Values;

use crate::model::policy::numbers::Policy;
use crate::plan_file::Code;
use crate::plan_file::Problem;
use crate::plan_file::Problems;
use crate::plan_file::Table;
use crate::template::is_template;

impl Policy<'_, '_> {
    /// Said here, as the step may have its turn long after one that destroyed something.
    pub(super) fn refusals(&self, problems: &mut Problems) {
        let resolution = self.judged.resolution;
        for (name, store) in &self.judged.stores {
            let declared = resolution.stores.get(name.as_str());
            if let Some((declared, kind)) = declared.zip(store.kind.as_ref()) {
                self.refused(kind, &store.with, &declared.with, problems);
            }
        }
        for (name, step) in &self.judged.steps {
            if let Some(declared) = resolution.steps.get(name.as_str()) {
                self.refused(&step.action, &step.with, &declared.with, problems);
            }
        }
    }

    fn refused(&self, kind: &KindName, with: &Values, written: &Table, problems: &mut Problems) {
        let registry = &self.judged.resolution.plan.registry;
        let Some(provider) = registry.provider(kind.provider()) else {
            return;
        };
        for refusal in provider.refusals(kind, &written_out(with)) {
            // An input that a default of the kind gives is not the author's.
            if let Some(entry) = written.entry(refusal.input) {
                let InputRefusal {
                    input,
                    what,
                    hint,
                    is_secret,
                } = refusal;
                let code = match is_secret {
                    true => Code::SecretAsText,
                    false => Code::BadValue,
                };
                let hint =
                    hint.unwrap_or_else(|| format!("`salvor kinds {kind}` says what it takes"));
                let problem = Problem::error(code, what)
                    .at(
                        entry.value.at,
                        format!("{kind} does not take this `{input}`"),
                    )
                    .help(hint);
                problems.push(match is_secret {
                    true => problem.hidden(),
                    false => problem,
                });
            }
        }
    }
}

/// The inputs that are not one template each: what a template gives is judged when it is known.
fn written_out(with: &Values) -> Values {
    let mut written = Values::new();
    for (name, value) in with.iter().filter(|(_, value)| !is_template(value)) {
        written.set(name, value.clone());
    }
    written
}
