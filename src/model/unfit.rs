//! Why a value is not taken, and what to do: the same words for a plan, a flag, a file and the environment.

use std::fmt;

use crate::plan_file::Code;
use crate::plan_file::Position;
use crate::plan_file::Problem;

/// Why a value is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfit {
    /// Which kind of problem.
    pub code: Code,
    /// What is wrong with it. Never the text of a secret.
    pub why: String,
    /// What there is to say beyond that; apart, so that a value that is taken does not carry the room for it.
    advice: Box<Advice>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Advice {
    /// What to see at its place.
    seen: Option<&'static str>,
    /// Facts that explain it.
    notes: Vec<String>,
    /// What to do, wherever it was given.
    help: Vec<String>,
    /// What to do where it stands in a file.
    help_in_file: Option<String>,
    /// The text that was meant, when there is only one, and what writing it does.
    meant: Option<(String, String)>,
    /// The part of a list or table that is not taken.
    at: Option<Position>,
}

impl Unfit {
    /// A value that is not taken.
    pub fn new(code: Code, why: impl Into<String>) -> Self {
        Self {
            code,
            why: why.into(),
            advice: Box::default(),
        }
    }

    /// Says what to see at its place.
    #[must_use]
    pub fn seen(mut self, seen: &'static str) -> Self {
        self.advice.seen = Some(seen);
        self
    }

    /// Adds a fact that explains it.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.advice.notes.push(note.into());
        self
    }

    /// Adds what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.advice.help.push(help.into());
        self
    }

    /// Says what to do where the value stands in a file: quotes, keys.
    #[must_use]
    pub fn help_in_file(mut self, help: impl Into<String>) -> Self {
        self.advice.help_in_file = Some(help.into());
        self
    }

    /// Says which text was meant, and what writing it does.
    #[must_use]
    pub fn meant(mut self, text: impl Into<String>, title: impl Into<String>) -> Self {
        self.advice.meant = Some((text.into(), title.into()));
        self
    }

    /// The text that was meant, when there is only one.
    pub fn text_meant(&self) -> Option<&str> {
        self.advice.meant.as_ref().map(|(text, _)| text.as_str())
    }

    /// Says which part of the value is not taken, unless that was said of a part of it.
    #[must_use]
    pub fn within(mut self, at: Position) -> Self {
        self.advice.at.get_or_insert(at);
        self
    }

    /// The problem of a value of a plan.
    pub fn problem(self, at: Position) -> Problem {
        let seen = self.advice.seen.unwrap_or("cannot be taken");
        let problem = Problem::error(self.code, self.why.clone());
        self.told_in_file(problem, at, seen)
    }

    /// Adds it to the problem of a value in a file, whose label says why.
    pub fn in_file(self, problem: Problem, at: Position) -> Problem {
        let why = self.why.clone();
        self.told_in_file(problem, at, why)
    }

    fn told_in_file(self, problem: Problem, at: Position, label: impl Into<String>) -> Problem {
        let at = self.advice.at.unwrap_or(at);
        let mut problem = problem.at(at, label);
        problem.notes.extend(self.advice.notes);
        problem.help.extend(self.advice.help);
        problem.help.extend(self.advice.help_in_file);
        match self.advice.meant {
            Some((text, title)) => problem.fix(at, "", toml::Value::from(text).to_string(), title),
            None => problem,
        }
    }

    /// Adds it to the problem of a value that stands in no file; how the one that was meant is given, the caller says.
    pub fn given(self, mut problem: Problem) -> Problem {
        problem.notes.extend(self.advice.notes);
        problem.help.extend(self.advice.help);
        problem
    }
}

/// Prints why, and below it the facts and what to do, a line each.
impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)?;
        for note in &self.advice.notes {
            write!(f, "\n  note: {note}")?;
        }
        for help in &self.advice.help {
            write!(f, "\n  help: {help}")?;
        }
        match &self.advice.meant {
            Some((text, _)) => write!(f, "\n  help: write `{text}`"),
            None => Ok(()),
        }
    }
}
