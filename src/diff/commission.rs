//! What a change set is asked for, and what comes of asking.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use salvor_contract::Period;
use salvor_contract::StepName;
use salvor_contract::StoreName;
use schemars::JsonSchema;
use serde::Serialize;

use crate::change_set::ChangeSet;
use crate::change_set::Predicted;
use crate::diff::stale::Delta;
use crate::digest::Digest;
use crate::recovery_points::Request;

/// What a change set is asked for, beside plan and world.
#[derive(Clone, Debug, PartialEq)]
pub struct Commission {
    /// The version of salvor.
    pub tool: String,
    /// The lineage of the environment's state folder.
    pub lineage: String,
    /// A random text that makes this change set unlike any other.
    pub nonce: String,
    /// How long it may be applied.
    pub valid: Period,
    /// The moment or backup to go back to.
    pub request: Request,
    /// How long steps took in earlier runs.
    pub history: BTreeMap<StepName, Predicted>,
}

/// How long a change set may be applied when nothing else is said.
pub const VALID: Period = Period::from_seconds(24 * 3600);

/// A change set with all that keeps it from being applied.
///
/// With problems it is still worth showing: it says what was chosen and why not.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Computed {
    /// The change set.
    pub change_set: ChangeSet,
    /// Why it cannot be applied; empty when it can.
    pub problems: Vec<DiffProblem>,
    /// What is different from an earlier change set, when one was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Since>,
}

/// What is different from an earlier change set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Since {
    /// The earlier one.
    pub digest: Digest,
    /// When it looked at the world.
    pub surveyed: Timestamp,
    /// The facts that changed, by name. What moves by itself, as the time, is not among them.
    pub changed: Vec<Delta>,
}

impl Computed {
    /// The change set, when nothing keeps it from being applied.
    ///
    /// # Errors
    /// All problems.
    pub fn applicable(self) -> Result<ChangeSet, Vec<DiffProblem>> {
        if self.problems.is_empty() {
            Ok(self.change_set)
        } else {
            Err(self.problems)
        }
    }
}

/// One reason why a change set cannot be applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[error("{subject}: {what}")]
pub struct DiffProblem {
    /// What it is about.
    pub subject: Subject,
    /// What is wrong.
    pub what: String,
    /// What to do, one imperative sentence.
    pub hint: Option<String>,
}

/// What a problem is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// A store.
    Store(StoreName),
    /// A step.
    Step(StepName),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(name) => write!(f, "store `{name}`"),
            Self::Step(name) => write!(f, "step `{name}`"),
        }
    }
}
