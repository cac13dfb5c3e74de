//! Where the lines of one run are kept, and what an answer of it means.
//!
//! A storage keeps lines and blobs and knows nothing of what they say. Every line is made once: a second
//! writer of the same place is refused, which is what makes a journal safe without a lock.

use std::io;

use async_trait::async_trait;

use crate::digest::Digest;
use crate::journal::record::Line;

/// The lines and blobs of one run.
#[async_trait]
pub trait Storage: Send + Sync {
    /// Reads all lines from place `from` on. Changes nothing, and may be called beside a writer.
    ///
    /// # Errors
    /// When it cannot be read. No journal at all is [`StorageError::Missing`].
    async fn load(&self, from: u64) -> Result<Loaded, StorageError>;

    /// The first whole line; none when there is none yet.
    ///
    /// # Errors
    /// As [`Storage::load`].
    async fn first_line(&self) -> Result<Option<Vec<u8>>, StorageError> {
        Ok(self.load(0).await?.lines.into_iter().next())
    }

    /// The last whole line, where it can be had without the others; none otherwise.
    ///
    /// # Errors
    /// As [`Storage::load`].
    async fn last_line(&self) -> Result<Option<Vec<u8>>, StorageError> {
        Ok(self.load(0).await?.lines.pop())
    }

    /// Makes lines of consecutive places, all durable when this returns.
    ///
    /// # Errors
    /// [`AppendError`] says for each case what may have been made.
    async fn append(&self, lines: &[Line]) -> Result<(), AppendError>;

    /// Removes the bytes after the last whole line, which nobody was told to be durable.
    ///
    /// # Errors
    /// As [`Storage::append`].
    async fn cut_tail(&self) -> Result<(), AppendError>;

    /// Gives back the space that was set aside for the last records. False when there was none left.
    async fn free_reserve(&self) -> bool;

    /// Stores bytes under their digest, durable when this returns. The same bytes twice are fine.
    ///
    /// # Errors
    /// As [`Storage::append`].
    async fn put_blob(&self, digest: &Digest, bytes: &[u8]) -> Result<(), AppendError>;

    /// The bytes of this digest, as they are stored: the caller compares them with the digest.
    ///
    /// # Errors
    /// When they cannot be read; [`StorageError::Missing`] when they are not there.
    async fn get_blob(&self, digest: &Digest) -> Result<Vec<u8>, StorageError>;
}

/// What a storage holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// Whole lines without their line breaks.
    pub lines: Vec<Vec<u8>>,
    /// Bytes after the last line break.
    pub tail: Vec<u8>,
}

/// Why lines could not be read.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// It is not there.
    #[error("{what} is not there")]
    Missing {
        /// What was looked for.
        what: String,
    },
    /// Another process writes it.
    #[error("{what} is written by another process")]
    Busy {
        /// What was to be opened.
        what: String,
    },
    /// The place is not fit to hold a journal.
    #[error("{what}")]
    Unfit {
        /// What is wrong with it and what to do.
        what: String,
    },
    /// A shared store did not answer. What was to be written may be written.
    #[error("{what}")]
    Unreachable {
        /// What happened.
        what: String,
    },
    /// A shared store refused it: nothing was done.
    #[error("{what}")]
    Refused {
        /// What it said.
        what: String,
        /// What the operator can do, one imperative sentence.
        hint: Option<String>,
    },
    /// Reading or making it failed.
    #[error("cannot {what}")]
    Io {
        /// What was tried.
        what: String,
        /// The system's error.
        #[source]
        source: io::Error,
    },
}

/// Why lines are not known to be durable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// Another process made a record of this place: nothing from here on is ours.
    #[error("another process wrote record {seq}")]
    Deposed {
        /// The place.
        seq: u64,
    },
    /// There is no space; none of the lines was made.
    #[error("there is no space left for the journal")]
    Full,
    /// The answer was lost: none, some or all of the lines were made.
    #[error("the answer was lost: {what}")]
    Ambiguous {
        /// What happened.
        what: String,
    },
    /// Writing failed in a way after which nothing that this process believes about the storage is certain.
    #[error("{what}")]
    Poisoned {
        /// What happened.
        what: String,
    },
}
