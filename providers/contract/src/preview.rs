//! What an operation would change, as data.

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::kind::Effect;
use crate::quantity::Size;
use crate::values::Values;

/// What an operation would change if it were performed now. Made by reading only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Preview {
    /// The kind of change.
    pub effect: Effect,
    /// One line for a person, names first: `database app on 127.0.0.1:5432: 41 tables go, 41 come`.
    pub summary: String,
    /// Numbers of what is created, overwritten, deleted and left alone, where they can be known.
    pub counts: Counts,
    /// Text before and after, for files and values.
    pub text: Vec<TextChange>,
    /// What would be lost. Not empty means: needs the plan's opt-in and a typed confirmation.
    pub destroys: Vec<Destroyed>,
    /// What cannot be known before the run, a sentence each.
    pub unknown: Vec<String>,
    /// What this preview was derived from. When a later preview has other facts, the change set is stale.
    /// Nothing that changes by itself (times, counters of a live system) belongs here.
    pub facts: Values,
    /// Outputs of the step that are known already, so that later steps can be previewed with them.
    pub known: Values,
}

/// Names of facts that tell which program of this machine a step runs. They are held against a change set also for a
/// step that only reads: what runs must be what was reviewed.
pub const PROGRAM_FACTS: [&str; 2] = ["program", "sha256"];

impl Preview {
    /// A preview of this effect with nothing else said.
    pub fn new(effect: Effect, summary: impl Into<String>) -> Self {
        Self {
            effect,
            summary: summary.into(),
            counts: Counts::default(),
            text: Vec::new(),
            destroys: Vec::new(),
            unknown: Vec::new(),
            facts: Values::new(),
            known: Values::new(),
        }
    }
}

/// Numbers of things an operation touches; `None` is "not known", which is not zero.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Things that come into being.
    pub created: Option<u64>,
    /// Things whose content is replaced.
    pub overwritten: Option<u64>,
    /// Things that are removed.
    pub deleted: Option<u64>,
    /// Things that are there and stay as they are.
    pub unchanged: Option<u64>,
    /// Bytes to move.
    pub bytes: Option<Size>,
}

/// One text that would change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TextChange {
    /// The name of the file or value.
    pub name: String,
    /// The text now; `None` when there is none.
    pub before: Option<String>,
    /// The text afterwards; `None` when it is removed.
    pub after: Option<String>,
}

/// Something that would be lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Destroyed {
    /// What is lost, in words: `database calabi_pipelines: 41 tables, 3.2 GB`.
    pub what: String,
    /// What the operator types to confirm: the name of the thing, a slash, and 4 or more hexadecimal digits
    /// that depend on its identity (system identifier, creation time), so that a look-alike has another one.
    pub fingerprint: String,
}
