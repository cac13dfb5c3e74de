//! What became of each store.

use crate::change_set::ChangeSet;
use crate::change_set::Choice;
use crate::change_set::StoreSelection;
use crate::journal::RunState;
use crate::journal::Status;
use crate::journal::state::Moment;
use crate::recovery_points::Loss;
use crate::recovery_points::moment_words;
use crate::report::run_report::StoreLine;
use crate::report::run_report::StoreStands;
use crate::report::runs::status_word;

/// A line for each store of the plan.
pub(super) fn stores(change_set: &ChangeSet, state: &RunState) -> Vec<StoreLine> {
    let line = |selection: &StoreSelection| {
        let chosen = state.chosen.get(&selection.store);
        let (stands, back) = standing(change_set, state, selection);
        StoreLine {
            store: selection.store.clone(),
            title: match selection.title.as_str() {
                "" => selection.store.to_string(),
                title => title.to_owned(),
            },
            from: match (&selection.choice, chosen) {
                (Choice::Restore(point), _) => as_of(&point.point.title, point.at),
                (Choice::Later(_), Some(chosen)) => {
                    as_of(&chosen.point.point.title, chosen.point.at)
                }
                (Choice::Later(rule), None) => format!("not chosen: known after {}", rule.after),
                (Choice::Leave, _) => "not restored".to_owned(),
                (Choice::Impossible, _) => "nothing usable".to_owned(),
            },
            loses: Loss::of(change_set, selection, chosen.map(|chosen| &chosen.point)),
            why: chosen
                .map_or(&selection.reason, |chosen| &chosen.reason)
                .clone(),
            stands,
            back: back.map(|moment| moment.wall),
        }
    };
    change_set.selections.iter().map(line).collect()
}

fn as_of(title: &str, at: jiff::Timestamp) -> String {
    format!("{title} as of {}", moment_words(at))
}

/// Whether a store is back, and since when.
fn standing(
    change_set: &ChangeSet,
    state: &RunState,
    selection: &StoreSelection,
) -> (StoreStands, Option<Moment>) {
    match selection.choice {
        Choice::Leave => return (StoreStands::Left, None),
        Choice::Restore(_) | Choice::Later(_) | Choice::Impossible => {}
    }
    let restoring = change_set.restoring(&selection.store);
    if restoring.is_empty() {
        return (StoreStands::LookedAt, None);
    }
    let open: Vec<String> = restoring
        .iter()
        .map(|step| (&step.name, state.status(&step.name)))
        .filter(|(_, status)| *status != Status::Succeeded)
        .map(|(name, status)| format!("{name} {}", status_word(status)))
        .collect();
    if !open.is_empty() {
        return (StoreStands::NotBack(open), None);
    }
    let done = restoring
        .iter()
        .filter_map(|step| state.steps.get(&step.name)?.since);
    (StoreStands::Back, done.max_by_key(|moment| moment.run_ms))
}
