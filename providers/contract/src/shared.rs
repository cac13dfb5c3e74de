//! Objects that many machines reach, written under conditions: what shared state is kept in.
//!
//! The state of an environment (its journals, its lock) may lie in such a store, so that any machine that reaches it
//! goes on with a run. All of its safety rests on two conditions: an object is created by one writer only, and it is
//! replaced only by who saw its last version. `salvor doctor` proves them; a store that ignores one is refused.

use async_trait::async_trait;

/// The version of an object's content; equal tags mean that nobody wrote in between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionTag(pub String);

/// An object as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredObject {
    /// Its bytes, all of them.
    pub bytes: Vec<u8>,
    /// Their version.
    pub tag: VersionTag,
}

/// Objects below one address. Keys are parts of letters, digits, `-`, `_` and `.`, with slashes between them.
///
/// Each method is one request, or one a page: it tries nothing again, since the caller knows what a lost answer means,
/// and it gives up soon, since a lock has to be renewed in time. What was written is read and listed at once.
#[async_trait]
pub trait SharedStore: Send + Sync {
    /// The address of an object, as it is shown; of the whole store for an empty key.
    fn address(&self, key: &str) -> String;

    /// An object; none when the store says that it is not there.
    ///
    /// # Errors
    /// [`SharedError::Unavailable`] and [`SharedError::Refused`].
    async fn get(&self, key: &str) -> Result<Option<StoredObject>, SharedError>;

    /// Makes an object that is not there yet.
    ///
    /// # Errors
    /// [`SharedError::Conflict`] when it is there; [`SharedError::Unavailable`] may have made it.
    async fn create(&self, key: &str, bytes: Vec<u8>) -> Result<VersionTag, SharedError>;

    /// Writes an object in place of its content of this tag.
    ///
    /// # Errors
    /// [`SharedError::Conflict`] when the tag is another, or the object is gone; [`SharedError::Unavailable`] may have
    /// written it.
    async fn replace(
        &self,
        key: &str,
        bytes: Vec<u8>,
        tag: &VersionTag,
    ) -> Result<VersionTag, SharedError>;

    /// The names directly below a folder, in any order: of objects, and of folders with a slash at their end. A folder
    /// is empty or ends with a slash, and one that is not there has no names.
    ///
    /// # Errors
    /// [`SharedError::Unavailable`] and [`SharedError::Refused`].
    async fn list(&self, folder: &str) -> Result<Vec<String>, SharedError>;

    /// Removes an object, on no condition. That it is not there is as good.
    ///
    /// # Errors
    /// [`SharedError::Unavailable`] may have removed it; [`SharedError::Refused`].
    async fn delete(&self, key: &str) -> Result<(), SharedError>;
}

/// Why a shared store did not do as it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SharedError {
    /// Somebody else wrote; or we did, and the answer was lost.
    #[error("it was changed meanwhile")]
    Conflict,
    /// There was no answer, or one that says to ask again: it may have been done.
    #[error("{what}")]
    Unavailable {
        /// What happened.
        what: String,
    },
    /// The store said no: nothing was done, and asking again is of no use.
    #[error("{what}")]
    Refused {
        /// What was refused and why.
        what: String,
        /// What the operator can do, one imperative sentence.
        hint: Option<String>,
    },
}
