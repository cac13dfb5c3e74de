//! What stands in a WAL segment: whose it is, whether every record is whole, when transactions ended.
//!
//! The time of the last transaction is the last moment that recovery can be asked to stop at: PostgreSQL
//! stops before the first transaction that ended after the target, and without one it refuses
//! ("recovery ended before configured recovery target was reached"). Nothing else is decoded.
//!
//! Source: src/include/access/xlog_internal.h, xlogrecord.h, xact.h of PostgreSQL 13 to 18.

use crc_fast::CrcAlgorithm;
use crc_fast::Digest;
use jiff::Timestamp;

use crate::wal::segment::Lsn;
use crate::wal::segment::SegmentSize;
use crate::wal::segment::Timeline;

const PAGE: usize = 8192;
const SHORT_HEADER: usize = 24;
const LONG_HEADER: usize = 40;
const RECORD_HEADER: usize = 24;
const FIRST_IS_CONTINUED: u16 = 0x0001;
const HAS_LONG_HEADER: u16 = 0x0002;
/// 2000-01-01T00:00:00Z, PostgreSQL's epoch, in microseconds of Unix time.
const EPOCH_MICROSECONDS: i64 = 946_684_800_000_000;

/// What the first page of a segment says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The cluster.
    pub system_identifier: u64,
    /// The size of a segment.
    pub size: SegmentSize,
    /// The timeline on which the first page was written: that of the name, or an older one in the segment in which
    /// the timelines part.
    pub timeline: Timeline,
    /// The position of the first byte.
    pub start: Lsn,
    /// Bytes at the beginning that belong to a record of the segment before.
    pub continued: u64,
}

/// What the records of a segment say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan {
    /// When the last transaction in it ended, by the clock of the server that wrote it.
    pub last_end: Option<Timestamp>,
    /// When the first transaction in it ended.
    pub first_end: Option<Timestamp>,
    /// Bytes from the start that are whole records.
    pub whole_bytes: u64,
    /// Bytes of the last record that must follow in the next segment.
    pub continues: u64,
    /// Why the rest is not records; `None` when the segment is whole or ends as a switch leaves it.
    pub damage: Option<String>,
}

/// Reads the head of a segment; `None` when it is not one.
pub fn head(bytes: &[u8]) -> Option<Head> {
    let page = bytes.get(..LONG_HEADER)?;
    let is_long = u16_at(page, 2)? & HAS_LONG_HEADER != 0;
    let has_page_size = u32_at(page, 36)? as usize == PAGE;
    if !is_long || !has_page_size || u16_at(page, 0)? == 0 {
        return None;
    }
    Some(Head {
        system_identifier: u64_at(page, 24)?,
        size: SegmentSize::new(u64::from(u32_at(page, 32)?))?,
        timeline: Timeline(u32_at(page, 4)?),
        start: Lsn(u64_at(page, 8)?),
        continued: if u16_at(page, 2)? & FIRST_IS_CONTINUED == 0 {
            0
        } else {
            u64::from(u32_at(page, 16)?)
        },
    })
}

/// Reads all records of a segment and checks the checksum of each.
///
/// The record that goes on in the next segment is not checked: its end is not here.
pub fn scan(bytes: &[u8], start: Lsn) -> Scan {
    let (stream, skipped, pages_damage) = payload(bytes, start);
    let mut scan = Scan {
        last_end: None,
        first_end: None,
        whole_bytes: 0,
        continues: 0,
        damage: None,
    };
    let mut at = aligned(skipped);
    loop {
        scan.whole_bytes = in_segment(at);
        let Some(length) = u32_at(&stream, at).map(|length| length as usize) else {
            // The record before this place may itself have begun in another segment and go on in the next.
            scan.continues = (skipped.saturating_sub(stream.len())) as u64;
            scan.damage = pages_damage;
            return scan;
        };
        if length == 0 {
            // The rest is what a segment switch leaves: zeros.
            if stream[at..].iter().any(|byte| *byte != 0) {
                scan.damage = Some("bytes that are no record".into());
            } else {
                scan.damage = pages_damage;
            }
            return scan;
        }
        if length < RECORD_HEADER {
            scan.damage = Some(format!("a record of {length} bytes"));
            return scan;
        }
        let Some(record) = stream.get(at..at + length) else {
            // It goes on in the next segment, or the pages ended early.
            scan.continues = (at + length - stream.len()) as u64;
            scan.damage = pages_damage;
            return scan;
        };
        if !is_whole(record) {
            scan.damage = Some("a record whose checksum is wrong".into());
            return scan;
        }
        if let Some(end) = transaction_end(record) {
            scan.first_end.get_or_insert(end);
            // Clocks may go back between two transactions; the latest counts.
            scan.last_end = scan.last_end.max(Some(end));
        }
        at = aligned(at + length);
    }
}

