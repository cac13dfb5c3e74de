//! Copies a base backup into a data directory, each file checked against the manifest on its way.
//!
//! A file gets its name only when its bytes are right, so a file that has its name need not be read again.

use std::collections::BTreeSet;
use std::path::Path;

use crc_fast::CrcAlgorithm;
use futures::StreamExt as _;
use futures::TryStreamExt as _;
use salvor_contract::Call;
use salvor_contract::Error;
use salvor_contract::Unit;
use salvor_contract::Update;
use sha2::Digest as _;
use sha2::Sha224;
use sha2::Sha256;
use sha2::Sha384;
use sha2::Sha512;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;

use crate::base_backup::Checksum;
use crate::base_backup::File;
use crate::base_backup::Manifest;
use crate::base_backup::hex;
use crate::config::Config;
use crate::pitr::base::file;
use crate::place::Place;
use crate::programs::SystemUser;
use crate::restore_pitr::data_directory::DataDirectory;
use crate::restore_pitr::data_directory::give;
use crate::restore_pitr::inputs::Target;
use crate::restore_pitr::settings;

const AT_ONCE: usize = 8;
const BUFFER_BYTES: usize = 256 * 1024;
const MANIFEST_BYTES_MAX: usize = 512 * 1024 * 1024;

/// Folders that PostgreSQL needs and that hold no file in a base backup. Object stores do not keep them.
pub const EMPTY: [&str; 17] = [
    "pg_commit_ts",
    "pg_dynshmem",
    "pg_logical/mappings",
    "pg_logical/snapshots",
    "pg_multixact/members",
    "pg_multixact/offsets",
    "pg_notify",
    "pg_replslot",
    "pg_serial",
    "pg_snapshots",
    "pg_stat",
    "pg_stat_tmp",
    "pg_subtrans",
    "pg_tblspc",
    "pg_twophase",
    "pg_wal/archive_status",
    "pg_xact",
];

/// Files that say how another server ran, or that it was a standby.
const LEFT_OUT: [&str; 5] = [
    "postmaster.pid",
    "postmaster.opts",
    "standby.signal",
    "recovery.signal",
    "current_logfiles",
];

/// Copies the base backup of the target.
///
/// # Errors
/// [`Error::Refused`] when the manifest is not the one that was surveyed, or a file is not as it says.
pub async fn base(
    target: &Target,
    directory: &DataDirectory,
    owner: Option<&SystemUser>,
    config: &Config,
    call: &Call<'_>,
) -> Result<(), Error> {
    let place = Place::open(&target.details.base_url, config, call).await?;
    let folder = &target.details.base;
    let bytes = place
        .read_small(&file(folder, "backup_manifest"), MANIFEST_BYTES_MAX)
        .await?;
    let manifest = Manifest::parse(&bytes).map_err(|error| Error::refused(error.to_string()))?;
    if manifest.checksum != target.details.manifest {
        return Err(Error::refused_with(
            format!(
                "{} is not the one that was surveyed",
                place.name(&file(folder, "backup_manifest"))
            ),
            "plan again",
        ));
    }
    let wanted: Vec<File> = manifest
        .files
        .iter()
        .filter(|file| !LEFT_OUT.contains(&file.path.as_str()))
        .cloned()
        .collect();
    make_folders(directory, &wanted, owner)?;
    let total = manifest.bytes();
    let mut done = 0;
    let copies = wanted.into_iter().map(|listed| {
        let place = &place;
        async move {
            copy(place, folder, &listed, directory, owner).await?;
            Ok::<u64, Error>(listed.size)
        }
    });
    let mut copies = futures::stream::iter(copies).buffer_unordered(AT_ONCE);
    while let Some(size) = copies.try_next().await? {
        done += size;
        call.progress.update(Update {
            done,
            total: Some(total),
            unit: Unit::Bytes,
            says: Some("base backup".into()),
        });
        if call.stop.is_cancelled() || call.time_left().is_zero() {
            return Err(Error::unknown("stopped while copying the base backup"));
        }
    }
    Ok(())
}

fn make_folders(
    directory: &DataDirectory,
    files: &[File],
    owner: Option<&SystemUser>,
) -> Result<(), Error> {
    let paths = files
        .iter()
        .filter_map(|file| file.path.rsplit_once('/').map(|(folder, _)| folder))
        .chain(EMPTY);
    let mut folders = BTreeSet::new();
    for path in paths {
        // Every folder on the way, so that each gets its owner.
        let ends = path
            .match_indices('/')
            .map(|(at, _)| at)
            .chain([path.len()]);
        folders.extend(ends.map(|end| &path[..end]));
    }
    for folder in folders {
        let path = directory.join(folder);
        let made = std::fs::create_dir_all(&path)
            .and_then(|()| {
                let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
                std::fs::set_permissions(&path, mode)
            })
            .and_then(|()| give(&path, owner));
        made.map_err(|error| directory.failed("making folders in", &error))?;
    }
    Ok(())
}

