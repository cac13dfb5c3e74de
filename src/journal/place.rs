//! A place in which the state of an environment lies: a folder of this machine, or a store that many machines reach.
//!
//! ```text
//! lineage                  the environment's id, made once
//! locks/<lineage>          the environment's lock
//! runs/<run>/…             the journal of a run, its blobs and its inbox
//! ```
//!
//! A place keeps these and judges nothing: what the records add up to is [`crate::journal::Environment`]'s business.
//! Names that it is given are plain, of letters, digits, `-`, `_` and `.`.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use salvor_contract::Clock;
use salvor_contract::RunId;
use salvor_contract::StepName;

use crate::journal::lock::EnvironmentLock;
use crate::journal::state::Head;
use crate::journal::storage::Storage;
use crate::journal::storage::StorageError;
use crate::surroundings::Randomness;

/// Where the state of an environment lies.
#[async_trait]
pub trait Place: Send + Sync {
    /// The place as it is shown.
    fn shown(&self) -> String;

    /// Where the journal of a run is, as it is shown.
    fn shown_run(&self, run: &RunId) -> String;

    /// The folder of this machine for what no other machine needs: files of operations, heads, the reserve.
    fn local(&self) -> &Path;

    /// True when other machines may write here too.
    fn is_shared(&self) -> bool;

    /// Makes sure that what is written here is safe: of a shared place the conditions are tried out, once a process.
    ///
    /// # Errors
    /// [`StorageError::Unfit`] says which condition does not hold.
    async fn fit(&self) -> Result<(), StorageError>;

    /// Makes the place, with this lineage unless it has one, and gives the lineage that it has.
    ///
    /// # Errors
    /// When it is not fit, or cannot be made.
    async fn open(&self, token: &str) -> Result<String, StorageError>;

    /// The environment's id.
    ///
    /// # Errors
    /// [`StorageError::Missing`] when nothing is there, [`StorageError::Unfit`] when it is damaged.
    async fn lineage(&self) -> Result<String, StorageError>;

    /// Puts another lineage in the place of this one, and gives the one that is there then.
    ///
    /// # Errors
    /// When it cannot be written.
    async fn set_lineage(&self, own: &str, lineage: &str) -> Result<String, StorageError>;

    /// The storage of a new run, for writing.
    ///
    /// # Errors
    /// When it cannot be made or held.
    async fn create(&self, run: &RunId) -> Result<Arc<dyn Storage>, StorageError>;

    /// The storage of an existing run, for writing.
    ///
    /// # Errors
    /// When it is not there, or another process of this machine holds it.
    async fn hold(&self, run: &RunId) -> Result<Arc<dyn Storage>, StorageError>;

    /// The storage of a run, for reading.
    fn read(&self, run: &RunId) -> Arc<dyn Storage>;

    /// The environment's lock.
    fn lock(
        &self,
        lineage: &str,
        clock: Arc<dyn Clock>,
        randomness: Arc<dyn Randomness>,
    ) -> Arc<dyn EnvironmentLock>;

    /// The last record of a run that was seen, kept apart from its journal.
    ///
    /// # Errors
    /// When it cannot be asked for; that none was kept is none.
    async fn seen_head(&self, lineage: &str, run: &RunId) -> Result<Option<Head>, StorageError>;

    /// The names of what may be runs, in any order.
    ///
    /// # Errors
    /// When they cannot be listed.
    async fn run_names(&self) -> Result<Vec<String>, StorageError>;

    /// How long the journal of a run is. Its unit is the place's own: the same twice says that nothing was added.
    ///
    /// # Errors
    /// When it cannot be told. No journal has no length.
    async fn length(&self, run: &RunId) -> Result<u64, StorageError>;

    /// Leaves an answer. False when another one is there. `token` is random.
    ///
    /// # Errors
    /// When it cannot be written.
    async fn put_answer(
        &self,
        run: &RunId,
        step: &StepName,
        answer: &[u8],
        token: &str,
    ) -> Result<bool, StorageError>;

    /// The answers that were left, by the names of their steps.
    ///
    /// # Errors
    /// When they cannot be read.
    async fn answers(&self, run: &RunId) -> Result<Vec<(String, Vec<u8>)>, StorageError>;

    /// Removes an answer. One that is not there is fine.
    ///
    /// # Errors
    /// When it cannot be removed.
    async fn remove_answer(&self, run: &RunId, step: &StepName) -> Result<(), StorageError>;

    /// The names of the runs that have something of this machine which is of use only while they go on.
    async fn uncleared(&self) -> Vec<String>;

    /// Removes that of a run. What is not there is fine.
    ///
    /// # Errors
    /// When it cannot be removed.
    async fn clear(&self, run: &RunId) -> Result<(), StorageError>;

    /// Tries out, one after the other, what the place must do for a run to be safe. Leaves nothing behind. `token` is
    /// random.
    async fn examine(&self, token: &str) -> Vec<Examined>;
}

/// Something that a place must do, and whether it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examined {
    /// What it must do, in words: `a second create of one key is refused`.
    pub what: String,
    /// Why it is taken for not doing so; none when it did.
    pub wrong: Option<String>,
}

impl Examined {
    /// What was tried, with what came of it.
    pub(super) fn of(what: impl Into<String>, tried: Result<(), String>) -> Self {
        Self {
            what: what.into(),
            wrong: tried.err(),
        }
    }
}

/// A name that stays in its folder on every system, and is a part of a key in every store.
pub(super) fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('.')
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

/// The environment's id in these bytes. The lock has this name, so one that leads elsewhere would lock something else.
pub(super) fn lineage_in(bytes: Vec<u8>, shown: &str) -> Result<String, StorageError> {
    let text = String::from_utf8(bytes).unwrap_or_default();
    if !is_plain(&text) {
        let what = format!(
            "{shown} is damaged: it holds the environment's id, which is made of letters and digits"
        );
        return Err(StorageError::Unfit { what });
    }
    Ok(text)
}
