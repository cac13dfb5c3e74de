//! Calls a provider so that whatever it does comes back as one of its own results.
//!
//! A deadline that passes, a stop, a panic: each becomes [`Error::Unknown`], because the operation may
//! have had its effect. This file decides nothing; `step` does.

use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt as _;
use salvor_contract::Call;
use salvor_contract::Error;
use salvor_contract::Finding;
use salvor_contract::Judgement;
use salvor_contract::Operation;
use salvor_contract::Outcome;
use salvor_contract::Probe;
use salvor_contract::Progress;
use salvor_contract::Provider;
use salvor_contract::Update;
use tokio_util::sync::CancellationToken;

use crate::change_set::PlannedStep;
use crate::execution::watcher::Event;
use crate::execution::watcher::Watcher;
use crate::journal::Body;
use crate::journal::Journal;
use crate::surroundings::Heard;
use crate::surroundings::LOOK_MAX;
use crate::surroundings::SILENCE_MAX;
use crate::surroundings::Surroundings;
use crate::survey::silent;
use crate::survey::words_of;

/// How long a provider may go on after its deadline or a stop before its future is dropped.
const GRACE: Duration = Duration::from_secs(10);

/// One operation with all that is needed to send it.
pub struct Operator<'a> {
    /// The provider of the action.
    pub provider: &'a dyn Provider,
    /// The operation.
    pub operation: Operation,
    /// What the change set says of its step.
    pub step: &'a PlannedStep,
    /// Clock, secrets, folders.
    pub surroundings: &'a Surroundings,
    /// Where the service's own name of the operation is recorded.
    pub journal: &'a Journal,
    /// Who is told of progress.
    pub watcher: &'a dyn Watcher,
    /// Set when the operator wants to stop.
    pub stop: CancellationToken,
    /// A folder of the operation's own.
    pub scratch: PathBuf,
}

impl Operator<'_> {
    /// Performs the operation once, for as long as this.
    pub async fn perform(&self, length: Duration) -> Result<Outcome, Error> {
        let progress = StepProgress { operator: self };
        let call = self
            .surroundings
            .call(&progress, self.stop.clone(), length, &self.scratch);
        let work = AssertUnwindSafe(self.provider.perform(&self.operation, &call)).catch_unwind();
        let clock = self.surroundings.clock.as_ref();
        let out_of_patience = async {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => {}
                () = clock.sleep(length) => {}
            }
            clock.sleep(GRACE).await;
        };
        tokio::select! {
            biased;
            result = work => match result {
                Ok(result) => result,
                Err(panic) => Err(Error::unknown(format!("the provider panicked: {}", words_of(panic)))),
            },
            () = out_of_patience => Err(self.no_answer()),
        }
    }

    /// What is said of it when its deadline has passed.
    pub fn no_answer(&self) -> Error {
        Error::unknown(format!("no answer within {}", self.step.deadline))
    }

    /// Finds out what became of the operation. Transient errors come back as `CannotTell`.
    pub async fn probe(&self) -> Probe {
        let heard = Heard::new(self.surroundings.clock.as_ref());
        let call = self.reading_call(&heard);
        let work = AssertUnwindSafe(self.provider.probe(&self.operation, &call)).catch_unwind();
        let why = match until_silent(work, &heard).await {
            Some(Ok(Ok(probe))) => return probe,
            Some(Ok(Err(error))) => error.to_string(),
            Some(Err(panic)) => format!("the provider panicked: {}", words_of(panic)),
            None => silent(),
        };
        Probe::CannotTell { why }
    }

    /// Compares what was declared with what is there. What cannot be seen is inconclusive, never passed.
    pub async fn observe(&self, outcome: &Outcome) -> Vec<Finding> {
        let heard = Heard::new(self.surroundings.clock.as_ref());
        let call = self.reading_call(&heard);
        let work =
            AssertUnwindSafe(self.provider.observe(&self.operation, outcome, &call)).catch_unwind();
        let observed = match until_silent(work, &heard).await {
            Some(Ok(Ok(findings))) => return findings,
            Some(Ok(Err(error))) => error.to_string(),
            Some(Err(panic)) => format!("the provider panicked: {}", words_of(panic)),
            None => silent(),
        };
        vec![Finding {
            subject: format!("state after {}", self.operation.action),
            expected: "what was declared".to_owned(),
            observed,
            judgement: Judgement::Inconclusive,
        }]
    }

    fn reading_call<'a>(&'a self, heard: &'a Heard<'a>) -> Call<'a> {
        let stop = CancellationToken::new();
        self.surroundings.call(heard, stop, LOOK_MAX, &self.scratch)
    }
}

async fn until_silent<T>(work: impl Future<Output = T>, heard: &Heard<'_>) -> Option<T> {
    tokio::select! {
        biased;
        result = work => Some(result),
        () = heard.silence(SILENCE_MAX + GRACE) => None,
    }
}

struct StepProgress<'a> {
    operator: &'a Operator<'a>,
}

#[async_trait]
impl Progress for StepProgress<'_> {
    fn update(&self, update: Update) {
        self.operator.watcher.saw(Event::Progress {
            step: &self.operator.step.name,
            update: &update,
        });
    }

    async fn named(&self, name: &str) -> Result<(), Error> {
        let body = Body::Named {
            step: self.operator.step.name.clone(),
            op: self.operator.operation.id.clone(),
            name: name.to_owned(),
        };
        match self.operator.journal.append(body).await {
            Ok(_) => Ok(()),
            Err(error) => Err(Error::unknown(format!(
                "the journal cannot record `{name}`: {error}"
            ))),
        }
    }
}
