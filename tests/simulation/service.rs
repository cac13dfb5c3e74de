//! The simulated provider behind a network: requests that arrive late, answers that are stale, and an eye on
//! every effect at the very moment at which it happens.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use salvor::surroundings::Surroundings;
use salvor_contract::Call;
use salvor_contract::Class;
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
use salvor_simulated::Simulated;
use tokio_util::sync::CancellationToken;

use crate::ledger::place;
use crate::shared::LateRequest;
use crate::shared::Shared;
use crate::time::ProcessClock;
use crate::time::ServiceClock;
use crate::violation::Rule;
use crate::violation::Violation;
use crate::wake::polled;

/// One process's way to the services.
pub struct Service {
    shared: Arc<Shared>,
    inner: Arc<Simulated>,
    clock: ServiceClock,
    /// How often this process may still send each operation.
    tries_left: Mutex<BTreeMap<OperationId, u32>>,
}

/// How long a client waits for an answer that does not come.
const NO_ANSWER: Duration = Duration::from_secs(5);

impl Service {
    /// The way of a process with this clock.
    pub fn new(shared: Arc<Shared>, clock: Arc<ProcessClock>) -> Self {
        Self {
            inner: Arc::clone(&shared.simulated),
            shared,
            clock: ServiceClock(clock),
            tries_left: Mutex::default(),
        }
    }

    fn tries_left(&self, operation: &Operation, change: impl FnOnce(&mut u32)) {
        let mut left = self.tries_left.lock().expect("counting does not panic");
        let tries = self.shared.schedule.steps[place(&operation.step)].attempts;
        change(left.entry(operation.id.clone()).or_insert(tries));
    }

    /// The plan's number of tries holds, whatever came of each.
    fn count_try(&self, operation: &Operation) {
        self.tries_left(operation, |left| match left.checked_sub(1) {
            Some(fewer) => *left = fewer,
            None => {
                let what = format!("{} is sent more often than its plan says", operation.step);
                self.shared.check(Err(Violation::new(Rule::Tries, what)));
            }
        });
    }

    fn at_service<'a>(&'a self, call: &Call<'a>) -> Call<'a> {
        Call {
            clock: &self.clock,
            ..call.clone()
        }
    }

    /// What a person answered must be what is sent.
    fn check_answer(&self, operation: &Operation) {
        let place = place(&operation.step);
        if !self.shared.schedule.steps[place].asks {
            return;
        }
        self.shared.sync();
        let recorded = self
            .shared
            .seen()
            .ledger
            .step(operation.step.as_str())
            .answer;
        let sent = serde_json::to_value(&operation.answer).expect("an answer serialises");
        if recorded.as_ref() != Some(&sent) {
            let what = format!(
                "{} is sent with {sent}, recorded is {recorded:?}",
                operation.step
            );
            self.shared.check(Err(Violation::new(Rule::Answer, what)));
        }
    }

    /// True when this request is to be late; it is then on its way.
    fn is_late(&self, operation: &Operation) -> bool {
        let place = place(&operation.step);
        let mut seen = self.shared.seen();
        let number = seen.sent.entry(place).or_default();
        *number += 1;
        let Some(by) = self.shared.schedule.late.get(&(place, *number)) else {
            return false;
        };
        seen.network.push(LateRequest {
            at: self.shared.time.now() + by,
            operation: operation.clone(),
        });
        true
    }

    /// True when an effect is too new for a probe to see it.
    fn is_stale(&self, operation: &Operation) -> bool {
        let step = &self.shared.schedule.steps[place(&operation.step)];
        let seen = self.shared.seen();
        match (step.class, seen.effect_times.get(operation.id.as_str())) {
            (Class::Token | Class::Named | Class::Fenced, Some(at)) => {
                self.shared.time.now() < at + step.stale
            }
            (_, _) => false,
        }
    }
}

/// Lets a late request arrive, whoever sent it and whether they live.
pub fn arrive(shared: &Arc<Shared>, request: &LateRequest, surroundings: &Surroundings) {
    shared.hit("late request arrived");
    shared.tell(|| format!("the late request of {} arrives", request.operation.step));
    let inner = &shared.simulated;
    let clock = ServiceClock(Arc::new(ProcessClock {
        time: shared.time.clone(),
        skew: Default::default(),
    }));
    let progress = salvor::surroundings::Unwatched;
    let length = Duration::from_secs(600);
    let call = surroundings.call(&progress, CancellationToken::new(), length, Path::new("/"));
    let call = Call {
        clock: &clock,
        ..call
    };
    // Enough to be taken on; nobody waits for the rest.
    let _ = polled(inner.perform(&request.operation, &call), 6);
    shared.look_at_effects();
}

#[async_trait]
impl Provider for Service {
    fn description(&self) -> &Description {
        self.inner.description()
    }

    async fn survey(&self, store: &StoreRequest, call: &Call<'_>) -> Result<Survey, Error> {
        self.inner.survey(store, &self.at_service(call)).await
    }

    fn recovery_points(
        &self,
        store: &StoreRequest,
        seen: &Survey,
    ) -> Result<Vec<RecoveryPoint>, Error> {
        self.inner.recovery_points(store, seen)
    }

    async fn preview(&self, operation: &Operation, call: &Call<'_>) -> Result<Preview, Error> {
        self.inner.preview(operation, &self.at_service(call)).await
    }

    async fn perform(&self, operation: &Operation, call: &Call<'_>) -> Result<Outcome, Error> {
        self.shared
            .tell(|| format!("perform {} as {}", operation.step, operation.id));
        self.check_answer(operation);
        self.count_try(operation);
        if self.is_late(operation) {
            call.pause(NO_ANSWER, "an answer").await?;
            return Err(Error::unknown("no answer came"));
        }
        let call = self.at_service(call);
        let mut work = pin!(self.inner.perform(operation, &call));
        let answer = poll_fn(|context| {
            let polled = work.as_mut().poll(context);
            self.shared.look_at_effects();
            polled
        })
        .await;
        self.shared
            .tell(|| format!("perform {}: {answer:?}", operation.step));
        if matches!(answer, Err(Error::Transient { .. })) {
            self.shared.hit("transient error");
        }
        answer
    }

    async fn probe(&self, operation: &Operation, call: &Call<'_>) -> Result<Probe, Error> {
        let found = self.inner.probe(operation, &self.at_service(call)).await;
        if found.is_ok() {
            let operation = operation.id.to_string();
            self.shared.seen().ledger.looked_for.insert(operation);
        }
        if self.is_stale(operation) {
            self.shared.hit("stale look");
            self.shared
                .tell(|| format!("probe {}: stale, absent", operation.step));
            return Ok(Probe::Absent);
        }
        self.shared
            .tell(|| format!("probe {}: {found:?}", operation.step));
        if matches!(found, Ok(Probe::InFlight { .. })) {
            self.tries_left(operation, |left| *left += 1);
        }
        found
    }

    async fn observe(
        &self,
        operation: &Operation,
        outcome: &Outcome,
        call: &Call<'_>,
    ) -> Result<Vec<Finding>, Error> {
        self.inner
            .observe(operation, outcome, &self.at_service(call))
            .await
    }

    async fn remove(&self, operation: &Operation, call: &Call<'_>) -> Result<Removal, Error> {
        self.inner.remove(operation, &self.at_service(call)).await
    }
}
