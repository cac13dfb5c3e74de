//! The data directory of a restore: looked at, marked, locked, removed. The server on it is in `server_process`.

use std::fs::File;
use std::fs::TryLockError;
use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::fs::chown;
use std::path::Path;
use std::path::PathBuf;
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
        Ok(Self { path })
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
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Found::Nothing);
            }
            Err(error) => return Err(self.failed("looking at", &error)),
        };
        let text = match std::fs::read_to_string(self.join(mark::FILE)) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
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

    /// Makes it, with its first mark.
    ///
    /// # Errors
    /// When that cannot be done.
    pub fn make(&self, mark: &Mark, owner: Option<&SystemUser>) -> Result<(), Error> {
        match std::fs::DirBuilder::new().mode(0o700).create(&self.path) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(self.failed("making", &error)),
        }
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        std::fs::set_permissions(&self.path, mode)
            .map_err(|error| self.failed("setting the rights of", &error))?;
        give(&self.path, owner).map_err(|error| self.failed("giving away", &error))?;
        self.write_mark(mark)
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

    /// Takes it for this process, for as long as the file is open. It is waited for a little: a child that is
    /// just being started shares the lock of a process that has ended.
    ///
    /// # Errors
    /// [`Error::Transient`] when another process has it.
    pub async fn lock(&self, call: &Call<'_>) -> Result<File, Error> {
        let file = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(self.join(LOCK))
            .map_err(|error| self.failed("locking", &error))?;
        for _ in 0..LOCK_TRIES {
            match file.try_lock() {
                Ok(()) => return Ok(file),
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
        remove_tree(self.join(WAL)).await
    }

    /// Removes it all. The mark goes last, so that what a crash leaves is still known as ours.
    ///
    /// # Errors
    /// When that cannot be done.
    pub async fn remove(&self) -> Result<(), Error> {
        let directory = self.clone();
        blocking(move || {
            let failed = |error: std::io::Error| directory.failed("removing", &error);
            let listing = match std::fs::read_dir(&directory.path) {
                Ok(listing) => listing,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
                Err(error) => return Err(failed(error)),
            };
            for item in listing {
                let item = item.map_err(failed)?;
                if item.file_name() == mark::FILE {
                    continue;
                }
                let removed = if item.file_type().map_err(failed)?.is_dir() {
                    std::fs::remove_dir_all(item.path())
                } else {
                    std::fs::remove_file(item.path())
                };
                removed.map_err(failed)?;
            }
            std::fs::remove_dir_all(&directory.path).map_err(failed)
        })
        .await
    }

    /// What went wrong with it.
    pub fn failed(&self, doing: &str, error: &std::io::Error) -> Error {
        Error::refused(format!("{doing} {}: {error}", self.path.display()))
    }
}

async fn remove_tree(path: PathBuf) -> Result<(), Error> {
    blocking(move || match std::fs::remove_dir_all(&path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Error::refused(format!(
            "removing {}: {error}",
            path.display()
        ))),
    })
    .await
}

/// Makes a file or folder the server's user's.
pub fn give(path: &Path, owner: Option<&SystemUser>) -> std::io::Result<()> {
    match owner {
        Some(user) => chown(path, Some(user.uid), Some(user.gid)),
        None => Ok(()),
    }
}
