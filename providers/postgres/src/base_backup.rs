//! A base backup as `pg_basebackup --format=plain` leaves it: its label, its manifest, its cluster.
//!
//! The manifest is checked against its own checksum and its paths are taken only when they stay below
//! the backup. Source: "Backup Manifest Format" in the PostgreSQL documentation, and
//! src/backend/access/transam/xlogbackup.c for the label.

use jiff::Timestamp;
use serde::Deserialize;
use sha2::Digest;
use sha2::Sha256;

use crate::wal::archive::Range;
use crate::wal::segment::Lsn;
use crate::wal::segment::ParseError;
use crate::wal::segment::Timeline;

/// What `backup_label`, or the `.backup` file in the WAL archive, tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Where replay begins.
    pub start: Lsn,
    /// The timeline.
    pub timeline: Timeline,
    /// What the backup was called when it was begun.
    pub label: String,
    /// When it ended, only in the `.backup` file, and only when written in UTC.
    pub stop_time: Option<Timestamp>,
}

/// The manifest's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Every file but the WAL.
    pub files: Vec<File>,
    /// The WAL that makes the copy consistent.
    pub range: Range,
    /// The manifest's own checksum, SHA-256, hexadecimal.
    pub checksum: String,
    /// The cluster, in manifests of version 2 (PostgreSQL 17).
    pub system_identifier: Option<u64>,
}

/// One file of a base backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its path below the backup, with `/`, without `..`.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its checksum; `None` when the backup was made without.
    pub checksum: Option<Checksum>,
}

/// A checksum of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// CRC-32C, as the bytes stand in the manifest.
    Crc32c([u8; 4]),
    /// SHA-2 with this many bits.
    Sha2 {
        /// 224, 256, 384 or 512.
        bits: u16,
        /// The digest.
        digest: Vec<u8>,
    },
}

/// Why a manifest is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// It does not parse.
    #[error("backup_manifest does not parse: {0}")]
    Form(String),
    /// Its bytes are not those that were written.
    #[error("backup_manifest is damaged: its checksum is {found}, it says {declared}")]
    Damaged {
        /// The checksum of the bytes.
        found: String,
        /// The checksum in it.
        declared: String,
    },
    /// A path that leaves the backup.
    #[error("backup_manifest names `{0}`, which is not a path below the backup")]
    Path(String),
    /// Files outside of the data directory.
    #[error("the base backup has tablespaces (`{0}`), which are not supported")]
    Tablespace(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ManifestForm {
    #[serde(rename = "PostgreSQL-Backup-Manifest-Version")]
    version: u32,
    #[serde(rename = "System-Identifier")]
    system_identifier: Option<u64>,
    files: Vec<FileForm>,
    #[serde(rename = "WAL-Ranges")]
    ranges: Vec<RangeForm>,
    #[serde(rename = "Manifest-Checksum")]
    checksum: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct FileForm {
    #[serde(rename = "Path")]
    path: Option<String>,
    #[serde(rename = "Encoded-Path")]
    encoded: Option<String>,
    #[serde(rename = "Size")]
    size: u64,
    #[serde(rename = "Checksum-Algorithm")]
    algorithm: Option<String>,
    #[serde(rename = "Checksum")]
    checksum: Option<String>,
}

#[derive(Deserialize)]
struct RangeForm {
    #[serde(rename = "Timeline")]
    timeline: Timeline,
    #[serde(rename = "Start-LSN")]
    start: Lsn,
    #[serde(rename = "End-LSN")]
    end: Lsn,
}

impl Label {
    /// Reads a label.
    ///
    /// # Errors
    /// When the place where replay begins, or the timeline, is not there.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let field = |name: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
        };
        let missing = |expected| ParseError::new(text.lines().next().unwrap_or_default(), expected);
        let start_line = field("START WAL LOCATION")
            .ok_or_else(|| missing("a backup label with START WAL LOCATION"))?;
        let start = start_line
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .parse()?;
        let timeline = field("START TIMELINE")
            .and_then(|text| text.trim().parse().ok())
            .ok_or_else(|| missing("a backup label with START TIMELINE"))?;
        Ok(Self {
            start,
            timeline: Timeline(timeline),
            label: field("LABEL").unwrap_or_default().to_owned(),
            stop_time: field("STOP TIME").and_then(utc),
        })
    }
}

