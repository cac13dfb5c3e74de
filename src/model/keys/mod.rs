//! The keys of the language, as data: the check of unknown keys, the JSON Schema and the documentation are
//! made from these tables and from nothing else.

mod parts;
mod rules;
mod steps;
mod stores;

pub use crate::model::keys::parts::GROUP;
pub use crate::model::keys::parts::GROUP_FILE;
pub use crate::model::keys::parts::VARIANT;
pub use crate::model::keys::parts::VARIANT_FILE;
pub use crate::model::keys::rules::DRILL;
pub use crate::model::keys::rules::INVARIANT;
pub use crate::model::keys::rules::ISOLATE;
pub use crate::model::keys::rules::LIMITS;
pub use crate::model::keys::rules::NOTIFY;
pub use crate::model::keys::rules::OBJECTIVE;
pub use crate::model::keys::rules::OUTLIVES;
pub use crate::model::keys::rules::POLICIES;
pub use crate::model::keys::rules::REFERENCES;
pub use crate::model::keys::rules::SCENARIO;
pub use crate::model::keys::rules::SET;
pub use crate::model::keys::steps::DESTROYS;
pub use crate::model::keys::steps::RETRY;
pub use crate::model::keys::steps::STEP;
pub use crate::model::keys::stores::BACKUP;
pub use crate::model::keys::stores::COPY;
pub use crate::model::keys::stores::KNOWN;
pub use crate::model::keys::stores::STORE;

/// The format of the language that this version reads.
pub const FORMAT: i64 = 1;

/// A key of a table.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub takes: Takes,
    /// Whether it must be given.
    pub is_required: bool,
    /// What it is for, one sentence.
    pub help: &'static str,
}

/// What a key takes.
#[derive(Clone, Copy, Debug)]
pub enum Takes {
    /// Text that stands for itself.
    Text,
    /// Text that may hold `{{ }}`.
    Template,
    /// The name of something that the plan defines.
    Name,
    /// A list of names.
    Names,
    /// A list of texts.
    Texts,
    /// True or false.
    Boolean,
    /// A whole number.
    Integer,
    /// A length of time, or a template that says one.
    Period,
    /// A length of time, a template, or a place in a table of the plan.
    Objective,
    /// A condition over inputs: `mode == in-place`.
    Condition,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A table with these keys.
    Table(&'static [Key]),
    /// A table of tables, each under a name that the plan gives.
    Named(&'static [Key]),
    /// A list of tables.
    List(&'static [Key]),
    /// A table of names and texts.
    TextMap,
    /// A table of names and whole numbers.
    IntegerMap,
    /// Text or a table with these keys.
    TextOrTable(&'static [Key]),
    /// A table whose values are checked against a kind, an input or nothing.
    Free,
    /// Any value.
    Any,
}

pub(super) const fn may(name: &'static str, takes: Takes, help: &'static str) -> Key {
    Key {
        name,
        takes,
        is_required: false,
        help,
    }
}

pub(super) const fn must(name: &'static str, takes: Takes, help: &'static str) -> Key {
    Key {
        name,
        takes,
        is_required: true,
        help,
    }
}

/// The sections of `plan.toml` and of the files that it includes.
pub const ROOT: &[Key] = &[
    must("format", Takes::Integer, "The format of the language: 1."),
    must("plan", Takes::Table(PLAN), "What the plan is."),
    may(
        "include",
        Takes::Texts,
        "Further files whose sections belong to this plan.",
    ),
    may(
        "state",
        Takes::TextOrTable(STATE),
        "Where runs and locks are kept: a folder, below the plan's when relative, or an object store.",
    ),
    may("inputs", Takes::Named(INPUT), "What the operator gives."),
    may("tables", Takes::Free, "Values to be looked up by an input."),
    may(
        "providers",
        Takes::Free,
        "The configuration of each provider.",
    ),
    may("stores", Takes::Named(STORE), "What can be lost."),
    may("steps", Takes::Named(STEP), "What is done."),
    may(
        "groups",
        Takes::Named(GROUP),
        "Steps and stores from a file that several plans share.",
    ),
    may(
        "variants",
        Takes::Named(VARIANT),
        "Parts of the plan that an input chooses.",
    ),
    may(
        "sets",
        Takes::Named(SET),
        "Stores that are backed up together.",
    ),
    may("scenarios", Takes::Named(SCENARIO), "Named goals."),
    may(
        "invariants",
        Takes::List(INVARIANT),
        "Rules between stores.",
    ),
    may(
        "policies",
        Takes::Table(POLICIES),
        "What the plan demands of where copies, keys and state are.",
    ),
    may("drills", Takes::Named(DRILL), "Rehearsals."),
    may("notify", Takes::List(NOTIFY), "Who is told, and when."),
    may(
        "limits",
        Takes::Table(LIMITS),
        "How much may go on at once.",
    ),
];

/// `state`, when it is a table.
pub const STATE: &[Key] = &[
    must(
        "at",
        Takes::Text,
        "The folder, or the address of the store.",
    ),
    may(
        "with",
        Takes::Free,
        "How the store at an address is reached: the configuration of its provider.",
    ),
];

/// `[plan]`.
pub const PLAN: &[Key] = &[
    must("name", Takes::Name, "The plan's name."),
    must("title", Takes::Text, "One line for people."),
    may(
        "refer",
        Takes::Text,
        "The document that the plan stands for.",
    ),
    may("owner", Takes::Text, "Who answers for it."),
];

/// `[inputs]`.
pub const INPUT: &[Key] = &[
    must(
        "type",
        Takes::OneOf(&[
            "string", "integer", "number", "boolean", "enum", "list", "map", "duration", "size",
            "time", "url", "version", "file", "secret",
        ]),
        "What values it takes.",
    ),
    may(
        "of",
        Takes::Any,
        "The words of an enum, or the type of a list's or map's values.",
    ),
    may(
        "pattern",
        Takes::Text,
        "A regular expression that the text must match.",
    ),
    may("default", Takes::Any, "The value when none is given."),
    may(
        "optional",
        Takes::Boolean,
        "Whether it may be left out without a default.",
    ),
    may(
        "absolute",
        Takes::Boolean,
        "Whether a path may lead out of the plan's folder.",
    ),
    may("help", Takes::Text, "What it is for."),
    may("example", Takes::Any, "A value, to be shown."),
];
