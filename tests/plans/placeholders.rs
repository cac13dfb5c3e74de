//! What is typed is whole: no command of a plan has a word in capitals that somebody must replace first. Values are
//! inputs, outputs of steps, or variables that a command before has set.

use toml::Table;
use toml::Value;

use crate::coverage::files;

/// Words in capitals that programs take as they are.
const TRUE_WORDS: [&str; 5] = ["GET", "POST", "PUT", "SHA256", "SUCCESS"];

/// The words in capitals of a command that are neither true words, nor variables, nor the name of what follows: of a
/// variable that is set, of a column.
fn placeholders(command: &str) -> Vec<&str> {
    let is_of_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut found = Vec::new();
    let mut rest = command;
    while let Some(start) = rest.find(is_of_word) {
        let (before, from) = rest.split_at(start);
        let end = from.find(|c| !is_of_word(c)).unwrap_or(from.len());
        let (word, after) = from.split_at(end);
        let is_in_capitals = word.len() > 1
            && word.starts_with(|c: char| c.is_ascii_uppercase())
            && !word.contains(|c: char| c.is_ascii_lowercase());
        let is_variable = before.ends_with('$') || before.ends_with("${");
        let is_name = after.starts_with(['=', ':']);
        if is_in_capitals && !is_variable && !is_name && !TRUE_WORDS.contains(&word) {
            found.push(word);
        }
        rest = after;
    }
    found
}

/// A command without its expressions: what they say is no word of the plan.
fn without_expressions(command: &str) -> String {
    let mut parts = command.split("{{");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push_str(part.split_once("}}").map_or(part, |(_, rest)| rest));
    }
    text
}

#[test]
fn no_command_has_a_word_that_must_be_replaced() {
    let (mut commands, mut wrong) = (0, Vec::new());
    for (file, text) in files("plans", "toml") {
        let table: Table = text.parse().expect("every plan is TOML");
        let steps = table.get("steps").and_then(Value::as_table);
        for (step, entry) in steps.into_iter().flatten() {
            let typed = entry.get("with").and_then(|with| with.get("commands"));
            for command in typed.and_then(Value::as_array).into_iter().flatten() {
                let command = command.as_str().expect("a command is a text");
                commands += 1;
                for word in placeholders(&without_expressions(command)) {
                    wrong.push(format!("{file}, step {step}: {word}"));
                }
            }
        }
    }
    assert!(commands > 100, "only {commands} commands were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_word_that_must_be_replaced_is_found() {
    for (command, expected) in [
        ("psql --host ENDPOINT --port 5432", vec!["ENDPOINT"]),
        ("aws s3 cp s3://b/HOLDER/STORE -", vec!["HOLDER", "STORE"]),
        (
            "gcloud … --source-instance-deletion-time=DELETION-TIME",
            vec!["DELETION", "TIME"],
        ),
        ("AWS_PROFILE=x aws s3 ls \"$BUCKET/${KEY}\"", vec![]),
        (
            "kubectl get pods -o custom-columns=NAME:.metadata.name",
            vec![],
        ),
        ("curl -X POST 'https://search.example/_aliases'", vec![]),
    ] {
        assert_eq!(placeholders(command), expected, "{command}");
    }
    let text = without_expressions(r#"dump-{{date run.started "%Y%m%dT%H%M%SZ"}}.sql"#);
    assert_eq!(text, "dump-.sql");
}
