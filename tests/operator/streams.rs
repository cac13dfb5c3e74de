//! Readers that go away and machines that lack what is usual.

use std::process::Stdio;

use serde_json::json;

use crate::support::Folder;

const STEPS: &str = r#"
[steps.load]
uses = "simulated.run"
with = { target = "loaded", value = 1, class = "named" }
"#;

#[test]
fn a_reader_that_goes_away_ends_nothing() {
    let folder = Folder::of_steps(STEPS, &["load"], &json!({}));
    for verb in [
        "check",
        "plan",
        "kinds",
        "graph",
        "schema",
        "completions bash",
        "man",
        "apply --no-input",
        "runs",
    ] {
        let words: Vec<&str> = verb.split(' ').collect();
        let mut child = folder.start(&words);
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("it ends");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{verb}: {stderr}");
        assert!(!stderr.contains("panicked"), "{verb}: {stderr}");
    }
    assert_eq!(folder.effects(), ["load"]);
}

#[test]
fn no_verb_needs_more_than_a_file_system() {
    let folder = Folder::of_steps(STEPS, &["load"], &json!({}));
    for verb in ["check", "plan", "apply --no-input", "runs"] {
        let words: Vec<&str> = verb.split(' ').collect();
        let output = folder
            .command(&words)
            .env_clear()
            .env("TMPDIR", "/nonexistent")
            .env("LANG", "C")
            .env("TERM", "dumb")
            .stdout(Stdio::null())
            .output()
            .expect("the binary starts");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{verb}: {stderr}");
    }
}

#[test]
fn an_endless_file_of_inputs_is_refused() {
    let folder = Folder::of_steps(STEPS, &["load"], &json!({}));
    folder
        .salvor(&["plan", "--inputs", "/dev/zero"])
        .ends_with(2)
        .says("longer than 1048576 bytes");
}
