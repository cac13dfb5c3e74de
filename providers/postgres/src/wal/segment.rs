//! Names of WAL segments and positions in the log, as PostgreSQL writes them.
//!
//! Source: src/include/access/xlog_internal.h (`XLogFileName`, `XLByteToSeg`) of PostgreSQL.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use serde::Serialize;

/// A timeline: 1 in a new cluster, one more after each promotion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timeline(pub u32);

/// A position in the log, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lsn(pub u64);

/// The size of one segment in bytes, a power of two from 1 MiB to 1 GiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SegmentSize(u64);

/// One segment: its timeline and its number from the beginning of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Segment {
    /// The timeline in its name.
    pub timeline: Timeline,
    /// Its number: position divided by size.
    pub number: u64,
}

/// A text that is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {expected}")]
pub struct ParseError {
    text: String,
    expected: &'static str,
}

impl ParseError {
    /// The text and what was expected of it.
    pub fn new(text: impl Into<String>, expected: &'static str) -> Self {
        Self {
            text: text.into(),
            expected,
        }
    }
}

impl SegmentSize {
    /// Takes a size that PostgreSQL can have.
    pub fn new(bytes: u64) -> Option<Self> {
        let is_possible = bytes.is_power_of_two() && (1 << 20..=1 << 30).contains(&bytes);
        is_possible.then_some(Self(bytes))
    }

    /// The size in bytes.
    pub fn bytes(self) -> u64 {
        self.0
    }

    fn per_file_group(self) -> u64 {
        0x1_0000_0000 / self.0
    }
}

impl Segment {
    /// The segment that holds a position.
    pub fn holding(timeline: Timeline, at: Lsn, size: SegmentSize) -> Self {
        Self {
            timeline,
            number: at.0 / size.0,
        }
    }

    /// The segment of this file name; `None` for names of another form.
    pub fn from_name(name: &str, size: SegmentSize) -> Option<Self> {
        if !is_segment_name(name) {
            return None;
        }
        let part = |from: usize| u64::from_str_radix(&name[from..from + 8], 16).ok();
        let low = part(16)?;
        if low >= size.per_file_group() {
            return None;
        }
        Some(Self {
            timeline: Timeline(u32::try_from(part(0)?).ok()?),
            number: part(8)? * size.per_file_group() + low,
        })
    }

    /// The file name.
    pub fn name(self, size: SegmentSize) -> String {
        let group = size.per_file_group();
        format!(
            "{:08X}{:08X}{:08X}",
            self.timeline.0,
            self.number / group,
            self.number % group
        )
    }

    /// The position of its first byte.
    pub fn start(self, size: SegmentSize) -> Lsn {
        Lsn(self.number * size.0)
    }
}

/// Whether a name is that of a whole segment: 24 hexadecimal digits in upper case.
pub fn is_segment_name(name: &str) -> bool {
    name.len() == 24
        && name
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(&b))
}

impl FromStr for Lsn {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let error = || ParseError::new(text, "a position in the log such as 0/3000028");
        let (high, low) = text.split_once('/').ok_or_else(error)?;
        let part = |text: &str| u32::from_str_radix(text, 16).map_err(|_| error());
        Ok(Self((u64::from(part(high)?) << 32) | u64::from(part(low)?)))
    }
}

impl fmt::Display for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:X}/{:X}", self.0 >> 32, self.0 & 0xFFFF_FFFF)
    }
}

impl fmt::Display for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Lsn {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Lsn {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::Lsn;
    use super::Segment;
    use super::SegmentSize;
    use super::Timeline;

    #[test]
    fn names_and_positions_agree() {
        let size = SegmentSize::new(16 << 20).expect("the default size");
        let lsn: Lsn = "1/FF000028".parse().expect("a position");
        let segment = Segment::holding(Timeline(2), lsn, size);
        assert_eq!(segment.name(size), "0000000200000001000000FF");
        assert_eq!(
            Segment::from_name("0000000200000001000000FF", size),
            Some(segment)
        );
        assert_eq!(segment.start(size).to_string(), "1/FF000000");
        let next = Segment {
            number: segment.number + 1,
            ..segment
        };
        assert_eq!(next.name(size), "000000020000000200000000");
    }

    #[test]
    fn other_files_of_an_archive_are_no_segments() {
        let size = SegmentSize::new(16 << 20).expect("the default size");
        for name in [
            "00000002.history",
            "000000010000000000000002.00000028.backup",
            "000000010000000000000002.partial",
            "00000001000000000000000g",
            "000000010000000000000100",
        ] {
            assert_eq!(Segment::from_name(name, size), None, "{name}");
        }
        assert!(SegmentSize::new(12345).is_none());
    }
}
