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

#[test]
fn a_panic_of_a_survey_is_why_there_is_no_point() {
    let plan = r#"
format = 1
[plan]
name  = "shop"
title = "Recover the shop"
[providers.simulated]
[stores.orders]
kind = "simulated.database"
with = { name = "orders" }
[steps.orders]
restore = "orders"
with    = { target = "orders-restored" }
[scenarios.full]
goal = ["orders"]
"#;
    let folder = Folder::with(plan, &world("survey"));
    folder
        .salvor(&["plan"])
        .ends_with(4)
        .says("it could not be seen: the provider panicked: index out of");
}

#[test]
fn a_panic_while_looking_repeats_no_effect() {
    let world = json!({ "faults": [
        { "call": "perform", "fault": { "panic": "index out of bounds" } },
        { "call": "probe", "fault": { "panic": "no such state" } },
    ] });
    let steps = r#"
[steps.load]
uses = "simulated.run"
with = { target = "loaded", value = 1, class = "named" }
"#;
    let folder = Folder::of_steps(steps, &["load"], &world);
    folder.apply().ends_with(0).says("no such state");
    assert_eq!(folder.effects(), ["load"]);
}
