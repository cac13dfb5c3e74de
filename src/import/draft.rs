//! Chooses what becomes a step, a scenario, a command, and lists what does not.

use std::collections::BTreeSet;

use crate::import::commands::commands;
use crate::import::commands::is_of_a_shell;
use crate::import::commands::typed;
use crate::import::outline::Block;
use crate::import::outline::Code;
use crate::import::outline::Item;
use crate::import::outline::Table;
use crate::import::outline::read;
use crate::model::needs_a_shell;
use crate::plan_file::NAME_LENGTH_MAX;
use crate::template::Template;

/// Steps beyond these are listed as not placed.
const STEPS_MAX: usize = 1_000;

/// Titles are cut to this length, questions to the next, in characters.
const TITLE_MAX: usize = 80;
const ASK_MAX: usize = 2_000;

/// Words in a heading, or in the words before a list, that make an order of its items.
const PROCEDURES: [&str; 12] = [
    "restor",
    "recover",
    "procedure",
    "checklist",
    "step",
    "failover",
    "rollback",
    "runbook",
    "verif",
    "navigate",
    "follow",
    "how to",
];

/// The draft of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// The title of the document.
    pub title: String,
    /// The steps, in the order of the document.
    pub steps: Vec<DraftStep>,
    /// The scenarios: one for each section that has steps.
    pub scenarios: Vec<DraftScenario>,
    /// Rows of tables that speak of objectives.
    pub objectives: Vec<Remark>,
    /// The lines of the items and code blocks that are in the steps.
    pub placed: Vec<usize>,
    /// The items, code blocks and tables that are not.
    pub unplaced: Vec<Remark>,
    /// Commands and words of what is placed that a plan does not take as they are.
    pub changed: Vec<Remark>,
}

/// Something to be said of a line of the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// The line, from 1.
    pub line: usize,
    /// What there is to say.
    pub what: String,
}

/// A manual step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DraftStep {
    /// Its name.
    pub name: String,
    /// Its title.
    pub title: String,
    /// What a person is asked to do, as a template.
    pub ask: String,
    /// What they type, as templates.
    pub commands: Vec<String>,
    /// Commands that a plan does not take: they stand there as comments.
    pub left_out: Vec<String>,
    /// It is done when somebody says `yes`.
    pub is_check: bool,
    /// Its line in the document.
    pub line: usize,
    /// The step before it in its section.
    pub needs: Option<String>,
}

/// A scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DraftScenario {
    /// Its name.
    pub name: String,
    /// Its title.
    pub title: String,
    /// Its last step.
    pub goal: String,
}

/// The draft of a document's plan.
pub fn draft(document: &str, name: &str) -> Draft {
    let blocks = read(document);
    let title = blocks.iter().find_map(|block| match block {
        Block::Heading(_, text) => Some(title(text)),
        Block::Paragraph(_)
        | Block::Item(_)
        | Block::Code(_)
        | Block::Table(_)
        | Block::Html(..) => None,
    });
    let title = title.filter(|title| !title.is_empty());
    let title = title.unwrap_or_else(|| name.to_owned());
    let mut drafter = Drafter {
        section: title.clone(),
        draft: Draft {
            title,
            ..Draft::default()
        },
        names: BTreeSet::new(),
        scenario: None,
        before: String::new(),
        open: None,
    };
    for block in blocks {
        drafter.add(block);
    }
    drafter.draft
}

struct Drafter {
    draft: Draft,
    names: BTreeSet<String>,
    /// The heading above.
    section: String,
    /// Which scenario the section has, when it has one.
    scenario: Option<usize>,
    /// The words of the paragraph before.
    before: String,
    /// The step that a code block right after it belongs to.
    open: Option<usize>,
}

impl Drafter {
    fn add(&mut self, block: Block) {
        let open = self.open.take();
        match block {
            Block::Heading(_, text) => {
                self.section = match title(&text) {
                    empty if empty.is_empty() => "Without a title".to_owned(),
                    title => title,
                };
                self.scenario = None;
                self.before.clear();
            }
            Block::Paragraph(text) => self.before = text,
            Block::Item(item) => self.item(item),
            Block::Code(code) => self.code(code, open),
            Block::Table(table) => self.table(&table),
            Block::Html(line, text) => self.not_placed(line, "a block of HTML", &text),
        }
    }

