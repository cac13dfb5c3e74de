//! A change set as a file: one JSON document that names the digest of the change set in it.
//!
//! ```text
//! {"digest":"7c1e…","change-set":{ … }}
//! ```
//!
//! The digest covers the bytes of the inner object as they stand in the file, and nothing around it may
//! differ, so a file that was altered by one byte is refused. It says nothing of who wrote the file.

use std::fs;
use std::io::Read as _;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;

use serde::Deserialize;

use crate::change_set::ChangeSet;
use crate::change_set::FORMAT;
use crate::digest::Digest;

/// The largest file that is read, in bytes.
pub const SIZE_MAX: u64 = 256 * 1024 * 1024;

const HEAD: &str = "{\"digest\":\"";
const MIDDLE: &str = "\",\"change-set\":";
const TAIL: &str = "}\n";

/// Why a file does not give a change set, or a change set no file.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It could not be read or written.
    #[error("it cannot be {what}")]
    Access {
        /// `read` or `written`.
        what: &'static str,
        /// Why.
        source: std::io::Error,
    },
    /// It is larger than any change set.
    #[error("it is larger than {SIZE_MAX} bytes")]
    TooLarge,
    /// It does not begin and end like a change set.
    #[error("it is not a change set")]
    Foreign,
    /// What it holds is not what its digest says.
    #[error("it was altered: its digest says {said}, its content has {found}")]
    Altered {
        /// The digest in the file.
        said: String,
        /// The digest of what is in the file.
        found: Digest,
    },
    /// A newer salvor wrote it.
    #[error("its format is {format}; this version reads {FORMAT}")]
    Newer {
        /// The format in the file.
        format: u32,
    },
    /// Its digest is right and its content makes no sense.
    #[error("it cannot be understood")]
    Malformed {
        /// What is wrong.
        source: serde_json::Error,
    },
}

/// The bytes of a change set's file.
///
/// # Errors
/// [`FileError::Altered`] when the change set holds a number that does not survive being written: the file
/// would be refused.
pub fn to_bytes(change_set: &ChangeSet) -> Result<Vec<u8>, FileError> {
    let body = serde_json::to_vec(change_set).map_err(|source| FileError::Malformed { source })?;
    let mut bytes = format!("{HEAD}{}{MIDDLE}", Digest::of_bytes(&body)).into_bytes();
    bytes.extend(body);
    bytes.extend(TAIL.as_bytes());
    from_bytes(&bytes)?;
    Ok(bytes)
}

/// The change set in a file's bytes.
///
/// # Errors
/// When they are not exactly what [`to_bytes`] wrote, or were written by a newer salvor.
pub fn from_bytes(bytes: &[u8]) -> Result<ChangeSet, FileError> {
    let digest_end = HEAD.len() + 64;
    let said = bytes
        .get(HEAD.len()..digest_end)
        .and_then(|digest| str::from_utf8(digest).ok());
    let body = bytes
        .get(digest_end..)
        .filter(|_| bytes.starts_with(HEAD.as_bytes()))
        .and_then(|rest| rest.strip_prefix(MIDDLE.as_bytes()))
        .and_then(|rest| rest.strip_suffix(TAIL.as_bytes()));
    let (Some(said), Some(body)) = (said, body) else {
        return Err(FileError::Foreign);
    };
    let found = Digest::of_bytes(body);
    let altered = |found: Digest| FileError::Altered {
        said: said.to_owned(),
        found,
    };
    if found.as_str() != said {
        return Err(altered(found));
    }
    let malformed = |source| FileError::Malformed { source };
    let head: FormatOnly = serde_json::from_slice(body).map_err(malformed)?;
    if head.format != FORMAT {
        return Err(FileError::Newer {
            format: head.format,
        });
    }
    let change_set: ChangeSet = serde_json::from_slice(body).map_err(malformed)?;
    // What is applied is the value, and its digest is what the journal pins.
    let value_digest = change_set.digest();
    if value_digest.as_str() == said {
        Ok(change_set)
    } else {
        Err(altered(value_digest))
    }
}

/// Writes a change set into a file; an older file of that name is replaced as a whole.
///
/// # Errors
/// When it cannot be written.
pub fn save(change_set: &ChangeSet, path: &Path) -> Result<(), FileError> {
    let bytes = to_bytes(change_set)?;
    let mut new_name = path.as_os_str().to_owned();
    new_name.push(".new");
    let new = PathBuf::from(new_name);
    let write = || {
        let mut file = fs::File::create(&new)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        fs::rename(&new, path)
    };
    write().map_err(|source| FileError::Access {
        what: "written",
        source,
    })
}

/// Reads a change set from a file.
///
/// # Errors
/// When it cannot be read, is too large, altered, newer, or no change set.
pub fn load(path: &Path) -> Result<ChangeSet, FileError> {
    let mut bytes = Vec::new();
    fs::File::open(path)
        .and_then(|file| file.take(SIZE_MAX + 1).read_to_end(&mut bytes))
        .map_err(|source| FileError::Access {
            what: "read",
            source,
        })?;
    if bytes.len() as u64 > SIZE_MAX {
        return Err(FileError::TooLarge);
    }
    from_bytes(&bytes)
}

#[derive(Deserialize)]
struct FormatOnly {
    format: u32,
}
