//! TOML values with their places, as the model reads them.

use toml::de::DeValue;

use crate::plan_file::source::FileId;
use crate::plan_file::source::Position;

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Where.
    pub at: Position,
    /// What.
    pub content: Content,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A number.
    Float(f64),
    /// True or false.
    Boolean(bool),
    /// A moment, a date or a time of day, as TOML writes it without quotes.
    Time(String),
    /// A list.
    List(Vec<Node>),
    /// A table.
    Table(Table),
}

/// A table, in the order in which it is written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// Its keys with their values.
    pub entries: Vec<Entry>,
}

/// A key with its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub key_at: Position,
    /// The value.
    pub value: Node,
}

impl Table {
    /// The entry of this key.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// The value of this key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The table of this key.
    pub fn table(&self, key: &str) -> Option<&Table> {
        self.get(key).and_then(Node::table)
    }

    /// The text of this key.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Node::text)
    }

    /// The keys, in the order in which they are written.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.key.as_str())
    }
}

impl Node {
    /// The text, when it is one.
    pub fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Text(text) => Some(text),
            Content::Integer(_)
            | Content::Float(_)
            | Content::Boolean(_)
            | Content::Time(_)
            | Content::List(_)
            | Content::Table(_) => None,
        }
    }

    /// The table, when it is one.
    pub fn table(&self) -> Option<&Table> {
        match &self.content {
            Content::Table(table) => Some(table),
            Content::Text(_)
            | Content::Integer(_)
            | Content::Float(_)
            | Content::Boolean(_)
            | Content::Time(_)
            | Content::List(_) => None,
        }
    }

    /// The list, when it is one; empty otherwise.
    pub fn list(&self) -> &[Self] {
        match &self.content {
            Content::List(list) => list,
            Content::Text(_)
            | Content::Integer(_)
            | Content::Float(_)
            | Content::Boolean(_)
            | Content::Time(_)
            | Content::Table(_) => &[],
        }
    }

    /// The texts of a list with their places.
    pub fn texts(&self) -> impl Iterator<Item = (&str, Position)> {
        self.list()
            .iter()
            .filter_map(|node| node.text().map(|text| (text, node.at)))
    }

    /// What it is, in words: `a number`.
    pub fn kind(&self) -> &'static str {
        match &self.content {
            Content::Text(_) => "text",
            Content::Integer(_) | Content::Float(_) => "a number",
            Content::Boolean(_) => "true or false",
            Content::Time(_) => "a moment",
            Content::List(_) => "a list",
            Content::Table(_) => "a table",
        }
    }
}

/// How deep tables and lists may be nested.
pub(super) const DEPTH_MAX: usize = 32;

/// The nodes of a parsed table; `None` for what is nested deeper than [`DEPTH_MAX`], with its place.
pub(super) fn table_of(
    file: FileId,
    table: &toml::de::DeTable<'_>,
    depth: usize,
) -> Result<Table, Position> {
    let mut entries = Vec::with_capacity(table.len());
    for (key, value) in table {
        let span = key.span();
        entries.push(Entry {
            key: key.get_ref().to_string(),
            key_at: Position {
                file,
                start: span.start,
                end: span.end,
            },
            value: node_of(file, value.span(), value.get_ref(), depth)?,
        });
    }
    Ok(Table { entries })
}

fn node_of(
    file: FileId,
    span: std::ops::Range<usize>,
    value: &DeValue<'_>,
    depth: usize,
) -> Result<Node, Position> {
    let at = Position {
        file,
        start: span.start,
        end: span.end,
    };
    if depth > DEPTH_MAX {
        return Err(at);
    }
    let content = match value {
        DeValue::String(text) => Content::Text(text.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or_else(|_| Content::Float(f64::NAN), Content::Integer),
        DeValue::Float(number) => Content::Float(number.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(value) => Content::Boolean(*value),
        DeValue::Datetime(moment) => Content::Time(moment.to_string()),
        DeValue::Array(list) => Content::List(
            list.iter()
                .map(|value| node_of(file, value.span(), value.get_ref(), depth + 1))
                .collect::<Result<Vec<Node>, Position>>()?,
        ),
        DeValue::Table(table) => Content::Table(table_of(file, table, depth + 1)?),
    };
    Ok(Node { at, content })
}
