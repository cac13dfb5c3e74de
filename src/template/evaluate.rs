//! What a template says, given facts: a value that keeps its type, a text, or a composed secret.

use jiff::Timestamp;
use salvor_contract::Secret;
use salvor_contract::secret::SecretPart;
use serde_json::Value;

use crate::template::expression::Expression;
use crate::template::expression::Helper;
use crate::template::expression::Part;
use crate::template::expression::Reference;
use crate::template::expression::Template;
use crate::template::expression::TemplateError;

/// What to do about a fact that is missing.
#[derive(Clone, Copy)]
pub enum Missing<'a> {
    /// It is an error.
    Refuse,
    /// This text takes its place.
    Put(&'a dyn Fn(Unknown<'_>) -> String),
}

/// A fact that is not known yet, as a template wants it.
#[derive(Clone, Copy, Debug)]
pub struct Unknown<'a> {
    /// The names along its path.
    pub path: &'a [String],
    /// The format in which `date` writes it.
    pub format: Option<&'a str>,
}

impl<'a> Unknown<'a> {
    fn as_it_is(path: &'a [String]) -> Self {
        Self { path, format: None }
    }
}

impl Template {
    /// True when every fact that it refers to is known. What `default` guards may be missing where the thing
    /// that would hold it is known: a recovery point without a version, not a point that is chosen later.
    pub fn is_known(&self, facts: &Value) -> bool {
        let optional = self.optional_references();
        self.references().iter().all(|reference| {
            let path = &reference.path;
            let holder = &path[..path.len().saturating_sub(1)];
            fact(facts, path).is_some()
                || (optional.contains(path) && fact(facts, holder).is_some())
        })
    }

    /// The formats in it that `date` cannot write, whatever the moment; with their places in the template's text.
    pub fn wrong_formats(&self, text: &str) -> Vec<TemplateError> {
        let wrong = self.formats().into_iter().filter_map(|(format, call)| {
            let error = formatted(Timestamp::UNIX_EPOCH, format).err()?;
            // The parser keeps no place of a literal: it stands behind the name of the helper.
            let written = format.as_str().unwrap_or_default();
            let behind = text.get(call.end..)?.find(written).map(|at| call.end + at);
            let at = match behind {
                Some(start) if !written.is_empty() => start..start + written.len(),
                Some(_) | None => call,
            };
            Some(TemplateError { at, ..error })
        });
        wrong.collect()
    }

    /// What it says. One single expression keeps the type of its value; everything else is a text, or a
    /// secret when one of its parts is one.
    ///
    /// # Errors
    /// When a fact is missing, or has no form inside a text.
    pub fn render(&self, facts: &Value, missing: Missing<'_>) -> Result<Value, TemplateError> {
        if let [Part::Expression(only)] = self.parts.as_slice() {
            let value = evaluate(only, facts, missing)?;
            return match holds_template(&value) {
                false => Ok(value),
                true => Err(TemplateError::new(
                    format!("the fact `{only}` holds a key `{}`", crate::template::KEY),
                    0..0,
                )),
            };
        }
        let mut pieces = Vec::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => pieces.push(SecretPart::Text(text.clone())),
                Part::Expression(expression) => {
                    let value = evaluate(expression, facts, missing)?;
                    pieces.extend(inside_text(expression, value)?);
                }
            }
        }
        Ok(joined(pieces))
    }
}

/// The fact at a path.
pub(super) fn fact<'a>(facts: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(facts, |value, name| match value {
        // The inside of a secret is nobody's to look at.
        Value::Object(object) if is_secret(value) => {
            let _ = object;
            None
        }
        Value::Object(object) => object.get(name),
        Value::Array(list) => name.parse::<usize>().ok().and_then(|index| list.get(index)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    })
}

/// True for the form in which a [`Secret`] stands in JSON.
pub(super) fn is_secret(value: &Value) -> bool {
    value.as_object().is_some_and(|object| {
        object.len() == 1 && object.get("secret").is_some_and(Value::is_array)
    })
}

