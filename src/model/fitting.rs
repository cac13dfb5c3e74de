//! Which types and values fit where.

use salvor_contract::Period;
use salvor_contract::Secret;
use salvor_contract::Size;
use salvor_contract::Type;
use serde_json::Value;

use crate::model::moment::moment;

/// True when what gives one type may stand where another is taken.
///
/// Text may stand for a length, a size, a moment or a word: whether it is one shows when it is known.
pub fn fits(gives: &Type, takes: &Type) -> bool {
    match (gives, takes) {
        (Type::Secret, takes) => *takes == Type::Secret,
        (Type::Any, _) | (_, Type::Any) | (Type::Integer, Type::Number | Type::Size) => true,
        (Type::Text, Type::Period | Type::Size | Type::Time | Type::OneOf(_) | Type::Secret) => {
            true
        }
        (Type::OneOf(_) | Type::Period | Type::Time, Type::Text | Type::Secret) => true,
        (Type::OneOf(words), Type::OneOf(known)) => words.iter().all(|word| known.contains(word)),
        (Type::List(gives), Type::List(takes)) | (Type::Map(gives), Type::Map(takes)) => {
            fits(gives, takes)
        }
        (gives, takes) => gives == takes,
    }
}

/// Why a value does not fit; `None` when it does, or was left out.
pub fn misfit(value: &Value, takes: &Type) -> Option<String> {
    let text = value.as_str();
    let fits = match takes {
        _ if value.is_null() => true,
        Type::Text => text.is_some(),
        Type::Integer => value.is_i64() || value.is_u64(),
        Type::Number => value.is_number(),
        Type::Boolean => value.is_boolean(),
        Type::Period => text.is_some_and(|text| text.parse::<Period>().is_ok()),
        Type::Size => value.is_u64() || text.is_some_and(|text| text.parse::<Size>().is_ok()),
        Type::Time => text.is_some_and(|text| moment(text).is_ok()),
        Type::Secret => serde_json::from_value::<Secret>(value.clone()).is_ok(),
        Type::OneOf(words) => text.is_some_and(|text| words.iter().any(|word| word == text)),
        Type::List(of) => {
            return match value.as_array() {
                Some(list) => list.iter().find_map(|value| misfit(value, of)),
                None => Some(says(value)),
            };
        }
        Type::Map(of) => {
            return match value.as_object() {
                Some(object) => object.values().find_map(|value| misfit(value, of)),
                None => Some(says(value)),
            };
        }
        Type::Table(_) => value.is_object(),
        Type::Any => true,
    };
    match (fits, takes) {
        (true, _) => None,
        (false, Type::Secret) => Some("this says no secret reference".to_owned()),
        (false, _) => Some(says(value)),
    }
}

fn says(value: &Value) -> String {
    match value {
        Value::Object(_) => "this says a table".to_owned(),
        Value::Array(_) => "this says a list".to_owned(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            format!(
                "this says `{}`",
                value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned)
            )
        }
    }
}

/// A type in words.
pub fn type_words(takes: &Type) -> String {
    match takes {
        Type::Text => "text".to_owned(),
        Type::Integer => "a whole number".to_owned(),
        Type::Number => "a number".to_owned(),
        Type::Boolean => "true or false".to_owned(),
        Type::Period => "a length of time".to_owned(),
        Type::Size => "a number of bytes".to_owned(),
        Type::Time => "a moment".to_owned(),
        Type::Secret => "a secret".to_owned(),
        Type::OneOf(words) => format!("one of `{}`", words.join("`, `")),
        Type::List(of) => format!("a list ({})", type_words(of)),
        Type::Map(_) | Type::Table(_) => "a table".to_owned(),
        Type::Any => "a value".to_owned(),
    }
}

/// How a value of a type is written in a plan.
pub fn form(takes: &Type) -> String {
    match takes {
        Type::Text => "write one text, between quotes".to_owned(),
        Type::Integer => "write a whole number, without quotes: 3".to_owned(),
        Type::Number => "write a number, without quotes: 0.5".to_owned(),
        Type::Boolean => "write true or false, without quotes".to_owned(),
        Type::Period => "write a length of time such as \"90s\", \"15m\" or \"4h\"".to_owned(),
        Type::Size => "write 1048576, or \"1MiB\"".to_owned(),
        Type::Time => "write date, time and zone: \"2026-04-06T01:30:00Z\"".to_owned(),
        Type::Secret => "write where the secret is to be found: env:NAME or file:/path".to_owned(),
        Type::OneOf(words) => format!("write one of \"{}\"", words.join("\", \"")),
        Type::List(_) => "write a list: [ …, … ]".to_owned(),
        Type::Map(_) | Type::Table(_) => "write a table: { name = … }".to_owned(),
        Type::Any => "write a value".to_owned(),
    }
}
