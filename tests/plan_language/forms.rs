//! What `check` found of every broken plan, in the forms for programs: each problem is in each form, at its place,
//! and no form holds a secret.

use std::path::Path;

use salvor::model::Reading;
use salvor::model::read;
use salvor::plan_file::Code;
use salvor::report::CheckReport;
use salvor::report::check_github;
use salvor::report::check_sarif;
use salvor::schema::Subject;
use salvor::schema::schema;
use serde_json::Value;

use crate::provider::registry;

fn broken() -> Vec<(String, Reading)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/broken-plans");
    std::fs::read_dir(root)
        .expect("the folder is there")
        .map(|entry| entry.expect("a readable entry").path())
        .map(|path| (path.display().to_string(), read(&path, &registry())))
        .collect()
}

#[test]
fn the_json_of_a_check_fits_its_schema() {
    let schema = schema(Subject::Check, &registry());
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    for (name, reading) in broken() {
        let report = serde_json::to_value(CheckReport::of(&reading, &name)).expect("JSON");
        let found: Vec<String> = validator
            .iter_errors(&report)
            .map(|error| error.to_string())
            .collect();
        assert!(found.is_empty(), "{name}: {}", found.join("\n"));
        let problems = report["problems"].as_array().map(Vec::len);
        assert_eq!(problems, Some(reading.problems.iter().count()), "{name}");
    }
}

/// Every region has lines and columns from 1, its end not before its start, and its file by a relative or file URI.
fn refuse_bad_regions(value: &Value, name: &str) {
    match value {
        Value::Object(members) => {
            if let Some(line) = members.get("startLine") {
                let number = |key: &str| members[key].as_u64().expect("a number");
                assert!(
                    line.as_u64() >= Some(1) && number("startColumn") >= 1,
                    "{name}"
                );
                let start = (number("startLine"), number("startColumn"));
                assert!(start <= (number("endLine"), number("endColumn")), "{name}");
            }
            if let Some(uri) = members.get("uri").and_then(Value::as_str) {
                assert!(!uri.contains(' ') && !uri.contains('\\'), "{name}: {uri}");
            }
            members
                .values()
                .for_each(|value| refuse_bad_regions(value, name));
        }
        Value::Array(items) => items
            .iter()
            .for_each(|value| refuse_bad_regions(value, name)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn sarif_has_a_result_for_every_problem_and_a_rule_for_every_code() {
    for (name, reading) in broken() {
        let sarif = check_sarif(&CheckReport::of(&reading, &name));
        let run = &sarif["runs"][0];
        let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
        assert_eq!(rules.len(), Code::ALL.len());
        let results = run["results"].as_array().expect("results");
        assert_eq!(results.len(), reading.problems.iter().count(), "{name}");
        for result in results {
            let index = result["ruleIndex"].as_u64().expect("an index");
            let rule = &rules[usize::try_from(index).expect("small")];
            assert_eq!(rule["id"], result["ruleId"], "{name}");
            assert!(result["message"]["text"].is_string(), "{name}");
        }
        refuse_bad_regions(&sarif, &name);
    }
}

#[test]
fn github_is_told_of_every_problem_on_one_line() {
    for (name, reading) in broken() {
        let text = check_github(&CheckReport::of(&reading, &name));
        assert_eq!(
            text.lines().count(),
            reading.problems.iter().count(),
            "{name}"
        );
        for line in text.lines() {
            let is_command = line.starts_with("::error ") || line.starts_with("::warning ");
            assert!(is_command && line[2..].contains("::"), "{name}: {line}");
        }
    }
}

#[test]
fn no_form_shows_a_secret_of_the_plan() {
    for (name, reading) in broken() {
        let report = CheckReport::of(&reading, &name);
        let json = serde_json::to_string(&report).expect("JSON");
        let look = salvor::plan_file::Look::Plain;
        let text = reading.report(&name, look).text;
        for form in [
            json,
            check_sarif(&report).to_string(),
            check_github(&report),
            text,
        ] {
            assert!(!form.contains("hunter2"), "{name}: {form}");
        }
    }
}
