//! Making a thing that takes long, once: found by its name and its mark, begun when it is not there, waited for.

use std::collections::BTreeMap;
use std::time::Duration;

use salvor_aws_client::Failure;
use salvor_contract::Call;
use salvor_contract::Error;
use salvor_contract::Finding;
use salvor_contract::Judgement;
use salvor_contract::Operation;
use salvor_contract::Probe;
use salvor_contract::Unit;
use salvor_contract::Update;

use crate::mark::Mark;
use crate::mark::Whose;
use crate::state::State;

/// How long "not there" is not believed of what was there, or was just begun.
pub(crate) const SETTLE: Duration = Duration::from_secs(10);
/// The first and the longest time between two looks.
const POLLS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// A thing of the service that is made, and becomes ready.
pub(crate) trait Made {
    /// Its tags.
    fn tags(&self) -> &BTreeMap<String, String>;
    /// Its full name.
    fn arn(&self) -> &str;
    /// The service's word for its state.
    fn status(&self) -> &str;
    /// What that means.
    fn state(&self) -> State;
    /// How much of it is there.
    fn percent(&self) -> Option<u64>;
}

/// What looks at one thing by its name.
pub(crate) trait Looks: Sync {
    /// The thing.
    type Thing: Made + Send;

    /// Its name in sentences: `instance app-restore`.
    fn what(&self) -> String;

    /// Looks at it; `None` when the service says that it is not there.
    fn look(&self) -> impl Future<Output = Result<Option<Self::Thing>, Failure>> + Send;
}

/// What makes one thing.
pub(crate) trait Makes: Looks {
    /// What the thing carries.
    fn mark(&self) -> &Mark;

    /// The service's code for a name that is taken.
    fn taken(&self) -> &'static str;

