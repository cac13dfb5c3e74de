//! A copy of a plan in a folder of its own, and the binary as an operator calls it there.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;

use serde_json::Value;
use tempfile::TempDir;

use crate::case::Case;

/// How a command ended and what it said.
#[derive(Clone, Debug)]
pub struct Said {
    /// The exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// Both streams: what was told, then the result.
    pub text: String,
}

impl Said {
    /// Fails unless the command ended with this code.
    #[track_caller]
    pub fn ends_with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}", self.text);
        self
    }

    /// Fails unless it has these words.
    #[track_caller]
    pub fn says(self, words: &str) -> Self {
        assert!(
            self.text.contains(words),
            "`{words}` is missing in\n{}",
            self.text
        );
        self
    }
}

/// A plan's folder and the environment in which salvor runs.
pub struct World {
    plan: &'static str,
    environment: BTreeMap<String, String>,
    goal: Option<String>,
    folder: TempDir,
}

impl World {
    /// A copy of this plan below plans/, and an empty folder of programs.
    pub fn of(plan: &'static str) -> Self {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::Builder::new()
            .prefix("salvor-plan-")
            .permissions(fs::Permissions::from_mode(0o755))
            .tempdir()
            .expect("a temporary folder");
        let source = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("plans")
            .join(plan);
        copy_folder(&source, &folder.path().join(plan));
        fs::create_dir(folder.path().join("programs")).expect("the folder is ours");
        Self {
            plan,
            environment: BTreeMap::new(),
            goal: None,
            folder,
        }
    }

    /// Sets a variable of the environment.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.environment.insert(name.to_owned(), value.into());
    }

    /// Gives an input of the plan.
    pub fn give(&mut self, input: &str, value: impl Into<String>) {
        let name = input.to_uppercase().replace('-', "_");
        self.set(&format!("SALVOR_INPUT_{name}"), value);
    }

    /// Has every plan go back to this moment, and not to the newest.
    pub fn recover_to(&mut self, moment: String) {
        self.goal = Some(moment);
    }

    /// A path below the folder of everything.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A file of the plan's folder.
    pub fn plan_file(&self, name: &str) -> PathBuf {
        self.path(self.plan).join(name)
    }

    /// What a file of the plan's folder holds.
    pub fn read(&self, name: &str) -> String {
        let path = self.plan_file(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// A command of salvor, without a terminal.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_salvor"));
        let programs = self.path("programs");
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", programs.display()))
            .env("TZ", "UTC")
            .env("SALVOR_OPERATOR", "j.doe")
            .envs(&self.environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs a command of salvor to its end.
    pub fn salvor(&self, arguments: &[&str]) -> Said {
        let output = self.command(arguments).output().expect("salvor starts");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Said {
            code: output.status.code(),
            text: text(&output.stderr) + &text(&output.stdout),
        }
    }

    /// Plans a case; `out` is the file of the change set.
    pub fn plan(&self, case: &Case, out: Option<&str>) -> Said {
        let mut words = vec!["plan".to_owned(), self.plan.to_owned()];
        words.extend(["--inputs".to_owned(), self.example()]);
        words.extend(["--scenario".to_owned(), case.scenario.to_owned()]);
        for (input, value) in case.inputs {
            words.extend(["--input".to_owned(), format!("{input}={value}")]);
        }
        if let Some(goal) = &self.goal {
            words.extend(["--at".to_owned(), goal.clone()]);
        }
        if let Some(file) = out {
            words.extend(["--out".to_owned(), format!("{}/{file}", self.plan)]);
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        self.salvor(&words)
    }

    /// The inputs that the plan's example gives; what the world gives in its environment wins.
    fn example(&self) -> String {
        format!("{}/example.inputs.toml", self.plan)
    }

    /// The command that applies a saved change set, with the fingerprints of all that it destroys.
    pub fn apply(&self, file: &str) -> Command {
        let mut words = vec!["apply".to_owned(), format!("{}/{file}", self.plan)];
        words.push("--no-input".to_owned());
        for fingerprint in self.fingerprints(file) {
            words.extend(["--confirm".to_owned(), fingerprint]);
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        self.command(&words)
    }

    /// What must be confirmed of a saved change set.
    pub fn fingerprints(&self, file: &str) -> Vec<String> {
        let saved: Value = serde_json::from_str(&self.read(file)).expect("a change set is JSON");
        let mut found = Vec::new();
        for step in saved["change-set"]["steps"].as_array().expect("its steps") {
            for confirmation in step["confirm"].as_array().into_iter().flatten() {
                let fingerprint = confirmation["fingerprint"].as_str();
                found.push(fingerprint.expect("a fingerprint is text").to_owned());
            }
        }
        found
    }

    /// The command that goes on with a run.
    pub fn resume(&self, run: &str) -> Command {
        self.command(&["resume", run, "--plan-dir", self.plan, "--no-input"])
    }

    /// A verb about a run: its report, its state, its journal.
    pub fn about(&self, words: &[&str], run: &str) -> Said {
        let arguments = [words, &[run, "--plan-dir", self.plan]].concat();
        self.salvor(&arguments)
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder of the plan") {
        let entry = entry.expect("an entry of it");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a file of the plan");
        }
    }
}

/// A moment so many hours ago, as a person writes it down: what a plan keeps is counted from now.
pub fn hours_ago(hours: i64) -> String {
    let now: jiff::Timestamp = now().parse().expect("it is a moment");
    let then = jiff::Timestamp::from_second(now.as_second() - hours * 3600);
    then.expect("a moment of our time").to_string()
}

/// This moment.
#[expect(
    clippy::disallowed_methods,
    reason = "salvor's own clock is the machine's, and refuses what is in its future or out of its retention"
)]
pub fn now() -> String {
    jiff::Timestamp::now().to_string()
}

/// A moment as names of backups have it: 20260406T020000Z.
pub fn compact(moment: &str) -> String {
    moment.replace(['-', ':'], "")
}
