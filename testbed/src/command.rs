//! Turns an argument vector into its output, or into an error that says what the program said.

use std::ffi::OsStr;
use std::io::Write as _;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;

/// How many of the last lines of a program's output an error quotes.
const QUOTED_LINES: usize = 30;

/// Runs a program to its end without input and returns its standard output.
///
/// # Errors
/// The program cannot be started, ends with another code than 0, or writes what is not UTF-8.
pub(crate) fn run(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("start {}", describe(command)))?;
    text_of(command, output)
}

/// Runs a program to its end with this text as its input and returns its standard output.
///
/// # Errors
/// As [`run`].
pub(crate) fn run_with_input(command: &mut Command, input: &str) -> Result<String> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("start {}", describe(command)))?;
    let mut pipe = child
        .stdin
        .take()
        .context("the standard input of a child is a pipe")?;
    let output = std::thread::scope(|scope| {
        // Written beside the reading: a program that answers before it has read all would wait for us otherwise.
        scope.spawn(move || {
            // A program that ends early closes its end. Its exit code tells the story, not our broken pipe.
            let _ = pipe.write_all(input.as_bytes());
        });
        child.wait_with_output()
    })
    .with_context(|| format!("wait for {}", describe(command)))?;
    text_of(command, output)
}

fn text_of(command: &Command, output: Output) -> Result<String> {
    let Output {
        status,
        stdout,
        stderr,
    } = output;
    if !status.success() {
        let said = if stderr.trim_ascii().is_empty() {
            &stdout
        } else {
            &stderr
        };
        bail!(
            "{} ended with {status}:\n{}",
            describe(command),
            last_lines(&String::from_utf8_lossy(said))
        );
    }
    String::from_utf8(stdout).with_context(|| format!("read the output of {}", describe(command)))
}

/// Returns the last lines of a text, for an error.
pub(crate) fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(QUOTED_LINES)..].join("\n")
}

fn describe(command: &Command) -> String {
    let words: Vec<String> = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(OsStr::to_string_lossy)
        .map(String::from)
        .collect();
    words.join(" ")
}
