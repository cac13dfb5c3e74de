//! Turns "a folder for this server" into a temporary one that goes with it, or a given one that stays.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use anyhow::Result;
use tempfile::TempDir;

/// The folder below which a server keeps all that is its own.
#[derive(Debug)]
pub(crate) enum Home {
    /// Removed with the server.
    Temporary(TempDir),
    /// Left for whoever wants to look at it.
    Kept(PathBuf),
}

impl Home {
    /// Creates a temporary folder of mode 755: a server may run as another account than its starter.
    ///
    /// # Errors
    /// The system's temporary folder cannot be written.
    pub(crate) fn temporary() -> Result<Home> {
        let folder = tempfile::Builder::new()
            .prefix("salvor-testbed-")
            .permissions(std::fs::Permissions::from_mode(0o755))
            .tempdir()
            .context("create a temporary folder")?;
        Ok(Home::Temporary(folder))
    }

    /// Takes a folder that stays; creates it where it is not there.
    ///
    /// # Errors
    /// The folder cannot be created.
    pub(crate) fn kept(path: &Path) -> Result<Home> {
        let path = std::path::absolute(path).with_context(|| format!("find {}", path.display()))?;
        std::fs::create_dir_all(&path).with_context(|| format!("create {}", path.display()))?;
        Ok(Home::Kept(path))
    }

    /// Returns the folder, absolute.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Home::Temporary(folder) => folder.path(),
            Home::Kept(path) => path,
        }
    }

    /// Creates a folder in it where it is not there yet, and returns its path.
    ///
    /// # Errors
    /// The folder cannot be created.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf> {
        let path = self.path().join(name);
        std::fs::create_dir_all(&path).with_context(|| format!("create {}", path.display()))?;
        Ok(path)
    }
}
