//! The journal of a run as objects, each of which holds the lines of one append.
//!
//! An object is named after the place of its first line and is made once, so that of two writers that believe to be
//! next only one makes a record:
//!
//! ```text
//! j/00000000000000000000   record 0
//! j/00000000000000000001   records 1, 2, 3      written together, durable together
//! j/00000000000000000004   record 4
//! ```
//!
//! There is no object that tells the last one: it is found by a listing, and after it by asking for the next until
//! there is none. What is removed or put between others is found by the chain.

use async_trait::async_trait;
use futures::StreamExt as _;
use futures::TryStreamExt as _;
use salvor_contract::RunId;

use crate::digest::Digest;
use crate::journal::memory::split;
use crate::journal::record::Line;
use crate::journal::shared::patient::Made;
use crate::journal::shared::patient::Patient;
use crate::journal::shared::patient::missing_at;
use crate::journal::shared::patient::unreadable;
use crate::journal::shared::patient::unwritten;
use crate::journal::storage::AppendError;
use crate::journal::storage::Loaded;
use crate::journal::storage::Storage;
use crate::journal::storage::StorageError;

/// How many objects are read at once.
const AT_ONCE: usize = 16;

/// The digits of a place in the name of an object, so that names are in the order of their places.
const DIGITS: usize = 20;

/// The lines and blobs of one run in a shared store.
pub struct SharedStorage {
    patient: Patient,
    run: String,
}

impl SharedStorage {
    pub(super) fn of(patient: Patient, run: &RunId) -> Self {
        Self {
            patient,
            run: format!("runs/{run}"),
        }
    }

    fn batch_key(&self, seq: u64) -> String {
        format!("{}/j/{seq:0DIGITS$}", self.run)
    }

    fn blob_key(&self, digest: &Digest) -> String {
        format!("{}/blobs/{digest}", self.run)
    }

    /// The places after which objects are named, in order.
    async fn batches(&self) -> Result<Vec<u64>, StorageError> {
        let folder = format!("{}/j/", self.run);
        let names = self.patient.list(&folder).await.map_err(unreadable)?;
        let places = names
            .iter()
            .filter(|name| name.len() == DIGITS)
            .filter_map(|name| name.parse().ok());
        let mut places: Vec<u64> = places.collect();
        places.sort_unstable();
        Ok(places)
    }

    /// The place of the first line of the last append; none when there is none.
    pub(super) async fn last_batch(&self) -> Result<Option<u64>, StorageError> {
        Ok(self.batches().await?.pop())
    }

    /// The lines of one object; none when it is not there.
    async fn batch(&self, seq: u64) -> Result<Option<Vec<Vec<u8>>>, StorageError> {
        let found = self.patient.get(&self.batch_key(seq)).await;
        Ok(found.map_err(unreadable)?.map(|found| {
            let Loaded { mut lines, tail } = split(&found.bytes);
            // An object is written whole: what has no line break is damage, and is read as the line that it is not.
            if !tail.is_empty() || lines.is_empty() {
                lines.push(tail);
            }
            lines
        }))
    }
}

#[async_trait]
impl Storage for SharedStorage {
    async fn load(&self, from: u64) -> Result<Loaded, StorageError> {
        let mut places = self.batches().await?;
        let first = places
            .partition_point(|place| *place <= from)
            .saturating_sub(1);
        places.drain(..first);
        let begins = places.first().copied().unwrap_or(from);
        let batches = places.into_iter().map(|place| self.batch(place));
        let batches: Vec<_> = futures::stream::iter(batches)
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        let mut lines: Vec<Vec<u8>> = batches.into_iter().flatten().flatten().collect();
        // A listing may lag behind. What is asked for is there when it was made.
        while let Some(more) = self.batch(begins + lines.len() as u64).await? {
            lines.extend(more);
        }
        let before = usize::try_from(from.saturating_sub(begins)).unwrap_or(usize::MAX);
        lines.drain(..before.min(lines.len()));
        Ok(Loaded {
            lines,
            tail: Vec::new(),
        })
    }

    async fn first_line(&self) -> Result<Option<Vec<u8>>, StorageError> {
        let lines = self.batch(0).await?;
        Ok(lines.and_then(|lines| lines.into_iter().next()))
    }

    async fn last_line(&self) -> Result<Option<Vec<u8>>, StorageError> {
        let Some(last) = self.last_batch().await? else {
            return Ok(None);
        };
        let lines = self.batch(last).await?;
        Ok(lines.and_then(|mut lines| lines.pop()))
    }

    async fn append(&self, lines: &[Line]) -> Result<(), AppendError> {
        let Some(Line { seq, .. }) = lines.first() else {
            return Ok(());
        };
        let text: Vec<u8> = lines
            .iter()
            .flat_map(|line| line.text.bytes().chain([b'\n']))
            .collect();
        // Each line has a nonce of its writer: the same bytes are our own, from a try whose answer was lost.
        let made = self.patient.make(&self.batch_key(*seq), &text).await;
        match made.map_err(unwritten)? {
            Made::Ours => Ok(()),
            Made::Others => Err(AppendError::Deposed { seq: *seq }),
        }
    }

    async fn cut_tail(&self) -> Result<(), AppendError> {
        // An object is there whole or not at all.
        Ok(())
    }

    async fn free_reserve(&self) -> bool {
        false
    }

    async fn put_blob(&self, digest: &Digest, bytes: &[u8]) -> Result<(), AppendError> {
        let key = self.blob_key(digest);
        match self.patient.make(&key, bytes).await.map_err(unwritten)? {
            Made::Ours => Ok(()),
            Made::Others => Err(AppendError::Poisoned {
                what: format!(
                    "{} has other bytes than its name says",
                    self.patient.address(&key)
                ),
            }),
        }
    }

    async fn get_blob(&self, digest: &Digest) -> Result<Vec<u8>, StorageError> {
        let key = self.blob_key(digest);
        match self.patient.get(&key).await.map_err(unreadable)? {
            Some(found) => Ok(found.bytes),
            None => Err(missing_at(self.patient.address(&key))),
        }
    }
}
