//! Calls to providers that break what the engine rests on.

use std::sync::Arc;

use async_trait::async_trait;
use salvor_contract::Call;
use salvor_contract::Description;
use salvor_contract::Error;
use salvor_contract::Finding;
use salvor_contract::Operation;
use salvor_contract::OperationId;
use salvor_contract::Outcome;
use salvor_contract::Preview;
use salvor_contract::Probe;
use salvor_contract::Provider;
use salvor_contract::RecoveryPoint;
use salvor_contract::Removal;
use salvor_contract::StoreRequest;
use salvor_contract::Survey;
use salvor_contract::Values;

use crate::mutants::Mutant;
use crate::shared::LateRequest;
use crate::shared::Shared;
use crate::time::SECOND;

/// A provider that breaks one rule.
pub struct Twisted {
    mutant: Mutant,
    inner: Arc<dyn Provider>,
    shared: Arc<Shared>,
    process: usize,
}

impl Twisted {
    /// True for the mutants that are calls to providers.
    pub fn is_of(mutant: Mutant) -> bool {
        matches!(
            mutant,
            Mutant::RandomIds
                | Mutant::ProbeAbsent
                | Mutant::ProbeDone
                | Mutant::InFlightIsDone
                | Mutant::ConflictAdopted
                | Mutant::OutcomeFirst
                | Mutant::UnknownIsTransient
                | Mutant::DeadlineIsFailure
                | Mutant::UnknownIsDone
                | Mutant::NoFence
                | Mutant::AnswerTakenTwice
        )
    }

    /// Around a real one, for this process.
    pub fn new(
        mutant: Mutant,
        inner: Arc<dyn Provider>,
        shared: Arc<Shared>,
        process: usize,
    ) -> Self {
        Self {
            mutant,
            inner,
            shared,
            process,
        }
    }

    fn twisted(&self, operation: &Operation) -> Operation {
        let mut operation = operation.clone();
        match self.mutant {
            Mutant::RandomIds => {
                operation.id = OperationId::new(format!("{}x{}", operation.id, self.process));
                operation.mark = operation.id.clone();
            }
            Mutant::NoFence => operation.token = u64::MAX,
            Mutant::AnswerTakenTwice => {
                if let Some(answer) = &mut operation.answer {
                    answer.text.push_str(", on second thoughts");
                }
            }
            _ => {}
        }
        operation
    }
}

fn done(operation: &Operation) -> Outcome {
    let value = operation.with.get("value").cloned().unwrap_or_default();
    Outcome::of(Values::new().with("value", value))
}

#[async_trait]
impl Provider for Twisted {
    fn description(&self) -> &Description {
        self.inner.description()
    }

    async fn survey(&self, store: &StoreRequest, call: &Call<'_>) -> Result<Survey, Error> {
        self.inner.survey(store, call).await
    }

    fn recovery_points(
        &self,
        store: &StoreRequest,
        seen: &Survey,
    ) -> Result<Vec<RecoveryPoint>, Error> {
        self.inner.recovery_points(store, seen)
    }

    async fn preview(&self, operation: &Operation, call: &Call<'_>) -> Result<Preview, Error> {
        self.inner.preview(operation, call).await
    }

    async fn perform(&self, operation: &Operation, call: &Call<'_>) -> Result<Outcome, Error> {
        let operation = self.twisted(operation);
        if self.mutant == Mutant::OutcomeFirst {
            let at = self.shared.time.now() + SECOND;
            let outcome = done(&operation);
            self.shared
                .seen()
                .network
                .push(LateRequest { at, operation });
            return Ok(outcome);
        }
        let answer = self.inner.perform(&operation, call).await;
        match (self.mutant, answer) {
            (Mutant::UnknownIsTransient, Err(Error::Unknown { what })) => {
                Err(Error::transient(what))
            }
            // A finding fails the step at once, without a look at what became of it.
            (Mutant::DeadlineIsFailure, Err(Error::Unknown { what })) => Ok(Outcome {
                outputs: Values::new(),
                findings: vec![Finding {
                    subject: "answer".to_owned(),
                    expected: "in time".to_owned(),
                    observed: what,
                    judgement: salvor_contract::Judgement::Failed,
                }],
            }),
            (Mutant::UnknownIsDone, Err(Error::Unknown { .. })) => Ok(done(&operation)),
            (_, answer) => answer,
        }
    }

    async fn probe(&self, operation: &Operation, call: &Call<'_>) -> Result<Probe, Error> {
        let operation = self.twisted(operation);
        let found = self.inner.probe(&operation, call).await?;
        Ok(match (self.mutant, found) {
            (Mutant::ProbeAbsent, _) => Probe::Absent,
            (Mutant::ProbeDone, _)
            | (Mutant::InFlightIsDone, Probe::InFlight { .. })
            | (Mutant::ConflictAdopted, Probe::Conflict { .. }) => Probe::Done(done(&operation)),
            (_, found) => found,
        })
    }

    async fn observe(
        &self,
        operation: &Operation,
        outcome: &Outcome,
        call: &Call<'_>,
    ) -> Result<Vec<Finding>, Error> {
        self.inner.observe(operation, outcome, call).await
    }

    async fn remove(&self, operation: &Operation, call: &Call<'_>) -> Result<Removal, Error> {
        self.inner.remove(operation, call).await
    }
}
