//! The files in `schemas/` are what the code makes, and they fit what there is: every plan of the repository, and
//! a change set, a journal and a report of a real run. `UPDATE=1 cargo test --test schemas` writes them anew.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use jsonschema::Validator;
use salvor::builtin_providers::registry;
use salvor::schema::Subject;
use salvor::schema::schema;
use serde_json::Value;
use serde_json::json;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn validator(subject: Subject) -> Validator {
    jsonschema::validator_for(&schema(subject, &registry())).expect("our schemas are schemas")
}

/// What a value breaks, a line each.
fn problems(validator: &Validator, value: &Value) -> Vec<String> {
    validator
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

#[test]
fn the_files_are_what_the_code_makes() {
    let is_update = std::env::var_os("UPDATE").is_some();
    for subject in Subject::ALL {
        let path = root().join(format!("schemas/{}.schema.json", subject.name()));
        let made = serde_json::to_string_pretty(&schema(subject, &registry()));
        let made = made.expect("a JSON value") + "\n";
        if is_update {
            std::fs::write(&path, &made).expect("schemas/ can be written");
        }
        assert!(
            read(&path) == made,
            "{} is not what the code makes: run `UPDATE=1 cargo test --test schemas`",
            path.display()
        );
    }
}

/// The patterns of a schema that speak of minutes.
fn patterns_of_periods(schema: &Value, found: &mut BTreeSet<String>) {
    match schema {
        Value::Object(entries) => {
            let pattern = entries.get("pattern").and_then(Value::as_str);
            found.extend(pattern.filter(|p| p.contains("|min|")).map(str::to_owned));
            entries
                .values()
                .for_each(|inner| patterns_of_periods(inner, found));
        }
        Value::Array(items) => items
            .iter()
            .for_each(|inner| patterns_of_periods(inner, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn the_schema_takes_the_lengths_of_time_that_check_takes() {
    let mut found = BTreeSet::new();
    patterns_of_periods(&schema(Subject::Plan, &registry()), &mut found);
    let found: Vec<String> = found.into_iter().collect();
    let [pattern] = found.as_slice() else {
        panic!("one grammar, not {found:?}");
    };
    let pattern = regex::Regex::new(pattern).expect("a pattern");
    for text in [
        "5m",
        "5 m",
        "5min",
        "5 min",
        "1h30m",
        "1h 30 min",
        " 90s ",
        "500ms",
        "2 w",
        "7d",
        "0s",
        "",
        " ",
        "5",
        "5 ",
        "min",
        "5mins",
        "5 M",
        "1.5h",
        "1 2s",
        "5m,",
        "1y",
        "1 month",
        "-5m",
    ] {
        let is_parsed = text.parse::<salvor_contract::Period>().is_ok();
        assert_eq!(pattern.is_match(text), is_parsed, "`{text}`");
    }
}

/// A TOML file as JSON, as the validators of editors see it.
fn toml_file(path: &Path) -> Value {
    let table: toml::Table = toml::from_str(&read(path)).expect("TOML");
    json_of(&toml::Value::Table(table))
}

fn json_of(value: &toml::Value) -> Value {
    match value {
        toml::Value::String(text) => json!(text),
        toml::Value::Integer(number) => json!(number),
        toml::Value::Float(number) => json!(number),
        toml::Value::Boolean(is_true) => json!(is_true),
        toml::Value::Datetime(time) => json!(time.to_string()),
        toml::Value::Array(items) => items.iter().map(json_of).collect(),
        toml::Value::Table(table) => {
            let entries = table
                .iter()
                .map(|(key, value)| (key.clone(), json_of(value)));
            Value::Object(entries.collect())
        }
    }
}

/// The files of a plan, each with what it is.
fn files_of(plan: &Path) -> BTreeMap<PathBuf, Subject> {
    let mut files = BTreeMap::new();
    let mut open = vec![(plan.to_owned(), Subject::Plan)];
    while let Some((path, subject)) = open.pop() {
        let value = toml_file(&path);
        let beside = |name: &Value| path.with_file_name(name.as_str().expect("a path"));
        let texts = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let tables = |value: &Value| value.as_object().cloned().unwrap_or_default();
        for name in texts(&value["include"]) {
            open.push((beside(&name), Subject::IncludedFile));
        }
        for (_, group) in tables(&value["groups"]) {
            open.push((beside(&group["file"]), Subject::GroupFile));
        }
        for (_, variant) in tables(&value["variants"]) {
            for (_, name) in tables(&variant["files"]) {
                open.push((beside(&name), Subject::VariantFile));
            }
        }
        files.insert(path, subject);
    }
    files
}

#[test]
fn every_plan_of_the_repository_fits() {
    let mut count = 0;
    for (file, subject) in files_of_all_plans() {
        let found = problems(&validator(subject), &toml_file(&file));
        let found = found.join("\n");
        assert!(found.is_empty(), "{}:\n{found}", file.display());
        count += 1;
    }
    assert!(count > 15, "{count} files");
}

/// The files of all plans below plans/, each with what it is.
fn files_of_all_plans() -> BTreeMap<PathBuf, Subject> {
    let entries = std::fs::read_dir(root().join("plans")).expect("plans/ is there");
    let plans = entries.map(|entry| entry.expect("an entry").path().join("plan.toml"));
    plans
        .filter(|plan| plan.exists())
        .flat_map(|plan| files_of(&plan))
        .collect()
}

/// An editor completes nothing in a file that does not say what it is.
#[test]
fn every_file_of_a_plan_names_its_schema() {
    for (file, subject) in files_of_all_plans() {
        let text = read(&file);
        let first = text.lines().next().unwrap_or_default();
        let named = first.strip_prefix("#:schema ").unwrap_or_default();
        let named = file.with_file_name(named).canonicalize();
        let schema = root().join(format!("schemas/{}.schema.json", subject.name()));
        assert_eq!(
            named.ok(),
            schema.canonicalize().ok(),
            "{} begins with `{first}`",
            file.display()
        );
    }
}

#[test]
fn mistakes_of_shape_are_found() {
    let validator = validator(Subject::Plan);
    let good = json!({
        "format": 1,
        "plan": { "name": "p", "title": "P" },
        "stores": { "s": { "kind": "simulated.database", "with": { "name": "app" } } },
        "steps": {
            "a": { "restore": "s", "with": { "target": "t" } },
            "b": { "uses": "http.check", "needs": ["a"], "with": { "url": "http://{{steps.a.endpoint}}" } },
            "c": { "uses": "simulated.scale", "with": { "deployment": "d", "replicas": "{{steps.x.y}}" } },
            "d": { "restore": "s", "uses": "simulated.overwrite", "with": { "target": "t" } }
        }
    });
    assert_eq!(problems(&validator, &good), Vec::<String>::new());
    for (pointer, bad) in [
        ("/format", json!(2)),
        ("/plan/name", json!("No Name")),
        ("/stores/s/kind", json!("simulated.databas")),
        ("/stores/s/with", json!({ "nane": "app" })),
        ("/steps/a", json!({ "restore": "s", "backup": "s" })),
        ("/steps/a", json!({ "title": "nothing is done" })),
        ("/steps/d/with", json!({ "no-such-input": "t" })),
        ("/steps/b/with", json!({})),
        ("/steps/b/with/url", json!(7)),
        ("/steps/b/needs", json!("a")),
        ("/steps/c/with/replicas", json!("three")),
        ("/steps/c/uses", json!("simulated.scales")),
    ] {
        let mut plan = good.clone();
        *plan.pointer_mut(pointer).expect("a place in the plan") = bad;
        assert!(
            !problems(&validator, &plan).is_empty(),
            "{pointer} passes: {plan}"
        );
    }
}

#[test]
fn what_a_real_run_writes_fits() {
    let salvor = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_salvor"))
            .args(arguments)
            .output()
            .expect("the binary was built for this test");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {told}");
        (String::from_utf8_lossy(&output.stdout).into_owned(), told)
    };
    let (_, told) = salvor(&["demo"]);
    let folder = told
        .split("All of it is in ")
        .nth(1)
        .and_then(|rest| rest.split(':').next());
    let folder = PathBuf::from(folder.expect("the demo says where it left its files"));
    let parse = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");

    let change_set = parse(&read(&folder.join("shop.changeset")));
    let plan_dir = folder.to_str().expect("a plain path");
    let printed = parse(&salvor(&["plan", plan_dir, "--json"]).0);
    for form in [&change_set, &printed] {
        let found = problems(&validator(Subject::ChangeSet), form);
        assert!(found.is_empty(), "change set:\n{}", found.join("\n"));
    }

    let runs = parse(&salvor(&["runs", plan_dir, "--json"]).0);
    let run = runs[0]["run"].as_str().expect("the demo's run").to_owned();
    let report = salvor(&["report", &run, "--plan-dir", plan_dir, "--format", "json"]).0;
    let found = problems(&validator(Subject::Report), &parse(&report));
    assert!(found.is_empty(), "report:\n{}", found.join("\n"));

    let journal = folder.join(format!(".salvor/runs/{run}/journal"));
    let validator = validator(Subject::Journal);
    let mut kinds = BTreeSet::new();
    for line in read(&journal).lines() {
        let record = parse(line);
        let found = problems(&validator, &record);
        assert!(found.is_empty(), "{line}:\n{}", found.join("\n"));
        kinds.insert(record["type"].as_str().expect("a text").to_owned());
    }
    for kind in ["opened", "intent", "probed", "succeeded", "finished"] {
        assert!(
            kinds.contains(kind),
            "the run has no record `{kind}`: {kinds:?}"
        );
    }
    std::fs::remove_dir_all(folder).expect("the demo's folder is there");
}
