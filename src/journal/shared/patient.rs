//! A shared store that is asked again when it does not answer, and what its errors mean for a journal.

use std::sync::Arc;
use std::time::Duration;

use salvor_contract::Clock;
use salvor_contract::SharedError;
use salvor_contract::SharedStore;
use salvor_contract::StoredObject;
use salvor_contract::VersionTag;

use crate::journal::storage::AppendError;
use crate::journal::storage::StorageError;

/// For how long a store that does not answer is asked again. A lease lapses in this time, and whoever holds one is
/// stopped by that.
const PATIENCE: Duration = Duration::from_secs(30);

/// Wait before it is asked again; doubled each time, up to [`WAIT_MAX`].
const WAIT: Duration = Duration::from_millis(200);

/// The longest wait.
const WAIT_MAX: Duration = Duration::from_secs(3);

/// A shared store that is asked again when it does not answer.
#[derive(Clone)]
pub(super) struct Patient {
    store: Arc<dyn SharedStore>,
    clock: Arc<dyn Clock>,
}

/// Whose bytes an object has that was to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Made {
    /// Ours, be it from a try whose answer was lost.
    Ours,
    /// Other ones: somebody else came first.
    Others,
}

impl Patient {
    pub(super) fn new(store: Arc<dyn SharedStore>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }

    pub(super) fn store(&self) -> Arc<dyn SharedStore> {
        Arc::clone(&self.store)
    }

    pub(super) fn address(&self, key: &str) -> String {
        self.store.address(key)
    }

    pub(super) async fn get(&self, key: &str) -> Result<Option<StoredObject>, SharedError> {
        let mut again = Again::new(&self.clock);
        loop {
            let answer = self.store.get(key).await;
            if !again.is_due(&answer).await {
                return answer;
            }
        }
    }

    pub(super) async fn list(&self, folder: &str) -> Result<Vec<String>, SharedError> {
        let mut again = Again::new(&self.clock);
        loop {
            let answer = self.store.list(folder).await;
            if !again.is_due(&answer).await {
                return answer;
            }
        }
    }

    pub(super) async fn delete(&self, key: &str) -> Result<(), SharedError> {
        let mut again = Again::new(&self.clock);
        loop {
            let answer = self.store.delete(key).await;
            if !again.is_due(&answer).await {
                return answer;
            }
        }
    }

    /// As [`SharedStore::replace`]; after a lost answer a conflict may be a write of our own.
    pub(super) async fn replace(
        &self,
        key: &str,
        bytes: &[u8],
        tag: &VersionTag,
    ) -> Result<VersionTag, SharedError> {
        let mut again = Again::new(&self.clock);
        loop {
            let answer = self.store.replace(key, bytes.to_vec(), tag).await;
            if !again.is_due(&answer).await {
                return answer;
            }
        }
    }

    /// Makes an object of these bytes, and when one is there tells whether it is ours. The bytes must be such that
    /// nobody else writes the same ones, or such that it does not matter.
    pub(super) async fn make(&self, key: &str, bytes: &[u8]) -> Result<Made, SharedError> {
        let mut again = Again::new(&self.clock);
        let created = loop {
            let answer = self.store.create(key, bytes.to_vec()).await;
            if !again.is_due(&answer).await {
                break answer;
            }
        };
        match created {
            Ok(_) => Ok(Made::Ours),
            Err(SharedError::Conflict) => match self.get(key).await? {
                Some(found) if found.bytes == bytes => Ok(Made::Ours),
                Some(_) => Ok(Made::Others),
                // The mark of a delete, on a store that counts it as an object.
                None => Err(SharedError::Refused {
                    what: format!("{} was deleted and cannot be made again", self.address(key)),
                    hint: Some("Bring the object back from its older version.".to_owned()),
                }),
            },
            Err(error) => Err(error),
        }
    }
}

/// When to ask again.
struct Again<'a> {
    clock: &'a Arc<dyn Clock>,
    began: Duration,
    wait: Duration,
}

impl<'a> Again<'a> {
    fn new(clock: &'a Arc<dyn Clock>) -> Self {
        Self {
            clock,
            began: clock.elapsed(),
            wait: WAIT,
        }
    }

    /// True, after a wait, when there was no answer and there is patience left.
    async fn is_due<T>(&mut self, answer: &Result<T, SharedError>) -> bool {
        let is_silent = matches!(answer, Err(SharedError::Unavailable { .. }));
        if !is_silent || self.clock.elapsed().saturating_sub(self.began) >= PATIENCE {
            return false;
        }
        self.clock.sleep(self.wait).await;
        self.wait = WAIT_MAX.min(self.wait * 2);
        true
    }
}

/// What it means for who reads, or writes something that is no record.
pub(super) fn unreadable(error: SharedError) -> StorageError {
    match error {
        SharedError::Conflict => StorageError::Unreachable {
            what: error.to_string(),
        },
        SharedError::Unavailable { what } => StorageError::Unreachable { what },
        SharedError::Refused { what, hint } => StorageError::Refused { what, hint },
    }
}

/// What it means for who makes a record or a blob.
pub(super) fn unwritten(error: SharedError) -> AppendError {
    match error {
        SharedError::Conflict => AppendError::Ambiguous {
            what: error.to_string(),
        },
        SharedError::Unavailable { what } => AppendError::Ambiguous { what },
        SharedError::Refused { what, .. } => AppendError::Poisoned { what },
    }
}

pub(super) fn missing_at(what: String) -> StorageError {
    StorageError::Missing { what }
}
