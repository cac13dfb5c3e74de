//! The plans in `plans/` with their example inputs: each scenario and each drill becomes an instance.

use std::path::Path;
use std::path::PathBuf;

use salvor::builtin_providers::registry;
use salvor::model::GivenInputs;
use salvor::model::read;
use salvor::plan_file::Look;
use salvor::plan_file::Problems;
use salvor::plan_file::show;

fn plans() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("plans"))
            .expect("the folder is there")
            .map(|entry| entry.expect("a readable entry").path())
            .filter(|path| path.join("example.inputs.toml").is_file())
            .collect();
    found.sort();
    found
}

#[test]
fn every_scenario_and_drill_of_the_plans_becomes_an_instance() {
    let mut count = 0;
    for path in plans() {
        let Some(plan) = read(&path, &registry()).plan else {
            panic!("{} has errors", path.display());
        };
        let example = path.join("example.inputs.toml");
        let file = plan
            .read_inputs(&example)
            .unwrap_or_else(|(problems, sources)| {
                panic!("{}", show(&problems, &sources, Look::Plain))
            });
        let given = GivenInputs {
            file,
            ..GivenInputs::default()
        };
        let fail =
            |problems: Problems| -> ! { panic!("{}", show(&problems, &plan.sources, Look::Plain)) };
        for scenario in &plan.scenarios {
            let mut given = given.clone();
            // What the scenario fixes may be otherwise in the example.
            given.file = given
                .file
                .iter()
                .filter(|(name, _)| scenario.inputs.get(name).is_none())
                .map(|(name, value)| (name.to_owned(), value.clone()))
                .collect();
            let instance = plan
                .instance(Some(&scenario.name.name), &given)
                .unwrap_or_else(|problems| fail(problems));
            assert!(!instance.scenario.goal.is_empty(), "{}", scenario.name.name);
            count += 1;
        }
        for drill in &plan.drills {
            let mut given = given.clone();
            given.file = given
                .file
                .iter()
                .filter(|(name, _)| {
                    plan.scenario(&drill.scenario.name)
                        .is_none_or(|scenario| scenario.inputs.get(name).is_none())
                })
                .map(|(name, value)| (name.to_owned(), value.clone()))
                .collect();
            plan.drill_instance(drill, &given)
                .unwrap_or_else(|problems| fail(problems));
            count += 1;
        }
    }
    assert!(count > 20, "{count} instances");
}
