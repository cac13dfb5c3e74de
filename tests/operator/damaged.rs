//! A journal that somebody altered: every verb that meets it refuses it and says how to look at it.

use serde_json::json;

use crate::support::Folder;

const LOAD: &str = r#"
[steps.load]
uses = "simulated.run"
with = { target = "loaded", value = 1, class = "named" }
"#;

#[test]
fn a_damaged_journal_is_told_with_the_command_that_lists_its_damage() {
    let world = json!({
        "faults": [{ "step": "load", "call": "perform", "fault": { "refuse": "no room" } }],
    });
    let folder = Folder::of_steps(LOAD, &["load"], &world);
    folder.apply().ends_with(5);
    let run = folder.run_id();
    let path = folder.journal_path();
    let text = std::fs::read_to_string(&path).expect("the journal is there");
    let altered = text.replacen("\"intent\"", "\"intend\"", 1);
    assert_ne!(text, altered);
    std::fs::write(&path, &altered).expect("the journal can be written");

    let hint = format!("`salvor journal check {run}` lists every record that is wrong");
    for verb in ["resume", "abort", "show", "report", "answer"] {
        let mut arguments = vec![verb, run.as_str()];
        match verb {
            "abort" => arguments.extend(["--why", "enough"]),
            "answer" => arguments.extend(["--text", "yes"]),
            _ => {}
        }
        folder
            .salvor(&arguments)
            .ends_with(4)
            .says(&format!("the journal of run {run} is not trusted"))
            .says(&hint);
    }
    folder
        .salvor(&["journal", "check", &run])
        .ends_with(6)
        .says("its bytes do not have the hash at its end");
    let now = std::fs::read_to_string(&path).expect("the journal is there");
    assert_eq!(now, altered, "nobody may write to it");
}

#[test]
fn a_journal_without_the_records_that_were_seen_last_is_not_gone_on_with() {
    let steps = r#"
[steps.count]
uses = "exec"
with = { argv = ["/bin/sh", "count.sh"], class = "unkeyed" }
[steps.fails]
uses = "exec"
needs = ["count"]
with = { argv = ["/bin/false"], class = "convergent" }
"#;
    let folder = Folder::of_steps(steps, &["fails"], &json!({}));
    folder.write("count.sh", "echo once >> counted\n");
    folder.apply().ends_with(5);
    let run = folder.run_id();
    let head = {
        let records = folder.records();
        records.last().expect("it has records")["hash"]
            .as_str()
            .expect("a hash is text")
            .to_owned()
    };
    let check = ["journal", "check", run.as_str(), "--head", &head[..12]];
    folder.salvor(&check).ends_with(0).says("is record ");
    let path = folder.journal_path();
    let whole = std::fs::read_to_string(&path).expect("the journal is there");
    let first = whole.split_inclusive('\n').next().expect("it has records");
    std::fs::write(&path, first).expect("the journal can be written");
    folder
        .salvor(&["journal", "check", &run])
        .ends_with(6)
        .says("it was seen before and is gone");
    folder
        .salvor(&["resume", &run])
        .ends_with(4)
        .says(&format!("the journal of run {run} is not trusted"));
    assert_eq!(folder.read("counted"), "once\n", "it has no key");
    // A snapshot takes back what was seen as well: then only a head that is kept elsewhere shows it.
    std::fs::remove_dir_all(folder.path().join(".salvor/heads")).expect("it is there");
    folder.salvor(&["journal", "check", &run]).ends_with(0);
    folder
        .salvor(&check)
        .ends_with(6)
        .says("is no record of it");
}
