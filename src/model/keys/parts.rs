//! The keys of groups and variants, and of their files.

use crate::model::keys::INPUT;
use crate::model::keys::INVARIANT;
use crate::model::keys::Key;
use crate::model::keys::STEP;
use crate::model::keys::STORE;
use crate::model::keys::Takes;
use crate::model::keys::may;
use crate::model::keys::must;

/// `[groups.NAME]`.
pub const GROUP: &[Key] = &[
    must(
        "file",
        Takes::Text,
        "The file of the group, relative to the file that names it.",
    ),
    may("with", Takes::Free, "The inputs of the group."),
    may(
        "needs",
        Takes::Names,
        "Steps of the plan that the group's first steps need.",
    ),
    may(
        "after",
        Takes::Names,
        "Steps of the plan that go before the group's first steps.",
    ),
];

/// The file of a group.
pub const GROUP_FILE: &[Key] = &[
    may("title", Takes::Text, "One line for people."),
    may("inputs", Takes::Named(INPUT), "What the plan gives."),
    may("stores", Takes::Named(STORE), "What can be lost."),
    may("steps", Takes::Named(STEP), "What is done."),
    may(
        "invariants",
        Takes::List(INVARIANT),
        "Rules between stores of the group.",
    ),
];

/// `[variants.NAME]`.
pub const VARIANT: &[Key] = &[
    must("by", Takes::Name, "The enum input that chooses."),
    must(
        "offers",
        Takes::Names,
        "What every variant must offer: {{NAME.OUTPUT}}.",
    ),
    must(
        "files",
        Takes::TextMap,
        "The file for each value of the input.",
    ),
];

/// The file of one value of a variant.
pub const VARIANT_FILE: &[Key] = &[
    may("offers", Takes::Free, "What each output of the variant is."),
    may("stores", Takes::Named(STORE), "What can be lost."),
    may("steps", Takes::Named(STEP), "What is done."),
];
