//! Turns the types of inputs into JSON Schema, as a plan writes them: each value may be a template instead.

use salvor_contract::Fields;
use salvor_contract::Type;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

/// A length of time, or a template that says one.
pub(super) const PERIOD: &str = r"^\s*([0-9]+\s*(ms|s|m|min|h|d|w)\s*)+$|\{\{";

/// A table that takes these fields and no others.
pub(super) fn of_fields(fields: &Fields) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for field in fields.iter() {
        let mut schema = of_type(&field.takes);
        if let Value::Object(schema) = &mut schema {
            schema.insert("description".to_owned(), json!(field.help));
            if let Some(default) = &field.default {
                schema.insert("default".to_owned(), default.clone());
            }
        }
        properties.insert(field.name.clone(), schema);
        if field.is_required {
            required.push(json!(field.name));
        }
    }
    let mut table = json!({
        "type": "object",
        "properties": properties,
        "additionalProperties": false
    });
    if !required.is_empty() {
        table["required"] = Value::Array(required);
    }
    table
}

fn of_type(takes: &Type) -> Value {
    match takes {
        // A moment is written as text, or as TOML's own date and time, which readers of schemas see as text.
        Type::Text | Type::Time => json!({ "type": "string" }),
        Type::Integer => or_template(json!({ "type": "integer" })),
        Type::Number => or_template(json!({ "type": "number" })),
        Type::Boolean => or_template(json!({ "type": "boolean" })),
        Type::Period => json!({ "type": "string", "pattern": PERIOD }),
        Type::Size => json!({ "type": ["string", "integer"] }),
        Type::Secret => json!({
            "type": "string",
            "examples": ["env:PGPASSWORD", "file:/run/secrets/db", "{{inputs.password}}"]
        }),
        Type::OneOf(words) => or_template(json!({ "enum": words })),
        Type::List(inner) => or_template(json!({ "type": "array", "items": of_type(inner) })),
        Type::Map(inner) => or_template(json!({
            "type": "object",
            "additionalProperties": of_type(inner)
        })),
        Type::Table(fields) => or_template(of_fields(fields)),
        Type::Any => json!({}),
    }
}

fn or_template(schema: Value) -> Value {
    json!({ "anyOf": [schema, { "type": "string", "pattern": r"\{\{" }] })
}
