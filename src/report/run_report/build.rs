//! From a change set and a journal to a report.

use crate::change_set::ChangeSet;
use crate::change_set::PlannedStep;
use crate::execution::telling::told;
use crate::journal::Phase;
use crate::journal::Status;
use crate::journal::StepState;
use crate::journal::chain::Chain;
use crate::journal::state::Moment;
use crate::report::run_report::FORMAT;
use crate::report::run_report::Report;
use crate::report::run_report::StepLine;
use crate::report::run_report::course::Course;
use crate::report::run_report::course::busy_until;
use crate::report::run_report::course::end_of;
use crate::report::run_report::events::events;
use crate::report::run_report::note::note;
use crate::report::run_report::path::deciding;
use crate::report::run_report::stores::stores;
use crate::report::runs::found_words;
use crate::report::runs::phase_words;
use crate::verification::assess;

impl Report {
    /// The report of a run as its journal stands.
    pub fn of(change_set: &ChangeSet, chain: &Chain) -> Self {
        let state = &chain.state;
        let mut course = Course::of(chain);
        let deciding = deciding(change_set, state, &course.began);
        let steps = change_set.steps.iter().map(|planned| StepLine {
            is_deciding: deciding.contains(&planned.name),
            spans: course.spans.remove(&planned.name).unwrap_or_default(),
            ..line(
                planned,
                &state.step(&planned.name),
                course.began.get(&planned.name).copied(),
                state.last,
            )
        });
        let steps = steps.collect();
        let assessment = assess(change_set, state, state.last);
        let stores = stores(change_set, state);
        Self {
            format: FORMAT,
            run: state.run.clone(),
            plan: state.opening.plan.clone(),
            title: change_set.title.clone(),
            scenario: state.opening.scenario.clone(),
            tool: state.opening.tool.clone(),
            change_set: state.opening.change_set.clone(),
            journal_head: state.head.hash.clone(),
            records: state.head.seq + 1,
            opened: state.opening.at,
            last: state.last.wall,
            goal: state.opening.goal,
            surveyed: change_set.surveyed,
            is_over: state.phase.is_over(),
            recorded: match state.phase {
                Phase::Finished(verdict, _) => Some(verdict),
                Phase::Open | Phase::Stopping(..) | Phase::Halted(..) | Phase::Aborted { .. } => {
                    None
                }
            },
            stands: phase_words(state),
            note: note(change_set, state, &assessment, &stores),
            assessment,
            stores,
            steps,
            deciding,
            pauses: course.pauses,
            events: events(&course.records),
            told: told(state),
        }
    }
}

fn line(planned: &PlannedStep, step: &StepState, began: Option<Moment>, last: Moment) -> StepLine {
    let ended = end_of(step).filter(|_| began.is_some());
    StepLine {
        step: planned.name.clone(),
        title: planned.title.clone(),
        action: planned.action.to_string(),
        status: step.status,
        began: began.map(|moment| moment.wall),
        ended: ended.map(|moment| moment.wall),
        took_ms: began.map(|began| busy_until(step, last).run_ms.saturating_sub(began.run_ms)),
        attempts: step.attempts.len(),
        is_deciding: false,
        looked: step
            .current()
            .and_then(|attempt| attempt.found.as_ref())
            .map(found_words),
        answer: step
            .answer
            .as_ref()
            .map(|answer| format!("{} ({})", answer.text, answer.by)),
        note: note_of(step),
        spans: Vec::new(),
    }
}

/// Why a step stands as it does, where its status alone does not say it.
fn note_of(step: &StepState) -> Option<String> {
    let failure = || step.failure.as_ref().map(|failure| failure.what.clone());
    match step.status {
        Status::Failed => failure().or_else(|| step.note.clone()),
        Status::Retrying => failure(),
        Status::Asked => step.question.as_ref().map(|question| question.text.clone()),
        Status::Succeeded | Status::Unknown | Status::Skipped | Status::Pending => {
            step.note.clone()
        }
        Status::Answered | Status::Intended => None,
    }
}
