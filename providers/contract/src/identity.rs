//! What an operation touches, as a typed name that two operations can be compared by.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;

use crate::values::Values;

/// One thing in the world: its kind and its full name, account or host included.
///
/// Two operations that name the same identity touch the same thing; the planner uses that for
/// duplicate targets, the drill guard for the write set, the engine for one lock a target.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// What it is: `postgres.database`, `s3.prefix`, `file`.
    pub kind: String,
    /// Its name, unique within the kind in the whole world: `127.0.0.1:5432/app`, `s3://bucket/ml/`.
    pub name: String,
}

impl Identity {
    /// An identity of this kind and full name.
    pub fn new(kind: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            name: name.into(),
        }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

/// How an identity is named by the inputs of an action: `{host}:{port}/{database}`.
///
/// Names in braces are inputs of the action, `{store.NAME}` those of its store, `{config.NAME}` those
/// of the provider's configuration. `{region|config.region}` is the first of these that is there: a thing has one name,
/// whether its region stands in the plan's step or in the configuration. A missing input makes an empty text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IdentityTemplate {
    /// The kind of the identity.
    pub kind: &'static str,
    /// The pattern of its name.
    pub name: &'static str,
}

impl IdentityTemplate {
    /// A template of this kind and pattern.
    pub const fn new(kind: &'static str, name: &'static str) -> Self {
        Self { kind, name }
    }

    /// The names of the action's own inputs that the pattern uses.
    pub fn inputs(&self) -> Vec<&'static str> {
        placeholders(self.name)
            .flat_map(|names| names.split('|'))
            .filter(|name| !name.contains('.'))
            .collect()
    }

    /// All names between the braces of the pattern, those of stores and of the configuration too.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        placeholders(self.name).flat_map(|names| names.split('|'))
    }

    /// The identity that these inputs name.
    pub fn fill(&self, with: &Values, store: Option<&Values>, config: &Values) -> Identity {
        let mut name = String::new();
        let mut rest = self.name;
        while let Some((before, after)) = rest.split_once('{') {
            name.push_str(before);
            let (placeholder, tail) = after.split_once('}').unwrap_or((after, ""));
            let value = |field: &str| {
                if let Some(field) = field.strip_prefix("store.") {
                    store.and_then(|store| store.get(field))
                } else if let Some(field) = field.strip_prefix("config.") {
                    config.get(field)
                } else {
                    with.get(field)
                }
            };
            let mut values = placeholder.split('|').filter_map(value);
            name.push_str(&plain(values.find(|value| !value.is_null())));
            rest = tail;
        }
        name.push_str(rest);
        Identity::new(self.kind, name)
    }
}

fn placeholders(pattern: &'static str) -> impl Iterator<Item = &'static str> {
    pattern
        .split('{')
        .skip(1)
        .filter_map(|part| part.split_once('}').map(|(name, _)| name))
}

fn plain(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_))) => {
            other.to_string()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::IdentityTemplate;
    use crate::values::Values;

    #[test]
    fn the_first_name_that_is_there_fills_its_place() {
        let template = IdentityTemplate::new("rds", "{region|config.region}/{instance|cluster}");
        let config = Values::new().with("region", "eu-west-1");
        let name = |with: &Values| template.fill(with, None, &config).name;
        let cluster = Values::new().with("cluster", "app");
        assert_eq!(name(&cluster), "eu-west-1/app");
        let elsewhere = cluster.with("region", "us-east-1");
        assert_eq!(name(&elsewhere), "us-east-1/app");
        assert_eq!(template.inputs(), ["region", "instance", "cluster"]);
    }

    #[test]
    fn an_identity_is_filled_from_inputs_store_and_configuration() {
        let template =
            IdentityTemplate::new("postgres.database", "{config.host}:{port}/{store.database}");
        let identity = template.fill(
            &Values::new().with("port", 5432),
            Some(&Values::new().with("database", "app")),
            &Values::new().with("host", "db"),
        );
        assert_eq!(identity.to_string(), "postgres.database db:5432/app");
        assert_eq!(template.inputs(), ["port"]);
    }
}
