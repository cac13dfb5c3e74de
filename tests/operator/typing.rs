//! Questions that are answered at the keyboard of a terminal, which `script` of util-linux makes.

use std::io::Read as _;
use std::io::Write as _;
use std::process::ChildStdin;
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;

use serde_json::json;

use crate::support::Folder;

/// A question, beside work that goes on for long enough that a terminal is drawn anew.
const STEPS: &str = r#"
[steps.review]
uses = "manual"
with = { ask = "Is it well?", expects = "well.*" }
[steps.work]
uses = "simulated.run"
with = { target = "work", value = 1, class = "named", takes = "2s" }
"#;

/// After so long without the awaited words a test has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a person sees and types.
pub struct Terminal {
    keyboard: ChildStdin,
    shown: mpsc::Receiver<Vec<u8>>,
    seen: String,
}

impl Terminal {
    /// Starts a command of salvor at a terminal of this kind.
    pub fn start(folder: &Folder, kind: &str, arguments: &str) -> Self {
        let mut command = folder.command_of("/usr/bin/script");
        let typed = format!("{} {arguments}", env!("CARGO_BIN_EXE_salvor"));
        command.args(["--quiet", "--flush", "--command", &typed, "/dev/null"]);
        command.env("TERM", kind).stdin(Stdio::piped());
        let mut child = command.spawn().expect("util-linux");
        let keyboard = child.stdin.take().expect("it is piped");
        let mut stdout = child.stdout.take().expect("it is piped");
        let (show, shown) = mpsc::channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = stdout.read(&mut bytes) {
                let _ = show.send(bytes[..count].to_vec());
            }
            child.wait().expect("it is the test's own");
        });
        Self {
            keyboard,
            shown,
            seen: String::new(),
        }
    }

    /// Waits until the command has ended.
    #[track_caller]
    pub fn ends(&mut self) {
        loop {
            match self.shown.recv_timeout(PATIENCE) {
                Ok(_) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => return,
                Err(mpsc::RecvTimeoutError::Timeout) => panic!("it goes on: {:?}", self.seen),
            }
        }
    }

    /// What is shown from here to the end of these words.
    #[track_caller]
    pub fn until(&mut self, words: &str) -> String {
        loop {
            if let Some(at) = self.seen.find(words) {
                let rest = self.seen.split_off(at + words.len());
                return std::mem::replace(&mut self.seen, rest);
            }
            match self.shown.recv_timeout(PATIENCE) {
                Ok(bytes) => self.seen.push_str(&String::from_utf8_lossy(&bytes)),
                Err(_) => panic!("`{words}` did not come:\n{:?}", self.seen),
            }
        }
    }

    /// Types a line.
    pub fn types(&mut self, line: &str) {
        let typed = writeln!(self.keyboard, "{line}");
        typed.expect("the terminal is there");
    }
}

#[track_caller]
fn a_question_stays_until_it_is_answered(kind: &str) {
    let folder = Folder::of_steps(STEPS, &["review", "work"], &json!({}));
    let mut terminal = Terminal::start(&folder, kind, "apply");
    let prompt = "answer to review > ";
    terminal.until("Is it well?");
    terminal.until(prompt);
    let meanwhile = terminal.until("done     work");
    assert!(!meanwhile.contains("elapsed"), "wiped out: {meanwhile:?}");
    terminal.until(prompt);
    terminal.types("no");
    terminal.until("not accepted: ");
    terminal.until(prompt);
    terminal.types("well enough");
    terminal.until(": AMBER in ");
    let answered = folder.records();
    let answered = answered.iter().find(|record| record["type"] == "answered");
    assert_eq!(
        answered.expect("a record")["body"]["answer"]["text"],
        "well enough"
    );
}

#[test]
fn a_question_stays_on_a_terminal_until_it_is_answered() {
    a_question_stays_until_it_is_answered("xterm");
}

#[test]
fn a_question_stays_on_a_terminal_that_only_takes_lines() {
    a_question_stays_until_it_is_answered("dumb");
}
