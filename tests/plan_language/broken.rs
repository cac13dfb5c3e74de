//! What is said of broken plans: every folder of `tests/broken-plans` holds a plan and what `check` says.
//!
//! `UPDATE=1 cargo test --test plan_language` writes what is said now.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;
use std::path::PathBuf;

use salvor::model::GivenInputs;
use salvor::model::read;
use salvor::plan_file::Code;
use salvor::plan_file::Look;
use salvor::plan_file::Problems;
use salvor::plan_file::show;

use crate::provider::registry;

/// Codes that no plan in a folder can show, and what shows them instead.
const SHOWN_ELSEWHERE: [(Code, &str); 3] = [
    (Code::FileTooLarge, "a_file_that_is_too_large_is_refused"),
    (Code::TooMany, "a_plan_with_too_many_steps_is_refused"),
    (Code::TooDeep, "what_is_nested_too_deep_is_refused"),
];

fn folders() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/broken-plans");
    let mut found: Vec<PathBuf> = std::fs::read_dir(root)
        .expect("the folder is there")
        .map(|entry| entry.expect("a readable entry").path())
        .filter(|path| path.is_dir())
        .collect();
    found.sort();
    found
}

/// What is said of the plan, and the codes of its problems.
fn said(folder: &Path) -> (String, BTreeSet<Code>) {
    let reading = read(folder, &registry());
    let folder_text = folder.to_string_lossy().into_owned();
    let name = folder.file_name().expect("a name").to_string_lossy();
    let report = reading.report(&name, Look::Plain);
    let mut codes: BTreeSet<Code> = reading.problems.iter().map(|p| p.code).collect();
    let mut text = format!(
        "{}\n{} (checked {})\n",
        report.text, report.verdict, report.checked
    );
    // `run.txt` holds a scenario and inputs: what is said when an instance is made.
    if let (Some(plan), Ok(run)) = (
        &reading.plan,
        std::fs::read_to_string(folder.join("run.txt")),
    ) {
        let mut words = run.split_whitespace();
        let scenario = words.next();
        let flags: BTreeMap<String, String> = words
            .filter_map(|word| word.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let given = GivenInputs {
            flags,
            ..GivenInputs::default()
        };
        let problems = match plan.instance(scenario, &given) {
            Err(problems) => problems,
            Ok(_) => Problems::new(),
        };
        codes.extend(problems.iter().map(|p| p.code));
        text.push_str(&format!(
            "\n$ {}\n{}",
            run.trim(),
            show(&problems, &reading.sources, Look::Plain)
        ));
    }
    (text.replace(&format!("{folder_text}/"), ""), codes)
}

#[test]
fn broken_plans_are_explained() {
    let update = std::env::var_os("UPDATE").is_some();
    let mut wrong = Vec::new();
    for folder in folders() {
        let (text, _) = said(&folder);
        let expected = folder.join("expected.txt");
        if update {
            std::fs::write(&expected, &text).expect("the transcript is written");
        }
        let known = std::fs::read_to_string(&expected).unwrap_or_default();
        if known != text {
            wrong.push(format!(
                "{}\n--- expected\n{known}\n+++ said\n{text}",
                folder.display()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn every_kind_of_problem_has_a_transcript() {
    let mut shown: BTreeSet<Code> = folders().iter().flat_map(|folder| said(folder).1).collect();
    shown.extend(SHOWN_ELSEWHERE.map(|(code, _)| code));
    let missing: Vec<String> = Code::ALL
        .iter()
        .filter(|code| !shown.contains(code))
        .map(ToString::to_string)
        .collect();
    assert!(
        missing.is_empty(),
        "no transcript for {}",
        missing.join(", ")
    );
}

fn codes_of(text: &str) -> Vec<Code> {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(dir.path().join("plan.toml"), text).expect("written");
    let reading = read(dir.path(), &registry());
    reading
        .problems
        .iter()
        .map(|problem| problem.code)
        .collect()
}

#[test]
fn a_file_that_is_too_large_is_refused() {
    assert_eq!(
        codes_of(&"# comment\n".repeat(200_000)),
        [Code::FileTooLarge]
    );
}

#[test]
fn stores_that_say_why_they_are_kept_shorter_are_not_warned_about() {
    let plan = |why: &str| {
        let stores = ["a = { retention = \"30d\"", "b = { retention = \"7d\""].map(|store| {
            let (name, backup) = store.split_once(" = ").expect("a name and a policy");
            let why = if name == "b" { why } else { "" };
            format!(
                "[stores.{name}]\nkind = \"cloud.database\"\nwith = {{ instance = \"{name}\" }}\n\
                 backup = {backup} }}\n{why}\n[steps.{name}]\nrestore = \"{name}\"\n\
                 with = {{ target = \"{name}-new\", class = \"large\" }}\n"
            )
        });
        format!(
            "format = 1\nplan = {{ name = \"p\", title = \"P\" }}\nproviders.cloud.region = \"r\"\n\
             scenarios.one.goal = [\"a\", \"b\"]\nscenarios.two.goal = [\"a\", \"b\"]\n{}",
            stores.concat()
        )
    };
    assert_eq!(codes_of(&plan("")), [Code::RetentionUneven]);
    assert_eq!(
        codes_of(&plan("why = \"only the last week is looked at\"")),
        []
    );
}

#[test]
fn a_plan_with_too_many_steps_is_refused() {
    let mut text = String::from("format = 1\nplan = { name = \"p\", title = \"P\" }\n");
    for index in 0..10_001 {
        text.push_str(&format!(
            "[steps.s{index}]\nuses=\"manual\"\nwith={{ask=\"?\"}}\n"
        ));
    }
    assert_eq!(codes_of(&text), [Code::TooMany]);
}

#[test]
fn what_is_nested_too_deep_is_refused() {
    for depth in [40, 200, 20_000] {
        let text = format!(
            "format = 1\nx = {}{}\n",
            "[".repeat(depth),
            "]".repeat(depth)
        );
        assert!(codes_of(&text).contains(&Code::TooDeep), "{depth}");
    }
}

#[test]
fn the_longest_plan_is_checked_without_ending_the_stack() {
    let mut text = String::from(
        "format = 1\nplan = { name = \"p\", title = \"P\" }\nscenarios.s.goal = [\"s9999\"]\n",
    );
    for index in 0..10_000_u32 {
        let before = index
            .checked_sub(1)
            .map(|b| format!("needs=[\"s{b}\"]\n"))
            .unwrap_or_default();
        text.push_str(&format!(
            "[steps.s{index}]\nuses=\"manual\"\n{before}with={{ask=\"?\"}}\n"
        ));
    }
    assert_eq!(codes_of(&text), []);
}
