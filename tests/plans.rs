//! Every folder below plans/ passes the check, and every scenario of it makes a graph for every value of the inputs
//! that decide what is part of the plan.
//!
//! Nothing is contacted: whether a plan does what it says is for the tests of the verbs.

#[path = "plans/coverage.rs"]
mod coverage;
#[path = "plans/defects.rs"]
mod defects;
#[path = "plans/placeholders.rs"]
mod placeholders;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;
use std::path::PathBuf;

use handlebars::Handlebars;
use salvor::builtin_providers::registry;
use salvor::graph::Graph;
use salvor::model::GivenInputs;
use salvor::model::Instance;
use salvor::model::Plan;
use salvor::model::instance::Step;
use salvor::model::read;
use salvor::plan_file::Look;
use salvor::plan_file::show;
use salvor_contract::StepName;
use salvor_contract::Values;
use serde_json::Value;

/// The five systems whose documents the language was made for.
const SEEDS: [&str; 5] = [
    "backup-strategies",
    "calabi",
    "datafly-signal",
    "hopsworks",
    "kiok",
];

/// The folders below plans/, by name.
fn folders() -> BTreeMap<String, PathBuf> {
    let plans = Path::new(env!("CARGO_MANIFEST_DIR")).join("plans");
    std::fs::read_dir(plans)
        .expect("plans/ is part of the repository")
        .map(|entry| entry.expect("an entry of plans/").path())
        .filter(|path| path.is_dir())
        .map(|path| {
            let name = path.file_name().expect("an entry has a name");
            (name.to_string_lossy().into_owned(), path.clone())
        })
        .collect()
}

fn plans() -> BTreeMap<String, Plan> {
    let registry = registry();
    let mut plans = BTreeMap::new();
    for (name, path) in folders() {
        let reading = read(&path, &registry);
        let text = reading.report(&format!("plans/{name}"), Look::Plain).text;
        let plan = reading
            .plan
            .unwrap_or_else(|| panic!("plans/{name}\n{text}"));
        plans.insert(name, plan);
    }
    plans
}

/// The inputs that the plan's example gives.
fn example(plan: &Plan) -> Values {
    let path = plan.dir.join("example.inputs.toml");
    if !path.exists() {
        return Values::new();
    }
    plan.read_inputs(&path)
        .unwrap_or_else(|(problems, sources)| panic!("{}", show(&problems, &sources, Look::Plain)))
}

/// Every combination of values of the deciding inputs that the scenario leaves open.
fn cases(plan: &Plan, scenario: &str) -> Vec<Values> {
    let scenario = plan.scenario(scenario).expect("a scenario of the plan");
    let mut cases = vec![Values::new()];
    for (input, words) in plan.deciding_inputs() {
        if scenario.inputs.get(&input).is_some() {
            continue;
        }
        let takes_words = |case: &Values| -> Vec<Values> {
            words
                .iter()
                .map(|word| case.clone().with(&input, word.as_str()))
                .collect()
        };
        cases = cases.iter().flat_map(takes_words).collect();
    }
    cases
}

fn instance(plan: &Plan, scenario: &str, fixed: Values) -> Instance {
    let given = GivenInputs {
        file: example(plan),
        fixed,
        ..GivenInputs::default()
    };
    plan.instance(Some(scenario), &given)
        .unwrap_or_else(|problems| {
            let text = show(&problems, &plan.sources, Look::Plain);
            panic!("{} · {scenario} · {:?}\n{text}", plan.name, given.fixed)
        })
}

fn graph(instance: &Instance) -> Graph {
    Graph::of(instance).unwrap_or_else(|error| {
        panic!(
            "{} · {} · {:?}: {error}",
            instance.plan, instance.scenario.name, instance.inputs
        )
    })
}

#[test]
fn the_five_documents_are_plans() {
    let folders = folders();
    for seed in SEEDS {
        assert!(folders.contains_key(seed), "plans/{seed} is missing");
    }
}

