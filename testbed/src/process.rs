//! Turns a program and its arguments into a running server that never outlives this process.
//!
//! Each server is the leader of a process group of its own, so that a terminal's ctrl-c does not reach it and
//! its children can be ended with it. `setpriv --pdeathsig` has the kernel signal it when its parent ends by any
//! means, `kill -9` included.

mod starter;
mod table;

use std::ffi::OsString;
use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::ExitStatus;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;
use rustix::process::Pid;
use rustix::process::Signal;

use crate::account::Account;
use crate::command::last_lines;
use crate::process::table::children_of;
use crate::process::table::state_of;
use crate::surroundings;
use crate::surroundings::Deadline;

/// How often a server is asked whether it is ready or has ended.
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// How long the kernel may take to remove a process that was killed.
const KILL_TIMEOUT: Duration = Duration::from_secs(10);

/// What the kernel sends to a server whose parent has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeathSignal {
    /// SIGKILL: for servers that leave nothing behind in the kernel.
    Kill,
    /// SIGQUIT: PostgreSQL ends at once, and still frees its shared memory.
    Quit,
    /// SIGINT: PostgreSQL writes a last checkpoint and ends.
    Interrupt,
}

impl DeathSignal {
    fn name(self) -> &'static str {
        match self {
            DeathSignal::Kill => "KILL",
            DeathSignal::Quit => "QUIT",
            DeathSignal::Interrupt => "INT",
        }
    }
}

/// What to start.
#[derive(Debug)]
pub(crate) struct Launch<'a> {
    /// The name for messages.
    pub(crate) name: &'static str,
    /// The program.
    pub(crate) program: PathBuf,
    /// Its arguments.
    pub(crate) arguments: Vec<OsString>,
    /// Its environment besides `PATH`; nothing of ours is handed down, so that no setting of a machine reaches it.
    pub(crate) environment: Vec<(&'static str, OsString)>,
    /// The account to run as. Nothing: as this process.
    pub(crate) account: Option<&'a Account>,
    /// What it is sent when this process ends.
    pub(crate) death_signal: DeathSignal,
    /// Where its output is appended.
    pub(crate) log: PathBuf,
}

/// A running server.
#[derive(Debug)]
pub(crate) struct ServerProcess {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

/// How the wait for a server ended.
#[derive(Debug)]
pub(crate) enum Startup {
    /// It answers.
    Ready,
    /// It ended because its port is in use. Another port may do.
    PortInUse,
}

impl ServerProcess {
    /// Starts a server. It may not be ready yet: see [`ServerProcess::wait_until_ready`].
    ///
    /// # Errors
    /// The log cannot be opened, or `setpriv` (of Debian's `util-linux`) is not there. That the *program* is not
    /// there shows as an early end.
    pub(crate) fn start(launch: Launch<'_>) -> Result<ServerProcess> {
        let Launch {
            name,
            program,
            arguments,
            environment,
            account,
            death_signal,
            log,
        } = launch;
        let opening = || format!("open the log {}", log.display());
        // Emptied, so that the reason for an early end is never read from an earlier start.
        let output = File::create(&log).with_context(opening)?;
        let errors = output.try_clone().with_context(opening)?;
        let mut command = Command::new("setpriv");
        command
            .arg("--pdeathsig")
            .arg(death_signal.name())
            .args(account.map(Account::setpriv_options).into_iter().flatten())
            .arg("--")
            .arg(&program)
            .args(arguments)
            .env_clear()
            .env(
                "PATH",
                surroundings::variable("PATH").unwrap_or_else(|| "/usr/bin:/bin".into()),
            )
            .envs(environment)
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .process_group(0);
        let child = starter::spawn(command)
            .with_context(|| format!("start {name} by setpriv, which is in Debian's util-linux"))?;
        Ok(ServerProcess { name, child, log })
    }

