//! A shared store in memory that can lose questions and answers, and ignore its conditions. For tests and simulations.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;

use async_trait::async_trait;
use salvor_contract::SharedError;
use salvor_contract::SharedStore;
use salvor_contract::StoredObject;
use salvor_contract::VersionTag;

use crate::journal::lock::register::WriteFault;

/// The objects. Clones are the same store.
#[derive(Clone, Default)]
pub struct MemoryStore(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    objects: BTreeMap<String, (Vec<u8>, u64)>,
    versions: u64,
    writes: usize,
    late: Vec<(String, Vec<u8>, Option<VersionTag>)>,
    faults: Option<Box<dyn FnMut(usize) -> WriteFault + Send>>,
    ignores: BTreeSet<Condition>,
}

/// A condition that a store may ignore.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// That nothing is there.
    Absent,
    /// That the version is this one.
    Version,
}

impl MemoryStore {
    /// From now on the n-th write of all (from 0) meets the fault that `faults` tells for n.
    pub fn meet(&self, faults: impl FnMut(usize) -> WriteFault + Send + 'static) {
        self.kept().faults = Some(Box::new(faults));
    }

    /// The same, which ignores a condition.
    #[must_use]
    pub fn ignoring(self, condition: Condition) -> Self {
        self.kept().ignores.insert(condition);
        self
    }

    /// Lets the writes arrive that are still on their way.
    pub fn deliver_late(&self) {
        let mut kept = self.kept();
        for (key, bytes, tag) in std::mem::take(&mut kept.late) {
            // Nobody waits for the answer.
            let _ = kept.write(&key, bytes, tag.as_ref());
        }
    }

    /// The keys, in order.
    pub fn keys(&self) -> Vec<String> {
        self.kept().objects.keys().cloned().collect()
    }

    /// Puts bytes in the place of an object's, or removes it, as somebody would who knows no rules.
    pub fn tamper(&self, key: &str, bytes: Option<&[u8]>) {
        let mut kept = self.kept();
        kept.versions += 1;
        let version = kept.versions;
        match bytes {
            Some(bytes) => kept
                .objects
                .insert(key.to_owned(), (bytes.to_vec(), version)),
            None => kept.objects.remove(key),
        };
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0
            .lock()
            .expect("nothing panics while it holds this lock")
    }

    fn put(
        &self,
        key: &str,
        bytes: Vec<u8>,
        tag: Option<&VersionTag>,
    ) -> Result<VersionTag, SharedError> {
        let lost = SharedError::Unavailable {
            what: "the connection was closed".to_owned(),
        };
        let mut kept = self.kept();
        let number = kept.writes;
        kept.writes += 1;
        let fault = kept
            .faults
            .as_mut()
            .map_or(WriteFault::None, |faults| faults(number));
        match fault {
            WriteFault::None => kept.write(key, bytes, tag),
            WriteFault::LostAnswer => kept.write(key, bytes, tag).and(Err(lost)),
            WriteFault::LostRequest => Err(lost),
            WriteFault::Late => {
                kept.late.push((key.to_owned(), bytes, tag.cloned()));
                Err(lost)
            }
        }
    }
}

impl Kept {
    fn write(
        &mut self,
        key: &str,
        bytes: Vec<u8>,
        tag: Option<&VersionTag>,
    ) -> Result<VersionTag, SharedError> {
        let found = self.objects.get(key).map(|(_, version)| tag_of(*version));
        let condition = match tag {
            None => Condition::Absent,
            Some(_) => Condition::Version,
        };
        if found.as_ref() != tag && !self.ignores.contains(&condition) {
            return Err(SharedError::Conflict);
        }
        self.versions += 1;
        self.objects.insert(key.to_owned(), (bytes, self.versions));
        Ok(tag_of(self.versions))
    }
}

fn tag_of(version: u64) -> VersionTag {
    VersionTag(version.to_string())
}

#[async_trait]
impl SharedStore for MemoryStore {
    fn address(&self, key: &str) -> String {
        format!("memory://{key}")
    }

    async fn get(&self, key: &str) -> Result<Option<StoredObject>, SharedError> {
        let kept = self.kept();
        let found = kept.objects.get(key);
        Ok(found.map(|(bytes, version)| StoredObject {
            bytes: bytes.clone(),
            tag: tag_of(*version),
        }))
    }

    async fn create(&self, key: &str, bytes: Vec<u8>) -> Result<VersionTag, SharedError> {
        // Others come between a question and its answer.
        tokio::task::yield_now().await;
        let answer = self.put(key, bytes, None);
        tokio::task::yield_now().await;
        answer
    }

    async fn replace(
        &self,
        key: &str,
        bytes: Vec<u8>,
        tag: &VersionTag,
    ) -> Result<VersionTag, SharedError> {
        tokio::task::yield_now().await;
        let answer = self.put(key, bytes, Some(tag));
        tokio::task::yield_now().await;
        answer
    }

    async fn list(&self, folder: &str) -> Result<Vec<String>, SharedError> {
        let kept = self.kept();
        let names = kept.objects.keys().filter_map(|key| {
            let rest = key.strip_prefix(folder)?;
            Some(match rest.find('/') {
                Some(end) => rest[..=end].to_owned(),
                None => rest.to_owned(),
            })
        });
        let names: BTreeSet<String> = names.collect();
        Ok(names.into_iter().collect())
    }

    async fn delete(&self, key: &str) -> Result<(), SharedError> {
        self.kept().objects.remove(key);
        Ok(())
    }
}
