//! Named values: inputs, outputs, configuration, facts.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::Error;

/// Values by name, in the order of their names, so that equal values have equal bytes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Values(BTreeMap<String, Value>);

impl Values {
    /// No values.
    pub fn new() -> Self {
        Self::default()
    }

    /// The value of this name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// The value of this name, when it is a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str)
    }

    /// Sets one value and gives back the whole, for building in one expression.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.set(name, value);
        self
    }

    /// Sets one value.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        self.0.insert(name.into(), value.into());
    }

    /// All names with their values, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// True when there are no values.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The values as the typed struct that a provider works with.
    ///
    /// The planner has checked them against the kind's [`crate::Fields`], so an error here means that a
    /// value which became known only during the run has the wrong type.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let object = Value::Object(self.0.clone().into_iter().collect());
        serde_json::from_value(object)
            .map_err(|error| Error::refused(format!("wrong inputs: {error}")))
    }

    /// A typed struct as values.
    ///
    /// # Panics
    /// When `value` does not serialise to an object: that is a mistake in the caller's type.
    pub fn of<T: Serialize>(value: &T) -> Self {
        match serde_json::to_value(value) {
            Ok(Value::Object(object)) => Self(object.into_iter().collect()),
            Ok(other) => panic!("values are made from structs, not from {other}"),
            Err(error) => panic!("a struct of plain values serialises: {error}"),
        }
    }
}

impl FromIterator<(String, Value)> for Values {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}
