//! The entity tag that a file has as an object: its MD5, or the MD5 of its parts' MD5 where it is longer than one.

use std::fs::File;
use std::io::Read;

use md5::Digest;
use md5::Md5;
use salvor_contract::Error;

use crate::entry::Entry;
use crate::entry::hex;
use crate::failure::of_file;
use crate::parts::part_size;
use crate::tags::FileState;
use crate::tags::Origin;
use crate::tree::Tree;
use crate::tree::blocking;

/// How much is read at once.
const BLOCK: usize = 256 * 1024;

/// A file that is read part by part.
struct Hashing {
    file: File,
    buffer: Vec<u8>,
    /// The size of a part, in bytes.
    part: u64,
    /// The digest of the digests of the parts that are read.
    whole: Md5,
    /// How many parts are read.
    parts: u64,
    /// The tag, when the file is read to its end.
    etag: Option<String>,
}

impl Tree {
    /// The MD5 of a file, or the tag that an upload of it in parts would have, where it is longer than one.
    ///
    /// A file that this process knows by its state is not read again.
    pub(crate) async fn etag(&self, entry: &Entry) -> Result<String, Error> {
        if let Some(etag) = entry.file.and_then(|state| self.tags.read(state)) {
            return Ok(etag);
        }
        let (tree, key) = (self.clone(), entry.key.clone());
        let doing = format!("read {}", self.address(key.as_str()));
        let failed = doing.clone();
        let (found, mut hashing) = blocking(move || {
            let (found, file) = tree.open_now(&key).map_err(|(_, error)| error)?;
            let mut hashing = Hashing::of(file, found.size);
            hashing.part().map_err(|error| of_file(&failed, &error))?;
            Ok((found, hashing))
        })
        .await?;
        // One part at a time, so that reading a long file ends soon after nobody waits for it.
        while hashing.etag.is_none() {
            let failed = doing.clone();
            hashing = blocking(move || {
                hashing.part().map_err(|error| of_file(&failed, &error))?;
                Ok(hashing)
            })
            .await?;
        }
        let etag = hashing.etag.unwrap_or_default();
        let after = rustix::fs::fstat(&hashing.file).map(|stat| FileState::of(&stat));
        if let (Some(state), Ok(after)) = (found.file, after)
            && state == after
        {
            self.tags.note(state, &etag, Origin::Read);
        }
        Ok(etag)
    }
}

impl Hashing {
    fn of(file: File, size: u64) -> Self {
        let room = usize::try_from(size).unwrap_or(BLOCK).saturating_add(1);
        Self {
            file,
            buffer: vec![0; room.min(BLOCK)],
            part: part_size(Some(size), 0),
            whole: Md5::new(),
            parts: 0,
            etag: None,
        }
    }

    /// Reads one part.
    fn part(&mut self) -> std::io::Result<()> {
        let mut hash = Md5::new();
        let mut left = self.part;
        while left > 0 {
            let room = usize::try_from(left).unwrap_or(usize::MAX);
            let room = room.min(self.buffer.len());
            let length = self.file.read(&mut self.buffer[..room])?;
            if length == 0 {
                let is_whole = self.parts == 0;
                self.etag = Some(match (is_whole, left == self.part) {
                    (true, _) => hex(&hash.finalize()),
                    (false, true) => self.tag(),
                    (false, false) => {
                        self.take(hash);
                        self.tag()
                    }
                });
                return Ok(());
            }
            hash.update(&self.buffer[..length]);
            left -= length as u64;
        }
        self.take(hash);
        Ok(())
    }

    fn take(&mut self, hash: Md5) {
        self.whole.update(hash.finalize());
        self.parts += 1;
    }

    fn tag(&mut self) -> String {
        format!(
            "{}-{}",
            hex(&std::mem::take(&mut self.whole).finalize()),
            self.parts
        )
    }
}
