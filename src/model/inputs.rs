//! Inputs: their types, and the values that an operator gives for them.

use std::collections::BTreeMap;
use std::path::Component;
use std::path::Path;

use regex::Regex;
use salvor_contract::Period;
use salvor_contract::Secret;
use salvor_contract::SecretReference;
use salvor_contract::Size;
use salvor_contract::Type;
use salvor_contract::Values;
use serde_json::Value;

use crate::model::moment::moment;
use crate::model::unfit::Unfit;
use crate::plan_file::Code;
use crate::plan_file::Content;
use crate::plan_file::Node;
use crate::plan_file::Position;

/// An input of a plan.
#[derive(Clone, Debug)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// Where it is defined.
    pub at: Position,
    /// What it takes.
    pub takes: InputType,
    /// What a text must match.
    pub pattern: Option<Regex>,
    /// The value when none is given.
    pub default: Option<Value>,
    /// Whether it may be left out.
    pub is_optional: bool,
    /// Whether paths may lead out of the plan's folder.
    pub is_absolute_allowed: bool,
    /// What it is for.
    pub help: String,
    /// A value, to be shown.
    pub example: Option<String>,
}

/// The types of inputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputType {
    /// Text.
    String,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// One of these words.
    Enum(Vec<String>),
    /// A list.
    List(Box<InputType>),
    /// A table of names and values.
    Map(Box<InputType>),
    /// A length of time.
    Duration,
    /// A number of bytes.
    Size,
    /// A moment with its zone.
    Time,
    /// An absolute address.
    Url,
    /// A version: digits, letters, dots.
    Version,
    /// A path below the plan's folder.
    File,
    /// A secret, by reference.
    Secret,
}

/// The values that an operator gives, by where they come from. What stands first wins.
#[derive(Clone, Debug, Default)]
pub struct GivenInputs {
    /// `--input name=value`.
    pub flags: BTreeMap<String, String>,
    /// By name of the input: see [`environment_name`].
    pub environment: BTreeMap<String, String>,
    /// Values of an inputs file.
    pub file: Values,
    /// Values that a drill fixes; they win over all others.
    pub fixed: Values,
}

/// The environment variable that gives an input: `SALVOR_INPUT_RONDB_ID`.
pub fn environment_name(input: &str) -> String {
    format!("SALVOR_INPUT_{}", input.to_uppercase().replace('-', "_"))
}

impl InputType {
    /// The names of the types that have no further words.
    pub const SIMPLE: [&str; 11] = [
        "string", "integer", "number", "boolean", "duration", "size", "time", "url", "version",
        "file", "secret",
    ];

    /// The type of this name, for those that have no further words.
    pub fn simple(name: &str) -> Option<Self> {
        Some(match name {
            "string" => Self::String,
            "integer" => Self::Integer,
            "number" => Self::Number,
            "boolean" => Self::Boolean,
            "duration" => Self::Duration,
            "size" => Self::Size,
            "time" => Self::Time,
            "url" => Self::Url,
            "version" => Self::Version,
            "file" => Self::File,
            "secret" => Self::Secret,
            _ => return None,
        })
    }

    /// The type as providers know it.
    pub fn gives(&self) -> Type {
        match self {
            Self::String | Self::Url | Self::Version | Self::File => Type::Text,
            Self::Integer => Type::Integer,
            Self::Number => Type::Number,
            Self::Boolean => Type::Boolean,
            Self::Enum(words) => Type::OneOf(words.clone()),
            Self::List(of) => Type::List(Box::new(of.gives())),
            Self::Map(of) => Type::Map(Box::new(of.gives())),
            Self::Duration => Type::Period,
            Self::Size => Type::Size,
            Self::Time => Type::Time,
            Self::Secret => Type::Secret,
        }
    }

