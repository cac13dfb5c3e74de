//! The edits that put problems right: what a person would type, and nothing that has to be thought about.

use crate::plan_file::source::Position;
use crate::plan_file::source::Sources;

/// An edit as the one who found the problem knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// The place that it lies in.
    pub at: Position,
    /// The text that is replaced there; empty for all of the place.
    pub from: String,
    /// What stands there afterwards.
    pub to: String,
    /// What it does, for people: `did you mean `metadata`?`.
    pub title: String,
    /// The names of which it chose one, or that one alone where there are many; empty where it did not choose.
    pub names: Vec<String>,
}

/// An edit of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The bytes that are replaced.
    pub at: Position,
    /// What stands there afterwards.
    pub text: String,
}

impl Fix {
    /// The edit in the files. `None` where the text does not stand at its place exactly once: it was written with
    /// escapes, or was put together from several places, and only a person can find it.
    pub fn edit(&self, sources: &Sources) -> Option<Edit> {
        let text = self.to.clone();
        if self.from.is_empty() {
            return Some(Edit { at: self.at, text });
        }
        let written = sources.text(self.at);
        let mut found = written.match_indices(self.from.as_str());
        let (offset, _) = found.next()?;
        if found.next().is_some() {
            return None;
        }
        let start = self.at.start + offset;
        let at = Position {
            file: self.at.file,
            start,
            end: start + self.from.len(),
        };
        Some(Edit { at, text })
    }
}
