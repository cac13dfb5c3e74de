//! Reads `[inputs]` and `[tables]`.

use regex::Regex;
use serde_json::Value;

use crate::model::inputs::Input;
use crate::model::inputs::InputType;
use crate::model::sections::nodes::is_set;
use crate::model::sections::nodes::named;
use crate::model::sections::nodes::text_in;
use crate::model::unfit::Unfit;
use crate::plan_file::Code;
use crate::plan_file::Content;
use crate::plan_file::Entry;
use crate::plan_file::Node;
use crate::plan_file::Problem;
use crate::plan_file::Problems;
use crate::plan_file::Table;

/// `[inputs]`.
pub fn inputs(root: &Table, problems: &mut Problems) -> Vec<Input> {
    named(root, "inputs")
        .filter_map(|(entry, table)| input(entry, table, problems))
        .collect()
}

fn input(entry: &Entry, table: &Table, problems: &mut Problems) -> Option<Input> {
    let takes = input_type(entry, table, problems)?;
    let pattern = table.get("pattern").and_then(|node| {
        let text = node.text()?;
        // The size limit keeps a pattern from eating memory.
        match regex::RegexBuilder::new(text).size_limit(1 << 20).build() {
            Ok(pattern) => Some(pattern),
            Err(_) => {
                problems.push(
                    Problem::error(Code::BadValue, "this is not a regular expression")
                        .at(node.at, "cannot be read")
                        .help("in a TOML text a backslash is written twice, or the text stands between single quotes"),
                );
                None::<Regex>
            }
        }
    });
    let mut input = Input {
        name: entry.key.clone(),
        at: entry.key_at,
        takes,
        pattern,
        default: None,
        is_optional: is_set(table, "optional"),
        is_absolute_allowed: is_set(table, "absolute"),
        help: text_in(table, "help").unwrap_or_default(),
        example: table.text("example").map(str::to_owned),
    };
    if let Some(node) = table.get("default") {
        let value = match node.text() {
            Some(text) if text.contains("{{") => {
                Err(Unfit::new(Code::BadValue, "a default is no template")
                    .help("write the value itself; where it is used, values can be put together"))
            }
            Some(_) | None => input.takes.of_node(node),
        };
        match value.and_then(|value| input.matches(&value).map(|()| value)) {
            Ok(value) => input.default = Some(value),
            Err(unfit) => problems.push(bad_value(&input, node, unfit)),
        }
    }
    Some(input)
}

/// The problem of a value that an input does not take; a secret's line is not shown.
pub fn bad_value(input: &Input, node: &Node, unfit: Unfit) -> Problem {
    let title = format!("input `{}` does not take this value", input.name);
    let problem = Problem::error(unfit.code, title);
    match (&input.takes, node.text()) {
        (InputType::Secret, _) => problem
            .at(node.at, "")
            .help("write where the secret is to be found: env:NAME or file:/path")
            .hidden(),
        (InputType::Enum(words), Some(text)) => {
            problem
                .at(node.at, unfit.why)
                .meant(node.at, text, words.iter().map(String::as_str))
        }
        (_, _) => unfit.in_file(problem, node.at),
    }
}

fn input_type(entry: &Entry, table: &Table, problems: &mut Problems) -> Option<InputType> {
    let written = table.text("type")?;
    let of = table.get("of");
    let inner = |problems: &mut Problems| match of.and_then(Node::text) {
        Some(text) => InputType::simple(text).unwrap_or_else(|| {
            if let Some(node) = of {
                problems.push(
                    Problem::error(Code::BadValue, format!("`{text}` is not a type of values"))
                        .at(node.at, "not a type")
                        .meant(node.at, text, InputType::SIMPLE),
                );
            }
            InputType::String
        }),
        None => InputType::String,
    };
    match written {
        "enum" => {
            let words: Vec<String> = of
                .into_iter()
                .flat_map(Node::texts)
                .map(|(text, _)| text.to_owned())
                .collect();
            if words.is_empty() {
                problems.push(
                    Problem::error(
                        Code::MissingKey,
                        format!("input `{}` has no words", entry.key),
                    )
                    .at(entry.key_at, "an enum needs its words")
                    .help("write of = [\"a\", \"b\"]"),
                );
                return None;
            }
            Some(InputType::Enum(words))
        }
        "list" => Some(InputType::List(Box::new(inner(problems)))),
        "map" => Some(InputType::Map(Box::new(inner(problems)))),
        other => InputType::simple(other),
    }
}

/// `[tables]`, as one JSON object.
pub fn tables(root: &Table, problems: &mut Problems) -> Value {
    match root.get("tables") {
        Some(node) if node.table().is_some() => literal(node, problems),
        Some(_) | None => Value::Object(serde_json::Map::new()),
    }
}

/// A value that stands for itself.
pub fn literal(node: &Node, problems: &mut Problems) -> Value {
    match &node.content {
        Content::Text(text) => {
            if text.contains("{{") {
                problems.push(
                    Problem::error(Code::BadValue, "a table holds values, not templates")
                        .at(node.at, "braces mean nothing here")
                        .help("write the value, and look it up by an input: {{lookup tables.T inputs.I \"column\"}}"),
                );
            }
            Value::String(text.clone())
        }
        Content::Integer(number) => Value::from(*number),
        Content::Float(number) => Value::from(*number),
        Content::Boolean(value) => Value::Bool(*value),
        Content::Time(text) => Value::String(text.clone()),
        Content::List(list) => list.iter().map(|node| literal(node, problems)).collect(),
        Content::Table(table) => table
            .entries
            .iter()
            .map(|entry| (entry.key.clone(), literal(&entry.value, problems)))
            .collect(),
    }
}
