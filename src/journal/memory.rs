//! A storage in memory that can fail in every way that real ones do, on demand and at a known point.
//!
//! For simulations and tests of everything above the journal. It keeps one shelf that outlives the
//! processes; each process opens a [`MemoryStorage`] of its own on it. Lines are made once, by whoever
//! comes first, as on an object store.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;

use async_trait::async_trait;

use crate::digest::Digest;
use crate::journal::record::Line;
use crate::journal::storage::AppendError;
use crate::journal::storage::Loaded;
use crate::journal::storage::Storage;
use crate::journal::storage::StorageError;

/// What survives the processes. Clones are the same shelf.
#[derive(Clone, Default)]
pub struct Shelf(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    lines: Vec<Vec<u8>>,
    tail: Vec<u8>,
    blobs: BTreeMap<Digest, Vec<u8>>,
    /// Requests that are still on their way.
    late: Vec<Vec<Line>>,
    appends: usize,
}

/// What happens to one append.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// Nothing: it is made and acknowledged.
    #[default]
    None,
    /// It is made, and the answer is lost.
    LostAnswer,
    /// It is not made, and the answer is lost.
    LostRequest,
    /// It is on its way: the caller hears nothing, and it arrives at [`Shelf::deliver_late`].
    Late,
    /// It is not made: there is no space, until the reserve is given back.
    Full,
    /// The system reports an error; the first so many bytes of it are there.
    Broken(usize),
    /// The process dies in it, with the first so many bytes written: the future never ends and is to be dropped.
    Dies(usize),
}

/// One process's view of a [`Shelf`].
pub struct MemoryStorage {
    shelf: Shelf,
    faults: Mutex<Box<dyn FnMut(usize) -> Fault + Send>>,
    state: Mutex<View>,
}

#[derive(Default)]
struct View {
    appends: usize,
    is_poisoned: bool,
    has_reserve: bool,
}

impl Shelf {
    /// An empty shelf.
    pub fn new() -> Self {
        Self::default()
    }

    /// A view for a process that meets no faults.
    pub fn open(&self) -> MemoryStorage {
        self.open_with(|_| Fault::None)
    }

    /// A view for a process whose n-th append (from 0) meets the fault that `faults` tells for n.
    pub fn open_with(&self, faults: impl FnMut(usize) -> Fault + Send + 'static) -> MemoryStorage {
        MemoryStorage {
            shelf: self.clone(),
            faults: Mutex::new(Box::new(faults)),
            state: Mutex::new(View {
                has_reserve: true,
                ..View::default()
            }),
        }
    }

    /// All lines as one text, as a file would hold them.
    pub fn text(&self) -> String {
        self.kept()
            .lines
            .iter()
            .map(|line| format!("{}\n", String::from_utf8_lossy(line)))
            .collect()
    }

    /// Puts other lines and another tail in place of those that are there.
    pub fn replace(&self, bytes: &[u8]) {
        let loaded = split(bytes);
        let mut kept = self.kept();
        kept.lines = loaded.lines;
        kept.tail = loaded.tail;
    }

    /// How many appends were made durable, by whomever.
    pub fn appends(&self) -> usize {
        self.kept().appends
    }

    /// Lets the requests arrive that are still on their way. Each is made when its place is still free.
    pub fn deliver_late(&self) {
        let mut kept = self.kept();
        for lines in std::mem::take(&mut kept.late) {
            // Nobody waits for the answer.
            let _ = kept.make(&lines);
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0
            .lock()
            .expect("nothing panics while it holds this lock")
    }
}

/// Bytes as a file holds them, as whole lines and the rest.
pub(super) fn split(bytes: &[u8]) -> Loaded {
    let mut lines: Vec<Vec<u8>> = bytes
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::to_vec)
        .collect();
    let tail = lines.pop().unwrap_or_default();
    Loaded { lines, tail }
}

