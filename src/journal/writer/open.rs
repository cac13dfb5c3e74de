//! How a journal is opened for writing: as a new run, or as one whose records were proved.

use std::sync::Arc;
use std::sync::Mutex;

use salvor_contract::RunId;
use tokio::sync::watch;

use crate::digest::Digest;
use crate::journal::body::Body;
use crate::journal::chain;
use crate::journal::chain::ChainError;
use crate::journal::lock::Holder;
use crate::journal::record::Record;
use crate::journal::state::RunState;
use crate::journal::storage::AppendError;
use crate::journal::storage::Storage;
use crate::journal::writer::Inner;
use crate::journal::writer::Journal;
use crate::journal::writer::OpenError;
use crate::journal::writer::Source;
use crate::journal::writer::error::final_error;
use crate::journal::writer::millis;
use crate::journal::writer::settle::write;

/// The journal of an existing run, proved from end to end and not yet written to.
///
/// It keeps the storage that it was read from: when that is held for writing, what was proved is what is added to.
pub struct Proved {
    storage: Arc<dyn Storage>,
    state: RunState,
    torn_bytes: u64,
}

impl Proved {
    /// Reads and proves the journal of a run.
    ///
    /// # Errors
    /// When it is missing, damaged or another's.
    pub async fn read(storage: Arc<dyn Storage>, run: &RunId) -> Result<Self, ChainError> {
        let chain::Fold { state, torn_bytes } = chain::fold(storage.as_ref(), run, |_| ()).await?;
        Ok(Self {
            storage,
            state,
            torn_bytes,
        })
    }

    /// What its records add up to.
    pub fn state(&self) -> &RunState {
        &self.state
    }
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

    /// Takes over an existing run: cuts a torn tail, and makes the `resumed` record of a new epoch.
    ///
    /// # Errors
    /// When the run is over, or the journal was or is written by another process.
    pub async fn resume(
        proved: Proved,
        source: Source,
        holder: Holder,
        why: String,
    ) -> Result<Self, OpenError> {
        let Proved {
            storage,
            state,
            torn_bytes,
        } = proved;
        if torn_bytes > 0 {
            storage.cut_tail().await.map_err(final_error)?;
        }
        let journal = Self::at(storage, source, state);
        journal
            .append(Body::Resumed {
                holder,
                why,
                cut_bytes: torn_bytes,
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
}
