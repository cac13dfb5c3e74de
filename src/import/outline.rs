//! Reads Markdown into the blocks that a runbook is made of, each with its line.

use std::ops::Range;

use pulldown_cmark::CodeBlockKind;
use pulldown_cmark::Event;
use pulldown_cmark::LinkType;
use pulldown_cmark::Parser;
use pulldown_cmark::Tag;
use pulldown_cmark::TagEnd;

use crate::import::flat::OPTIONS;
use crate::import::flat::marked;
use crate::plan_file::is_deceptive;

/// One block of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// A heading and its line.
    Heading(usize, String),
    /// A paragraph outside of lists.
    Paragraph(String),
    /// An item of a list.
    Item(Item),
    /// A code block outside of lists.
    Code(Code),
    /// A table.
    Table(Table),
    /// A block of HTML, its line and its text.
    Html(usize, String),
}

/// An outermost item of a list, with all that is in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Item {
    /// Its line, from 1.
    pub line: usize,
    /// Its words; items in it begin with `- ` on lines of their own.
    pub text: String,
    /// It has a number.
    pub is_ordered: bool,
    /// It has a box to be ticked.
    pub is_check: bool,
    /// The code blocks in it.
    pub codes: Vec<Code>,
    /// The lines of the items in it.
    pub inner: Vec<usize>,
}

/// A code block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Code {
    /// Its line, from 1.
    pub line: usize,
    /// The language that it names, or nothing.
    pub language: String,
    /// What is in it.
    pub text: String,
}

/// A table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// Its line, from 1.
    pub line: usize,
    /// The rows with their lines, the head first.
    pub rows: Vec<(usize, Vec<String>)>,
}

/// The blocks of a document, in its order.
pub fn read(document: &str) -> Vec<Block> {
    let page = marked(document);
    let mut lines = Lines {
        text: &page.text,
        at: 0,
        line: 1,
    };
    let mut reader = Reader::default();
    for (event, range) in Parser::new_ext(&page.text, OPTIONS).into_offset_iter() {
        match event {
            Event::Start(tag) => reader.start(&tag, page.line(lines.of(&range))),
            Event::End(tag) => reader.end(tag),
            Event::Text(text) | Event::Code(text) => reader.say(&text),
            // What stands for a value is often written so: `<host>`.
            Event::InlineHtml(text) if !is_comment(&text) => reader.say(&text),
            Event::Html(text) => reader.html(&text),
            Event::SoftBreak => reader.say(" "),
            Event::HardBreak => reader.say("\n"),
            Event::TaskListMarker(_) => {
                if let Some(item) = &mut reader.item {
                    item.is_check = true;
                }
            }
            // Marks, rules and comments say nothing that a step could.
            Event::InlineMath(_)
            | Event::DisplayMath(_)
            | Event::InlineHtml(_)
            | Event::FootnoteReference(_)
            | Event::Rule => {}
        }
    }
    reader.blocks
}

/// Counts lines up to a place. Places mostly go forwards, so that a document is counted through once.
struct Lines<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

impl Lines<'_> {
    fn of(&mut self, range: &Range<usize>) -> usize {
        let breaks = |text: &str| text.bytes().filter(|byte| *byte == b'\n').count();
        if range.start < self.at {
            self.line -= breaks(&self.text[range.start..self.at]);
        } else {
            self.line += breaks(&self.text[self.at..range.start]);
        }
        self.at = range.start;
        self.line
    }
}

#[derive(Default)]
struct Reader {
    blocks: Vec<Block>,
    heading: Option<(usize, String)>,
    paragraph: Option<String>,
    item: Option<Item>,
    /// Whether each open list has numbers.
    lists: Vec<bool>,
    items: usize,
    code: Option<Code>,
    table: Option<Table>,
    html: Option<(usize, String)>,
    /// Where each open link and picture leads to; nothing when its words are that.
    links: Vec<String>,
}