impl Kept {
    fn make(&mut self, lines: &[Line]) -> Result<(), AppendError> {
        for line in lines {
            let seq = line.seq;
            match usize::try_from(seq)
                .expect("a journal fits into memory")
                .cmp(&self.lines.len())
            {
                std::cmp::Ordering::Less => return Err(AppendError::Deposed { seq }),
                std::cmp::Ordering::Equal => self.lines.push(line.text.clone().into_bytes()),
                std::cmp::Ordering::Greater => {
                    let what = format!("record {seq} has no record before it");
                    return Err(AppendError::Poisoned { what });
                }
            }
        }
        self.appends += 1;
        Ok(())
    }

    /// What a file holds when a write ended in its middle.
    fn make_part(&mut self, lines: &[Line], bytes: usize) {
        let mut text: Vec<u8> = std::mem::take(&mut self.tail);
        text.extend(
            lines
                .iter()
                .flat_map(|line| line.text.bytes().chain([b'\n']))
                .take(bytes),
        );
        let part = split(&text);
        self.lines.extend(part.lines);
        self.tail = part.tail;
    }
}

impl MemoryStorage {
    fn view(&self) -> MutexGuard<'_, View> {
        self.state
            .lock()
            .expect("nothing panics while it holds this lock")
    }

    fn next_fault(&self) -> Fault {
        let mut view = self.view();
        let number = view.appends;
        view.appends += 1;
        drop(view);
        (self
            .faults
            .lock()
            .expect("a script of faults does not panic"))(number)
    }

    fn append_now(&self, lines: &[Line], fault: &Fault) -> Result<(), AppendError> {
        let lost = || AppendError::Ambiguous {
            what: "the connection was closed".to_owned(),
        };
        let mut kept = self.shelf.kept();
        match fault {
            Fault::None | Fault::Dies(_) => kept.make(lines),
            Fault::LostAnswer => kept.make(lines).and(Err(lost())),
            Fault::LostRequest => Err(lost()),
            Fault::Late => {
                kept.late.push(lines.to_vec());
                Err(lost())
            }
            Fault::Full if self.view().has_reserve => Err(AppendError::Full),
            Fault::Full => kept.make(lines),
            Fault::Broken(bytes) => {
                kept.make_part(lines, *bytes);
                self.view().is_poisoned = true;
                Err(AppendError::Poisoned {
                    what: "input/output error".to_owned(),
                })
            }
        }
    }
}

#[async_trait]
impl Storage for MemoryStorage {
    async fn load(&self, from: u64) -> Result<Loaded, StorageError> {
        let kept = self.shelf.kept();
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        Ok(Loaded {
            lines: kept.lines.get(from..).unwrap_or_default().to_vec(),
            tail: kept.tail.clone(),
        })
    }

    async fn append(&self, lines: &[Line]) -> Result<(), AppendError> {
        if self.view().is_poisoned {
            return Err(AppendError::Poisoned {
                what: "an earlier write failed".to_owned(),
            });
        }
        let fault = self.next_fault();
        // A caller that is dropped here has asked for nothing yet.
        tokio::task::yield_now().await;
        if let Fault::Dies(bytes) = fault {
            self.shelf.kept().make_part(lines, bytes);
            std::future::pending::<()>().await;
        }
        let answer = self.append_now(lines, &fault);
        // A caller that is dropped here was not told what came of it.
        tokio::task::yield_now().await;
        answer
    }

    async fn cut_tail(&self) -> Result<(), AppendError> {
        self.shelf.kept().tail.clear();
        Ok(())
    }

    async fn free_reserve(&self) -> bool {
        std::mem::replace(&mut self.view().has_reserve, false)
    }

    async fn put_blob(&self, digest: &Digest, bytes: &[u8]) -> Result<(), AppendError> {
        self.shelf
            .kept()
            .blobs
            .insert(digest.clone(), bytes.to_vec());
        Ok(())
    }

    async fn get_blob(&self, digest: &Digest) -> Result<Vec<u8>, StorageError> {
        let missing = || StorageError::Missing {
            what: format!("blob {digest}"),
        };
        self.shelf
            .kept()
            .blobs
            .get(digest)
            .cloned()
            .ok_or_else(missing)
    }
}
