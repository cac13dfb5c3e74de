//! The first and the last words of a process's part in a run.

use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;
use salvor_contract::RunId;
use salvor_contract::StepName;

use crate::change_set::ChangeSet;
use crate::change_set::PlannedStep;
use crate::conduct::Ended;
use crate::execution::telling::told;
use crate::execution::unfinished::unfinished;
use crate::journal::FailureKind;
use crate::journal::Phase;
use crate::journal::RunState;
use crate::journal::Status;
use crate::journal::StopReason;
use crate::recovery_points::length_words;
use crate::report::runs::status_word;
use crate::verification::Assessment;

/// Findings are listed up to this number; the report has them all.
const PROVED_MAX: usize = 5;

/// The first line: which run, where its journal is, how to go on with it. `at` is what a command needs to find
/// the run from here: nothing, or ` --plan-dir FOLDER`.
pub fn headline(run: &RunId, journal: &str, at: &str) -> String {
    format!("run {run} · journal {journal} · go on after anything with: salvor resume {run}{at}")
}

/// What a run that is taken up has behind it: `9 of 17 done · stopped 11 min ago (…)`.
pub fn taken_up(change_set: &ChangeSet, state: &RunState, now: Timestamp) -> String {
    let at = |status: Status| {
        let steps = change_set.steps.iter();
        steps
            .filter(move |step| state.status(&step.name) == status)
            .map(|step| format!("`{}`", step.name))
            .collect::<Vec<_>>()
    };
    let (done, going_on) = (at(Status::Succeeded), at(Status::Intended));
    let since = Duration::try_from(now.duration_since(state.last.wall)).unwrap_or_default();
    let why = match &state.phase {
        Phase::Halted(StopReason::Interrupt, _) => "by a signal".to_owned(),
        Phase::Halted(StopReason::Failure, _) => {
            format!("{} failed", at(Status::Failed).join(", "))
        }
        Phase::Halted(StopReason::Unknown, _) => {
            format!(
                "what became of {} is not known",
                at(Status::Unknown).join(", ")
            )
        }
        Phase::Halted(_, detail) => detail.clone(),
        Phase::Open | Phase::Stopping(..) if going_on.is_empty() => "process killed".to_owned(),
        Phase::Open | Phase::Stopping(..) => {
            format!("process killed while {} went on", going_on.join(", "))
        }
        Phase::Finished(_, summary) => summary.clone(),
        Phase::Aborted { why, .. } => why.clone(),
    };
    format!(
        "run {} · {} of {} done · stopped {} ago ({why})",
        state.run,
        done.len(),
        change_set.steps.len(),
        length_words(since)
    )
}

/// The last lines: what came of it, what it rests on, what to do next. `at` as for [`headline`].
pub fn ending(
    run: &RunId,
    change_set: &ChangeSet,
    state: &RunState,
    ended: &Ended,
    at: &str,
) -> String {
    let mut text = String::new();
    match ended {
        Ended::Finished(assessment) => finished(&mut text, run, assessment),
        Ended::Halted(reason, assessment) => halted(
            &mut text,
            &format!("{run}{at}"),
            run,
            change_set,
            state,
            *reason,
            assessment,
        ),
        Ended::Aborted(assessment) => {
            line(
                &mut text,
                &format!("run {run} given up: {}", assessment.summary()),
            );
            for (name, why) in left_undone(change_set, state) {
                let word = status_word(state.status(name));
                line(&mut text, &format!("  {word:<8} {name}: {why}"));
                line(
                    &mut text,
                    "           It should have run whatever happens: do it by hand.",
                );
            }
            line(
                &mut text,
                "What it made is left as it is; the report lists it.",
            );
        }
    }
    for told in told(state).iter().filter(|told| told.is_sent != Some(true)) {
        line(&mut text, &format!("  not told {}", told.words()));
    }
    line(&mut text, &format!("Report: salvor report {run}{at}"));
    text
}

/// The final steps of a run that was given up that are not done and had something to finish, each with why.
pub fn left_undone<'a>(change_set: &'a ChangeSet, state: &RunState) -> Vec<(&'a StepName, String)> {
    let not_begun = unfinished(change_set, state);
    let why = |step: &'a PlannedStep| match state.status(&step.name) {
        Status::Failed | Status::Unknown | Status::Intended => {
            let step = state.step(&step.name);
            let failure = step.failure.map(|failure| failure.what);
            Some(failure.or(step.note).unwrap_or_default())
        }
        Status::Pending | Status::Asked | Status::Answered | Status::Retrying | Status::Skipped => {
            let last = not_begun.iter().find(|last| *last.step == step.name)?;
            Some(last.why())
        }
        Status::Succeeded => None,
    };
    let last = change_set.steps.iter().filter(|step| step.finally);
    last.filter_map(|step| Some((&step.name, why(step)?)))
        .collect()
}

