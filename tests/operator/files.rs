//! What was reviewed, and changed before it is applied: files of the plan's folder, inputs that were left out.

use serde_json::json;

use crate::support::Folder;

/// A template that is filled once somebody has said so.
fn with_template() -> Folder {
    let steps = r#"
[steps.ask]
uses = "manual"
with = { ask = "Go on?", evidence = "none" }
[steps.values]
uses  = "system.render"
needs = ["ask"]
with  = { template = "values.hbs", values = { size = 3 }, target = "values.yaml" }
"#;
    let folder = Folder::of_steps(steps, &["values"], &json!({}));
    folder.write("values.hbs", "size: {{size}}\n");
    folder
}

#[test]
fn a_template_that_was_edited_after_the_review_makes_the_change_set_stale() {
    let folder = with_template();
    folder
        .salvor(&["plan", "--out", "shop.changeset"])
        .ends_with(0);
    folder.write("values.hbs", "size: 1{{size}}\n");
    folder
        .salvor(&["apply", "shop.changeset", "--no-input"])
        .ends_with(4)
        .says("file values.hbs that values reads: ")
        .says("salvor plan --out");
    assert!(folder.run_ids().is_empty());
}

#[test]
fn a_run_goes_on_with_the_template_that_was_reviewed_or_not_at_all() {
    let folder = with_template();
    let mut apply = folder.start(&["apply", "--no-input"]);
    folder.wait_for("asked");
    apply.kill().expect("it is the test's own");
    apply.wait().expect("it was killed");
    let run = folder.run_id();
    folder.salvor(&["answer", &run]).ends_with(0);
    let before = folder.records().len();
    folder.write("values.hbs", "size: 1{{size}}\n");
    folder
        .salvor(&["resume", &run, "--no-input"])
        .ends_with(4)
        .says("file values.hbs that values reads: ")
        .says(&format!("salvor abort {run}"));
    assert_eq!(folder.records().len(), before, "the run was touched");
    folder.write("values.hbs", "size: {{size}}\n");
    folder.salvor(&["resume", &run, "--no-input"]).ends_with(0);
    assert_eq!(folder.read("values.yaml"), "size: 3\n");
}

/// Neither refused as a value that is none, nor given behind the reviewer's back.
#[test]
fn an_input_that_was_left_out_at_the_review_stays_so() {
    let plan = r#"
format = 1
[plan]
name  = "shop"
title = "Recover the shop"
[inputs]
label = { type = "string", optional = true }
[providers.simulated]
[steps.note]
uses = "simulated.run"
with = { target = "label", value = "{{default inputs.label 'none'}}", class = "named" }
[scenarios.full]
goal = ["note"]
"#;
    let folder = Folder::with(plan, &json!({}));
    let planned = folder.salvor(&["plan", "--out", "shop.changeset"]);
    assert!(!planned.ends_with(0).stdout.contains("label null"));
    let mut apply = folder.command(&["apply", "shop.changeset", "--no-input"]);
    apply.env("SALVOR_INPUT_LABEL", "late");
    let output = apply.output().expect("the binary starts");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(folder.world()["values"]["label"]["value"], "none");
}

#[test]
fn a_program_that_only_reads_is_the_one_that_was_reviewed() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = Folder::of_steps(
        r#"
[steps.look]
uses = "exec"
with = { argv = ["./look"], class = "read" }
"#,
        &["look"],
        &json!({}),
    );
    let write = |text: &str| {
        folder.write("look", text);
        let path = folder.path().join("look");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))
            .expect("the test's folder can be written");
    };
    write("#!/bin/sh\nexit 0\n");
    folder
        .salvor(&["plan", "--out", "reviewed.changeset"])
        .ends_with(0);
    write("#!/bin/sh\necho other\n");
    folder
        .salvor(&["apply", "reviewed.changeset", "--no-input"])
        .ends_with(4)
        .says("preview of look: sha256: ");
}
