//! The writer of a run's journal: many steps append at once, one write makes them durable together.
//!
//! The first of the waiting appends becomes the committer of everything that is queued; the others wait.
//! No task is spawned: the engine is one future, and to drop it is to crash it. A record whose append was
//! dropped is in the journal or is not, never half; an append that is dropped while it commits ends the
//! journal, since what became of the write is then not known.

mod error;
mod settle;

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;

use salvor_contract::Clock;
use salvor_contract::RunId;
use tokio::sync::oneshot;
use tokio::sync::watch;

use crate::digest::Digest;
use crate::journal::body::Body;
use crate::journal::chain;
use crate::journal::chain::ChainError;
use crate::journal::lock::Holder;
use crate::journal::record::Line;
use crate::journal::record::Record;
use crate::journal::record::Spill;
use crate::journal::state::Head;
use crate::journal::state::RunState;
use crate::journal::storage::AppendError;
use crate::journal::storage::Storage;
use crate::journal::storage::StorageError;
use crate::journal::transition::Illegal;
pub use crate::journal::writer::error::JournalError;
pub use crate::journal::writer::error::OpenError;
use crate::journal::writer::error::final_error;
use crate::journal::writer::settle::write;
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
    /// Opens a new run: makes its first record.
    ///
    /// # Errors
    /// [`OpenError::Exists`] when a run of this id was opened before, by anybody.
    ///
    /// # Panics
    /// When `opened` is not [`Body::Opened`].
    pub async fn create(
        storage: Arc<dyn Storage>,
        source: Source,
        run: RunId,
        opened: Body,
    ) -> Result<Self, OpenError> {
        let record = Record {
            seq: 0,
            prev: Digest::zero(),
            run: run.clone(),
            epoch: 1,
            nonce: source.randomness.token(),
            mono_ms: millis(source.clock.as_ref()),
            wall: source.clock.now(),
            body: opened,
        };
        let (line, _) = record.line();
        let state = RunState::begin(&record, &line.hash).expect("the caller opens with `opened`");
        write(storage.as_ref(), source.clock.as_ref(), &[line])
            .await
            .map_err(|error| match error {
                AppendError::Deposed { .. } => OpenError::Exists { run },
                AppendError::Full
                | AppendError::Ambiguous { .. }
                | AppendError::Poisoned { .. } => OpenError::Journal(final_error(error)),
            })?;
        Ok(Self::at(storage, source, state))
    }

    /// Takes over an existing run: proves its journal, cuts a torn tail, and makes the `resumed` record of a new
    /// epoch.
    ///
    /// # Errors
    /// When the journal is missing, damaged, another's, over, or written by another process at this moment.
    pub async fn resume(
        storage: Arc<dyn Storage>,
        source: Source,
        run: &RunId,
        holder: Holder,
        why: String,
    ) -> Result<Self, OpenError> {
        let chain = chain::read(storage.as_ref(), run).await?;
        if chain.torn_bytes > 0 {
            storage.cut_tail().await.map_err(final_error)?;
        }
        let journal = Self::at(storage, source, chain.state);
        journal
            .append(Body::Resumed {
                holder,
                why,
                cut_bytes: chain.torn_bytes,
            })
            .await?;
        Ok(journal)
    }

    fn at(storage: Arc<dyn Storage>, source: Source, state: RunState) -> Self {
        let (durable, _) = watch::channel(state.head.seq);
        Self {
            storage,
            clock: source.clock,
            randomness: source.randomness,
            inner: Mutex::new(Inner {
                planned: state.clone(),
                state,
                queue: Vec::new(),
                is_full: false,
                over: None,
            }),
            committing: tokio::sync::Mutex::new(()),
            durable,
        }
    }

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
        if inner.is_full && begins(&body) {
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

    /// Writes all that is queued in one batch; once more when the disk turned out to be full.
    async fn commit(&self) {
        // Dropped in the middle: nobody knows what became of the write.
        let dropped = DropEnds(self);
        loop {
            let batch = std::mem::take(&mut self.inner().queue);
            if batch.is_empty() {
                break;
            }
            match self.write_batch(&batch).await {
                Ok(()) => {
                    self.acknowledge(batch);
                    break;
                }
                Err(AppendError::Full) => self.retreat(batch).await,
                Err(error) => {
                    self.end(final_error(error));
                    break;
                }
            }
        }
        std::mem::forget(dropped);
    }

    async fn write_batch(&self, batch: &[Queued]) -> Result<(), AppendError> {
        for spill in batch.iter().filter_map(|queued| queued.spill.as_ref()) {
            self.storage.put_blob(&spill.digest, &spill.bytes).await?;
        }
        let lines: Vec<Line> = batch.iter().map(|queued| queued.line.clone()).collect();
        write(self.storage.as_ref(), self.clock.as_ref(), &lines).await
    }

    fn acknowledge(&self, batch: Vec<Queued>) {
        let mut inner = self.inner();
        for Queued {
            record,
            line,
            answer,
            ..
        } in batch
        {
            inner
                .state
                .apply(&record, &line.hash)
                .expect("it was checked against the same state when it was queued");
            // Nobody waits any more when the append was dropped; the record counts all the same.
            let _ = answer.send(Ok(record.seq));
        }
        let seq = inner.state.head.seq;
        drop(inner);
        self.durable.send_replace(seq);
    }

    /// The disk is full and nothing of the batch was written: refuses what would begin something new, and
    /// queues the rest again, for which the reserve makes room.
    async fn retreat(&self, batch: Vec<Queued>) {
        let has_room = self.storage.free_reserve().await;
        if !has_room {
            self.end(JournalError::Poisoned {
                what: "there is no space left, and the reserve is used up".to_owned(),
            });
            return;
        }
        let mut inner = self.inner();
        inner.is_full = true;
        inner.planned = inner.state.clone();
        let later = std::mem::take(&mut inner.queue);
        for Queued { record, answer, .. } in batch.into_iter().chain(later) {
            if begins(&record.body) {
                let _ = answer.send(Err(JournalError::Full));
            } else if let Err((illegal, answer)) = self.queue(&mut inner, record.body, answer) {
                let _ = answer.send(Err(JournalError::Illegal(illegal)));
            }
        }
    }

    fn end(&self, error: JournalError) {
        let mut inner = self.inner();
        inner.over.get_or_insert(error);
        // Their senders are dropped, which tells those who wait to look at `over`.
        inner.queue.clear();
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

/// Ends the journal when it is dropped, which happens only when a commit is dropped.
struct DropEnds<'a>(&'a Journal);

impl Drop for DropEnds<'_> {
    fn drop(&mut self) {
        self.0.end(JournalError::Poisoned {
            what: "the write was abandoned".to_owned(),
        });
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

/// True for records that announce an effect: these are refused when the disk is full.
fn begins(body: &Body) -> bool {
    match body {
        Body::Opened { .. }
        | Body::Confirmed { .. }
        | Body::Resumed { .. }
        | Body::Intent { .. }
        | Body::Probed { .. }
        | Body::Chosen { .. }
        | Body::Asked { .. }
        | Body::Removing { .. } => true,
        Body::Named { .. }
        | Body::Answered { .. }
        | Body::Succeeded { .. }
        | Body::Failed { .. }
        | Body::Unknown { .. }
        | Body::Decided { .. }
        | Body::Skipped { .. }
        | Body::Stopping { .. }
        | Body::Halted { .. }
        | Body::Removed { .. }
        | Body::NotRemoved { .. }
        | Body::Finished { .. }
        | Body::Aborted { .. } => false,
    }
}

fn millis(clock: &dyn Clock) -> u64 {
    u64::try_from(clock.elapsed().as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
