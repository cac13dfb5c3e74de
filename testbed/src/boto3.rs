//! Turns a Python program of a test into its output, with boto3 for it to import: the client that AWS makes itself
//! judges what our fakes answer.

use std::ffi::OsString;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Context as _;
use anyhow::Result;

use crate::command;
use crate::install::install;
use crate::parts::Part;
use crate::surroundings;

/// A Python that imports boto3 and botocore, and nothing of the machine's own packages before them.
///
/// ```no_run
/// # fn main() -> anyhow::Result<()> {
/// use salvor_testbed::Boto3;
/// use salvor_testbed::require;
///
/// let Some(boto3) = require(Boto3::install()) else {
///     return Ok(());
/// };
/// let output = boto3.run("tests/rds.py".as_ref(), &["http://127.0.0.1:5000"])?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Boto3 {
    python: PathBuf,
    packages: PathBuf,
}

impl Boto3 {
    /// Returns it; installs boto3, in the part of [`Moto`](crate::Moto), where it is not there. That takes half a
    /// minute once a machine.
    ///
    /// # Errors
    /// [`Missing`](crate::Missing) when it cannot be had.
    pub fn install() -> Result<Boto3> {
        let installed = install(Part::Moto)?;
        let entry = installed
            .programs()
            .parent()
            .context("the folder of programs is in the folder of the part")?;
        Ok(Boto3 {
            python: installed.program("python3"),
            packages: entry.join("packages"),
        })
    }

    /// Runs a program to its end with these arguments and returns its standard output. It sees nothing of this
    /// process's environment but `PATH`: credentials that open nothing, the region `us-east-1`, no files of AWS.
    ///
    /// # Errors
    /// The program cannot be started or ends with another code than 0; the error quotes what it wrote.
    pub fn run(&self, program: &Path, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new(&self.python);
        command.arg(program).args(arguments).env_clear();
        if let Some(path) = surroundings::variable("PATH") {
            command.env("PATH", path);
        }
        command::run(command.envs(self.environment()))
    }

    /// Returns the interpreter.
    pub(crate) fn python(&self) -> &Path {
        &self.python
    }

    /// Returns what the interpreter needs of its environment.
    pub(crate) fn environment(&self) -> Vec<(&'static str, OsString)> {
        vec![
            ("PYTHONPATH", self.packages.clone().into()),
            ("PYTHONNOUSERSITE", "1".into()),
            // The cache is written by its fill and by nobody else.
            ("PYTHONDONTWRITEBYTECODE", "1".into()),
            ("AWS_ACCESS_KEY_ID", "testbed".into()),
            ("AWS_SECRET_ACCESS_KEY", "testbed-secret-key".into()),
            ("AWS_DEFAULT_REGION", "us-east-1".into()),
            ("AWS_CONFIG_FILE", "/dev/null".into()),
            ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null".into()),
            ("AWS_EC2_METADATA_DISABLED", "true".into()),
        ]
    }
}
