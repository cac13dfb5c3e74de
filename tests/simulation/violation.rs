//! The promises that are checked, and what a broken one looks like.

use std::fmt;

/// A promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// No operation has its effect twice, and no step has two operations that did unless a person said so.
    Once,
    /// No effect without a durable intent before it, and none after its outcome was recorded.
    Intent,
    /// The chain of records is whole and legal, and holds every record that a process was told to be durable.
    Chain,
    /// A step is begun only when all that it needs has succeeded in the journal.
    Order,
    /// Out of `unknown` only a probe or a person leads.
    Unknown,
    /// What is recorded as done is done; what is recorded as failed without a change changed nothing.
    Truth,
    /// Whatever was prepared is finished, also after a failure.
    Finally,
    /// The run comes to an end, and the world is the one that a run without faults leaves.
    End,
    /// Two processes never believe at once that they hold the lock.
    Lock,
    /// What a person answered is what is performed.
    Answer,
    /// A process sends an operation as often as the plan allows, and once more for each look that found it under way.
    Tries,
}

/// A broken promise.
#[derive(Clone, Debug)]
pub struct Violation {
    /// Which.
    pub rule: Rule,
    /// How.
    pub what: String,
}

impl Violation {
    /// A broken promise.
    pub fn new(rule: Rule, what: impl Into<String>) -> Self {
        Self {
            rule,
            what: what.into(),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, what } = self;
        write!(f, "{rule:?}: {what}")
    }
}
