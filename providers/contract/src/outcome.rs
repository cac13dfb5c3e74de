//! What came of an operation: outputs, findings, and what a probe finds of an interrupted one.

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::values::Values;

/// What an operation gave.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// The outputs that the action's kind declares.
    pub outputs: Values,
    /// What was observed while doing it; a failed finding fails the step.
    pub findings: Vec<Finding>,
}

impl Outcome {
    /// An outcome with these outputs and no findings.
    pub fn of(outputs: Values) -> Self {
        Self {
            outputs,
            findings: Vec::new(),
        }
    }
}

/// One thing that was looked at, what was expected and what was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// What was looked at: `rows of orders`, `GET /health`.
    pub subject: String,
    /// What was expected, in words.
    pub expected: String,
    /// What was seen, in words.
    pub observed: String,
    /// The judgement.
    pub judgement: Judgement,
}

/// Whether a finding is as expected.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Judgement {
    /// As expected.
    Passed,
    /// Not as expected.
    Failed,
    /// It could not be found out. Never counted as proof.
    Inconclusive,
}

impl Judgement {
    /// Passed when it holds, failed when it does not.
    pub const fn of(holds: bool) -> Self {
        if holds { Self::Passed } else { Self::Failed }
    }
}

/// What a probe found of an operation that was begun, perhaps by another process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Probe {
    /// It had no effect; after the settle window this is certain. The same operation may be sent again.
    Absent,
    /// It is under way at the service: `perform` with the same id attaches to it.
    InFlight {
        /// The service's own name of it, where there is one.
        name: Option<String>,
    },
    /// It is done, by this operation's id and with these inputs.
    Done(Outcome),
    /// Something of that name is there that this operation did not make. Never adopted, never removed.
    Conflict {
        /// What was found, and how it differs.
        found: String,
    },
    /// It cannot be found out.
    CannotTell {
        /// Why not.
        why: String,
    },
}

/// What came of removing what an operation made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Removal {
    /// It was there, carried the mark, and is gone; what it was.
    Removed(String),
    /// There was nothing.
    NothingThere,
    /// It is there and does not carry this run's mark; what was found. It is left alone.
    NotOurs(String),
}