fn finished(text: &mut String, run: &RunId, assessment: &Assessment) {
    let word = assessment.verdict.word();
    let rto = match assessment.rto.objective {
        Some(objective) => format!(" (RTO {})", length_words(objective.duration())),
        None => String::new(),
    };
    let length = length_words(assessment.rto.actual.duration());
    line(
        text,
        &format!(
            "run {run}: {word} in {length}{rto}, {}",
            assessment.summary()
        ),
    );
    for proved in assessment.proved.iter().take(PROVED_MAX) {
        let finding = &proved.finding;
        line(
            text,
            &format!("  proved      {}: {}", finding.subject, finding.observed),
        );
    }
    if assessment.proved.len() > PROVED_MAX {
        line(
            text,
            &format!(
                "  proved      and {} more",
                assessment.proved.len() - PROVED_MAX
            ),
        );
    }
    for not_proved in &assessment.not_proved {
        line(text, &format!("  not proved  {not_proved}"));
    }
    for rpo in &assessment.rpo {
        let actual = rpo
            .actual
            .map_or_else(|| "not known".to_owned(), |p| length_words(p.duration()));
        let objective = rpo
            .objective
            .map(|objective| format!(" (RPO {})", length_words(objective.duration())))
            .unwrap_or_default();
        line(
            text,
            &format!(
                "  data        {}: {actual} before the goal{objective}",
                rpo.store
            ),
        );
    }
}

fn halted(
    text: &mut String,
    named: &str,
    run: &RunId,
    change_set: &ChangeSet,
    state: &RunState,
    reason: StopReason,
    assessment: &Assessment,
) {
    let mut retry = String::new();
    let mut look = String::new();
    for planned in &change_set.steps {
        let step = state.step(&planned.name);
        match step.status {
            Status::Failed => {
                let failure = step.failure.as_ref();
                let what = failure.map_or("", |failure| &failure.what);
                line(text, &format!("  failed   {}: {what}", planned.name));
                if let Some(hint) = failure.and_then(|failure| failure.hint.as_ref()) {
                    line(text, &format!("           {hint}"));
                }
                let name = &planned.name;
                line(&mut look, &format!("  look     salvor show {named} {name}"));
                // A question that nobody answered is asked again by any resume.
                if failure.is_none_or(|failure| failure.kind != FailureKind::Unanswered) {
                    let _ = write!(retry, " --retry {}", planned.name);
                }
            }
            Status::Unknown => {
                let why = step.note.as_deref().unwrap_or_default();
                line(text, &format!("  unknown  {}: {why}", planned.name));
                for help in decide(named, &planned.name, step.is_under_way) {
                    line(text, &format!("           {help}"));
                }
            }
            Status::Intended => {
                let name = &planned.name;
                let help = "`salvor resume` looks for what became of it";
                line(text, &format!("  open     {name}: {help}"));
            }
            Status::Pending
            | Status::Asked
            | Status::Answered
            | Status::Retrying
            | Status::Succeeded
            | Status::Skipped => {}
        }
    }
    let last = unfinished(change_set, state).into_iter();
    for last in last.filter(|last| !last.waits_for.is_empty()) {
        line(text, &format!("  waiting  {}: {}", last.step, last.why()));
    }
    let word = if reason == StopReason::Interrupt {
        "paused"
    } else {
        "stopped"
    };
    line(text, &format!("run {run} {word}: {}", assessment.summary()));
    text.push_str(&look);
    line(text, &format!("  go on    salvor resume {named}{retry}"));
    line(text, &format!("  give up  salvor abort {named}"));
}

/// What can be done about a step of which nobody knows what became.
fn decide(named: &str, step: &StepName, is_under_way: bool) -> Vec<String> {
    if is_under_way {
        return vec![format!(
            "It is still under way: `salvor resume {named}` waits for it."
        )];
    }
    vec![
        "Look at the service: nobody else can tell whether it was done.".to_owned(),
        format!("salvor resume {named} --succeeded {step} --why …  or  --retry {step} --why …"),
    ]
}

fn line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}
