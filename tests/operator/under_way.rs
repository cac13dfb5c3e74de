//! Work that goes on at its service while salvor does not wait for it: how it is counted, and what is said of it.

use rustix::process::Pid;
use rustix::process::Signal;
use rustix::process::kill_process;
use serde_json::json;

use crate::support::Folder;
use crate::support::ended;

fn working(takes: &str, more: &str) -> Folder {
    let steps = format!(
        r#"
[steps.load]
uses = "simulated.run"
with = {{ target = "loaded", value = 1, class = "named", takes = "{takes}" }}
{more}
"#
    );
    Folder::of_steps(&steps, &["load"], &json!({}))
}

#[test]
fn what_an_interrupt_leaves_is_under_way_and_not_unknown() {
    let folder = working("10m", "");
    let apply = folder.start(&["apply", "--no-input"]);
    folder.wait_for("named");
    let id = i32::try_from(apply.id()).ok().and_then(Pid::from_raw);
    kill_process(id.expect("an id"), Signal::INT).expect("it is the test's own");
    let counts = "0 of 1 steps done, 1 under way, nothing proved";
    ended(apply).ends_with(130).says(counts);
    let run = folder.run_id();
    folder.salvor(&["runs"]).ends_with(0).says(counts);
    folder.salvor(&["show", &run]).ends_with(0).says(counts);
    let said = folder.salvor(&["report", &run]).ends_with(0);
    let said = said.says("0 of its 1 steps are done; 1 under way.");
    said.says("load was under way when it was last seen");
    let halted = folder.records().pop().expect("it has records");
    assert_eq!(halted["body"]["detail"], counts);
}

#[test]
fn work_that_outlasts_its_deadline_is_waited_for_by_a_resume() {
    let folder = working("4s", "timeout = \"1s\"");
    let said = folder.apply().ends_with(5);
    let said = said.says("unknown  load: still under way after its deadline of 1s");
    let run = folder.run_id();
    let said = said.says(&format!(
        "It is still under way: `salvor resume {run}` waits for it."
    ));
    assert!(
        !said.all().contains("nobody else can tell"),
        "{}",
        said.all()
    );
    folder
        .salvor(&["resume", &run, "--retry", "load", "--why", "it hangs"])
        .ends_with(4)
        .says("load is under way")
        .says(&format!("`salvor resume {run}` waits for it"));
    while folder.salvor(&["resume", &run]).code == Some(5) {
        assert!(folder.effects().len() <= 1);
    }
    assert_eq!(folder.effects(), ["load"]);
    assert_eq!(
        folder.record_types().last().map(String::as_str),
        Some("finished")
    );
}
