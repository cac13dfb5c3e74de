//! A provider that panics: the run is not lost, and the step is named.

use serde_json::Value;
use serde_json::json;

use crate::support::Folder;

fn panicking(call: &str, class: &str) -> Folder {
    let steps = format!(
        r#"
[steps.load]
uses = "simulated.run"
with = {{ target = "loaded", value = 1, class = "{class}" }}
"#
    );
    Folder::of_steps(&steps, &["load"], &world(call))
}

fn world(call: &str) -> Value {
    json!({ "faults": [{ "call": call, "fault": { "panic": "index out of bounds" } }] })
}

#[test]
fn a_panic_after_the_effect_is_found_again_and_repeats_nothing() {
    let folder = panicking("perform", "named");
    folder.apply().ends_with(0);
    assert_eq!(folder.effects(), ["load"]);
}

#[test]
fn a_panic_of_work_without_a_key_leaves_the_step_unknown_and_the_run_whole() {
    let folder = panicking("perform", "unkeyed");
    folder
        .apply()
        .ends_with(5)
        .says("unknown  load")
        .says("the provider panicked: index out of bounds");
    let run = folder.run_id();
    folder.salvor(&["journal", "check", &run]).ends_with(0);
    folder
        .salvor(&["resume", &run, "--succeeded", "load", "--why", "seen"])
        .ends_with(0);
    assert_eq!(folder.effects(), ["load"]);
}

#[test]
fn a_panic_of_a_preview_is_a_line_of_the_plan() {
    let folder = panicking("preview", "named");
    folder
        .salvor(&["plan"])
        .ends_with(0)
        .says("the provider panicked: index out of bounds");
}
