//! Turns a command into what it cost, by the kernel's own account of a finished process.
//!
//! A process counts as at least as large as the one that started it, since the kernel looks at its memory before
//! and after the exec. So commands are started by this program in another role, which holds next to nothing:
//!
//! ```text
//! benchmark ──starts──▶ itself as starter (2 MiB) ──starts, waits──▶ the command ──▶ its children
//! ```

use std::ffi::OsString;
use std::io::Read as _;
use std::io::Seek as _;
use std::path::Path;
use std::process::Command;
use std::process::ExitCode;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;

use crate::table;

/// Puts this program into the role of the starter; what follows is the command.
const STARTER: &str = "--starter";

/// How many bytes of a failed command's last words are told.
const LAST_WORDS: usize = 2_000;

/// What one run of a command cost.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// From its start to its end.
    pub wall: Duration,
    /// User and system time, of its children as well.
    pub cpu: Duration,
    /// The most memory that it, or one of its children, held at once, in bytes.
    pub peak: u64,
}

/// One of those that are measured in turn. Its function makes everything ready for a run and returns the command.
pub struct Contender<'a> {
    /// What the table calls it.
    pub name: String,
    /// Makes a run ready.
    pub prepare: Box<dyn FnMut() -> Result<Command> + 'a>,
}

impl<'a> Contender<'a> {
    /// One of this name.
    pub fn new(name: impl Into<String>, prepare: impl FnMut() -> Result<Command> + 'a) -> Self {
        Self {
            name: name.into(),
            prepare: Box::new(prepare),
        }
    }
}

/// What the runs of one contender cost.
pub struct Measured {
    /// The contender.
    pub name: String,
    /// One cost a round.
    pub costs: Vec<Cost>,
}

/// A command whose run is measured by [`cost_of`]. Arguments, folder and environment are added to it as to any other.
pub fn measured(program: impl AsRef<Path>) -> Command {
    let own = std::env::current_exe().expect("a running program has a path");
    let mut command = Command::new(own);
    command.arg(STARTER).arg(program.as_ref());
    command
}

/// The current time, for what is measured within this process.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
pub fn now() -> Instant {
    Instant::now()
}

/// Measures all contenders in turn, round by round, so that a machine whose speed drifts is the same for all.
/// The rounds of `warm_up` are not counted.
///
/// # Errors
/// A command cannot be made ready or started, or fails.
pub fn in_turn(
    mut contenders: Vec<Contender<'_>>,
    warm_up: usize,
    counted: usize,
) -> Result<Vec<Measured>> {
    let mut all: Vec<Measured> = contenders
        .iter()
        .map(|contender| Measured {
            name: contender.name.clone(),
            costs: Vec::new(),
        })
        .collect();
    for round in 0..warm_up + counted {
        for (contender, measured) in contenders.iter_mut().zip(&mut all) {
            let mut command =
                (contender.prepare)().with_context(|| format!("make {} ready", contender.name))?;
            let cost = cost_of(&mut command).with_context(|| format!("run {}", contender.name))?;
            // A round may take minutes, and the table comes after the last.
            table::error(&format!(
                "{}: {:.3} s, CPU {:.3} s, {:.1} MiB",
                contender.name,
                cost.wall.as_secs_f64(),
                cost.cpu.as_secs_f64(),
                cost.peak as f64 / f64::from(1 << 20),
            ));
            if round >= warm_up {
                measured.costs.push(cost);
            }
        }
    }
    Ok(all)
}

/// Runs a command that [`measured`] began. What it prints is thrown away; its errors are told when it fails.
///
/// # Errors
/// It cannot be started, or does not end with 0.
pub fn cost_of(command: &mut Command) -> Result<Cost> {
    let mut errors = tempfile::tempfile().context("make a file for errors")?;
    let output = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(errors.try_clone().context("share the file for errors")?)
        .output()
        .context("start the starter")?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        let mut said = Vec::new();
        errors.rewind().context("read the errors")?;
        errors.read_to_end(&mut said).context("read the errors")?;
        let last = said
            .get(said.len().saturating_sub(LAST_WORDS)..)
            .unwrap_or_default();
        bail!(
            "{command:?} ended with {}:\n{}",
            output.status,
            String::from_utf8_lossy(last)
        );
    }
    let numbers: Vec<u64> = text
        .split_whitespace()
        .map(str::parse)
        .collect::<Result<_, _>>()
        .with_context(|| format!("read {text:?}"))?;
    match numbers.as_slice() {
        [wall, cpu, peak] => Ok(Cost {
            wall: Duration::from_nanos(*wall),
            cpu: Duration::from_nanos(*cpu),
            peak: *peak,
        }),
        other => bail!("the starter said {other:?}"),
    }
}

/// Runs the command of the arguments when this process is a starter.
pub fn as_starter() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next()? != STARTER {
        return None;
    }
    let command: Vec<OsString> = arguments.collect();
    Some(start(&command).unwrap_or(ExitCode::FAILURE))
}

fn start(command: &[OsString]) -> Option<ExitCode> {
    let (program, arguments) = command.split_first()?;
    let begun = now();
    let child = Command::new(program)
        .args(arguments)
        .stdout(Stdio::null())
        .spawn();
    let used = match child.and_then(wait4::Wait4::wait4) {
        Ok(used) => used,
        Err(error) => {
            table::error(&format!("{}: {error}", program.display()));
            return None;
        }
    };
    let wall = begun.elapsed();
    if !used.status.success() {
        table::error(&format!("it ended with {}", used.status));
        return None;
    }
    let cpu = used.rusage.utime + used.rusage.stime;
    table::line(&format!(
        "{} {} {}",
        wall.as_nanos(),
        cpu.as_nanos(),
        used.rusage.maxrss
    ));
    Some(ExitCode::SUCCESS)
}

/// One line on the machine and how busy it is.
pub fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown processor", |(_, name)| name);
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let kernel = read("/proc/sys/kernel/osrelease");
    format!(
        "machine: {cores} x {model}, Linux {}; {}",
        kernel.trim(),
        load()
    )
}

/// How many processes wanted a processor in the last minute, on average.
pub fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let minute = text.split_whitespace().next().unwrap_or("?");
    format!("load {minute}")
}
