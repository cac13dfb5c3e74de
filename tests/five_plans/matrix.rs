//! No scenario of any plan, and no value of an input that decides what is in it, is applied nowhere.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;

use salvor::builtin_providers::registry;
use salvor::model::GivenInputs;
use salvor::model::Plan;
use salvor::model::read;
use salvor_contract::Values;
use serde_json::Value;

use crate::case::Case;

/// The cases of the plans that this program applies.
const APPLIED_HERE: [(&str, &[Case]); 5] = [
    ("backup-strategies", &crate::backup_strategies::CASES),
    ("calabi", &crate::calabi::CASES),
    ("datafly-signal", &crate::datafly_signal::CASES),
    ("hopsworks", &crate::hopsworks::CASES),
    ("kiok", &crate::kiok::CASES),
];

/// The test of `plans/rds`.
const DATABASES: &str = include_str!("../databases/scenarios.rs");

/// Scenarios that others apply: plan, scenario, the text of that test, and the words that do it there.
const APPLIED_ELSEWHERE: [(&str, &str, &str, &str); 9] = [
    (
        "demo",
        "full",
        include_str!("../operator/transcripts.rs"),
        "plans/demo/plan.toml",
    ),
    (
        "quickstart",
        "full",
        include_str!("../../README.md"),
        "--scenario full",
    ),
    (
        "quickstart",
        "pipelines",
        include_str!("../quickstart/scenarios.rs"),
        "plan(\"pipelines\"",
    ),
    (
        "quickstart",
        "pitr",
        include_str!("../quickstart/scenarios.rs"),
        "plan(\"pitr\"",
    ),
    ("rds", "beside", DATABASES, "apply(\"beside\""),
    ("rds", "in-place", DATABASES, "apply(\"in-place\""),
    ("rds", "elsewhere", DATABASES, "apply(\"elsewhere\""),
    ("rds", "upgrade", DATABASES, "apply(\"upgrade\""),
    ("rds", "keep", DATABASES, "apply(\"keep\""),
];

fn plans() -> BTreeMap<String, Plan> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("plans");
    let registry = registry();
    let mut plans = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("plans/ is part of the repository") {
        let path = entry.expect("an entry of plans/").path();
        if path.is_dir() {
            let plan = read(&path, &registry).plan.expect("a valid plan");
            let name = path.file_name().expect("an entry has a name");
            plans.insert(name.to_string_lossy().into_owned(), plan);
        }
    }
    plans
}

#[test]
fn every_scenario_is_applied_somewhere() {
    let mut never = Vec::new();
    for (name, plan) in plans() {
        let here = APPLIED_HERE.iter().find(|(plan, _)| *plan == name);
        for scenario in &plan.scenarios {
            let scenario = scenario.name.name.as_str();
            let is_here =
                here.is_some_and(|(_, cases)| cases.iter().any(|case| case.scenario == scenario));
            let is_elsewhere = APPLIED_ELSEWHERE
                .iter()
                .any(|(plan, applied, text, words)| {
                    *plan == name && *applied == scenario && text.contains(words)
                });
            if !is_here && !is_elsewhere {
                never.push(format!("{name} · {scenario}"));
            }
        }
    }
    assert!(never.is_empty(), "nobody applies {never:#?}");
}

#[test]
fn every_value_of_what_decides_is_applied() {
    let plans = plans();
    for (name, cases) in APPLIED_HERE {
        let plan = &plans[name];
        let mut wanted = BTreeSet::new();
        for (input, words) in plan.deciding_inputs() {
            wanted.extend(
                words
                    .iter()
                    .map(|word| (input.to_string(), word.to_string())),
            );
        }
        for case in cases {
            for (input, value) in inputs(plan, case).iter() {
                wanted.remove(&(input.to_string(), text(value)));
            }
        }
        assert!(wanted.is_empty(), "{name}: no case has {wanted:?}");
    }
}

/// The inputs of a case: the plan's example, what the case gives, what the scenario fixes.
fn inputs(plan: &Plan, case: &Case) -> Values {
    let example = plan.dir.join("example.inputs.toml");
    let mut fixed = Values::new();
    for (input, value) in case.inputs {
        fixed = fixed.with(*input, *value);
    }
    let given = GivenInputs {
        file: plan.read_inputs(&example).expect("a good example"),
        fixed,
        ..GivenInputs::default()
    };
    let instance = plan.instance(Some(case.scenario), &given);
    instance
        .unwrap_or_else(|_| panic!("{case:?} is no case of {}", plan.name))
        .inputs
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}
