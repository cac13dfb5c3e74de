//! Turns the tables of keys and the kinds of providers into the JSON Schema of a plan and of its further files.

use salvor_contract::KindName;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::model::keys;
use crate::model::keys::Key;
use crate::model::keys::Takes;
use crate::registry::Registry;
use crate::schema::fields::PERIOD;
use crate::schema::fields::of_fields;

/// The dialect of all our schemas.
pub(super) const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// A name, as `plan_file` demands it.
const NAME: &str = "^[a-z0-9][a-z0-9-]{0,62}$";

/// The schema of `plan.toml`.
pub(super) fn schema(registry: &Registry) -> Value {
    let mut root = table(keys::ROOT);
    root["properties"]["format"] = json!({
        "description": "The format of the language.",
        "const": keys::FORMAT
    });
    root["properties"]["providers"] = providers(registry);
    let mut included = root.clone();
    forget_required(&mut included);
    let mut definitions = Map::new();
    for (name, file) in [
        ("included-file", included),
        ("group-file", table(keys::GROUP_FILE)),
        ("variant-file", table(keys::VARIANT_FILE)),
        ("input", table(keys::INPUT)),
        ("store", store(registry)),
        ("step", step(registry)),
        ("notification", notification(registry)),
    ] {
        definitions.insert(name.to_owned(), file);
    }
    for kind in registry.stores() {
        let with = described(of_fields(&kind.with), kind.name, kind.summary);
        definitions.insert(format!("store.{}", kind.name), with);
    }
    for kind in registry.actions() {
        let with = described(of_fields(&kind.with), kind.name, kind.summary);
        definitions.insert(format!("action.{}", kind.name), with);
    }
    let mut schema = json!({
        "$schema": DIALECT,
        "title": "A recovery plan: plan.toml."
    });
    if let (Value::Object(schema), Value::Object(root)) = (&mut schema, root) {
        schema.extend(root);
        schema.insert("$defs".to_owned(), Value::Object(definitions));
    }
    schema
}

/// The schema of another file of a plan, by its name under `$defs`. It stands alone: not every editor follows a fragment
/// or a reference to another file.
pub(super) fn schema_of_file(registry: &Registry, name: &str) -> Value {
    let mut definitions = schema(registry)["$defs"].take();
    let file = definitions[name].take();
    if let Value::Object(definitions) = &mut definitions {
        definitions.retain(|name, _| !name.ends_with("-file"));
    }
    let mut schema = json!({
        "$schema": DIALECT,
        "title": format!("A file of a recovery plan: {}.", name.replace('-', " ")),
        "$defs": definitions,
    });
    if let (Value::Object(schema), Value::Object(file)) = (&mut schema, file) {
        schema.extend(file);
    }
    schema
}

fn forget_required(table: &mut Value) {
    if let Value::Object(table) = table {
        table.remove("required");
    }
}

fn described(mut schema: Value, title: &str, description: &str) -> Value {
    schema["title"] = json!(title);
    schema["description"] = json!(description);
    schema
}

fn table(keys: &[Key]) -> Value {
    let mut properties = Map::new();
    for key in keys {
        let mut schema = of_key(key);
        schema["description"] = json!(key.help);
        properties.insert(key.name.to_owned(), schema);
    }
    let required: Vec<&str> = keys
        .iter()
        .filter(|key| key.is_required)
        .map(|key| key.name)
        .collect();
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false
    })
}