    /// The values that a condition can compare it with; `None` when it cannot.
    pub fn words(&self) -> Option<Vec<String>> {
        match self {
            Self::Enum(words) => Some(words.clone()),
            Self::Boolean => Some(vec!["true".into(), "false".into()]),
            Self::String
            | Self::Integer
            | Self::Number
            | Self::List(_)
            | Self::Map(_)
            | Self::Duration
            | Self::Size
            | Self::Time
            | Self::Url
            | Self::Version
            | Self::File
            | Self::Secret => None,
        }
    }

    /// A value from a text, as a flag or the environment gives it. The message never holds the text of a
    /// secret.
    ///
    /// # Errors
    /// Why the text is none.
    pub fn of_text(&self, text: &str) -> Result<Value, Unfit> {
        match self {
            Self::String => Ok(Value::String(text.to_owned())),
            Self::Integer => text
                .parse::<i64>()
                .map(Value::from)
                .map_err(|_| self.unfit(format!("`{text}` is not a whole number"))),
            Self::Number => text
                .parse::<f64>()
                .ok()
                .and_then(serde_json::Number::from_f64)
                .map(Value::Number)
                .ok_or_else(|| self.unfit(format!("`{text}` is not a number"))),
            Self::Boolean => match text {
                "true" => Ok(Value::Bool(true)),
                "false" => Ok(Value::Bool(false)),
                _ => Err(self.unfit(format!("`{text}` is neither true nor false"))),
            },
            Self::Enum(words) => match words.iter().any(|word| word == text) {
                true => Ok(Value::String(text.to_owned())),
                false => Err(self.unfit(format!("`{text}` is none of `{}`", words.join("`, `")))),
            },
            Self::List(of) => text
                .split(',')
                .filter(|part| !part.is_empty())
                .map(|part| of.of_text(part.trim()))
                .collect::<Result<Vec<Value>, Unfit>>()
                .map(Value::Array),
            Self::Map(of) => text
                .split(',')
                .filter(|part| !part.is_empty())
                .map(|part| {
                    let (name, value) = part
                        .split_once('=')
                        .ok_or_else(|| self.unfit(format!("`{part}` is not name=value")))?;
                    Ok((name.trim().to_owned(), of.of_text(value.trim())?))
                })
                .collect::<Result<serde_json::Map<String, Value>, Unfit>>()
                .map(Value::Object),
            Self::Duration => text
                .parse::<Period>()
                .map(|_| Value::String(text.to_owned()))
                .map_err(|error| self.unfit(error.to_string())),
            Self::Size => text
                .parse::<Size>()
                .map(|size| Value::from(size.0))
                .map_err(|error| self.unfit(error.to_string())),
            Self::Time => moment(text).map(|moment| Value::String(moment.to_string())),
            Self::Url => match is_url(text) {
                true => Ok(Value::String(text.to_owned())),
                false => Err(self.unfit(format!("`{text}` is not an address"))),
            },
            Self::Version => match is_version(text) {
                true => Ok(Value::String(text.to_owned())),
                false => Err(self.unfit(format!("`{text}` is not a version"))),
            },
            Self::File => match text.is_empty() || text.contains('\0') {
                true => Err(self.unfit("an empty path")),
                false => Ok(Value::String(text.to_owned())),
            },
            Self::Secret => text
                .parse::<SecretReference>()
                .map(|reference| {
                    serde_json::to_value(Secret::from(reference))
                        .expect("a secret has a form in JSON")
                })
                .map_err(|error| self.unfit(error.to_string())),
        }
    }

