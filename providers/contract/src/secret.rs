//! Secrets as references: what a plan, a change set and a journal hold in place of the secret.
//!
//! The value itself exists only between [`crate::Secrets::resolve`] and the call that needs it. It
//! has no `Serialize` and its `Debug` is redacted.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use schemars::Schema;
use schemars::SchemaGenerator;
use schemars::json_schema;
pub use secrecy::ExposeSecret;
pub use secrecy::SecretString;
use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::de::Error as _;

/// Where a secret is to be found: `env:NAME` or `file:/path`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SecretReference {
    /// An environment variable of the process that runs salvor.
    Environment(String),
    /// A file; one trailing line break is not part of the secret.
    File(String),
}

/// A text that is not a secret reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a secret is written as a reference: env:NAME or file:/path")]
pub struct SecretReferenceError;

impl FromStr for SecretReference {
    type Err = SecretReferenceError;

    fn from_str(text: &str) -> Result<Self, SecretReferenceError> {
        match text.split_once(':') {
            Some(("env", name))
                if !name.is_empty()
                    && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') =>
            {
                Ok(Self::Environment(name.to_owned()))
            }
            Some(("file", path)) if !path.is_empty() && !path.contains('\0') => {
                Ok(Self::File(path.to_owned()))
            }
            Some(_) | None => Err(SecretReferenceError),
        }
    }
}

impl fmt::Display for SecretReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{path}"),
        }
    }
}

/// A text with secrets in it, none of them resolved: a password, or a whole connection string.
///
/// Written by a person it is one reference (`"env:PGPASSWORD"`). After templates were rendered it
/// may be several parts: `{"secret": [{"text": "postgres://app:"}, {"from": "env:PGPASSWORD"}]}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    parts: Vec<SecretPart>,
}

/// One part of a [`Secret`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretPart {
    /// Text that is not secret.
    Text(String),
    /// Text that is, by reference.
    From(SecretReference),
}

impl Secret {
    /// A secret that is composed of parts, in their order.
    pub fn new(parts: Vec<SecretPart>) -> Self {
        Self { parts }
    }

    /// The parts, in their order.
    pub fn parts(&self) -> &[SecretPart] {
        &self.parts
    }
}

impl From<SecretReference> for Secret {
    fn from(reference: SecretReference) -> Self {
        Self {
            parts: vec![SecretPart::From(reference)],
        }
    }
}

/// Prints the references, never a value.
impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            match part {
                SecretPart::Text(text) => f.write_str(text)?,
                SecretPart::From(reference) => write!(f, "<{reference}>")?,
            }
        }
        Ok(())
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SecretForm {
    secret: Vec<PartForm>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "lowercase")]
enum PartForm {
    Text(String),
    From(String),
}

impl Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let secret = self.parts.iter().map(|part| match part {
            SecretPart::Text(text) => PartForm::Text(text.clone()),
            SecretPart::From(reference) => PartForm::From(reference.to_string()),
        });
        SecretForm {
            secret: secret.collect(),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        if let Some(text) = value.as_str() {
            let reference: SecretReference = text.parse().map_err(D::Error::custom)?;
            return Ok(reference.into());
        }
        let form = SecretForm::deserialize(value).map_err(D::Error::custom)?;
        let parts: Result<Vec<SecretPart>, SecretReferenceError> = form
            .secret
            .into_iter()
            .map(|part| match part {
                PartForm::Text(text) => Ok(SecretPart::Text(text)),
                PartForm::From(reference) => Ok(SecretPart::From(reference.parse()?)),
            })
            .collect();
        Ok(Self {
            parts: parts.map_err(D::Error::custom)?,
        })
    }
}

impl JsonSchema for Secret {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Secret".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "secret", "examples": ["env:PGPASSWORD", "file:/run/secrets/db"] })
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;
    use super::SecretPart;
    use super::SecretReference;

    #[test]
    fn a_secret_survives_json_without_its_value() {
        let secret = Secret::new(vec![
            SecretPart::Text("postgres://app:".into()),
            SecretPart::From(SecretReference::Environment("PGPASSWORD".into())),
        ]);
        let json = serde_json::to_value(&secret).expect("a secret has a form");
        assert_eq!(
            json,
            serde_json::json!({"secret": [{"text": "postgres://app:"}, {"from": "env:PGPASSWORD"}]})
        );
        let back: Secret = serde_json::from_value(json).expect("its own form");
        assert_eq!(back, secret);
        assert_eq!(secret.to_string(), "postgres://app:<env:PGPASSWORD>");
    }

    #[test]
    fn a_bare_password_is_refused() {
        assert!(serde_json::from_value::<Secret>(serde_json::json!("hunter2")).is_err());
        assert!(serde_json::from_value::<Secret>(serde_json::json!("env:")).is_err());
    }
}
