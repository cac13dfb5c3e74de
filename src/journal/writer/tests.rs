//! Many writers, lost answers, a full disk, a second coordinator, and a drop at every poll.

use std::future::Future as _;
use std::pin::pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;

use salvor_contract::Outcome;
use salvor_contract::Values;

use crate::journal::body::Body;
use crate::journal::body::StopReason;
use crate::journal::chain;
use crate::journal::memory::Fault;
use crate::journal::memory::Shelf;
use crate::journal::record::BODY_MAX;
use crate::journal::state::Phase;
use crate::journal::state::Status;
use crate::journal::trial::Counting;
use crate::journal::trial::Ticking;
use crate::journal::trial::holder;
use crate::journal::trial::intent;
use crate::journal::trial::opened;
use crate::journal::trial::source;
use crate::journal::trial::succeeded;
use crate::journal::writer::Journal;
use crate::journal::writer::JournalError;
use crate::journal::writer::OpenError;
use crate::journal::writer::Proved;
use crate::journal::writer::Source;

/// A new run whose appends after the first meet these faults.
async fn begin(shelf: &Shelf, faults: impl Fn(usize) -> Fault + Send + 'static) -> Journal {
    let storage = shelf.open_with(move |n| n.checked_sub(1).map_or(Fault::None, &faults));
    Journal::create(Arc::new(storage), source(), "run".into(), opened("lineage"))
        .await
        .expect("a new run")
}

/// Another process of the same run; its nonces differ from the first one's.
async fn resume(shelf: &Shelf) -> Result<Journal, OpenError> {
    let source = Source {
        clock: Arc::new(Ticking::default()),
        randomness: Arc::new(Counting::from(1 << 32)),
    };
    let why = "the holder died".to_owned();
    let proved = Proved::read(Arc::new(shelf.open()), &"run".into()).await?;
    Journal::resume(proved, source, holder(), why).await
}

fn halted() -> Body {
    Body::Halted {
        why: StopReason::DiskFull,
        detail: String::new(),
    }
}

#[tokio::test]
async fn many_appends_at_once_are_one_write() {
    let shelf = Shelf::new();
    let journal = begin(&shelf, |_| Fault::None).await;
    let before = shelf.appends();
    let names: Vec<String> = (0..50).map(|n| format!("step-{n}")).collect();
    let appends = names.iter().map(|name| journal.append(intent(name, 1)));
    let places = futures::future::join_all(appends).await;
    let expected: Vec<Result<u64, JournalError>> = (1..=50).map(Ok).collect();
    assert_eq!(places, expected);
    assert_eq!(shelf.appends() - before, 1);
    let chain = chain::read(&shelf.open(), &"run".into())
        .await
        .expect("whole");
    assert_eq!(chain.state, journal.state());
}

#[tokio::test]
async fn an_illegal_record_is_refused_and_the_journal_goes_on() {
    let shelf = Shelf::new();
    let journal = begin(&shelf, |_| Fault::None).await;
    // The second is judged as if the first, which is only queued, were there.
    let (first, second, third) = futures::future::join3(
        journal.append(intent("a", 1)),
        journal.append(intent("a", 2)),
        journal.append(intent("b", 1)),
    )
    .await;
    assert_eq!(first, Ok(1));
    assert!(matches!(second, Err(JournalError::Illegal(_))));
    assert_eq!(third, Ok(2));
}

#[tokio::test]
async fn what_is_not_durable_is_not_seen() {
    let shelf = Shelf::new();
    let journal = begin(&shelf, |_| Fault::Dies(0)).await;
    let mut append = pin!(journal.append(intent("a", 1)));
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..20 {
        assert_eq!(append.as_mut().poll(&mut context), Poll::Pending);
        assert_eq!(
            journal.with_state(|state| state.status(&"a".into())),
            Status::Pending
        );
    }
}

/// After the loss of a question or an answer, every record is there once.
#[tokio::test]
async fn a_lost_answer_is_settled_by_reading_again() {
    for fault in [Fault::LostAnswer, Fault::LostRequest, Fault::Late] {
        for at in 0..4 {
            let shelf = Shelf::new();
            let fault_here = fault.clone();
            let journal = begin(&shelf, move |n| {
                if n == at {
                    fault_here.clone()
                } else {
                    Fault::None
                }
            })
            .await;
            for (place, step) in (1..).zip(["a", "b", "c"]) {
                assert_eq!(
                    journal.append(intent(step, 1)).await,
                    Ok(place),
                    "{fault:?} at {at}"
                );
            }
            shelf.deliver_late();
            let chain = chain::read(&shelf.open(), &"run".into())
                .await
                .expect("whole");
            assert_eq!(
                (chain.records.len(), chain.state),
                (4, journal.state()),
                "{fault:?} at {at}"
            );
        }
    }
}

