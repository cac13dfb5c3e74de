//! What happened and what is lost, in sentences for somebody who is no engineer.

use jiff::Timestamp;

use crate::change_set::ChangeSet;
use crate::journal::Phase;
use crate::journal::RunState;
use crate::recovery_points::Loss;
use crate::recovery_points::length_words;
use crate::report::run_report::StoreLine;
use crate::report::run_report::StoreStands;
use crate::verification::Assessment;
use crate::verification::FindingCounts;

/// The sentences: the run, then each store.
pub(super) fn note(
    change_set: &ChangeSet,
    state: &RunState,
    assessment: &Assessment,
    stores: &[StoreLine],
) -> Vec<String> {
    let mut note = vec![
        course(change_set, state),
        done(assessment),
        proved(assessment),
    ];
    note.extend(in_time(state, assessment));
    note.extend(stores.iter().map(|line| store(line, &state.phase)));
    if stores.iter().any(|store| store.loses.is_some()) {
        note.push(format!(
            "Losses are counted up to {}, when the recovery was planned. What was written later to something that \
             was then replaced is lost as well.",
            moment(change_set.surveyed)
        ));
    }
    note
}

fn course(change_set: &ChangeSet, state: &RunState) -> String {
    let began = moment(state.opening.at);
    let (title, last) = (&change_set.title, state.last.wall);
    match &state.phase {
        Phase::Finished(..) => format!(
            "The recovery “{title}” began on {began} and ended on {}.",
            moment(last)
        ),
        Phase::Aborted { by, .. } => format!(
            "The recovery “{title}” began on {began} and was given up by {by} on {}.",
            moment(last)
        ),
        Phase::Open | Phase::Stopping(..) | Phase::Halted(..) => format!(
            "The recovery “{title}” began on {began} and is not over. This is as of {}.",
            moment(last)
        ),
    }
}

fn done(assessment: &Assessment) -> String {
    let steps = assessment.steps;
    if steps.done == steps.all {
        return match steps.all {
            1 => "Its only step is done.".to_owned(),
            all => format!("All of its {all} steps are done."),
        };
    }
    let parts = [
        (steps.failed, "failed"),
        (steps.unknown, "not known to be done"),
        (steps.under_way, "under way"),
        (steps.begun, "begun and not done"),
        (steps.not_started, "not begun"),
    ];
    let parts = parts.iter().filter(|(count, _)| *count > 0);
    let parts: Vec<String> = parts
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    format!(
        "{} of its {} steps are done; {}.",
        steps.done,
        steps.all,
        parts.join(", ")
    )
}

fn proved(assessment: &Assessment) -> String {
    let FindingCounts {
        passed,
        failed,
        inconclusive,
    } = assessment.findings;
    let open = match assessment.not_proved.len() {
        0 => String::new(),
        1 => "; 1 point is not proved".to_owned(),
        more => format!("; {more} points are not proved"),
    };
    match assessment.findings.all() {
        0 => "Nothing was checked, so nothing is proved.".to_owned(),
        1 if passed == 1 => format!("The one thing that was checked is as expected{open}."),
        all if passed == all && open.is_empty() => {
            format!("All {all} things that were checked are as expected.")
        }
        all if passed == all => format!("{all} checks are as expected{open}."),
        all => {
            let others = [
                (failed, "not as expected"),
                (inconclusive, "could not be found out"),
            ];
            let others: String = others
                .iter()
                .filter(|(count, _)| *count > 0)
                .map(|(count, word)| format!(", {count} {word}"))
                .collect();
            let things = if all == 1 { "thing was" } else { "things were" };
            format!("{all} {things} checked: {passed} as expected{others}{open}.")
        }
    }
}

/// How long it took against what was allowed.
fn in_time(state: &RunState, assessment: &Assessment) -> Option<String> {
    let rto = assessment.rto;
    let allowed = length_words(rto.objective?.duration());
    let took = length_words(rto.actual.duration());
    let so_far = if state.phase.is_over() { "" } else { " so far" };
    Some(if rto.is_met() {
        format!("It took {took}{so_far}; up to {allowed} was allowed.")
    } else {
        format!("It took {took}{so_far}, longer than the {allowed} that was allowed.")
    })
}

fn store(line: &StoreLine, phase: &Phase) -> String {
    let title = &line.title;
    match (&line.stands, line.loses, line.back) {
        (StoreStands::Back, Some(loss), Some(back)) => format!(
            "{title}: back since {}, as it was on {}. {}",
            moment(back),
            moment(loss.from),
            lost(loss)
        ),
        (StoreStands::Back, _, _) => format!("{title}: back."),
        (StoreStands::NotBack(_), Some(loss), _) if phase.is_over() => format!(
            "{title}: not back. It was to come back as it was on {}; what is in it now was not looked at.",
            moment(loss.from)
        ),
        (StoreStands::NotBack(_), Some(loss), _) => format!(
            "{title}: not back. It is to come back as it was on {}; what was written to it after that is then lost.",
            moment(loss.from)
        ),
        (StoreStands::NotBack(_), None, _) if phase.is_over() => {
            format!("{title}: not back, and from which moment was never chosen.")
        }
        (StoreStands::NotBack(_), None, _) => {
            format!("{title}: not back, and it is not known yet as of which moment it will be.")
        }
        (StoreStands::LookedAt, _, _) => format!("{title}: looked at, and not changed."),
        (StoreStands::Left, _, _) => format!("{title}: not restored ({}).", line.why),
    }
}

fn lost(loss: Loss) -> String {
    if loss.length.duration().is_zero() {
        return "Nothing of it is known to be lost.".to_owned();
    }
    let until = if day(loss.from) == day(loss.until) {
        loss.until.strftime("%H:%M:%S UTC").to_string()
    } else {
        moment(loss.until)
    };
    format!(
        "What was written to it from {} to {until} ({}) is lost.",
        moment(loss.from),
        length_words(loss.length.duration())
    )
}

fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}

/// A moment as somebody reads it who does not know what a `T` and a `Z` stand for.
fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d at %H:%M:%S UTC").to_string()
}
