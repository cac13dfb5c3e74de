//! Starts a program under `tracer.c`, which kills it at a chosen system call, and reads what came of it.
//!
//! C, because this workspace has no unsafe code and the kernel's interface is one of pointers. A crate that wraps it
//! switches a feature of `libc` on, and with that every dependency would be built twice: for the binary and for tests.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::ExitStatus;
use std::sync::OnceLock;

use tempfile::TempDir;

/// When salvor is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blow {
    /// Never; its system calls are counted.
    Never,
    /// When so many records are in the file, before the sync that makes the last of them durable.
    Written(usize),
    /// When that sync returns, before anything is told of the record.
    Synced(usize),
    /// Before its so manieth system call.
    Call(u64),
}

/// How a traced program ended.
#[derive(Debug)]
pub struct Traced {
    /// Its status.
    pub status: ExitStatus,
    /// How many system calls it began.
    pub calls: u64,
    /// The number of the system call at which it was killed, as the kernel numbers them.
    pub struck: Option<i64>,
}

/// A command that runs a program until the blow, and leaves the report for [`report`].
pub fn under_tracer(program: &str, blow: Blow, report: &Path) -> Command {
    static TRACER: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, tracer) = TRACER.get_or_init(compile);
    let (mode, number) = match blow {
        Blow::Never => ("never", 0),
        Blow::Written(record) => ("written", u64::try_from(record).expect("a count fits")),
        Blow::Synced(record) => ("synced", u64::try_from(record).expect("a count fits")),
        Blow::Call(place) => ("call", place),
    };
    let mut command = Command::new(tracer);
    command
        .arg(report)
        .args([mode, &number.to_string(), program]);
    command
}

/// What the tracer reported.
pub fn report(report: &Path) -> Traced {
    let text = fs::read_to_string(report).expect("the tracer's report");
    let numbers: Vec<i64> = text
        .split_whitespace()
        .map(|number| number.parse().expect("a number"))
        .collect();
    let [calls, struck, status] = numbers[..] else {
        panic!("a report of three numbers, not {text:?}");
    };
    Traced {
        status: ExitStatus::from_raw(i32::try_from(status).expect("a status")),
        calls: u64::try_from(calls).expect("a count"),
        struck: (struck >= 0).then_some(struck),
    }
}

fn compile() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let tracer = folder.path().join("tracer");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kills/tracer.c");
    let status = Command::new("cc")
        .args(["-O1", "-o"])
        .arg(&tracer)
        .arg(source)
        .status();
    assert!(status.expect("cc can be started").success());
    (folder, tracer)
}
