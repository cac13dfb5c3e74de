//! One process from its start to its end: lock, journal, decisions, its part of the run. As `apply` and `resume` do.

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::sync::Mutex;

use async_trait::async_trait;
use salvor::conduct::ConductError;
use salvor::conduct::Ended;
use salvor::conduct::Part;
use salvor::digest::Digest;
use salvor::journal::Body;
use salvor::journal::Journal;
use salvor::journal::JournalError;
use salvor::journal::OpenError;
use salvor::journal::Proved;
use salvor::journal::Source;
use salvor::journal::lock::Claim;
use salvor::journal::lock::EnvironmentLock;
use salvor::journal::lock::Guard;
use salvor::journal::lock::Holder;
use salvor::journal::lock::LeaseLock;
use salvor::journal::lock::LockError;
use salvor::journal::lock::Lost;
use salvor::journal::state::Head;
use salvor::journal::storage::Storage;
use salvor::registry::Registry;
use salvor::surroundings::Surroundings;
use salvor_contract::Clock;
use salvor_contract::Error;
use salvor_contract::Launcher;
use salvor_contract::Provider;
use salvor_contract::SecretReference;
use salvor_contract::Secrets;
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use crate::media::Disk;
use crate::media::Link;
use crate::people::Crew;
use crate::people::decide;
use crate::random::Given;
use crate::random::Random;
use crate::schedule::Process;
use crate::service::Service;
use crate::shared::Shared;
use crate::time::ProcessClock;
use crate::violation::Rule;
use crate::violation::Violation;

/// How a process ended by itself.
#[derive(Clone, Debug, PartialEq)]
pub enum Exit {
    /// It found the environment locked, or the lock out of reach, or the file open.
    NoLock,
    /// It could not open the journal.
    NoJournal(String),
    /// The run was over.
    Over,
    /// It lost the lock.
    LockLost,
    /// It could not write the journal any more.
    JournalEnded(JournalError),
    /// Its part ended in good order.
    Ended(Ended),
}

/// Surroundings of a process.
pub fn surroundings(seed: u64, number: usize, clock: Arc<dyn Clock>) -> Surroundings {
    Surroundings {
        clock,
        secrets: Arc::new(NoSecrets),
        randomness: Arc::new(Given::new(Random::stream(seed, number as u64))),
        launcher: Launcher::default(),
        plan_dir: PathBuf::from("/"),
    }
}

/// One process.
pub async fn take_part(
    shared: Arc<Shared>,
    number: usize,
    plan: Process,
    stop: CancellationToken,
) -> Exit {
    let clock = Arc::new(ProcessClock {
        time: shared.time.clone(),
        skew: plan.skew.clone(),
    });
    let own_clock = Arc::clone(&clock) as Arc<dyn Clock>;
    let surroundings = surroundings(shared.schedule.seed, number, Arc::clone(&own_clock));
    let lock_clock = match shared.mutant {
        Some(mutant) => mutant.lock_clock(&clock),
        None => own_clock,
    };
    let link = Arc::new(Link::new(Arc::clone(&shared), plan.register.clone()));
    let lock = LeaseLock::new(link, lock_clock, Arc::clone(&surroundings.randomness));
    let claim = Claim {
        run: shared.run.clone(),
        holder: holder(number),
        since: surroundings.clock.now(),
    };
    let guard = match lock.acquire(claim).await {
        Ok(guard) => guard,
        Err(LockError::Held(_)) => {
            shared.hit("lock found held");
            return Exit::NoLock;
        }
        Err(LockError::Unavailable { .. }) => return Exit::NoLock,
    };
    shared.seen().lock_taken_by = Some(number);
    shared.tell(|| format!("process {number} takes the lock"));
    if guard.former().is_some() {
        shared.hit("lock of a dead holder taken over");
    }
    let guard = Watched {
        inner: match shared.mutant {
            Some(mutant) => mutant.guard(guard, &shared.time),
            None => guard,
        },
        shared: Arc::clone(&shared),
        number,
    };
    let exit = with_lock(&shared, number, &plan, stop, &guard, &surroundings, clock).await;
    let journal = shared.seen().journals.remove(&number);
    drop(journal);
    // What cannot be given back lapses.
    let _ = guard.release().await;
    exit
}

