//! The first and the last words of a process's part in a run.

use std::fmt::Write as _;
use std::path::Path;

use salvor_contract::RunId;

use crate::change_set::ChangeSet;
use crate::conduct::Ended;
use crate::journal::RunState;
use crate::journal::Status;
use crate::journal::StopReason;
use crate::recovery_points::length_words;
use crate::report::runs::verdict_word;
use crate::verification::Assessment;

/// Findings are listed up to this number; the report has them all.
const PROVED_MAX: usize = 5;

/// The first line: which run, where its journal is, how to go on with it. `at` is what a command needs to find
/// the run from here: nothing, or ` --plan-dir FOLDER`.
pub fn headline(run: &RunId, folder: &Path, at: &str) -> String {
    format!(
        "run {run} · journal {} · go on after anything with: salvor resume {run}{at}",
        folder.display()
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
            line(
                &mut text,
                "What it made is left as it is; the report lists it.",
            );
        }
    }
    line(&mut text, &format!("Report: salvor report {run}{at}"));
    text
}

fn finished(text: &mut String, run: &RunId, assessment: &Assessment) {
    let word = verdict_word(assessment.verdict);
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
                let _ = write!(retry, " --retry {}", planned.name);
            }
            Status::Unknown => {
                let why = step.note.as_deref().unwrap_or_default();
                line(text, &format!("  unknown  {}: {why}", planned.name));
                line(
                    text,
                    "           Look at the service: nobody else can tell whether it was done.",
                );
                let name = &planned.name;
                line(
                    text,
                    &format!(
                        "           salvor resume {named} --succeeded {name} --why …  or  --retry {name} --why …"
                    ),
                );
            }
            Status::Intended => {
                line(
                    text,
                    &format!("  going on {}: it will be found again", planned.name),
                );
            }
            Status::Pending
            | Status::Asked
            | Status::Answered
            | Status::Retrying
            | Status::Succeeded
            | Status::Skipped => {}
        }
    }
    let word = if reason == StopReason::Interrupt {
        "paused"
    } else {
        "stopped"
    };
    line(text, &format!("run {run} {word}: {}", assessment.summary()));
    line(text, &format!("  go on    salvor resume {named}{retry}"));
    line(text, &format!("  give up  salvor abort {named}"));
}

fn line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}
