//! Every variable that a runbook's commands take is given by the runbook before.

use std::collections::BTreeSet;
use std::process::Command;

use crate::pages::runbook;
use crate::typed::typed;

/// The names in `${NAME:?}`.
fn demanded(line: &str) -> Vec<&str> {
    let parts = line.split("${").skip(1);
    parts
        .filter_map(|part| part.split_once(":?}"))
        .map(|(name, _)| name)
        .collect()
}

/// The demands of a runbook that nothing before them fulfils, and the variables that no step gives.
pub fn missing(markdown: &str) -> Vec<String> {
    let mut given = BTreeSet::new();
    let mut missing = Vec::new();
    for block in typed(markdown) {
        for line in block.commands.lines() {
            // A secret, asked for at the beginning: the environment has it.
            let is_asked = block.step.is_empty() && line.starts_with(": \"${");
            for name in demanded(line) {
                if is_asked {
                    given.insert(name.to_owned());
                } else if !given.contains(name) {
                    missing.push(format!("{}: {name}", block.step));
                }
            }
            let name = line.split_once('=').map_or("", |(name, _)| name);
            if !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
                given.insert(name.to_owned());
            }
        }
    }
    missing
}

#[test]
fn a_variable_that_is_never_set_is_found() {
    let text =
        "```sh\n: \"${S:?}\"\n```\n- [ ] `a`: x\n```sh\nA=${B:?}\nls \"${A:?}\" \"${S:?}\"\n```\n";
    assert_eq!(missing(text), ["a: B"]);
}

fn calabi(arguments: &[&str]) -> String {
    let plan = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("plans/calabi");
    let output = Command::new(env!("CARGO_BIN_EXE_salvor"))
        .arg("runbook")
        .arg(&plan)
        .arg("--inputs")
        .arg(plan.join("example.inputs.toml"))
        .args(["--scenario", "single-table"])
        .args(arguments)
        .output()
        .expect("salvor runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn a_point_that_an_operator_stated_is_filled_in() {
    let open = calabi(&[]);
    assert!(open.contains("\nMETADATA_POINT_ID=  # id of"), "{open}");
    let stated = calabi(&["--input", "snapshot=rds:calabi-2026-04-06-02-05"]);
    assert!(!stated.contains("METADATA_POINT_ID"), "{stated}");
    assert!(stated.contains("rds:calabi-2026-04-06-02-05"), "{stated}");
}

#[test]
fn a_moment_keeps_the_form_in_which_it_is_wanted() {
    let plan = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("plans/datafly-signal");
    let text = runbook(&plan, "pre-upgrade", "markdown");
    let expected = "\nRUN_STARTED_YMD=$(date -u +%Y%m%d)  # ";
    assert!(text.contains(expected), "{text}");
    assert!(
        text.contains("values-backup-\"${RUN_STARTED_YMD:?}\".yaml"),
        "{text}"
    );
}
