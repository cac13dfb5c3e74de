//! What templates can refer to while a run goes on: inputs, tables, points, and outputs so far.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use salvor_contract::Outcome;
use salvor_contract::RunId;
use salvor_contract::StepName;
use salvor_contract::StoreName;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::change_set::ChangeSet;
use crate::change_set::Choice;
use crate::diff::point_facts;
use crate::journal::RunState;
use crate::journal::state::Chosen;

/// The facts of a run at this moment, with the outputs of these steps.
pub fn facts_of(change_set: &ChangeSet, state: &RunState, steps: &BTreeSet<StepName>) -> Value {
    let outcome = |name: &StepName| Some((name.clone(), state.step(name).outcome?));
    let outcomes: BTreeMap<StepName, Outcome> = steps.iter().filter_map(outcome).collect();
    facts(
        change_set,
        &state.run,
        state.opening.at,
        &outcomes,
        &state.chosen,
    )
}

fn facts(
    change_set: &ChangeSet,
    run: &RunId,
    started: jiff::Timestamp,
    outcomes: &BTreeMap<StepName, Outcome>,
    chosen: &BTreeMap<StoreName, Chosen>,
) -> Value {
    let steps: Map<String, Value> = outcomes
        .iter()
        .map(|(step, outcome)| (step.to_string(), json!(outcome.outputs)))
        .collect();
    let mut stores = Map::new();
    for selection in &change_set.selections {
        if let Choice::Restore(point) = &selection.choice {
            stores.insert(selection.store.to_string(), point_facts(point));
        }
    }
    for (store, chosen) in chosen {
        stores.insert(store.to_string(), point_facts(&chosen.point));
    }
    json!({
        "inputs": change_set.inputs,
        "tables": change_set.tables,
        "steps": steps,
        "stores": stores,
        "run": {
            "id": run,
            "started": started,
            "goal": change_set.goal,
            "scenario": change_set.scenario.name,
        },
    })
}
