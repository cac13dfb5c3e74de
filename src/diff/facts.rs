//! What templates can refer to before the run, and how what is not known yet is said.

use salvor_contract::ChosenPoint;
use salvor_contract::StepName;
use salvor_contract::StoreName;
use salvor_contract::Values;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::change_set::Choice;
use crate::change_set::StoreSelection;
use crate::model::instance::Instance;
use crate::recovery_points::Selected;
use crate::template;
use crate::template::TemplateError;

/// The facts that are fixed before the run: inputs, tables, chosen points, goal and scenario. `steps` is empty.
pub fn plan_facts(plan: &Instance, selected: &Selected) -> Value {
    let mut stores = Map::new();
    for selection in &selected.selections {
        if let Choice::Restore(point) = &selection.choice {
            stores.insert(selection.store.to_string(), point_facts(point));
        }
    }
    json!({
        "inputs": plan.inputs,
        "tables": plan.tables,
        "stores": stores,
        "steps": {},
        "run": { "goal": selected.goal, "scenario": plan.scenario.name },
    })
}

/// `{{stores.NAME.point.…}}`: id, moment, title, and what the provider keeps of the point.
pub fn point_facts(chosen: &ChosenPoint) -> Value {
    let details = chosen.point.details.iter();
    let mut point: Map<String, Value> = details
        .map(|(name, value)| (name.to_owned(), value.clone()))
        .collect();
    point.insert("id".into(), json!(chosen.point.id));
    point.insert("at".into(), json!(chosen.at));
    point.insert("title".into(), json!(chosen.point.title));
    json!({ "point": point })
}

/// Adds the outputs of a step that its preview knows already.
pub(super) fn add_known(facts: &mut Value, step: &StepName, known: &Values) {
    if !known.is_empty() {
        facts["steps"][step.as_str()] = json!(known);
    }
}

/// A value with every template rendered whose facts are in `facts`; the others stay as they are.
///
/// Not [`template::render_partial`]: that one takes a missing fact behind `default` for one that will never
/// come, while before the run it is one that has not come yet.
pub(super) fn render_known(tree: &Value, facts: &Value) -> Result<Value, TemplateError> {
    match tree {
        Value::Object(object) if object.contains_key(template::KEY) => {
            let is_known = template::references(tree)
                .iter()
                .all(|path| holds(facts, path) || !may_come(path));
            if is_known {
                template::render(tree, facts)
            } else {
                Ok(tree.clone())
            }
        }
        Value::Object(object) => {
            let entries = object
                .iter()
                .map(|(name, value)| Ok((name.clone(), render_known(value, facts)?)));
            entries
                .collect::<Result<Map<String, Value>, TemplateError>>()
                .map(Value::Object)
        }
        Value::Array(list) => {
            let values = list.iter().map(|value| render_known(value, facts));
            values
                .collect::<Result<Vec<Value>, TemplateError>>()
                .map(Value::Array)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(tree.clone()),
    }
}

/// True for facts that the run makes known.
fn may_come(path: &[String]) -> bool {
    path.first()
        .is_some_and(|root| matches!(root.as_str(), "steps" | "stores" | "run"))
}

fn holds(facts: &Value, path: &[String]) -> bool {
    path.iter()
        .try_fold(facts, |value, name| match value {
            Value::Object(object) => object.get(name),
            Value::Array(list) => name.parse::<usize>().ok().and_then(|index| list.get(index)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
        })
        .is_some()
}

/// How a fact that is not known yet is said: `(known after metadata: its endpoint)`.
pub(super) fn known_after(path: &[String], selections: &[StoreSelection]) -> String {
    let parts: Vec<&str> = path.iter().map(String::as_str).collect();
    match parts.as_slice() {
        ["steps", step, output @ ..] => format!("(known after {step}: its {})", output.join(".")),
        ["stores", store, ..] => no_point_yet(&StoreName::new(*store), selections),
        ["run", ..] => "(known when the run starts)".to_owned(),
        _ => format!("({} is not known)", parts.join(".")),
    }
}

/// Why the point of a store is not known: it comes later, or there is none.
pub(super) fn no_point_yet(store: &StoreName, selections: &[StoreSelection]) -> String {
    let selection = selections
        .iter()
        .find(|selection| &selection.store == store);
    match selection.map(|selection| &selection.choice) {
        Some(Choice::Later(rule)) => {
            format!(
                "(known after {}: the recovery point of {store})",
                rule.after
            )
        }
        Some(Choice::Restore(_) | Choice::Leave | Choice::Impossible) | None => {
            format!("(there is no recovery point of {store})")
        }
    }
}
