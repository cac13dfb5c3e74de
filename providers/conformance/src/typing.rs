//! Tells whether a value has the type that a kind declares for it.

use jiff::Timestamp;
use salvor_contract::Period;
use salvor_contract::Secret;
use salvor_contract::Type;
use serde_json::Value;

/// True when `value` is of this type.
pub(crate) fn fits(value: &Value, takes: &Type) -> bool {
    match takes {
        Type::Text => value.is_string(),
        Type::Integer => value.is_i64() || value.is_u64(),
        Type::Number => value.is_number(),
        Type::Boolean => value.is_boolean(),
        Type::Period => value.as_str().is_some_and(|t| t.parse::<Period>().is_ok()),
        Type::Size => value.is_u64(),
        Type::Time => value
            .as_str()
            .is_some_and(|t| t.parse::<Timestamp>().is_ok()),
        Type::Secret => serde_json::from_value::<Secret>(value.clone()).is_ok(),
        Type::OneOf(words) => value
            .as_str()
            .is_some_and(|text| words.iter().any(|word| word == text)),
        Type::List(inner) => value
            .as_array()
            .is_some_and(|items| items.iter().all(|item| fits(item, inner))),
        Type::Map(inner) => value
            .as_object()
            .is_some_and(|items| items.values().all(|item| fits(item, inner))),
        Type::Table(fields) => value.as_object().is_some_and(|table| {
            fields.iter().all(|field| match table.get(&field.name) {
                Some(value) => fits(value, &field.takes),
                None => !field.is_required,
            })
        }),
        Type::Any => true,
    }
}
