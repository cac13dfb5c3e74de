//! Writing one file of a tree: beside its place first, then renamed into it.
//!
//! A file appears under its name only when it is whole and on the disk. What a crash leaves is a part
//! under a name that depends on the key alone, so the next write of the key takes it over.

use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;

use bytes::Bytes;
use futures::TryStreamExt;
use rustix::fs::AtFlags;
use rustix::fs::FlockOperation;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::fs::Timespec;
use rustix::fs::Timestamps;
use rustix::io::Errno;
use salvor_contract::Error;
use sha2::Digest;
use sha2::Sha256;

use crate::entry::hex;
use crate::failure::of_file;
use crate::key::Holder;
use crate::key::PART_PREFIX;
use crate::key::check;
use crate::place::Body;
use crate::place::Put;
use crate::tree::Missing;
use crate::tree::Tree;
use crate::tree::blocking;

/// A file that is written and not yet in its place.
struct Part {
    parent: OwnedFd,
    part_name: String,
    name: String,
    file: File,
}

/// Bytes that are written together.
#[derive(Default)]
struct Batch {
    chunks: Vec<Bytes>,
    bytes: usize,
}

/// How many bytes make a batch. Each object under way holds as many.
const BATCH: usize = 512 * 1024;

/// How many may write the same key of a tree at once.
const WRITERS_MAX: u32 = 16;

/// When the name of a new file must be on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durable {
    /// Before the call returns.
    Now,
    /// With the [`Tree::sync`] that the caller does at its end. The bytes are on the disk before the name.
    WithTheRest,
}

impl Tree {
    /// Writes a stream to a file: beside it first, then renamed into its place.
    ///
    /// Bytes are written by the batch, each with one turn of a thread that may block, and are not copied before.
    pub(crate) async fn put(
        &self,
        key: &str,
        mut body: Body<'_>,
        put: &Put,
        durable: Durable,
    ) -> Result<u64, Error> {
        let mut size = 0;
        let mut part = None;
        let mut batch = Batch::default();
        while let Some(chunk) = body.try_next().await? {
            size += chunk.len() as u64;
            batch.bytes += chunk.len();
            batch.chunks.push(chunk);
            if batch.bytes >= BATCH {
                let (tree, name) = (self.clone(), key.to_owned());
                let full = std::mem::take(&mut batch);
                part = Some(blocking(move || tree.append(part, &name, &full)).await?);
            }
        }
        let (tree, name, put) = (self.clone(), key.to_owned(), put.clone());
        blocking(move || {
            let mut part = tree.append(part, &name, &batch)?;
            if let Some(expected) = put.size.filter(|expected| *expected != size) {
                return Err(Error::refused_with(
                    format!(
                        "{}: {size} bytes came where {expected} were expected",
                        tree.address(&name)
                    ),
                    "Plan again when nobody writes to the source.",
                ));
            }
            part.finish(&put, durable).map_err(|errno| match errno {
                Errno::EXIST if put.if_absent => {
                    Error::refused(format!("{} exists already", tree.address(&name)))
                }
                errno => tree.fault("write", &name, errno),
            })
        })
        .await?;
        Ok(size)
    }

    /// Writes a batch to the end of a part, which is begun when there is none yet; blocks.
    fn append(&self, part: Option<Part>, key: &str, batch: &Batch) -> Result<Part, Error> {
        let mut part = match part {
            Some(part) => part,
            None => self.begin(key)?,
        };
        for chunk in &batch.chunks {
            part.file
                .write_all(chunk)
                .map_err(|error| of_file(&format!("write {}", self.address(key)), &error))?;
        }
        Ok(part)
    }

    fn begin(&self, key: &str) -> Result<Part, Error> {
        check(key, Holder::Tree).map_err(|error| Error::refused(error.to_string()))?;
        let fault = |errno| self.fault("write", key, errno);
        std::fs::create_dir_all(&*self.path)
            .map_err(|error| of_file(&format!("make {}", self.address("")), &error))?;
        let (parent, name) = self.parent(key, Missing::IsMade).map_err(fault)?;
        // The names depend on the key alone, so what a crash left is taken over by the next try. A writer that
        // was dropped may still be ending in this process, so a name that is in use is not waited for.
        let stem = format!("{PART_PREFIX}{}", &hex(&Sha256::digest(key))[..16]);
        let mut free = None;
        for number in 0..WRITERS_MAX {
            let part_name = format!("{stem}-{number}");
            if let Some(fd) = lock(&parent, &part_name).map_err(fault)? {
                free = Some((fd, part_name));
                break;
            }
        }
        let Some((fd, part_name)) = free else {
            return Err(Error::transient(format!(
                "{} is being written by {WRITERS_MAX} others",
                self.address(key)
            )));
        };
        rustix::fs::ftruncate(&fd, 0).map_err(fault)?;
        Ok(Part {
            parent,
            part_name,
            name: name.to_owned(),
            file: File::from(fd),
        })
    }
}

/// Opens a part and locks it; `None` when another writer has it.
fn lock(parent: &OwnedFd, part_name: &str) -> rustix::io::Result<Option<OwnedFd>> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mode = Mode::RUSR | Mode::WUSR | Mode::RGRP | Mode::ROTH;
    let fd = rustix::fs::openat(parent, part_name, flags, mode)?;
    match rustix::fs::flock(&fd, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(Errno::WOULDBLOCK) => return Ok(None),
        Err(errno) => return Err(errno),
    }
    // Between opening and locking its writer may have renamed this very file into its place: then it is an
    // object now, and must not be touched.
    let locked = rustix::fs::fstat(&fd)?;
    let is_ours = rustix::fs::statat(parent, part_name, AtFlags::SYMLINK_NOFOLLOW)
        .is_ok_and(|named| named.st_ino == locked.st_ino && named.st_dev == locked.st_dev);
    Ok(is_ours.then_some(fd))
}

impl Part {
    fn finish(&mut self, put: &Put, durable: Durable) -> rustix::io::Result<()> {
        if let Some(modified) = put.modified {
            let time = Timespec {
                tv_sec: modified.as_second(),
                tv_nsec: modified.subsec_nanosecond().into(),
            };
            let times = Timestamps {
                last_access: time,
                last_modification: time,
            };
            rustix::fs::futimens(&self.file, &times)?;
        }
        for (name, value) in &put.metadata {
            // A file system without attributes keeps none; then nothing here is ours to remove.
            let flags = rustix::fs::XattrFlags::empty();
            rustix::fs::fsetxattr(&self.file, format!("user.{name}"), value.as_bytes(), flags).ok();
        }
        rustix::fs::fsync(&self.file)?;
        if put.if_absent {
            let flags = rustix::fs::RenameFlags::NOREPLACE;
            rustix::fs::renameat_with(
                &self.parent,
                &self.part_name,
                &self.parent,
                &self.name,
                flags,
            )?;
        } else {
            rustix::fs::renameat(&self.parent, &self.part_name, &self.parent, &self.name)?;
        }
        match durable {
            Durable::Now => rustix::fs::fsync(&self.parent),
            Durable::WithTheRest => Ok(()),
        }
    }
}