/// `2026-04-05 02:00:11 UTC`. Other zones are written by abbreviations, which name no zone for certain.
fn utc(text: &str) -> Option<Timestamp> {
    let moment = text
        .strip_suffix(" UTC")
        .or_else(|| text.strip_suffix(" GMT"))?;
    format!("{}Z", moment.replace(' ', "T")).parse().ok()
}

impl Manifest {
    /// Reads a manifest and checks that it is the one that was written.
    ///
    /// # Errors
    /// A [`ManifestError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, ManifestError> {
        let form: ManifestForm = serde_json::from_slice(bytes)
            .map_err(|error| ManifestError::Form(error.to_string()))?;
        if !matches!(form.version, 1 | 2) {
            return Err(ManifestError::Form(format!(
                "version {} is not known",
                form.version
            )));
        }
        // The checksum is over everything before the line that holds it.
        let end = bytes
            .windows(b"\"Manifest-Checksum\"".len())
            .rposition(|window| window == b"\"Manifest-Checksum\"")
            .and_then(|at| bytes[..at].iter().rposition(|byte| *byte == b'\n'))
            .map_or(0, |at| at + 1);
        let found = hex(&Sha256::digest(&bytes[..end]));
        if !found.eq_ignore_ascii_case(&form.checksum) {
            return Err(ManifestError::Damaged {
                found,
                declared: form.checksum,
            });
        }
        let files: Result<Vec<File>, ManifestError> = form.files.into_iter().map(file).collect();
        let (Some(first), Some(last)) = (form.ranges.first(), form.ranges.last()) else {
            return Err(ManifestError::Form("it names no WAL".into()));
        };
        Ok(Self {
            files: files?,
            range: Range {
                timeline: first.timeline.max(last.timeline),
                start: first.start.min(last.start),
                end: first.end.max(last.end),
            },
            checksum: found,
            system_identifier: form.system_identifier,
        })
    }

    /// The bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }
}

fn file(form: FileForm) -> Result<File, ManifestError> {
    let path = match (form.path, form.encoded) {
        (Some(path), _) => path,
        (None, Some(encoded)) => unhex(&encoded)
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .ok_or(ManifestError::Path(encoded))?,
        (None, None) => return Err(ManifestError::Form("a file without a path".into())),
    };
    let is_below = !path.contains('\0')
        && path
            .split('/')
            .all(|part| !part.is_empty() && part != "." && part != "..");
    if !is_below {
        return Err(ManifestError::Path(path));
    }
    if path.starts_with("pg_tblspc/") || path == "tablespace_map" {
        return Err(ManifestError::Tablespace(path));
    }
    let checksum = match (form.algorithm.as_deref(), form.checksum) {
        (Some(algorithm), Some(text)) => Some(checksum(algorithm, &text)?),
        (None, _) | (Some(_), None) => None,
    };
    Ok(File {
        path,
        size: form.size,
        checksum,
    })
}

fn checksum(algorithm: &str, text: &str) -> Result<Checksum, ManifestError> {
    let error = || ManifestError::Form(format!("checksum `{text}` of algorithm {algorithm}"));
    let digest = unhex(text).ok_or_else(error)?;
    let bits = match algorithm {
        "CRC32C" => return digest.try_into().map(Checksum::Crc32c).map_err(|_| error()),
        "SHA224" => 224,
        "SHA256" => 256,
        "SHA384" => 384,
        "SHA512" => 512,
        _ => return Err(error()),
    };
    if digest.len() * 8 != usize::from(bits) {
        return Err(error());
    }
    Ok(Checksum::Sha2 { bits, digest })
}

/// The cluster that a `global/pg_control` belongs to: its first eight bytes in every version.
pub fn system_identifier(control: &[u8]) -> Option<u64> {
    Some(u64::from_le_bytes(control.get(..8)?.try_into().ok()?))
}

