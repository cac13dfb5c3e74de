//! Processes of their own that play a part: this test program started again, told what to do by lines.

use std::io::BufRead as _;
use std::io::BufReader;
use std::io::Write as _;
use std::process::ChildStdin;
use std::process::ChildStdout;
use std::process::Command;
use std::process::Stdio;

use rustix::process::Pid;
use rustix::process::Signal;
use rustix::process::kill_process;

use crate::holders;
use crate::races;
use crate::store::Reach;

/// Names the part that this process plays; unset in the process of the tests themselves.
const PART: &str = "SALVOR_SHARED_STATE_PART";

/// What stands before each line that a child says: the test runner prints on the same stream.
const SAYS: &str = "@ ";

/// The test that plays the parts, as the runner knows it.
const PLAYER: &str = "child::a_child_does_what_it_is_told";

/// A process that plays a part. It ends with this value.
pub struct Child {
    process: std::process::Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Child {
    /// Starts it.
    pub fn start(part: &str, reach: &Reach) -> Self {
        let program = std::env::current_exe().expect("this program has a path");
        let mut process = Command::new(program)
            .args([PLAYER, "--exact", "--nocapture"])
            .env(PART, part)
            .env("STATE_ENDPOINT", &reach.endpoint)
            .env("STATE_KEY", &reach.access_key)
            .env("STATE_SECRET", &reach.secret_key)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program can be started");
        Self {
            to: process.stdin.take().expect("it is piped"),
            from: BufReader::new(process.stdout.take().expect("it is piped")),
            process,
        }
    }

    /// Tells it a line.
    pub fn tell(&mut self, line: &str) {
        writeln!(self.to, "{line}").expect("the child listens");
    }

    /// The next line that it says.
    #[track_caller]
    pub fn hear(&mut self) -> String {
        loop {
            let mut line = String::new();
            let length = self.from.read_line(&mut line).expect("the child speaks");
            assert!(length > 0, "the child ended without a word");
            if let Some((_, said)) = line.split_once(SAYS) {
                return said.trim_end().to_owned();
            }
        }
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal).expect("it is the test's own");
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Says a line to whoever started this process.
pub fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n{SAYS}{line}").expect("the parent listens");
    out.flush().expect("the parent listens");
}

/// The lines that this process is told.
pub fn told() -> impl Iterator<Item = String> {
    std::io::stdin()
        .lock()
        .lines()
        .map(|line| line.expect("the parent speaks"))
}

/// Plays the part that this process was started for; started as a test, it plays with one of its own.
#[test]
fn a_child_does_what_it_is_told() {
    let Some(part) = variable(PART) else {
        let reach = Reach {
            endpoint: String::new(),
            access_key: String::new(),
            secret_key: String::new(),
        };
        let mut child = Child::start("echo", &reach);
        child.tell("one");
        assert_eq!(child.hear(), "one");
        return;
    };
    let named = |name: &str| variable(name).expect("the parent set it");
    let reach = Reach {
        endpoint: named("STATE_ENDPOINT"),
        access_key: named("STATE_KEY"),
        secret_key: named("STATE_SECRET"),
    };
    match part.as_str() {
        "echo" => told().for_each(|line| say(&line)),
        "race" => races::race(&reach),
        "hold" => holders::hold(&reach),
        "write under the lock" => holders::write(&reach, holders::Heed::Lock),
        "write whatever the lock says" => holders::write(&reach, holders::Heed::Nothing),
        other => panic!("there is no part `{other}`"),
    }
}

/// A variable of the environment, when it is set.
#[expect(
    clippy::disallowed_methods,
    reason = "a child is told its part, and the tests their size, by the environment"
)]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
