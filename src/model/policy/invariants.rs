//! The rules between stores that the plan writes down: what must be kept longer than what.

use salvor_contract::Period;

use crate::model::plan::InvariantDeclaration;
use crate::model::plan::Named;
use crate::model::policy::numbers::Policy;
use crate::plan_file::Code;
use crate::plan_file::Node;
use crate::plan_file::Problem;
use crate::plan_file::Problems;

impl Policy<'_, '_> {
    pub(super) fn invariants(&self, problems: &mut Problems) {
        for (rule, _) in &self.judged.resolution.plan.invariants {
            let InvariantDeclaration::Outlives(store, than, by) = rule else {
                continue;
            };
            let number = |named: &Named| {
                let store = self.judged.stores.get(&named.name)?;
                Some((
                    self.kept(&named.name, store),
                    self.interval(&named.name, store),
                ))
            };
            let (Some((kept, _)), Some((needed, interval))) = (number(store), number(than)) else {
                continue;
            };
            let (Some(kept), Some(needed)) = (kept, needed) else {
                let unknown = if kept.is_none() { store } else { than };
                if !self.is_given && self.waits_for_inputs(&unknown.name) {
                    continue;
                }
                problems.push(
                    Problem::error(
                        Code::InvariantBroken,
                        format!(
                            "whether `{}` outlives `{}` cannot be judged",
                            store.name, than.name
                        ),
                    )
                    .at(unknown.at, "the plan does not say how long it is kept")
                    .help(format!(
                        "write backup = {{ retention = \"…\" }} in [stores.{}]",
                        unknown.name
                    )),
                );
                continue;
            };
            let interval = interval.unwrap_or_default();
            // Counts of backups may come to more than can be said.
            let least = needed.duration().saturating_add(interval.duration());
            let least = Period::from(least.saturating_add(by.duration()));
            if kept < least {
                let problem = Problem::error(
                    Code::InvariantBroken,
                    format!("`{}` does not outlive `{}`", store.name, than.name),
                )
                .at(store.at, format!("kept {kept}, {least} are needed"))
                .note(format!(
                    "`{}` is kept {needed}, one interval is {interval}, and {by} are asked for beyond that",
                    than.name
                ))
                .help(format!(
                    "keep `{}` for {least} or longer, or `{}` shorter",
                    store.name, than.name
                ));
                problems.push(match self.place(&store.name) {
                    Some(at) => problem.and_at(at, "kept shorter"),
                    None => problem,
                });
            }
        }
    }

    /// True when an input without a default says how long a store is kept: it is judged once it is given.
    fn waits_for_inputs(&self, store: &str) -> bool {
        let declared = self.judged.resolution.stores.get(store);
        let written = declared
            .and_then(|store| store.backup_written.as_ref())
            .and_then(Node::table);
        ["retention", "pitr"]
            .iter()
            .filter_map(|key| written?.get(key)?.text())
            .any(|text| text.contains("{{"))
    }
}
