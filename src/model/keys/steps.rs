//! The keys of steps.

use crate::model::keys::Key;
use crate::model::keys::Takes;
use crate::model::keys::may;
use crate::model::keys::must;

/// `[steps.NAME]`.
pub const STEP: &[Key] = &[
    may("title", Takes::Text, "One line for people."),
    may("uses", Takes::Text, "The kind of action that it performs."),
    may("restore", Takes::Name, "The store that it brings back."),
    may("backup", Takes::Name, "The store that it backs up."),
    may("verify", Takes::Name, "The store whose point it proves."),
    may("with", Takes::Free, "The inputs of its action."),
    may(
        "needs",
        Takes::Names,
        "Steps that must have succeeded; they come into every run that it is in.",
    ),
    may(
        "after",
        Takes::Names,
        "Steps that go first when they are in the run as well.",
    ),
    may(
        "when",
        Takes::Condition,
        "When the step is in the plan at all.",
    ),
    may(
        "finally",
        Takes::Boolean,
        "Whether it runs also when the run fails.",
    ),
    may("timeout", Takes::Period, "Its deadline."),
    may(
        "retry",
        Takes::Table(RETRY),
        "How it is tried again after errors that pass.",
    ),
    may(
        "on-failure",
        Takes::OneOf(&["stop", "continue"]),
        "What its failure means for the run.",
    ),
    may("expect", Takes::Period, "How long it usually takes."),
    may(
        "destroys",
        Takes::TextOrTable(DESTROYS),
        "The opt-in to destroying what is there: what, in words.",
    ),
    may(
        "rebuilds",
        Takes::Names,
        "Stores that it makes again from something else than their backups.",
    ),
    may(
        "fences",
        Takes::Names,
        "Stores whose old live data it keeps all writers from.",
    ),
];

/// `retry` of a step.
pub const RETRY: &[Key] = &[
    may(
        "attempts",
        Takes::Integer,
        "Tries in all, the first included.",
    ),
    may(
        "wait",
        Takes::Period,
        "The wait before the second try; doubled each time.",
    ),
    may(
        "wait-max",
        Takes::Period,
        "The longest wait between two tries.",
    ),
];

/// `destroys` of a step.
pub const DESTROYS: &[Key] = &[
    must("what", Takes::Template, "What is destroyed, in words."),
    may("when", Takes::Condition, "When; always, when left out."),
];