#[tokio::test]
async fn a_storage_that_never_answers_ends_the_journal() {
    let shelf = Shelf::new();
    let journal = begin(&shelf, |_| Fault::LostRequest).await;
    let error = journal.append(intent("a", 1)).await.expect_err("no answer");
    assert!(error.is_final(), "{error}");
    assert_eq!(journal.append(intent("b", 1)).await, Err(error));
}

#[tokio::test]
async fn a_process_that_was_taken_over_can_record_nothing() {
    let shelf = Shelf::new();
    let first = begin(&shelf, |_| Fault::None).await;
    first.append(intent("a", 1)).await.expect("alone");
    let second = resume(&shelf).await.expect("whole");
    assert_eq!(
        second.with_state(|state| (state.epoch, state.head.seq)),
        (2, 2)
    );
    let deposed = Err(JournalError::Deposed { seq: 2 });
    assert_eq!(first.append(succeeded("a", 1)).await, deposed);
    assert_eq!(first.append(intent("b", 1)).await, deposed);
    assert_eq!(second.append(intent("b", 1)).await, Ok(3));
}

#[tokio::test]
async fn the_same_approval_opens_one_run() {
    let shelf = Shelf::new();
    begin(&shelf, |_| Fault::None).await;
    let again = Source {
        randomness: Arc::new(Counting::from(99)),
        ..source()
    };
    let second = Journal::create(
        Arc::new(shelf.open()),
        again,
        "run".into(),
        opened("lineage"),
    )
    .await;
    assert!(matches!(second.err(), Some(OpenError::Exists { .. })));
}

#[tokio::test]
async fn a_full_disk_begins_nothing_and_records_what_is_under_way() {
    let shelf = Shelf::new();
    let journal = begin(&shelf, |n| if n >= 1 { Fault::Full } else { Fault::None }).await;
    journal.append(intent("a", 1)).await.expect("space");
    let (refused, kept) = futures::future::join(
        journal.append(intent("b", 1)),
        journal.append(succeeded("a", 1)),
    )
    .await;
    assert_eq!(refused, Err(JournalError::Full));
    assert_eq!(kept, Ok(2), "out of the reserve");
    assert_eq!(
        journal.append(intent("c", 1)).await,
        Err(JournalError::Full)
    );
    assert_eq!(journal.append(halted()).await, Ok(3));
    let chain = chain::read(&shelf.open(), &"run".into())
        .await
        .expect("whole");
    assert!(matches!(
        chain.state.phase,
        Phase::Halted(StopReason::DiskFull, _)
    ));
    assert_eq!(chain.state.status(&"b".into()), Status::Pending);
}

#[tokio::test]
async fn after_an_error_of_the_disk_nothing_is_written_any_more() {
    for bytes in [0, 1, 100, 100_000] {
        let shelf = Shelf::new();
        let journal = begin(&shelf, move |n| {
            if n == 1 {
                Fault::Broken(bytes)
            } else {
                Fault::None
            }
        })
        .await;
        journal.append(intent("a", 1)).await.expect("well");
        let error = journal.append(succeeded("a", 1)).await.expect_err("broken");
        assert!(error.is_final(), "{error}");
        let text = shelf.text();
        assert_eq!(journal.append(halted()).await, Err(error));
        assert_eq!(shelf.text(), text);
        // What was acknowledged is there; what was not may be, and then the whole of it.
        let again = resume(&shelf).await.expect("the rest is whole");
        let status = again.with_state(|state| state.status(&"a".into()));
        let expected = if bytes > 10_000 {
            Status::Succeeded
        } else {
            Status::Intended
        };
        assert_eq!(status, expected, "{bytes} bytes");
    }
}

#[tokio::test]
async fn a_long_body_is_kept_beside_the_journal() {
    let shelf = Shelf::new();
    let journal = begin(&shelf, |_| Fault::None).await;
    journal.append(intent("a", 1)).await.expect("well");
    let outcome = Outcome::of(Values::new().with("log", "x".repeat(BODY_MAX)));
    let body = Body::Succeeded {
        step: "a".into(),
        op: "a-1".into(),
        outcome,
        adopted: false,
        took_ms: 1,
    };
    journal.append(body).await.expect("well");
    assert!(shelf.text().lines().all(|line| line.len() < 2_000));
    let chain = chain::read(&shelf.open(), &"run".into())
        .await
        .expect("whole");
    assert_eq!(chain.state, journal.state());
}

