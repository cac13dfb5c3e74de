//! The base backups below a place, as far as their labels and manifests tell.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use jiff::Timestamp;
use salvor_contract::Error;
use serde::Deserialize;
use serde::Serialize;

use crate::base_backup::Label;
use crate::base_backup::Manifest;
use crate::base_backup::system_identifier;
use crate::place::Entry;
use crate::place::Place;
use crate::wal::archive::Range;
use crate::wal::segment::Lsn;
use crate::wal::segment::Timeline;

const MANIFEST_BYTES_MAX: usize = 512 * 1024 * 1024;
const SMALL_BYTES_MAX: usize = 64 * 1024;
/// Folders of base backups that are being taken begin with this.
pub const PART_PREFIX: &str = ".salvor-part-";

/// One base backup.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SeenBase {
    /// Its folder below the place; empty when the place is the backup.
    pub key: String,
    /// Why it cannot be used; the fields below are empty then.
    pub problem: Option<String>,
    /// The major version of the server.
    pub major: u32,
    /// The timeline on which it was taken.
    pub timeline: Timeline,
    /// Where replay begins.
    pub start: Lsn,
    /// Where it is consistent.
    pub end: Lsn,
    /// When it ended, or a little later.
    pub ended: Timestamp,
    /// The cluster.
    pub system_identifier: String,
    /// The checksum of the manifest.
    pub manifest: String,
    /// The bytes of its files.
    pub bytes: u64,
    /// The number of its files.
    pub files: u64,
}

impl SeenBase {
    /// Where its log begins and ends.
    pub fn range(&self) -> Range {
        Range {
            timeline: self.timeline,
            start: self.start,
            end: self.end,
        }
    }

    /// The key of one of its files.
    pub fn file(&self, path: &str) -> String {
        file(&self.key, path)
    }

    fn unusable(key: String, problem: String) -> Self {
        Self {
            key,
            problem: Some(problem),
            major: 0,
            timeline: Timeline(0),
            start: Lsn(0),
            end: Lsn(0),
            ended: Timestamp::UNIX_EPOCH,
            system_identifier: String::new(),
            manifest: String::new(),
            bytes: 0,
            files: 0,
        }
    }
}

/// The key of a file of the backup in a folder.
pub fn file(folder: &str, path: &str) -> String {
    if folder.is_empty() {
        path.to_owned()
    } else {
        format!("{folder}/{path}")
    }
}

/// Finds the base backups. `labels` are those of the `.backup` files in the archive, with their times of change.
pub async fn survey(place: &Place, labels: &[(Label, Timestamp)]) -> Result<Vec<SeenBase>, Error> {
    let entries = place.list("").await?;
    let by_key: BTreeMap<&str, &Entry> = entries
        .iter()
        .map(|entry| (entry.key.as_str(), entry))
        .collect();
    let mut bases = Vec::new();
    for entry in &entries {
        if entry.key.starts_with(PART_PREFIX) {
            continue;
        }
        let (folder, name) = entry.key.rsplit_once('/').unwrap_or(("", &entry.key));
        if name.starts_with("base.tar") {
            bases.push(SeenBase::unusable(
                folder.to_owned(),
                "it is in tar format: pg_basebackup --format=plain is needed".into(),
            ));
        }
        // A whole cluster has the label beside PG_VERSION; databases below it have only the latter.
        let is_base = name == "PG_VERSION"
            && (by_key.contains_key(file(folder, "backup_label").as_str())
                || by_key.contains_key(file(folder, "backup_manifest").as_str()));
        if is_base {
            bases.push(look(place, folder, &by_key, labels).await?);
        }
    }
    Ok(bases)
}

async fn look(
    place: &Place,
    folder: &str,
    by_key: &BTreeMap<&str, &Entry>,
    labels: &[(Label, Timestamp)],
) -> Result<SeenBase, Error> {
    let unusable = |problem: String| Ok(SeenBase::unusable(folder.to_owned(), problem));
    for needed in ["backup_label", "backup_manifest", "global/pg_control"] {
        if !by_key.contains_key(file(folder, needed).as_str()) {
            return unusable(format!("it has no {needed}"));
        }
    }
    let manifest_key = file(folder, "backup_manifest");
    let manifest =
        match Manifest::parse(&place.read_small(&manifest_key, MANIFEST_BYTES_MAX).await?) {
            Ok(manifest) => manifest,
            Err(error) => return unusable(error.to_string()),
        };
    let text = place
        .read_small(&file(folder, "backup_label"), SMALL_BYTES_MAX)
        .await?;
    let label = match Label::parse(&String::from_utf8_lossy(&text)) {
        Ok(label) => label,
        Err(error) => return unusable(error.to_string()),
    };
    if label.start != manifest.range.start {
        return unusable(format!(
            "its label begins at {}, its manifest at {}",
            label.start, manifest.range.start
        ));
    }
    let missing = manifest.files.iter().find_map(|listed| {
        let found = by_key.get(file(folder, &listed.path).as_str());
        match found {
            None => Some(format!("{} is missing", listed.path)),
            // pg_basebackup --write-recovery-conf appends to this one after the manifest.
            Some(entry) if entry.size != listed.size && listed.path != "postgresql.auto.conf" => {
                Some(format!(
                    "{} has {} of {} bytes",
                    listed.path, entry.size, listed.size
                ))
            }
            Some(_) => None,
        }
    });
    if let Some(problem) = missing {
        return unusable(problem);
    }
    let version = place
        .read_small(&file(folder, "PG_VERSION"), SMALL_BYTES_MAX)
        .await?;
    let Ok(major) = String::from_utf8_lossy(&version).trim().parse() else {
        return unusable("its PG_VERSION is not a number".into());
    };
    let control = place
        .read_small(&file(folder, "global/pg_control"), SMALL_BYTES_MAX)
        .await?;
    let Some(system) = system_identifier(&control) else {
        return unusable("its pg_control is empty".into());
    };
    if manifest
        .system_identifier
        .is_some_and(|in_manifest| in_manifest != system)
    {
        return unusable("its pg_control and its manifest are of two clusters".into());
    }
    // The end is told to the second, so it may be one second later; without a file that tells it in UTC, the
    // time of change of what is written last.
    let of_archive = labels
        .iter()
        .find(|(other, _)| other.start == label.start && other.timeline == label.timeline);
    let ended = match of_archive {
        Some((label, modified)) => label
            .stop_time
            .map_or(*modified, |time| time + SignedDuration::from_secs(1)),
        None => by_key
            .get(manifest_key.as_str())
            .map_or(Timestamp::MAX, |entry| entry.modified),
    };
    Ok(SeenBase {
        key: folder.to_owned(),
        problem: None,
        major,
        timeline: manifest.range.timeline,
        start: manifest.range.start,
        end: manifest.range.end,
        ended,
        system_identifier: system.to_string(),
        bytes: manifest.bytes(),
        files: manifest.files.len() as u64,
        manifest: manifest.checksum,
    })
}
