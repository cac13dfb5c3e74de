//! Asks the question of a step, and waits for an answer that will do.
//!
//! The time for an answer is the step's deadline, counted from the record `asked`. The provider judges answers:
//! one that will not do is said to be so, and the question stays open.

use std::time::Duration;

use jiff::Timestamp;
use salvor_contract::Answer;
use salvor_contract::Error;
use salvor_contract::Operation;
use serde_json::Value;

use crate::change_set::ChangeSet;
use crate::change_set::PlannedStep;
use crate::change_set::PointSource;
use crate::execution::begin::NoOperation;
use crate::execution::begin::made;
use crate::execution::engine::Engine;
use crate::execution::facts::facts_of;
use crate::execution::watcher::Event;
use crate::execution::watcher::Question;
use crate::journal::Body;
use crate::journal::FailureKind;
use crate::journal::RunState;
use crate::journal::Status;
use crate::registry::Registry;

/// The operation of a step that asks, as it would be with this answer: for its provider to judge.
///
/// # Errors
/// When its inputs cannot be rendered.
pub fn answered(
    change_set: &ChangeSet,
    state: &RunState,
    registry: &Registry,
    step: &PlannedStep,
    answer: Answer,
) -> Result<Operation, Error> {
    let facts = facts_of(change_set, state, &step.references());
    let attempt = state.step(&step.name).next_attempt();
    let mut operation = made(registry, step, state.run.clone(), attempt, &facts)?;
    operation.point = match &step.point {
        PointSource::Pinned(point) => Some(point.clone()),
        PointSource::None | PointSource::Later(_) => None,
    };
    operation.answer = Some(answer);
    Ok(operation)
}

/// The moment at which a question that was asked then fails its step.
pub fn until(step: &PlannedStep, asked: Timestamp) -> Timestamp {
    asked
        .checked_add(step.deadline.duration())
        .unwrap_or(Timestamp::MAX)
}

impl Engine<'_> {
    /// Asks the question of a step, or finds the answer that was given already.
    pub(super) async fn ask(
        &self,
        operation: &Operation,
        step: &PlannedStep,
    ) -> Result<Answer, NoOperation> {
        if let Some(answer) = self
            .journal
            .with_state(|state| state.step(&step.name).answer)
        {
            // A crash between its record and this would leave it as the answer to the next try's question.
            self.people.recorded(&step.name).await;
            return Ok(answer);
        }
        let mut question = self.question(operation).await?;
        let left = self.time_for_answer(step, &question).await?;
        let now = self.surroundings.clock.now();
        question.until = now.checked_add(left).unwrap_or(Timestamp::MAX);
        self.watcher.saw(Event::Asked {
            question: &question,
        });
        let answer = tokio::select! {
            biased;
            () = self.stop.cancelled() => return Err(NoOperation::Stopped),
            answer = self.acceptable(operation, &question) => answer,
            () = self.surroundings.clock.sleep(left) => {
                let what = format!("nobody answered within {}", step.deadline);
                let hint = "Resume the run: it asks again.";
                return Err(NoOperation::Failed(
                    FailureKind::Unanswered,
                    Error::refused_with(what, hint),
                ));
            }
        };
        self.record(Body::Answered {
            step: step.name.clone(),
            answer: answer.clone(),
        })
        .await?;
        self.people.recorded(&step.name).await;
        Ok(answer)
    }

    /// How long an answer is waited for. The question is recorded, again when its time is over: whoever resumes
    /// a run must have the time to answer.
    async fn time_for_answer(
        &self,
        step: &PlannedStep,
        question: &Question,
    ) -> Result<Duration, NoOperation> {
        let whole = step.deadline.duration();
        let asked = self.journal.with_state(|state| {
            let is_asked = state.status(&step.name) == Status::Asked;
            let question = state.step(&step.name).question.filter(|_| is_asked);
            question.map(|question| question.asked.wall)
        });
        if let Some(asked) = asked {
            let now = self.surroundings.clock.now();
            let passed = Duration::try_from(now.duration_since(asked)).unwrap_or_default();
            if passed < whole {
                return Ok(whole - passed);
            }
        }
        self.record(Body::Asked {
            step: step.name.clone(),
            question: question.ask.clone(),
            role: question.role.clone(),
            evidence: question.evidence.clone(),
        })
        .await?;
        Ok(whole)
    }

    /// Waits for an answer that the provider does not refuse.
    async fn acceptable(&self, operation: &Operation, question: &Question) -> Answer {
        loop {
            let answer = self.people.answer(question).await;
            let given = Operation {
                answer: Some(answer.clone()),
                ..operation.clone()
            };
            let what = match self.previewed(&given).await {
                Err(Error::Refused { what, .. }) => what,
                // It was not judged because the run stops. Without a record it is not lost: the question is open.
                Err(_) if self.stop.is_cancelled() => return std::future::pending().await,
                // Whatever else kept the provider from judging it, `perform` judges it again.
                Ok(_) | Err(Error::Transient { .. } | Error::Unknown { .. }) => return answer,
            };
            self.watcher.saw(Event::NotAccepted {
                step: &question.step,
                why: &what,
            });
            self.people.recorded(&question.step).await;
        }
    }

    async fn previewed(&self, operation: &Operation) -> Result<salvor_contract::Preview, Error> {
        let provider = self.provider(&operation.action)?;
        self.reading()
            .ask(async |call| provider.preview(operation, &call).await)
            .await
    }

    /// The question as its provider words it; role, evidence and commands as the inputs have them.
    async fn question(&self, operation: &Operation) -> Result<Question, Error> {
        let preview = self.previewed(operation).await?;
        let text = |name: &str| operation.with.text(name).map(str::to_owned);
        let commands = operation.with.get("commands").and_then(Value::as_array);
        let commands = commands.map(|list| {
            list.iter()
                .filter_map(|c| c.as_str().map(str::to_owned))
                .collect()
        });
        Ok(Question {
            step: operation.step.clone(),
            ask: preview.summary,
            role: text("role"),
            evidence: text("evidence"),
            commands: commands.unwrap_or_default(),
            until: Timestamp::MAX,
        })
    }
}
