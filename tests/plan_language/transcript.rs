//! Folders that hold a plan and what `check` says of it, in `expected.txt`.
//!
//! `UPDATE=1` writes what is said now. `given.inputs.toml` is a file of inputs which the plan does not take, and
//! `run.txt` a scenario and inputs of which no instance is made.

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;

use salvor::model::GivenInputs;
use salvor::model::Plan;
use salvor::model::read;
use salvor::plan_file::Look;
use salvor::plan_file::Problems;
use salvor::plan_file::show;
use salvor::registry::Registry;

/// The folders below a folder of the repository, by name.
pub fn folders(root: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(root);
    let mut found: Vec<PathBuf> = std::fs::read_dir(root)
        .expect("the folder is there")
        .map(|entry| entry.expect("a readable entry").path())
        .filter(|path| path.is_dir())
        .collect();
    found.sort();
    found
}

/// Where what is said is not what is expected; nowhere after `UPDATE=1`.
pub fn differences(folders: &[PathBuf], registry: &Registry) -> Vec<String> {
    let update = std::env::var_os("UPDATE").is_some();
    let mut wrong = Vec::new();
    for folder in folders {
        let (text, _) = said(folder, registry);
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
    wrong
}

/// What is said of the plan, and the problems themselves.
pub fn said(folder: &Path, registry: &Registry) -> (String, Problems) {
    let reading = read(folder, registry);
    let folder_text = folder.to_string_lossy().into_owned();
    let name = folder.file_name().expect("a name").to_string_lossy();
    let report = reading.report(&name, Look::Plain);
    let mut all = reading.problems.clone();
    let mut text = format!(
        "{}\n{} (checked {})\n",
        report.text, report.verdict, report.checked
    );
    if let Some(plan) = &reading.plan {
        // A file of inputs, which the plan may not take.
        let file = folder.join("given.inputs.toml");
        if file.is_file() {
            let (problems, sources) = plan.read_inputs(&file).expect_err("it is broken");
            text.push_str("\n$ --inputs given.inputs.toml\n");
            text.push_str(&show(&problems, &sources, Look::Plain));
            all.extend(problems);
        }
        // `run.txt` holds a scenario and inputs: what is said when an instance is made.
        if let Ok(run) = std::fs::read_to_string(folder.join("run.txt")) {
            let problems = said_of_run(plan, &run);
            text.push_str(&format!(
                "\n$ {}\n{}",
                run.trim(),
                show(&problems, &reading.sources, Look::Plain)
            ));
            all.extend(problems);
        }
    }
    (text.replace(&format!("{folder_text}/"), ""), all)
}

fn said_of_run(plan: &Plan, run: &str) -> Problems {
    let (flags, words): (Vec<&str>, Vec<&str>) =
        run.split_whitespace().partition(|word| word.contains('='));
    let flags: BTreeMap<String, String> = flags
        .into_iter()
        .filter_map(|word| word.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let given = GivenInputs {
        flags,
        ..GivenInputs::default()
    };
    let made = plan.instance(words.first().copied(), &given);
    made.err().unwrap_or_default()
}
