//! Turns the name of an entry into a whole folder, filled once for all processes of the machine.
//!
//! An entry is filled under a temporary name, synced and then renamed, so an interrupted install is never
//! taken for a whole one. A lock a name lets several test processes ask at the same time while one works.
//! What an interrupted fill left is removed by the next one.

use std::fs::File;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;

use crate::surroundings;

/// Names the cache folder, before all defaults.
const CACHE_VARIABLE: &str = "SALVOR_TESTBED_CACHE";

/// The cache of root. Not below root's home: that is closed to others, and PostgreSQL, which refuses root,
/// could not run its programs from there.
const CACHE_OF_ROOT: &str = "/var/cache/salvor-testbed";

/// The folder in which installed parts are kept.
#[derive(Clone, Debug)]
pub(crate) struct Cache {
    root: PathBuf,
}

impl Cache {
    /// Opens the cache: `$SALVOR_TESTBED_CACHE`; else for root `/var/cache/salvor-testbed`, for others
    /// `$XDG_CACHE_HOME/salvor-testbed` or `~/.cache/salvor-testbed`. Nothing is created yet.
    ///
    /// # Errors
    /// There is no home folder to put it in.
    pub(crate) fn open() -> Result<Cache> {
        let root = if let Some(path) = surroundings::variable(CACHE_VARIABLE) {
            std::path::absolute(path).context("find the cache folder")?
        } else if surroundings::is_root() {
            PathBuf::from(CACHE_OF_ROOT)
        } else if let Some(path) = surroundings::variable("XDG_CACHE_HOME") {
            PathBuf::from(path).join("salvor-testbed")
        } else if let Some(home) = surroundings::variable("HOME") {
            PathBuf::from(home).join(".cache/salvor-testbed")
        } else {
            bail!("there is no place for the cache: set {CACHE_VARIABLE} to a folder");
        };
        Ok(Cache { root })
    }

    /// Returns where a file or an entry of this name is or would be.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Creates the cache folder, open for reading by all, and returns it.
    ///
    /// # Errors
    /// The folder cannot be created.
    pub(crate) fn create(&self) -> Result<&Path> {
        let doing = || format!("create the cache folder {}", self.root.display());
        if !self.root.is_dir() {
            std::fs::create_dir_all(&self.root).with_context(doing)?;
            open_to_readers(&self.root).with_context(doing)?;
        }
        Ok(&self.root)
    }

    /// Takes the lock of this name and waits for it without limit. It is free again when the file is dropped,
    /// and when this process ends by any means.
    ///
    /// # Errors
    /// The lock file cannot be made.
    pub(crate) fn lock(&self, name: &str) -> Result<File> {
        let folder = self.create()?.join("locks");
        let path = folder.join(format!("{name}.lock"));
        let doing = || format!("lock {}", path.display());
        std::fs::create_dir_all(&folder).with_context(doing)?;
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .with_context(doing)?;
        file.lock().with_context(doing)?;
        Ok(file)
    }