/// The engine is one future, and to drop it at any await is to crash. Three steps write at once; the whole is
/// dropped after every number of polls, with the write dying after different numbers of bytes.
#[test]
fn a_drop_at_any_poll_leaves_whole_records_and_loses_none_that_was_acknowledged() {
    let mut outcomes = std::collections::BTreeSet::new();
    for dies_at in 0..4 {
        for bytes in [0, 1, 200, 500, 900, 100_000] {
            for polls in 0..24 {
                let point = format!("append {dies_at}, {bytes} bytes, {polls} polls");
                let shelf = Shelf::new();
                let acknowledged = std::sync::Mutex::new(Vec::new());
                run_for(polls, async {
                    let faults = move |n| {
                        if n == dies_at {
                            Fault::Dies(bytes)
                        } else {
                            Fault::None
                        }
                    };
                    let journal = begin(&shelf, faults).await;
                    let step = |name: &'static str| {
                        let (journal, acknowledged) = (&journal, &acknowledged);
                        async move {
                            for body in [intent(name, 1), succeeded(name, 1)] {
                                let seq = journal.append(body).await.expect("no fault but death");
                                acknowledged.lock().expect("free").push(seq);
                            }
                        }
                    };
                    futures::future::join3(step("a"), step("b"), step("c")).await;
                });
                let whole = run(chain::read(&shelf.open(), &"run".into()));
                let acknowledged = acknowledged.into_inner().expect("free");
                match whole {
                    Ok(chain) => {
                        let records = chain.records.len() as u64;
                        assert!(acknowledged.iter().all(|seq| *seq < records), "{point}");
                        let resumed = run(resume(&shelf)).expect("whole records can be resumed");
                        assert_eq!(resumed.head().seq, records, "{point}");
                        outcomes.insert((records, chain.torn_bytes > 0));
                    }
                    Err(error) => {
                        assert_eq!(shelf.text(), "", "{point}: {error}");
                        assert!(acknowledged.is_empty(), "{point}");
                    }
                }
            }
        }
    }
    // Three steps share each write, so only a torn one ends between its records.
    assert!(
        [1, 4, 7].iter().all(|n| outcomes.contains(&(*n, false))),
        "{outcomes:?}"
    );
    assert!(
        (1..7).all(|n| outcomes.contains(&(n, true))),
        "{outcomes:?}"
    );
}

/// One append of several that wait together is dropped at each poll; the others are not harmed unless the
/// dropped one was writing, which ends the journal.
#[test]
fn dropping_one_of_many_appends_leaves_its_record_whole_or_out() {
    let mut ended = 0;
    for polls in 0..8 {
        let shelf = Shelf::new();
        run(async {
            let journal = begin(&shelf, |_| Fault::None).await;
            let dropped = async {
                let mut append = pin!(journal.append(intent("dropped", 1)));
                let mut left = polls;
                std::future::poll_fn(|context| {
                    if left == 0 {
                        return Poll::Ready(());
                    }
                    left -= 1;
                    context.waker().wake_by_ref();
                    append.as_mut().poll(context).map(drop)
                })
                .await;
            };
            let (others, ()) = futures::future::join(
                futures::future::join(
                    journal.append(intent("a", 1)),
                    journal.append(intent("b", 1)),
                ),
                dropped,
            )
            .await;
            let after = journal.append(intent("c", 1)).await;
            match (others, after) {
                ((Ok(_), Ok(_)), Ok(_)) => {}
                (_, Err(error)) => {
                    assert!(error.is_final(), "{polls} polls: {error}");
                    ended += 1;
                }
                (others, after) => panic!("{polls} polls: {others:?}, then {after:?}"),
            }
            let chain = chain::read(&shelf.open(), &"run".into())
                .await
                .expect("whole");
            let durable = journal.state();
            assert!(chain.state.head.seq >= durable.head.seq, "{polls} polls");
        });
    }
    assert!(ended < 8, "a waiter that does not write harms nobody");
}

fn run<T>(future: impl std::future::Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime without drivers")
        .block_on(future)
}

/// Polls so many times and then drops.
fn run_for(polls: usize, future: impl std::future::Future<Output = ()>) {
    run(async {
        let mut future = pin!(future);
        let mut left = polls;
        std::future::poll_fn(|context| {
            if left == 0 {
                return Poll::Ready(());
            }
            left -= 1;
            context.waker().wake_by_ref();
            future.as_mut().poll(context)
        })
        .await;
    });
}
