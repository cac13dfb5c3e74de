//! Lost answers, late requests, two writers, tampering, and stores that ignore a condition.

use std::sync::Arc;

use futures::future::join_all;
use salvor_contract::RunId;
use salvor_contract::SharedStore;
use salvor_contract::StepName;

use crate::digest::Digest;
use crate::journal::body::Body;
use crate::journal::chain::ChainError;
use crate::journal::environment::Environment;
use crate::journal::lock::Claim;
use crate::journal::lock::register::WriteFault;
use crate::journal::place::Place;
use crate::journal::shared::Condition;
use crate::journal::shared::MemoryStore;
use crate::journal::shared::SharedPlace;
use crate::journal::storage::AppendError;
use crate::journal::storage::StorageError;
use crate::journal::trial::Counting;
use crate::journal::trial::Seeded;
use crate::journal::trial::Ticking;
use crate::journal::trial::holder;
use crate::journal::trial::intent;
use crate::journal::trial::opened;
use crate::journal::trial::source;
use crate::journal::trial::succeeded;
use crate::journal::writer::Journal;
use crate::journal::writer::JournalError;
use crate::journal::writer::OpenError;
use crate::journal::writer::Source;

/// A machine: the store is reached from it, its folder is its own.
struct Machine {
    folder: tempfile::TempDir,
    store: MemoryStore,
    seed: u64,
}

