//! One process's way to the journal's storage and to the register of the lock, with the faults of its schedule.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;

use async_trait::async_trait;
use salvor::digest::Digest;
use salvor::journal::lock::Register;
use salvor::journal::lock::register::MemoryRegister;
use salvor::journal::lock::register::RegisterError;
use salvor::journal::lock::register::Tag;
use salvor::journal::lock::register::WriteFault;
use salvor::journal::memory::Fault;
use salvor::journal::record::Line;
use salvor::journal::storage::AppendError;
use salvor::journal::storage::Loaded;
use salvor::journal::storage::Storage;
use salvor::journal::storage::StorageError;
use tokio::task::yield_now;

use crate::random::Random;
use crate::schedule::Medium;
use crate::schedule::RegisterFault;
use crate::shared::Shared;

/// A process's way to the journal's storage. As long as it is there, a file is open.
pub struct Disk {
    shared: Arc<Shared>,
    process: usize,
    inner: Box<dyn Storage>,
    random: Mutex<Random>,
    stalls: Mutex<(usize, BTreeMap<usize, u64>)>,
}

impl Disk {
    /// Opens it.
    ///
    /// # Errors
    /// When another process has the file open, as the real one's lock would say.
    pub fn open(
        shared: Arc<Shared>,
        process: usize,
        faults: BTreeMap<usize, Fault>,
        stalls: BTreeMap<usize, u64>,
    ) -> Result<Self, StorageError> {
        if shared.schedule.medium == Medium::File {
            let mut seen = shared.seen();
            if seen.file_open_by.is_some() {
                let what = "the journal".to_owned();
                return Err(StorageError::Busy { what });
            }
            seen.file_open_by = Some(process);
        }
        let told = Arc::clone(&shared);
        let script = move |number: usize| {
            let fault = faults.get(&number).cloned().unwrap_or_default();
            match &fault {
                Fault::Dies(_) => told.seen().dying = Some(process),
                Fault::Full => told.hit("no space left"),
                Fault::Broken(_) => told.hit("storage broken"),
                Fault::None | Fault::LostAnswer | Fault::LostRequest | Fault::Late => {}
            }
            fault
        };
        let view = Box::new(shared.shelf.open_with(script));
        let inner = match shared.mutant {
            Some(mutant) => mutant.storage(&shared.shelf, view),
            None => view,
        };
        let random = Mutex::new(Random::stream(shared.schedule.seed, 1000 + process as u64));
        Ok(Self {
            shared,
            process,
            inner,
            random,
            stalls: Mutex::new((0, stalls)),
        })
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let mut seen = self.shared.seen();
        if seen.file_open_by == Some(self.process) {
            seen.file_open_by = None;
        }
    }
}

#[async_trait]
impl Storage for Disk {
    async fn load(&self, from: u64) -> Result<Loaded, StorageError> {
        yield_now().await;
        self.inner.load(from).await
    }

    async fn append(&self, lines: &[Line]) -> Result<(), AppendError> {
        let wait = self
            .random
            .lock()
            .expect("drawing does not panic")
            .log_uniform(17);
        let stalled = {
            let (number, stalls) = &mut *self.stalls.lock().expect("counting does not panic");
            *number += 1;
            stalls.get(&(*number - 1)).copied().unwrap_or_default()
        };
        let time = &self.shared.time;
        time.sleep_until(time.now() + wait + stalled).await;
        let answer = self.inner.append(lines).await;
        self.shared.tell(|| {
            let first = lines.first().map_or("", |line| line.text.as_str());
            format!(
                "process {} appends {} from {first:.110}…: {answer:?}",
                self.process,
                lines.len()
            )
        });
        answer
    }

    async fn cut_tail(&self) -> Result<(), AppendError> {
        yield_now().await;
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

/// A process's way to the register.
pub struct Link {
    shared: Arc<Shared>,
    faults: BTreeMap<u64, RegisterFault>,
    asked: Mutex<u64>,
}

impl Link {
    /// With these faults.
    pub fn new(shared: Arc<Shared>, faults: BTreeMap<u64, RegisterFault>) -> Self {
        Self {
            shared,
            faults,
            asked: Mutex::new(0),
        }
    }

    fn next_fault(&self) -> Option<RegisterFault> {
        let mut asked = self.asked.lock().expect("counting does not panic");
        *asked += 1;
        self.faults.get(&(*asked - 1)).copied()
    }

    fn register(&self) -> &MemoryRegister {
        &self.shared.register
    }

    async fn write(&self, content: Vec<u8>, tag: Option<&Tag>) -> Result<Tag, RegisterError> {
        let fault = match self.next_fault() {
            None => WriteFault::None,
            Some(RegisterFault::LostAnswer) => WriteFault::LostAnswer,
            Some(RegisterFault::LostRequest) => WriteFault::LostRequest,
            Some(RegisterFault::Late) => WriteFault::Late,
        };
        yield_now().await;
        let current = self.register().content().map(|(_, tag)| tag);
        let tag = match self.shared.mutant {
            Some(mutant) => mutant.tag(tag, current.as_ref()),
            None => tag,
        };
        let answer = self.register().write(content, tag, fault);
        yield_now().await;
        answer
    }
}

#[async_trait]
impl Register for Link {
    async fn get(&self) -> Result<Option<(Vec<u8>, Tag)>, RegisterError> {
        yield_now().await;
        if self.next_fault().is_some() {
            let what = "the connection was closed".to_owned();
            return Err(RegisterError::Unavailable { what });
        }
        let content = self.register().content();
        yield_now().await;
        Ok(content)
    }

    async fn create(&self, content: Vec<u8>) -> Result<Tag, RegisterError> {
        self.write(content, None).await
    }

    async fn replace(&self, content: Vec<u8>, tag: &Tag) -> Result<Tag, RegisterError> {
        self.write(content, Some(tag)).await
    }
}
