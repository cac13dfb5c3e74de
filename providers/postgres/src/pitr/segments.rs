//! Reads what a WAL archive holds: its listing, and single segments, unpacked.

use async_compression::tokio::bufread::GzipDecoder;
use async_compression::tokio::bufread::ZstdDecoder;
use jiff::Timestamp;
use salvor_contract::Error;
use tokio::io::AsyncReadExt as _;
use tokio::io::BufReader;

use crate::base_backup::Label;
use crate::place::Bytes;
use crate::place::Entry;
use crate::place::Place;
use crate::place::blocking;
use crate::wal::archive::Archive;
use crate::wal::archive::Stored;
use crate::wal::history::History;
use crate::wal::history::timeline_of;
use crate::wal::records;
use crate::wal::records::Head;
use crate::wal::records::Scan;
use crate::wal::segment::Segment;
use crate::wal::segment::SegmentSize;
use crate::wal::segment::is_segment_name;

const HEAD_BYTES: u64 = 40;
const SMALL_BYTES_MAX: usize = 64 * 1024;
/// The largest segment that PostgreSQL can have.
const SEGMENT_BYTES_MAX: u64 = 1 << 30;

/// The listing of the archive, `None` when it holds no segment, and the labels of base backups in it.
pub async fn archive(wal: &Place) -> Result<(Option<Archive>, Vec<(Label, Timestamp)>), Error> {
    let entries = wal.list("").await?;
    let mut labels = Vec::new();
    let mut histories = std::collections::BTreeMap::new();
    for entry in &entries {
        let name = base_name(entry);
        if let Some(timeline) = timeline_of(name) {
            let text = wal.read_small(&entry.key, SMALL_BYTES_MAX).await?;
            let history = History::parse(&String::from_utf8_lossy(&text))
                .map_err(|error| Error::refused(format!("{}: {error}", wal.name(&entry.key))))?;
            histories.insert(timeline, history);
        } else if name.ends_with(".backup") {
            let text = wal.read_small(&entry.key, SMALL_BYTES_MAX).await?;
            // A label that does not parse only makes the window begin later.
            if let Ok(label) = Label::parse(&String::from_utf8_lossy(&text)) {
                labels.push((label, entry.modified));
            }
        }
    }
    let Some(size) = segment_size(wal, &entries).await? else {
        return Ok((None, labels));
    };
    let segments = entries.iter().filter_map(|entry| {
        let name = base_name(entry);
        let (name, is_packed) = unpacked_name(name);
        let segment = Segment::from_name(name, size)?;
        // A file of another size is one that was cut off: as good as none.
        (is_packed || entry.size == size.bytes()).then(|| {
            (
                segment,
                Stored {
                    key: entry.key.clone(),
                    size: entry.size,
                    modified: entry.modified,
                },
            )
        })
    });
    Ok((
        Some(Archive {
            size,
            segments: segments.collect(),
            histories,
        }),
        labels,
    ))
}

fn base_name(entry: &Entry) -> &str {
    entry.key.rsplit('/').next().unwrap_or(&entry.key)
}

fn unpacked_name(name: &str) -> (&str, bool) {
    [".gz", ".zst"]
        .iter()
        .find_map(|suffix| name.strip_suffix(suffix))
        .map_or((name, false), |name| (name, true))
}

/// The size that the first readable segment says of itself.
async fn segment_size(wal: &Place, entries: &[Entry]) -> Result<Option<SegmentSize>, Error> {
    for entry in entries {
        if !is_segment_name(unpacked_name(base_name(entry)).0) {
            continue;
        }
        let mut bytes = Vec::new();
        let mut reader = unpacked(wal, &entry.key).await?.take(HEAD_BYTES);
        if reader.read_to_end(&mut bytes).await.is_err() {
            continue;
        }
        if let Some(head) = records::head(&bytes) {
            return Ok(Some(head.size));
        }
    }
    Ok(None)
}

/// The bytes of a file of the archive, unpacked by the end of its name.
pub async fn unpacked(wal: &Place, key: &str) -> Result<Bytes, Error> {
    let bytes = wal.read(key).await?;
    Ok(if key.ends_with(".gz") {
        Box::new(GzipDecoder::new(BufReader::new(bytes)))
    } else if key.ends_with(".zst") {
        Box::new(ZstdDecoder::new(BufReader::new(bytes)))
    } else {
        bytes
    })
}

/// The whole of a segment.
///
/// # Errors
/// When it cannot be read or has another size.
pub async fn read(wal: &Place, archive: &Archive, segment: Segment) -> Result<Vec<u8>, Error> {
    let name = segment.name(archive.size);
    let stored = archive
        .segments
        .get(&segment)
        .ok_or_else(|| Error::refused(format!("WAL segment {name} is missing")))?;
    let size = archive.size.bytes().min(SEGMENT_BYTES_MAX);
    let mut bytes = Vec::new();
    unpacked(wal, &stored.key)
        .await?
        .take(size + 1)
        .read_to_end(&mut bytes)
        .await
        .map_err(|error| Error::refused(format!("WAL segment {name} cannot be read: {error}")))?;
    if bytes.len() as u64 == size {
        Ok(bytes)
    } else {
        Err(Error::refused(format!(
            "WAL segment {name} has {} of {size} bytes",
            bytes.len()
        )))
    }
}

/// What a segment holds; one that cannot be read is one that is damaged.
pub async fn scan(
    wal: &Place,
    archive: &Archive,
    segment: Segment,
) -> Result<(Option<Head>, Scan), Error> {
    let damaged = |why: String| Scan {
        last_end: None,
        first_end: None,
        whole_bytes: 0,
        continues: 0,
        damage: Some(why),
    };
    let bytes = match read(wal, archive, segment).await {
        Ok(bytes) => bytes,
        Err(Error::Refused { what, .. }) => return Ok((None, damaged(what))),
        Err(error @ (Error::Transient { .. } | Error::Unknown { .. })) => return Err(error),
    };
    let start = segment.start(archive.size);
    blocking(move || {
        let Some(head) = records::head(&bytes) else {
            return Ok((None, damaged("it is not a WAL segment".into())));
        };
        if head.start != start {
            let why = format!("it holds the log from {}, not from {start}", head.start);
            return Ok((Some(head), damaged(why)));
        }
        Ok((Some(head), records::scan(&bytes, start)))
    })
    .await
}
