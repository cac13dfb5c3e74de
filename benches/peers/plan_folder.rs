//! A folder with a plan of salvor's, and the commands that are given in it.

use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::ensure;
use tempfile::TempDir;

use crate::measure::measured;

/// The release binary.
pub const SALVOR: &str = env!("CARGO_BIN_EXE_salvor");

/// A folder with a plan. It is below the target folder, which lies on the disk that people work on: the folder of
/// temporary files may be memory, where nothing has to be made durable.
pub struct PlanFolder {
    folder: TempDir,
}

impl PlanFolder {
    /// A folder with these files.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn with<N: AsRef<Path>, T: AsRef<str>>(files: &[(N, T)]) -> Result<PlanFolder> {
        let folder = folder()?;
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::write(&path, text.as_ref())
                .with_context(|| format!("write {}", path.display()))?;
        }
        Ok(PlanFolder { folder })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A command of salvor in this folder, to be measured.
    pub fn salvor(&self, arguments: &[&str]) -> Command {
        let mut command = measured(SALVOR);
        command.args(arguments).current_dir(self.path());
        command
    }

    /// Applies the plan from the beginning: without the runs that were.
    ///
    /// # Errors
    /// The runs cannot be removed.
    pub fn fresh_apply(&self) -> Result<Command> {
        self.forget_runs()?;
        Ok(self.salvor(&["apply", "--no-input"]))
    }

    /// Removes the state of the plan.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn forget_runs(&self) -> Result<()> {
        let state = self.path().join(".salvor");
        if state.exists() {
            std::fs::remove_dir_all(&state).context("remove the runs before")?;
        }
        Ok(())
    }

    /// The journal file of the only run.
    ///
    /// # Errors
    /// There is none, or more than one.
    pub fn journal(&self) -> Result<PathBuf> {
        let runs = self.path().join(".salvor/runs");
        let entries: Vec<_> = std::fs::read_dir(&runs)
            .and_then(Iterator::collect)
            .context("list the runs")?;
        ensure!(entries.len() == 1, "there are {} runs", entries.len());
        Ok(entries[0].path().join("journal"))
    }
}

/// An empty folder on the disk of the target folder, removed when it is dropped.
///
/// # Errors
/// It cannot be made.
pub fn folder() -> Result<TempDir> {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).context("make a folder")
}
