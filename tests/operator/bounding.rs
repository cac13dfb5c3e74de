//! What bounds a step whose outcome nobody knows: its tries and its deadline.

use serde_json::json;

use crate::support::Folder;

/// How often the program of [`endless`] was started.
fn starts(folder: &Folder) -> usize {
    let path = folder.path().join("starts");
    std::fs::read_to_string(path).map_or(0, |text| text.lines().count())
}

/// A program that notes its start and goes on until it is killed.
fn endless(more: &str) -> Folder {
    let steps = format!(
        r#"
[steps.load]
uses = "exec"
timeout = "2s"
with = {{ argv = ["/bin/sh", "-c", "exec /bin/sh ./endless"], class = "convergent" }}
{more}
"#
    );
    let folder = Folder::of_steps(&steps, &["load"], &json!({}));
    folder.write("endless", "echo start >> starts; sleep 600");
    folder
}

#[test]
fn a_program_that_its_deadline_ended_is_not_started_again() {
    for more in ["", "retry = { attempts = 1 }", "retry = { attempts = 9 }"] {
        let folder = endless(more);
        let said = folder.apply().ends_with(5);
        let said = said.says("failed   load: /bin/sh was killed because its deadline passed");
        assert!(!said.all().contains("no effect"), "{}", said.all());
        assert!(starts(&folder) <= 1, "{more}: {}", starts(&folder));
        assert_eq!(
            folder.record_types(),
            ["opened", "intent", "failed", "halted"],
            "{more}"
        );
    }
}

/// A run whose requests are lost before they arrive, the first so many.
fn lost(times: u32, retry: &str) -> Folder {
    let steps = format!(
        r#"
[steps.load]
uses = "simulated.run"
with = {{ target = "loaded", value = 1, class = "named" }}
{retry}
"#
    );
    let fault =
        json!({ "step": "load", "call": "perform", "times": times, "fault": "drop-before" });
    Folder::of_steps(&steps, &["load"], &json!({ "faults": [fault] }))
}

#[test]
fn a_request_that_is_lost_is_sent_as_often_as_the_plan_says() {
    for attempts in [1, 3] {
        let retry =
            format!("retry = {{ attempts = {attempts}, wait = \"10ms\", wait-max = \"10ms\" }}");
        let folder = lost(1000, &retry);
        let said = folder.apply().ends_with(5);
        let said = said.says("failed   load: no answer came to simulated.run; it had no effect");
        assert_eq!(folder.world()["faults"][0]["seen"], attempts);
        let again = said.stderr.matches("  again    load").count();
        let types = folder.record_types();
        let probed = types.iter().filter(|kind| *kind == "probed").count();
        assert_eq!(
            (again, probed),
            (attempts - 1, attempts - 1),
            "{}",
            said.all()
        );
        let failed = folder.records();
        let failed = failed.iter().find(|record| record["type"] == "failed");
        assert_eq!(failed.expect("it failed")["body"]["kind"], "transient");
        assert!(folder.effects().is_empty());
    }
}

#[test]
fn a_request_that_is_lost_once_is_sent_again_after_a_look_and_a_wait() {
    let folder = lost(1, r#"retry = { attempts = 2, wait = "10ms" }"#);
    folder
        .apply()
        .ends_with(0)
        .says("no answer came to simulated.run");
    assert_eq!(
        folder.record_types(),
        [
            "opened",
            "intent",
            "probed",
            "named",
            "succeeded",
            "finished"
        ]
    );
    assert_eq!(folder.effects(), ["load"]);
}

#[test]
fn no_try_begins_after_the_deadline() {
    let retry = "timeout = \"2s\"\nretry = { attempts = 9, wait = \"1h\", wait-max = \"2h\" }";
    let folder = lost(1000, retry);
    folder
        .apply()
        .ends_with(5)
        .says("its deadline of 2s leaves no time for another try");
    assert_eq!(folder.world()["faults"][0]["seen"], 1);
}
