//! The keys of stores.

use crate::model::keys::Key;
use crate::model::keys::Takes;
use crate::model::keys::may;
use crate::model::keys::must;

/// `[stores.NAME]`.
pub const STORE: &[Key] = &[
    may("title", Takes::Text, "One line for people."),
    may(
        "kind",
        Takes::Text,
        "Its kind; left out for what is never touched.",
    ),
    may(
        "class",
        Takes::OneOf(&[
            "authoritative",
            "replicated",
            "rebuildable",
            "ephemeral",
            "external",
            "in-git",
            "key",
        ]),
        "What losing it means; authoritative when left out.",
    ),
    may("with", Takes::Free, "The inputs of its kind."),
    may(
        "rpo",
        Takes::Objective,
        "How much of it may be lost, as time.",
    ),
    may("why", Takes::Text, "Why it is not restored."),
    may(
        "backup",
        Takes::Table(BACKUP),
        "How it is backed up and kept.",
    ),
    may(
        "site",
        Takes::Template,
        "Where the live data is: a region, a data centre; all of a site is lost at once.",
    ),
    may(
        "account",
        Takes::Template,
        "Who can change the live data: an account, a project, a tenant.",
    ),
    may(
        "medium",
        Takes::Template,
        "On what the live data lies: disk, object-storage, tape.",
    ),
    may(
        "key",
        Takes::Name,
        "The store of class key that opens the live data.",
    ),
    may(
        "copies",
        Takes::List(COPY),
        "Where its backups and replicas are, one entry each.",
    ),
    may(
        "known",
        Takes::Table(KNOWN),
        "When its recovery points are known.",
    ),
    may(
        "allow-partial",
        Takes::Boolean,
        "Whether points that miss parts may be chosen.",
    ),
];

/// `backup` of a store.
pub const BACKUP: &[Key] = &[
    may(
        "schedule",
        Takes::Template,
        "Five cron fields or @hourly, @daily, @weekly, UTC.",
    ),
    may(
        "keep",
        Takes::IntegerMap,
        "How many to keep: hourly, daily, weekly, monthly, yearly.",
    ),
    may(
        "pitr",
        Takes::Period,
        "Length of the window of point-in-time recovery.",
    ),
    may(
        "interval",
        Takes::Period,
        "How far behind the live store the window may be.",
    ),
    may("retention", Takes::Period, "How long every backup is kept."),
];

/// `known` of a store.
pub const KNOWN: &[Key] = &[
    must(
        "after",
        Takes::Name,
        "The step that makes its points known.",
    ),
    may(
        "when",
        Takes::Condition,
        "When that is so; always, when left out.",
    ),
];

/// One of the `copies` of a store.
pub const COPY: &[Key] = &[
    must("site", Takes::Template, "Where the copy is."),
    may("account", Takes::Template, "Who can change the copy."),
    may("medium", Takes::Template, "On what the copy lies."),
    may(
        "immutable",
        Takes::Boolean,
        "Whether nobody can change or delete it before its time: object lock, WORM.",
    ),
    may(
        "offline",
        Takes::Boolean,
        "Whether it cannot be reached from any network.",
    ),
    may(
        "key",
        Takes::Name,
        "The store of class key that opens the copy.",
    ),
    may(
        "access",
        Takes::Name,
        "The store that holds what one must have to reach the copy: credentials, a catalogue.",
    ),
    may(
        "verified",
        Takes::Name,
        "The drill or scenario that restores or verifies the store from this copy.",
    ),
];
