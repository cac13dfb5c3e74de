//! The comment by which a database is known as made by an operation.

use salvor_contract::Operation;
use serde::Deserialize;
use serde::Serialize;

const PREFIX: &str = "salvor ";

/// What the comment says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// The run.
    pub run: String,
    /// The operation.
    pub operation: String,
    /// What was loaded: written in the transaction that loaded it.
    pub loaded: Option<Loaded>,
}

/// What the load gave.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Loaded {
    /// Tables that the dump makes.
    pub declared: u64,
    /// Tables that are there.
    pub tables: u64,
    /// Rows that were copied in.
    pub rows: u64,
    /// Bytes that the database has.
    pub bytes: u64,
}

impl Mark {
    /// The mark of an operation.
    pub fn new(operation: &Operation, loaded: Option<Loaded>) -> Self {
        Self {
            run: operation.run.to_string(),
            operation: operation.mark.to_string(),
            loaded,
        }
    }

    /// The text of the comment.
    pub fn text(&self) -> String {
        let json = serde_json::to_string(self).expect("a struct of plain values serialises");
        format!("{PREFIX}{json}")
    }

    /// The mark in a comment; `None` when it is another comment.
    pub fn parse(comment: &str) -> Option<Self> {
        serde_json::from_str(comment.strip_prefix(PREFIX)?).ok()
    }
}