    /// Sends the one request that makes it.
    fn begin(&self) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// Finds it or begins it, and waits until it is ready or has failed.
pub(crate) async fn make<M: Makes>(
    maker: &M,
    operation: &Operation,
    call: &Call<'_>,
) -> Result<M::Thing, Error> {
    let found = match ours(maker).await? {
        Some(found) => found,
        None => begun(maker, call).await?,
    };
    if operation.service_name.as_deref() != Some(found.arn()) {
        call.progress.named(found.arn()).await?;
    }
    let is_over = |found: &M::Thing| found.state() != State::Busy;
    until(maker, is_over, Some(found), call).await
}

/// Looks at it. One without any mark is looked at again: tags may be told later than the thing, and an answer that was
/// cut off on its way tells fewer of them.
async fn looked<M: Makes>(maker: &M) -> Result<Option<M::Thing>, Failure> {
    match maker.look().await? {
        Some(found) if !Mark::is_in(found.tags()) => maker.look().await,
        found => Ok(found),
    }
}

/// What is there when it is ours.
async fn ours<M: Makes>(maker: &M) -> Result<Option<M::Thing>, Error> {
    match looked(maker).await? {
        None => Ok(None),
        Some(found) => match maker.mark().whose(found.tags()) {
            Whose::Ours => Ok(Some(found)),
            Whose::Others(whose) => Err(occupied(&maker.what(), &whose)),
        },
    }
}

async fn begun<M: Makes>(maker: &M, call: &Call<'_>) -> Result<M::Thing, Error> {
    call.may_begin()?;
    match maker.begin().await {
        Ok(()) => {}
        // An earlier call of ours may have come through although a look did not see it yet.
        Err(failure) if failure.is(maker.taken()) => {}
        Err(failure) => return Err(failure.of_change()),
    }
    let began = call.clock.elapsed();
    loop {
        let seen = looked(maker).await.map_err(|failure| {
            let what = format!("{} was begun: {}", maker.what(), failure.error);
            Error::unknown(what)
        })?;
        if let Some(found) = seen {
            return match maker.mark().whose(found.tags()) {
                Whose::Ours => Ok(found),
                // It was there before: nothing was begun.
                Whose::Others(whose) => Err(occupied(&maker.what(), &whose)),
            };
        }
        if call.clock.elapsed() - began > SETTLE {
            return Err(Error::unknown(format!(
                "{} was begun and is not told of",
                maker.what()
            )));
        }
        call.pause(POLLS.0, &maker.what()).await?;
    }
}

/// What became of it.
pub(crate) async fn probe<M: Makes>(
    maker: &M,
    done: impl FnOnce(&M::Thing) -> Probe + Send,
) -> Result<Probe, Error> {
    let Some(found) = looked(maker).await? else {
        return Ok(Probe::Absent);
    };
    if let Whose::Others(whose) = maker.mark().whose(found.tags()) {
        return Ok(Probe::Conflict {
            found: format!("{}, {whose}", maker.what()),
        });
    }
    Ok(match found.state() {
        State::Ready | State::Failed | State::Going => done(&found),
        State::Busy | State::Unknown => in_flight(&found),
    })
}

/// It goes on at the service.
pub(crate) fn in_flight(found: &impl Made) -> Probe {
    Probe::InFlight {
        name: Some(found.arn().to_owned()),
    }
}

/// The refusal of a name that is taken.
pub(crate) fn occupied(what: &str, whose: &str) -> Error {
    Error::refused_with(
        format!("{what} is there already, {whose}"),
        "Give the step another name, or remove what is there.",
    )
}

/// A thing that will not become ready, as a finding; none when it is ready.
pub(crate) fn failure(what: &str, found: &impl Made) -> Option<Finding> {
    let observed = match found.state() {
        State::Ready => return None,
        State::Failed | State::Busy => found.status().to_owned(),
        State::Going => format!("{}: somebody removes it", found.status()),
        State::Unknown => format!("`{}`, which is not a status known here", found.status()),
    };
    Some(Finding {
        subject: format!("status of {what}"),
        expected: "available".to_owned(),
        observed,
        judgement: Judgement::Failed,
    })
}

/// Looks again and again until `is_over`, a failure or the deadline. What is told in between is progress.
///
/// A look that fails for a while is no reason to give up what goes on at the service. The end of the time is
/// [`Error::Unknown`]: nothing is removed.
pub(crate) async fn until<L: Looks>(
    looks: &L,
    is_over: impl Fn(&L::Thing) -> bool + Send,
    mut seen: Option<L::Thing>,
    call: &Call<'_>,
) -> Result<L::Thing, Error> {
    let what = looks.what();
    let mut poll = POLLS.0;
    let mut missing_since = None;
    let mut last = String::from("was not told of yet");
    loop {
        match seen.take() {
            Some(found) => {
                missing_since = None;
                let state = found.state();
                let is_left = matches!(state, State::Failed | State::Going);
                if is_left || state != State::Unknown && is_over(&found) {
                    return Ok(found);
                }
                tell(&found, call);
                last = match state {
                    State::Unknown => {
                        format!("is `{}`, which is not a status known here", found.status())
                    }
                    State::Ready | State::Busy | State::Failed | State::Going => {
                        format!("is `{}`", found.status())
                    }
                };
            }
            None => {
                let since = *missing_since.get_or_insert_with(|| call.clock.elapsed());
                if call.clock.elapsed() - since > SETTLE {
                    return Err(Error::unknown(format!(
                        "{what} {last} and is not there any more"
                    )));
                }
            }
        }
        call.pause(poll, &format!("{what}, which {last}")).await?;
        poll = (poll * 2).min(POLLS.1);
        seen = match looks.look().await {
            Ok(found) => found,
            Err(failure) => match failure.error {
                Error::Transient { .. } => {
                    // Not seen is not "not there".
                    missing_since = None;
                    None
                }
                Error::Refused { what: why, .. } | Error::Unknown { what: why } => {
                    return Err(Error::unknown(format!("{what} goes on: {why}")));
                }
            },
        };
    }
}

/// Waits until it is not there any more, with the first look at once.
pub(crate) async fn gone<L: Looks>(looks: &L, call: &Call<'_>) -> Result<(), Error> {
    let what = looks.what();
    let mut poll = POLLS.0;
    loop {
        match looks.look().await {
            Ok(None) => return Ok(()),
            Ok(Some(found)) => tell(&found, call),
            Err(failure) => match failure.error {
                Error::Transient { .. } => {}
                Error::Refused { what: why, .. } | Error::Unknown { what: why } => {
                    return Err(Error::unknown(format!("{what} goes: {why}")));
                }
            },
        }
        call.pause(poll, &format!("{what} to go")).await?;
        poll = (poll * 2).min(POLLS.1);
    }
}

fn tell(found: &impl Made, call: &Call<'_>) {
    call.progress.update(Update {
        done: found.percent().unwrap_or(0),
        total: Some(100),
        unit: Unit::Percent,
        says: Some(found.status().to_owned()),
    });
}
