//! What was declared against what is there, setting by setting.

use salvor_contract::Finding;
use salvor_contract::Judgement;
use serde_json::Value;

use crate::settings::Settings;
use crate::settings::object;

/// One setting that is not as it was declared.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Difference {
    pub name: String,
    pub expected: Value,
    /// `Null` when the service tells nothing.
    pub observed: Value,
}

/// The declared settings that are otherwise.
pub(crate) fn differences(declared: &Settings, seen: &Settings) -> Vec<Difference> {
    let seen = object(seen);
    let differing = object(declared).into_iter().filter_map(|(name, expected)| {
        let observed = seen.get(&name).cloned().unwrap_or(Value::Null);
        let is_as_declared = match name.as_str() {
            // It can have grown since, and never shrinks.
            "allocated-storage" => observed.as_i64() >= expected.as_i64(),
            "tags" => holds_all(&observed, &expected),
            "kms-key" => is_same_key(&expected, &observed),
            "security-groups" | "log-exports" => is_same_set(&expected, &observed),
            "members" => is_same_set(&expected, &observed),
            _ => expected == observed || is_nothing(&expected) && observed.is_null(),
        };
        (!is_as_declared).then_some(Difference {
            name,
            expected,
            observed,
        })
    });
    differing.collect()
}

/// The comparison as findings: one for all that is as declared, and one for each setting that is not.
pub(crate) fn findings(target: &str, declared: &Settings, seen: &Settings) -> Vec<Finding> {
    let differing = differences(declared, seen);
    let told = object(declared).len();
    let same = told - differing.len();
    let mut findings = vec![Finding {
        subject: format!("settings of {target}"),
        expected: format!("{told} as declared"),
        observed: format!("{same} as declared"),
        judgement: Judgement::of(differing.is_empty()),
    }];
    findings.extend(differing.into_iter().map(|difference| Finding {
        subject: format!("{} of {target}", difference.name),
        expected: plain(&difference.expected),
        observed: plain(&difference.observed),
        judgement: Judgement::Failed,
    }));
    findings
}

fn holds_all(observed: &Value, expected: &Value) -> bool {
    let expected = expected.as_object().into_iter().flatten();
    expected
        .into_iter()
        .all(|(key, value)| observed.get(key) == Some(value))
}

fn is_same_set(expected: &Value, observed: &Value) -> bool {
    let set = |value: &Value| -> Vec<String> {
        let items = value.as_array().into_iter().flatten();
        let mut items: Vec<String> = items.map(Value::to_string).collect();
        items.sort();
        items
    };
    set(expected) == set(observed)
}

/// The service tells a key by its ARN, a plan may name its id or, which nothing here can resolve, its alias.
fn is_same_key(expected: &Value, observed: &Value) -> bool {
    let (Some(expected), Some(observed)) = (expected.as_str(), observed.as_str()) else {
        return false;
    };
    expected == observed
        || expected.contains("alias/")
        || observed.rsplit('/').next() == Some(expected)
}

/// Off and "not told" are the same: the service leaves out what is off.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(true) => false,
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::differences;
    use crate::settings::Settings;

    fn settings(value: serde_json::Value) -> Settings {
        serde_json::from_value(value).expect("settings")
    }

    fn check(declared: serde_json::Value, seen: serde_json::Value, expected: &[&str]) {
        let found = differences(&settings(declared), &settings(seen));
        let names: Vec<&str> = found.iter().map(|found| found.name.as_str()).collect();
        assert_eq!(names, expected);
    }

    #[test]
    fn what_fell_back_to_a_default_is_found() {
        check(
            json!({"class": "db.r6g.xlarge", "multi-az": true, "security-groups": ["sg-app"],
                   "parameter-group": "app-16", "deletion-protection": true}),
            json!({"class": "db.r6g.xlarge", "multi-az": false, "security-groups": ["sg-default"],
                   "parameter-group": "default.postgres16", "deletion-protection": false}),
            &[
                "security-groups",
                "parameter-group",
                "multi-az",
                "deletion-protection",
            ],
        );
    }

    #[test]
    fn what_is_as_declared_in_other_words_is_not() {
        let arn = "arn:aws:kms:us-east-1:123456789012:key/1234abcd";
        check(
            json!({"allocated-storage": 100, "security-groups": ["b", "a"], "kms-key": "1234abcd",
                   "deletion-protection": false, "log-exports": [], "tags": {"env": "production"}}),
            json!({"allocated-storage": 120, "security-groups": ["a", "b"], "kms-key": arn,
                   "tags": {"env": "production", "salvor:run": "r7kq4m"}}),
            &[],
        );
    }
}
