//! Whether a place is fit to hold a journal, and folders that stay.

use std::fs::DirBuilder;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::OFlags;

use crate::journal::storage::StorageError;

/// File systems whose locks or syncs end at this machine. The numbers are those of linux/magic.h and of
/// statfs(2), the same on every architecture.
const NETWORK: &[(u32, &str)] = &[
    (0x6969, "NFS"),
    (0x517b, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB2"),
    (0x6573_5546, "FUSE"),
    (0x0102_1997, "9p"),
    (0x00c3_6400, "Ceph"),
    (0x5346_414f, "AFS"),
    (0x6b41_4653, "AFS"),
    (0x7375_7245, "Coda"),
    (0x564c, "NCP"),
    (0x0bd0_0bd0, "Lustre"),
    (0x4750_4653, "GPFS"),
    (0x7461_636f, "OCFS2"),
    (0x0116_1970, "GFS2"),
    (0x786f_4256, "a VirtualBox share"),
];

/// Refuses a folder whose file system is on the network.
pub(in crate::journal) fn refuse_network(folder: &Path) -> Result<(), StorageError> {
    let found = rustix::fs::statfs(folder).map_err(|error| StorageError::Io {
        what: format!("look at the file system of {}", folder.display()),
        source: error.into(),
    })?;
    match network_name(found.f_type as u64) {
        Some(name) => Err(StorageError::Unfit {
            what: format!(
                "{} is on {name}: its locks do not hold between machines; keep the state on a local disk or an object store",
                folder.display()
            ),
        }),
        None => Ok(()),
    }
}

/// The name of the network file system of this magic number; only its low 32 bits are one.
fn network_name(magic: u64) -> Option<&'static str> {
    NETWORK
        .iter()
        .find(|(number, _)| u64::from(*number) == magic & 0xffff_ffff)
        .map(|(_, name)| *name)
}

/// Refuses a file that has a second name: through it another process could write or lock past us.
pub(in crate::journal) fn refuse_shared_file(file: &File, path: &Path) -> Result<(), StorageError> {
    let metadata = file.metadata().map_err(|source| StorageError::Io {
        what: format!("look at {}", path.display()),
        source,
    })?;
    if metadata.nlink() != 1 {
        return Err(StorageError::Unfit {
            what: format!(
                "{} has {} names; remove the others",
                path.display(),
                metadata.nlink()
            ),
        });
    }
    Ok(())
}

/// How each file of the state is opened: made readable by its owner only, and never through a symbolic link at its
/// name.
pub(in crate::journal) fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options
        .mode(0o600)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
    options
}

/// Makes a folder with all that lead to it, readable by its owner only, and makes their entries durable.
///
/// # Errors
/// When one of them cannot be made or synced.
pub(in crate::journal) fn make_folder(folder: &Path) -> Result<(), StorageError> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(parent) = folder
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
    {
        make_folder(parent)?;
    }
    match DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => {}
        // Another process was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(source) => {
            return Err(StorageError::Io {
                what: format!("make {}", folder.display()),
                source,
            });
        }
    }
    match folder
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
    {
        Some(parent) => sync_folder(parent),
        None => sync_folder(Path::new(".")),
    }
}

/// Makes the entries of a folder durable.
///
/// # Errors
/// When it cannot be opened or synced.
pub(in crate::journal) fn sync_folder(folder: &Path) -> Result<(), StorageError> {
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|source| StorageError::Io {
            what: format!("sync {}", folder.display()),
            source,
        })
}

#[cfg(test)]
mod tests {
    use super::network_name;

    #[test]
    fn file_systems_of_the_network_are_known_by_number() {
        assert_eq!(network_name(0x6969), Some("NFS"));
        // A signed 32-bit field arrives with its sign extended.
        assert_eq!(network_name(0xffff_ffff_ff53_4d42), Some("CIFS"));
        assert_eq!(network_name(0xef53), None, "ext4");
    }
}
