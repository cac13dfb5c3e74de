//! Reads a text that is not quite TOML, so that one wrong line does not hide another.
//!
//! A statement is a line that begins at the margin and those that belong to it. A statement that cannot be read by
//! itself is told once, however much the parser makes of it; where it only lacks its end, the end is put there and
//! the rest is judged as if it had been written. What such a statement would swallow is not swallowed.

use std::ops::Range;

use toml::de::DeTable;
use toml::de::DeValue;

use crate::plan_file::node::Content;
use crate::plan_file::node::Node;
use crate::plan_file::node::Table;
use crate::plan_file::node::table_of;
use crate::plan_file::source::FileId;
use crate::plan_file::source::Position;

/// What a statement may lack at its end.
const ENDS: [&str; 9] = ["]", "}", "\"", "\"]", "\" }", "] }", " }]", "\"] }", "' }"];

/// A key after a broken statement: where it is not read, the statement goes on over what follows it.
const SENTINEL: &str = "salvor-reads-on";

/// A statement goes on over at most so many lines that look like beginnings of others.
const LINES_MAX: usize = 64;

/// So many bytes are read again in all to find where statements end. Behind that a file is broken throughout, and
/// each of its lines is judged by itself, so that the work stays in proportion to the file.
const READ_AGAIN_MAX: usize = 256 * 1024;

/// One thing that is not TOML.
pub struct Mistake {
    /// Where.
    pub at: Range<usize>,
    /// The parser's words.
    pub message: String,
    /// What is missing there, when that is all.
    pub missing: Option<&'static str>,
    /// Where the statement begins that cannot be read.
    pub begins: Option<usize>,
}

/// The table of a text and what is not TOML in it. Errs with the place of what is nested too deep.
pub fn read(file: FileId, text: &str) -> Result<(Table, Vec<Mistake>), Position> {
    let (table, errors) = DeTable::parse_recoverable(text);
    let is_too_deep = errors.iter().any(|e| e.message() == "recursion limit");
    if errors.is_empty() || is_too_deep {
        let mistakes = errors.iter().map(|error| mistake(error, 0)).collect();
        return Ok((table_of(file, table.get_ref(), 0)?, mistakes));
    }
    let Repaired {
        text,
        mistakes,
        inserted,
        known,
    } = repaired(text);
    let (table, errors) = DeTable::parse_recoverable(&text);
    let mut table = table_of(file, table.get_ref(), 0)?;
    moved_back(&mut table, &inserted);
    // What is wrong between statements: a key that is given twice.
    let between = errors.iter().map(|error| {
        let found = mistake(error, 0);
        let at = before_insertions(found.at.start, &inserted)
            ..before_insertions(found.at.end, &inserted);
        Mistake { at, ..found }
    });
    let is_new = |found: &Mistake| !known.iter().any(|range| range.contains(&found.at.start));
    let mut all: Vec<Mistake> = between.filter(is_new).collect();
    all.extend(mistakes);
    all.sort_by_key(|mistake| mistake.at.start);
    Ok((table, all))
}

fn mistake(error: &toml::de::Error, offset: usize) -> Mistake {
    let span = error.span().unwrap_or(0..0);
    Mistake {
        at: span.start + offset..span.end.max(span.start) + offset,
        message: error.message().to_owned(),
        missing: None,
        begins: None,
    }
}

struct Repaired {
    text: String,
    mistakes: Vec<Mistake>,
    /// Places of the written text at which ends were put, with their lengths.
    inserted: Vec<(usize, usize)>,
    /// The statements that were told of.
    known: Vec<Range<usize>>,
}

fn errors_of(text: &str) -> Vec<toml::de::Error> {
    DeTable::parse_recoverable(text).1
}

fn repaired(text: &str) -> Repaired {
    let starts = statements(text);
    let end_of = |index: usize| starts.get(index).copied().unwrap_or(text.len());
    let mut made = Repaired {
        text: text[..end_of(0)].to_owned(),
        mistakes: Vec::new(),
        inserted: Vec::new(),
        known: Vec::new(),
    };
    let mut index = 0;
    let mut read_again = 0;
    while index < starts.len() {
        let start = starts[index];
        let last = (index + LINES_MAX).min(starts.len());
        let whole = (index + 1..=last).find(|next| {
            let statement = &text[start..end_of(*next)];
            read_again += statement.len();
            let is_tried = *next == index + 1 || read_again <= READ_AGAIN_MAX;
            is_tried && errors_of(statement).is_empty()
        });
        if let Some(next) = whole {
            made.text.push_str(&text[start..end_of(next)]);
            index = next;
        } else {
            made.add_broken(&text[start..end_of(index + 1)], start);
            index += 1;
        }
    }
    made
}