fn of_key(key: &Key) -> Value {
    let name = || json!({ "type": "string", "pattern": NAME });
    match key.takes {
        Takes::Text | Takes::Template | Takes::Condition => json!({ "type": "string" }),
        Takes::Name => name(),
        Takes::Names => json!({ "type": "array", "items": name() }),
        Takes::Texts => json!({ "type": "array", "items": { "type": "string" } }),
        Takes::Boolean => json!({ "type": "boolean" }),
        Takes::Integer => json!({ "type": "integer", "minimum": 0 }),
        Takes::Period => json!({ "type": "string", "pattern": PERIOD }),
        Takes::Objective => json!({
            "anyOf": [{ "type": "string", "pattern": PERIOD }, table(keys::OBJECTIVE)]
        }),
        Takes::OneOf(words) => json!({ "enum": words }),
        Takes::Table(keys) => table(keys),
        Takes::Named(keys) => json!({
            "type": "object",
            "propertyNames": { "pattern": NAME },
            "additionalProperties": shared(key.name).unwrap_or_else(|| table(keys))
        }),
        Takes::List(keys) => json!({
            "type": "array",
            "items": shared(key.name).unwrap_or_else(|| table(keys))
        }),
        Takes::TextMap => json!({
            "type": "object",
            "additionalProperties": { "type": "string" }
        }),
        Takes::IntegerMap => json!({
            "type": "object",
            "additionalProperties": { "type": "integer", "minimum": 0 }
        }),
        Takes::TextOrTable(keys) => json!({ "anyOf": [{ "type": "string" }, table(keys)] }),
        Takes::Free => json!({ "type": "object" }),
        Takes::Any => json!({}),
    }
}

/// Sections that stand in several kinds of files, or whose `with` depends on a kind, are written once.
fn shared(section: &str) -> Option<Value> {
    let definition = match section {
        "inputs" => "input",
        "stores" => "store",
        "steps" => "step",
        "notify" => "notification",
        _ => return None,
    };
    Some(json!({ "$ref": format!("#/$defs/{definition}") }))
}

fn providers(registry: &Registry) -> Value {
    let mut properties = Map::new();
    for provider in registry.iter() {
        let tells = provider.description();
        let config = described(of_fields(&tells.config), tells.name, tells.summary);
        properties.insert(tells.name.to_owned(), config);
    }
    json!({
        "description": "The configuration of each provider.",
        "type": "object",
        "properties": properties,
        "additionalProperties": false
    })
}

fn store(registry: &Registry) -> Value {
    let mut store = table(keys::STORE);
    let mut names = Vec::new();
    let mut cases = Vec::new();
    for kind in registry.stores() {
        let written = written_names(kind.name, |short| registry.full_store_name(short));
        cases.push(case("kind", &written, "store", kind.name));
        names.extend(written);
    }
    store["properties"]["kind"]["enum"] = json!(names);
    store["allOf"] = Value::Array(cases);
    store
}

fn step(registry: &Registry) -> Value {
    let mut step = with_actions(table(keys::STEP), registry);
    // One of the roles, by its own action or by the one that `uses` names; without a role, `uses` alone.
    let mut ways: Vec<Value> = ["restore", "backup", "verify"]
        .iter()
        .map(|key| json!({ "required": [key] }))
        .collect();
    ways.push(json!({ "required": ["uses"], "not": { "anyOf": ways.clone() } }));
    step["oneOf"] = Value::Array(ways);
    step
}

fn notification(registry: &Registry) -> Value {
    with_actions(table(keys::NOTIFY), registry)
}

fn with_actions(mut table: Value, registry: &Registry) -> Value {
    let mut names = Vec::new();
    let mut cases = Vec::new();
    for kind in registry.actions() {
        let written = written_names(kind.name, |short| registry.full_action_name(short));
        cases.push(case("uses", &written, "action", kind.name));
        names.extend(written);
    }
    table["properties"]["uses"]["enum"] = json!(names);
    table["allOf"] = Value::Array(cases);
    table
}

/// The names by which a plan may call a kind: its full one, and a short one where the registry knows it.
fn written_names(full: &str, meant: impl Fn(&str) -> Option<KindName>) -> Vec<String> {
    let rest = full.split_once('.').map_or("", |(_, rest)| rest);
    let mut names = vec![full.to_owned()];
    for short in [rest.replace('-', "."), rest.to_owned()] {
        if meant(&short) == Some(KindName::from(full)) && !names.contains(&short) {
            names.push(short);
        }
    }
    names
}

/// When `key` is one of these names, `with` is that kind's.
fn case(key: &str, names: &[String], of: &str, kind: &str) -> Value {
    let with = json!({ "$ref": format!("#/$defs/{of}.{kind}") });
    json!({
        "if": { "properties": { key: { "enum": names } }, "required": [key] },
        "then": { "properties": { "with": with } }
    })
}
