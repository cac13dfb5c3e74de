//! Cuts the lines of a plain SQL dump into statements and rows, as `psql` would, and runs nothing.
//!
//! It knows quotes, dollar quotes, nested comments, parentheses and the bodies of SQL-standard
//! functions (`BEGIN ATOMIC … END`), as psqlscan.l of PostgreSQL does. It assumes
//! `standard_conforming_strings = on`, which `pg_dump` sets at the head of every dump. It does not
//! judge what a statement does: see [`crate::script::statement`].

use crate::script::piece::Fed;
use crate::script::piece::ScriptError;
use crate::script::piece::Statement;
use crate::script::statement::is_copy_from_stdin;

/// The longest statement that is taken: PostgreSQL itself holds no longer text.
const STATEMENT_BYTES_MAX: usize = 1024 * 1024 * 1024 - 1;

/// The comment with which `pg_dump` begins a dump.
const HEAD: &[u8] = b"-- PostgreSQL database dump";

/// The comment with which `pg_dump` ends a dump: without it the tail is missing.
const TAIL: &[u8] = b"-- PostgreSQL database dump complete";

#[derive(Debug, PartialEq, Eq)]
enum Within {
    Nothing,
    Quote { takes_backslash: bool },
    Name,
    Dollar(Vec<u8>),
    Comment(u32),
    Rows,
}

/// The state between two lines. Memory: the longest statement.
#[derive(Debug)]
pub struct Splitter {
    within: Within,
    text: Vec<u8>,
    line: u64,
    start: u64,
    parentheses: u32,
    blocks: u32,
    first_letters: Vec<u8>,
    has_head: bool,
    has_tail: bool,
}

impl Default for Splitter {
    fn default() -> Self {
        Self {
            within: Within::Nothing,
            text: Vec::new(),
            line: 0,
            start: 0,
            parentheses: 0,
            blocks: 0,
            first_letters: Vec::new(),
            has_head: false,
            has_tail: false,
        }
    }
}

