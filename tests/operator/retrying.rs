//! `resume --retry`: what is done again beside the step that failed.

use serde_json::json;

use crate::support::Folder;

/// A scheduler that is stopped while rows are loaded and migrated, and started whatever happens.
fn with_scheduler(needs_of_start: &str, fault_in: &str) -> Folder {
    let steps = format!(
        r#"
[steps.stop]
uses = "simulated.scale"
with = {{ deployment = "web", replicas = 0 }}
[steps.load]
uses  = "simulated.run"
needs = ["stop"]
with  = {{ target = "loaded", value = 1, class = "named" }}
[steps.migrate]
uses  = "simulated.run"
needs = ["load"]
with  = {{ target = "migrated", value = 1, class = "named" }}
[steps.start]
uses    = "simulated.scale"
needs   = [{needs_of_start}]
finally = true
with    = {{ deployment = "web", replicas = "{{{{steps.stop.previous}}}}" }}
"#
    );
    let world = json!({
        "deployments": { "web": { "replicas": 3 } },
        "faults": [{ "step": fault_in, "call": "perform", "fault": { "refuse": "no room" } }],
    });
    Folder::of_steps(&steps, &["start", "migrate"], &world)
}

#[track_caller]
fn the_scheduler_is_stopped_for_the_second_try(needs_of_start: &str, fault_in: &str) {
    let folder = with_scheduler(needs_of_start, fault_in);
    folder.apply().ends_with(5).says("no room");
    assert_eq!(folder.world()["deployments"]["web"]["replicas"], 3);
    let before = folder.effects().len();
    let run = folder.run_id();
    folder
        .salvor(&["resume", &run, "--retry", fault_in])
        .ends_with(0);
    let again = folder.effects().split_off(before);
    let stop = again.iter().position(|step| step == "stop");
    let work = again.iter().position(|step| step == fault_in);
    let start = again.iter().position(|step| step == "start");
    assert!(stop.is_some() && stop < work && work < start, "{again:?}");
    assert_eq!(folder.world()["deployments"]["web"]["replicas"], 3);
}

#[test]
fn a_retry_stops_the_scheduler_again_when_the_final_step_needs_the_failed_one() {
    the_scheduler_is_stopped_for_the_second_try(r#""load", "migrate""#, "load");
}

#[test]
fn a_retry_stops_the_scheduler_again_when_the_final_step_needs_a_later_one() {
    the_scheduler_is_stopped_for_the_second_try(r#""migrate""#, "load");
}

#[test]
fn a_retry_stops_the_scheduler_again_when_the_final_step_only_comes_after() {
    the_scheduler_is_stopped_for_the_second_try("]\nafter = [\"migrate\"", "migrate");
}

#[test]
fn a_resume_after_an_interrupted_abort_stops_the_scheduler_again() {
    let steps = r#"
[steps.stop]
uses = "simulated.scale"
with = { deployment = "web", replicas = 0 }
[steps.ask]
uses  = "manual"
needs = ["stop"]
with  = { ask = "Go on?", evidence = "none" }
[steps.start]
uses    = "simulated.scale"
needs   = ["ask"]
finally = true
with    = { deployment = "web", replicas = "{{steps.stop.previous}}" }
[steps.note]
uses    = "simulated.run"
needs   = ["start"]
finally = true
with    = { target = "noted", value = 1, class = "named", takes = "10m" }
"#;
    let world = json!({ "deployments": { "web": { "replicas": 3 } } });
    let folder = Folder::of_steps(steps, &["note"], &world);
    let apply = folder.start(&["apply", "--no-input"]);
    folder.wait_for("asked");
    kill(apply);
    let run = folder.run_id();
    let abort = folder.start(&["abort", &run]);
    let intents = || {
        let all = folder.record_types();
        all.iter().filter(|kind| *kind == "intent").count()
    };
    while intents() < 3 {
        std::thread::yield_now();
    }
    kill(abort);
    let resume = folder.start(&["resume", &run, "--no-input"]);
    folder.wait_for("decided");
    kill(resume);
    assert_eq!(folder.effects()[..2], ["stop", "start"]);
}

/// The kill falls after the given record or a little later; what must hold is the same wherever it falls.
#[test]
fn a_kill_among_the_final_steps_of_a_failed_run_repeats_and_forgets_nothing() {
    let work = r#""load", "migrate""#;
    let undisturbed = with_scheduler(work, "load");
    undisturbed.apply().ends_with(5);
    let records = undisturbed.records().len();
    assert_eq!(undisturbed.effects(), ["stop", "start"]);
    for record in 1..=records {
        let folder = with_scheduler(work, "load");
        let apply = folder.start(&["apply", "--no-input"]);
        while folder.run_ids().is_empty() || folder.records().len() < record {
            std::thread::yield_now();
        }
        kill(apply);
        let run = folder.run_id();
        let said = folder.salvor(&["resume", &run, "--no-input"]);
        // The fault falls once: a kill before its record lets the step be done.
        let expected: &[&str] = match said.code {
            Some(5) => &["stop", "start"],
            _ => &["stop", "load", "migrate", "start"],
        };
        assert_eq!(folder.effects(), expected, "{record}: {}", said.all());
        assert_eq!(folder.world()["deployments"]["web"]["replicas"], 3);
    }
}

/// A half-made database of the first attempt does not stand in the way of the second, in the same run.
#[test]
fn a_retry_takes_up_what_the_failed_attempt_left() {
    let steps = r#"
[stores.orders]
kind  = "simulated.database"
class = "authoritative"
with  = { name = "orders" }
[steps.load]
restore = "orders"
with    = { target = "orders-new", takes = "2s" }
"#;
    let world = json!({
        "databases": { "orders": {
            "rows": 10, "data-until": "2026-04-06T02:00:00Z", "created": "2025-01-01T00:00:00Z",
            "pitr-from": "2026-04-01T00:00:00Z" } },
        "faults": [{ "step": "load", "call": "perform", "fault": { "fail-after": ["1s", "disk full"] } }],
    });
    let folder = Folder::of_steps(steps, &["load"], &world);
    folder.apply().ends_with(5).says("disk full");
    assert_eq!(
        folder.world()["databases"]["orders-new"]["state"],
        "incomplete"
    );
    let run = folder.run_id();
    folder
        .salvor(&["resume", &run, "--retry", "load"])
        .ends_with(0);
    assert_eq!(
        folder.world()["databases"]["orders-new"]["state"],
        "available"
    );
}

fn kill(mut child: std::process::Child) {
    child.kill().expect("it is the test's own");
    child.wait().expect("it was killed");
}
