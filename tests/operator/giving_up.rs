//! `abort` of a run whose final steps wait for what nobody knows.

use serde_json::json;

use crate::support::Folder;
use crate::support::Said;

/// Scales the web to 0.
const STOP: &str = r#"
[steps.stop]
uses = "simulated.scale"
with = { deployment = "web", replicas = 0 }
"#;

/// The final step that scales it back to what it was.
const START: &str = r#"
[steps.start]
uses    = "simulated.scale"
finally = true
with    = { deployment = "web", replicas = "{{steps.stop.previous}}" }
"#;

/// The web is scaled to 0, nobody knows what became of the work, and the final step that scales it back waits.
fn stopped() -> (Folder, String, Said) {
    let work = r#"
[steps.work]
uses    = "exec"
needs   = ["stop"]
timeout = "1s"
with    = { argv = ["/bin/sleep", "600"] }
"#;
    let steps = format!("{STOP}{work}{START}needs = [\"work\"]\n");
    let world = json!({ "deployments": { "web": { "replicas": 3 } } });
    let folder = Folder::of_steps(&steps, &["work", "start"], &world);
    let said = folder.apply().ends_with(5);
    assert_eq!(replicas(&folder), 0);
    let run = folder.run_id();
    (folder, run, said)
}

fn replicas(folder: &Folder) -> i64 {
    let world = folder.world();
    let replicas = world["deployments"]["web"]["replicas"].as_i64();
    replicas.expect("a number")
}

fn last_record(folder: &Folder) -> String {
    folder.record_types().pop().expect("it has records")
}

#[test]
fn a_run_is_not_given_up_while_a_final_step_waits_for_what_nobody_knows() {
    let (folder, run, said) = stopped();
    let waits = "it waits for `work`, of which nobody knows what became";
    said.says(&format!("  waiting  start: {waits}"));
    folder
        .salvor(&["abort", &run])
        .ends_with(4)
        .says(&format!(
            "the run is not given up: `start` is to run whatever happens, and {waits}"
        ))
        .says(&format!("`salvor resume {run} --succeeded work --why …`"))
        .says("`--retry work --why …`")
        .says(&format!("`salvor abort {run} --leave start`"));
    assert_eq!(last_record(&folder), "halted");
    folder
        .salvor(&["resume", &run, "--succeeded", "work", "--why", "seen"])
        .ends_with(0);
    assert_eq!(replicas(&folder), 3);
}

#[test]
fn a_final_step_that_is_left_is_named_and_ends_the_abort_with_5() {
    let (folder, run, _) = stopped();
    folder
        .salvor(&["abort", &run, "--leave", "nosuch"])
        .ends_with(2)
        .says("the run has no step `nosuch`");
    folder
        .salvor(&["abort", &run, "--leave", "start"])
        .ends_with(5)
        .says("  waiting  start: it waits for `work`")
        .says("It should have run whatever happens: do it by hand.");
    assert_eq!(last_record(&folder), "aborted");
    assert_eq!(replicas(&folder), 0);
}

#[test]
fn a_final_step_with_nothing_to_finish_keeps_no_run_open() {
    let world = json!({
        "deployments": { "web": { "replicas": 3 } },
        "faults": [{ "step": "stop", "call": "perform", "fault": { "refuse": "not now" } }],
    });
    let folder = Folder::of_steps(&format!("{STOP}{START}"), &["start"], &world);
    folder.apply().ends_with(5);
    let run = folder.run_id();
    folder.salvor(&["abort", &run]).ends_with(0);
}

/// It needs nothing, and is due all the same.
#[test]
fn a_final_step_that_only_goes_after_others_is_waited_for_as_well() {
    let steps = r#"
[steps.work]
uses    = "exec"
timeout = "1s"
with    = { argv = ["/bin/sleep", "600"] }
[steps.start]
uses    = "simulated.scale"
after   = ["work"]
finally = true
with    = { deployment = "web", replicas = 3 }
"#;
    let world = json!({ "deployments": { "web": { "replicas": 0 } } });
    let folder = Folder::of_steps(steps, &["work", "start"], &world);
    folder.apply().ends_with(5);
    let run = folder.run_id();
    folder
        .salvor(&["abort", &run])
        .ends_with(4)
        .says("`start` is to run whatever happens");
    folder
        .salvor(&["abort", &run, "--leave", "work"])
        .ends_with(2)
        .says("`--leave work`: it is no final step");
}
