//! The writer of a run's journal: many steps append at once, one write makes them durable together.
//!
//! The first of the waiting appends becomes the committer of everything that is queued; the others wait.
//! No task is spawned: the engine is one future, and to drop it is to crash it. A record whose append was
//! dropped is in the journal or is not, never half; an append that is dropped while it commits ends the
//! journal, since what became of the write is then not known.

mod commit;
mod error;
mod open;
mod settle;

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;

use salvor_contract::Clock;
use tokio::sync::oneshot;
use tokio::sync::watch;

use crate::digest::Digest;
use crate::journal::body::Body;
use crate::journal::chain::ChainError;
use crate::journal::record::Line;
use crate::journal::record::Record;
use crate::journal::record::Spill;
use crate::journal::state::Head;
use crate::journal::state::RunState;
use crate::journal::storage::Storage;
use crate::journal::storage::StorageError;
use crate::journal::transition::Illegal;
pub use crate::journal::writer::error::JournalError;
pub use crate::journal::writer::error::OpenError;
use crate::journal::writer::error::final_error;
pub use crate::journal::writer::open::Proved;
use crate::surroundings::Randomness;

/// The journal of one run, open for writing.
pub struct Journal {
    storage: Arc<dyn Storage>,
    clock: Arc<dyn Clock>,
    randomness: Arc<dyn Randomness>,
    inner: Mutex<Inner>,
    committing: tokio::sync::Mutex<()>,
    durable: watch::Sender<u64>,
}

struct Inner {
    /// What is durable: what everybody sees.
    state: RunState,
    /// The same with all that is queued: what the next record is checked against.
    planned: RunState,
    queue: Vec<Queued>,
    is_full: bool,
    over: Option<JournalError>,
}

struct Queued {
    record: Record,
    line: Line,
    spill: Option<Spill>,
    answer: oneshot::Sender<Result<u64, JournalError>>,
}

/// What a journal takes from outside.
#[derive(Clone)]
pub struct Source {
    /// Stamps the records, and waits between tries.
    pub clock: Arc<dyn Clock>,
    /// Makes the nonces.
    pub randomness: Arc<dyn Randomness>,
}

impl Journal {
    /// Appends one record and returns its place once it is durable. May be called by many at once; the order
    /// of the records is the order of the calls.
    ///
    /// # Errors
    /// See [`JournalError`]. After a final one every later call fails in the same way.
    pub async fn append(&self, body: Body) -> Result<u64, JournalError> {
        let mut answer = self.enqueue(body)?;
        // Whoever is ready at the same time gets into the same write.
        tokio::task::yield_now().await;
        let _committer = tokio::select! {
            biased;
            done = &mut answer => return self.answered(done),
            committer = self.committing.lock() => committer,
        };
        self.commit().await;
        self.answered(answer.await)
    }

    /// What is durable, as long as `look` runs.
    pub fn with_state<T>(&self, look: impl FnOnce(&RunState) -> T) -> T {
        look(&self.inner().state)
    }

    /// A copy of what is durable.
    pub fn state(&self) -> RunState {
        self.inner().state.clone()
    }

    /// The last durable record.
    pub fn head(&self) -> Head {
        self.inner().state.head.clone()
    }

    /// Tells the place of the last durable record whenever it changes.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.durable.subscribe()
    }

    /// Stores bytes beside the journal, durable when this returns, and returns the digest that names them.
    ///
    /// # Errors
    /// [`JournalError::Full`] or [`JournalError::Poisoned`]; the journal itself goes on.
    pub async fn put_blob(&self, bytes: &[u8]) -> Result<Digest, JournalError> {
        let digest = Digest::of_bytes(bytes);
        self.storage
            .put_blob(&digest, bytes)
            .await
            .map_err(final_error)?;
        Ok(digest)
    }

    /// Bytes that were stored beside the journal.
    ///
    /// # Errors
    /// When they are missing or are not the bytes that this digest names.
    pub async fn get_blob(&self, digest: &Digest) -> Result<Vec<u8>, ChainError> {
        get_blob(self.storage.as_ref(), digest).await
    }

    fn enqueue(
        &self,
        body: Body,
    ) -> Result<oneshot::Receiver<Result<u64, JournalError>>, JournalError> {
        let mut inner = self.inner();
        if let Some(over) = &inner.over {
            return Err(over.clone());
        }
        if inner.is_full && commit::begins(&body) {
            return Err(JournalError::Full);
        }
        let (answer, receiver) = oneshot::channel();
        self.queue(&mut inner, body, answer)
            .map_err(|(illegal, _)| illegal)?;
        Ok(receiver)
    }

    /// Makes the next record of this body, unless it may not follow.
    fn queue(
        &self,
        inner: &mut Inner,
        body: Body,
        answer: oneshot::Sender<Result<u64, JournalError>>,
    ) -> Result<(), (Illegal, oneshot::Sender<Result<u64, JournalError>>)> {
        let resumes = matches!(body, Body::Resumed { .. });
        let record = Record {
            seq: inner.planned.head.seq + 1,
            prev: inner.planned.head.hash.clone(),
            run: inner.planned.run.clone(),
            epoch: inner.planned.epoch + u64::from(resumes),
            nonce: self.randomness.token(),
            mono_ms: millis(self.clock.as_ref()),
            wall: self.clock.now(),
            body,
        };
        let (line, spill) = record.line();
        if let Err(illegal) = inner.planned.apply(&record, &line.hash) {
            return Err((illegal, answer));
        }
        inner.queue.push(Queued {
            record,
            line,
            spill,
            answer,
        });
        Ok(())
    }

    fn answered(
        &self,
        answer: Result<Result<u64, JournalError>, oneshot::error::RecvError>,
    ) -> Result<u64, JournalError> {
        answer.unwrap_or_else(|_| {
            Err(self
                .inner()
                .over
                .clone()
                .unwrap_or_else(|| JournalError::Poisoned {
                    what: "the write was abandoned".to_owned(),
                }))
        })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner
            .lock()
            .expect("nothing panics while it holds this lock")
    }
}

/// Bytes beside a journal, compared with the digest that names them.
///
/// # Errors
/// When they are missing or other bytes.
pub async fn get_blob(storage: &dyn Storage, digest: &Digest) -> Result<Vec<u8>, ChainError> {
    let bytes = storage.get_blob(digest).await?;
    if Digest::of_bytes(&bytes) != *digest {
        return Err(ChainError::Storage(StorageError::Unfit {
            what: format!("the blob {digest} has other bytes than its name says"),
        }));
    }
    Ok(bytes)
}

fn millis(clock: &dyn Clock) -> u64 {
    u64::try_from(clock.elapsed().as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