    fn item(&mut self, item: Item) {
        // The title of the whole says nothing of one list in it.
        let heading = match self.section == self.draft.title {
            true => "",
            false => &self.section,
        };
        let around = format!("{heading} {}", self.before).to_lowercase();
        let is_step = item.is_ordered
            || item.is_check
            || !item.codes.is_empty()
            || PROCEDURES.iter().any(|word| around.contains(word));
        let is_empty = item.text.trim().is_empty() && item.codes.is_empty();
        let why = match (is_empty, is_step, self.draft.steps.len() < STEPS_MAX) {
            (false, true, true) => {
                let at = self.step(item.line, item.text.trim(), item.is_check);
                self.draft.placed.extend(item.inner);
                for code in item.codes {
                    self.place_code(at, code);
                }
                self.open = Some(at);
                return;
            }
            (true, _, _) => "an item without words",
            (false, false, _) => "an item of a list that does not say that it is an order",
            (false, true, false) => "more steps than are drafted",
        };
        self.not_placed(item.line, why, &item.text);
        for line in item.inner {
            self.not_placed(line, "it is in an item that is not placed", "");
        }
        for code in item.codes {
            self.not_placed(code.line, "it is in an item that is not placed", &code.text);
        }
    }

    fn code(&mut self, code: Code, open: Option<usize>) {
        if !is_of_a_shell(&code.language) {
            let why = format!(
                "a block of {}: put it into a file of the plan",
                code.language
            );
            self.not_placed(code.line, &why, &code.text);
            return;
        }
        let is_of_step = open.filter(|at| self.draft.steps[*at].ask.ends_with(':'));
        let at = match is_of_step {
            Some(at) => at,
            None if self.draft.steps.len() >= STEPS_MAX => {
                self.not_placed(code.line, "more steps than are drafted", &code.text);
                return;
            }
            None => {
                let words = match self.before.trim() {
                    "" => format!("{}: the commands of line {}", self.section, code.line),
                    before => before.to_owned(),
                };
                // The step is the block: its line is counted once, with the block.
                let at = self.step(code.line, &words, false);
                self.draft.placed.pop();
                at
            }
        };
        self.place_code(at, code);
    }

    fn place_code(&mut self, at: usize, code: Code) {
        let Code {
            line,
            language,
            text,
        } = code;
        if !is_of_a_shell(&language) {
            let why = format!("a block of {language}: put it into a file of the plan");
            self.not_placed(line, &why, &text);
            return;
        }
        self.draft.placed.push(line);
        let typed = typed(&text, &language);
        for (place, printed) in typed.printed {
            if !printed.trim().is_empty() {
                self.not_placed(line + 1 + place, "what a command prints", printed);
            }
        }
        for command in commands(&typed.text) {
            match taken(&command) {
                Ok(written) => self.draft.steps[at].commands.push(written),
                Err(why) => {
                    let what = format!("a command {why}: {}", first_line(&command));
                    self.draft.changed.push(Remark { line, what });
                    self.draft.steps[at].left_out.push(command);
                }
            }
        }
    }

    fn table(&mut self, table: &Table) {
        let head = table
            .rows
            .first()
            .map(|(_, cells)| cells.join(" ").to_lowercase());
        let head = head.unwrap_or_default();
        if !speaks_of_objectives(&head) {
            self.not_placed(table.line, "a table", &head);
            return;
        }
        self.draft.placed.push(table.line);
        for (line, cells) in &table.rows {
            self.draft.objectives.push(Remark {
                line: *line,
                what: first_line(&cells.join(" | ").replace('\n', " ")),
            });
        }
    }

