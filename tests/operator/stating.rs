//! Stores whose recovery point somebody states during the run.

use serde_json::json;

use crate::support::Folder;

/// A store whose id and moment are two answers. The file that names its backup is rendered before the step that
/// restores it.
fn registry() -> Folder {
    let steps = r#"
[stores.registry]
kind   = "manual"
with   = { place = "exports of the registry", id = "{{steps.which.answer}}", at = "{{steps.when.answer}}" }
known  = { after = "when" }
backup = { schedule = "@daily", retention = "30d" }

[steps.which]
uses = "manual"
with = { ask = "Which export?", role = "operator" }

[steps.when]
uses  = "manual"
needs = ["which"]
with  = { ask = "Of which moment?", role = "operator" }

[steps.values]
uses = "render"
with = { template = "values.hbs", target = "values.yaml", values = { export = "{{stores.registry.point.id}}" } }

[steps.import]
restore = "registry"
needs   = ["values"]
with    = { ask = "Import {{stores.registry.point.id}} of {{stores.registry.point.at}}.", role = "operator" }
"#;
    let folder = Folder::of_steps(steps, &["import"], &json!({}));
    folder.write("values.hbs", "export: \"{{export}}\"\n");
    folder
}

/// Waits until a step asks, and answers it.
fn answer(folder: &Folder, step: &str, text: &str) {
    let asks =
        |record: &serde_json::Value| record["type"] == "asked" && record["body"]["step"] == step;
    while !folder.records().iter().any(asks) {
        std::thread::yield_now();
    }
    folder
        .salvor(&[
            "answer",
            &folder.run_id(),
            step,
            "--text",
            text,
            "--role",
            "operator",
        ])
        .ends_with(0);
}

/// A moment that the plan still keeps, or no longer keeps: the binary has no other clock than the real one.
fn hours_ago(hours: i64) -> String {
    #[expect(
        clippy::disallowed_methods,
        reason = "only how far back a moment lies depends on it"
    )]
    let now = jiff::Timestamp::now().as_second();
    let then = jiff::Timestamp::from_second(now - hours * 3600);
    then.expect("in range").to_string()
}

#[test]
fn a_point_that_is_stated_by_answers_reaches_whoever_refers_to_it() {
    let folder = registry();
    let apply = folder.start(&["apply", "--no-input"]);
    folder.wait_for("opened");
    answer(&folder, "which", "export-17");
    let at = hours_ago(5);
    answer(&folder, "when", &at);
    answer(&folder, "import", "41 images");
    let said = crate::support::ended(apply).ends_with(0);
    said.says(&format!("Import export-17 of {at}."));
    assert_eq!(folder.read("values.yaml"), "export: \"export-17\"\n");
    let chosen = folder
        .record_types()
        .iter()
        .filter(|kind| *kind == "chosen")
        .count();
    assert_eq!(chosen, 1);
}

#[test]
fn a_point_that_is_stated_too_late_is_refused_before_anything_is_done_with_it() {
    let folder = registry();
    let apply = folder.start(&["apply", "--no-input"]);
    folder.wait_for("opened");
    answer(&folder, "which", "export-1");
    answer(&folder, "when", &hours_ago(24 * 40));
    crate::support::ended(apply)
        .ends_with(5)
        .says("before the oldest that the plan keeps");
    assert!(!folder.path().join("values.yaml").exists());
}
