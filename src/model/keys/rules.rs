//! The keys of what brings stores and steps together: sets, scenarios, invariants, drills, policies.

use crate::model::keys::Key;
use crate::model::keys::Takes;
use crate::model::keys::may;
use crate::model::keys::must;

/// `[sets.NAME]`.
pub const SET: &[Key] = &[
    must("members", Takes::Names, "The stores."),
    may(
        "skew-max",
        Takes::Period,
        "How far the chosen points may lie apart.",
    ),
    may("schedule", Takes::Template, "When it is taken."),
    may("ttl", Takes::Period, "How long it is kept."),
    may(
        "whole",
        Takes::Boolean,
        "Whether its members are restored together or not at all.",
    ),
    may(
        "chain",
        Takes::Boolean,
        "Whether a newer point may need the bytes of an older one.",
    ),
];

/// `[scenarios.NAME]`.
pub const SCENARIO: &[Key] = &[
    may("title", Takes::Text, "One line for people."),
    must(
        "goal",
        Takes::Names,
        "The steps to reach; all that they need comes along.",
    ),
    may("inputs", Takes::Free, "Inputs that the scenario fixes."),
    may(
        "rpo",
        Takes::Objective,
        "How much data may be lost, as time.",
    ),
    may("rto", Takes::Objective, "How long it may take."),
    may(
        "lost",
        Takes::Texts,
        "Sites that are gone: what the scenario needs must be elsewhere.",
    ),
];

/// An objective that is looked up in a table of the plan.
pub const OBJECTIVE: &[Key] = &[
    must("table", Takes::Name, "The table."),
    may(
        "by",
        Takes::Name,
        "The input whose value names the row; the one named like the table, when left out.",
    ),
    must("column", Takes::Text, "The column."),
];

/// `[[invariants]]`.
pub const INVARIANT: &[Key] = &[
    may(
        "references",
        Takes::Table(REFERENCES),
        "One store holds references to another.",
    ),
    may(
        "outlives",
        Takes::Table(OUTLIVES),
        "One store must keep longer than another.",
    ),
];

/// `references` of an invariant.
pub const REFERENCES: &[Key] = &[
    must("from", Takes::Name, "The store that holds the references."),
    must("to", Takes::Name, "The store that they point to."),
];

/// `outlives` of an invariant.
pub const OUTLIVES: &[Key] = &[
    must("store", Takes::Name, "The store that must keep longer."),
    must("than", Takes::Name, "The store that depends on it."),
    may(
        "by",
        Takes::Period,
        "By how much, beyond one backup interval.",
    ),
];

/// `[drills.NAME]`.
pub const DRILL: &[Key] = &[
    may("title", Takes::Text, "One line for people."),
    must("scenario", Takes::Name, "The scenario that is rehearsed."),
    must("every", Takes::Period, "How often."),
    may("only", Takes::Names, "Only these steps and what they need."),
    may(
        "profile",
        Takes::OneOf(&["full", "sampled", "integrity"]),
        "How much is verified.",
    ),
    may(
        "isolate",
        Takes::Table(ISOLATE),
        "How targets are kept apart from production.",
    ),
];

/// `isolate` of a drill.
pub const ISOLATE: &[Key] = &[
    may(
        "suffix",
        Takes::Text,
        "What is put at the end of targets' names.",
    ),
    may("inputs", Takes::Free, "Inputs that the drill fixes."),
    may(
        "steps",
        Takes::Free,
        "Inputs of single steps' actions that the drill overrides.",
    ),
    may(
        "leave-out",
        Takes::Names,
        "Steps that the drill leaves out.",
    ),
    may(
        "refuse",
        Takes::Texts,
        "Texts that no target of the drill may contain.",
    ),
];

/// `[[notify]]`.
pub const NOTIFY: &[Key] = &[
    must(
        "on",
        Takes::Texts,
        "Events: started, asked, failed, finished.",
    ),
    must("uses", Takes::Text, "The kind of action that tells it."),
    may("with", Takes::Free, "The inputs of that action."),
    may("drills", Takes::Boolean, "Whether drills tell it too."),
];

/// `[limits]`.
pub const LIMITS: &[Key] = &[
    may("parallel", Takes::Integer, "Steps in all."),
    may("providers", Takes::IntegerMap, "Steps by provider."),
    may(
        "target",
        Takes::Integer,
        "Steps that write the same target.",
    ),
];

/// `[policies]`.
pub const POLICIES: &[Key] = &[
    may(
        "copies",
        Takes::Text,
        "Copies, media, off site, immutable or offline, unverified: 3-2-1-1-0.",
    ),
    may(
        "keys",
        Takes::OneOf(&["apart"]),
        "Keys are kept apart from the copies that they open.",
    ),
    may(
        "accounts",
        Takes::OneOf(&["apart"]),
        "One copy of each store is in another account.",
    ),
    may(
        "state-site",
        Takes::Template,
        "Where the place is that `state` names.",
    ),
];
