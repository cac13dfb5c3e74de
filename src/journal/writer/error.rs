//! Why a record is not in a journal, and why a journal is not open.

use salvor_contract::RunId;

use crate::journal::chain::ChainError;
use crate::journal::storage::AppendError;
use crate::journal::transition::Illegal;

/// Why a record is not in the journal, or not known to be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// The record may not follow; nothing was written and the journal goes on.
    #[error(transparent)]
    Illegal(#[from] Illegal),
    /// The disk is full: nothing new may begin. What is under way can still be recorded, and `halted`.
    #[error("there is no space left for the journal; nothing new is begun")]
    Full,
    /// Another process took the run over: this one must stop at once and may record nothing more.
    #[error("another process took over this run at record {seq}")]
    Deposed {
        /// The first record that is not ours.
        seq: u64,
    },
    /// Writing failed; whether the last records are there is known only after reading the journal again.
    #[error("the journal cannot be written: {what}")]
    Poisoned {
        /// What happened.
        what: String,
    },
}

impl JournalError {
    /// True when no record can be written any more and no further effect may be caused.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Illegal(_) | Self::Full => false,
            Self::Deposed { .. } | Self::Poisoned { .. } => true,
        }
    }
}

/// Why a journal was not opened for writing.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A run of this id exists: its change set was applied under this approval before.
    #[error("run {run} exists already")]
    Exists {
        /// The run.
        run: RunId,
    },
    /// What is there cannot be read or trusted.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The first record could not be written.
    #[error("the run cannot be recorded")]
    Journal(#[from] JournalError),
}

pub(super) fn final_error(error: AppendError) -> JournalError {
    match error {
        AppendError::Deposed { seq } => JournalError::Deposed { seq },
        AppendError::Full => JournalError::Full,
        AppendError::Ambiguous { what } | AppendError::Poisoned { what } => {
            JournalError::Poisoned { what }
        }
    }
}
