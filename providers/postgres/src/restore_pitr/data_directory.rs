//! The data directory of a restore: looked at, marked, locked, removed. The server on it is in `server_process`.
//!
//! Work that blocks goes on in its thread when the future that asked for it was dropped. So such work takes the
//! directory's lock along, and whoever comes next waits until it has ended.

use std::fs::File;
use std::fs::TryLockError;
use std::io::ErrorKind;
use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::fs::chown;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use salvor_contract::Call;
use salvor_contract::Error;

use crate::base_backup::system_identifier;
use crate::place::blocking;
use crate::programs::SystemUser;
use crate::restore_pitr::inputs::RestorePitrInputs;
use crate::restore_pitr::mark;
use crate::restore_pitr::mark::Mark;

/// The folder of the WAL that recovery reads, below the data directory.
pub const WAL: &str = "salvor-wal";
/// The folder of the socket.
pub const SOCKET: &str = "salvor-socket";
const LOCK: &str = "salvor.lock";
const LOCK_TRIES: u32 = 50;
/// How often a server is looked at that comes up or goes down.
pub const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A data directory.
#[derive(Clone, Debug)]
pub struct DataDirectory {
    path: PathBuf,
    // Held for its sake.
    _lock: Option<Arc<File>>,
}

/// What is at its path.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// Nothing, or an empty folder.
    Nothing,
    /// A restore of salvor.
    Ours(Mark),
    /// Something else.
    Foreign(String),
}

impl DataDirectory {
    /// The directory of the inputs.
    ///
    /// # Errors
    /// [`Error::Refused`] for a path that is not absolute.
    pub fn new(inputs: &RestorePitrInputs, call: &Call<'_>) -> Result<Self, Error> {
        let path = call.path(&inputs.data);
        let is_plain = path.is_absolute()
            && path
                .components()
                .all(|part| !matches!(part, std::path::Component::ParentDir))
            && path
                .to_str()
                .is_some_and(|text| !text.contains(['\n', '\'', '"', '\\']));
        if !is_plain || path.parent().is_none() {
            return Err(Error::refused(format!(
                "data: `{}` is not an absolute path without `..` and quotes",
                path.display()
            )));
        }
        Ok(Self { path, _lock: None })
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A path below it.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// What is there.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn look(&self) -> Result<Found, Error> {
        let mut listing = match std::fs::read_dir(&self.path) {
            Ok(listing) => listing,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(Found::Nothing);
            }
            Err(error) => return Err(self.failed("looking at", &error)),
        };
        let text = match std::fs::read_to_string(self.join(mark::FILE)) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                // A crash before the first mark leaves at most the lock and the mark's new file.
                let is_empty = listing.all(|item| {
                    item.is_ok_and(|item| {
                        item.file_name().to_str().is_some_and(|name| {
                            name == LOCK || name == format!("{}.new", mark::FILE)
                        })
                    })
                });
                return Ok(if is_empty {
                    Found::Nothing
                } else {
                    Found::Foreign("it holds files that are not of a restore".into())
                });
            }
            Err(error) => return Err(self.failed("reading the mark of", &error)),
        };
        match serde_json::from_str::<Mark>(&text) {
            Ok(mark) if mark.version == 1 => Ok(Found::Ours(mark)),
            Ok(_) | Err(_) => Ok(Found::Foreign(format!(
                "its {} is not of this version",
                mark::FILE
            ))),
        }
    }

    /// Replaces the mark, durably.
    ///
    /// # Errors
    /// When that cannot be done.
    pub fn write_mark(&self, mark: &Mark) -> Result<(), Error> {
        let text = serde_json::to_vec(mark).expect("a struct of plain values serialises");
        self.write(mark::FILE, &text, None)
            .and_then(|()| File::open(&self.path)?.sync_all())
            .map_err(|error| self.failed("marking", &error))
    }

    /// Writes a file below it whole: under another name first, then renamed.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write(
        &self,
        name: &str,
        bytes: &[u8],
        owner: Option<&SystemUser>,
    ) -> std::io::Result<()> {
        let path = self.join(name);
        let new = self.join(&format!("{name}.new"));
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        give(&new, owner)?;
        std::fs::rename(&new, &path)
    }

    /// Takes it for this process, for as long as the value or a clone of it lives; a folder that is not there is
    /// made. It is waited for a little: a removal may still be going on, and a child that is just being started
    /// shares the lock of a process that has ended. What was seen before may have gone: look again.
    ///
    /// # Errors
    /// [`Error::Transient`] when another process has it.
    pub async fn take(&self, owner: Option<&SystemUser>, call: &Call<'_>) -> Result<Self, Error> {
        for _ in 0..LOCK_TRIES {
            let Some(file) = self.open_lock(owner)? else {
                continue;
            };
            match file.try_lock() {
                Ok(()) if self.is_lock(&file)? => {
                    return Ok(Self {
                        path: self.path.clone(),
                        _lock: Some(Arc::new(file)),
                    });
                }
                // It was removed together with the directory while it was waited for.
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    call.pause(LOOK_EVERY, "another process that restores here")
                        .await?;
                }
                Err(TryLockError::Error(error)) => return Err(self.failed("locking", &error)),
            }
        }
        Err(Error::transient(format!(
            "another process is restoring into {}",
            self.path.display()
        )))
    }

    /// Opens the lock in the folder, which is made first; `None` when the folder went in between.
    fn open_lock(&self, owner: Option<&SystemUser>) -> Result<Option<File>, Error> {
        match std::fs::DirBuilder::new().mode(0o700).create(&self.path) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(self.failed("making", &error)),
        }
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        let opened = std::fs::set_permissions(&self.path, mode)
            .and_then(|()| give(&self.path, owner))
            .and_then(|()| {
                std::fs::OpenOptions::new()
                    .write(true)
                    .create(true)
                    .truncate(false)
                    .mode(0o600)
                    .open(self.join(LOCK))
            });
        match opened {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.failed("locking", &error)),
        }
    }

    /// Whether this file is the one that others lock.
    fn is_lock(&self, file: &File) -> Result<bool, Error> {
        let named = match std::fs::metadata(self.join(LOCK)) {
            Ok(named) => named,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(self.failed("locking", &error)),
        };
        let ours = file
            .metadata()
            .map_err(|error| self.failed("locking", &error))?;
        Ok(named.ino() == ours.ino() && named.dev() == ours.dev())
    }

    /// The cluster whose files are in it.
    pub fn system_identifier(&self) -> Option<String> {
        let control = std::fs::read(self.join("global/pg_control")).ok()?;
        system_identifier(&control).map(|number| number.to_string())
    }

    /// Removes the WAL that was fetched.
    ///
    /// # Errors
    /// When that cannot be done.
    pub async fn remove_wal(&self) -> Result<(), Error> {
        let directory = self.clone();
        blocking(move || {
            if_there(std::fs::remove_dir_all(directory.join(WAL)))
                .map_err(|error| directory.failed("removing WAL from", &error))
        })
        .await
    }

    /// Removes it all. The mark goes last but for the lock, so that what a crash leaves is still known as ours.
    ///
    /// # Errors
    /// When that cannot be done.
    pub async fn remove(&self) -> Result<(), Error> {
        let directory = self.clone();
        blocking(move || {
            directory
                .remove_all()
                .map_err(|error| directory.failed("removing", &error))
        })
        .await
    }

    fn remove_all(&self) -> std::io::Result<()> {
        for item in std::fs::read_dir(&self.path)? {
            let item = item?;
            if item.file_name() == mark::FILE || item.file_name() == LOCK {
                continue;
            }
            if item.file_type()?.is_dir() {
                std::fs::remove_dir_all(item.path())?;
            } else {
                std::fs::remove_file(item.path())?;
            }
        }
        if_there(std::fs::remove_file(self.join(mark::FILE)))?;
        if_there(std::fs::remove_file(self.join(LOCK)))?;
        match std::fs::remove_dir(&self.path) {
            // Whoever waited for it has begun anew.
            Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => Ok(()),
            removed => removed,
        }
    }

    /// What went wrong with it.
    pub fn failed(&self, doing: &str, error: &std::io::Error) -> Error {
        Error::refused(format!("{doing} {}: {error}", self.path.display()))
    }
}

