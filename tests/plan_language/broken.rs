//! What is said of broken plans: every folder of `tests/broken-plans` holds a plan and what `check` says.
//!
//! `UPDATE=1 cargo test --test plan_language` writes what is said now.

use std::collections::BTreeSet;
use std::path::Path;
use std::path::PathBuf;

use salvor::model::read;
use salvor::plan_file::Code;
use salvor::plan_file::Edit;
use salvor::plan_file::Problem;
use salvor::plan_file::Problems;
use salvor::plan_file::Sources;

use crate::provider::registry;
use crate::transcript;

fn folders() -> Vec<PathBuf> {
    transcript::folders("tests/broken-plans")
}

fn said(folder: &Path) -> (String, Problems) {
    transcript::said(folder, &registry())
}

/// Plans that are too large to be kept in folders, and what is said of each.
fn large_plans() -> Vec<(String, Code)> {
    let head = "format = 1\nplan = { name = \"p\", title = \"P\" }\n";
    let steps = |count: usize| -> String {
        let step = |index| format!("[steps.s{index}]\nuses=\"manual\"\nwith={{ask=\"?\"}}\n");
        (0..count).map(step).collect()
    };
    let nested = |depth: usize| {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        format!("{head}x = {open}{close}\n")
    };
    let included: String = (0..1001)
        .map(|index| format!("\"{index}.toml\","))
        .collect();
    let deciding: String = (0..10)
        .map(|index| {
            format!(
                "[inputs.i{index}]\ntype = \"boolean\"\n\
                 [steps.s{index}]\nuses = \"manual\"\nwhen = \"i{index}\"\nwith = {{ ask = \"?\" }}\n"
            )
        })
        .collect();
    vec![
        ("# comment\n".repeat(200_000), Code::FileTooLarge),
        (format!("{head}{}", steps(10_001)), Code::TooMany),
        (format!("include = [{included}]\n{head}"), Code::TooMany),
        (
            format!("{head}{deciding}[steps.all]\nuses = \"manual\"\nwith = {{ ask = \"?\" }}\n"),
            Code::TooMany,
        ),
        (nested(40), Code::TooDeep),
        (nested(200), Code::TooDeep),
        (nested(20_000), Code::TooDeep),
    ]
}

fn problems_of(text: &str) -> Problems {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(dir.path().join("plan.toml"), text).expect("written");
    if text.starts_with("include") {
        for index in 0..1001 {
            std::fs::write(dir.path().join(format!("{index}.toml")), "").expect("written");
        }
    }
    read(dir.path(), &registry()).problems
}

