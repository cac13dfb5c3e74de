//! Turns the environment and the clock of the process into plain values: the one place that asks for them.

use std::ffi::OsString;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use std::time::Instant;

/// Returns the value of an environment variable, or nothing where it is unset or empty.
pub(crate) fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// Returns the first executable file of this name in the folders of `PATH`.
pub(crate) fn program_on_path(name: &str) -> Option<PathBuf> {
    let path = variable("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| is_executable(file))
}

fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(file)
        .is_ok_and(|facts| facts.is_file() && facts.permissions().mode() & 0o111 != 0)
}

/// Returns whether this process runs as root.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Measures how long something takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts to measure.
    #[expect(
        clippy::disallowed_methods,
        reason = "the test bed runs outside of any plan: real time is meant"
    )]
    pub(crate) fn start() -> Stopwatch {
        Stopwatch(Instant::now())
    }

    /// Returns the time since the start.
    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

/// The moment at which waiting ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    stopwatch: Stopwatch,
    limit: Duration,
}

impl Deadline {
    /// Returns the deadline that lies this far ahead.
    pub(crate) fn after(limit: Duration) -> Deadline {
        Deadline {
            stopwatch: Stopwatch::start(),
            limit,
        }
    }

    /// Returns whether the deadline has passed.
    pub(crate) fn is_over(self) -> bool {
        self.stopwatch.elapsed() >= self.limit
    }

    /// Returns the length that this deadline was made with, for messages.
    pub(crate) fn limit(self) -> Duration {
        self.limit
    }
}
