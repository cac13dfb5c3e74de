//! Compares what is written with the tables of keys: unknown, missing and ill-typed keys, bad names.
//!
//! What is wrong is reported here and nowhere else, so that the readers of the sections may pass over it.

use salvor_contract::Period;

use crate::model::keys::Key;
use crate::model::keys::OBJECTIVE;
use crate::model::keys::Takes;
use crate::plan_file::Code;
use crate::plan_file::Content;
use crate::plan_file::Entry;
use crate::plan_file::NAME_LENGTH_MAX;
use crate::plan_file::Node;
use crate::plan_file::Position;
use crate::plan_file::Problem;
use crate::plan_file::Problems;
use crate::plan_file::Table;
use crate::plan_file::is_name;

/// Checks a table against its keys. `owner` says what it is: `step `metadata``; `at` is where it is named.
pub fn check_table(
    table: &Table,
    keys: &[Key],
    owner: &str,
    at: Option<Position>,
    problems: &mut Problems,
) {
    for entry in &table.entries {
        match keys.iter().find(|key| key.name == entry.key) {
            Some(key) => check_value(entry, &entry.value, key.takes, problems),
            None => problems.push(unknown_key(entry, keys.iter().map(|key| key.name), owner)),
        }
    }
    for key in keys.iter().filter(|key| key.is_required) {
        if table.get(key.name).is_none() {
            let problem =
                Problem::error(Code::MissingKey, format!("{owner} has no `{}`", key.name))
                    .help(format!("`{}`: {}", key.name, lower_first(key.help)));
            problems.push(match at {
                Some(at) => problem.at(at, format!("`{}` is missing", key.name)),
                None => problem,
            });
        }
    }
}

/// The problem of a key that is not known, with the key that may have been meant.
pub fn unknown_key<'a>(
    entry: &Entry,
    known: impl Iterator<Item = &'a str>,
    owner: &str,
) -> Problem {
    let known: Vec<&str> = known.collect();
    let problem = Problem::error(Code::UnknownKey, format!("unknown key `{}`", entry.key))
        .at(entry.key_at, format!("not a key of {owner}"));
    match known.is_empty() {
        true => problem.help("it takes none"),
        false => problem.meant(entry.key_at, &entry.key, known),
    }
}

fn check_value(entry: &Entry, node: &Node, takes: Takes, problems: &mut Problems) {
    let is_template = node.text().is_some_and(|text| text.contains("{{"));
    match (takes, &node.content) {
        (Takes::Any, _)
        | (Takes::Template, Content::Text(_))
        | (Takes::Boolean, Content::Boolean(_)) => {}
        (Takes::Text | Takes::Condition, Content::Text(_)) => {
            if is_template && !matches!(takes, Takes::Condition) {
                problems.push(
                    Problem::error(Code::BadValue, format!("`{}` is not a template", entry.key))
                        .at(node.at, "braces mean nothing here")
                        .help("write the text itself"),
                );
            }
        }
        (Takes::Name, Content::Text(text)) => check_name(text, node.at, problems),
        (Takes::Names, Content::List(_)) => check_list(node, true, problems),
        (Takes::Texts, Content::List(_)) => check_list(node, false, problems),
        (Takes::Integer, Content::Integer(number)) => {
            if *number < 0 || *number > i64::from(u32::MAX) {
                problems.push(
                    Problem::error(Code::BadValue, format!("`{}` is out of range", entry.key))
                        .at(node.at, "not a number from 0 to 4294967295")
                        .help("write one that is, or leave the key out"),
                );
            }
        }
        (Takes::Period | Takes::Objective, Content::Text(text)) => {
            if !is_template {
                check_period(text, node.at, problems);
            }
        }
        (Takes::Period | Takes::Objective, Content::Integer(number)) => problems.push(
            Problem::error(Code::BadDuration, format!("`{number}` has no unit"))
                .at(node.at, "not a length of time")
                .help(format!(
                    "write \"{number}s\", \"{number}m\", \"{number}h\" or \"{number}d\""
                )),
        ),
        (Takes::Objective, Content::Table(table)) => {
            check_table(
                table,
                OBJECTIVE,
                &format!("`{}`", entry.key),
                Some(entry.key_at),
                problems,
            );
        }
        (Takes::OneOf(words), Content::Text(text)) => {
            if !words.contains(&text.as_str()) {
                let problem = Problem::error(
                    Code::BadValue,
                    format!("`{}` cannot be `{text}`", entry.key),
                )
                .at(node.at, "not one of its words");
                problems.push(problem.meant(node.at, text, words.iter().copied()));
            }
        }
        (Takes::Table(keys) | Takes::TextOrTable(keys), Content::Table(table)) => {
            check_table(
                table,
                keys,
                &format!("`{}`", entry.key),
                Some(entry.key_at),
                problems,
            );
        }
        (Takes::TextOrTable(_), Content::Text(_)) | (Takes::Free, Content::Table(_)) => {}
        (Takes::Named(keys), Content::Table(table)) => {
            let section = entry.key.strip_suffix('s').unwrap_or(&entry.key);
            for entry in &table.entries {
                check_name(&entry.key, entry.key_at, problems);
                match entry.value.table() {
                    Some(table) => {
                        let owner = format!("{section} `{}`", entry.key);
                        check_table(table, keys, &owner, Some(entry.key_at), problems);
                    }
                    None => problems.push(wrong_type(&entry.key, &entry.value, "a table")),
                }
            }
        }
        (Takes::List(keys), Content::List(list)) => {
            let section = match entry.key.strip_suffix("ies") {
                Some(stem) => format!("{stem}y"),
                None => entry.key.trim_end_matches('s').to_owned(),
            };
            for node in list {
                match node.table() {
                    Some(table) => check_table(table, keys, &section, Some(node.at), problems),
                    None => problems.push(wrong_type(&entry.key, node, "a list of tables")),
                }
            }
        }
        (Takes::TextMap, Content::Table(table)) => {
            for entry in table.entries.iter().filter(|e| e.value.text().is_none()) {
                problems.push(wrong_type(&entry.key, &entry.value, "text"));
            }
        }
        (Takes::IntegerMap, Content::Table(table)) => {
            for entry in &table.entries {
                check_value(entry, &entry.value, Takes::Integer, problems);
            }
        }
        (takes, _) => {
            let problem = wrong_type(&entry.key, node, expected(takes));
            problems.push(retyped(problem, node, takes));
        }
    }
}

