//! The types of inputs and outputs, taken from a provider's own Rust types.
//!
//! A provider writes a struct with `Deserialize` and `JsonSchema`; [`Fields::of`] turns its schema into
//! the small set of types that the plan language knows. So name, type, default and help of an input stand
//! in one place.

use std::fmt;
use std::sync::Arc;
use std::sync::OnceLock;

use schemars::JsonSchema;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde::Serialize;
use serde::Serializer;
use serde_json::Value;

/// The inputs of a kind, in the order in which its struct declares them.
///
/// They are read from the struct when they are first asked for: a command uses a few kinds of the many that there
/// are, and to read all of them was most of its start.
#[derive(Clone)]
pub struct Fields {
    known: Arc<OnceLock<Vec<Field>>>,
    read: fn() -> Vec<Field>,
}

/// One input.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Field {
    /// Its name as it is written in a plan.
    pub name: String,
    /// What it takes.
    pub takes: Type,
    /// Whether it must be given.
    pub is_required: bool,
    /// What it is for: the doc comment of the struct's field.
    pub help: String,
    /// What holds when it is left out, where the struct says so.
    pub default: Option<Value>,
}

/// What an input or an output can be.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Type {
    /// Text.
    Text,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// A length of time: `5m`.
    Period,
    /// A number of bytes: `64MiB`.
    Size,
    /// A moment with its zone: `2026-04-06T01:30:00Z`.
    Time,
    /// A secret, by reference.
    Secret,
    /// One of these words.
    OneOf(Vec<String>),
    /// A list.
    List(Box<Type>),
    /// A table with free keys and values of one type.
    Map(Box<Type>),
    /// A table with these keys.
    Table(Fields),
    /// Anything.
    Any,
}

impl Fields {
    /// The fields of a struct, as its `JsonSchema` tells them.
    ///
    /// Whoever asks for them panics when the struct uses a shape that the plan language does not have (enums with data,
    /// tuples): the conformance suite asks for all.
    pub fn of<T: JsonSchema>() -> Self {
        Self {
            known: Arc::default(),
            read: read::<T>,
        }
    }

    /// No inputs.
    pub fn none() -> Self {
        Self::default()
    }

    /// The field of this name.
    pub fn get(&self, name: &str) -> Option<&Field> {
        self.iter().find(|field| field.name == name)
    }

    /// True when there are none.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// All fields, in the order of their declaration.
    pub fn iter(&self) -> impl Iterator<Item = &Field> {
        self.known.get_or_init(self.read).iter()
    }
}

impl From<Vec<Field>> for Fields {
    fn from(fields: Vec<Field>) -> Self {
        Self {
            known: Arc::new(OnceLock::from(fields)),
            read: Vec::new,
        }
    }
}

