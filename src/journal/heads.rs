//! The heads of journals, kept apart from them: a journal whose last records were cut off is whole by itself, and
//! only a head that was seen before shows what is gone.
//!
//! A head is written after its record is durable and is not synced, so it may lag behind its journal and never
//! runs ahead of it. It is one line of fixed length, written over in place, so that a full disk does not matter.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::OnceLock;

use salvor_contract::RunId;

use crate::digest::Digest;
use crate::journal::file::place::make_folder;
use crate::journal::file::place::options;
use crate::journal::file::read_file;
use crate::journal::state::Head;

/// The folder of the heads, a file for each run.
#[derive(Clone, Debug)]
pub struct Heads {
    folder: PathBuf,
}

/// Writes the head of one run. Its file is made with the first head: a run that was refused leaves none.
#[derive(Debug)]
pub struct HeadFile {
    path: PathBuf,
    file: OnceLock<Option<File>>,
}

impl Heads {
    /// The heads in this folder, which need not be there.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The head that was seen last; none when there is none that can be read.
    pub fn read(&self, run: &RunId) -> Option<Head> {
        let bytes = read_file(&self.folder.join(run.as_str())).ok()?;
        let line = std::str::from_utf8(&bytes).ok()?.trim_end();
        let (seq, hash) = line.split_once(' ')?;
        Some(Head {
            seq: seq.parse().ok()?,
            hash: Digest::parse(hash)?,
        })
    }

    /// Writes the file of a run; none when its folder cannot be made. A run goes on without it.
    pub fn open(&self, run: &RunId) -> Option<HeadFile> {
        make_folder(&self.folder).ok()?;
        Some(HeadFile {
            path: self.folder.join(run.as_str()),
            file: OnceLock::new(),
        })
    }
}

impl HeadFile {
    /// Writes it. What cannot be written leaves the older one, which is true as well.
    pub fn write(&self, head: &Head) {
        let open = || {
            let mut options = options();
            let options = options.write(true).create(true).truncate(false);
            options.open(&self.path).ok()
        };
        if let Some(file) = self.file.get_or_init(open) {
            let _ = file.write_all_at(format!("{:020} {}\n", head.seq, head.hash).as_bytes(), 0);
        }
    }
}
