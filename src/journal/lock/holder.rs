//! The process that holds a lock or writes a journal, named so that another one can tell whether it lives.
//!
//! Process ids are used again: a pid means something only together with the moment at which the process
//! started and the boot of the machine. A process on another host is never judged from here.

use std::fmt;
use std::fs;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

/// A process that works on a run, and the person who started it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Holder {
    /// The person, as the operating system or the login names them.
    pub by: String,
    /// The name of the host.
    pub host: String,
    /// The kernel's id of this boot of the host, and after a slash that of the process's own space of process ids, where
    /// the system tells it; empty where it has none.
    pub boot: String,
    /// The process id.
    pub pid: u32,
    /// When the process started, in the kernel's ticks since boot; 0 where it cannot be known.
    pub started: u64,
}

/// What can be said about a holder's process from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Liveness {
    /// It runs.
    Alive,
    /// It was stopped (SIGSTOP, a debugger) and may go on at any time.
    Stopped,
    /// It is gone, or its host was booted again.
    Dead,
    /// It is on another host, or this system does not tell.
    CannotTell,
}

impl Holder {
    /// This process, started by `by`.
    pub fn of_this_process(by: impl Into<String>) -> Self {
        let pid = std::process::id();
        Self {
            by: by.into(),
            host: host_name(),
            boot: boot_id(),
            pid,
            started: process_status(pid).map_or(0, |status| status.started),
        }
    }

    /// Whether the process lives, judged by process table and boot id of this host.
    pub fn liveness(&self) -> Liveness {
        let boot = boot_id();
        if self.host != host_name() || boot.is_empty() || self.started == 0 {
            return Liveness::CannotTell;
        }
        if self.boot != boot {
            // A container sees the same kernel and other processes: a pid of it means nothing here.
            let kernel = |boot: &str| boot.split('/').next().map(str::to_owned);
            return match kernel(&self.boot) == kernel(&boot) {
                true => Liveness::CannotTell,
                false => Liveness::Dead,
            };
        }
        match process_status(self.pid) {
            Some(status) if status.started != self.started => Liveness::Dead,
            Some(status) => match status.state {
                'T' | 't' => Liveness::Stopped,
                'Z' | 'X' | 'x' => Liveness::Dead,
                _ => Liveness::Alive,
            },
            None => Liveness::Dead,
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { by, host, pid, .. } = self;
        write!(f, "{by} on {host} (pid {pid})")
    }
}

struct ProcessStatus {
    state: char,
    started: u64,
}

/// State and start time of a process out of `/proc/PID/stat` (proc_pid_stat(5), fields 3 and 22). The name
/// in field 2 may hold blanks and parentheses, so the fields are counted from the last `)`.
fn process_status(pid: u32) -> Option<ProcessStatus> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    let started = fields.nth(18)?.parse().ok()?;
    Some(ProcessStatus { state, started })
}

fn boot_id() -> String {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    match (boot.trim(), fs::read_link("/proc/self/ns/pid")) {
        ("", _) | (_, Err(_)) => boot.trim().to_owned(),
        (boot, Ok(space)) => format!("{boot}/{}", space.display()),
    }
}

fn host_name() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::Holder;
    use super::Liveness;

    #[test]
    fn this_process_lives_and_a_former_one_of_its_pid_does_not() {
        let holder = Holder::of_this_process("j.doe");
        assert_eq!(holder.liveness(), Liveness::Alive);
        let former = Holder {
            started: holder.started - 1,
            ..holder.clone()
        };
        assert_eq!(former.liveness(), Liveness::Dead);
        let rebooted = Holder {
            boot: "another".to_owned(),
            ..holder.clone()
        };
        assert_eq!(rebooted.liveness(), Liveness::Dead);
        let in_a_container = Holder {
            boot: format!("{}x", holder.boot),
            ..holder.clone()
        };
        assert_eq!(in_a_container.liveness(), Liveness::CannotTell);
        let elsewhere = Holder {
            host: "another".to_owned(),
            ..holder
        };
        assert_eq!(elsewhere.liveness(), Liveness::CannotTell);
    }

    #[test]
    fn a_stopped_process_is_told_from_a_running_one() {
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .expect("sleep starts");
        let pid = child.id();
        let process = rustix::process::Pid::from_child(&child);
        let holder = Holder {
            pid,
            started: super::process_status(pid).expect("it runs").started,
            ..Holder::of_this_process("j.doe")
        };
        rustix::process::kill_process(process, rustix::process::Signal::STOP).expect("it is ours");
        // The kernel delivers the signal soon, not at once.
        while holder.liveness() == Liveness::Alive {
            std::thread::yield_now();
        }
        assert_eq!(holder.liveness(), Liveness::Stopped);
        child.kill().expect("it is ours");
        child.wait().expect("it is ours");
        assert_eq!(holder.liveness(), Liveness::Dead);
    }
}
