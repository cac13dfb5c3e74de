//! Appending to one file so that what was acknowledged is on the disk, and what was not can be told apart.

use std::fs::File;
use std::io;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;

use crate::journal::storage::AppendError;

/// What is asked of the system. The seam at which tests make a disk fail.
pub(super) trait AppendFile: Send {
    /// One `write(2)` to the end of the file.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;
    /// `fdatasync(2)`.
    fn sync(&mut self) -> io::Result<()>;
    /// Cuts the file to this length.
    fn cut(&mut self, length: u64) -> io::Result<()>;
    /// Its length, and how many names it has.
    fn look(&mut self) -> io::Result<(u64, u64)>;
}

impl AppendFile for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self).write(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }

    fn look(&mut self) -> io::Result<(u64, u64)> {
        let metadata = self.metadata()?;
        Ok((metadata.len(), metadata.nlink()))
    }
}

/// A file and what is known of it.
pub(super) struct Disk {
    file: Box<dyn AppendFile>,
    /// Up to here it is acknowledged.
    durable: u64,
    has_appended: bool,
    poisoned: Option<String>,
}

impl Disk {
    pub(super) fn new(file: Box<dyn AppendFile>, length: u64) -> Self {
        Self {
            file,
            durable: length,
            has_appended: false,
            poisoned: None,
        }
    }

    /// Tells up to where a reader found whole lines. Only before the first append: later, a reader may have
    /// seen less than was written since.
    pub(super) fn loaded(&mut self, whole: u64) {
        if !self.has_appended {
            self.durable = whole;
        }
    }

    /// Removes what stands after the last whole line.
    pub(super) fn cut_tail(&mut self) -> Result<(), AppendError> {
        self.refuse_poisoned()?;
        let cut = self.file.cut(self.durable).and_then(|()| self.file.sync());
        cut.map_err(|error| self.poison(format!("cannot cut the torn record: {error}")))
    }

    /// Makes these bytes durable at the end.
    pub(super) fn append(&mut self, seq: u64, bytes: &[u8]) -> Result<(), AppendError> {
        self.refuse_poisoned()?;
        let (length, names) = self
            .file
            .look()
            .map_err(|error| self.poison(format!("cannot look at it: {error}")))?;
        if names != 1 {
            return Err(self.poison(format!("its file has {names} names instead of one")));
        }
        if length != self.durable {
            // Somebody wrote in spite of the lock.
            self.poisoned = Some("another process wrote to it".to_owned());
            return Err(AppendError::Deposed { seq });
        }
        match self.write(bytes) {
            Ok(()) => {}
            Err(error) if is_full(&error) => {
                // Only a part of it may be there; without it the next append finds a whole last line.
                self.file
                    .cut(self.durable)
                    .map_err(|error| self.poison(format!("cannot undo half a write: {error}")))?;
                return Err(AppendError::Full);
            }
            Err(error) => return Err(self.poison(format!("cannot write: {error}"))),
        }
        self.file
            .sync()
            .map_err(|error| self.poison(format!("cannot sync: {error}")))?;
        self.durable += bytes.len() as u64;
        self.has_appended = true;
        Ok(())
    }

    /// One call when all goes well; a full disk takes a part and then reports the error.
    fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.file.write(bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn refuse_poisoned(&self) -> Result<(), AppendError> {
        match &self.poisoned {
            Some(what) => Err(AppendError::Poisoned {
                what: format!("an earlier write failed: {what}"),
            }),
            None => Ok(()),
        }
    }

    fn poison(&mut self, what: String) -> AppendError {
        self.poisoned = Some(what.clone());
        AppendError::Poisoned { what }
    }
}

/// True when there is no room, on the disk or in what this user may have of it: room can be made, and the file is
/// as sound as before.
pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}
