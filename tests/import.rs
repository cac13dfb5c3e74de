//! `salvor import` makes a plan that passes the check, and lists all that is not in it.

use std::path::Path;
use std::process::Command;
use std::process::Output;

const DOCUMENT: &str = include_str!("import/warehouse.md");

fn salvor(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_salvor"))
        .args(arguments)
        .output()
        .expect("the binary was built for this test")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

#[test]
fn a_runbook_becomes_a_plan_that_passes_the_check() {
    let folder = tempfile::tempdir().expect("a folder");
    let document = folder.path().join("warehouse.md");
    std::fs::write(&document, DOCUMENT).expect("written");
    let out = folder.path().join("plan");
    let imported = salvor(&["import", text(&document), "--out", text(&out)]);
    let said = String::from_utf8_lossy(&imported.stdout).replace(text(folder.path()), "");
    assert!(imported.status.success(), "{said}");
    let expected = [
        "wrote /plan/plan.toml",
        "steps: 7, scenarios: 3, commands: 4, not placed: 4, changed: 1",
        "not placed: line 5: an item of a list that does not say that it is an order: Orders live in PostgreSQL.",
        "not placed: line 6: an item of a list that does not say that it is an order: Pictures live in a bucket.",
        "not placed: line 14: a table: store schedule",
        "not placed: line 42: a block of yaml: put it into a file of the plan: database:",
        "placed otherwise than written: line 31: a command that depends on the day it is applied: \
         aws s3 cp s3://backups/$ (date +%F)/orders.dump .",
        "",
    ];
    assert_eq!(said, expected.join("\n"));
    let checked = salvor(&["check", text(&out)]);
    let told = String::from_utf8_lossy(&checked.stdout);
    assert!(
        checked.status.success() && told.contains("no problems"),
        "{told}"
    );
    let plan = std::fs::read_to_string(out.join("plan.toml")).expect("written");
    for line in [
        "#   line 12: Whole platform | 24 hours | 4 hours",
        "#   aws s3 cp s3://backups/$(date +%F)/orders.dump .",
        "# line 22",
        "evidence = \"confirm\"",
        "kubectl scale deploy/shop --replicas=0",
    ] {
        assert!(plan.contains(line), "`{line}` is missing in\n{plan}");
    }
    let again = salvor(&["import", text(&document), "--out", text(&out)]);
    assert_eq!(again.status.code(), Some(4), "a plan is never overwritten");
}
