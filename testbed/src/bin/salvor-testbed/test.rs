//! Turns a bare machine into a finished run of all tests.

use std::ffi::OsString;
use std::process::Command;
use std::process::ExitCode;

use anyhow::Context as _;
use anyhow::Result;
use salvor_testbed::MISSING_FILE_VARIABLE;
use salvor_testbed::MissingRecord;
use salvor_testbed::Part;
use salvor_testbed::missing_records;

use crate::exit_code_of;
use crate::install::install_each;
use crate::output;

/// Install all parts that tests use, then run `cargo test --workspace --locked`.
///
/// The exit code is that of cargo. The last lines say which tests were left out because a part cannot be had on
/// this machine; with CI=true in the environment such tests fail instead.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// More arguments for cargo test, such as a filter or `--test NAME`.
    #[arg(allow_hyphen_values = true)]
    cargo_arguments: Vec<OsString>,
    /// Arguments for the test programs, such as `--nocapture`.
    #[arg(last = true, allow_hyphen_values = true)]
    test_arguments: Vec<OsString>,
}

/// Runs it. The parts come first, as a build of theirs and a build of ours would slow each other down.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    install_each(&Part::OF_TESTS)?;
    let folder = tempfile::tempdir().context("create a temporary folder")?;
    let missing = folder.path().join("missing.jsonl");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(&cargo);
    command
        .args(["test", "--workspace", "--locked"])
        .args(&arguments.cargo_arguments);
    if !arguments.test_arguments.is_empty() {
        command.arg("--").args(&arguments.test_arguments);
    }
    let status = command
        .env(MISSING_FILE_VARIABLE, &missing)
        .status()
        .context("start cargo")?;
    for line in closing_lines(&missing_records(&missing)?) {
        output::line(&line);
    }
    Ok(exit_code_of(status))
}

fn closing_lines(records: &[MissingRecord]) -> Vec<String> {
    if records.is_empty() {
        return vec!["testbed: every part was there, no test was left out".to_owned()];
    }
    let mut lines = vec![format!(
        "testbed: {} TESTS WERE LEFT OUT for want of a part:",
        records.len()
    )];
    for MissingRecord {
        suite,
        test,
        part,
        reason,
    } in records
    {
        let reason = reason.lines().next().unwrap_or_default();
        lines.push(format!("  {suite} {test}: {part}: {reason}"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use salvor_testbed::MissingRecord;

    use super::closing_lines;

    #[test]
    fn tests_that_were_left_out_are_named() {
        let record = MissingRecord {
            suite: "postgres".to_owned(),
            test: "it_recovers".to_owned(),
            part: "postgres15".to_owned(),
            reason: "only root can install it\nmore".to_owned(),
        };
        assert_eq!(
            closing_lines(&[record]),
            [
                "testbed: 1 TESTS WERE LEFT OUT for want of a part:",
                "  postgres it_recovers: postgres15: only root can install it",
            ]
        );
    }
}
