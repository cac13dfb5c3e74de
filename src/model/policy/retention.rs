//! How long backups are kept, against what rests on them.

use std::collections::BTreeSet;

use salvor_contract::Period;
use salvor_contract::StepName;

use crate::model::instance::StoreClass;
use crate::model::policy::numbers::Policy;
use crate::model::schedule;
use crate::plan_file::Code;
use crate::plan_file::Problem;
use crate::plan_file::Problems;

/// The keys that say how long backups are kept.
const KEPT: &[&str] = &["keep", "retention", "pitr"];

impl Policy<'_, '_> {
    pub(super) fn schedules(&self, problems: &mut Problems) {
        let plan = self.judged.resolution.plan;
        let stores = self
            .judged
            .resolution
            .stores
            .values()
            .filter_map(|store| store.backup_written.as_ref()?.table()?.get("schedule"));
        for node in stores.chain(plan.sets.iter().filter_map(|set| set.schedule.as_ref())) {
            let Some(text) = self.builder.text(Some(node), problems) else {
                continue;
            };
            if let Err(why) = schedule::interval(&text) {
                problems.push(
                    Problem::error(Code::BadValue, format!("`{text}` is not a schedule"))
                        .at(node.at, why)
                        .help(
                            "five cron fields in UTC, \"0 2 * * *\", or @hourly, @daily, @weekly",
                        ),
                );
            }
        }
    }

    pub(super) fn windows(&self, problems: &mut Problems) {
        for (name, store) in &self.judged.stores {
            let (Some(retention), Some(window)) = (store.backup.retention, store.backup.pitr)
            else {
                continue;
            };
            if let (true, Some(at)) = (retention < window, self.backup_place(name, &["retention"]))
            {
                problems.push(
                    Problem::warning(
                        Code::RetentionBelowWindow,
                        format!("`{name}` keeps backups {retention} and promises a window of {window}"),
                    )
                    .at(at, "shorter than the window")
                    .help("a window reaches back only to its oldest base backup: keep those longer than the window"),
                );
            }
        }
    }

    /// Stores of one run whose points are kept for different lengths: older points do not go together.
    pub(super) fn uneven(&self, within: &BTreeSet<StepName>, problems: &mut Problems) {
        let mut kept: Vec<(Period, String)> = self
            .restored(within)
            .into_iter()
            .filter_map(|name| {
                let store = self.judged.stores.get(&name)?;
                let is_judged = matches!(
                    store.class,
                    StoreClass::Authoritative | StoreClass::Replicated | StoreClass::Key
                );
                is_judged.then_some(())?;
                Some((self.kept(&name, store)?, name))
            })
            .collect();
        kept.sort();
        let Some((longest, longest_name)) = kept.pop() else {
            return;
        };
        for (length, name) in kept {
            let is_explained = self
                .judged
                .stores
                .get(&name)
                .is_some_and(|s| s.why.is_some());
            if length == longest || is_explained {
                continue;
            }
            let (Some(at), Some(other)) = (
                self.backup_place(&name, KEPT),
                self.backup_place(&longest_name, KEPT),
            ) else {
                continue;
            };
            problems.push(
                Problem::warning(
                    Code::RetentionUneven,
                    format!("`{name}` is kept {length}, `{longest_name}` {longest}: older points have no `{name}`"),
                )
                .at(at, "kept shorter")
                .and_at(other, "kept longer")
                .help(format!(
                    "set `class = \"rebuildable\"` and a step that rebuilds it, keep it for {longest}, or write `why` it is kept shorter"
                )),
            );
        }
    }
}
