//! The tags by which salvor finds again what it made.
//!
//! They come with the thing, in the call that makes it: a thing that exists before its mark is one that a crash makes
//! nobody's.

use std::collections::BTreeMap;

use aws_sdk_rds::types::Tag;
use salvor_contract::Operation;

const RUN: &str = "salvor:run";
const OPERATION: &str = "salvor:operation";
const OF: &str = "salvor:of";

/// The mark of one operation, and of what its thing is made.
#[derive(Clone, Debug)]
pub(crate) struct Mark {
    run: String,
    operation: String,
    of: String,
}

/// Whose a thing is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// This operation made it, of what it was to make it of.
    Ours,
    /// Something else did; what its tags say, in words.
    Others(String),
}

impl Mark {
    /// The mark of this operation, whose thing is made of `of`: a snapshot, or backups and a moment.
    pub(crate) fn new(operation: &Operation, of: &str) -> Self {
        // What a tag's value may hold: letters, digits, spaces and these. Amazon RDS User Guide, "Tagging Amazon RDS
        // resources".
        let of = of
            .chars()
            .map(|c| match c {
                _ if c.is_ascii_alphanumeric() || " _.:/=+-@".contains(c) => c,
                _ => '-',
            })
            .take(256)
            .collect();
        Self {
            run: operation.run.to_string(),
            operation: operation.mark.to_string(),
            of,
        }
    }

    /// These tags and the mark, as a call takes them.
    pub(crate) fn with(&self, tags: &BTreeMap<String, String>) -> Vec<Tag> {
        let mut tags = tags.clone();
        for (key, value) in [
            (RUN, &self.run),
            (OPERATION, &self.operation),
            (OF, &self.of),
        ] {
            tags.insert(key.to_owned(), value.clone());
        }
        tags.into_iter()
            .map(|(key, value)| Tag::builder().key(key).value(value).build())
            .collect()
    }

    /// Whether these tags are a mark at all.
    pub(crate) fn is_in(tags: &BTreeMap<String, String>) -> bool {
        tags.contains_key(OPERATION)
    }

    /// Whose the thing with these tags is.
    pub(crate) fn whose(&self, tags: &BTreeMap<String, String>) -> Whose {
        let tag = |key: &str| tags.get(key).map_or("", String::as_str);
        match (tag(OPERATION), tag(OF)) {
            ("", _) => Whose::Others("not made by salvor".to_owned()),
            (operation, of) if operation == self.operation && of == self.of => Whose::Ours,
            (operation, of) if operation == self.operation => {
                Whose::Others(format!("made by this operation of `{of}`"))
            }
            (_, of) => Whose::Others(format!("made by run {} of `{of}`", tag(RUN))),
        }
    }
}