    /// Returns the folder of an entry; fills it first where it is not there. `fill` gets an empty folder that
    /// becomes the entry, and a folder for its own use that is removed afterwards. Returns whether it was filled.
    ///
    /// # Errors
    /// What `fill` fails with, or the cache cannot be written.
    pub(crate) fn fetch(
        &self,
        name: &str,
        fill: impl FnOnce(Work<'_>) -> Result<()>,
    ) -> Result<(PathBuf, WasFilled)> {
        let entry = self.path(name);
        if entry.is_dir() {
            return Ok((entry, WasFilled::No));
        }
        let _lock = self.lock(name)?;
        if entry.is_dir() {
            return Ok((entry, WasFilled::No));
        }
        let prefix = format!(".partial-{name}-");
        self.remove_leftovers(&prefix)?;
        let partial = tempfile::Builder::new()
            .prefix(&prefix)
            .tempdir_in(&self.root)
            .with_context(|| format!("create a folder in {}", self.root.display()))?;
        let tree = partial.path().join("tree");
        let scratch = partial.path().join("scratch");
        std::fs::create_dir(&tree).context("create the folder to fill")?;
        std::fs::create_dir(&scratch).context("create the scratch folder")?;
        fill(Work {
            tree: &tree,
            scratch: &scratch,
        })?;
        open_tree_to_readers(&tree)?;
        sync_file_system(&tree)?;
        std::fs::rename(&tree, &entry)
            .with_context(|| format!("put {} in place", entry.display()))?;
        Ok((entry, WasFilled::Yes))
    }

    /// Removes what an interrupted fill left. Only the holder of the entry's lock calls it.
    fn remove_leftovers(&self, prefix: &str) -> Result<()> {
        let doing = || format!("look through {}", self.root.display());
        for item in std::fs::read_dir(&self.root).with_context(doing)? {
            let item = item.with_context(doing)?;
            if item.file_name().to_string_lossy().starts_with(prefix) {
                std::fs::remove_dir_all(item.path())
                    .with_context(|| format!("remove {}", item.path().display()))?;
            }
        }
        Ok(())
    }
}

/// The two folders that filling an entry works with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work<'a> {
    /// Becomes the entry.
    pub(crate) tree: &'a Path,
    /// Is removed afterwards.
    pub(crate) scratch: &'a Path,
}

/// Whether an entry had to be filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WasFilled {
    /// It was filled now.
    Yes,
    /// It was there.
    No,
}

/// Lets every account read the tree and run its programs, whatever the umask was.
fn open_tree_to_readers(folder: &Path) -> Result<()> {
    let doing = || format!("open {} to readers", folder.display());
    open_to_readers(folder).with_context(doing)?;
    for item in std::fs::read_dir(folder).with_context(doing)? {
        let item = item.with_context(doing)?;
        let kind = item.file_type().with_context(doing)?;
        if kind.is_dir() {
            open_tree_to_readers(&item.path())?;
        } else if kind.is_file() {
            open_to_readers(&item.path()).with_context(doing)?;
        }
    }
    Ok(())
}

/// Gives group and others the owner's permissions to read and run.
fn open_to_readers(path: &Path) -> std::io::Result<()> {
    let mode = std::fs::metadata(path)?.permissions().mode() & 0o7777;
    let readable = mode | (mode & 0o500) >> 3 | (mode & 0o500) >> 6;
    if mode == readable {
        return Ok(());
    }
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(readable))
}

/// Writes everything to the disk. A rename that survives a power cut while the files do not would leave an
/// entry that looks whole.
fn sync_file_system(tree: &Path) -> Result<()> {
    let folder = File::open(tree).context("open the filled folder")?;
    rustix::fs::syncfs(&folder).context("write the filled folder to the disk")
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::sync::atomic::Ordering;

    use anyhow::Context as _;
    use anyhow::Result;
    use anyhow::bail;

    use super::Cache;

    #[test]
    fn an_entry_that_many_ask_for_is_filled_once() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let cache = Cache {
            root: folder.path().to_owned(),
        };
        let fills = AtomicUsize::new(0);
        let ask = || {
            cache.fetch("part-1", |work| {
                fills.fetch_add(1, Ordering::Relaxed);
                std::fs::write(work.tree.join("program"), "").context("write the program")
            })
        };
        std::thread::scope(|scope| {
            let asked: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
            for thread in asked {
                let (entry, _) = thread.join().expect("no thread panics")?;
                assert!(entry.join("program").is_file());
            }
            Ok::<(), anyhow::Error>(())
        })?;
        assert_eq!(fills.into_inner(), 1);
        Ok(())
    }

    #[test]
    fn a_fill_that_was_interrupted_leaves_no_entry_and_is_cleared_away() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let cache = Cache {
            root: folder.path().to_owned(),
        };
        let leftover = folder.path().join(".partial-part-1-XXXXXX");
        std::fs::create_dir_all(leftover.join("tree"))?;
        let failed = cache.fetch("part-1", |work| {
            std::fs::write(work.tree.join("half"), "")?;
            bail!("the network is gone")
        });
        assert!(failed.is_err());
        assert!(!leftover.exists());
        assert!(!cache.path("part-1").exists());
        Ok(())
    }
}
