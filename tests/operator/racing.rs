//! Two processes that start the same thing at the same moment: one does it, the other is told why not.
//!
//! Whether they meet at the lock or one after the other is the machine's to say; what must come of it is the same.

use std::process::Child;

use serde_json::json;

use crate::support::Folder;
use crate::support::Said;
use crate::support::ended;

const TIMES: usize = 20;

const LOAD: &str = r#"
[steps.load]
uses = "simulated.run"
with = { target = "loaded", value = 1, class = "named" }
"#;

/// Starts a command twice at once; gives what the refused one said.
#[track_caller]
fn one_of_two_wins(folder: &Folder, arguments: &[&str]) -> Said {
    let both: [Child; 2] = [(), ()].map(|()| folder.start(arguments));
    let [first, second] = both.map(ended);
    let (winner, other) = if first.code == Some(0) {
        (first, second)
    } else {
        (second, first)
    };
    winner.ends_with(0);
    assert_eq!(folder.effects(), ["load"]);
    assert_eq!(folder.world()["values"]["loaded"]["value"], 1);
    other.ends_with(4)
}

#[track_caller]
fn says_one_of(said: &Said, words: [&str; 2]) {
    let has = words.iter().any(|words| said.stderr.contains(words));
    assert!(has, "{}", said.all());
}

#[test]
fn of_two_applies_of_one_change_set_exactly_one_performs_it() {
    for _ in 0..TIMES {
        let folder = Folder::of_steps(LOAD, &["load"], &json!({}));
        folder
            .salvor(&["plan", "--out", "first.changeset"])
            .ends_with(0);
        let refused = one_of_two_wins(&folder, &["apply", "first.changeset", "--no-input"]);
        let words = ["the environment is locked", "was applied already, as run"];
        says_one_of(&refused, words);
        let opened = folder.record_types();
        assert_eq!(opened.iter().filter(|kind| *kind == "opened").count(), 1);
        let run = folder.run_id();
        folder.salvor(&["journal", "check", &run]).ends_with(0);
    }
}

#[test]
fn of_two_resumes_of_one_run_exactly_one_goes_on() {
    for _ in 0..TIMES {
        let world = json!({
            "faults": [{ "step": "load", "call": "perform", "fault": { "refuse": "no room" } }],
        });
        let folder = Folder::of_steps(LOAD, &["load"], &world);
        folder.apply().ends_with(5).says("no room");
        let run = folder.run_id();
        let resume = ["resume", &run, "--retry", "load", "--no-input"];
        let refused = one_of_two_wins(&folder, &resume);
        says_one_of(&refused, ["the environment is locked", "is over"]);
        let resumed = folder.record_types();
        assert_eq!(resumed.iter().filter(|kind| *kind == "resumed").count(), 1);
        folder.salvor(&["journal", "check", &run]).ends_with(0);
    }
}
