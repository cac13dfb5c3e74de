//! A run's journal as one file in a folder of its own, for one machine.
//!
//! Every append is one `write(2)` followed by `fdatasync`, and is acknowledged after both. An error of
//! either poisons the handle: after a failed fsync the kernel may have thrown the pages away, and asking
//! again would report success for data that is gone. File systems on the network are refused, since their
//! locks and their syncs do not mean what they mean here.

mod disk;
pub(super) mod place;

use std::fs::File;
use std::io;
use std::io::BufRead as _;
use std::io::Read as _;
use std::io::Seek as _;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;

use async_trait::async_trait;

use crate::digest::Digest;
use crate::journal::file::disk::Disk;
use crate::journal::memory::split;
use crate::journal::record::Line;
use crate::journal::storage::AppendError;
use crate::journal::storage::Loaded;
use crate::journal::storage::Storage;
use crate::journal::storage::StorageError;

/// Space that is set aside so that the last records can be written to a full disk.
const RESERVE: u64 = 16 * 1024 * 1024;

/// Up to how many bytes before the end of a journal its last line is looked for. Longer bodies are blobs.
const LAST_LINE_MAX: u64 = 256 * 1024;

/// The journal of one run in a folder.
#[derive(Clone)]
pub struct FileStorage {
    folder: Arc<PathBuf>,
    /// Only a writer has it.
    disk: Option<Arc<Mutex<Disk>>>,
}

impl FileStorage {
    /// Makes the folder of a new run with an empty journal, and holds it for writing. A folder that a crash left
    /// without records is taken over.
    ///
    /// # Errors
    /// When the place is unfit, cannot be made, or is held by another process.
    pub async fn create(folder: PathBuf) -> Result<Self, StorageError> {
        blocking(move || {
            place::make_folder(&folder)?;
            place::refuse_network(&folder)?;
            place::make_folder(&folder.join("blobs"))?;
            place::make_folder(&folder.join("inbox"))?;
            let file = open_journal(&folder, true)?;
            // The entry of a new file is durable only with its folder.
            place::sync_folder(&folder)?;
            Self::hold(folder, file)
        })
        .await
    }

    /// Opens the journal of an existing run and holds it for writing.
    ///
    /// # Errors
    /// As for [`FileStorage::create`], and [`StorageError::Missing`].
    pub async fn open(folder: PathBuf) -> Result<Self, StorageError> {
        blocking(move || {
            place::refuse_network(&folder)?;
            let file = open_journal(&folder, false)?;
            Self::hold(folder, file)
        })
        .await
    }

    /// Opens the journal of a run for reading; may be done beside its writer.
    pub fn open_reading(folder: PathBuf) -> Self {
        Self {
            folder: Arc::new(folder),
            disk: None,
        }
    }

    fn hold(folder: PathBuf, file: File) -> Result<Self, StorageError> {
        let path = folder.join("journal");
        match file.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => {
                return Err(StorageError::Busy {
                    what: path.display().to_string(),
                });
            }
            Err(std::fs::TryLockError::Error(source)) => {
                return Err(StorageError::Io {
                    what: format!("lock {}", path.display()),
                    source,
                });
            }
        }
        make_reserve(&folder)?;
        let length = file.metadata().map_err(io_error("look at", &path))?.len();
        let disk = Disk::new(Box::new(file), length);
        Ok(Self {
            folder: Arc::new(folder),
            disk: Some(Arc::new(Mutex::new(disk))),
        })
    }

    #[cfg(test)]
    fn with_file(folder: PathBuf, file: Box<dyn disk::AppendFile>) -> Self {
        let disk = Disk::new(file, 0);
        Self {
            folder: Arc::new(folder),
            disk: Some(Arc::new(Mutex::new(disk))),
        }
    }

    fn disk(&self) -> Result<Arc<Mutex<Disk>>, AppendError> {
        self.disk.clone().ok_or_else(|| AppendError::Poisoned {
            what: "the journal was opened for reading".to_owned(),
        })
    }
}

#[async_trait]
impl Storage for FileStorage {
    async fn load(&self, from: u64) -> Result<Loaded, StorageError> {
        let path = self.folder.join("journal");
        let disk = self.disk.clone();
        let bytes = blocking(move || {
            let bytes = read_file(&path)?;
            // What is torn now may be cut later, and only this length is then known to be whole.
            if let Some(disk) = disk {
                let whole = bytes
                    .iter()
                    .rposition(|b| *b == b'\n')
                    .map_or(0, |last| last + 1);
                lock(&disk).loaded(whole as u64);
            }
            Ok(bytes)
        })
        .await?;
        let mut loaded = split(&bytes);
        let from = usize::try_from(from)
            .unwrap_or(usize::MAX)
            .min(loaded.lines.len());
        loaded.lines.drain(..from);
        Ok(loaded)
    }

    async fn first_line(&self) -> Result<Option<Vec<u8>>, StorageError> {
        let path = self.folder.join("journal");
        blocking(move || {
            let mut line = Vec::new();
            open_to_read(&path)
                .and_then(|file| io::BufReader::new(file).read_until(b'\n', &mut line))
                .map_err(missing_or("read", &path))?;
            Ok((line.pop() == Some(b'\n')).then_some(line))
        })
        .await
    }