fn expected(takes: Takes) -> &'static str {
    match takes {
        Takes::Text | Takes::Template | Takes::OneOf(_) => "text",
        Takes::Name => "a name",
        Takes::Names => "a list of names",
        Takes::Texts => "a list of texts",
        Takes::Boolean => "true or false",
        Takes::Integer => "a whole number",
        Takes::Period => "a length of time such as \"5m\"",
        Takes::Objective => "a length of time, or { table, by, column }",
        Takes::Condition => "a condition such as \"mode == in-place\"",
        Takes::Table(_) | Takes::Named(_) | Takes::TextMap | Takes::IntegerMap | Takes::Free => {
            "a table"
        }
        Takes::List(_) => "a list of tables",
        Takes::TextOrTable(_) => "text or a table",
        Takes::Any => "a value",
    }
}

fn wrong_type(key: &str, node: &Node, expected: &str) -> Problem {
    Problem::error(Code::WrongType, format!("`{key}` takes {expected}"))
        .at(node.at, format!("this is {}", node.kind()))
        .help(match expected {
            "a table" => {
                "write a table: { name = … }, or [SECTION.NAME] on a line of its own".to_owned()
            }
            "true or false" | "a whole number" => format!("write {expected}, without quotes"),
            expected => format!("write {expected}"),
        })
}

/// The edit that makes a value one of the type that is taken, when only one value can have been meant.
fn retyped(problem: Problem, node: &Node, takes: Takes) -> Problem {
    let quoted = |text: &str| toml::Value::from(text).to_string();
    match (takes, &node.content) {
        (Takes::Names | Takes::Texts, Content::Text(text)) => {
            let list = format!("[{}]", quoted(text));
            problem.fix(node.at, "", list, "a list of one is still a list")
        }
        (Takes::Boolean, Content::Text(text)) => match text.as_str() {
            "true" | "yes" => problem.fix(node.at, "", "true", "write it without quotes"),
            "false" | "no" => problem.fix(node.at, "", "false", "write it without quotes"),
            _ => problem,
        },
        (Takes::Integer, Content::Text(text)) if text.parse::<u32>().is_ok() => {
            problem.fix(node.at, "", text, "write the number without quotes")
        }
        (_, _) => problem,
    }
}

fn check_list(node: &Node, are_names: bool, problems: &mut Problems) {
    for item in node.list() {
        match item.text() {
            Some(text) if are_names => check_name(text, item.at, problems),
            Some(_) => {}
            None => problems.push(
                Problem::error(Code::WrongType, "the list takes texts")
                    .at(item.at, format!("this is {}", item.kind()))
                    .help("write each between quotes: [\"a\", \"b\"]"),
            ),
        }
    }
}

/// Reports a name that a plan cannot give.
pub fn check_name(text: &str, at: Position, problems: &mut Problems) {
    if is_name(text) {
        return;
    }
    let plain: String = text
        .to_lowercase()
        .chars()
        .map(|c| {
            if c == '_' || c == '.' || c == ' ' {
                '-'
            } else {
                c
            }
        })
        .collect();
    let problem = Problem::error(
        Code::BadName,
        format!("`{}` is not a name", text.escape_default()),
    )
    .at(at, "names are made of a-z, 0-9 and -");
    let foreign = text.chars().find(|c| !c.is_ascii());
    problems.push(if is_name(&plain) && plain != text {
        problem.fix(at, text, &plain, format!("write `{plain}`"))
    } else if let Some(letter) = foreign {
        problem
            .note(format!(
                "U+{:04X} is not a letter of this alphabet, however much it looks like one",
                u32::from(letter)
            ))
            .help("write the name in a-z, 0-9 and -")
    } else {
        problem.help(format!(
            "a name begins with a letter or digit and is at most {NAME_LENGTH_MAX} long"
        ))
    });
}

/// Reports a text that is not a length of time.
pub fn check_period(text: &str, at: Position, problems: &mut Problems) {
    if let Err(error) = text.parse::<Period>() {
        problems.push(bad_period(error.to_string(), at));
    }
}

/// The problem of a text that is not a length of time.
pub fn bad_period(title: String, at: Position) -> Problem {
    Problem::error(Code::BadDuration, title)
        .at(at, "not a length of time")
        .help("units are ms, s, m or min, h, d and w; months and years have no fixed length")
}

fn lower_first(text: &str) -> String {
    let mut chars = text.trim_end_matches('.').chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => String::new(),
    }
}
