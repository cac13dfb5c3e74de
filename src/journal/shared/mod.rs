//! The state of an environment in a shared store: any machine that reaches it goes on with a run.
//!
//! ```text
//! lineage                          the environment's id, made once
//! locks/<lineage>                  the environment's lock, a lease, with the head of the last holder's journal
//! runs/<run>/j/<seq>               records of consecutive places from <seq> (20 digits) on, as lines
//! runs/<run>/blobs/<digest>        bytes named by their digests; the change set first of all
//! runs/<run>/inbox/<step>.json     answers from other processes, not yet recorded
//! ```
//!
//! What no other machine needs stays in a folder of this one: files of operations, and heads beside the lock's.
//! Nothing here relies on a clock of the store, on a delete under a condition, or on a second object being written.

mod memory;
mod patient;
mod proof;
mod storage;

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use salvor_contract::Clock;
use salvor_contract::RunId;
use salvor_contract::SharedError;
use salvor_contract::SharedStore;
use salvor_contract::StepName;
use tokio::sync::OnceCell;

use crate::journal::file::blocking;
use crate::journal::folder::clear;
use crate::journal::folder::uncleared;
use crate::journal::heads::Heads;
use crate::journal::lock::EnvironmentLock;
use crate::journal::lock::LeaseLock;
use crate::journal::lock::Register;
use crate::journal::lock::lease::anchored;
use crate::journal::lock::register::RegisterError;
use crate::journal::lock::register::Tag;
use crate::journal::place::Examined;
use crate::journal::place::Place;
use crate::journal::place::lineage_in;
pub use crate::journal::shared::memory::Condition;
pub use crate::journal::shared::memory::MemoryStore;
use crate::journal::shared::patient::Made;
use crate::journal::shared::patient::Patient;
use crate::journal::shared::patient::missing_at;
use crate::journal::shared::patient::unreadable;
pub use crate::journal::shared::storage::SharedStorage;
use crate::journal::state::Head;
use crate::journal::storage::Storage;
use crate::journal::storage::StorageError;
use crate::surroundings::Randomness;

/// Where the environment's id is.
const LINEAGE: &str = "lineage";

/// The state of an environment in a shared store.
pub struct SharedPlace {
    patient: Patient,
    local: PathBuf,
    randomness: Arc<dyn Randomness>,
    /// Set when the store's conditions were tried out and held.
    proved: OnceCell<()>,
}

impl SharedPlace {
    /// The state in this store. `local` is the folder of this machine for what no other one needs.
    pub fn new(
        store: Arc<dyn SharedStore>,
        local: PathBuf,
        clock: Arc<dyn Clock>,
        randomness: Arc<dyn Randomness>,
    ) -> Self {
        Self {
            patient: Patient::new(store, clock),
            local,
            randomness,
            proved: OnceCell::new(),
        }
    }

    fn storage(&self, run: &RunId) -> Arc<dyn Storage> {
        Arc::new(SharedStorage::of(self.patient.clone(), run))
    }

    fn heads(&self) -> Heads {
        Heads::new(self.local.join("heads"))
    }

    async fn read_lineage(&self) -> Result<String, StorageError> {
        let shown = self.patient.address(LINEAGE);
        match self.patient.get(LINEAGE).await.map_err(unreadable)? {
            Some(found) => lineage_in(found.bytes, &shown),
            None => Err(missing_at(shown)),
        }
    }
}

#[async_trait]
impl Place for SharedPlace {
    fn shown(&self) -> String {
        self.patient.address("")
    }

    fn shown_run(&self, run: &RunId) -> String {
        self.patient.address(&format!("runs/{run}/"))
    }

    fn local(&self) -> &Path {
        &self.local
    }

    fn is_shared(&self) -> bool {
        true
    }

    async fn fit(&self) -> Result<(), StorageError> {
        let prove = || proof::prove(&self.patient, self.randomness.token());
        self.proved.get_or_try_init(prove).await.copied()
    }

    async fn open(&self, token: &str) -> Result<String, StorageError> {
        self.fit().await?;
        // Two processes may come first at once: one name wins, and both read that one.
        let made = self.patient.make(LINEAGE, token.as_bytes()).await;
        match made.map_err(unreadable)? {
            Made::Ours => Ok(token.to_owned()),
            Made::Others => self.read_lineage().await,
        }
    }

    async fn lineage(&self) -> Result<String, StorageError> {
        self.read_lineage().await
    }

    async fn set_lineage(&self, _: &str, lineage: &str) -> Result<String, StorageError> {
        self.fit().await?;
        let shown = self.patient.address(LINEAGE);
        let found = self.patient.get(LINEAGE).await.map_err(unreadable)?;
        let found = found.ok_or_else(|| missing_at(shown))?;
        let replaced = self
            .patient
            .replace(LINEAGE, lineage.as_bytes(), &found.tag);
        match replaced.await {
            // A conflict is our own first try, or another process that came first: what is there tells.
            Ok(_) | Err(SharedError::Conflict) => self.read_lineage().await,
            Err(error) => Err(unreadable(error)),
        }
    }

