//! A plan's folder on disk and the commands that a person types in it, for tests that look at what is printed.

pub mod redact;

use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;

use serde_json::Value;

/// After so long without the awaited record a test has failed.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

/// How a command ended and what it said.
#[derive(Clone, Debug)]
pub struct Said {
    /// The exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// Results.
    pub stdout: String,
    /// Progress, warnings, errors.
    pub stderr: String,
}

impl Said {
    /// Both streams, for messages of failed assertions.
    pub fn all(&self) -> String {
        format!(
            "exit {:?}\n--- stdout\n{}--- stderr\n{}",
            self.code, self.stdout, self.stderr
        )
    }

    /// Fails unless the command ended with this code.
    #[track_caller]
    pub fn ends_with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}", self.all());
        self
    }

    /// Fails unless one of the streams has these words.
    #[track_caller]
    pub fn says(self, words: &str) -> Self {
        let has = self.stdout.contains(words) || self.stderr.contains(words);
        assert!(has, "`{words}` is missing in\n{}", self.all());
        self
    }
}

/// A plan's folder.
pub struct Folder {
    root: tempfile::TempDir,
}

impl Folder {
    /// A folder with this plan and this world.
    pub fn with(plan: &str, world: &Value) -> Self {
        let folder = Self {
            root: tempfile::tempdir().expect("a folder for the test"),
        };
        folder.write("plan.toml", plan);
        folder.write("world.json", &world.to_string());
        folder
    }

    /// A folder whose plan has these steps and one scenario whose goals are these.
    pub fn of_steps(steps: &str, goal: &[&str], world: &Value) -> Self {
        let head = "format = 1\n[plan]\nname = \"shop\"\ntitle = \"Recover the shop\"\n[providers.simulated]\n";
        let goal = goal.iter().map(|step| format!("{step:?}"));
        let goal = goal.collect::<Vec<_>>().join(", ");
        let tail = format!("[scenarios.full]\ngoal = [{goal}]\n");
        Self::with(&format!("{head}{steps}\n{tail}"), world)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.root.path()
    }

    /// Writes a file.
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).expect("the test's folder can be written");
    }

    /// Reads a file.
    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path().join(name)).expect("the file is there")
    }

    /// A command in this folder, without a terminal.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.command_of(env!("CARGO_BIN_EXE_salvor"));
        command.args(arguments);
        command
    }

    /// Any program as [`Folder::command`] starts salvor.
    pub fn command_of(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.path())
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("TZ", "UTC")
            .env("SALVOR_OPERATOR", "kim")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs a command to its end.
    pub fn salvor(&self, arguments: &[&str]) -> Said {
        let output = self.command(arguments).output().expect("the binary starts");
        said(&output)
    }

    /// Starts a command that goes on beside the test.
    pub fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).spawn().expect("the binary starts")
    }

    /// Applies the plan without asking anything.
    pub fn apply(&self) -> Said {
        self.salvor(&["apply", "--no-input"])
    }

    /// The id of the only run.
    #[track_caller]
    pub fn run_id(&self) -> String {
        let mut runs = self.run_ids();
        assert_eq!(runs.len(), 1, "{runs:?}");
        runs.remove(0)
    }

    /// The ids of all runs, by name.
    pub fn run_ids(&self) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.path().join(".salvor/runs")) else {
            return Vec::new();
        };
        let mut names: Vec<String> = entries
            .map(|entry| entry.expect("an entry").file_name())
            .map(|name| name.into_string().expect("a run's id is text"))
            .collect();
        names.sort();
        names
    }

    /// Where the journal of the only run is.
    pub fn journal_path(&self) -> PathBuf {
        self.path()
            .join(".salvor/runs")
            .join(self.run_id())
            .join("journal")
    }

    /// The whole records of the only run's journal.
    pub fn records(&self) -> Vec<Value> {
        let Ok(text) = std::fs::read_to_string(self.journal_path()) else {
            return Vec::new();
        };
        let line = |line: &str| serde_json::from_str(line).ok();
        text.lines().filter_map(line).collect()
    }

    /// The types of the records, in their order.
    pub fn record_types(&self) -> Vec<String> {
        let name = |record: &Value| record["type"].as_str().unwrap_or_default().to_owned();
        self.records().iter().map(name).collect()
    }

    /// What the world counts as effects: the steps, in the order in which they had them.
    pub fn effects(&self) -> Vec<String> {
        let effect = |effect: &Value| effect["step"].as_str().unwrap_or_default().to_owned();
        let world = self.world();
        let effects = world["effects"].as_array().cloned().unwrap_or_default();
        effects.iter().map(effect).collect()
    }

    /// The world as it is.
    pub fn world(&self) -> Value {
        serde_json::from_str(&self.read("world.json")).expect("the world is JSON")
    }

    /// Waits until the only run has a record of this type.
    #[track_caller]
    pub fn wait_for(&self, kind: &str) {
        let is_there =
            || self.run_ids().len() == 1 && self.record_types().iter().any(|found| found == kind);
        #[expect(
            clippy::disallowed_methods,
            reason = "only how long a broken test waits depends on it"
        )]
        let now = std::time::Instant::now;
        let began = now();
        while !is_there() {
            assert!(now() - began < PATIENCE, "no record `{kind}` came");
            std::thread::yield_now();
        }
    }
}

/// Waits for the end of a command that was started beside the test.
pub fn ended(child: Child) -> Said {
    said(&child.wait_with_output().expect("it is the test's own"))
}

fn said(output: &std::process::Output) -> Said {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Said {
        code: output.status.code(),
        stdout: text(&output.stdout),
        stderr: text(&output.stderr),
    }
}
