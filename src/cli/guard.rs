//! The process between salvor and each program that it runs: it ends the program, with all that the program
//! started, when salvor ends without having done so.
//!
//! ```text
//! salvor ──starts──▶ salvor guard ──starts──▶ salvor become ──becomes──▶ the program ──▶ what it starts
//!                    └───────────────────────── one process group ────────────────────────────────────┘
//! ```
//!
//! The kernel can kill a child with its parent, but not a grandchild: a script would die and the `pg_restore` in
//! it would go on writing beside the one that `resume` starts. So the guard watches salvor and kills the group.
//! To salvor it looks like the program: the same streams, the same group, the same end. A program that leaves its
//! group (`setsid`) is out of reach, as a server that a step starts is meant to be.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Command;
use std::process::ExitStatus;

use rustix::process::Pid;
use rustix::process::PidfdFlags;
use rustix::process::Resource;
use rustix::process::Rlimit;
use rustix::process::Signal;
use rustix::process::getpid;
use rustix::process::getppid;
use rustix::process::kill_process;
use rustix::process::kill_process_group;
use rustix::process::pidfd_open;
use rustix::process::set_parent_process_death_signal;
use rustix::process::setrlimit;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;

use crate::cli::arguments::Child;
use crate::cli::exit::Exit;

/// The hidden verb of the process between salvor and a program.
pub const GUARD_VERB: &str = "guard";

/// The hidden verb of the process that becomes the program.
pub const BECOME_VERB: &str = "become";

/// The hidden verb that ends by a signal.
pub const END_VERB: &str = "end-by";

/// Runs a program and ends as it does, or ends it when salvor ends.
///
/// # Errors
/// When the program could not be started.
pub fn guard(child: &Child) -> io::Result<Exit> {
    let salvor = watched(child.parent)?;
    let own = std::env::current_exe()?;
    let mut program = tokio::process::Command::new(&own);
    program
        .arg(BECOME_VERB)
        .arg(getpid().as_raw_pid().to_string())
        .args(&child.arguments);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let status = runtime.block_on(async {
        // What asks the group to end is for the program, which may take its time; its guard stays until then.
        let _deaf = [
            signal(SignalKind::terminate())?,
            signal(SignalKind::interrupt())?,
            signal(SignalKind::hangup())?,
        ];
        let mut program = program.spawn()?;
        tokio::select! {
            biased;
            status = program.wait() => status,
            () = end_of(salvor) => Err(end_group()),
        }
    })?;
    ended(status, &own)
}

/// A handle of salvor that tells its end; `None` where the kernel has none (before 5.3): then the guard is killed
/// with salvor and the program with its guard, but not what the program started.
fn watched(parent: i32) -> io::Result<Option<OwnedFd>> {
    let parent = Pid::from_raw(parent);
    let handle = parent.and_then(|parent| pidfd_open(parent, PidfdFlags::empty()).ok());
    if handle.is_none() {
        set_parent_process_death_signal(Some(Signal::KILL))?;
    }
    // A process that ended before it could be watched has no children any more.
    refuse_orphan(parent)?;
    Ok(handle)
}

#[expect(
    deprecated,
    reason = "what replaces it is unsafe code; an owned descriptor is all that its promise asks for"
)]
async fn end_of(salvor: Option<OwnedFd>) {
    let Some(salvor) = salvor else {
        return std::future::pending().await;
    };
    match AsyncFd::with_interest(salvor, Interest::READABLE) {
        // Whatever comes of it: to end a program too early is the lesser evil.
        Ok(salvor) => drop(salvor.readable().await),
        Err(_) => std::future::pending().await,
    }
}

/// Kills the guard's group, and with it the guard. Returns only when that failed.
fn end_group() -> io::Error {
    match kill_process_group(getpid(), Signal::KILL) {
        Ok(()) => io::Error::other("salvor ended"),
        Err(error) => error.into(),
    }
}

/// Ends as the program did. A signal that the guard is deaf for reaches it again after it has become another program.
fn ended(status: ExitStatus, own: &std::path::Path) -> io::Result<Exit> {
    if let Some(signal) = status.signal() {
        let signal = signal.to_string();
        return Err(Command::new(own).arg(END_VERB).arg(signal).exec());
    }
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(Exit::OfProgram(code.unwrap_or(u8::MAX)))
}

/// Ends this process by a signal. Returns only when that failed.
pub fn end_by(signal: i32) -> io::Error {
    // The program's memory is of interest, not that of what stands in for it.
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    let _ = setrlimit(Resource::Core, none);
    let Some(signal) = Signal::from_named_raw(signal) else {
        return end_by(Signal::KILL.as_raw());
    };
    match kill_process(getpid(), signal) {
        Ok(()) => io::Error::other("a signal was ignored"),
        Err(error) => error.into(),
    }
}

/// Becomes another program that dies with its parent. Returns only when the program cannot be started.
///
/// The kernel forgets the request when the parent died before it was made; the check of the parent's id after it
/// closes that gap.
pub fn become_program(child: &Child) -> io::Error {
    let Some((program, rest)) = child.arguments.split_first() else {
        return io::Error::new(io::ErrorKind::InvalidInput, "no program is named");
    };
    if let Err(error) = set_parent_process_death_signal(Some(Signal::KILL)) {
        return error.into();
    }
    if let Err(error) = refuse_orphan(Pid::from_raw(child.parent)) {
        return error;
    }
    Command::new(program).args(rest).exec()
}

fn refuse_orphan(parent: Option<Pid>) -> io::Result<()> {
    if parent.is_none() || parent != getppid() {
        return Err(io::Error::other(
            "salvor ended while it started the program",
        ));
    }
    Ok(())
}
