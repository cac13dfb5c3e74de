//! What a listing says of one object, and the digest of a whole listing.

use futures::stream::BoxStream;
use jiff::Timestamp;
use salvor_contract::Error;
use sha2::Digest;
use sha2::Sha256;

use crate::tags::FileState;

/// One object as a listing names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key, relative to the place that was listed.
    pub key: String,
    /// The number of bytes.
    pub size: u64,
    /// When it was last written: the service's or the file system's word.
    pub modified: Timestamp,
    /// The service's entity tag without quotes; files have none.
    pub etag: Option<String>,
    /// The version, where a version was asked for.
    pub version: Option<String>,
    /// The state of the file; objects of a bucket have none.
    pub file: Option<FileState>,
}

/// The objects of a place in the byte order of their keys, page after page.
pub type Listing<'a> = BoxStream<'a, Result<Entry, Error>>;

impl Entry {
    /// True for the empty object by which consoles and Hadoop say that a folder exists. Files have no such
    /// thing, so it is neither written to nor looked for in a tree.
    pub fn is_folder_marker(&self) -> bool {
        self.size == 0 && self.key.ends_with('/')
    }

    /// True when the entity tag is the MD5 of the content, as far as its form says. Objects that were
    /// uploaded in parts have a dash in it; those encrypted with KMS look like this and are not.
    pub(crate) fn md5(&self) -> Option<&str> {
        self.etag
            .as_deref()
            .filter(|tag| tag.len() == 32 && tag.bytes().all(|b| b.is_ascii_hexdigit()))
    }
}

/// SHA-256 over a listing: keys with sizes and entity tags, or times of change where there are no tags.
///
/// Two listings with the same digest name the same objects with, as far as a listing can say, the same
/// contents. It is taken while the listing passes by.
#[derive(Clone, Debug, Default)]
pub struct ListingDigest {
    hash: Sha256,
    /// How many objects passed by.
    pub objects: u64,
    /// How many bytes they have.
    pub bytes: u64,
}

impl ListingDigest {
    /// Takes one more object.
    pub fn take(&mut self, entry: &Entry) {
        let mark = match &entry.etag {
            Some(etag) => etag.clone(),
            None => entry.modified.as_nanosecond().to_string(),
        };
        // Keys have no NUL (they would have been refused), so two listings never run into each other.
        self.hash.update(entry.key.as_bytes());
        self.hash.update([0]);
        self.hash.update(entry.size.to_be_bytes());
        self.hash.update(mark.as_bytes());
        self.hash.update([0]);
        self.objects += 1;
        self.bytes += entry.size;
    }

    /// The digest, hexadecimal.
    pub fn finish(self) -> String {
        hex(&self.hash.finalize())
    }
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
