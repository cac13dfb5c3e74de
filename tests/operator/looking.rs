//! What is recorded and shown of a look that nobody could make sense of.

use serde_json::json;

use crate::support::Folder;

#[test]
fn a_step_that_nobody_could_tell_of_is_not_called_absent() {
    let steps = r#"
[steps.load]
uses = "simulated.run"
with = { target = "loaded", value = 1, class = "named" }
"#;
    // The first request hangs until salvor is killed; the looks for it find a service that is busy.
    let world = json!({ "faults": [
        { "step": "load", "call": "perform", "fault": { "delay": "10m" } },
        { "step": "load", "call": "probe", "times": 1000, "fault": { "transient": null } },
    ] });
    let folder = Folder::of_steps(steps, &["load"], &world);
    let mut apply = folder.start(&["apply", "--no-input"]);
    folder.wait_for("intent");
    // Else the second request would be the first that the fault counts.
    while folder.world()["faults"][0]["seen"] != 1 {
        std::thread::yield_now();
    }
    apply.kill().expect("it is the test's own");
    apply.wait().expect("it was killed");
    let run = folder.run_id();
    folder
        .salvor(&["resume", &run, "--no-input"])
        .ends_with(0)
        .says("nobody can tell: the same operation again");
    let records = folder.records();
    let probed = records.iter().find(|record| record["type"] == "probed");
    let found = &probed.expect("it was looked for")["body"]["found"];
    assert!(found["unclear"]["why"].is_string(), "{found}");
    folder
        .salvor(&["show", &run, "load"])
        .ends_with(0)
        .says("  looked     nobody could tell (");
    folder
        .salvor(&["report", &run])
        .ends_with(0)
        .says("load (nobody could tell (");
    assert_eq!(folder.effects(), ["load"]);
}
