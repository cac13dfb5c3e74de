//! The runs of an environment, and one run or step in detail, as text and as JSON.

use std::fmt::Write as _;
use std::time::Duration;

use salvor_contract::Judgement;
use salvor_contract::StepName;
use serde_json::Value;
use serde_json::json;

use crate::change_set::ChangeSet;
use crate::change_set::PlannedStep;
use crate::execution::asking::until;
use crate::execution::telling::told;
use crate::journal::Found;
use crate::journal::Phase;
use crate::journal::RunState;
use crate::journal::Status;
use crate::journal::chain::Chain;
use crate::journal::environment::Listed;
use crate::journal::state::Question;
use crate::recovery_points::length_words;
use crate::recovery_points::moment_words;

/// One line a run, newest last.
pub fn runs_text(runs: &[Listed]) -> String {
    if runs.is_empty() {
        return "no runs\n".to_owned();
    }
    let mut text = String::new();
    for listed in runs {
        let line = match &listed.state {
            Ok(state) => format!(
                "{}  {}  {:<10} {:<14} {}",
                listed.run,
                minute(state.opening.at),
                state.opening.plan,
                state.opening.scenario,
                phase_words(state)
            ),
            Err(error) => format!("{}  its journal is not trusted: {error}", listed.run),
        };
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

/// The same for programs.
pub fn runs_json(runs: &[Listed]) -> Value {
    let one = |listed: &Listed| match &listed.state {
        Ok(state) => json!({
            "run": listed.run,
            "opened": state.opening.at,
            "plan": state.opening.plan,
            "scenario": state.opening.scenario,
            "phase": phase_words(state),
            "is-over": state.phase.is_over(),
        }),
        Err(error) => json!({ "run": listed.run, "error": error.to_string() }),
    };
    Value::Array(runs.iter().map(one).collect())
}

/// A run: where it stands, and each of its steps.
pub fn run_text(change_set: &ChangeSet, chain: &Chain) -> String {
    let state = &chain.state;
    let mut text = String::new();
    let _ = writeln!(
        text,
        "run {} · {} · {} · goal {} · opened {} by {}",
        state.run,
        state.opening.plan,
        state.opening.scenario,
        state.opening.goal,
        moment_words(state.opening.at),
        opener(chain)
    );
    let _ = writeln!(text, "{}\n", phase_words(state));
    let width = change_set
        .steps
        .iter()
        .map(|step| step.name.as_str().len())
        .max()
        .unwrap_or(0);
    for planned in &change_set.steps {
        let step = state.step(&planned.name);
        let word = status_word(step.status);
        let length = step
            .length_ms(state.last)
            .map(|ms| length_words(Duration::from_millis(ms)))
            .unwrap_or_default();
        let line = format!(
            "  {word:<9} {:<width$} {length:>8}   {}",
            planned.name,
            note(state, planned)
        );
        let _ = writeln!(text, "{}", line.trim_end());
    }
    for told in told(state) {
        let word = if told.is_sent == Some(true) {
            "told"
        } else {
            "not told"
        };
        let _ = writeln!(text, "  {word:<9} {}", told.words());
    }
    text
}

/// One step of a run with all that is known of it; `None` when the run has no such step.
pub fn step_text(change_set: &ChangeSet, chain: &Chain, name: &StepName) -> Option<String> {
    let planned = change_set.step(name)?;
    let step = chain.state.step(name);
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{} · {} · {}",
        planned.name,
        planned.action,
        status_word(step.status)
    );
    if !planned.title.is_empty() && planned.title != planned.name.as_str() {
        let _ = writeln!(text, "  title      {}", planned.title);
    }
    for attempt in &step.attempts {
        let service = attempt
            .name
            .as_ref()
            .map(|name| format!(", at the service {name}"))
            .unwrap_or_default();
        let adopted = if attempt.adopted { ", found done" } else { "" };
        let _ = writeln!(
            text,
            "  try {}      operation {}, intended {}{service}{adopted}",
            attempt.number, attempt.op, attempt.intended.wall
        );
        if let Some(found) = &attempt.found {
            let _ = writeln!(text, "  looked     {}", found_words(found));
        }
    }
    if let Some(question) = &step.question {
        let _ = writeln!(text, "  question   {}", question.text);
        if step.status == Status::Asked {
            let until = minute(until(planned, question.asked.wall));
            let _ = writeln!(text, "  until      {until}: then the step fails");
        }
    }
    if let Some(answer) = &step.answer {
        let _ = writeln!(
            text,
            "  answer     {} ({} at {})",
            answer.text, answer.by, answer.at
        );
    }
    if let Some(failure) = &step.failure {
        let _ = writeln!(text, "  failed     {}", failure.what);
        if let Some(hint) = &failure.hint {
            let _ = writeln!(text, "  help       {hint}");
        }
    }
    if let Some(note) = &step.note {
        let _ = writeln!(text, "  note       {note}");
    }
    if let Some(outcome) = &step.outcome {
        for (output, value) in outcome.outputs.iter() {
            let _ = writeln!(text, "  output     {output} = {value}");
        }
    }
    let findings = step.outcome.as_ref().map(|outcome| &outcome.findings);
    let findings = findings.or(step.failure.as_ref().map(|failure| &failure.findings));
    for finding in findings.into_iter().flatten() {
        let word = match finding.judgement {
            Judgement::Passed => "passed",
            Judgement::Failed => "FAILED",
            Judgement::Inconclusive => "unclear",
        };
        let _ = writeln!(
            text,
            "  {word:<10} {}: expected {}, found {}",
            finding.subject, finding.expected, finding.observed
        );
    }
    Some(text)
}

/// Where a run stands, in words.
pub fn phase_words(state: &RunState) -> String {
    match &state.phase {
        Phase::Open => "open: a process works on it, or was killed".to_owned(),
        Phase::Stopping(_, why) => format!("stopping: {why}"),
        Phase::Halted(_, why) => format!("stopped: {why}"),
        Phase::Finished(verdict, summary) => format!("{}: {summary}", verdict.word()),
        Phase::Aborted { by, why } => format!("given up by {by}: {why}"),
    }
}

/// What was found of an operation before it was sent again.
pub fn found_words(found: &Found) -> String {
    match found {
        Found::Absent => "it had had no effect; sent again".to_owned(),
        Found::InFlight { .. } => "it was under way; waited for".to_owned(),
        Found::Unclear { why } => format!("nobody could tell ({why}); sent again"),
    }
}

/// A step's status as one word.
pub fn status_word(status: Status) -> &'static str {
    match status {
        Status::Pending => "waiting",
        Status::Asked => "asks",
        Status::Answered => "answered",
        Status::Intended => "running",
        Status::Retrying => "retrying",
        Status::Succeeded => "done",
        Status::Failed => "failed",
        Status::Unknown => "unknown",
        Status::Skipped => "skipped",
    }
}

fn note(state: &RunState, planned: &PlannedStep) -> String {
    let step = state.step(&planned.name);
    let failure = step
        .failure
        .as_ref()
        .filter(|_| step.status == Status::Failed);
    let question = step
        .question
        .as_ref()
        .filter(|_| step.status == Status::Asked);
    failure
        .map(|failure| failure.what.clone())
        .or_else(|| {
            let until = |question: &Question| minute(until(planned, question.asked.wall));
            question.map(|question| format!("{} (until {})", question.text, until(question)))
        })
        .or_else(|| {
            step.current()
                .filter(|attempt| attempt.adopted)
                .map(|_| "found done".to_owned())
        })
        .or_else(|| step.note.clone())
        .unwrap_or_default()
}

fn opener(chain: &Chain) -> String {
    match chain.records.first().map(|record| &record.body) {
        Some(crate::journal::Body::Opened { holder, .. }) => holder.by.clone(),
        Some(_) | None => "nobody".to_owned(),
    }
}

fn minute(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%MZ").to_string()
}