fn holds_template(value: &Value) -> bool {
    match value {
        Value::Object(object) => {
            object.contains_key(crate::template::KEY) || object.values().any(holds_template)
        }
        Value::Array(list) => list.iter().any(holds_template),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn evaluate(
    expression: &Expression,
    facts: &Value,
    missing: Missing<'_>,
) -> Result<Value, TemplateError> {
    match expression {
        Expression::Path(reference) => match (fact(facts, &reference.path), missing) {
            (Some(value), _) => Ok(value.clone()),
            (None, Missing::Put(text)) => {
                Ok(Value::String(text(Unknown::as_it_is(&reference.path))))
            }
            (None, Missing::Refuse) => Err(unknown(reference)),
        },
        Expression::Literal(value) => Ok(value.clone()),
        Expression::Inserted(template) => template.render(facts, missing),
        Expression::Call(helper, arguments, at) => call(*helper, arguments, facts, missing)
            .map_err(|error| TemplateError {
                at: if error.at.is_empty() {
                    at.clone()
                } else {
                    error.at
                },
                ..error
            }),
    }
}

fn unknown(reference: &Reference) -> TemplateError {
    TemplateError::new(format!("`{reference}` is not known"), reference.at)
}

fn call(
    helper: Helper,
    arguments: &[Expression],
    facts: &Value,
    missing: Missing<'_>,
) -> Result<Value, TemplateError> {
    if let (Helper::Default, [first, otherwise]) = (helper, arguments) {
        let is_left_out = match first {
            Expression::Path(reference) => fact(facts, &reference.path).is_none_or(Value::is_null),
            Expression::Literal(_) | Expression::Call(..) | Expression::Inserted(_) => {
                evaluate(first, facts, missing)?.is_null()
            }
        };
        let chosen = if is_left_out { otherwise } else { first };
        return evaluate(chosen, facts, missing);
    }
    // A placeholder is a text where the helper wants a moment or a list: the whole call becomes it.
    if let Missing::Put(text) = missing {
        let unknown = arguments.iter().find_map(|argument| match argument {
            Expression::Path(r) if fact(facts, &r.path).is_none() => Some(&r.path),
            Expression::Path(_)
            | Expression::Literal(_)
            | Expression::Call(..)
            | Expression::Inserted(_) => None,
        });
        if let Some(path) = unknown {
            let format = match (helper, arguments) {
                (Helper::Date, [_, Expression::Literal(Value::String(format))]) => Some(format),
                (
                    Helper::Date | Helper::Default | Helper::Join | Helper::Lookup | Helper::Text,
                    _,
                ) => None,
            };
            let format = format.map(String::as_str);
            return Ok(Value::String(text(Unknown { path, format })));
        }
    }
    let values: Result<Vec<Value>, TemplateError> = arguments
        .iter()
        .map(|argument| evaluate(argument, facts, missing))
        .collect();
    let values = values?;
    match (helper, values.as_slice()) {
        (Helper::Date, [moment, format]) => date(moment, format),
        (Helper::Join, [Value::Array(list), Value::String(separator)]) => {
            let texts: Result<Vec<String>, TemplateError> = list.iter().map(plain).collect();
            Ok(Value::String(texts?.join(separator)))
        }
        (Helper::Join, _) => Err(TemplateError::new("`join` takes a list and a text", 0..0)),
        (Helper::Text, [value]) => plain(value).map(Value::String),
        (Helper::Lookup, [table, keys @ ..]) => {
            let mut value = table;
            for key in keys {
                let name = plain(key)?;
                value = fact(value, std::slice::from_ref(&name)).ok_or_else(|| {
                    TemplateError::new(format!("the table has no `{name}`"), 0..0)
                })?;
            }
            Ok(value.clone())
        }
        // The number of arguments was checked when the text was read.
        (Helper::Date | Helper::Text | Helper::Lookup | Helper::Default, _) => {
            Err(TemplateError::new("wrong number of arguments", 0..0))
        }
    }
}

fn date(moment: &Value, format: &Value) -> Result<Value, TemplateError> {
    let moment: Timestamp = moment
        .as_str()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| TemplateError::new("`date` takes a moment with its zone", 0..0))?;
    formatted(moment, format).map(Value::String)
}

fn formatted(moment: Timestamp, format: &Value) -> Result<String, TemplateError> {
    let Some(format) = format.as_str() else {
        let message = format!("`{format}` is not a format, which is a text");
        return Err(TemplateError::new(message, 0..0));
    };
    jiff::fmt::strtime::format(format, moment)
        .map_err(|error| TemplateError::new(format!("`{format}` is not a format: {error}"), 0..0))
}

fn plain(value: &Value) -> Result<String, TemplateError> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(_) | Value::Number(_) => Ok(value.to_string()),
        Value::Null => Err(TemplateError::new(
            "a value that was left out is no text",
            0..0,
        )),
        Value::Array(_) | Value::Object(_) => {
            Err(TemplateError::new("a list or table is no text", 0..0))
        }
    }
}

fn inside_text(expression: &Expression, value: Value) -> Result<Vec<SecretPart>, TemplateError> {
    if is_secret(&value) {
        let secret: Secret = serde_json::from_value(value).map_err(|_| {
            TemplateError::new(format!("`{expression}` is no secret reference"), 0..0)
        })?;
        return Ok(secret.parts().to_vec());
    }
    match plain(&value) {
        Ok(text) => Ok(vec![SecretPart::Text(text)]),
        Err(error) => {
            let at = match expression {
                Expression::Path(reference) => reference.at.into(),
                Expression::Call(_, _, at) => at.clone(),
                Expression::Literal(_) | Expression::Inserted(_) => error.at,
            };
            Err(TemplateError::new(
                format!(
                    "`{expression}` cannot stand inside a text: {}",
                    error.message
                ),
                at,
            ))
        }
    }
}

fn joined(pieces: Vec<SecretPart>) -> Value {
    let mut parts: Vec<SecretPart> = Vec::new();
    for piece in pieces {
        match (parts.last_mut(), piece) {
            (_, SecretPart::Text(text)) if text.is_empty() => {}
            (Some(SecretPart::Text(before)), SecretPart::Text(text)) => before.push_str(&text),
            (_, piece) => parts.push(piece),
        }
    }
    match parts.as_slice() {
        [] => Value::String(String::new()),
        [SecretPart::Text(text)] => Value::String(text.clone()),
        _ => serde_json::to_value(Secret::new(parts)).expect("a secret has a form in JSON"),
    }
}
