//! Listing a tree: its files in the order of their keys, page by page.

use std::os::fd::OwnedFd;

use futures::StreamExt;
use futures::stream;
use rustix::fs::AtFlags;
use rustix::fs::FileType;
use rustix::fs::Mode;
use rustix::io::Errno;
use salvor_contract::Error;
use tokio::sync::mpsc;

use crate::entry::Entry;
use crate::entry::Listing;
use crate::failure::one_line;
use crate::key::PART_PREFIX;
use crate::tree::FOLDER;
use crate::tree::Tree;

impl Tree {
    /// All files in the byte order of their keys. Links, devices, sockets and names that are no keys end the
    /// listing with an error.
    ///
    /// Links in folders above `links_from` (0: the tree itself) are passed over.
    pub(crate) fn list(&self, under: &str, links_from: usize) -> Listing<'static> {
        let (sender, receiver) = mpsc::channel(8);
        let (tree, under) = (self.clone(), under.to_owned());
        let pace = self.pace.clone();
        // The walk ends by itself when the listing is dropped: nobody takes what it sends.
        tokio::task::spawn_blocking(move || {
            let mut walk = Walk {
                tree: &tree,
                under: &under,
                links_from,
                page: Vec::new(),
                sender: &sender,
            };
            let result = match tree.root() {
                Ok(root) => walk.folder(&root, ""),
                Err(errno) => Err(Stop::Error(tree.fault("list", "", errno))),
            };
            match result {
                Ok(()) => {
                    walk.flush().ok();
                }
                Err(Stop::Error(error)) => {
                    if walk.flush().is_ok() {
                        sender.blocking_send(Err(error)).ok();
                    }
                }
                Err(Stop::Dropped) => {}
            }
        });
        stream::unfold(receiver, |mut receiver| async move {
            receiver.recv().await.map(|page| (page, receiver))
        })
        .inspect(move |_| pace.step())
        .map(|page: Result<Vec<Entry>, Error>| match page {
            Ok(entries) => stream::iter(entries).map(Ok).left_stream(),
            Err(error) => stream::iter([Err(error)]).right_stream(),
        })
        .flatten()
        .boxed()
    }
}

/// A walk through folders that sends what it finds, page by page.
struct Walk<'a> {
    tree: &'a Tree,
    under: &'a str,
    /// The depth from which a link is an error.
    links_from: usize,
    page: Vec<Entry>,
    sender: &'a mpsc::Sender<Result<Vec<Entry>, Error>>,
}

enum Stop {
    Error(Error),
    Dropped,
}

impl Walk<'_> {
    /// One folder, its names in the order of the keys that they make. Memory holds the names of the folders
    /// on the way, no more.
    fn folder(&mut self, folder: &OwnedFd, prefix: &str) -> Result<(), Stop> {
        let fault = |errno| Stop::Error(self.tree.fault("list", prefix, errno));
        let mut names: Vec<(String, FileType)> = Vec::new();
        for found in rustix::fs::Dir::read_from(folder).map_err(fault)? {
            let found = found.map_err(fault)?;
            let bytes = found.file_name().to_bytes();
            if bytes == b"." || bytes == b".." || bytes.starts_with(PART_PREFIX.as_bytes()) {
                continue;
            }
            let Ok(name) = str::from_utf8(bytes) else {
                let shown = String::from_utf8_lossy(bytes);
                return Err(Stop::Error(Error::refused(format!(
                    "{}{} has a name that is not UTF-8",
                    self.tree.address(prefix),
                    one_line(&shown)
                ))));
            };
            let mut kind = found.file_type();
            if kind == FileType::Unknown {
                let stat =
                    rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW).map_err(fault)?;
                kind = FileType::from_raw_mode(stat.st_mode);
            }
            // A folder sorts as its keys do: `a.txt` is before `a/b`, because a dot is before a slash.
            let slash = if kind == FileType::Directory { "/" } else { "" };
            names.push((format!("{name}{slash}"), kind));
        }
        names.sort_by(|one, two| one.0.cmp(&two.0));
        for (name, kind) in names {
            let key = format!("{prefix}{name}");
            if !key.starts_with(self.under) && !self.under.starts_with(&key) {
                continue;
            }
            match kind {
                FileType::Directory => {
                    let bare = name.trim_end_matches('/');
                    let inner = match rustix::fs::openat(folder, bare, FOLDER, Mode::empty()) {
                        Ok(inner) => inner,
                        Err(errno) => {
                            return Err(Stop::Error(self.tree.fault("list", &key, errno)));
                        }
                    };
                    self.folder(&inner, &key)?;
                }
                FileType::RegularFile if key.starts_with(self.under) => {
                    match rustix::fs::statat(folder, name.as_str(), AtFlags::SYMLINK_NOFOLLOW) {
                        Ok(stat) => {
                            let entry = self.tree.entry(key, &stat).map_err(Stop::Error)?;
                            self.page.push(entry);
                        }
                        // Removed between the two looks: it is not there.
                        Err(Errno::NOENT) => {}
                        Err(errno) => {
                            return Err(Stop::Error(self.tree.fault("list", &key, errno)));
                        }
                    }
                    if self.page.len() >= 512 {
                        self.flush()?;
                    }
                }
                FileType::RegularFile => {}
                FileType::Symlink if key.matches('/').count() < self.links_from => {}
                FileType::Symlink => {
                    return Err(Stop::Error(self.tree.fault("list", &key, Errno::LOOP)));
                }
                FileType::Fifo
                | FileType::Socket
                | FileType::CharacterDevice
                | FileType::BlockDevice
                | FileType::Unknown => {
                    return Err(Stop::Error(Error::refused_with(
                        format!("{} is no plain file", self.tree.address(&key)),
                        "Remove it, or take a folder without sockets, pipes and devices.",
                    )));
                }
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Stop> {
        let page = std::mem::take(&mut self.page);
        if page.is_empty() {
            return Ok(());
        }
        self.sender
            .blocking_send(Ok(page))
            .map_err(|_| Stop::Dropped)
    }
}