impl Default for Fields {
    fn default() -> Self {
        Self::from(Vec::new())
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl PartialEq for Fields {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

fn read<T: JsonSchema>() -> Vec<Field> {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let schema = SchemaGenerator::new(settings).into_root_schema_for::<T>();
    fields_of(schema.as_value())
}

fn fields_of(schema: &Value) -> Vec<Field> {
    let required: Vec<&str> = schema["required"]
        .as_array()
        .map(|names| names.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let Some(properties) = schema["properties"].as_object() else {
        return Vec::new();
    };
    let fields = properties.iter().map(|(name, property)| Field {
        name: name.clone(),
        takes: type_of(name, property),
        is_required: required.contains(&name.as_str()),
        help: property["description"]
            .as_str()
            .unwrap_or_default()
            .replace('\n', " "),
        default: property
            .get("default")
            .filter(|value| !value.is_null())
            .cloned(),
    });
    fields.collect()
}

fn type_of(name: &str, schema: &Value) -> Type {
    if schema.as_bool() == Some(true) || schema.as_object().is_some_and(|o| !has_shape(o)) {
        return Type::Any;
    }
    // `Option<T>` is "T or null": a left-out input, which the plan language already has.
    for key in ["anyOf", "oneOf"] {
        if let Some(choices) = schema[key].as_array() {
            let words: Vec<String> = choices
                .iter()
                .filter_map(|c| c["const"].as_str().map(str::to_owned))
                .collect();
            if words.len() == choices.len() {
                return Type::OneOf(words);
            }
            let others: Vec<&Value> = choices.iter().filter(|c| c["type"] != "null").collect();
            if let [only] = others.as_slice() {
                return type_of(name, only);
            }
            panic!("input `{name}`: a choice between shapes is not in the plan language");
        }
    }
    if let Some(words) = schema["enum"].as_array() {
        return Type::OneOf(
            words
                .iter()
                .filter_map(|w| w.as_str().map(str::to_owned))
                .collect(),
        );
    }
    match schema["format"].as_str() {
        Some("period") => return Type::Period,
        Some("size") => return Type::Size,
        Some("secret") => return Type::Secret,
        Some("date-time") => return Type::Time,
        Some(_) | None => {}
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds
            .iter()
            .filter_map(Value::as_str)
            .find(|kind| *kind != "null"),
        single @ (Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Object(_)) => single.as_str(),
    };
    match kind {
        Some("string") => Type::Text,
        Some("integer") => Type::Integer,
        Some("number") => Type::Number,
        Some("boolean") => Type::Boolean,
        Some("array") => Type::List(Box::new(type_of(name, &schema["items"]))),
        Some("object") if schema["properties"].is_object() => Type::Table(fields_of(schema).into()),
        Some("object") => match schema.get("additionalProperties") {
            Some(values) if values.is_object() => Type::Map(Box::new(type_of(name, values))),
            Some(_) | None => Type::Map(Box::new(Type::Any)),
        },
        Some(other) => panic!("input `{name}`: type {other} is not in the plan language"),
        None => Type::Any,
    }
}

fn has_shape(schema: &serde_json::Map<String, Value>) -> bool {
    ["type", "anyOf", "oneOf", "enum", "const", "properties"]
        .iter()
        .any(|key| schema.contains_key(*key))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use schemars::JsonSchema;
    use serde::Deserialize;

    use super::Fields;
    use super::Type;
    use crate::quantity::Period;
    use crate::secret::Secret;

    #[derive(Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields, rename_all = "kebab-case")]
    #[expect(dead_code, reason = "only its schema is read")]
    struct Restore {
        /// Where to.
        target: String,
        /// At most this long.
        #[serde(default)]
        time_out: Option<Period>,
        password: Option<Secret>,
        mode: Mode,
        tags: BTreeMap<String, String>,
        tables: Option<Vec<String>>,
        at: Option<jiff::Timestamp>,
        json: BTreeMap<String, serde_json::Value>,
    }

    #[derive(Deserialize, JsonSchema)]
    #[serde(rename_all = "kebab-case")]
    enum Mode {
        New,
        InPlace,
    }

    #[test]
    fn a_struct_becomes_typed_inputs() {
        let fields = Fields::of::<Restore>();
        let types: Vec<(&str, &Type, bool)> = fields
            .iter()
            .map(|f| (f.name.as_str(), &f.takes, f.is_required))
            .collect();
        let text = || Box::new(Type::Text);
        assert_eq!(
            types,
            [
                ("target", &Type::Text, true),
                ("time-out", &Type::Period, false),
                ("password", &Type::Secret, false),
                (
                    "mode",
                    &Type::OneOf(vec!["new".into(), "in-place".into()]),
                    true
                ),
                ("tags", &Type::Map(text()), true),
                ("tables", &Type::List(text()), false),
                ("at", &Type::Time, false),
                ("json", &Type::Map(Box::new(Type::Any)), true),
            ]
        );
        assert_eq!(
            fields.get("target").map(|f| f.help.as_str()),
            Some("Where to.")
        );
    }
}
