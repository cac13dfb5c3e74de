//! Storages that break what a storage promises.

use std::sync::Mutex;

use async_trait::async_trait;
use salvor::digest::Digest;
use salvor::journal::memory::MemoryStorage;
use salvor::journal::memory::Shelf;
use salvor::journal::record::Line;
use salvor::journal::storage::AppendError;
use salvor::journal::storage::Loaded;
use salvor::journal::storage::Storage;
use salvor::journal::storage::StorageError;

use crate::mutants::Mutant;

/// A storage that breaks one rule.
pub struct Careless {
    mutant: Mutant,
    shelf: Shelf,
    inner: Box<MemoryStorage>,
    held_back: Mutex<Vec<Line>>,
}

impl Careless {
    /// True for the mutants that are storages.
    pub fn is_of(mutant: Mutant) -> bool {
        matches!(
            mutant,
            Mutant::NoCompareAndSet
                | Mutant::ForeignRecordTakenForOwn
                | Mutant::AcknowledgedBeforeDurable
                | Mutant::TailLost
                | Mutant::IntentNotDurable
                | Mutant::HalfABatch
                | Mutant::TornTailKept
        )
    }

    /// Around a real one.
    pub fn new(mutant: Mutant, shelf: Shelf, inner: Box<MemoryStorage>) -> Self {
        Self {
            mutant,
            shelf,
            inner,
            held_back: Mutex::new(Vec::new()),
        }
    }

    fn overwrite(&self, lines: &[Line]) {
        let text = self.shelf.text();
        let mut kept: Vec<&str> = text.lines().collect();
        for line in lines {
            match kept.get_mut(line.seq as usize) {
                Some(place) => *place = &line.text,
                None => kept.push(&line.text),
            }
        }
        let text: String = kept.iter().map(|line| format!("{line}\n")).collect();
        self.shelf.replace(text.as_bytes());
    }

    /// Writes what was held back before, and these now or with the next.
    async fn hold_back(&self, lines: &[Line], holds: bool) -> Result<(), AppendError> {
        let mut all = std::mem::take(&mut *self.held_back.lock().expect("nothing panics with it"));
        if holds && !all.is_empty() {
            self.inner.append(&all).await?;
            all.clear();
        }
        all.extend_from_slice(lines);
        if holds {
            *self.held_back.lock().expect("nothing panics with it") = all;
            return Ok(());
        }
        self.inner.append(&all).await
    }
}

#[async_trait]
impl Storage for Careless {
    async fn load(&self, from: u64) -> Result<Loaded, StorageError> {
        if self.mutant == Mutant::TailLost && from == 0 {
            let text = self.shelf.text();
            let lines: Vec<&str> = text.lines().collect();
            if let Some((_, rest @ [_, ..])) = lines.split_last() {
                let rest: String = rest.iter().map(|line| format!("{line}\n")).collect();
                self.shelf.replace(rest.as_bytes());
            }
        }
        self.inner.load(from).await
    }

    async fn append(&self, lines: &[Line]) -> Result<(), AppendError> {
        match self.mutant {
            Mutant::AcknowledgedBeforeDurable => self.hold_back(lines, true).await,
            Mutant::IntentNotDurable => {
                let is_intent = |line: &Line| line.text.contains("\"type\":\"intent\"");
                self.hold_back(lines, lines.iter().all(is_intent)).await
            }
            Mutant::HalfABatch => {
                let first = lines.get(..1).unwrap_or_default();
                self.inner.append(first).await
            }
            Mutant::NoCompareAndSet => match self.inner.append(lines).await {
                Err(AppendError::Deposed { .. }) => {
                    self.overwrite(lines);
                    Ok(())
                }
                answer => answer,
            },
            Mutant::ForeignRecordTakenForOwn => match self.inner.append(lines).await {
                Err(AppendError::Deposed { .. }) => Ok(()),
                answer => answer,
            },
            Mutant::TornTailKept => {
                let tail = self.inner.load(u64::MAX).await.map(|loaded| loaded.tail);
                let Ok(tail @ [_, ..]) = tail.as_deref() else {
                    return self.inner.append(lines).await;
                };
                let mut bytes = self.shelf.text().into_bytes();
                bytes.extend_from_slice(tail);
                for line in lines {
                    bytes.extend_from_slice(format!("{}\n", line.text).as_bytes());
                }
                self.shelf.replace(&bytes);
                Ok(())
            }
            _ => self.inner.append(lines).await,
        }
    }

    async fn cut_tail(&self) -> Result<(), AppendError> {
        if self.mutant == Mutant::TornTailKept {
            return Ok(());
        }
        self.inner.cut_tail().await
    }

    async fn free_reserve(&self) -> bool {
        self.inner.free_reserve().await
    }

    async fn put_blob(&self, digest: &Digest, bytes: &[u8]) -> Result<(), AppendError> {
        self.inner.put_blob(digest, bytes).await
    }

    async fn get_blob(&self, digest: &Digest) -> Result<Vec<u8>, StorageError> {
        self.inner.get_blob(digest).await
    }
}
