//! The file in a data directory that says which operation makes it, and how far that is.

use salvor_contract::Operation;
use serde::Deserialize;
use serde::Serialize;

/// The mark's file name. PostgreSQL leaves files alone that it does not know.
pub const FILE: &str = "salvor.json";

/// The mark.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Mark {
    /// The form of this file: 1.
    pub version: u32,
    /// The run.
    pub run: String,
    /// The operation's mark: the id of its first attempt.
    pub operation: String,
    /// How far it is.
    pub stage: Stage,
    /// What recovery reached, once that was verified.
    pub reached: Option<Reached>,
}

/// How far a restore is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Files are being copied.
    Copying,
    /// The server replays, or is about to.
    Recovering,
    /// The moment was reached; nobody was let in yet.
    Verified,
    /// It is the restored server.
    Ready,
}

/// Where recovery stopped, in the server's own words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Reached {
    /// When the last transaction ended that was taken; none when none was replayed.
    pub last: Option<String>,
    /// What it stopped at: `before commit of transaction 745, time …`.
    pub stopped_before: String,
    /// The new timeline.
    pub timeline: u32,
}

impl Mark {
    /// The first mark of an operation.
    pub fn new(operation: &Operation) -> Self {
        Self {
            version: 1,
            run: operation.run.to_string(),
            operation: operation.mark.to_string(),
            stage: Stage::Copying,
            reached: None,
        }
    }

    /// What it says to a person.
    pub fn describe(&self) -> String {
        format!(
            "it belongs to operation {} of run {}",
            self.operation, self.run
        )
    }
}
