//! Holders that die, and holders that sleep past their lease and wake up.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use rustix::process::Signal;
use salvor::cli::surroundings::real;
use salvor::digest::Digest;
use salvor::journal::Body;
use salvor::journal::Journal;
use salvor::journal::JournalError;
use salvor::journal::lock::Claim;
use salvor::journal::lock::EnvironmentLock as _;
use salvor::journal::lock::Guard;
use salvor::journal::lock::Holder;
use salvor::journal::lock::LeaseLock;
use salvor::journal::lock::Register;
use salvor::journal::lock::register::RegisterError;
use salvor::journal::lock::register::Tag;
use salvor::journal::writer::Source;
use salvor_contract::Class;
use salvor_contract::Outcome;

use crate::child::Child;
use crate::child::say;
use crate::child::told;
use crate::store::Reach;
use crate::store::SHORT;
use crate::store::Store;
use crate::store::runtime;

const PREFIX: &str = "holders";
const LOCK: &str = "locks/one";
const RUN: &str = "run";

/// Whether a writer stops when its lock is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heed {
    /// As salvor does.
    Lock,
    /// As no process should.
    Nothing,
}

/// Somebody on a machine whose processes cannot be seen from here.
fn elsewhere(host: &str) -> Claim {
    let here = Holder::of_this_process("kim");
    Claim {
        run: RUN.into(),
        holder: Holder {
            host: host.to_owned(),
            ..here
        },
        since: Timestamp::UNIX_EPOCH,
    }
}

/// The part of one that takes the lock and keeps it.
pub fn hold(reach: &Reach) {
    let folder = tempfile::tempdir().expect("a folder");
    runtime().block_on(async {
        let lock = reach.locks(PREFIX, folder.path()).await.at(LOCK);
        let guard = lock.acquire(elsewhere("one")).await.expect("it is free");
        say("held");
        say(&guard.keep().await.why);
    });
}

/// The part of one that takes the lock and writes a journal as fast as it can.
pub fn write(reach: &Reach, heed: Heed) {
    let folder = tempfile::tempdir().expect("a folder");
    runtime().block_on(async {
        let lock = reach.locks(PREFIX, folder.path()).await.at(LOCK);
        let guard = lock.acquire(elsewhere("one")).await.expect("it is free");
        let journal = begun(reach, folder.path()).await;
        let end = match heed {
            Heed::Nothing => write_on(&journal).await.to_string(),
            Heed::Lock => tokio::select! {
                biased;
                lost = guard.keep() => lost.to_string(),
                error = write_on(&journal) => error.to_string(),
            },
        };
        say(&format!("ended: {end}"));
        // The parent ends this process when it has looked at what it left.
        told().for_each(drop);
    });
}

async fn begun(reach: &Reach, folder: &std::path::Path) -> Journal {
    let environment = reach.environment(PREFIX, folder).await;
    let storage = environment.create(&RUN.into()).await.expect("it is fit");
    let opened = Body::Opened {
        lineage: environment.lineage().to_owned(),
        plan: "shop".to_owned(),
        scenario: "full".to_owned(),
        change_set: Digest::of_bytes(b"change set"),
        approval: "approval".to_owned(),
        goal: Timestamp::UNIX_EPOCH,
        tool: "test".to_owned(),
        holder: elsewhere("one").holder,
        confirmed: Vec::new(),
        adopts: false,
    };
    let created = Journal::create(storage, source(folder), RUN.into(), opened).await;
    created.expect("the run is new")
}

fn source(folder: &std::path::Path) -> Source {
    let around = real(folder.to_owned());
    Source {
        clock: around.clock,
        randomness: around.randomness,
    }
}

fn intent(number: u64) -> Body {
    Body::Intent {
        step: format!("step-{number}").as_str().into(),
        attempt: 1,
        op: format!("op-{number}").as_str().into(),
        class: Class::Named,
        inputs: Digest::of_bytes(b"inputs"),
    }
}

fn succeeded(number: u64) -> Body {
    Body::Succeeded {
        step: format!("step-{number}").as_str().into(),
        op: format!("op-{number}").as_str().into(),
        outcome: Outcome::default(),
        adopted: false,
        took_ms: 1,
    }
}

