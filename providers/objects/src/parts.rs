//! A stream of chunks of any length into parts of the lengths that S3 takes.

use bytes::Bytes;
use bytes::BytesMut;
use futures::StreamExt;
use salvor_contract::Error;

use crate::place::Body;

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

/// Fills parts from a stream of chunks of any length.
pub(crate) struct Parts<'a> {
    body: Body<'a>,
    rest: Bytes,
    ended: bool,
}

impl<'a> Parts<'a> {
    /// The parts of this stream.
    pub(crate) fn of(body: Body<'a>) -> Self {
        Self {
            body,
            rest: Bytes::new(),
            ended: false,
        }
    }

    /// The next `length` bytes; fewer only at the end.
    pub(crate) async fn next(
        &mut self,
        length: usize,
        expected: Option<u64>,
    ) -> Result<Bytes, Error> {
        let first = self.chunk().await?;
        if self.ended && first.is_empty() {
            return Ok(Bytes::new());
        }
        if first.len() >= length {
            self.rest = first.slice(length..);
            return Ok(first.slice(..length));
        }
        let capacity = expected.map_or(length, |size| {
            length.min(usize::try_from(size).unwrap_or(length))
        });
        let mut part = BytesMut::with_capacity(capacity.max(first.len()));
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
