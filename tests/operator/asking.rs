//! Questions: how long an answer is waited for, which answer will do, and what is left when nobody gives one.

use serde_json::json;

use crate::support::Folder;

fn asking(with: &str, more: &str) -> Folder {
    let steps = format!(
        r#"
[steps.review]
uses = "manual"
with = {{ ask = "Is it well?", {with} }}
{more}
"#
    );
    Folder::of_steps(&steps, &["review"], &json!({}))
}

#[test]
fn a_question_that_nobody_answers_fails_its_step_and_a_resume_asks_again() {
    let folder = asking(r#"evidence = "text""#, "timeout = \"1s\"");
    folder
        .apply()
        .ends_with(5)
        .says("nobody answered within 1s")
        .says("Resume the run: it asks again.");
    let run = folder.run_id();
    folder
        .salvor(&["resume", &run, "--no-input"])
        .ends_with(5)
        .says("nobody answered within 1s");
    let asked = folder.record_types();
    assert_eq!(asked.iter().filter(|kind| *kind == "asked").count(), 2);
}

#[test]
fn the_time_for_an_answer_is_told() {
    let folder = asking(r#"evidence = "text""#, "timeout = \"90m\"");
    let mut apply = folder.start(&["apply", "--no-input"]);
    folder.wait_for("asked");
    let run = folder.run_id();
    folder
        .salvor(&["show", &run])
        .ends_with(0)
        .says("Is it well? (until ");
    folder
        .salvor(&["show", &run, "review"])
        .ends_with(0)
        .says(": then the step fails");
    apply.kill().expect("it is the test's own");
    apply.wait().expect("it was killed");
}

#[test]
fn an_answer_that_will_not_do_is_refused_and_the_question_stays_open() {
    let folder = asking(r#"evidence = "confirm", role = "lead""#, "");
    let apply = folder.start(&["apply", "--no-input"]);
    folder.wait_for("asked");
    let run = folder.run_id();
    folder
        .salvor(&["answer", &run, "--text", "no"])
        .ends_with(4)
        .says("the answer to review will not do: `no` is not `yes`");
    folder
        .salvor(&["answer", &run, "--text", "yes", "--role", "guest"])
        .ends_with(4)
        .says("the step asks for lead");
    // Left by hand, as an older salvor would have: the process that works on the run refuses it as well.
    let answer = json!({ "text": "no", "by": "kim", "role": "lead", "at": "2026-04-06T02:00:00Z", "file": null });
    let inbox = format!(".salvor/runs/{run}/inbox/review.json");
    std::fs::create_dir_all(folder.path().join(&inbox).parent().expect("it has one"))
        .expect("the test's folder can be written");
    folder.write(&inbox, &answer.to_string());
    while folder.path().join(&inbox).exists() {
        std::thread::yield_now();
    }
    folder
        .salvor(&["answer", &run, "--text", "yes"])
        .ends_with(0);
    let output = apply.wait_with_output().expect("it ends");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    assert!(told.contains("not accepted: `no` is not `yes`"), "{told}");
    // Nobody said that they are of the role that was asked.
    (folder.salvor(&["report", &run])).says("review: kim answered, role not said: yes");
}

#[test]
fn a_plan_says_whom_it_asks_for_what() {
    let folder = asking(
        r#"evidence = "text", role = "lead", expects = "[0-9]+""#,
        "",
    );
    (folder.salvor(&["plan"]).ends_with(0)).says("from role lead: words, matching [0-9]+");
    (folder
        .salvor(&["plan", "--format", "markdown"])
        .ends_with(0))
    .says(r"<br>from role lead: words, matching \[0-9\]+ |");
    let folder = asking("", "");
    (folder.salvor(&["plan"]).ends_with(0)).says("from anybody: an answer");
}

/// A step that fails, and a final one that fails too.
fn failing() -> Folder {
    let steps = r#"
[steps.load]
uses = "exec"
with = { argv = ["/bin/false"], class = "convergent" }
[steps.start]
uses = "exec"
needs = ["load"]
finally = true
with = { argv = ["/bin/ls", "--not-an-option"], class = "convergent" }
[steps.check]
uses = "manual"
needs = ["load"]
with = { ask = "Is it well?" }
"#;
    Folder::of_steps(steps, &["check", "start"], &json!({}))
}

#[test]
fn an_abort_lists_the_final_steps_that_failed_and_says_so_by_its_exit_code() {
    let folder = failing();
    folder.apply().ends_with(5);
    let run = folder.run_id();
    folder
        .salvor(&["abort", &run, "--why", "enough"])
        .ends_with(5)
        .says("  failed   start: ")
        .says("do it by hand")
        .says(&format!("run {run} given up"));
}

#[test]
fn what_serves_a_run_that_goes_on_is_kept_while_it_can_be_resumed_and_no_longer() {
    let folder = failing();
    folder.apply().ends_with(5);
    let run = folder.run_id();
    let place = folder.path().join(format!(".salvor/runs/{run}"));
    let (scratch, reserve) = (place.join("scratch"), place.join("reserve"));
    let leave_files = || {
        std::fs::create_dir_all(scratch.join("op")).expect("the test's folder can be written");
        std::fs::write(scratch.join("op/file"), "x").expect("the test's folder can be written");
    };
    leave_files();
    folder.salvor(&["resume", &run, "--no-input"]).ends_with(5);
    assert!(scratch.join("op/file").exists() && reserve.exists());
    folder.salvor(&["abort", &run, "--why", "enough"]);
    assert!(!scratch.exists() && !reserve.exists());
    // As a kill between the end of the run and its clean-up leaves it.
    leave_files();
    std::fs::write(&reserve, "x").expect("the test's folder can be written");
    folder
        .salvor(&["resume", &run])
        .ends_with(4)
        .says("is over");
    assert!(!scratch.exists() && !reserve.exists());
    leave_files();
    folder.apply().ends_with(5);
    assert!(!scratch.exists());
    assert!(!folder.path().join(".salvor/scratch").exists());
}