impl Reader {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "of the parser's many marks these make blocks, the rest lets its text through"
    )]
    fn start(&mut self, tag: &Tag<'_>, line: usize) {
        match tag {
            Tag::Heading { .. } if self.item.is_none() => {
                self.heading = Some((line, String::new()));
            }
            Tag::Paragraph if self.item.is_none() => self.paragraph = Some(String::new()),
            Tag::Paragraph | Tag::Heading { .. } => self.say("\n"),
            Tag::List(first) => self.lists.push(first.is_some()),
            Tag::Item => self.start_item(line),
            Tag::CodeBlock(kind) => {
                let language = match kind {
                    CodeBlockKind::Fenced(words) => clean(words),
                    CodeBlockKind::Indented => String::new(),
                };
                let word = language.split_whitespace().next().unwrap_or_default();
                self.code = Some(Code {
                    line,
                    language: word.to_lowercase(),
                    text: String::new(),
                });
            }
            Tag::Link {
                link_type,
                dest_url,
                ..
            } => {
                let is_said = matches!(link_type, LinkType::Autolink | LinkType::Email);
                self.links.push(match is_said {
                    true => String::new(),
                    false => dest_url.to_string(),
                });
            }
            Tag::Image { dest_url, .. } => self.links.push(dest_url.to_string()),
            Tag::HtmlBlock => self.html = Some((line, String::new())),
            Tag::Table(_) => {
                self.table = Some(Table {
                    line,
                    rows: Vec::new(),
                });
            }
            Tag::TableHead | Tag::TableRow => {
                if let Some(table) = &mut self.table {
                    table.rows.push((line, Vec::new()));
                }
            }
            Tag::TableCell => {
                if let Some((_, cells)) = self.table.as_mut().and_then(|t| t.rows.last_mut()) {
                    cells.push(String::new());
                }
            }
            _ => {}
        }
    }

    fn start_item(&mut self, line: usize) {
        self.items += 1;
        match &mut self.item {
            Some(outer) => {
                outer.inner.push(line);
                outer.text.push_str("\n- ");
            }
            None => {
                self.item = Some(Item {
                    line,
                    is_ordered: self.lists.last().copied().unwrap_or_default(),
                    ..Item::default()
                });
            }
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "what began no block ends none"
    )]
    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(_) => {
                if let Some((line, text)) = self.heading.take() {
                    self.blocks.push(Block::Heading(line, text));
                }
            }
            TagEnd::Paragraph => {
                self.blocks
                    .extend(self.paragraph.take().map(Block::Paragraph));
            }
            TagEnd::List(_) => {
                self.lists.pop();
            }
            TagEnd::Item => {
                self.items = self.items.saturating_sub(1);
                if self.items == 0 {
                    self.blocks.extend(self.item.take().map(Block::Item));
                }
            }
            TagEnd::CodeBlock => match (self.code.take(), &mut self.item) {
                (Some(code), Some(item)) => item.codes.push(code),
                (code, _) => self.blocks.extend(code.map(Block::Code)),
            },
            TagEnd::Link | TagEnd::Image => match self.links.pop().as_deref() {
                None | Some("") => {}
                Some(target) => self.say(&format!(" ({target})")),
            },
            TagEnd::HtmlBlock => {
                let html = self.html.take().filter(|(_, text)| !is_comment(text));
                self.blocks
                    .extend(html.map(|(line, text)| Block::Html(line, text)));
            }
            TagEnd::Table => self.blocks.extend(self.table.take().map(Block::Table)),
            _ => {}
        }
    }

    fn html(&mut self, text: &str) {
        if let Some((_, html)) = &mut self.html {
            html.push_str(&clean(text));
        }
    }

    fn say(&mut self, text: &str) {
        let cell = self.table.as_mut().and_then(|table| table.rows.last_mut());
        let said = if let Some(code) = &mut self.code {
            &mut code.text
        } else if let Some((_, cells)) = cell {
            match cells.last_mut() {
                Some(cell) => cell,
                None => return,
            }
        } else if let Some((_, heading)) = &mut self.heading {
            heading
        } else if let Some(item) = &mut self.item {
            &mut item.text
        } else if let Some(paragraph) = &mut self.paragraph {
            paragraph
        } else {
            return;
        };
        said.push_str(&clean(text));
    }
}

/// True of HTML that nobody sees.
fn is_comment(html: &str) -> bool {
    let html = html.trim();
    html.starts_with("<!--") && html.ends_with("-->")
}

/// A text without what a plan refuses, and without what a line of it would obey.
pub(super) fn clean(text: &str) -> String {
    let kept = text.chars().map(|c| match c {
        '\n' => c,
        c if c.is_control() => ' ',
        c if is_deceptive(c) => '\u{fffd}',
        c => c,
    });
    kept.collect()
}
