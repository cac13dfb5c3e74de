//! Secrets that stand open in what a plan has programs or people run.

use std::sync::LazyLock;

use regex::Regex;
use salvor_contract::InputRefusal;
use salvor_contract::Values;
use serde_json::Value;

/// The names of variables that hold secrets, by how they end.
const ENDINGS: [&str; 7] = [
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "SECRET",
    "TOKEN",
    "SECRET_KEY",
    "SECRET_ACCESS_KEY",
];

/// A variable that is given a value: its name and the value, which ends at a space or a quotation mark.
static GIVEN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?:^|[\s;&|("'])([A-Z][A-Z0-9_]*)=["']?([^\s"';]+)"#).expect("a literal")
});

/// The password of a URL.
static OF_URL: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"://[^\s/:@]+:([^\s/@]+)@").expect("a literal"));

/// What of these inputs holds a secret as text: the variables of the first, the words of the others.
pub(crate) fn refusals(
    with: &Values,
    variables: Option<&'static str>,
    words: &[&'static str],
) -> Vec<InputRefusal> {
    let of_variables = variables.into_iter().filter_map(|input| {
        let given = with.get(input)?.as_object()?.iter();
        let mut open =
            given.filter(|(name, value)| value.as_str().is_some_and(|it| is_open(name, it)));
        let (name, _) = open.next()?;
        Some(refusal(
            input,
            format!("`{name}` is given its secret as text"),
        ))
    });
    let of_words = words.iter().filter_map(|input| {
        let texts = match with.get(input)? {
            Value::String(text) => vec![text.as_str()],
            Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
        };
        let what = texts.into_iter().find_map(in_text)?;
        Some(refusal(input, what))
    });
    of_variables.chain(of_words).collect()
}

fn refusal(input: &'static str, what: String) -> InputRefusal {
    InputRefusal {
        input,
        what,
        hint: Some(
            "give a program its secrets by `secrets`, and have people take them from their own environment"
                .to_owned(),
        ),
        is_secret: true,
    }
}

fn in_text(text: &str) -> Option<String> {
    let mut given = GIVEN.captures_iter(text);
    let variable =
        given.find_map(|found| is_open(&found[1], &found[2]).then(|| found[1].to_owned()));
    if let Some(name) = variable {
        return Some(format!("`{name}` is given its secret as text"));
    }
    let mut urls = OF_URL.captures_iter(text);
    urls.any(|found| is_written_out(&found[1]))
        .then(|| "a URL has its password as text".to_owned())
}

fn is_open(name: &str, value: &str) -> bool {
    ENDINGS.iter().any(|ending| name.ends_with(ending)) && is_written_out(value)
}

/// Not a variable, a template or a word that stands for what is to be put there.
fn is_written_out(value: &str) -> bool {
    let stands_for = value.starts_with(['$', '{', '<', '`', '%', '*']);
    let is_placeholder = value
        .chars()
        .all(|c| c.is_ascii_uppercase() || matches!(c, '_' | '-' | '.'));
    !value.is_empty() && !stands_for && !is_placeholder
}

#[cfg(test)]
mod tests {
    use super::in_text;

    #[test]
    fn secrets_that_are_written_out_are_found() {
        for text in [
            "PGPASSWORD=hunter2 psql -c 'select 1'",
            "export AWS_SECRET_ACCESS_KEY='abc/def'",
            "psql postgres://app:hunter2@db/app",
            "curl https://x:y1@host/",
        ] {
            assert!(in_text(text).is_some(), "{text}");
        }
    }

    #[test]
    fn what_stands_for_a_secret_is_none() {
        for text in [
            "PGPASSWORD=\"$DB_PASSWORD\" psql",
            "PGPASSWORD=$(cat file) psql",
            "postgres://app:PASSWORD@db/app",
            "postgres://app:$PASSWORD@db/app",
            "postgres://app:<password>@db/app",
            "PGPASSFILE=/run/pass psql",
            "KEY=value run",
            "git clone ssh://git@host:22/x",
            "curl http://host:8080/a@b",
        ] {
            assert_eq!(in_text(text), None, "{text}");
        }
    }
}
