//! Names in what is said of copies, of what is made again and of what is fenced.

use crate::model::check_names::unknown;
use crate::model::instance::StoreClass;
use crate::model::plan::Named;
use crate::model::plan::Plan;
use crate::plan_file::Code;
use crate::plan_file::Problem;
use crate::plan_file::Problems;

/// Adds the problems of these names.
pub fn check(plan: &Plan, problems: &mut Problems) {
    for step in &plan.steps {
        for store in step.rebuilds.iter().chain(&step.fences) {
            check_store(plan, store, problems);
        }
    }
    for store in &plan.stores {
        let posture = &store.posture;
        let copies = &posture.copies;
        for key in posture
            .key
            .iter()
            .chain(copies.iter().filter_map(|c| c.key.as_ref()))
        {
            check_store(plan, key, problems);
            check_key(plan, key, problems);
        }
        for access in copies.iter().filter_map(|copy| copy.access.as_ref()) {
            check_store(plan, access, problems);
        }
        for proof in copies.iter().filter_map(|copy| copy.verified.as_ref()) {
            if plan.drill(&proof.name).is_none() && plan.scenario(&proof.name).is_none() {
                let drills = plan.drills.iter().map(|drill| drill.name.name.as_str());
                let scenarios = plan.scenarios.iter().map(|s| s.name.name.as_str());
                problems.push(unknown(
                    Code::UnknownScenario,
                    "drill or scenario",
                    proof,
                    "neither a drill nor a scenario of this plan",
                    drills.chain(scenarios),
                ));
            }
        }
    }
}

fn check_store(plan: &Plan, named: &Named, problems: &mut Problems) {
    let stores = || plan.stores.iter().map(|store| store.name.name.as_str());
    if !stores().any(|name| name == named.name) {
        problems.push(unknown(
            Code::UnknownStore,
            "store",
            named,
            "not a store of this plan",
            stores(),
        ));
    }
}

fn check_key(plan: &Plan, named: &Named, problems: &mut Problems) {
    let mut stores = plan.stores.iter();
    let Some(store) = stores.find(|store| store.name.name == named.name) else {
        return;
    };
    if store.class != StoreClass::Key {
        problems.push(
            Problem::error(Code::BadValue, format!("`{}` is not a key", named.name))
                .at(named.at, "said to open this")
                .and_at(store.name.at, "its class is another")
                .help("write class = \"key\" there, or name it with `access`, when it only helps to reach the copy"),
        );
    }
}
