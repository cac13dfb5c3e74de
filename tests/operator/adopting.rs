//! The journal of a run is lost, and its change set is applied again: nothing is done twice.

use serde_json::json;

use crate::support::Folder;

/// What stops, what is read of it at the end, what is made, and what fails at first.
const STEPS: &str = r#"
[stores.orders]
kind = "simulated.database"
class = "authoritative"
with = { name = "orders" }
[steps.seen]
uses = "exec"
with = { argv = ["/bin/cat", "replicas"], class = "convergent" }
[steps.orders]
restore = "orders"
needs = ["seen"]
with = { target = "orders-new", takes = "1s" }
[steps.stamped]
uses = "simulated.run"
needs = ["orders"]
with = { target = "at-{{date run.started '%H%M%S'}}", value = 1, class = "named" }
[steps.told]
uses = "exec"
needs = ["stamped"]
with = { argv = ["/bin/sh", "-c", "echo told >> told"], class = "unkeyed" }
[steps.load]
uses = "simulated.run"
needs = ["told"]
with = { target = "loaded", value = 1, class = "named" }
[steps.rung]
uses = "exec"
needs = ["load"]
with = { argv = ["/bin/sh", "-c", "echo rung >> rung"], class = "unkeyed" }
[steps.back]
uses = "exec"
needs = ["rung"]
with = { argv = ["/bin/sh", "-c", "echo $1 > back", "sh", "{{steps.seen.stdout}}"], class = "convergent" }
"#;

fn world() -> serde_json::Value {
    json!({
        "databases": { "orders": {
            "rows": 10, "data-until": "2026-04-06T02:00:00Z", "created": "2025-01-01T00:00:00Z",
            "pitr-from": "2026-04-01T00:00:00Z" } },
        "faults": [{ "step": "load", "call": "perform", "fault": { "refuse": "no room" } }],
    })
}

#[test]
fn a_run_that_lost_its_journal_is_taken_up_and_repeats_nothing() {
    let folder = Folder::of_steps(STEPS, &["back"], &world());
    folder.write("replicas", "3");
    folder
        .salvor(&["plan", "--out", "reviewed.changeset"])
        .ends_with(0);
    folder
        .salvor(&["apply", "reviewed.changeset", "--no-input"])
        .ends_with(5)
        .says("no room");
    let before = folder.effects();
    let run = folder.run_id();
    std::fs::remove_dir_all(folder.path().join(".salvor")).expect("a state folder");
    folder.write("replicas", "0");

    folder
        .salvor(&["apply", "reviewed.changeset", "--no-input"])
        .ends_with(4)
        .says("was made for another environment")
        .says("--adopt");
    let adopt = |run: &str| {
        let adopted = ["apply", "reviewed.changeset", "--no-input", "--adopt", run];
        folder.salvor(&adopted)
    };
    adopt("another")
        .ends_with(4)
        .says("another is not the run of reviewed.changeset");
    adopt(&run).ends_with(5).says("what the step put out");
    assert_eq!(folder.run_id(), run, "the same ids");
    let seen = "seen.stdout=3";
    let resume = ["resume", &run, "--no-input", "--why", "it was 3"];
    folder
        .salvor(&[&resume[..], &["--succeeded", "seen", "--output", seen]].concat())
        .ends_with(5)
        .says("it may have had other inputs");
    folder
        .salvor(&[&resume[..], &["--succeeded", "stamped"]].concat())
        .ends_with(5)
        .says("nobody else can tell whether it was done");
    assert_eq!(folder.effects(), before, "nothing was done again");
    folder
        .salvor(&[&resume[..], &["--succeeded", "told"]].concat())
        .ends_with(0);
    assert_eq!(folder.read("told"), "told\n", "told once");
    let rung = "it waits for `load`, which was not there: nobody is asked";
    assert_eq!(folder.read("rung"), "rung\n", "{rung}");
    assert_eq!(folder.read("back"), "3\n", "what was there at first");
    assert_eq!(
        folder.effects(),
        [&before[..], &["load".to_owned()]].concat()
    );
    folder.salvor(&["journal", "check", &run]).ends_with(0);
}

#[test]
fn a_plan_that_was_never_saved_has_nothing_to_adopt() {
    let folder = Folder::of_steps(STEPS, &["back"], &world());
    folder
        .salvor(&["apply", "--adopt", "any"])
        .ends_with(2)
        .says("--adopt needs the saved change set");
}