async fn with_lock(
    shared: &Arc<Shared>,
    number: usize,
    plan: &Process,
    stop: CancellationToken,
    guard: &Watched,
    surroundings: &Surroundings,
    clock: Arc<ProcessClock>,
) -> Exit {
    let storage = match Disk::open(
        Arc::clone(shared),
        number,
        plan.disk.clone(),
        plan.stalls.clone(),
    ) {
        Ok(storage) => Arc::new(storage),
        Err(_) => return Exit::NoLock,
    };
    let journal = match open(shared, number, storage, surroundings).await {
        Ok(journal) => Arc::new(journal),
        Err(exit) => return exit,
    };
    shared.seen().journals.insert(number, Arc::clone(&journal));
    if plan.decides
        && let Err(error) = decide(shared, &journal).await
    {
        return journal_ended(shared, error);
    }
    let service = Arc::new(Service::new(Arc::clone(shared), Arc::clone(&clock)));
    let provider: Arc<dyn Provider> = match shared.mutant {
        Some(mutant) => mutant.provider(service, shared, number),
        None => service,
    };
    let change_set = match shared.mutant {
        Some(mutant) => mutant.change_set(&shared.change_set),
        None => shared.change_set.clone(),
    };
    let crew = Crew {
        shared: Arc::clone(shared),
        clock,
        random: Mutex::new(Random::stream(shared.schedule.seed, 2000 + number as u64)),
    };
    let part = Part {
        change_set: &change_set,
        journal: &journal,
        guard,
        registry: &Registry::new([provider]),
        surroundings,
        people: &crew,
        watcher: &crew,
        stop,
        scratch_root: PathBuf::from("/"),
    };
    let ended = if plan.gives_up {
        part.give_up("j.doe", "enough", &BTreeSet::new()).await
    } else {
        part.go_on().await
    };
    match ended {
        Ok(ended) => Exit::Ended(ended),
        Err(ConductError::LockLost(_)) => {
            shared.hit("lock lost");
            Exit::LockLost
        }
        Err(ConductError::Journal(error)) => journal_ended(shared, error),
    }
}

async fn open(
    shared: &Arc<Shared>,
    number: usize,
    storage: Arc<Disk>,
    surroundings: &Surroundings,
) -> Result<Journal, Exit> {
    let source = Source {
        clock: Arc::clone(&surroundings.clock),
        randomness: Arc::clone(&surroundings.randomness),
    };
    shared.sync();
    if shared.seen().ledger.is_over() {
        return Err(Exit::Over);
    }
    let is_new = shared.seen().ledger.hashes.is_empty();
    let opened = if is_new {
        // What a first process left that died in its first write.
        if storage.cut_tail().await.is_err() {
            return Err(Exit::NoJournal("its tail cannot be cut".to_owned()));
        }
        Journal::create(storage, source, shared.run.clone(), opening(shared, number)).await
    } else {
        let why = "asked by j.doe".to_owned();
        match Proved::read(storage, &shared.run).await {
            Ok(proved) => Journal::resume(proved, source, holder(number), why).await,
            Err(error) => Err(error.into()),
        }
    };
    opened.map_err(|error| {
        if let OpenError::Chain(chain) = &error {
            let what = format!("process {number} cannot read the journal: {chain}");
            shared.check(Err(Violation::new(Rule::Chain, what)));
        }
        Exit::NoJournal(format!("{error:?}"))
    })
}

fn journal_ended(shared: &Shared, error: JournalError) -> Exit {
    match &error {
        JournalError::Deposed { .. } => shared.hit("deposed"),
        JournalError::Illegal(illegal) => {
            shared.check(Err(Violation::new(Rule::Chain, illegal.to_string())));
        }
        JournalError::Full | JournalError::Poisoned { .. } => {}
    }
    Exit::JournalEnded(error)
}

fn opening(shared: &Shared, number: usize) -> Body {
    Body::Opened {
        lineage: "00".to_owned(),
        plan: "simulated".to_owned(),
        scenario: "full".to_owned(),
        change_set: Digest::of_bytes(&shared.schedule.seed.to_be_bytes()),
        approval: "00".to_owned(),
        goal: shared.change_set.goal,
        tool: "0.0.0".to_owned(),
        holder: holder(number),
        confirmed: (shared.change_set.steps.iter())
            .flat_map(|step| step.confirm.iter().map(|it| it.fingerprint.clone()))
            .collect(),
        adopts: false,
    }
}

fn holder(number: usize) -> Holder {
    Holder {
        by: "j.doe".to_owned(),
        host: format!("simulated-{number}"),
        boot: String::new(),
        pid: 1,
        started: 0,
    }
}

/// A guard whose belief is held against the truth whenever it is polled.
struct Watched {
    inner: Box<dyn Guard>,
    shared: Arc<Shared>,
    number: usize,
}

impl Watched {
    fn believes(&self) {
        let taken_by = self.shared.seen().lock_taken_by;
        if taken_by != Some(self.number) {
            let what = format!(
                "process {} believes in its lock, and {taken_by:?} took it",
                self.number
            );
            self.shared.check(Err(Violation::new(Rule::Lock, what)));
        }
    }
}

#[async_trait]
impl Guard for Watched {
    async fn keep(&self) -> Lost {
        let mut keeping = pin!(self.inner.keep());
        poll_fn(|context| {
            let polled = keeping.as_mut().poll(context);
            if polled.is_pending() {
                self.believes();
            }
            polled
        })
        .await
    }

    async fn release(&self) -> Result<(), LockError> {
        self.inner.release().await
    }

    fn anchor(&self, head: Head) {
        self.inner.anchor(head);
    }

    fn former(&self) -> Option<&Claim> {
        self.inner.former()
    }
}

struct NoSecrets;

#[async_trait]
impl Secrets for NoSecrets {
    async fn resolve(&self, _: &SecretReference) -> Result<SecretString, Error> {
        Err(Error::refused("there are no secrets here"))
    }
}