async fn copy(
    place: &Place,
    folder: &str,
    listed: &File,
    directory: &DataDirectory,
    owner: Option<&SystemUser>,
) -> Result<(), Error> {
    // Settings are written behind these, and pg_basebackup may have added to them after the manifest.
    let is_settings = listed.path == "postgresql.auto.conf";
    let to = directory.join(if is_settings {
        settings::ORIGINAL
    } else {
        &listed.path
    });
    if std::fs::metadata(&to).is_ok_and(|found| found.len() == listed.size || is_settings) {
        return Ok(());
    }
    let key = file(folder, &listed.path);
    let part = to.with_file_name(format!(
        "{}.salvor-part",
        to.file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default()
    ));
    let (size, sum) = stream(place, &key, &part, listed.checksum.as_ref())
        .await
        .map_err(|error| match error {
            Failure::Provider(error) => error,
            Failure::File(error) => directory.failed("copying into", &error),
        })?;
    if !is_settings {
        if size != listed.size {
            return Err(Error::refused(format!(
                "{} has {size} bytes, its manifest says {}",
                place.name(&key),
                listed.size
            )));
        }
        if let Some((expected, found)) = sum.as_ref().filter(|(expected, found)| expected != found)
        {
            return Err(Error::refused(format!(
                "{} is damaged: its checksum is {}, its manifest says {}",
                place.name(&key),
                hex(found),
                hex(expected)
            )));
        }
    }
    give(&part, owner)
        .and_then(|()| std::fs::rename(&part, &to))
        .map_err(|error| directory.failed("copying into", &error))
}

enum Failure {
    Provider(Error),
    File(std::io::Error),
}

/// Copies the bytes; gives their number and the checksums, expected and found.
async fn stream(
    place: &Place,
    key: &str,
    to: &Path,
    expected: Option<&Checksum>,
) -> Result<(u64, Option<(Vec<u8>, Vec<u8>)>), Failure> {
    let mut from = place.read(key).await.map_err(Failure::Provider)?;
    let mut options = tokio::fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(to)
        .await
        .map_err(Failure::File)?;
    let mut sum = expected.map(Sum::new);
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut size = 0;
    loop {
        let read = from.read(&mut buffer).await.map_err(|error| {
            Failure::Provider(Error::transient(format!("{}: {error}", place.name(key))))
        })?;
        if read == 0 {
            break;
        }
        size += read as u64;
        if let Some(sum) = &mut sum {
            sum.update(&buffer[..read]);
        }
        file.write_all(&buffer[..read])
            .await
            .map_err(Failure::File)?;
    }
    file.flush().await.map_err(Failure::File)?;
    let sums = expected.zip(sum).map(|(expected, sum)| {
        let expected = match expected {
            Checksum::Crc32c(bytes) => bytes.to_vec(),
            Checksum::Sha2 { digest, .. } => digest.clone(),
        };
        (expected, sum.finish())
    });
    Ok((size, sums))
}

/// A checksum that is being taken.
enum Sum {
    Crc32c(crc_fast::Digest),
    Sha224(Sha224),
    Sha256(Sha256),
    Sha384(Sha384),
    Sha512(Sha512),
}

impl Sum {
    fn new(like: &Checksum) -> Self {
        match like {
            Checksum::Crc32c(_) => Self::Crc32c(crc_fast::Digest::new(CrcAlgorithm::Crc32Iscsi)),
            Checksum::Sha2 { bits: 224, .. } => Self::Sha224(Sha224::new()),
            Checksum::Sha2 { bits: 384, .. } => Self::Sha384(Sha384::new()),
            Checksum::Sha2 { bits: 512, .. } => Self::Sha512(Sha512::new()),
            Checksum::Sha2 { .. } => Self::Sha256(Sha256::new()),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Crc32c(digest) => digest.update(bytes),
            Self::Sha224(digest) => digest.update(bytes),
            Self::Sha256(digest) => digest.update(bytes),
            Self::Sha384(digest) => digest.update(bytes),
            Self::Sha512(digest) => digest.update(bytes),
        }
    }

    /// The bytes as a manifest writes them: PostgreSQL prints a CRC as it lies in memory.
    fn finish(self) -> Vec<u8> {
        match self {
            Self::Crc32c(digest) => {
                let sum = u32::try_from(digest.finalize()).unwrap_or_default();
                sum.to_le_bytes().to_vec()
            }
            Self::Sha224(digest) => digest.finalize().to_vec(),
            Self::Sha256(digest) => digest.finalize().to_vec(),
            Self::Sha384(digest) => digest.finalize().to_vec(),
            Self::Sha512(digest) => digest.finalize().to_vec(),
        }
    }
}
