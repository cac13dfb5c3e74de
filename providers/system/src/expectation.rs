//! Expectations of a value in JSON, as a plan writes them: `"> 0"`, `"== green"`, or the value itself.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

use salvor_contract::Error;
use salvor_contract::Finding;
use salvor_contract::Judgement;
use serde_json::Value;

/// What a value is compared with, and how.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Expectation {
    relation: Relation,
    value: Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    Equal,
    NotEqual,
    Above,
    AtLeast,
    Below,
    AtMost,
}

/// Longest first, so that `>=` is not read as `>`.
const SIGNS: [(&str, Relation); 6] = [
    ("==", Relation::Equal),
    ("!=", Relation::NotEqual),
    (">=", Relation::AtLeast),
    ("<=", Relation::AtMost),
    (">", Relation::Above),
    ("<", Relation::Below),
];

impl Expectation {
    /// A text that begins with a sign is a comparison, and what follows is JSON or else plain text. Anything
    /// else is the value itself.
    pub(crate) fn of(written: &Value) -> Self {
        let comparison = written.as_str().and_then(|text| {
            SIGNS.iter().find_map(|(sign, relation)| {
                text.trim_start()
                    .strip_prefix(sign)
                    .map(|rest| (*relation, rest.trim()))
            })
        });
        match comparison {
            Some((relation, rest)) => Self {
                relation,
                value: serde_json::from_str(rest).unwrap_or_else(|_| Value::from(rest)),
            },
            None => Self {
                relation: Relation::Equal,
                value: written.clone(),
            },
        }
    }

    /// Whether a value meets it. Numbers are compared as numbers, texts by their characters; what cannot be
    /// compared does not meet it.
    pub(crate) fn is_met(&self, seen: &Value) -> bool {
        let order = self.order(seen);
        match self.relation {
            Relation::Equal => order == Some(Ordering::Equal),
            Relation::NotEqual => order != Some(Ordering::Equal),
            Relation::Above => order == Some(Ordering::Greater),
            Relation::AtLeast => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
            Relation::Below => order == Some(Ordering::Less),
            Relation::AtMost => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        }
    }

    fn order(&self, seen: &Value) -> Option<Ordering> {
        if let (Some(seen), Some(value)) = (seen.as_i64(), self.value.as_i64()) {
            return Some(seen.cmp(&value));
        }
        if let (Some(seen), Some(value)) = (seen.as_f64(), self.value.as_f64()) {
            return seen.partial_cmp(&value);
        }
        if let (Some(seen), Some(value)) = (seen.as_str(), self.value.as_str()) {
            return Some(seen.cmp(value));
        }
        (*seen == self.value).then_some(Ordering::Equal)
    }
}

/// What can never be as expected, whatever the answer is: by pointer, or by a sign that is none.
pub(crate) fn refusal(expected: &Value) -> Option<Error> {
    let refuse = |what: String, hint: &str| Some(Error::refused_with(what, hint));
    expected.as_object()?.iter().find_map(|(pointer, written)| {
        if !pointer.is_empty() && !pointer.starts_with('/') {
            let hint = "begin it with a slash, as \"/status\"; \"\" is the whole answer";
            return refuse(format!("`{pointer}` is not a JSON pointer"), hint);
        }
        let text = written.as_str()?.trim_start();
        let is_meant = text.starts_with('=') && !text.starts_with("==") || text.starts_with("<>");
        let hint = "write ==, !=, >, >=, < or <= before the value";
        is_meant
            .then(|| refuse(format!("`{text}` begins with a sign that is none"), hint))
            .flatten()
    })
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = SIGNS
            .iter()
            .find(|(_, relation)| *relation == self.relation);
        let sign = sign.map_or("==", |(sign, _)| sign);
        write!(f, "{sign} {}", self.value)
    }
}

/// The findings on a document: one for each pointer (RFC 6901), in their order.
pub(crate) fn judge(
    subject: &str,
    document: &Value,
    expected: &BTreeMap<String, Value>,
) -> Vec<Finding> {
    expected
        .iter()
        .map(|(pointer, written)| {
            let expectation = Expectation::of(written);
            let seen = document.pointer(pointer);
            Finding {
                subject: format!(
                    "{subject} {}",
                    if pointer.is_empty() {
                        "as a whole"
                    } else {
                        pointer
                    }
                ),
                expected: expectation.to_string(),
                observed: seen.map_or_else(|| "nothing there".to_owned(), brief),
                judgement: Judgement::of(seen.is_some_and(|seen| expectation.is_met(seen))),
            }
        })
        .collect()
}

/// A document as an output: outputs are written into a journal, so one of more than 64 KiB is left out.
pub(crate) fn output(document: Value) -> Value {
    if document.to_string().len() > 64 * 1024 {
        Value::Null
    } else {
        document
    }
}

/// A value as a finding shows it: findings are lines for people.
fn brief(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(200) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use serde_json::json;

    use super::Expectation;

    #[test]
    fn comparisons_and_exact_values() {
        for (written, seen, is_met) in [
            (json!("> 0"), json!(1), true),
            (json!("> 0"), json!(0), false),
            (json!(">= 2.5"), json!(2.5), true),
            (json!("<3"), json!(2), true),
            (json!("== green"), json!("green"), true),
            (json!("== \"green\""), json!("green"), true),
            (json!("!= red"), json!("green"), true),
            (json!("!= red"), json!("red"), false),
            (json!("green"), json!("green"), true),
            (json!(true), json!(true), true),
            (json!({"a": [1]}), json!({"a": [1]}), true),
            // A number in quotes is a text: it is not above anything.
            (json!("> 0"), json!("1"), false),
            (
                json!("> 9007199254740992"),
                json!(9_007_199_254_740_993_i64),
                true,
            ),
            (json!("== null"), Value::Null, true),
        ] {
            assert_eq!(
                Expectation::of(&written).is_met(&seen),
                is_met,
                "{written} on {seen}"
            );
        }
    }

    #[test]
    fn an_expectation_prints_as_it_is_compared() {
        assert_eq!(Expectation::of(&json!(">= 2")).to_string(), ">= 2");
        assert_eq!(Expectation::of(&json!("green")).to_string(), "== \"green\"");
    }
}
