//! All that the main verbs print on the demo's plan, byte for byte, so that a change of a word is seen in review.
//!
//! `UPDATE=1 cargo test --test operator transcript` writes what is printed now.

use std::io::BufRead as _;
use std::io::BufReader;
use std::io::Read as _;
use std::process::Child;
use std::process::ChildStderr;

use serde_json::Value;
use serde_json::json;

use crate::support::Folder;
use crate::support::Said;
use crate::support::redact::redacted;

/// One step at a time, so that their lines have one order; the database takes long enough to be killed meanwhile.
fn folder() -> Folder {
    let plan = include_str!("../../plans/demo/plan.toml")
        .replace("takes = \"25m\"", "takes = \"60m\"")
        .replace("takes = \"15m\"", "takes = \"2m\"")
        .replace("takes = \"10m\"", "takes = \"1m\"");
    let folder = Folder::with(&format!("{plan}\n[limits]\nparallel = 1\n"), &world("lost"));
    folder.write(
        "shop.conf.hbs",
        include_str!("../../plans/demo/shop.conf.hbs"),
    );
    folder.write(
        "shop.conf",
        "[database]\nhost = \"orders.simulated\"\npool = 20\n",
    );
    folder
}

fn world(state: &str) -> Value {
    let content = |rows: u64, bytes: u64| {
        json!({
            "rows": rows, "bytes": bytes, "data-until": "2026-04-06T03:26:00Z",
            "created": "2026-01-01T00:00:00Z", "state": state,
        })
    };
    let nightly = |rows: u64, bytes: u64| json!([{ "id": "nightly", "at": "2026-04-05T18:30:00Z", "rows": rows, "bytes": bytes }]);
    let mut orders = content(50_000, 3_200_000_000);
    orders["rows-per-hour"] = json!(120);
    orders["pitr-from"] = json!("2026-03-30T00:00:00Z");
    json!({
        "databases": { "orders": orders },
        "indices": { "catalogue": content(9_000, 48_000_000) },
        "objects": { "photos": content(2_000, 1_100_000_000) },
        "deployments": { "web": { "replicas": 3 } },
        "backups": {
            "databases/orders": nightly(48_900, 3_150_000_000),
            "indices/catalogue": nightly(9_000, 48_000_000),
            "objects/photos": nightly(2_000, 1_100_000_000),
        },
    })
}

/// A command that goes on, and what it has told so far.
struct Running {
    child: Child,
    stderr: BufReader<ChildStderr>,
    told: String,
}

impl Running {
    fn start(folder: &Folder, arguments: &[&str]) -> Self {
        let mut child = folder.start(arguments);
        let stderr = child.stderr.take().expect("it is piped");
        Self {
            child,
            stderr: BufReader::new(stderr),
            told: String::new(),
        }
    }

    /// Reads until a line has these words.
    fn until(&mut self, words: &str) {
        let mut line = String::new();
        while !line.contains(words) {
            line.clear();
            let length = self.stderr.read_line(&mut line).expect("it is text");
            self.told.push_str(&line);
            assert!(length > 0, "`{words}` never came in\n{}", self.told);
        }
    }

    fn kill(mut self) -> Said {
        self.child.kill().expect("it is the test's own");
        self.end()
    }

    fn end(mut self) -> Said {
        self.stderr
            .read_to_string(&mut self.told)
            .expect("it is text");
        let output = self.child.wait_with_output().expect("it ends");
        Said {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: self.told,
        }
    }
}

/// Commands and all that they printed.
struct Transcript {
    run: String,
    text: String,
}

impl Transcript {
    fn add(&mut self, command: &str, said: &Said) {
        let end = match said.code {
            Some(code) => format!("exit {code}"),
            None => "killed".to_owned(),
        };
        let told = redacted(&said.stderr, &self.run);
        let printed = redacted(&said.stdout, &self.run);
        self.text
            .push_str(&format!("$ salvor {command}\n{told}{printed}({end})\n\n"));
    }
}

#[test]
fn the_transcript_of_a_recovery_is_as_ever() {
    let folder = folder();
    folder
        .salvor(&[
            "plan",
            "--at",
            "2026-04-06T03:20Z",
            "--out",
            "shop.changeset",
        ])
        .ends_with(0);
    let mut apply = Running::start(&folder, &["apply", "shop.changeset", "--no-input"]);
    apply.until("running  orders");
    // Its work is under way, and not only about to begin.
    let is_named = |record: &Value| record["type"] == "named" && record["body"]["step"] == "orders";
    while !folder.records().iter().any(is_named) {
        std::thread::yield_now();
    }
    let killed = apply.kill();
    let run = folder.run_id();
    let mut transcript = Transcript {
        run: run.clone(),
        text: String::new(),
    };
    transcript.add("apply shop.changeset --no-input", &killed);
    transcript.add("show RUN", &folder.salvor(&["show", &run]));

    let mut resume = Running::start(&folder, &["resume", &run, "--no-input"]);
    resume.until("answer with:");
    transcript.add("show RUN", &folder.salvor(&["show", &run]));
    transcript.add("show RUN review", &folder.salvor(&["show", &run, "review"]));
    let answer = folder.salvor(&["answer", &run, "--text", "order 50017"]);
    transcript.add("resume RUN --no-input", &resume.end());
    transcript.add("answer RUN --text 'order 50017'", &answer);
    transcript.add("runs", &folder.salvor(&["runs"]));
    transcript.add("report RUN", &folder.salvor(&["report", &run]));

    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/golden/transcripts/recovery.txt"
    );
    hold(&transcript.text, path);
}

#[test]
fn the_transcript_of_a_run_that_is_given_up_is_as_ever() {
    let mut world = world("lost");
    world["deployments"] = json!({ "web": { "replicas": 1 } });
    let steps = r#"
[steps.there]
uses = "simulated.check"
with = { fact = "deployments/web/replicas", equals = 3 }
[steps.start]
uses = "exec"
needs = ["there"]
finally = true
with = { argv = ["/bin/false"], class = "convergent" }
"#;
    let folder = Folder::of_steps(steps, &["start"], &world);
    folder
        .salvor(&["plan", "--out", "x.changeset"])
        .ends_with(0);
    let apply = folder.salvor(&["apply", "x.changeset", "--no-input"]);
    let run = folder.run_id();
    let mut transcript = Transcript {
        run: run.clone(),
        text: String::new(),
    };
    transcript.add("apply x.changeset --no-input", &apply);
    let resume = folder.salvor(&["resume", &run, "--retry", "there"]);
    transcript.add("resume RUN --retry there", &resume);
    let abort = folder.salvor(&["abort", &run, "--why", "enough"]);
    transcript.add("abort RUN --why enough", &abort);
    transcript.add("report RUN", &folder.salvor(&["report", &run]));
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/golden/transcripts/given-up.txt"
    );
    hold(&transcript.text, path);
}

/// Compares a transcript with the one that is kept, or keeps it.
#[track_caller]
fn hold(text: &str, path: &str) {
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, text).expect("writable");
    }
    let kept = std::fs::read_to_string(path).expect("the golden file is there");
    assert_eq!(
        text, kept,
        "{path} is not what is printed: run `UPDATE=1 cargo test --test operator transcript`"
    );
}