    async fn last_line(&self) -> Result<Option<Vec<u8>>, StorageError> {
        let path = self.folder.join("journal");
        blocking(move || {
            let mut end = Vec::new();
            open_to_read(&path)
                .and_then(|mut file| {
                    let length = file.metadata()?.len();
                    file.seek(io::SeekFrom::Start(length.saturating_sub(LAST_LINE_MAX)))?;
                    file.read_to_end(&mut end)
                })
                .map_err(missing_or("read", &path))?;
            let last = split(&end).lines.pop();
            Ok(last)
        })
        .await
    }

    async fn append(&self, lines: &[Line]) -> Result<(), AppendError> {
        let disk = self.disk()?;
        let text: Vec<u8> = lines
            .iter()
            .flat_map(|line| line.text.bytes().chain([b'\n']))
            .collect();
        let seq = lines.first().map_or(0, |line| line.seq);
        blocking(move || lock(&disk).append(seq, &text)).await
    }

    async fn cut_tail(&self) -> Result<(), AppendError> {
        let disk = self.disk()?;
        blocking(move || lock(&disk).cut_tail()).await
    }

    async fn free_reserve(&self) -> bool {
        let folder = Arc::clone(&self.folder);
        blocking(move || {
            std::fs::remove_file(folder.join("reserve")).is_ok()
                && place::sync_folder(&folder).is_ok()
        })
        .await
    }

    async fn put_blob(&self, digest: &Digest, bytes: &[u8]) -> Result<(), AppendError> {
        let folder = self.folder.join("blobs");
        let digest = digest.clone();
        let bytes = bytes.to_vec();
        blocking(move || put_blob(&folder, &digest, &bytes)).await
    }

    async fn get_blob(&self, digest: &Digest) -> Result<Vec<u8>, StorageError> {
        let path = self.folder.join("blobs").join(digest.as_str());
        blocking(move || read_file(&path)).await
    }
}

/// Runs what blocks where blocking is allowed. When the caller is dropped it goes on to its end, as a
/// system call would.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        // The runtime shuts down under us: this process is about to end.
        Err(_) => std::future::pending().await,
    }
}

fn lock(disk: &Mutex<Disk>) -> std::sync::MutexGuard<'_, Disk> {
    disk.lock()
        .expect("nothing panics while it holds this lock")
}

fn open_journal(folder: &Path, is_new: bool) -> Result<File, StorageError> {
    let path = folder.join("journal");
    let file = place::options()
        .append(true)
        .read(true)
        .create(is_new)
        .open(&path)
        .map_err(missing_or("open", &path))?;
    place::refuse_shared_file(&file, &path)?;
    Ok(file)
}

pub(super) fn read_file(path: &Path) -> Result<Vec<u8>, StorageError> {
    let mut bytes = Vec::new();
    open_to_read(path)
        .and_then(|mut file| file.read_to_end(&mut bytes))
        .map_err(missing_or("read", path))?;
    Ok(bytes)
}

fn open_to_read(path: &Path) -> io::Result<File> {
    place::options().read(true).open(path)
}

/// Sets space aside, in blocks and not as a hole. An existing reserve is completed.
fn make_reserve(folder: &Path) -> Result<(), StorageError> {
    let path = folder.join("reserve");
    let file = place::options()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(io_error("make", &path))?;
    rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, RESERVE)
        .map_err(io::Error::from)
        .map_err(io_error("set 16 MiB aside in", &path))?;
    place::sync_folder(folder)
}

/// Makes the blob beside its name and then renames it, so that a name never stands for half of its bytes.
fn put_blob(folder: &Path, digest: &Digest, bytes: &[u8]) -> Result<(), AppendError> {
    let path = folder.join(digest.as_str());
    if read_file(&path).is_ok_and(|found| Digest::of_bytes(&found) == *digest) {
        return Ok(());
    }
    let part = folder.join(format!("{digest}.part"));
    let written = place::options()
        .write(true)
        .create(true)
        .truncate(true)
        .open(&part)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        })
        .and_then(|()| std::fs::rename(&part, &path));
    if let Err(error) = written {
        // What was written of it takes space from the journal.
        let _ = std::fs::remove_file(&part);
        if disk::is_full(&error) {
            return Err(AppendError::Full);
        }
        let what = format!("cannot write {}: {error}", path.display());
        return Err(AppendError::Poisoned { what });
    }
    place::sync_folder(folder).map_err(|error| AppendError::Poisoned {
        what: error.to_string(),
    })
}

fn missing_or<'a>(what: &'a str, path: &'a Path) -> impl FnOnce(io::Error) -> StorageError + 'a {
    move |source| {
        if source.kind() == io::ErrorKind::NotFound {
            return StorageError::Missing {
                what: path.display().to_string(),
            };
        }
        io_error(what, path)(source)
    }
}

pub(super) fn io_error<'a>(
    what: &'a str,
    path: &'a Path,
) -> impl FnOnce(io::Error) -> StorageError + 'a {
    move |source| StorageError::Io {
        what: format!("{what} {}", path.display()),
        source,
    }
}

#[cfg(test)]
mod tests;
