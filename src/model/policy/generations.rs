//! Generations of backups against each other and against the schedule: one that holds nothing of its own is a
//! promise that nobody keeps.

use salvor_contract::Period;

use crate::model::instance::GENERATIONS;
use crate::model::policy::numbers::Policy;
use crate::model::schedule;
use crate::plan_file::Code;
use crate::plan_file::Node;
use crate::plan_file::Position;
use crate::plan_file::Problem;
use crate::plan_file::Problems;

/// One generation of a store: its name, how far its backups lie apart, how many are kept.
#[derive(Clone, Copy)]
struct Generation {
    unit: &'static str,
    apart: u64,
    count: u64,
}

impl Generation {
    fn length(self) -> Period {
        Period::from_seconds(self.apart.saturating_mul(self.count))
    }
}

impl Policy<'_, '_> {
    /// Generations that are unknown, that the schedule never fills, and that end before a finer one.
    pub(super) fn generations(&self, problems: &mut Problems) {
        for (name, store) in &self.judged.stores {
            self.refuse_unknown_generations(name, problems);
            let kept: Vec<Generation> = GENERATIONS
                .iter()
                .filter_map(|(unit, apart)| {
                    let count = *store.backup.keep.get(*unit)?;
                    (count > 0).then_some(Generation {
                        unit,
                        apart: *apart,
                        count,
                    })
                })
                .collect();
            let schedule = store.backup.schedule.as_ref();
            if let Some(Ok(apart)) = schedule.map(|text| schedule::shortest(text)) {
                self.unfilled(name, &kept, apart, problems);
            }
            for pair in kept.windows(2) {
                if let [finer, coarser] = pair {
                    self.covered(name, *finer, *coarser, problems);
                }
            }
        }
    }

    fn refuse_unknown_generations(&self, name: &str, problems: &mut Problems) {
        let known = || GENERATIONS.iter().map(|(unit, _)| *unit);
        let Some(store) = self.judged.stores.get(name) else {
            return;
        };
        for unit in store.backup.keep.keys() {
            if known().any(|known| known == unit) {
                continue;
            }
            if let Some(at) = self.generation_place(name, unit) {
                problems.push(
                    Problem::error(Code::UnknownKey, format!("nothing is kept `{unit}`"))
                        .at(at, "not a generation")
                        .meant(at, unit, known()),
                );
            }
        }
    }

    /// Backups further apart than the generation wants them: it holds what every generation holds.
    fn unfilled(&self, name: &str, kept: &[Generation], apart: Period, problems: &mut Problems) {
        for generation in kept {
            // A month has 28 days at least.
            let least = Period::from_seconds(generation.apart);
            if apart <= least {
                continue;
            }
            let Some(at) = self.generation_place(name, generation.unit) else {
                continue;
            };
            let problem = Problem::warning(
                Code::GenerationWithoutUse,
                format!(
                    "`{name}` keeps {} `{}` and is backed up every {apart}",
                    generation.count, generation.unit
                ),
            )
            .at(at, "no backup is taken for it")
            .help("back up as often as the finest generation, or leave that generation out");
            problems.push(match self.backup_place(name, &["schedule"]) {
                Some(schedule) => problem.and_at(schedule, "this schedule"),
                None => problem,
            });
        }
    }

    /// A coarser generation that ends before a finer one does.
    fn covered(&self, name: &str, finer: Generation, coarser: Generation, problems: &mut Problems) {
        if coarser.length() > finer.length() {
            return;
        }
        let places = (
            self.generation_place(name, coarser.unit),
            self.generation_place(name, finer.unit),
        );
        let (Some(at), Some(other)) = places else {
            return;
        };
        let least = finer.length().duration().as_secs() / coarser.apart + 1;
        problems.push(
            Problem::warning(
                Code::GenerationWithoutUse,
                format!(
                    "`{name}` keeps `{}` for {}, and `{}` for {} already",
                    coarser.unit,
                    coarser.length(),
                    finer.unit,
                    finer.length()
                ),
            )
            .at(at, "reaches back no further")
            .and_at(other, "than this")
            .help(format!(
                "keep {least} `{}` or more, or fewer `{}`",
                coarser.unit, finer.unit
            )),
        );
    }

    fn generation_place(&self, store: &str, unit: &str) -> Option<Position> {
        let declared = self.judged.resolution.stores.get(store)?;
        let written = declared.backup_written.as_ref().and_then(Node::table)?;
        Some(written.table("keep")?.entry(unit)?.key_at)
    }
}