#[test]
fn every_plan_passes_the_check() {
    let registry = registry();
    let mut failures = String::new();
    for (name, path) in folders() {
        let reading = read(&path, &registry);
        if reading.problems.errors() > 0 {
            failures.push_str(&reading.report(&format!("plans/{name}"), Look::Plain).text);
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

/// Visits every scenario of every plan, for every value of the inputs that decide.
fn every_run(mut visit: impl FnMut(&Plan, &Instance, &Graph)) {
    for plan in plans().values() {
        for scenario in &plan.scenarios {
            for case in cases(plan, &scenario.name.name) {
                let instance = instance(plan, &scenario.name.name, case);
                visit(plan, &instance, &graph(&instance));
            }
        }
    }
}

#[test]
fn every_scenario_makes_a_graph_for_every_value_of_what_decides() {
    let mut visited = BTreeSet::new();
    every_run(|plan, instance, graph| {
        visited.insert(plan.name.clone());
        for goal in &instance.scenario.goal {
            let name = &instance.scenario.name;
            assert!(
                graph.contains(goal),
                "{} · {name}: {goal} is not reached",
                plan.name
            );
        }
    });
    let all: BTreeSet<String> = plans().into_values().map(|plan| plan.name).collect();
    assert_eq!(visited, all, "a plan without scenarios");
}

/// What no scenario reaches is text that nobody ever runs.
#[test]
fn every_step_is_part_of_a_scenario() {
    let mut never: BTreeSet<(String, String)> = BTreeSet::new();
    for plan in plans().values() {
        let steps = plan.steps.iter().map(|step| step.name.name.clone());
        never.extend(steps.map(|step| (plan.name.clone(), step)));
    }
    every_run(|plan, _, graph| {
        for step in graph.steps() {
            never.remove(&(plan.name.clone(), step.as_str().to_owned()));
        }
    });
    assert!(never.is_empty(), "no scenario reaches {never:?}");
}

#[test]
fn every_drill_makes_a_graph_without_what_it_leaves_out() {
    for (name, plan) in plans() {
        for drill in &plan.drills {
            let given = GivenInputs {
                file: example(&plan),
                ..GivenInputs::default()
            };
            let scenario = drill.scenario.name.as_str();
            let whole: BTreeSet<StepName> = (cases(&plan, scenario).into_iter())
                .flat_map(|case| graph(&instance(&plan, scenario, case)).steps().to_vec())
                .collect();
            let drilled = plan
                .drill_instance(drill, &given)
                .unwrap_or_else(|problems| {
                    let text = show(&problems, &plan.sources, Look::Plain);
                    panic!("plans/{name}, drill {}\n{text}", drill.name.name)
                });
            let drilled = graph(&drilled);
            for step in &drill.leave_out {
                let step = step.name.as_str().into();
                assert!(
                    whole.contains(&step),
                    "plans/{name}: {step} is not there anyway"
                );
                assert!(
                    !drilled.contains(&step),
                    "plans/{name}: {step} is rehearsed"
                );
            }
            for step in &drill.only {
                let step = step.name.as_str().into();
                assert!(
                    drilled.contains(&step),
                    "plans/{name}: {step} is not rehearsed"
                );
            }
        }
    }
}

/// A `finally` step comes along with what it refers to, wanted or not.
#[test]
fn only_temporary_instances_are_removed() {
    let temporary = plans()["calabi"]
        .input("temporary")
        .and_then(|i| i.default.clone());
    assert_eq!(temporary, Some(Value::Bool(false)));
    every_run(|plan, instance, graph| {
        if plan.name == "calabi" {
            let is_removed = graph.contains(&"metadata-removed".into());
            let is_temporary = instance.inputs.get("temporary") == Some(&Value::Bool(true));
            let is_made = graph.contains(&"metadata".into());
            let name = &instance.scenario.name;
            assert_eq!(
                is_removed,
                is_temporary && is_made,
                "{name} · {:?}",
                instance.inputs
            );
        }
    });
}

/// Steps that come one before the other wherever a run has both.
const ORDERS: [(&str, &str, &str); 20] = [
    ("backup-strategies", "no-dangling", "cut-over"),
    ("backup-strategies", "journal-replayed", "cut-over"),
    ("backup-strategies", "volumes", "cut-over"),
    // The fence leaves the deployments at zero.
    ("calabi", "workloads-started", "health"),
    ("calabi", "workloads-started", "smoke-iq"),
    ("calabi", "workloads-started", "smoke-search"),
    ("calabi", "buckets-named", "deploy"),
    ("calabi", "cut-over", "health"),
    ("calabi", "cut-over", "smoke-search"),
    // Two databases that take writes are two truths.
    ("datafly-signal", "old-cluster-stopped", "fenced"),
    ("datafly-signal", "fenced", "database"),
    ("datafly-signal", "fenced", "promoted"),
    ("datafly-signal", "primary-stopped", "promoted"),
    ("datafly-signal", "admitted", "integrity"),
    ("datafly-signal", "integrity", "connection"),
    ("datafly-signal", "connection", "restart-deployments"),
    ("datafly-signal", "admitted", "backed-up-again"),
    // A job writes into all members of the set.
    ("hopsworks", "opensearch", "replay"),
    ("hopsworks", "users-in-place", "replay"),
    // Consumers begin at the moment at which the primary answered: nobody writes to it before.
    ("datafly-signal", "primary-answers", "primary-written"),
];

#[test]
fn what_is_looked_at_and_used_is_there_before() {
    let mut seen = BTreeSet::new();
    every_run(|plan, instance, graph| {
        for (number, (of, earlier, later)) in ORDERS.into_iter().enumerate() {
            let (earlier, later) = (earlier.into(), later.into());
            if plan.name == of && graph.contains(&earlier) && graph.contains(&later) {
                let place = format!("{of} · {} · {:?}", instance.scenario.name, instance.inputs);
                let is_before = graph.is_before(&earlier, &later);
                assert!(is_before, "{place}: {earlier} is not before {later}");
                seen.insert(number);
            }
        }
    });
    assert_eq!(
        seen.len(),
        ORDERS.len(),
        "no run has both steps of an order"
    );
}

/// The scenarios that recover into another place.
const ELSEWHERE: [(&str, &str); 3] = [
    ("backup-strategies", "region-loss"),
    ("calabi", "new-cluster"),
    ("calabi", "region-loss"),
];

/// Users are still sent to the place that was lost until somebody sends them elsewhere.
#[test]
fn a_recovery_elsewhere_sends_its_users_there() {
    every_run(|plan, instance, graph| {
        let scenario = instance.scenario.name.to_string();
        if ELSEWHERE.contains(&(plan.name.as_str(), scenario.as_str())) {
            let is_sent = graph.contains(&"cut-over".into());
            assert!(
                is_sent,
                "{} · {scenario} · {:?}",
                plan.name, instance.inputs
            );
        }
    });
}

/// A template that names a value which its step does not give is found here and not in the run.
#[test]
fn every_rendered_file_has_its_template_and_all_its_values() {
    every_run(|plan, instance, graph| {
        for step in graph.steps() {
            let step = &instance.steps[step];
            if step.action.as_str() == "system.render" {
                check_template(plan, step);
            }
        }
    });
}

fn check_template(plan: &Plan, step: &Step) {
    let name = &plan.name;
    let template = step
        .with
        .text("template")
        .expect("a template is written as text");
    let source = std::fs::read_to_string(plan.dir.join(template))
        .unwrap_or_else(|error| panic!("plans/{name}/{template}: {error}"));
    let mut handlebars = Handlebars::new();
    handlebars.set_strict_mode(true);
    let values = step
        .with
        .get("values")
        .cloned()
        .unwrap_or_else(|| Value::Object(Default::default()));
    let text = handlebars
        .render_template(&source, &values)
        .unwrap_or_else(|error| panic!("plans/{name}/{template}: {error}"));
    assert!(!text.trim().is_empty(), "plans/{name}/{template} is empty");
}
