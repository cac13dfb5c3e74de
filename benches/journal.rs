//! How long it takes to take up a run with a long journal: to read 10,000 records and prove them.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use criterion::Criterion;
use futures::future::join_all;
use jiff::Timestamp;
use salvor::digest::Digest;
use salvor::journal::Body;
use salvor::journal::Environment;
use salvor::journal::Journal;
use salvor::journal::Source;
use salvor::journal::StateFolder;
use salvor::journal::lock::Holder;
use salvor::surroundings::Randomness;
use salvor_contract::Class;
use salvor_contract::Clock;
use salvor_contract::OperationId;
use salvor_contract::Outcome;
use salvor_contract::RunId;
use salvor_contract::StepName;
use salvor_contract::Values;

/// Records of the journal, each step having three of them.
const RECORDS: usize = 10_000;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let root = tempfile::tempdir().expect("a folder");
    let run = RunId::new("run");
    let folder = runtime.block_on(long_run(root.path(), &run));
    let mut criterion = Criterion::default().configure_from_args().sample_size(20);
    criterion.bench_function("prove a journal of 10,000 records to go on with it", |b| {
        b.iter(|| {
            let proved = runtime.block_on(folder.prove(&run)).expect("it is whole");
            assert_eq!(proved.state().head.seq, RECORDS as u64);
        });
    });
    criterion.bench_function("read a journal of 10,000 records to report it", |b| {
        b.iter(|| runtime.block_on(folder.chain(&run)).expect("it is whole"));
    });
    criterion.final_summary();
}

/// A state folder with one run of so many records after the first.
async fn long_run(root: &Path, run: &RunId) -> Environment {
    let source = Source {
        clock: Arc::new(Still),
        randomness: Arc::new(Counting::default()),
    };
    let place = Arc::new(StateFolder::new(root.join("state")));
    let folder = Environment::open(place, source.randomness.as_ref()).await;
    let folder = folder.expect("a state folder");
    let storage = folder.create(run).await.expect("a new run");
    let journal = Journal::create(storage, source, run.clone(), opened(&folder)).await;
    let journal = journal.expect("a new run");
    let bodies = (0..RECORDS.div_ceil(3))
        .flat_map(step_records)
        .take(RECORDS);
    // Appended at once: one write makes them all durable.
    for appended in join_all(bodies.map(|body| journal.append(body))).await {
        appended.expect("legal");
    }
    folder
}

fn opened(folder: &Environment) -> Body {
    Body::Opened {
        lineage: folder.lineage().to_owned(),
        plan: "calabi".to_owned(),
        scenario: "full".to_owned(),
        change_set: Digest::of_bytes(b"change set"),
        approval: "approval".to_owned(),
        goal: Timestamp::UNIX_EPOCH,
        tool: "0.1.0".to_owned(),
        holder: Holder::of_this_process("j.doe"),
        confirmed: Vec::new(),
        adopts: false,
    }
}

fn step_records(number: usize) -> [Body; 3] {
    let step = StepName::new(format!("step-{number}"));
    let op = OperationId::new(format!("operation-{number}"));
    let outputs = Values::new()
        .with("endpoint", "db.internal:5432")
        .with("rows", number);
    [
        Body::Intent {
            step: step.clone(),
            attempt: 1,
            op: op.clone(),
            class: Class::Named,
            inputs: Digest::of_bytes(b"inputs"),
        },
        Body::Named {
            step: step.clone(),
            op: op.clone(),
            name: format!("job/{number}"),
        },
        Body::Succeeded {
            step,
            op,
            outcome: Outcome::of(outputs),
            adopted: false,
            took_ms: 12,
        },
    ]
}

struct Still;

#[async_trait]
impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }

    async fn sleep(&self, _: Duration) {}
}

#[derive(Default)]
struct Counting(AtomicU64);

impl Randomness for Counting {
    fn bits(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}
