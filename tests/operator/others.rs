//! Two runs of one environment: none goes over the other in silence.

use serde_json::json;

use crate::support::Folder;

/// A step that writes what the input says, and a question after it.
const WRITTEN: &str = r#"
[steps.load]
uses = "exec"
with = { argv = ["/bin/sh", "load.sh", "{{inputs.value}}"], class = "convergent" }
[steps.review]
uses = "manual"
needs = ["load"]
timeout = "1s"
with = { ask = "Is it well?", evidence = "confirm" }
[inputs.value]
type = "string"
default = "1"
"#;

fn folder() -> Folder {
    let folder = Folder::of_steps(WRITTEN, &["review"], &json!({}));
    folder.write("load.sh", "echo \"$1\" > loaded\n");
    folder
}

/// The run that was not there before.
fn new_run(folder: &Folder, before: &[String]) -> String {
    let mut runs = folder.run_ids();
    runs.retain(|run| !before.contains(run));
    assert_eq!(runs.len(), 1, "{runs:?}");
    runs.remove(0)
}

#[test]
fn an_older_run_does_not_go_on_over_a_newer_one() {
    let folder = folder();
    folder
        .salvor(&["apply", "--no-input", "--input", "value=1"])
        .ends_with(5);
    let older = new_run(&folder, &[]);
    folder
        .salvor(&["apply", "--no-input", "--input", "value=2"])
        .ends_with(5)
        .says(&format!("note: run {older} is open"));
    let newer = new_run(&folder, std::slice::from_ref(&older));
    for verb in ["resume", "abort"] {
        folder
            .salvor(&[verb, &older])
            .ends_with(4)
            .says(&format!("run {newer} is newer, and has begun `load`"))
            .says("add --despite RUN");
    }
    assert_eq!(folder.read("loaded"), "2\n");
    folder
        .salvor(&["resume", &newer, "--no-input"])
        .ends_with(5);
    folder
        .salvor(&["resume", &older, "--no-input", "--despite", &newer])
        .ends_with(5);
    folder
        .salvor(&["report", &older, "--format", "json"])
        .ends_with(0)
        .says(&format!("despite run {newer}"));
    folder
        .salvor(&["abort", &older, "--despite", &newer])
        .ends_with(0);
}

#[test]
fn nothing_is_begun_beside_a_step_of_which_nobody_knows() {
    let steps = r#"
[steps.load]
uses = "exec"
with = { argv = ["/bin/sleep", "600"] }
"#;
    let folder = Folder::of_steps(steps, &["load"], &json!({}));
    let mut apply = folder.start(&["apply", "--no-input"]);
    folder.wait_for("intent");
    apply.kill().expect("it is the test's own");
    apply.wait().expect("it was killed");
    let open = folder.run_id();
    folder
        .apply()
        .ends_with(4)
        .says(&format!(
            "run {open} is open, and nobody knows what became of `load`"
        ))
        .says("`salvor resume RUN` finds it out");
    assert_eq!(folder.run_ids(), [open.as_str()], "nothing was begun");
    let mut beside = folder.start(&["apply", "--no-input", "--despite", &open]);
    while folder.run_ids().len() < 2 {
        std::thread::yield_now();
    }
    beside.kill().expect("it is the test's own");
    beside.wait().expect("it was killed");
}

#[test]
fn nothing_is_begun_beside_a_journal_that_cannot_be_read() {
    let folder = folder();
    folder.apply().ends_with(5);
    let run = folder.run_id();
    let path = folder.journal_path();
    let text = std::fs::read_to_string(&path).expect("the journal is there");
    std::fs::write(&path, text.replacen("\"intent\"", "\"intend\"", 1))
        .expect("the journal can be written");
    folder
        .apply()
        .ends_with(4)
        .says(&format!("the journal of run {run} cannot be read: "));
    folder
        .salvor(&["apply", "--no-input", "--despite", &run[..4]])
        .ends_with(5);
}