    /// A value as a TOML file writes it.
    ///
    /// # Errors
    /// Why it is none, at the part that is not taken.
    pub fn of_node(&self, node: &Node) -> Result<Value, Unfit> {
        let taken = match (self, &node.content) {
            (Self::Integer | Self::Size, Content::Integer(number))
                if *number >= 0 || *self == Self::Integer =>
            {
                Ok(Value::from(*number))
            }
            (Self::Number, Content::Integer(number)) => Ok(Value::from(*number)),
            (Self::Number, Content::Float(number)) => serde_json::Number::from_f64(*number)
                .map(Value::Number)
                .ok_or_else(|| self.unfit("not a number")),
            (Self::Boolean, Content::Boolean(value)) => Ok(Value::Bool(*value)),
            (Self::Time, Content::Time(text)) => self.of_text(text),
            (Self::List(of), Content::List(list)) => list
                .iter()
                .map(|node| of.of_node(node))
                .collect::<Result<Vec<Value>, Unfit>>()
                .map(Value::Array),
            (Self::Map(of), Content::Table(table)) => table
                .entries
                .iter()
                .map(|entry| {
                    if entry.key.starts_with('$') {
                        let why = format!("`{}` begins with `$`", entry.key);
                        let unfit = Unfit::new(Code::BadName, why);
                        return Err(unfit
                            .help("such keys are the tool's own: give it another name")
                            .within(entry.key_at));
                    }
                    Ok((entry.key.clone(), of.of_node(&entry.value)?))
                })
                .collect::<Result<serde_json::Map<String, Value>, Unfit>>()
                .map(Value::Object),
            (
                Self::Integer | Self::Number | Self::Boolean | Self::List(_) | Self::Map(_),
                Content::Text(_),
            ) => Err(self.unfit(format!(
                "this is text, and {} is expected",
                self.words_for()
            ))),
            (_, Content::Text(text)) => self.of_text(text),
            (Self::String | Self::Enum(_) | Self::Version, Content::Integer(number)) => {
                let why = format!("this is {}, and text is expected", node.kind());
                Err(Unfit::new(Code::NumberForText, why)
                    .note("as a number it loses leading zeros, and everything after 18 digits")
                    .meant(number.to_string(), "write it between quotes"))
            }
            (_, _) => Err(self.unfit(format!(
                "this is {}, and {} is expected",
                node.kind(),
                self.words_for()
            ))),
        };
        taken.map_err(|unfit| unfit.within(node.at))
    }

    /// A value as JSON: from an inputs file that was read elsewhere, or fixed by a drill.
    ///
    /// # Errors
    /// Why it is none.
    pub fn of_json(&self, value: &Value) -> Result<Value, Unfit> {
        match (self, value) {
            (Self::Secret, Value::Object(_)) => Ok(value.clone()),
            (_, Value::String(text)) => self.of_text(text),
            (Self::Integer | Self::Number | Self::Size, Value::Number(number))
                if *self == Self::Number || number.is_i64() || number.is_u64() =>
            {
                Ok(value.clone())
            }
            (Self::Boolean, Value::Bool(_)) => Ok(value.clone()),
            (Self::List(of), Value::Array(list)) => list
                .iter()
                .map(|value| of.of_json(value))
                .collect::<Result<Vec<Value>, Unfit>>()
                .map(Value::Array),
            (Self::Map(of), Value::Object(object)) => object
                .iter()
                .map(|(name, value)| Ok((name.clone(), of.of_json(value)?)))
                .collect::<Result<serde_json::Map<String, Value>, Unfit>>()
                .map(Value::Object),
            (_, _) => Err(self.unfit(format!("{} is expected", self.words_for()))),
        }
    }