/// The bytes of all pages without their headers, how many of them belong to a record of the segment before, and
/// why the pages end early.
fn payload(bytes: &[u8], start: Lsn) -> (Vec<u8>, usize, Option<String>) {
    let mut stream = Vec::with_capacity(bytes.len());
    let mut skipped = 0;
    for (number, page) in bytes.chunks(PAGE).enumerate() {
        if page.iter().all(|byte| *byte == 0) {
            stream.resize(stream.len() + page.len().saturating_sub(SHORT_HEADER), 0);
            continue;
        }
        let address = start.0 + (number * PAGE) as u64;
        let (Some(info), Some(found)) = (u16_at(page, 2), u64_at(page, 8)) else {
            return (stream, skipped, Some(format!("page {number} is cut off")));
        };
        if found != address || page.len() < PAGE {
            let why = format!("page {number} is not of this place");
            return (stream, skipped, Some(why));
        }
        if number == 0 && info & FIRST_IS_CONTINUED != 0 {
            skipped = u32_at(page, 16).unwrap_or(0) as usize;
        }
        let header = if info & HAS_LONG_HEADER != 0 {
            LONG_HEADER
        } else {
            SHORT_HEADER
        };
        stream.extend_from_slice(&page[header..]);
    }
    (stream, skipped, None)
}

/// A place in the payload as a number of bytes of the segment.
fn in_segment(at: usize) -> u64 {
    let first = PAGE - LONG_HEADER;
    let bytes = if at <= first {
        LONG_HEADER + at
    } else {
        let rest = at - first;
        let per_page = PAGE - SHORT_HEADER;
        PAGE + (rest / per_page) * PAGE + SHORT_HEADER + rest % per_page
    };
    bytes as u64
}

fn aligned(at: usize) -> usize {
    at.next_multiple_of(8)
}

/// The checksum is over what follows the header, then over the header without the checksum.
fn is_whole(record: &[u8]) -> bool {
    let mut digest = Digest::new(CrcAlgorithm::Crc32Iscsi);
    digest.update(&record[RECORD_HEADER..]);
    digest.update(&record[..20]);
    u32_at(record, 20).map(u64::from) == Some(digest.finalize())
}

/// When the transaction ended, for records that end one.
fn transaction_end(record: &[u8]) -> Option<Timestamp> {
    const TRANSACTIONS: u8 = 1;
    let [info, manager] = [*record.get(16)?, *record.get(17)?];
    // Commit, abort, and both of prepared transactions.
    if manager != TRANSACTIONS || !matches!(info & 0x70, 0x00 | 0x20 | 0x30 | 0x40) {
        return None;
    }
    let mut at = RECORD_HEADER;
    loop {
        match *record.get(at)? {
            255 => return time_at(record, at + 2),
            254 => return time_at(record, at + 5),
            253 => at += 3,
            252 => at += 5,
            _ => return None,
        }
    }
}

fn time_at(record: &[u8], at: usize) -> Option<Timestamp> {
    let microseconds = u64_at(record, at)?.cast_signed();
    Timestamp::from_microsecond(microseconds.checked_add(EPOCH_MICROSECONDS)?).ok()
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::any;
    use proptest::prelude::prop;
    use proptest::proptest;

    use super::PAGE;
    use super::head;
    use super::scan;
    use crate::wal::segment::Lsn;

    /// One page with a head, then these bytes.
    fn page(body: &[u8], info: u16, continued: u32) -> Vec<u8> {
        let mut bytes = vec![0; PAGE];
        bytes[..2].copy_from_slice(&0xD110_u16.to_le_bytes());
        bytes[2..4].copy_from_slice(&info.to_le_bytes());
        bytes[4..8].copy_from_slice(&1_u32.to_le_bytes());
        bytes[8..16].copy_from_slice(&0x0200_0000_u64.to_le_bytes());
        bytes[16..20].copy_from_slice(&continued.to_le_bytes());
        bytes[24..32].copy_from_slice(&7_u64.to_le_bytes());
        bytes[32..36].copy_from_slice(&(16_u32 << 20).to_le_bytes());
        bytes[36..40].copy_from_slice(&8192_u32.to_le_bytes());
        bytes[40..40 + body.len()].copy_from_slice(body);
        bytes
    }

    #[test]
    fn a_head_is_read_and_bytes_that_are_no_record_are_damage() {
        let bytes = page(&[], 2, 0);
        let head = head(&bytes).expect("a head");
        assert_eq!(
            (head.system_identifier, head.timeline.0, head.start),
            (7, 1, Lsn(0x0200_0000))
        );
        assert_eq!(scan(&bytes, Lsn(0x0200_0000)).damage, None);
        assert!(scan(&bytes, Lsn(0x0300_0000)).damage.is_some());
        assert!(
            scan(&page(&[0, 0, 0, 0, 1], 2, 0), Lsn(0x0200_0000))
                .damage
                .is_some()
        );
        assert!(
            scan(&page(&[30, 0, 0, 0, 1], 2, 0), Lsn(0x0200_0000))
                .damage
                .is_some()
        );
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(
            body in prop::collection::vec(any::<u8>(), 0..300),
            info in any::<u16>(),
            continued in any::<u32>(),
        ) {
            let bytes = page(&body, info, continued);
            let _ = head(&bytes);
            let _ = scan(&bytes, Lsn(0x0200_0000));
            let _ = scan(&bytes[..body.len()], Lsn(0x0200_0000));
        }
    }
}