    async fn create(&self, run: &RunId) -> Result<Arc<dyn Storage>, StorageError> {
        self.fit().await?;
        Ok(self.storage(run))
    }

    async fn hold(&self, run: &RunId) -> Result<Arc<dyn Storage>, StorageError> {
        self.fit().await?;
        Ok(self.storage(run))
    }

    fn read(&self, run: &RunId) -> Arc<dyn Storage> {
        self.storage(run)
    }

    fn lock(
        &self,
        lineage: &str,
        clock: Arc<dyn Clock>,
        randomness: Arc<dyn Randomness>,
    ) -> Arc<dyn EnvironmentLock> {
        let register = SharedObject::new(self.patient.store(), lock_key(lineage));
        let lease = LeaseLock::new(Arc::new(register), clock, randomness);
        Arc::new(lease.with_heads(self.heads()))
    }

    async fn seen_head(&self, lineage: &str, run: &RunId) -> Result<Option<Head>, StorageError> {
        let lock = self.patient.get(&lock_key(lineage)).await;
        let anchor = lock
            .map_err(unreadable)?
            .and_then(|lock| anchored(&lock.bytes, run));
        let (heads, run) = (self.heads(), run.clone());
        let here = blocking(move || heads.read(&run)).await;
        // Both were seen; the later one says more.
        Ok([anchor, here]
            .into_iter()
            .flatten()
            .max_by_key(|head| head.seq))
    }

    async fn run_names(&self) -> Result<Vec<String>, StorageError> {
        let names = self.patient.list("runs/").await.map_err(unreadable)?;
        let folders = names.iter().filter_map(|name| name.strip_suffix('/'));
        Ok(folders.map(str::to_owned).collect())
    }

    async fn length(&self, run: &RunId) -> Result<u64, StorageError> {
        let storage = SharedStorage::of(self.patient.clone(), run);
        Ok(storage.last_batch().await?.map_or(0, |seq| seq + 1))
    }

    async fn put_answer(
        &self,
        run: &RunId,
        step: &StepName,
        answer: &[u8],
        _: &str,
    ) -> Result<bool, StorageError> {
        self.fit().await?;
        let key = answer_key(run, step.as_str());
        match self.patient.make(&key, answer).await.map_err(unreadable)? {
            Made::Ours => Ok(true),
            Made::Others => Ok(false),
        }
    }

    async fn answers(&self, run: &RunId) -> Result<Vec<(String, Vec<u8>)>, StorageError> {
        let inbox = format!("runs/{run}/inbox/");
        let mut answers = Vec::new();
        for name in self.patient.list(&inbox).await.map_err(unreadable)? {
            let Some(step) = name.strip_suffix(".json") else {
                continue;
            };
            let found = self.patient.get(&answer_key(run, step)).await;
            // One that is gone meanwhile was recorded by whoever works on the run.
            if let Some(found) = found.map_err(unreadable)? {
                answers.push((step.to_owned(), found.bytes));
            }
        }
        Ok(answers)
    }

    async fn remove_answer(&self, run: &RunId, step: &StepName) -> Result<(), StorageError> {
        let key = answer_key(run, step.as_str());
        self.patient.delete(&key).await.map_err(unreadable)
    }

    async fn uncleared(&self) -> Vec<String> {
        uncleared(self.local.join("runs")).await
    }

    async fn clear(&self, run: &RunId) -> Result<(), StorageError> {
        clear(&self.local, run).await
    }

    async fn examine(&self, token: &str) -> Vec<Examined> {
        proof::examine(&self.patient, token).await
    }
}

fn lock_key(lineage: &str) -> String {
    format!("locks/{lineage}")
}

fn answer_key(run: &RunId, step: &str) -> String {
    format!("runs/{run}/inbox/{step}.json")
}

/// One object of a shared store as a register. Nothing is tried again here: a lease knows what a lost answer means.
pub struct SharedObject {
    store: Arc<dyn SharedStore>,
    key: String,
}

impl SharedObject {
    /// The object of this key.
    pub fn new(store: Arc<dyn SharedStore>, key: String) -> Self {
        Self { store, key }
    }
}

#[async_trait]
impl Register for SharedObject {
    async fn get(&self) -> Result<Option<(Vec<u8>, Tag)>, RegisterError> {
        let found = self.store.get(&self.key).await?;
        Ok(found.map(|found| (found.bytes, found.tag)))
    }

    async fn create(&self, content: Vec<u8>) -> Result<Tag, RegisterError> {
        self.store.create(&self.key, content).await
    }

    async fn replace(&self, content: Vec<u8>, tag: &Tag) -> Result<Tag, RegisterError> {
        self.store.replace(&self.key, content, tag).await
    }
}

#[cfg(test)]
mod tests;