    /// A value that this type does not take, with the form that it takes in a file.
    fn unfit(&self, why: impl Into<String>) -> Unfit {
        let (code, form) = match self {
            Self::String => (Code::BadValue, "write it between quotes".to_owned()),
            Self::Integer => (Code::BadValue, "write a whole number, without quotes: 3".to_owned()),
            Self::Number => (Code::BadValue, "write a number, without quotes: 0.5".to_owned()),
            Self::Boolean => (Code::BadValue, "write true or false, without quotes".to_owned()),
            Self::Enum(words) => {
                let words = words.join("\", \"");
                (Code::BadValue, format!("write one of \"{words}\""))
            }
            Self::List(_) => (Code::BadValue, "write a list: [\"a\", \"b\"]".to_owned()),
            Self::Map(_) => (Code::BadValue, "write a table: { name = \"value\" }".to_owned()),
            Self::Duration => (
                Code::BadDuration,
                "write a length of time such as \"90s\", \"15m\", \"4h\" or \"7d\"; months and years have no fixed \
                 length"
                    .to_owned(),
            ),
            Self::Size => (Code::BadValue, "write 1048576, or \"1MiB\"".to_owned()),
            Self::Time => (
                Code::TimeWithoutZone,
                "write date, time and zone: \"2026-04-06T01:30:00Z\"".to_owned(),
            ),
            Self::Url => (
                Code::BadValue,
                "write it whole, with its scheme: \"https://host/path\"".to_owned(),
            ),
            Self::Version => (
                Code::BadValue,
                "write letters, digits and dots: \"4.2.0\"".to_owned(),
            ),
            Self::File => (Code::BadValue, "write a path between quotes".to_owned()),
            Self::Secret => (
                Code::SecretAsText,
                "write where the secret is to be found: env:NAME or file:/path".to_owned(),
            ),
        };
        Unfit::new(code, why).help_in_file(form)
    }

    /// What it takes, in words.
    pub fn words_for(&self) -> &'static str {
        match self {
            Self::String => "text",
            Self::Integer => "a whole number",
            Self::Number => "a number",
            Self::Boolean => "true or false",
            Self::Enum(_) => "one of its words",
            Self::List(_) => "a list",
            Self::Map(_) => "a table",
            Self::Duration => "a length of time",
            Self::Size => "a number of bytes",
            Self::Time => "a moment with its zone",
            Self::Url => "an address",
            Self::Version => "a version",
            Self::File => "a path",
            Self::Secret => "a secret reference",
        }
    }
}

impl Input {
    /// Holds a value against the pattern, and paths against the plan's folder.
    ///
    /// # Errors
    /// What it does not hold.
    pub fn matches(&self, value: &Value) -> Result<(), Unfit> {
        if !self.is_absolute_allowed {
            stays_inside(&self.takes, value)?;
        }
        match (&self.pattern, value.as_str()) {
            (Some(pattern), Some(text)) if !pattern.is_match(text) => {
                let why = format!("`{text}` does not match `{}`", pattern.as_str());
                let unfit = Unfit::new(Code::BadValue, why);
                Err(match &self.example {
                    Some(example) => {
                        unfit.help_in_file(format!("write one that does, such as `{example}`"))
                    }
                    None => unfit.help_in_file("write one that does, or correct its `pattern`"),
                })
            }
            (_, _) => Ok(()),
        }
    }
}

/// Refuses a path that leads out of the folder that it is relative to.
fn stays_inside(takes: &InputType, value: &Value) -> Result<(), Unfit> {
    match (takes, value) {
        (InputType::File, Value::String(text)) => {
            let is_inside = Path::new(text)
                .components()
                .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
            match is_inside {
                true => Ok(()),
                false => {
                    let why = format!("`{text}` leads out of the plan's folder");
                    Err(Unfit::new(Code::BadValue, why).help(
                        "name a file of the plan's folder, or give the input `absolute = true`",
                    ))
                }
            }
        }
        (InputType::List(of), Value::Array(list)) => {
            list.iter().try_for_each(|value| stays_inside(of, value))
        }
        (InputType::Map(of), Value::Object(object)) => object
            .values()
            .try_for_each(|value| stays_inside(of, value)),
        (_, _) => Ok(()),
    }
}

fn is_url(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, rest)| {
        !scheme.is_empty()
            && scheme
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '+' || c == '-')
            && !rest.is_empty()
            && !text.chars().any(|c| c.is_whitespace() || c.is_control())
    })
}

fn is_version(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+' | '_'))
}