    /// Adds a step to the section, after its last one, and gives its place.
    fn step(&mut self, line: usize, words: &str, is_check: bool) -> usize {
        let name = self.name(words, "step");
        let short = title(words);
        let ask = self.ask(line, words);
        let needs = self
            .scenario
            .map(|at| self.draft.scenarios[at].goal.clone());
        match self.scenario {
            Some(at) => self.draft.scenarios[at].goal.clone_from(&name),
            None => {
                let title = self.section.clone();
                let scenario = self.name(&title, "section");
                self.scenario = Some(self.draft.scenarios.len());
                self.draft.scenarios.push(DraftScenario {
                    name: scenario,
                    title,
                    goal: name.clone(),
                });
            }
        }
        self.draft.placed.push(line);
        self.draft.steps.push(DraftStep {
            title: match short.is_empty() {
                true => name.clone(),
                false => short,
            },
            name,
            ask,
            commands: Vec::new(),
            left_out: Vec::new(),
            is_check,
            line,
            needs,
        });
        self.draft.steps.len() - 1
    }

    /// The words of a question that a plan takes.
    fn ask(&mut self, line: usize, words: &str) -> String {
        let short: String = words.chars().take(ASK_MAX).collect();
        if short.len() < words.len() {
            let what = format!("only the first {ASK_MAX} characters are in the step");
            self.draft.changed.push(Remark { line, what });
        }
        let short = match short.trim() {
            "" => "Do what the document says.",
            short => short,
        };
        taken(short).unwrap_or_else(|why| {
            let what = format!("words {why}: brackets and quotes are left out");
            self.draft.changed.push(Remark { line, what });
            short.replace(['(', ')', '[', ']', '{', '}', '`', '$'], " ")
        })
    }

    /// A name made of words that nothing else has.
    fn name(&mut self, words: &str, otherwise: &str) -> String {
        let plain: String = words
            .to_lowercase()
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect();
        let parts: Vec<&str> = plain.split('-').filter(|part| !part.is_empty()).collect();
        let mut short = String::new();
        for part in parts.into_iter().take(6) {
            if short.len() + part.len() + 8 > NAME_LENGTH_MAX {
                break;
            }
            let dash = if short.is_empty() { "" } else { "-" };
            short.push_str(&format!("{dash}{part}"));
        }
        let short = if short.is_empty() { otherwise } else { &short };
        let numbered = (2..).map(|number: usize| format!("{short}-{number}"));
        let mut all = std::iter::once(short.to_owned()).chain(numbered);
        let free = all.find(|name| !self.names.contains(name));
        let name = free.expect("there are more numbers than names");
        self.names.insert(name.clone());
        name
    }

    fn not_placed(&mut self, line: usize, why: &str, text: &str) {
        let what = match first_line(text).as_str() {
            "" => why.to_owned(),
            words => format!("{why}: {words}"),
        };
        self.draft.unplaced.push(Remark { line, what });
    }
}

/// One line for people, without braces: titles are no templates.
fn title(text: &str) -> String {
    let line = first_line(text).replace('{', "(").replace('}', ")");
    line.trim_end_matches(':').to_owned()
}

fn first_line(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty());
    let line = line
        .unwrap_or_default()
        .replace("$(", "$ (")
        .replace('`', "'");
    line.chars().take(TITLE_MAX).collect()
}

/// A text as a template that says it, or why a plan does not take it.
fn taken(text: &str) -> Result<String, String> {
    if let Some(why) = needs_a_shell(text) {
        return Err(format!("that {why}"));
    }
    let written = Template::literal(text).to_string();
    match Template::parse(&written) {
        Ok(_) => Ok(written),
        Err(error) => Err(format!("that is no template: {}", error.message)),
    }
}

/// Whether the head of a table names an objective, as words of their own.
fn speaks_of_objectives(head: &str) -> bool {
    let words: Vec<&str> = head
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let pairs = words.windows(2);
    words.contains(&"rpo")
        || words.contains(&"rto")
        || pairs
            .into_iter()
            .any(|pair| matches!(pair, ["recovery", "point" | "time"]))
}

#[cfg(test)]
mod tests {
    use super::speaks_of_objectives;

    #[test]
    fn objectives_are_words_of_their_own() {
        for (head, speaks) in [
            ("what rpo rto", true),
            ("rpo/rto", true),
            ("store recovery time", true),
            ("store purpose", false),
            ("corporate contact", false),
            ("point recovery", false),
        ] {
            assert_eq!(speaks_of_objectives(head), speaks, "{head}");
        }
    }
}