impl Machine {
    fn new(store: &MemoryStore, seed: u64) -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            store: store.clone(),
            seed,
        }
    }

    fn place(&self) -> Arc<dyn Place> {
        Arc::new(SharedPlace::new(
            Arc::new(self.store.clone()),
            self.folder.path().join("local"),
            Arc::new(Ticking::default()),
            Arc::new(Counting::from(self.seed * 1_000)),
        ))
    }

    async fn environment(&self) -> Environment {
        Environment::open(self.place(), &Counting::from(self.seed))
            .await
            .expect("the store is fit")
    }

    /// Numbers of its own, as every machine has.
    fn source(&self) -> Source {
        Source {
            randomness: Arc::new(Counting::from(self.seed * 1_000_000)),
            ..source()
        }
    }

    async fn begin(&self, run: &str) -> Result<Journal, OpenError> {
        let environment = self.environment().await;
        let run = RunId::new(run);
        let storage = environment.create(&run).await.expect("the store is fit");
        storage
            .put_blob(&Digest::of_bytes(b"change set"), b"change set")
            .await
            .expect("it can be written");
        Journal::create(storage, self.source(), run, opened(environment.lineage())).await
    }

    async fn resume(&self, run: &str) -> Result<Journal, OpenError> {
        let proved = self.environment().await.prove(&run.into()).await?;
        Journal::resume(proved, self.source(), holder(), "asked".to_owned()).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_is_gone_on_with_from_another_machine() {
    let store = MemoryStore::default();
    let (one, other) = (Machine::new(&store, 1), Machine::new(&store, 2));
    let journal = one.begin("r").await.expect("new");
    journal.append(intent("a", 1)).await.expect("in order");
    let both = tokio::join!(
        journal.append(succeeded("a", 1)),
        journal.append(intent("b", 1))
    );
    assert_eq!(both, (Ok(2), Ok(3)));
    let expected = [
        "lineage",
        "runs/r/blobs/9a5e01690ac9ba8b21db16ba2b49dfc3aa144e7f90aa5673c6ae40b2b935508e",
        "runs/r/j/00000000000000000000",
        "runs/r/j/00000000000000000001",
        // Written together, durable together.
        "runs/r/j/00000000000000000002",
    ];
    assert_eq!(store.keys(), expected);
    drop(journal);
    let resumed = other.resume("r").await.expect("whole");
    assert_eq!(resumed.head().seq, 4);
    resumed
        .append(succeeded("b", 1))
        .await
        .expect("the step was intended");
    let environment = one.environment().await;
    let chain = environment.chain(&"r".into()).await.expect("whole");
    assert_eq!((chain.records.len(), chain.state.epoch), (6, 2));
    let listed = environment.runs().await.expect("readable");
    assert_eq!(listed.len(), 1);
    assert_eq!(
        environment.lengths().await.expect("readable")[&RunId::new("r")],
        6
    );
    assert_eq!(environment.open_runs().await.expect("readable").len(), 1);
    let bytes = environment.read(&"r".into()).expect("plain");
    let bytes = bytes.get_blob(&Digest::of_bytes(b"change set")).await;
    assert_eq!(bytes.expect("it is there"), b"change set");
}

#[tokio::test(start_paused = true)]
async fn who_was_taken_over_appends_nothing() {
    let store = MemoryStore::default();
    let (one, other) = (Machine::new(&store, 1), Machine::new(&store, 2));
    let slept = one.begin("r").await.expect("new");
    slept.append(intent("a", 1)).await.expect("in order");
    let resumed = other.resume("r").await.expect("whole");
    let before = store.keys();
    let refused = slept.append(succeeded("a", 1)).await;
    assert_eq!(refused, Err(JournalError::Deposed { seq: 2 }));
    let refused = slept.append(intent("b", 1)).await;
    assert_eq!(refused, Err(JournalError::Deposed { seq: 2 }));
    assert_eq!(store.keys(), before);
    resumed.append(succeeded("a", 1)).await.expect("in order");
    // A third one: the nonces of the first would be its own.
    let created = Machine::new(&store, 3).begin("r").await;
    let created = created.err().expect("it is there");
    assert!(matches!(created, OpenError::Exists { .. }), "{created}");
}

/// Each write meets a fault in turn. What was acknowledged is there once, whatever became of the answers.
#[tokio::test(start_paused = true)]
async fn lost_answers_and_late_requests_make_no_record_twice() {
    for seed in 0..200 {
        let random = Seeded::from(seed);
        let store = MemoryStore::default();
        let (one, other) = (Machine::new(&store, 1), Machine::new(&store, 2));
        let journal = one.begin("r").await.expect("new");
        store.meet(move |_| match random.below(6) {
            0 => WriteFault::LostAnswer,
            1 => WriteFault::LostRequest,
            2 => WriteFault::Late,
            _ => WriteFault::None,
        });
        let mut acknowledged = vec![];
        for step in ["a", "b", "c", "d", "e"] {
            for body in [intent(step, 1), succeeded(step, 1)] {
                acknowledged.push(journal.append(body).await.unwrap_or_else(|error| {
                    panic!("seed {seed}: {error}");
                }));
            }
            store.deliver_late();
        }
        assert_eq!(acknowledged, (1..=10).collect::<Vec<u64>>(), "seed {seed}");
        store.meet(|_| WriteFault::None);
        let chain = Machine::new(&store, 3).environment().await;
        let chain = chain.chain(&"r".into()).await.expect("whole");
        assert_eq!(chain.records.len(), 11, "seed {seed}");
        // A request of the first that arrives after another machine took over.
        store.meet(|_| WriteFault::Late);
        let _ = tokio::time::timeout(
            std::time::Duration::ZERO,
            journal.append(Body::Halted {
                why: crate::journal::StopReason::Interrupt,
                detail: "late".to_owned(),
            }),
        )
        .await;
        store.meet(|_| WriteFault::None);
        let resumed = other.resume("r").await.expect("whole");
        store.deliver_late();
        resumed.append(intent("f", 1)).await.expect("in order");
        let chain = other.environment().await.chain(&"r".into()).await;
        assert_eq!(chain.expect("whole").state.epoch, 2, "seed {seed}");
    }
}

/// Takes a run up again and again, appends what it can, and says which records it was told to be durable.
async fn takes_up(environment: Environment, source: Source, name: u64) -> Vec<(u64, StepName)> {
    let mut told = Vec::new();
    for turn in 0..6 {
        let Ok(proved) = environment.prove(&"r".into()).await else {
            continue;
        };
        let resumed = Journal::resume(proved, source.clone(), holder(), "asked".to_owned());
        let Ok(journal) = resumed.await else { continue };
        for place in 0..4 {
            let step = format!("step-{name}-{turn}-{place}");
            match journal.append(intent(&step, 1)).await {
                Ok(seq) => told.push((seq, StepName::new(step))),
                Err(_) => break,
            }
        }
    }
    told
}

/// No lock holds them off from each other: the journal alone does.
#[tokio::test(start_paused = true)]
async fn of_machines_that_take_a_run_from_each_other_none_loses_a_record() {
    let (mut all, mut writers) = (0, 0);
    for seed in 0..100 {
        let store = MemoryStore::default();
        let machines = [1, 2, 3].map(|name| Machine::new(&store, seed * 10 + name));
        drop(machines[0].begin("r").await.expect("new"));
        let mut parts = Vec::new();
        for (name, machine) in (1..).zip(&machines) {
            let environment = machine.environment().await;
            environment.fit().await.expect("it is fit");
            parts.push(takes_up(environment, machine.source(), name));
        }
        let random = Seeded::from(seed);
        store.meet(move |_| match random.below(12) {
            0 => WriteFault::LostAnswer,
            1 => WriteFault::LostRequest,
            2 => WriteFault::Late,
            _ => WriteFault::None,
        });
        let told = join_all(parts).await;
        store.meet(|_| WriteFault::None);
        store.deliver_late();
        let chain = machines[0].environment().await.chain(&"r".into()).await;
        let records = chain.expect("whole").records;
        writers += told.iter().filter(|told| !told.is_empty()).count();
        for (seq, step) in told.into_iter().flatten() {
            let found = usize::try_from(seq).ok().and_then(|seq| records.get(seq));
            let found = found.map(|record| &record.body);
            assert!(
                matches!(found, Some(Body::Intent { step: found, .. }) if *found == step),
                "seed {seed}: record {seq} of {step} is {found:?}"
            );
            all += 1;
        }
    }
    assert!(all > 1_000 && writers > 150, "{all} records of {writers}");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_silent_ends_the_journal_and_not_the_run() {
    let store = MemoryStore::default();
    let one = Machine::new(&store, 1);
    let journal = one.begin("r").await.expect("new");
    store.meet(|_| WriteFault::LostRequest);
    let refused = journal.append(intent("a", 1)).await.expect_err("silent");
    assert!(refused.is_final(), "{refused}");
    store.meet(|_| WriteFault::None);
    one.resume("r").await.expect("whole");
}

#[tokio::test(start_paused = true)]
async fn what_was_removed_or_changed_is_found() {
    let key = "runs/r/j/00000000000000000001";
    let tail = "runs/r/j/00000000000000000002";
    let check = async |tamper: &dyn Fn(&MemoryStore), expected: &str| {
        let store = MemoryStore::default();
        let one = Machine::new(&store, 1);
        let journal = one.begin("r").await.expect("new");
        journal.append(intent("a", 1)).await.expect("in order");
        journal.append(succeeded("a", 1)).await.expect("in order");
        let environment = one.environment().await;
        let claim = Claim {
            run: "r".into(),
            holder: holder(),
            since: "2026-04-06T02:00:00Z".parse().expect("a time"),
        };
        let lock = environment.lock(Arc::new(Ticking::default()), Arc::new(Counting::from(77)));
        let guard = lock.acquire(claim).await.expect("free");
        guard.anchor(journal.head());
        guard.release().await.expect("ours");
        tamper(&store);
        // Another machine, which has no head of its own.
        let other = Machine::new(&store, 2).environment().await;
        let found = other.chain(&"r".into()).await.map(drop);
        assert_eq!(found.expect_err("damaged").to_string(), expected);
    };
    check(
        &|store| store.tamper(key, None),
        "the journal is damaged at record 1: record 2 stands in its place",
    )
    .await;
    check(
        &|store| store.tamper(key, Some(b"{}")),
        "the journal is damaged at record 1: it does not end in a hash",
    )
    .await;
    check(
        &|store| store.tamper(key, Some(b"")),
        "the journal is damaged at record 1: it does not end in a hash",
    )
    .await;
    check(
        &|store| store.tamper(tail, None),
        "the journal is damaged at record 2: it was seen before and is gone",
    )
    .await;
}

#[tokio::test]
async fn a_blob_of_other_bytes_is_not_taken_for_the_one() {
    let store = MemoryStore::default();
    let environment = Machine::new(&store, 1).environment().await;
    let storage = environment.create(&"r".into()).await.expect("fit");
    let digest = Digest::of_bytes(b"one");
    store.tamper(&format!("runs/r/blobs/{digest}"), Some(b"other"));
    let refused = storage.put_blob(&digest, b"one").await;
    assert!(
        matches!(refused, Err(AppendError::Poisoned { .. })),
        "{refused:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_store_that_ignores_a_condition_is_refused_and_keeps_nothing() {
    for (condition, what) in [
        (Condition::Absent, "making it again is refused"),
        (Condition::Version, "who saw an older version is refused"),
    ] {
        let store = MemoryStore::default().ignoring(condition);
        let machine = Machine::new(&store, 1);
        let refused = Environment::open(machine.place(), &Counting::from(1)).await;
        let Err(StorageError::Unfit { what: said }) = refused else {
            panic!("{condition:?} was not found");
        };
        assert!(said.contains(what), "{said}");
        assert_eq!(store.keys(), Vec::<String>::new());
        let examined = machine.place().examine("trial").await;
        let wrong: Vec<&str> = examined
            .iter()
            .filter(|one| one.wrong.is_some())
            .map(|one| one.what.as_str())
            .collect();
        assert!(wrong.contains(&what), "{wrong:?}");
        assert_eq!(store.keys(), Vec::<String>::new());
    }
    let examined = Machine::new(&MemoryStore::default(), 1)
        .place()
        .examine("trial")
        .await;
    assert!(
        examined.iter().all(|one| one.wrong.is_none()),
        "{examined:?}"
    );
    assert_eq!(examined.len(), 9);
}

#[tokio::test]
async fn an_answer_is_left_from_one_machine_and_taken_on_another() {
    let store = MemoryStore::default();
    let (one, other) = (Machine::new(&store, 1), Machine::new(&store, 2));
    let (run, step) = (RunId::new("r"), "assess".into());
    let answer = |text: &str| salvor_contract::Answer {
        text: text.to_owned(),
        by: "j.doe".to_owned(),
        role: None,
        at: "2026-04-06T02:00:00Z".parse().expect("a time"),
        file: None,
    };
    let random = Counting::from(5);
    let (here, there) = (one.environment().await, other.environment().await);
    there
        .put_answer(&run, &step, &answer("yes"), &random)
        .await
        .expect("the first one");
    let second = here.put_answer(&run, &step, &answer("no"), &random).await;
    assert!(matches!(second, Err(StorageError::Unfit { .. })));
    let answers = here.answers(&run).await.expect("readable");
    assert_eq!(answers[&step], answer("yes"));
    here.remove_answer(&run, &step).await.expect("there");
    here.remove_answer(&run, &step).await.expect("gone is fine");
    assert!(there.answers(&run).await.expect("readable").is_empty());
}

#[tokio::test]
async fn a_lineage_is_made_once_and_may_be_brought_back() {
    let store = MemoryStore::default();
    let (one, other) = (Machine::new(&store, 1), Machine::new(&store, 2));
    let looked = Environment::to_look(one.place(), &Counting::from(9)).await;
    assert!(
        looked
            .expect("readable")
            .run_ids()
            .await
            .expect("none")
            .is_empty()
    );
    assert!(store.keys().is_empty());
    let here = one.environment().await;
    assert_eq!(here.lineage(), other.environment().await.lineage());
    let brought = here.with_lineage("lost").await.expect("written");
    assert_eq!(brought.lineage(), "lost");
    assert_eq!(other.environment().await.lineage(), "lost");
    store.tamper("lineage", Some(b"../x"));
    let refused = Environment::open_existing(one.place()).await.map(drop);
    assert!(matches!(refused, Err(StorageError::Unfit { .. })));
    let empty = other.place();
    store.tamper("lineage", None);
    let refused = Environment::open_existing(empty).await.map(drop);
    assert!(matches!(refused, Err(StorageError::Missing { .. })));
    let name: &dyn SharedStore = &store;
    assert_eq!(name.address("a"), "memory://a");
    let missing = one.environment().await.chain(&"r".into()).await;
    assert!(matches!(missing, Err(ChainError::Empty)));
}
