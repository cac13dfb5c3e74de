//! Whether a folder can hold state: what `salvor doctor` tries out and what it says.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;
use serde_json::json;

use crate::support::Folder;

const STEPS: &str = r#"
[steps.load]
uses = "simulated.run"
with = { target = "loaded", value = 1, class = "named" }
"#;

const FIT: &str = "
  ok      the folder can be made and written
  ok      its file system is one of this machine
  ok      nobody else can write it
  ok      a file and its folder are synced to the disk
  ok      a locked file cannot be locked again
  ok      a name is made once
  ok      there are 20 MB free
  ok      what was tried is removed
state can be kept here
";

#[test]
fn a_folder_that_can_hold_state_is_told_to_be_fit_and_left_as_it_was() {
    let folder = Folder::of_steps(STEPS, &["load"], &json!({}));
    let said = folder.salvor(&["doctor"]).ends_with(0);
    assert_eq!(said.stdout, format!("state ./.salvor{FIT}"));
    assert!(!folder.path().join(".salvor").exists());
    folder.apply().ends_with(0);
    let names = || {
        let entries = std::fs::read_dir(folder.path().join(".salvor")).expect("it is there");
        let mut names: Vec<_> = entries
            .map(|it| it.expect("readable").file_name())
            .collect();
        names.sort();
        names
    };
    let before = names();
    folder.salvor(&["doctor", "plan.toml"]).ends_with(0);
    assert_eq!(names(), before);
}

#[test]
fn a_folder_that_others_can_write_is_told_not_to_be_fit() {
    let folder = Folder::of_steps(STEPS, &["load"], &json!({}));
    let state = folder.path().join(".salvor");
    std::fs::create_dir(&state).expect("new");
    std::fs::set_permissions(&state, std::fs::Permissions::from_mode(0o777)).expect("ours");
    folder
        .salvor(&["doctor"])
        .ends_with(6)
        .says("  failed  nobody else can write it: ./.salvor can be written by others (mode 777)")
        .says("no state is kept here as long as that is so");
    let said = folder.salvor(&["doctor", "--json"]).ends_with(6);
    let report: Value = serde_json::from_str(&said.stdout).expect("JSON");
    assert_eq!(
        (&report["is-fit"], &report["format"]),
        (&json!(false), &json!(1))
    );
    let wrong = report["tried"].as_array().into_iter().flatten();
    let wrong = wrong.filter(|tried| !tried["wrong"].is_null());
    assert_eq!(wrong.count(), 1, "{report}");
}

#[test]
fn where_there_is_no_plan_nothing_is_made() {
    let folder = Folder::of_steps(STEPS, &["load"], &json!({}));
    folder
        .salvor(&["doctor", "elsewhere"])
        .ends_with(2)
        .says("there is no plan in elsewhere");
    assert!(!folder.path().join("elsewhere").exists());
}

#[test]
fn a_plan_that_is_broken_otherwise_has_its_state_examined() {
    let folder = Folder::of_steps(STEPS, &["load"], &json!({}));
    let plan = folder.read("plan.toml");
    folder.write(
        "plan.toml",
        &format!("state = \"kept/state\"\n{}", plan.replace("uses", "abuses")),
    );
    let said = folder.salvor(&["doctor"]).ends_with(0);
    assert_eq!(said.stdout, format!("state ./kept/state{FIT}"));
    assert!(!folder.path().join("kept").exists());
}