    /// Waits until `is_ready` says so.
    ///
    /// # Errors
    /// The server ended for another reason than its port, or the limit has passed. Both quote the log.
    pub(crate) fn wait_until_ready(
        &mut self,
        limit: Duration,
        mut is_ready: impl FnMut() -> bool,
    ) -> Result<Startup> {
        let deadline = Deadline::after(limit);
        loop {
            let answers = is_ready();
            // Asked after the answer: a foreign server on our port may have given it.
            if let Some(status) = self.try_wait()? {
                let log = self.log_text();
                if log.contains("already in use") {
                    return Ok(Startup::PortInUse);
                }
                bail!(
                    "{} ended with {status} before it was ready:\n{}",
                    self.name,
                    last_lines(&log)
                );
            }
            if answers {
                return Ok(Startup::Ready);
            }
            if deadline.is_over() {
                bail!(
                    "{} was not ready after {:?}:\n{}",
                    self.name,
                    deadline.limit(),
                    last_lines(&self.log_text())
                );
            }
            std::thread::sleep(POLL_INTERVAL);
        }
    }

    /// Returns the process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Returns the exit status where the server has ended.
    ///
    /// # Errors
    /// The kernel does not know the child, which is a bug.
    pub(crate) fn try_wait(&mut self) -> Result<Option<ExitStatus>> {
        self.child
            .try_wait()
            .with_context(|| format!("ask whether {} has ended", self.name))
    }

    /// Sends a signal to the server, not to its children.
    ///
    /// # Errors
    /// The server has ended.
    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        rustix::process::kill_process(self.pid(), signal)
            .with_context(|| format!("send {signal:?} to {}", self.name))
    }

    /// Waits until the server has ended.
    ///
    /// # Errors
    /// The limit has passed.
    pub(crate) fn wait_for_end(&mut self, limit: Duration) -> Result<ExitStatus> {
        let deadline = Deadline::after(limit);
        loop {
            if let Some(status) = self.try_wait()? {
                return Ok(status);
            }
            if deadline.is_over() {
                bail!(
                    "{} had not ended after {limit:?}:\n{}",
                    self.name,
                    last_lines(&self.log_text())
                );
            }
            std::thread::sleep(POLL_INTERVAL);
        }
    }

    /// Ends the server, its process group and its direct children by SIGKILL, and waits until all are gone: what
    /// a crash of all its processes at the same moment looks like.
    ///
    /// # Errors
    /// A process stays after ten seconds.
    pub(crate) fn kill(&mut self) -> Result<()> {
        if self.try_wait()?.is_some() {
            return Ok(());
        }
        // A stopped parent neither starts children nor reaps them, so none is missed and no number in the list
        // can come to mean another process. PostgreSQL's children lead groups of their own: ending the group
        // of the server does not reach them.
        self.signal(Signal::STOP)?;
        let deadline = Deadline::after(KILL_TIMEOUT);
        wait(deadline, "a server to stop", || {
            !matches!(state_of(self.pid()), Some('R' | 'S' | 'D'))
        })?;
        let children = children_of(self.pid())?;
        for child in &children {
            // One that has ended meanwhile is what is wanted.
            let _ = rustix::process::kill_process(*child, Signal::KILL);
        }
        self.kill_group();
        self.wait_for_end(KILL_TIMEOUT)?;
        for child in children {
            // An orphan that ended may stay as a zombie where the first process of a container reaps nothing.
            wait(deadline, "a server's child to end", || {
                matches!(state_of(child), None | Some('Z' | 'X'))
            })?;
        }
        Ok(())
    }

    fn kill_group(&self) {
        // The group is gone when all its processes are, which is what is wanted.
        let _ = rustix::process::kill_process_group(self.pid(), Signal::KILL);
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    fn log_text(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap_or_default()).into_owned()
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) && self.kill().is_err() {
            self.kill_group();
        }
        // A killed child is reaped, so that a long test run leaves no zombies.
        let _ = self.child.wait();
    }
}

/// Waits until a process that is not our child has ended; gives up silently at the limit.
pub(crate) fn wait_for_foreign_end(pid: Pid, limit: Duration) {
    let _ = wait(Deadline::after(limit), "a process to end", || {
        matches!(state_of(pid), None | Some('Z' | 'X'))
    });
}

/// Polls until `is_done`.
pub(crate) fn wait(
    deadline: Deadline,
    what: &str,
    mut is_done: impl FnMut() -> bool,
) -> Result<()> {
    while !is_done() {
        if deadline.is_over() {
            bail!("waited {:?} in vain for {what}", deadline.limit());
        }
        std::thread::sleep(POLL_INTERVAL);
    }
    Ok(())
}