impl Splitter {
    /// The number of the line that was fed last, from 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// Takes one line with its line break.
    ///
    /// # Errors
    /// A [`ScriptError`]; the splitter must not be used afterwards.
    pub fn feed<'a>(&mut self, line: &'a [u8]) -> Result<Fed<'a>, ScriptError> {
        self.line += 1;
        if self.within == Within::Rows {
            if line.trim_ascii_end() == b"\\." {
                self.within = Within::Nothing;
                return Ok(Fed::RowsEnd);
            }
            return Ok(Fed::Row(line));
        }
        let mut statements = Vec::new();
        self.scan(line, &mut statements)?;
        Ok(Fed::Statements(statements))
    }

    /// Says that there are no more lines.
    ///
    /// # Errors
    /// When the script was cut off.
    pub fn end(self) -> Result<Option<Statement>, ScriptError> {
        let cut = |within| ScriptError::CutOff {
            line: self.line,
            within,
        };
        match self.within {
            Within::Nothing => {}
            Within::Quote { .. } | Within::Dollar(_) => return Err(cut("a text")),
            Within::Name => return Err(cut("a quoted name")),
            Within::Comment(_) => return Err(cut("a comment")),
            Within::Rows => return Err(cut("the rows of a table")),
        }
        if !self.text.trim_ascii().is_empty() {
            return Err(cut("a statement"));
        }
        if self.has_head && !self.has_tail {
            return Err(ScriptError::NoTail { line: self.line });
        }
        Ok(None)
    }

    fn scan(&mut self, line: &[u8], out: &mut Vec<Statement>) -> Result<(), ScriptError> {
        let mut at = 0;
        while at < line.len() {
            at = match &mut self.within {
                Within::Nothing => self.scan_plain(line, at, out)?,
                Within::Quote { takes_backslash } => {
                    let takes_backslash = *takes_backslash;
                    self.scan_quoted(line, at, b'\'', takes_backslash)
                }
                Within::Name => self.scan_quoted(line, at, b'"', false),
                Within::Dollar(tag) => match find(&line[at..], tag) {
                    Some(found) => {
                        let end = at + found + tag.len();
                        self.text.extend_from_slice(&line[at..end]);
                        self.within = Within::Nothing;
                        end
                    }
                    None => {
                        self.text.extend_from_slice(&line[at..]);
                        line.len()
                    }
                },
                Within::Comment(depth) => match (line[at], line.get(at + 1)) {
                    (b'/', Some(b'*')) => {
                        *depth += 1;
                        at + 2
                    }
                    (b'*', Some(b'/')) if *depth > 1 => {
                        *depth -= 1;
                        at + 2
                    }
                    (b'*', Some(b'/')) => {
                        self.within = Within::Nothing;
                        let after = at + 2;
                        self.white_space(b' ');
                        after
                    }
                    _ => at + 1,
                },
                Within::Rows => return Err(ScriptError::AfterCopy { line: self.line }),
            };
            if self.text.len() > STATEMENT_BYTES_MAX {
                return Err(ScriptError::TooLong { line: self.start });
            }
        }
        Ok(())
    }

    /// One token outside of quotes and comments; gives the index after it.
    fn scan_plain(
        &mut self,
        line: &[u8],
        at: usize,
        out: &mut Vec<Statement>,
    ) -> Result<usize, ScriptError> {
        let rest = &line[at..];
        let byte = line[at];
        if self.text.is_empty() {
            self.start = self.line;
        }
        match byte {
            b'-' if rest.get(1) == Some(&b'-') => {
                match rest.trim_ascii_end() {
                    HEAD => self.has_head = true,
                    TAIL => self.has_tail = true,
                    _ => {}
                }
                self.white_space(b'\n');
                return Ok(line.len());
            }
            b'/' if rest.get(1) == Some(&b'*') => {
                self.within = Within::Comment(1);
                return Ok(at + 2);
            }
            b'\\' => {
                let command = rest.trim_ascii();
                let word = command
                    .split(u8::is_ascii_whitespace)
                    .next()
                    .unwrap_or_default();
                // What newer pg_dump writes around a dump to shut psql's own door. There is no psql here.
                if self.text.is_empty() && matches!(word, b"\\restrict" | b"\\unrestrict") {
                    return Ok(line.len());
                }
                return Err(ScriptError::MetaCommand {
                    line: self.line,
                    command: String::from_utf8_lossy(&word[..word.len().min(40)]).into_owned(),
                });
            }
            b'\'' => {
                self.within = Within::Quote {
                    takes_backslash: false,
                }
            }
            b'"' => self.within = Within::Name,
            b'$' => {
                if let Some(tag) = dollar_tag(rest) {
                    self.text.extend_from_slice(tag);
                    self.within = Within::Dollar(tag.to_vec());
                    return Ok(at + tag.len());
                }
            }
            b'(' => self.parentheses += 1,
            b')' => self.parentheses = self.parentheses.saturating_sub(1),
            b';' if self.parentheses == 0 && self.blocks == 0 => {
                return self.finish(line, at, out);
            }
            b' ' | b'\t' | b'\r' | b'\n' => {
                self.white_space(byte);
                return Ok(at + 1);
            }
            _ if is_word_start(byte) => {
                let end = at + rest.iter().take_while(|b| is_word(**b)).count();
                let word = &line[at..end];
                self.text.extend_from_slice(word);
                // E'…' is the only quote in which a backslash hides the next character.
                if line.get(end) == Some(&b'\'') && word.eq_ignore_ascii_case(b"e") {
                    self.within = Within::Quote {
                        takes_backslash: true,
                    };
                    self.text.push(b'\'');
                    return Ok(end + 1);
                }
                self.count_blocks(word);
                return Ok(end);
            }
            _ => {}
        }
        self.text.push(byte);
        Ok(at + 1)
    }

    fn scan_quoted(&mut self, line: &[u8], at: usize, quote: u8, takes_backslash: bool) -> usize {
        let rest = &line[at..];
        let stop = rest
            .iter()
            .position(|b| *b == quote || (takes_backslash && *b == b'\\'))
            .unwrap_or(rest.len());
        let Some(&found) = rest.get(stop) else {
            self.text.extend_from_slice(rest);
            return line.len();
        };
        // A doubled quote and an escaped character stay inside.
        if found == b'\\' || rest.get(stop + 1) == Some(&quote) {
            let end = (at + stop + 2).min(line.len());
            self.text.extend_from_slice(&line[at..end]);
            return end;
        }
        self.text.extend_from_slice(&rest[..=stop]);
        self.within = Within::Nothing;
        at + stop + 1
    }

    fn finish(
        &mut self,
        line: &[u8],
        at: usize,
        out: &mut Vec<Statement>,
    ) -> Result<usize, ScriptError> {
        let mut bytes = std::mem::take(&mut self.text);
        bytes.truncate(bytes.trim_ascii_end().len());
        self.first_letters.clear();
        if bytes.is_empty() {
            return Ok(at + 1);
        }
        let start = self.start;
        let text = String::from_utf8(bytes).map_err(|_| ScriptError::NotUtf8 { line: start })?;
        let opens_rows = is_copy_from_stdin(&text);
        out.push(Statement { line: start, text });
        if opens_rows {
            if !line[at + 1..].trim_ascii().is_empty() {
                return Err(ScriptError::AfterCopy { line: self.line });
            }
            self.within = Within::Rows;
            return Ok(line.len());
        }
        Ok(at + 1)
    }

    /// Keeps one of many, and a line break before anything else: `'a'` and `'b'` on two lines are one text.
    fn white_space(&mut self, byte: u8) {
        match self.text.last() {
            None | Some(b'\n') => {}
            Some(b' ') if byte == b'\n' => {
                self.text.pop();
                self.text.push(b'\n');
            }
            Some(b' ') => {}
            Some(_) if byte == b'\n' => self.text.push(b'\n'),
            Some(_) => self.text.push(b' '),
        }
    }

    /// Semicolons within `CREATE FUNCTION … BEGIN ATOMIC … END` do not end the statement. psql finds such
    /// statements by the first letters of their first words, and so does this.
    fn count_blocks(&mut self, word: &[u8]) {
        if self.first_letters.len() < 4 {
            self.first_letters.push(word[0].to_ascii_lowercase());
        }
        let is_routine = matches!(
            self.first_letters.as_slice(),
            [b'c', b'f' | b'p', ..] | [b'c', b'o', b'r', b'f' | b'p']
        );
        if !is_routine || self.parentheses > 0 {
            return;
        }
        if word.eq_ignore_ascii_case(b"begin")
            || (word.eq_ignore_ascii_case(b"case") && self.blocks > 0)
        {
            self.blocks += 1;
        } else if word.eq_ignore_ascii_case(b"end") {
            self.blocks = self.blocks.saturating_sub(1);
        }
    }
}

fn is_word_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

fn is_word(byte: u8) -> bool {
    is_word_start(byte) || byte.is_ascii_digit() || byte == b'$'
}

/// `$$` or `$tag$` at the start of `rest`.
fn dollar_tag(rest: &[u8]) -> Option<&[u8]> {
    let inner = rest[1..].iter().position(|b| *b == b'$')?;
    let tag = &rest[1..=inner];
    let is_tag = tag.first().is_none_or(|b| is_word_start(*b))
        && tag.iter().all(|b| is_word_start(*b) || b.is_ascii_digit());
    is_tag.then_some(&rest[..inner + 2])
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
#[path = "splitter_tests.rs"]
mod tests;
