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
    assert!(checked.status.success(), "{told}");
    // What the document's commands do wrong is told of the draft as well.
    let traps: Vec<&str> = told
        .lines()
        .filter_map(|line| line.split("^ `").nth(1)?.strip_suffix('`'))
        .collect();
    let expected = ["scaled-to-zero", "pg-restore-goes-on", "pg-restore-clean"];
    assert_eq!(traps, expected, "{told}");
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

/// What `import` says of a document, and the plan that it wrote, which passes the check.
fn imported(document: &str) -> (String, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("runbook.md");
    std::fs::write(&path, document).expect("written");
    let out = folder.path().join("plan");
    let imported = salvor(&["import", text(&path), "--out", text(&out)]);
    let said = String::from_utf8_lossy(&imported.stdout).into_owned();
    assert!(imported.status.success(), "{said}");
    let checked = salvor(&["check", text(&out)]);
    let told = String::from_utf8_lossy(&checked.stdout);
    assert!(checked.status.success(), "{told}");
    let plan = std::fs::read_to_string(out.join("plan.toml")).expect("written");
    (said, plan)
}

#[test]
fn words_are_placed_or_listed_whatever_marks_them() {
    let document = "# Restore\n\n\
        1. Log in to <host> as in [the wiki](https://wiki.example/hosts) <!-- draft -->\n\n\
        <pre>\nsystemctl stop web\n</pre>\n\n\
        <!-- nobody reads this -->\n\n\
        ```console\n$ uptime\n up 3 days\n$ note=\"don't\"\n```\n";
    let (said, plan) = imported(document);
    for line in [
        "not placed: line 5: a block of HTML: <pre>\n",
        "not placed: line 13: what a command prints: up 3 days\n",
    ] {
        assert!(said.contains(line), "`{line}` is missing in\n{said}");
    }
    assert!(!said.contains("nobody"), "{said}");
    for line in [
        "Log in to <host> as in the wiki (https://wiki.example/hosts)",
        "\"uptime\",\n",
        "note=\"don't\"",
    ] {
        assert!(plan.contains(line), "`{line}` is missing in\n{plan}");
    }
    assert!(
        !plan.contains("$ uptime") && !plan.contains("draft -->"),
        "{plan}"
    );
}

#[test]
fn objectives_of_a_document_without_steps_are_kept() {
    let rows = "| What | RPO |\n|---|---|\n| All | 24 hours |\n";
    let (_, plan) = imported(&format!("# Targets\n\n{rows}"));
    assert!(plan.contains("#   line 5: All | 24 hours\n"), "{plan}");
    let (said, _) = imported("| Team | Purpose |\n|---|---|\n| ops | corporate |\n");
    assert!(
        said.contains("not placed: line 1: a table: team purpose"),
        "{said}"
    );
}

#[test]
fn a_draft_is_no_longer_than_a_plan_may_be() {
    let (said, plan) = imported(&format!("# Notes\n\n{}", "- a\n".repeat(60_000)));
    assert!(said.contains("not placed: 60000"), "{}", &said[..200]);
    assert!(plan.contains("#   and 59800 more"), "{}", plan.len());
}

#[test]
fn what_is_no_document_is_refused_with_what_to_do() {
    for document in ["/dev/zero", "not-there.md", "/"] {
        let folder = tempfile::tempdir().expect("a folder");
        let out = folder.path().join("plan");
        let refused = salvor(&["import", document, "--out", text(&out)]);
        let said = String::from_utf8_lossy(&refused.stderr);
        assert_eq!(refused.status.code(), Some(2), "{document}: {said}");
        assert!(said.contains("   = help: "), "{document}: {said}");
        assert!(!out.exists());
    }
}

/// Pages of the five forms in which the first customers' documents came: copied out of a browser with and without empty
/// lines, a product's page, a page of design, and Markdown as it was written.
const PAGES: [(&str, &str); 5] = [
    ("copied-page", include_str!("import/copied-page.md")),
    ("blank-lines", include_str!("import/blank-lines.md")),
    ("product-page", include_str!("import/product-page.md")),
    ("design-page", include_str!("import/design-page.md")),
    ("fenced-page", include_str!("import/fenced-page.md")),
];

/// The titles of the steps and the commands of each, in the order of the plan.
fn steps(text: &str) -> Vec<(String, Vec<String>)> {
    let plan: toml::Table = text.parse().expect("a plan is TOML");
    let steps = plan.get("steps").and_then(toml::Value::as_table);
    let mut found: Vec<(usize, String, Vec<String>)> = Vec::new();
    for (name, step) in steps.into_iter().flatten() {
        let place = text.find(&format!("[steps.{name}]")).expect("a step");
        let title = step.get("title").and_then(toml::Value::as_str);
        let with = step.get("with").and_then(toml::Value::as_table);
        let commands = with.and_then(|with| with.get("commands")?.as_array());
        let commands = commands.into_iter().flatten();
        let commands = commands.map(|c| c.as_str().expect("a command").to_owned());
        let title = title.unwrap_or(name).to_owned();
        found.push((place, title, commands.collect()));
    }
    found.sort_by_key(|(place, ..)| *place);
    let in_order = found.into_iter();
    in_order
        .map(|(_, title, commands)| (title, commands))
        .collect()
}

#[test]
fn pages_without_marks_become_steps_with_their_commands() {
    let update = std::env::var_os("UPDATE").is_some();
    for (name, page) in PAGES {
        let (said, plan) = imported(page);
        let mut text = said.lines().skip(1).collect::<Vec<&str>>().join("\n");
        for (title, commands) in steps(&plan) {
            text.push_str(&format!("\n- {title}"));
            for command in commands {
                text.push_str(&format!("\n    $ {}", command.replace('\n', "\n      ")));
            }
        }
        text.push('\n');
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/import/{name}.txt"));
        if update {
            std::fs::write(&path, &text).expect("written");
        }
        let expected = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(text, expected, "{name}");
    }
}
