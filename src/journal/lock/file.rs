//! The lock of an environment as a locked file, for one machine.
//!
//! The kernel holds the lock and lets go of it when the process dies, so nothing lapses and nobody has to
//! unlock by force. The file's content only tells who holds it. The file is never removed: a lock on a
//! removed file would keep out nobody.

use std::fs::File;
use std::io;
use std::io::Read as _;
use std::io::Seek as _;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use salvor_contract::Clock;

use crate::journal::file::blocking;
use crate::journal::file::place::make_folder;
use crate::journal::file::place::options;
use crate::journal::file::place::refuse_network;
use crate::journal::heads::HeadFile;
use crate::journal::heads::Heads;
use crate::journal::lock::Claim;
use crate::journal::lock::EnvironmentLock;
use crate::journal::lock::Guard;
use crate::journal::lock::Held;
use crate::journal::lock::Liveness;
use crate::journal::lock::LockError;
use crate::journal::lock::Lost;
use crate::journal::state::Head;

/// How often the holder looks whether its file is still the one that others would lock.
const LOOK: Duration = Duration::from_secs(10);

/// The lock file of an environment.
pub struct FileLock {
    path: PathBuf,
    heads: Heads,
    clock: Arc<dyn Clock>,
}

impl FileLock {
    /// The lock at this path, and where its holders keep the heads of their journals.
    pub fn new(path: PathBuf, heads: Heads, clock: Arc<dyn Clock>) -> Self {
        Self { path, heads, clock }
    }
}

#[async_trait]
impl EnvironmentLock for FileLock {
    async fn acquire(&self, claim: Claim) -> Result<Box<dyn Guard>, LockError> {
        let (path, heads) = (self.path.clone(), self.heads.clone());
        let (file, former, head) = blocking(move || {
            let (file, former) = take(&path, &claim)?;
            Ok((file, former, heads.open(&claim.run)))
        })
        .await?;
        Ok(Box::new(FileGuard {
            file: Mutex::new(Some(file)),
            path: self.path.clone(),
            clock: Arc::clone(&self.clock),
            head,
            former,
        }))
    }

    async fn look(&self) -> Result<Option<Held>, LockError> {
        let path = self.path.clone();
        blocking(move || look(&path)).await
    }
}

struct FileGuard {
    file: Mutex<Option<File>>,
    path: PathBuf,
    clock: Arc<dyn Clock>,
    head: Option<HeadFile>,
    former: Option<Claim>,
}

#[async_trait]
impl Guard for FileGuard {
    async fn keep(&self) -> Lost {
        loop {
            let is_ours = match &*self
                .file
                .lock()
                .expect("nothing panics while it holds this lock")
            {
                Some(file) => is_same_file(file, &self.path),
                None => {
                    return Lost {
                        why: "it was given back".to_owned(),
                    };
                }
            };
            if !is_ours {
                let why = format!("{} was removed or replaced", self.path.display());
                return Lost { why };
            }
            self.clock.sleep(LOOK).await;
        }
    }

    async fn release(&self) -> Result<(), LockError> {
        let file = self
            .file
            .lock()
            .expect("nothing panics while it holds this lock")
            .take();
        let Some(file) = file else { return Ok(()) };
        let path = self.path.clone();
        // The claim goes first: whoever sees the lock free must not read that somebody holds it.
        blocking(move || file.set_len(0))
            .await
            .map_err(|error| unavailable(&path, &error))
    }

    fn anchor(&self, head: Head) {
        if let Some(file) = &self.head {
            file.write(&head);
        }
    }

    fn former(&self) -> Option<&Claim> {
        self.former.as_ref()
    }
}

fn take(path: &Path, claim: &Claim) -> Result<(File, Option<Claim>), LockError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    make_folder(folder)
        .and_then(|()| refuse_network(folder))
        .map_err(|error| LockError::Unavailable {
            what: error.to_string(),
        })?;
    let mut file = open(path, true).map_err(|error| unavailable(path, &error))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(std::fs::TryLockError::WouldBlock) => {
            return Err(LockError::Held(Box::new(held(&mut file))));
        }
        Err(std::fs::TryLockError::Error(error)) => return Err(unavailable(path, &error)),
    }
    if !is_same_file(&file, path) {
        let what = format!(
            "{} was replaced while it was locked; try again",
            path.display()
        );
        return Err(LockError::Unavailable { what });
    }
    // The kernel gave us the lock, so whoever is named here is gone.
    let former = read_claim(&mut file);
    let text = serde_json::to_vec(claim).expect("our own types serialise to JSON");
    file.set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| file.write_all(&text))
        .map_err(|error| unavailable(path, &error))?;
    Ok((file, former))
}

/// Whether somebody holds the lock. Taking it for a moment is the only way to know.
fn look(path: &Path) -> Result<Option<Held>, LockError> {
    let mut file = match open(path, false) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unavailable(path, &error)),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(std::fs::TryLockError::WouldBlock) => Ok(Some(held(&mut file))),
        Err(std::fs::TryLockError::Error(error)) => Err(unavailable(path, &error)),
    }
}

fn held(file: &mut File) -> Held {
    let claim = read_claim(file);
    let liveness = claim
        .as_ref()
        .map_or(Liveness::CannotTell, |claim| claim.holder.liveness());
    Held { claim, liveness }
}

fn read_claim(file: &mut File) -> Option<Claim> {
    let mut text = String::new();
    file.rewind()
        .and_then(|()| file.read_to_string(&mut text))
        .ok()?;
    serde_json::from_str(&text).ok()
}

fn open(path: &Path, is_new: bool) -> io::Result<File> {
    options()
        .read(true)
        .write(true)
        .create(is_new)
        .truncate(false)
        .open(path)
}

/// Whether the path still names the file that we locked, and nothing else does.
fn is_same_file(file: &File, path: &Path) -> bool {
    let (Ok(ours), Ok(there)) = (file.metadata(), std::fs::symlink_metadata(path)) else {
        return false;
    };
    ours.nlink() == 1 && (ours.dev(), ours.ino()) == (there.dev(), there.ino())
}

fn unavailable(path: &Path, error: &io::Error) -> LockError {
    LockError::Unavailable {
        what: format!("{}: {error}", path.display()),
    }
}

#[cfg(test)]
mod tests;