impl Repaired {
    fn add_broken(&mut self, statement: &str, start: usize) {
        // Without the empty lines after it, so that what is missing is missed at its end.
        let body = statement.trim_end();
        let errors = errors_of(body);
        // The parser tells what is not closed before what kept it from being closed.
        let found = errors.iter().map(|error| mistake(error, start));
        let Some(first) = found.min_by_key(|mistake| mistake.at.start) else {
            self.text.push_str(statement);
            return;
        };
        let first = Mistake {
            begins: Some(start),
            ..first
        };
        self.known.push(start..start + statement.len());
        let end = start + body.len();
        let missing = ENDS
            .into_iter()
            .find(|missing| errors_of(&format!("{body}{missing}\n")).is_empty());
        if let Some(missing) = missing {
            self.inserted.push((end, missing.len()));
            self.text
                .push_str(&format!("{body}{missing}{}", &statement[body.len()..]));
            self.mistakes.push(Mistake {
                at: end..end,
                missing: Some(missing),
                ..first
            });
            return;
        }
        // What would go on into the next statement is left out, its lines stay lines.
        let followed = format!("{body}\n{SENTINEL} = 1\n");
        let goes_on = !holds(DeTable::parse_recoverable(&followed).0.get_ref());
        match goes_on {
            false => self.text.push_str(statement),
            true => self.text.extend(statement.bytes().map(|byte| match byte {
                b'\n' => '\n',
                _ => ' ',
            })),
        }
        self.mistakes.push(first);
    }
}

/// True when a table, or one in it, has the key that follows the statement.
fn holds(table: &DeTable<'_>) -> bool {
    table.iter().any(|(key, value)| {
        key.get_ref() == SENTINEL
            || match value.get_ref() {
                DeValue::Table(table) => holds(table),
                DeValue::Array(list) => list.iter().any(|item| match item.get_ref() {
                    DeValue::Table(table) => holds(table),
                    DeValue::String(_)
                    | DeValue::Integer(_)
                    | DeValue::Float(_)
                    | DeValue::Boolean(_)
                    | DeValue::Datetime(_)
                    | DeValue::Array(_) => false,
                }),
                DeValue::String(_)
                | DeValue::Integer(_)
                | DeValue::Float(_)
                | DeValue::Boolean(_)
                | DeValue::Datetime(_) => false,
            }
    })
}

/// Where statements begin: lines that begin at the margin with a key or the name of a table.
fn statements(text: &str) -> Vec<usize> {
    let mut starts = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let begins = |c: char| c.is_alphanumeric() || "[\"'_-".contains(c);
        if line.starts_with(begins) {
            starts.push(at);
        }
        at += line.len();
    }
    starts
}

/// A place of the repaired text in the written one.
fn before_insertions(place: usize, inserted: &[(usize, usize)]) -> usize {
    let mut before = 0;
    for (at, length) in inserted {
        let begins = at + before;
        if place <= begins {
            break;
        }
        if place < begins + length {
            return *at;
        }
        before += length;
    }
    place - before
}

fn moved_back(table: &mut Table, inserted: &[(usize, usize)]) {
    for entry in &mut table.entries {
        move_back(&mut entry.key_at, inserted);
        node_back(&mut entry.value, inserted);
    }
}

fn node_back(node: &mut Node, inserted: &[(usize, usize)]) {
    move_back(&mut node.at, inserted);
    match &mut node.content {
        Content::Table(table) => moved_back(table, inserted),
        Content::List(list) => list.iter_mut().for_each(|node| node_back(node, inserted)),
        Content::Text(_)
        | Content::Integer(_)
        | Content::Float(_)
        | Content::Boolean(_)
        | Content::Time(_) => {}
    }
}

fn move_back(at: &mut Position, inserted: &[(usize, usize)]) {
    at.start = before_insertions(at.start, inserted);
    at.end = before_insertions(at.end, inserted);
}