#[test]
fn broken_plans_are_explained() {
    let wrong = transcript::differences(&folders(), &registry());
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// All problems that the folders, the large plans and a plan that is not there show.
fn shown() -> Vec<Problem> {
    let folders = folders();
    let small = folders.iter().flat_map(|folder| said(folder).1);
    let large = large_plans();
    let large = large.iter().flat_map(|(text, _)| problems_of(text));
    let nowhere = read(Path::new("tests/broken-plans/nowhere"), &registry()).problems;
    let nowhere = nowhere.iter().cloned().collect::<Vec<Problem>>();
    small.chain(large).chain(nowhere).collect()
}

#[test]
fn every_kind_of_problem_has_a_transcript() {
    let shown: BTreeSet<Code> = shown().iter().map(|problem| problem.code).collect();
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

/// Where the source makes a problem: each of these is a message of its own.
fn places_of_messages() -> BTreeSet<(String, u32)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = BTreeSet::new();
    let mut open = vec![PathBuf::from("src")];
    while let Some(path) = open.pop() {
        if root.join(&path).is_dir() {
            let entries = std::fs::read_dir(root.join(&path)).expect("a folder of the source");
            open.extend(entries.map(|entry| path.join(entry.expect("an entry").file_name())));
            continue;
        }
        let text = std::fs::read_to_string(root.join(&path)).expect("a source file");
        for (number, line) in (1..).zip(text.lines()) {
            let makes = ["Problem::error(", "Problem::warning(", "Lost::new("];
            // `Lost::new` makes its problem in the name of its caller.
            let is_made = makes.iter().any(|call| line.contains(call))
                && !line.contains("problem: Box::new(Problem::error(code, title))");
            if is_made {
                found.insert((path.to_string_lossy().into_owned(), number));
            }
        }
    }
    found
}

#[test]
fn every_message_has_a_broken_plan_that_shows_it() {
    let shown: BTreeSet<(String, u32)> = shown()
        .iter()
        .map(|problem| (problem.found_by.file().to_owned(), problem.found_by.line()))
        .collect();
    let all = places_of_messages();
    assert!(all.len() > 100, "{} places", all.len());
    let missing: Vec<String> = all
        .difference(&shown)
        .map(|(file, line)| format!("{file}:{line}"))
        .collect();
    let unknown: Vec<&(String, u32)> = shown.difference(&all).collect();
    assert!(
        unknown.is_empty(),
        "problems are made elsewhere: {unknown:?}"
    );
    assert!(
        missing.is_empty(),
        "no plan in tests/broken-plans shows the message of\n{}",
        missing.join("\n")
    );
}

/// Kinds of problems that hide others: what is not read, has no known kind, or is named nowhere else cannot be judged;
/// and a name that is put right is put right at its other places by edits of their own.
const HIDING: [Code; 7] = [
    Code::Syntax,
    Code::UnknownKind,
    Code::UnknownStore,
    Code::UnknownKey,
    Code::UnknownScenario,
    Code::LostSite,
    Code::BadName,
];

/// What no edit may bring about, whatever was hidden.
const BROKEN: [Code; 2] = [Code::Syntax, Code::Duplicate];

#[test]
fn every_problem_says_what_to_do() {
    let literal = salvor::builtin_providers::registry();
    let folders = transcript::folders("tests/literal-documents");
    let literal = folders
        .iter()
        .flat_map(|folder| transcript::said(folder, &literal).1);
    let silent: BTreeSet<String> = shown()
        .into_iter()
        .chain(literal)
        .filter(|problem| problem.advice().next().is_none())
        .map(|problem| format!("{}: {}", problem.code, problem.title))
        .collect();
    let silent: Vec<String> = silent.into_iter().collect();
    assert!(silent.is_empty(), "no help for\n{}", silent.join("\n"));
}

/// A problem without its place in the file, which edits before it move.
fn essence(problem: &Problem) -> (Code, String, Option<String>) {
    let label = problem.primary.as_ref().map(|label| label.text.clone());
    (problem.code, problem.title.clone(), label)
}

/// A copy of a plan's folder with an edit made in it.
fn edited(folder: &Path, sources: &Sources, edit: &Edit) -> tempfile::TempDir {
    let copy = tempfile::tempdir().expect("a folder");
    for entry in std::fs::read_dir(folder).expect("a folder of a plan") {
        let entry = entry.expect("a readable entry");
        if entry.path().is_file() {
            std::fs::copy(entry.path(), copy.path().join(entry.file_name())).expect("copied");
        }
    }
    let file = sources.file(edit.at.file);
    let mut text = file.text.clone();
    text.replace_range(edit.at.start..edit.at.end, &edit.text);
    let path = copy.path().join(&file.name);
    std::fs::create_dir_all(path.parent().expect("below")).expect("a folder");
    std::fs::write(path, text).expect("written");
    copy
}

#[test]
fn an_edit_puts_right_what_it_is_offered_for_and_breaks_nothing() {
    let mut count = 0;
    let mut wrong = Vec::new();
    for folder in folders() {
        let reading = read(&folder, &registry());
        for problem in reading.problems.iter() {
            let edit = problem
                .fix
                .as_ref()
                .and_then(|fix| fix.edit(&reading.sources));
            let Some(edit) = edit else { continue };
            count += 1;
            let copy = edited(&folder, &reading.sources, &edit);
            let count_of = |wanted: &Problem, problems: &Problems| {
                let same = problems.iter().filter(|p| essence(p) == essence(wanted));
                same.count()
            };
            let after = read(copy.path(), &registry()).problems;
            assert!(
                count_of(problem, &after) < count_of(problem, &reading.problems),
                "{}: {} is there after {edit:?} as well",
                folder.display(),
                problem.title
            );
            let hid_others = HIDING.contains(&problem.code);
            for found in after.iter() {
                let is_judged = !hid_others || BROKEN.contains(&found.code);
                let mut here = found.clone();
                here.title = here
                    .title
                    .replace(&*copy.path().to_string_lossy(), &folder.to_string_lossy());
                let is_new = count_of(found, &after) > count_of(&here, &reading.problems);
                if is_judged && is_new {
                    wrong.push(format!(
                        "{}: {} for {} makes {}",
                        folder.display(),
                        edit.text,
                        problem.title,
                        found.title
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 20, "{count} edits");
}

fn codes_of(text: &str) -> Vec<Code> {
    problems_of(text)
        .iter()
        .map(|problem| problem.code)
        .collect()
}

#[test]
fn plans_without_measure_are_refused() {
    for (text, code) in large_plans() {
        let codes = codes_of(&text);
        let start: String = text.chars().take(60).collect();
        assert!(codes.contains(&code), "{codes:?} for {start}");
    }
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
