//! The entity tags of files, remembered for as long as this process runs.
//!
//! A sync is compared with its target up to five times: when it is planned, before and while it is performed, and
//! when it is verified. A file of the same state has the same tag each time, so it is read once. What is remembered
//! is never written down: the next process reads each file again.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use rustix::fs::Stat;

/// How many tags are kept. All of them take less than 12 MiB; the files beyond are read each time.
const KEPT_MAX: usize = 1 << 16;

/// What the file system says of a file's content without reading it. No program can set the time of the change of
/// an inode, so a file that was written or replaced has another state, whatever time of change it claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileState {
    device: u64,
    inode: u64,
    size: i64,
    modified: (i64, i32),
    changed: (i64, i32),
}

impl FileState {
    /// The state of a file that was looked at.
    pub(crate) fn of(stat: &Stat) -> Self {
        Self {
            device: stat.st_dev,
            inode: stat.st_ino,
            size: stat.st_size,
            modified: (
                stat.st_mtime,
                i32::try_from(stat.st_mtime_nsec).unwrap_or(-1),
            ),
            changed: (
                stat.st_ctime,
                i32::try_from(stat.st_ctime_nsec).unwrap_or(-1),
            ),
        }
    }
}

/// Where a tag comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The file was read, and this is what a service that takes the MD5 calls it.
    Read,
    /// A service gave this tag to the object that was written from the file. It may be no MD5.
    Service,
}

/// A tag that is remembered.
#[derive(Clone, Debug)]
struct Tag {
    text: Box<str>,
    origin: Origin,
}

/// The tags of files by their states.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tags(Arc<Mutex<HashMap<FileState, Tag>>>);

impl Tags {
    /// Whether a file of this state has this tag; `None` when that is not known without reading it.
    pub(crate) fn is(&self, state: FileState, etag: &str) -> Option<bool> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match known.get(&state) {
            None => None,
            Some(tag) if *tag.text == *etag => Some(true),
            Some(tag) => match tag.origin {
                Origin::Read => Some(false),
                Origin::Service => None,
            },
        }
    }

    /// The tag that a file of this state was found to have.
    pub(crate) fn read(&self, state: FileState) -> Option<String> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let tag = known.get(&state)?;
        match tag.origin {
            Origin::Read => Some(tag.text.to_string()),
            Origin::Service => None,
        }
    }

    /// Remembers a tag.
    pub(crate) fn note(&self, state: FileState, etag: &str, origin: Origin) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() < KEPT_MAX || known.contains_key(&state) {
            let text = etag.into();
            known.insert(state, Tag { text, origin });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::FileState;
    use super::Origin;
    use super::Tags;

    const STATE: FileState = FileState {
        device: 1,
        inode: 2,
        size: 3,
        modified: (4, 5),
        changed: (6, 7),
    };

    #[test]
    fn a_file_of_another_state_is_not_known() {
        let tags = Tags::default();
        tags.note(STATE, "a", Origin::Read);
        let others = [
            FileState { device: 9, ..STATE },
            FileState { inode: 9, ..STATE },
            FileState { size: 9, ..STATE },
            FileState {
                modified: (4, 9),
                ..STATE
            },
            FileState {
                changed: (6, 9),
                ..STATE
            },
        ];
        for other in others {
            assert_eq!(tags.is(other, "a"), None, "{other:?}");
        }
        assert_eq!(tags.is(STATE, "a"), Some(true));
        assert_eq!(tags.is(STATE, "b"), Some(false));
    }

    #[test]
    fn another_tag_of_the_service_does_not_make_a_file_different() {
        let tags = Tags::default();
        tags.note(STATE, "a", Origin::Service);
        assert_eq!(tags.is(STATE, "a"), Some(true));
        assert_eq!(tags.is(STATE, "b"), None);
        assert_eq!(tags.read(STATE), None);
    }
}
