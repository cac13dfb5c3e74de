//! The files that a plan was read from, and places in them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::digest::Digest;

/// Which of the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub(super) usize);

/// A range of bytes in one of the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The file.
    pub file: FileId,
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

/// A range of a file as editors count: lines and characters from 1, the end after the last character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The line of the first character.
    pub line: usize,
    /// Its column.
    pub column: usize,
    /// The line of the end.
    pub end_line: usize,
    /// The column after the last character.
    pub end_column: usize,
}

/// One file.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// Its path relative to the plan's folder, with `/`.
    pub name: String,
    /// Its path as a person gave it: what problems show.
    pub shown: String,
    /// Its text.
    pub text: String,
    /// Where each of its lines begins: a plan may have as many problems as lines, and each is placed.
    lines: Vec<usize>,
}

impl SourceFile {
    /// A file with this text.
    pub fn new(name: String, shown: String, text: String) -> Self {
        let breaks = text.match_indices('\n').map(|(at, _)| at + 1);
        let lines = std::iter::once(0).chain(breaks).collect();
        Self {
            name,
            shown,
            text,
            lines,
        }
    }

    /// The line of a byte, and the column of the character that begins there, both from 1.
    fn line_and_column(&self, byte: usize) -> (usize, usize) {
        let line = self.lines.partition_point(|begins| *begins <= byte);
        let begins = self.lines[line - 1];
        let before = self.text.get(begins..byte).unwrap_or_default();
        (line, 1 + before.chars().count())
    }

    /// The first byte of a line, from 1; the end of the text for a line after the last.
    pub(super) fn begin_of_line(&self, line: usize) -> usize {
        let begins = self.lines.get(line.saturating_sub(1));
        begins.copied().unwrap_or(self.text.len())
    }
}

/// All files of a plan.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The plan's folder.
    pub dir: PathBuf,
    pub(super) files: Vec<SourceFile>,
}

impl Sources {
    /// The file of this id.
    pub fn file(&self, id: FileId) -> &SourceFile {
        &self.files[id.0]
    }

    /// The file of this number, in the order in which they were read.
    pub fn nth(&self, number: usize) -> Option<&SourceFile> {
        self.files.get(number)
    }

    /// How many files there are.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// True when not even the plan could be read.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The digests of all files by their names.
    pub fn digests(&self) -> BTreeMap<String, Digest> {
        self.files
            .iter()
            .map(|file| (file.name.clone(), Digest::of_bytes(file.text.as_bytes())))
            .collect()
    }

    /// The source text at a place.
    pub fn text(&self, at: Position) -> &str {
        self.file(at.file)
            .text
            .get(at.start..at.end)
            .unwrap_or_default()
    }

    /// The line of a place, from 1.
    pub fn line(&self, at: Position) -> usize {
        self.place(at).line
    }

    /// A place as editors count.
    pub fn place(&self, at: Position) -> Place {
        let file = self.file(at.file);
        let (line, column) = file.line_and_column(at.start.min(file.text.len()));
        let end = at.end.max(at.start).min(file.text.len());
        let (end_line, end_column) = file.line_and_column(end);
        Place {
            line,
            column,
            end_line,
            end_column,
        }
    }

    /// The place of a range of bytes of a text value, where the value stands in its file as it is; the
    /// whole value where it was written with escapes or was rewritten.
    pub fn inside(&self, value: Position, text: &str, start: usize, end: usize) -> Position {
        let written = self.text(value);
        for quotes in ["\"\"\"", "'''", "\"", "'"] {
            let inner = written
                .strip_prefix(quotes)
                .and_then(|rest| rest.strip_suffix(quotes));
            if let Some(inner) = inner {
                // The line break right after three quotes is not part of the text.
                let skipped = inner.len() - inner.strip_prefix('\n').unwrap_or(inner).len();
                let skipped = if quotes.len() == 3 { skipped } else { 0 };
                if &inner[skipped..] == text && start < end {
                    let first = value.start + quotes.len() + skipped;
                    return Position {
                        file: value.file,
                        start: first + start,
                        end: first + end,
                    };
                }
                return value;
            }
        }
        value
    }
}
