//! What the readers of all sections take out of a table: texts, names with their places, lengths, conditions.

use std::collections::BTreeMap;

use salvor_contract::Period;

use crate::model::condition::Condition;
use crate::model::plan::Named;
use crate::plan_file::Code;
use crate::plan_file::Content;
use crate::plan_file::Entry;
use crate::plan_file::Node;
use crate::plan_file::Problem;
use crate::plan_file::Problems;
use crate::plan_file::Sources;
use crate::plan_file::Table;

/// The tables of a section, with their entries.
pub fn named<'a>(root: &'a Table, section: &str) -> impl Iterator<Item = (&'a Entry, &'a Table)> {
    root.table(section)
        .into_iter()
        .flat_map(|section| &section.entries)
        .filter_map(|entry| entry.value.table().map(|table| (entry, table)))
}

pub(super) fn key_of(entry: &Entry) -> Named {
    Named {
        name: entry.key.clone(),
        at: entry.key_at,
    }
}

pub(super) fn name_in(table: &Table, key: &str) -> Option<Named> {
    let node = table.get(key)?;
    Some(Named {
        name: node.text()?.to_owned(),
        at: node.at,
    })
}

pub(super) fn names_in(table: &Table, key: &str) -> Vec<Named> {
    table
        .get(key)
        .into_iter()
        .flat_map(Node::texts)
        .map(|(name, at)| Named {
            name: name.to_owned(),
            at,
        })
        .collect()
}

pub(super) fn text_in(table: &Table, key: &str) -> Option<String> {
    table.text(key).map(str::to_owned)
}

pub(super) fn is_set(table: &Table, key: &str) -> bool {
    table
        .get(key)
        .is_some_and(|node| node.content == Content::Boolean(true))
}

pub(super) fn integer_in(table: &Table, key: &str) -> Option<u64> {
    match table.get(key).map(|node| &node.content) {
        // A number out of range was refused, and nothing is computed with it.
        Some(Content::Integer(number)) => u32::try_from(*number).ok().map(u64::from),
        Some(
            Content::Text(_)
            | Content::Float(_)
            | Content::Boolean(_)
            | Content::Time(_)
            | Content::List(_)
            | Content::Table(_),
        )
        | None => None,
    }
}

/// A length of time that is not a template.
pub fn period_in(table: &Table, key: &str) -> Option<Period> {
    table.text(key).and_then(|text| text.parse().ok())
}

pub(super) fn table_in(table: &Table, key: &str) -> Table {
    table.table(key).cloned().unwrap_or_default()
}

pub(super) fn condition_in(
    table: &Table,
    key: &str,
    sources: &Sources,
    problems: &mut Problems,
) -> Option<(Condition, Node)> {
    let node = table.get(key)?;
    let text = node.text()?;
    match Condition::parse(text) {
        Ok(condition) => Some((condition, node.clone())),
        Err(error) => {
            let at = sources.inside(node.at, text, error.at.start, error.at.end);
            problems.push(
                Problem::error(Code::BadCondition, "this is not a condition")
                    .at(at, error.message)
                    .help("compare enum or boolean inputs: mode == in-place, tier in [a, b], not flag, and, or"),
            );
            None
        }
    }
}

pub(super) fn integers(table: &Table, key: &str) -> BTreeMap<String, u64> {
    let Some(table) = table.table(key) else {
        return BTreeMap::new();
    };
    table
        .keys()
        .filter_map(|name| Some((name.to_owned(), integer_in(table, name)?)))
        .collect()
}
