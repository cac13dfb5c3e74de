//! Sets whose members belong together, and sets whose points need each other.

use std::collections::BTreeSet;

use salvor_contract::StepName;

use crate::model::plan::ScenarioDeclaration;
use crate::model::policy::numbers::Policy;
use crate::plan_file::Code;
use crate::plan_file::Node;
use crate::plan_file::Position;
use crate::plan_file::Problem;
use crate::plan_file::Problems;

impl Policy<'_, '_> {
    /// A run that restores one member of a whole set restores or verifies all of them.
    pub(super) fn sets_in_part(
        &self,
        scenario: &ScenarioDeclaration,
        within: &BTreeSet<StepName>,
        problems: &mut Problems,
    ) {
        let restored = self.restored(within);
        let touched = self.touched(within);
        let plan = self.judged.resolution.plan;
        for set in plan.sets.iter().filter(|set| set.is_whole) {
            let members = set.members.iter().map(|member| member.name.as_str());
            let is_there = |name: &&str| self.judged.resolution.stores.contains_key(name);
            let members: Vec<&str> = members.filter(is_there).collect();
            let left: Vec<&str> = members
                .iter()
                .copied()
                .filter(|name| !touched.contains(*name))
                .collect();
            if left.is_empty() || !members.iter().any(|name| restored.contains(*name)) {
                continue;
            }
            problems.push(
                Problem::error(
                    Code::SetInPart,
                    format!(
                        "`{}` restores {} of the {} stores of `{}`",
                        scenario.name.name,
                        members.len() - left.len(),
                        members.len(),
                        set.name.name
                    ),
                )
                .at(
                    scenario.name.at,
                    format!("nothing says what becomes of `{}`", left.join("`, `")),
                )
                .and_at(set.name.at, "together or not at all")
                .help("restore or verify each of them in the scenario"),
            );
        }
    }

    /// Nothing of a chain expires by age: a newer point may need it.
    pub(super) fn chains(&self, problems: &mut Problems) {
        let plan = self.judged.resolution.plan;
        for set in plan.sets.iter().filter(|set| set.is_chain) {
            let of_set = set.ttl.as_ref().map(|node| node.at);
            let of_members = set
                .members
                .iter()
                .filter_map(|member| self.expires_at(&member.name));
            for at in of_set.into_iter().chain(of_members) {
                problems.push(
                    Problem::error(
                        Code::ChainExpires,
                        format!("`{}` is a chain, and its points expire by age", set.name.name),
                    )
                    .at(at, "a newer point may need what is gone then")
                    .and_at(set.name.at, "a chain")
                    .help("leave it out: what no newer point needs is told by their manifests, not by its age"),
                );
            }
        }
    }

    /// Where a store says that its points expire.
    fn expires_at(&self, store: &str) -> Option<Position> {
        let declared = self.judged.resolution.stores.get(store)?;
        let written = declared.backup_written.as_ref().and_then(Node::table)?;
        let entry = ["retention", "keep"]
            .iter()
            .find_map(|key| written.entry(key))?;
        Some(entry.key_at)
    }
}
