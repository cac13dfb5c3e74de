//! A file, or a stream of chunks of any length, into parts of the lengths that S3 takes.

use std::fs::File;
use std::io::Read;

use bytes::Bytes;
use bytes::BytesMut;
use futures::StreamExt;
use salvor_contract::Error;

use crate::entry::Entry;
use crate::failure::of_file;
use crate::place::Body;
use crate::tags::FileState;
use crate::tree::Tree;
use crate::tree::blocking;

/// The smallest part that is used; S3 takes no smaller one than 5 MiB before the last.
pub(crate) const PART_MIN: u64 = 8 * 1024 * 1024;
/// S3 takes no more parts than this.
pub(crate) const PARTS_MAX: u64 = 10_000;
/// The size of part `number` (from 0) of an object of this size.
///
/// With a known size all parts are equal, and the smallest that stay within 10,000: so the entity tag
/// of the whole can be computed from a file. With an unknown size they double every 2,000 parts, which
/// ends at 484 GiB; below 16 GiB they are [`PART_MIN`].
pub(crate) fn part_size(size: Option<u64>, number: u64) -> u64 {
    match size {
        Some(size) => size.div_ceil(PARTS_MAX).max(PART_MIN),
        None => PART_MIN << (number / 2_000).min(4),
    }
}

/// Fills parts from a file, or from a stream of chunks of any length.
pub(crate) enum Parts<'a> {
    File(Box<FileParts>),
    Stream(StreamParts<'a>),
}

/// The parts of a file, each read into its own memory at once.
pub(crate) struct FileParts {
    tree: Tree,
    /// The file as it was listed.
    listed: Entry,
    opened: Option<(Entry, File)>,
}

/// The parts of a stream.
pub(crate) struct StreamParts<'a> {
    body: Body<'a>,
    rest: Bytes,
    ended: bool,
}

impl<'a> Parts<'a> {
    /// The parts of this stream.
    pub(crate) fn of(body: Body<'a>) -> Self {
        Self::Stream(StreamParts {
            body,
            rest: Bytes::new(),
            ended: false,
        })
    }

    /// The parts of a file. It is opened with the first of them, and refused when it is not as it was listed.
    pub(crate) fn of_file(tree: &Tree, listed: &Entry) -> Self {
        Self::File(Box::new(FileParts {
            tree: tree.clone(),
            listed: listed.clone(),
            opened: None,
        }))
    }

    /// The next `length` bytes; fewer only at the end.
    pub(crate) async fn next(
        &mut self,
        length: usize,
        expected: Option<u64>,
    ) -> Result<Bytes, Error> {
        match self {
            Self::File(file) => file.next(length, expected).await,
            Self::Stream(stream) => stream.next(length, expected).await,
        }
    }

    /// The state that a file had when it was opened.
    pub(crate) fn state(&self) -> Option<FileState> {
        match self {
            Self::File(file) => file.opened.as_ref().and_then(|(entry, _)| entry.file),
            Self::Stream(_) => None,
        }
    }
}

impl FileParts {
    async fn next(&mut self, length: usize, expected: Option<u64>) -> Result<Bytes, Error> {
        let (tree, listed, opened) = (self.tree.clone(), self.listed.clone(), self.opened.take());
        // Made here, where it is freed as well: glibc keeps what was freed for each thread apart, and the threads that
        // may block are many.
        let mut part = Vec::with_capacity(capacity(length, expected));
        let (opened, part) = blocking(move || {
            let (entry, file) = match opened {
                Some(opened) => opened,
                None => tree.open_now(&listed.key).map_err(|(_, error)| error)?,
            };
            tree.check_listed(&listed, &entry)?;
            (&file)
                .take(length as u64)
                .read_to_end(&mut part)
                .map_err(|error| of_file(&format!("read {}", tree.address(&listed.key)), &error))?;
            Ok(((entry, file), Bytes::from(part)))
        })
        .await?;
        self.opened = Some(opened);
        Ok(part)
    }
}

impl StreamParts<'_> {
    async fn next(&mut self, length: usize, expected: Option<u64>) -> Result<Bytes, Error> {
        let first = self.chunk().await?;
        if self.ended && first.is_empty() {
            return Ok(Bytes::new());
        }
        if first.len() >= length {
            self.rest = first.slice(length..);
            return Ok(first.slice(..length));
        }
        let mut part = BytesMut::with_capacity(capacity(length, expected).max(first.len()));
        part.extend_from_slice(&first);
        while part.len() < length {
            let chunk = self.chunk().await?;
            if self.ended && chunk.is_empty() {
                break;
            }
            let take = chunk.len().min(length - part.len());
            part.extend_from_slice(&chunk[..take]);
            self.rest = chunk.slice(take..);
        }
        Ok(part.freeze())
    }

    async fn chunk(&mut self) -> Result<Bytes, Error> {
        if !self.rest.is_empty() {
            return Ok(std::mem::take(&mut self.rest));
        }
        while !self.ended {
            match self.body.next().await {
                None => self.ended = true,
                Some(Ok(chunk)) if chunk.is_empty() => {}
                Some(Ok(chunk)) => return Ok(chunk),
                Some(Err(error)) => return Err(error),
            }
        }
        Ok(Bytes::new())
    }
}

/// The memory for a part of an object of this size.
fn capacity(length: usize, expected: Option<u64>) -> usize {
    expected.map_or(length, |size| {
        length.min(usize::try_from(size).unwrap_or(length))
    })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures::StreamExt;
    use futures::stream;

    use super::PART_MIN;
    use super::PARTS_MAX;
    use super::Parts;
    use super::part_size;

    #[test]
    fn ten_thousand_parts_hold_the_largest_object() {
        let largest = 5 * 1024_u64.pow(4);
        assert!(part_size(Some(largest), 0) * PARTS_MAX >= largest);
        assert_eq!(part_size(Some(1), 0), PART_MIN);
        let unknown: u64 = (0..PARTS_MAX).map(|number| part_size(None, number)).sum();
        assert_eq!(unknown / 1024_u64.pow(3), 484);
    }

    #[tokio::test]
    async fn parts_are_filled_from_chunks_of_any_length() {
        let text: Vec<u8> = (0..100).collect();
        for step in [1, 3, 7, 10, 33, 100] {
            let chunks: Vec<_> = text
                .chunks(step)
                .map(|chunk| Ok(Bytes::copy_from_slice(chunk)))
                .collect();
            let mut parts = Parts::of(stream::iter(chunks).boxed());
            let mut joined = Vec::new();
            loop {
                let part = parts.next(10, None).await.expect("no chunk fails");
                if part.is_empty() {
                    break;
                }
                assert_eq!(part.len(), 10, "chunks of {step}");
                joined.extend_from_slice(&part);
            }
            assert_eq!(joined, text, "chunks of {step}");
        }
    }
}
