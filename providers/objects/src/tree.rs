//! One folder of the local file system: listing, reading and writing beneath it, and nowhere else.
//!
//! Every name on the way is opened without following symbolic links, starting at the folder itself, so
//! neither a key nor a link that somebody put there leads out of it. Writing is in `tree_write`, listing in
//! `tree_walk`.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use futures::TryStreamExt;
use futures::stream;
use jiff::Timestamp;
use rustix::fs::AtFlags;
use rustix::fs::FileType;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::fs::Stat;
use rustix::io::Errno;
use salvor_contract::Error;
use tokio_util::io::ReaderStream;

use crate::entry::Entry;
use crate::failure::of_file;
use crate::failure::one_line;
use crate::key::Holder;
use crate::key::check;
use crate::pace::Pace;
use crate::place::Body;
use crate::place::Content;
use crate::tags::FileState;
use crate::tags::Tags;

/// A folder.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    pub(crate) path: Arc<PathBuf>,
    pub(crate) tags: Tags,
    pub(crate) pace: Pace,
}

pub(crate) const FOLDER: OFlags = OFlags::DIRECTORY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);
const READ: OFlags = OFlags::RDONLY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC)
    .union(OFlags::NONBLOCK);
const CHUNK: usize = 256 * 1024;

impl Tree {
    /// The address of a file as it is shown.
    pub(crate) fn address(&self, key: &str) -> String {
        format!(
            "file://{}/{}",
            self.path.display().to_string().trim_end_matches('/'),
            one_line(key)
        )
    }

    pub(crate) fn root(&self) -> rustix::io::Result<OwnedFd> {
        // The folder itself may be behind a link: it is what the operator named.
        rustix::fs::open(
            &*self.path,
            OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        )
    }

    /// True when the folder is there.
    pub(crate) async fn exists(&self) -> Result<bool, Error> {
        let tree = self.clone();
        blocking(move || match tree.root() {
            Ok(_) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(errno) => Err(tree.fault("open", "", errno)),
        })
        .await
    }

    /// Device and inode of the folder, which a look-alike does not have.
    pub(crate) async fn mark(&self) -> Result<String, Error> {
        let tree = self.clone();
        blocking(move || {
            let root = tree.root().map_err(|errno| tree.fault("open", "", errno))?;
            let stat = rustix::fs::fstat(&root).map_err(|errno| tree.fault("open", "", errno))?;
            Ok(format!("{}:{}", stat.st_dev, stat.st_ino))
        })
        .await
    }

    /// What is known of one file; `None` when it is not there.
    pub(crate) async fn head(&self, key: &str) -> Result<Option<Entry>, Error> {
        match self.open(key).await {
            Ok((entry, _)) => Ok(Some(entry)),
            Err((Errno::NOENT, _)) => Ok(None),
            Err((_, error)) => Err(error),
        }
    }

    /// Opens a file for reading.
    pub(crate) async fn get(&self, key: &str) -> Result<Content, Error> {
        let (entry, file) = self.open(key).await.map_err(|(_, error)| error)?;
        let (tree, name) = (self.clone(), key.to_owned());
        let body: Body<'static> =
            ReaderStream::with_capacity(tokio::fs::File::from_std(file), CHUNK)
                .map_err(move |error| of_file(&format!("read {}", tree.address(&name)), &error))
                .boxed();
        Ok(Content {
            content_type: None,
            metadata: std::collections::BTreeMap::new(),
            entry,
            body,
        })
    }

    /// Opens a file for reading, and refuses it when it is not as it was listed.
    pub(crate) async fn get_as_listed(&self, listed: &Entry) -> Result<Content, Error> {
        let content = self.get(&listed.key).await?;
        self.check_listed(listed, &content.entry)?;
        Ok(content)
    }

    pub(crate) fn check_listed(&self, listed: &Entry, found: &Entry) -> Result<(), Error> {
        if (found.size, found.modified) == (listed.size, listed.modified) {
            return Ok(());
        }
        Err(Error::refused_with(
            format!(
                "{} was changed after it was listed",
                self.address(&listed.key)
            ),
            "Plan again when nobody writes to the source.",
        ))
    }

    /// An extended attribute of a file: `None` without the file, `Some(None)` without the attribute.
    pub(crate) async fn attribute(
        &self,
        key: &str,
        name: &str,
    ) -> Result<Option<Option<String>>, Error> {
        let file = match self.open(key).await {
            Ok((_, file)) => file,
            Err((Errno::NOENT, _)) => return Ok(None),
            Err((_, error)) => return Err(error),
        };
        let mut value = [0_u8; 256];
        let length = rustix::fs::fgetxattr(&file, format!("user.{name}"), &mut value).unwrap_or(0);
        let text = String::from_utf8_lossy(&value[..length]).into_owned();
        Ok(Some(Some(text).filter(|text| !text.is_empty())))
    }

    async fn open(&self, key: &str) -> Result<(Entry, File), (Errno, Error)> {
        let (tree, key) = (self.clone(), key.to_owned());
        let opened = tokio::task::spawn_blocking(move || tree.open_now(&key));
        opened
            .await
            .unwrap_or_else(|_| Err((Errno::CANCELED, Error::transient("reading was ended"))))
    }