/// That something to be removed is not there is as good.
fn if_there(removed: std::io::Result<()>) -> std::io::Result<()> {
    match removed {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Makes a file or folder the server's user's.
pub fn give(path: &Path, owner: Option<&SystemUser>) -> std::io::Result<()> {
    match owner {
        Some(user) => chown(path, Some(user.uid), Some(user.gid)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use salvor_conformance::Surroundings;
    use salvor_contract::Error;

    use super::DataDirectory;
    use super::Found;

    fn directory(surroundings: &Surroundings) -> DataDirectory {
        DataDirectory {
            path: surroundings.plan_dir().join("data"),
            _lock: None,
        }
    }

    #[tokio::test]
    async fn work_that_goes_on_keeps_the_directory_taken() {
        let surroundings = Surroundings::virtual_time();
        let call = surroundings.call();
        let directory = directory(&surroundings);
        let taken = directory.take(None, &call).await.expect("it is free");
        // A thread holds a clone when the future that asked for its work is gone.
        let in_thread = taken.clone();
        drop(taken);
        let again = directory.take(None, &call).await;
        assert!(matches!(again, Err(Error::Transient { .. })), "{again:?}");
        drop(in_thread);
        directory.take(None, &call).await.expect("it is free again");
    }

    #[tokio::test]
    async fn a_lock_that_was_removed_meanwhile_is_none() {
        let surroundings = Surroundings::virtual_time();
        let call = surroundings.call();
        let directory = directory(&surroundings);
        let taken = directory.take(None, &call).await.expect("it is free");
        let waiting = directory.open_lock(None).expect("a lock").expect("a file");
        taken.remove().await.expect("a removal");
        drop(taken);
        waiting.try_lock().expect("nobody has it");
        assert_eq!(directory.is_lock(&waiting), Ok(false));
        assert_eq!(directory.look(), Ok(Found::Nothing));
        assert!(!directory.path().exists());
    }
}