/// Bytes in hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use sha2::Digest;
    use sha2::Sha256;

    use super::Checksum;
    use super::Label;
    use super::Manifest;
    use super::ManifestError;
    use super::hex;
    use crate::wal::segment::Lsn;
    use crate::wal::segment::Timeline;

    fn manifest(files: &str) -> String {
        let body = format!(
            "{{ \"PostgreSQL-Backup-Manifest-Version\": 1,\n\"Files\": [\n{files}\n],\n\"WAL-Ranges\": [\n\
             {{ \"Timeline\": 1, \"Start-LSN\": \"0/2000028\", \"End-LSN\": \"0/2000100\" }}\n],\n"
        );
        let checksum = hex(&Sha256::digest(body.as_bytes()));
        format!("{body}\"Manifest-Checksum\": \"{checksum}\"}}\n")
    }

    #[test]
    fn a_manifest_gives_files_and_the_wal_it_needs() {
        let text = manifest(
            "{ \"Path\": \"PG_VERSION\", \"Size\": 3, \"Last-Modified\": \"2026-04-05 02:00:00 GMT\", \
             \"Checksum-Algorithm\": \"CRC32C\", \"Checksum\": \"01020304\" },\n\
             { \"Encoded-Path\": \"612f62\", \"Size\": 4, \"Last-Modified\": \"2026-04-05 02:00:00 GMT\" }",
        );
        let manifest = Manifest::parse(text.as_bytes()).expect("a manifest");
        assert_eq!(manifest.range.timeline, Timeline(1));
        assert_eq!(manifest.range.end, Lsn(0x0200_0100));
        assert_eq!(manifest.bytes(), 7);
        assert_eq!(
            manifest.files[0].checksum,
            Some(Checksum::Crc32c([1, 2, 3, 4]))
        );
        assert_eq!(manifest.files[1].path, "a/b");
    }

    #[test]
    fn a_changed_manifest_is_found() {
        let text = manifest("{ \"Path\": \"PG_VERSION\", \"Size\": 3 }").replace(": 3", ": 4");
        assert!(matches!(
            Manifest::parse(text.as_bytes()),
            Err(ManifestError::Damaged { .. })
        ));
    }

    #[test]
    fn paths_that_leave_the_backup_are_refused() {
        for path in ["../x", "/etc/passwd", "a//b", "a/../../b", "./a"] {
            let text = manifest(&format!("{{ \"Path\": \"{path}\", \"Size\": 3 }}"));
            assert_eq!(
                Manifest::parse(text.as_bytes()),
                Err(ManifestError::Path(path.into()))
            );
        }
        let text = manifest("{ \"Path\": \"pg_tblspc/16400/PG_15/5/1\", \"Size\": 3 }");
        assert!(matches!(
            Manifest::parse(text.as_bytes()),
            Err(ManifestError::Tablespace(_))
        ));
    }

    #[test]
    fn a_label_gives_start_timeline_and_end() {
        let text = "START WAL LOCATION: 0/2000028 (file 000000010000000000000002)\n\
                    STOP WAL LOCATION: 0/2000138 (file 000000010000000000000002)\n\
                    CHECKPOINT LOCATION: 0/2000060\nBACKUP METHOD: streamed\nBACKUP FROM: primary\n\
                    START TIME: 2026-04-05 02:00:00 UTC\nLABEL: nightly\nSTART TIMELINE: 1\n\
                    STOP TIME: 2026-04-05 02:00:11 UTC\nSTOP TIMELINE: 1\n";
        let label = Label::parse(text).expect("a label");
        assert_eq!(label.start, Lsn(0x0200_0028));
        assert_eq!(label.label, "nightly");
        assert_eq!(
            label.stop_time.map(|t| t.to_string()).as_deref(),
            Some("2026-04-05T02:00:11Z")
        );
        assert_eq!(
            Label::parse(&text.replace("11 UTC", "11 CEST"))
                .expect("a label")
                .stop_time,
            None
        );
        assert!(Label::parse("x").is_err());
    }
}