    /// Opens a file for reading; blocks.
    pub(crate) fn open_now(&self, key: &str) -> Result<(Entry, File), (Errno, Error)> {
        check(key, Holder::Tree)
            .map_err(|error| (Errno::INVAL, Error::refused(error.to_string())))?;
        let fault = |errno| (errno, self.fault("read", key, errno));
        let (parent, name) = self.parent(key, Missing::IsError).map_err(fault)?;
        let fd = rustix::fs::openat(&parent, name, READ, Mode::empty()).map_err(fault)?;
        let stat = rustix::fs::fstat(&fd).map_err(fault)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            let error = Error::refused(format!("{} is no plain file", self.address(key)));
            return Err((Errno::INVAL, error));
        }
        let entry = self
            .entry(key.to_owned(), &stat)
            .map_err(|error| (Errno::INVAL, error))?;
        Ok((entry, File::from(fd)))
    }

    /// Removes a file. That it is gone already is as good.
    pub(crate) async fn delete(&self, key: &str) -> Result<(), Error> {
        let (tree, key) = (self.clone(), key.to_owned());
        blocking(move || {
            check(&key, Holder::Tree).map_err(|error| Error::refused(error.to_string()))?;
            let fault = |errno| tree.fault("delete", &key, errno);
            let (parent, name) = match tree.parent(&key, Missing::IsError) {
                Ok(found) => found,
                Err(Errno::NOENT) => return Ok(()),
                Err(errno) => return Err(fault(errno)),
            };
            match rustix::fs::unlinkat(&parent, name, AtFlags::empty()) {
                Ok(()) | Err(Errno::NOENT) => Ok(()),
                Err(errno) => Err(fault(errno)),
            }
        })
        .await
    }

    /// Brings all that was written below the folder to the disk.
    pub(crate) async fn sync(&self) -> Result<(), Error> {
        let tree = self.clone();
        blocking(move || {
            let root = match tree.root() {
                Ok(root) => root,
                Err(Errno::NOENT) => return Ok(()),
                Err(errno) => return Err(tree.fault("open", "", errno)),
            };
            rustix::fs::syncfs(&root).map_err(|errno| tree.fault("sync", "", errno))
        })
        .await
    }

    /// Removes the folders below this one, and this one, that hold nothing any more.
    pub(crate) async fn remove_empty_folders(&self) -> Result<(), Error> {
        let tree = self.clone();
        blocking(move || {
            let root = tree.root().map_err(|errno| tree.fault("open", "", errno))?;
            remove_empty(&root).map_err(|errno| tree.fault("clean", "", errno))?;
            match std::fs::remove_dir(&*tree.path) {
                Ok(()) => Ok(()),
                Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(()),
                Err(error) => Err(of_file(&format!("remove {}", tree.address("")), &error)),
            }
        })
        .await
    }

    /// The folder of a key and the key's last name, name by name from the root.
    pub(crate) fn parent<'a>(
        &self,
        key: &'a str,
        missing: Missing,
    ) -> rustix::io::Result<(OwnedFd, &'a str)> {
        let mut folder = self.root()?;
        let mut names = key.split('/').peekable();
        while let Some(name) = names.next() {
            if names.peek().is_none() {
                return Ok((folder, name));
            }
            folder = match rustix::fs::openat(&folder, name, FOLDER, Mode::empty()) {
                Err(Errno::NOENT) if missing == Missing::IsMade => {
                    match rustix::fs::mkdirat(&folder, name, Mode::from_raw_mode(0o755)) {
                        Ok(()) | Err(Errno::EXIST) => {}
                        Err(errno) => return Err(errno),
                    }
                    rustix::fs::openat(&folder, name, FOLDER, Mode::empty())?
                }
                other => other?,
            };
        }
        Err(Errno::INVAL)
    }

    pub(crate) fn entry(&self, key: String, stat: &Stat) -> Result<Entry, Error> {
        let nanosecond = i32::try_from(stat.st_mtime_nsec).unwrap_or_default();
        let modified = Timestamp::new(stat.st_mtime, nanosecond)
            .map_err(|_| Error::refused(format!("{} has no possible time", self.address(&key))))?;
        Ok(Entry {
            size: u64::try_from(stat.st_size).unwrap_or_default(),
            modified,
            etag: None,
            version: None,
            file: Some(FileState::of(stat)),
            key,
        })
    }

    pub(crate) fn fault(&self, doing: &str, key: &str, errno: Errno) -> Error {
        let address = self.address(key);
        match errno {
            Errno::LOOP | Errno::MLINK => Error::refused_with(
                format!("{address} is or lies behind a symbolic link"),
                "Replace the link by what it points to: links are not followed.",
            ),
            Errno::NOTDIR | Errno::ISDIR | Errno::NOTEMPTY | Errno::EXIST => Error::refused(
                format!("failed to {doing} {address}: a file and a folder want the same name"),
            ),
            other => of_file(&format!("{doing} {address}"), &io::Error::from(other)),
        }
    }
}

fn remove_empty(folder: &OwnedFd) -> rustix::io::Result<()> {
    let found: Vec<_> = rustix::fs::Dir::read_from(folder)?.collect::<Result<_, _>>()?;
    for entry in found {
        let name = entry.file_name();
        if entry.file_type() != FileType::Directory || matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        remove_empty(&rustix::fs::openat(folder, name, FOLDER, Mode::empty())?)?;
        match rustix::fs::unlinkat(folder, name, AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOTEMPTY | Errno::EXIST) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

/// What happens with folders on the way that are not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    IsError,
    IsMade,
}

/// Runs work that blocks beside the runtime.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(Error::transient("work on the file system was ended")))
}

/// A stream of one chunk.
pub(crate) fn once(bytes: Bytes) -> Body<'static> {
    stream::iter([Ok(bytes)]).boxed()
}
