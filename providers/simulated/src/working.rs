//! Calls at the simulated services: they meet the faults of the script, are taken on, and are waited for.

use std::time::Duration;

use salvor_contract::Call;
use salvor_contract::Error;
use salvor_contract::Finding;
use salvor_contract::Judgement;
use salvor_contract::KindName;
use salvor_contract::Operation;
use salvor_contract::Outcome;
use salvor_contract::Unit;
use salvor_contract::Update;
use salvor_contract::Values;
use tokio::task::yield_now;

use crate::begin;
use crate::fault::Fault;
use crate::fault::Verb;
use crate::fault::panic_with;
use crate::place::Place;
use crate::world::Work;
use crate::world::WorkState;

/// What rules are matched with.
pub(crate) fn of(operation: &Operation) -> (&KindName, &str) {
    (&operation.action, operation.step.as_str())
}

/// Meets the fault of a call that only reads, if there is one.
pub(crate) async fn meet_reading(
    place: &Place,
    (kind, name): (&KindName, &str),
    verb: Verb,
    call: &Call<'_>,
) -> Result<(), Error> {
    yield_now().await;
    // A world without a script is not written for a mere look.
    if !place.has_faults()? {
        return Ok(());
    }
    let fault = place.update(call.clock.now(), |world| world.next_fault(kind, name, verb))?;
    match fault {
        None => Ok(()),
        Some(Fault::Refuse(why)) => Err(Error::refused(why)),
        Some(Fault::Panic(words)) => panic_with(&words),
        Some(Fault::Delay(length)) => call
            .pause(length.duration(), "the answer")
            .await
            .map_err(Error::of_reading),
        Some(Fault::Transient(retry_after)) => Err(Error::Transient {
            what: "the service is busy".to_owned(),
            retry_after,
        }),
        Some(
            Fault::DropBefore
            | Fault::LoseAnswer
            | Fault::Duplicate
            | Fault::Strange(_)
            | Fault::FailAfter(..),
        ) => Err(Error::transient("the answer was lost")),
    }
}

/// Sends the request and gives the service's name of the work.
pub(crate) async fn request(
    place: &Place,
    operation: &Operation,
    speed: u64,
    call: &Call<'_>,
) -> Result<String, Error> {
    let fault = place.update(call.clock.now(), |world| {
        world.next_fault(&operation.action, operation.step.as_str(), Verb::Perform)
    })?;
    match &fault {
        None
        | Some(
            Fault::LoseAnswer
            | Fault::Duplicate
            | Fault::Strange(_)
            | Fault::FailAfter(..)
            | Fault::Panic(_),
        ) => {}
        Some(Fault::Refuse(why)) => return Err(Error::refused(why.clone())),
        Some(Fault::Transient(retry_after)) => {
            let (what, retry_after) = ("the service is busy".to_owned(), *retry_after);
            return Err(Error::Transient { what, retry_after });
        }
        Some(Fault::DropBefore) => {
            return Err(Error::unknown(format!(
                "no answer came to {}",
                operation.action
            )));
        }
        Some(Fault::Delay(length)) => call
            .pause(length.duration(), "the request's turn")
            .await
            .map_err(|error| Error::transient(format!("{error}; nothing was begun")))?,
    }
    yield_now().await;
    let now = call.clock.now();
    let name = place.change(now, |world| {
        let name = begin::begin(world, operation, now, speed)?;
        if fault == Some(Fault::Duplicate) {
            begin::begin(world, operation, now, speed)?;
        }
        if let Some(work) = world.work.get_mut(&name) {
            match &fault {
                Some(Fault::Strange(state)) => work.state = WorkState::Strange(state.clone()),
                Some(Fault::FailAfter(after, why)) => {
                    let divisor = u32::try_from(speed.max(1)).unwrap_or(u32::MAX);
                    work.fails = Some(((after.duration() / divisor).into(), why.clone()));
                }
                None
                | Some(
                    Fault::Refuse(_)
                    | Fault::Transient(_)
                    | Fault::DropBefore
                    | Fault::LoseAnswer
                    | Fault::Delay(_)
                    | Fault::Duplicate
                    | Fault::Panic(_),
                ) => {}
            }
        }
        Ok(name)
    })?;
    yield_now().await;
    match fault {
        Some(Fault::LoseAnswer) => Err(Error::unknown(format!(
            "no answer came to {}",
            operation.action
        ))),
        Some(Fault::Panic(words)) => panic_with(&words),
        Some(_) | None => Ok(name),
    }
}

/// Looks at work until it is done.
pub(crate) async fn await_work(
    place: &Place,
    name: &str,
    call: &Call<'_>,
) -> Result<Outcome, Error> {
    loop {
        let now = call.clock.now();
        // Written back, so that the file shows to a reader what is done by now.
        let work = place
            .update(now, |world| world.work.get(name).cloned())
            .map_err(|error| Error::unknown(format!("{name} was begun; then {error}")))?;
        let Some(work) = work else {
            return Err(Error::unknown(format!(
                "{name} was begun and is no longer known"
            )));
        };
        match &work.state {
            WorkState::Done | WorkState::Failed(_) => return Ok(outcome_of(&work)),
            WorkState::Strange(state) => return Err(Error::unknown(strange(name, state))),
            WorkState::Running => {}
        }
        let lasts = work.lasts.duration();
        let passed = Duration::try_from(work.begun.duration_until(now)).unwrap_or_default();
        let percent = passed.as_millis() * 100 / lasts.as_millis().max(1);
        call.progress.update(Update {
            done: u64::try_from(percent).unwrap_or(100).min(100),
            total: Some(100),
            unit: Unit::Percent,
            says: Some("working".to_owned()),
        });
        let step = (lasts / 20).max(Duration::from_millis(10));
        let left = lasts.saturating_sub(passed).max(Duration::from_millis(1));
        call.pause(step.min(left), name).await?;
    }
}

pub(crate) fn outcome_of(work: &Work) -> Outcome {
    match &work.state {
        // Something was changed and it did not come to its end: neither a refusal nor unknown.
        WorkState::Failed(why) => Outcome {
            outputs: Values::new(),
            findings: vec![Finding {
                subject: format!("work {}", work.mark.operation),
                expected: "done".to_owned(),
                observed: format!("failed: {why}"),
                judgement: Judgement::Failed,
            }],
        },
        WorkState::Running | WorkState::Done | WorkState::Strange(_) => {
            Outcome::of(work.outputs.clone())
        }
    }
}

pub(crate) fn strange(name: &str, state: &str) -> String {
    format!("the service reports the state `{state}` of {name}, which this version does not know")
}
