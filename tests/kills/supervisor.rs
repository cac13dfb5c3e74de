//! Runs one salvor until it ends or is killed at a chosen moment, and answers what it asks meanwhile.
//!
//! strace stretches the moments around a sync of the journal so that they can be hit, and tells each system call
//! of salvor and its children, so that the n-th of them can be. It changes nothing else.

use std::fs::File;
use std::io::BufRead as _;
use std::io::BufReader;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Child;
use std::process::Command;
use std::process::ExitStatus;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rustix::fs::FileType;
use rustix::fs::Mode;

use crate::world::World;

/// The system calls that are counted: those that change or read something outside of the process.
const CALLS: &str = "trace=write,pwrite64,writev,fdatasync,fsync,rename,renameat,renameat2,openat,close,connect,\
    sendto,sendmsg,recvfrom,recvmsg,read,clone,clone3,execve,unlink,unlinkat,ftruncate,flock,fallocate,mkdir,wait4,kill";

/// For how long a sync is stretched, in microseconds.
const STRETCH: u32 = 20_000;

/// Longer than any run of the plan takes, in looks of a millisecond.
const LOOKS_MAX: u32 = 120_000;

/// When salvor is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blow {
    /// Never; its system calls are counted.
    Never,
    /// When so many records are in the file, the last of them not yet synced.
    Written(usize),
    /// When so many records are synced, before anything is told of the last.
    Synced(usize),
    /// After so many system calls.
    Calls(u64),
}

/// How it ended.
#[derive(Debug)]
pub struct Ending {
    /// Whether the blow fell before it ended by itself.
    pub was_killed: bool,
    /// Its status.
    pub status: ExitStatus,
    /// The system calls that were seen.
    pub calls: u64,
}

/// Runs `apply` or `resume` under strace until the blow.
pub fn strike(world: &World<'_>, arguments: &[&str], blow: Blow) -> Ending {
    let mut strace = Command::new("strace");
    strace.args(["-f", "-D", "-qq"]);
    let mut counter = None;
    match blow {
        Blow::Written(_) | Blow::Synced(_) => {
            let side = if matches!(blow, Blow::Written(_)) {
                "enter"
            } else {
                "exit"
            };
            strace.args(["-o", "/dev/null", "-e", "trace=fdatasync", "-e"]);
            strace.arg(format!("inject=fdatasync:delay_{side}={STRETCH}"));
        }
        Blow::Calls(_) | Blow::Never => {
            let pipe = world.folder.join("calls");
            if !pipe.exists() {
                rustix::fs::mknodat(
                    rustix::fs::CWD,
                    &pipe,
                    FileType::Fifo,
                    Mode::RUSR | Mode::WUSR,
                    0,
                )
                .expect("a pipe");
            }
            strace
                .args(["-e", CALLS, "-e", "signal=none", "-o"])
                .arg(&pipe);
            counter = Some(pipe);
        }
    }
    strace.arg(env!("CARGO_BIN_EXE_salvor")).args(arguments);
    let child = start(world, world.with_environment(strace));
    let calls = Arc::new(AtomicU64::new(0));
    let reader = counter.map(|pipe| {
        let calls = Arc::clone(&calls);
        std::thread::spawn(move || {
            let pipe = BufReader::new(File::open(pipe).expect("the pipe"));
            for _ in pipe.split(b'\n') {
                calls.fetch_add(1, Ordering::Relaxed);
            }
        })
    });
    let ending = attend(world, child, &calls, blow);
    if let Some(reader) = reader {
        reader.join().expect("the reader of the pipe");
    }
    Ending {
        calls: calls.load(Ordering::Relaxed),
        ..ending
    }
}

/// Runs salvor without strace to its own end.
pub fn finish(world: &World<'_>, arguments: &[&str]) -> ExitStatus {
    let mut command = world.salvor();
    command.args(arguments);
    let child = start(world, command);
    attend(world, child, &AtomicU64::new(0), Blow::Never).status
}

/// Starts a command whose words go to the file `said`.
pub fn start(world: &World<'_>, mut command: Command) -> Child {
    let said = File::options()
        .append(true)
        .create(true)
        .open(world.folder.join("said"))
        .expect("a file");
    command
        .stdin(Stdio::null())
        .stdout(said.try_clone().expect("a file"))
        .stderr(said)
        .spawn()
        .expect("it can be started")
}

fn attend(world: &World<'_>, mut child: Child, calls: &AtomicU64, blow: Blow) -> Ending {
    let mut answers = Vec::new();
    let mut was_killed = false;
    for look in 0.. {
        assert!(look < LOOKS_MAX, "it goes on for ever: {:?}", world.folder);
        if let Some(status) = child.try_wait().expect("our child") {
            for mut answer in answers {
                Child::wait(&mut answer).expect("our child");
            }
            was_killed &= status.signal() == Some(9);
            return Ending {
                was_killed,
                status,
                calls: 0,
            };
        }
        let is_due = match blow {
            Blow::Never => false,
            Blow::Written(number) | Blow::Synced(number) => world.length() >= number,
            Blow::Calls(number) => calls.load(Ordering::Relaxed) >= number,
        };
        if is_due && !was_killed {
            if matches!(blow, Blow::Synced(_)) {
                // The sync itself takes about one millisecond, the stretched return from it twenty.
                std::thread::sleep(Duration::from_millis(6));
            }
            child.kill().expect("our child");
            was_killed = true;
        }
        if answers.is_empty() && !was_killed && is_asked(world) {
            answers.push(answer(world));
        }
        // The pipe is read at once; the file is looked at this often.
        std::thread::sleep(Duration::from_micros(500));
    }
    unreachable!("the loop ends by return")
}

/// Whether the manual step waits for an answer that nobody has left yet.
pub fn is_asked(world: &World<'_>) -> bool {
    let Some(path) = world.journal() else {
        return false;
    };
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    let inbox = path.with_file_name("inbox");
    text.contains(r#""type":"asked""#)
        && !text.contains(r#""type":"answered""#)
        && std::fs::read_dir(inbox).is_ok_and(|mut entries| entries.next().is_none())
}

fn answer(world: &World<'_>) -> Child {
    let run = world.run_id().expect("a run that asks");
    let mut command = world.salvor();
    command.args(["answer", &run, "review", "--text", "it sells"]);
    start(world, command)
}