/// Appends until it is refused.
async fn write_on(journal: &Journal) -> JournalError {
    for number in 0.. {
        for body in [intent(number), succeeded(number)] {
            if let Err(error) = journal.append(body).await {
                return error;
            }
        }
        if number == 2 {
            say("writing");
        }
    }
    unreachable!("it appends for ever")
}

/// A register that counts how often it is looked at.
struct Counted {
    inner: salvor::journal::shared::SharedObject,
    looks: Arc<AtomicU32>,
}

#[async_trait]
impl Register for Counted {
    async fn get(&self) -> Result<Option<(Vec<u8>, Tag)>, RegisterError> {
        self.looks.fetch_add(1, Ordering::Relaxed);
        self.inner.get().await
    }

    async fn create(&self, content: Vec<u8>) -> Result<Tag, RegisterError> {
        self.inner.create(content).await
    }

    async fn replace(&self, content: Vec<u8>, tag: &Tag) -> Result<Tag, RegisterError> {
        self.inner.replace(content, tag).await
    }
}

/// Takes the lock over from whoever has it; says how often it looked.
async fn take_over(reach: &Reach, folder: &std::path::Path) -> (Box<dyn Guard>, u32, Duration) {
    let looks = Arc::new(AtomicU32::new(0));
    let counted = Counted {
        inner: reach.locks(PREFIX, folder).await.object(LOCK),
        looks: Arc::clone(&looks),
    };
    let around = real(folder.to_owned());
    let (clock, began) = (Arc::clone(&around.clock), around.clock.elapsed());
    let lock = LeaseLock::new(Arc::new(counted), around.clock, around.randomness);
    let guard = lock.with_terms(SHORT).acquire(elsewhere("two")).await;
    let waited = clock.elapsed() - began;
    (
        guard.expect("its holder is gone"),
        looks.load(Ordering::Relaxed),
        waited,
    )
}

/// As many looks as fit into the lease, and one more: on a real clock it is over soon after.
fn looks_max() -> u32 {
    u32::try_from(SHORT.ttl.as_millis() / SHORT.poll.as_millis()).expect("few") + 2
}

#[test]
fn the_lock_of_a_killed_holder_is_taken_over_when_its_lease_has_lapsed() {
    let Some(store) = Store::minio() else { return };
    let mut holder = Child::start("hold", store.reach());
    assert_eq!(holder.hear(), "held");
    holder.signal(Signal::KILL);
    let folder = tempfile::tempdir().expect("a folder");
    let (guard, looks, waited) = runtime().block_on(take_over(store.reach(), folder.path()));
    assert!(waited >= SHORT.ttl, "{waited:?}");
    assert!(looks <= looks_max(), "{looks} looks");
    let former = guard.former().expect("it was not given back");
    assert_eq!(former.holder.host, "one");
}

#[test]
fn a_holder_that_is_stopped_and_wakes_up_appends_nothing() {
    for (part, ends) in [
        (
            "write under the lock",
            ["could not be renewed", "took over this run"],
        ),
        (
            "write whatever the lock says",
            ["took over this run", "took over this run"],
        ),
    ] {
        let Some(store) = Store::minio() else { return };
        let mut writer = Child::start(part, store.reach());
        assert_eq!(writer.hear(), "writing");
        writer.signal(Signal::STOP);
        let folder = tempfile::tempdir().expect("a folder");
        let runtime = runtime();
        let (environment, journal, guard) = runtime.block_on(async {
            let (guard, ..) = take_over(store.reach(), folder.path()).await;
            let environment = store.reach().environment(PREFIX, folder.path()).await;
            let proved = environment.prove(&RUN.into()).await.expect("whole");
            let why = "its holder is silent".to_owned();
            let holder = elsewhere("two").holder;
            let journal = Journal::resume(proved, source(folder.path()), holder, why);
            (environment, journal.await.expect("it is ours"), guard)
        });
        let head = journal.head();
        writer.signal(Signal::CONT);
        let end = writer.hear();
        assert!(
            ends.iter().any(|words| end.contains(words)),
            "{part}: {end}"
        );
        let chain = runtime
            .block_on(environment.chain(&RUN.into()))
            .expect("whole");
        assert_eq!((chain.state.head, chain.state.epoch), (head, 2), "{part}");
        let last = chain.records.last().expect("it has records");
        assert!(matches!(last.body, Body::Resumed { .. }), "{last:?}");
        runtime.block_on(guard.release()).expect("it is ours");
    }
}
