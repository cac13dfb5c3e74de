//! What is wrong with a plan: collected, not thrown, so that a reader sees all of it.

use std::fmt;

use crate::plan_file::source::Position;

/// One thing that is wrong or doubtful.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Which kind of problem, for tests and machines.
    pub code: Code,
    /// Whether the plan can be used.
    pub severity: Severity,
    /// One line: what is wrong. Names in backticks.
    pub title: String,
    /// Where, and what to see there.
    pub primary: Option<Label>,
    /// Other places that belong to it.
    pub secondary: Vec<Label>,
    /// Facts that explain it.
    pub notes: Vec<String>,
    /// What to do.
    pub help: Vec<String>,
    /// True when the source line must not be shown, because it may hold a secret.
    pub is_hidden: bool,
}

/// A place and what to see there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Label {
    /// The place.
    pub at: Position,
    /// What to see there; may be empty.
    pub text: String,
}

/// Whether the plan can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It cannot.
    Error,
    /// It can, and something in it will surprise.
    Warning,
}

/// The kinds of problems. Stable: tests and tools name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(
    missing_docs,
    reason = "the names are the sentences; each has a transcript in tests/broken-plans"
)]
pub enum Code {
    FileNotReadable,
    FileTooLarge,
    TooDeep,
    TooMany,
    Syntax,
    DeceptiveCharacter,
    PathEscapes,
    IncludeCycle,
    NewerFormat,
    UnknownKey,
    MissingKey,
    WrongType,
    BadName,
    BadValue,
    Duplicate,
    UnknownKind,
    UnknownProvider,
    NoSuchAction,
    UnknownStore,
    UnknownStep,
    UnknownInput,
    UnknownOutput,
    UnknownTable,
    UnknownSet,
    UnknownScenario,
    UnknownReference,
    TemplateSyntax,
    BadCondition,
    Cycle,
    AbsentStep,
    ShellExpression,
    TimeWithoutZone,
    NumberForText,
    BadDuration,
    TypeMismatch,
    SecretAsText,
    SecretInOpenPlace,
    NotKnownBeforeRun,
    MissingInput,
    FixedInput,
    DuplicateTarget,
    RpoBelowBackup,
    RetentionBelowWindow,
    RetentionUneven,
    InvariantBroken,
    UnkeyedSteps,
    Trap,
    Unused,
}

impl Code {
    /// All of them.
    pub const ALL: [Self; 48] = [
        Self::FileNotReadable,
        Self::FileTooLarge,
        Self::TooDeep,
        Self::TooMany,
        Self::Syntax,
        Self::DeceptiveCharacter,
        Self::PathEscapes,
        Self::IncludeCycle,
        Self::NewerFormat,
        Self::UnknownKey,
        Self::MissingKey,
        Self::WrongType,
        Self::BadName,
        Self::BadValue,
        Self::Duplicate,
        Self::UnknownKind,
        Self::UnknownProvider,
        Self::NoSuchAction,
        Self::UnknownStore,
        Self::UnknownStep,
        Self::UnknownInput,
        Self::UnknownOutput,
        Self::UnknownTable,
        Self::UnknownSet,
        Self::UnknownScenario,
        Self::UnknownReference,
        Self::TemplateSyntax,
        Self::BadCondition,
        Self::Cycle,
        Self::AbsentStep,
        Self::ShellExpression,
        Self::TimeWithoutZone,
        Self::NumberForText,
        Self::BadDuration,
        Self::TypeMismatch,
        Self::SecretAsText,
        Self::SecretInOpenPlace,
        Self::NotKnownBeforeRun,
        Self::MissingInput,
        Self::FixedInput,
        Self::DuplicateTarget,
        Self::RpoBelowBackup,
        Self::RetentionBelowWindow,
        Self::RetentionUneven,
        Self::InvariantBroken,
        Self::UnkeyedSteps,
        Self::Trap,
        Self::Unused,
    ];
}

/// Prints `unknown-store`.
impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        for c in format!("{self:?}").chars() {
            if c.is_ascii_uppercase() && !text.is_empty() {
                text.push('-');
            }
            text.push(c.to_ascii_lowercase());
        }
        f.pad(&text)
    }
}

impl Problem {
    /// An error of this kind.
    pub fn error(code: Code, title: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            title: title.into(),
            primary: None,
            secondary: Vec::new(),
            notes: Vec::new(),
            help: Vec::new(),
            is_hidden: false,
        }
    }

    /// A warning of this kind.
    pub fn warning(code: Code, title: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, title)
        }
    }

    /// Says where, and what to see there.
    #[must_use]
    pub fn at(mut self, at: Position, text: impl Into<String>) -> Self {
        let text = text.into();
        self.primary = Some(Label { at, text });
        self
    }

    /// Names another place that belongs to it.
    #[must_use]
    pub fn and_at(mut self, at: Position, text: impl Into<String>) -> Self {
        let text = text.into();
        self.secondary.push(Label { at, text });
        self
    }

    /// Adds a fact that explains it.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Adds what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// Keeps the source line from being shown.
    #[must_use]
    pub fn hidden(mut self) -> Self {
        self.is_hidden = true;
        self
    }
}

/// All problems that were found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one, unless the same was found before.
    pub fn push(&mut self, problem: Problem) {
        let is_known = self.0.iter().any(|known| {
            known.code == problem.code
                && known.primary == problem.primary
                && known.title == problem.title
        });
        if !is_known {
            self.0.push(problem);
        }
    }

    /// Adds all of another collection.
    pub fn extend(&mut self, others: Self) {
        for problem in others.0 {
            self.push(problem);
        }
    }

    /// All, in the order of their places; what has none comes last.
    pub fn sorted(mut self) -> Self {
        self.0.sort_by_key(|problem| match &problem.primary {
            Some(label) => (0, Some(label.at)),
            None => (1, None),
        });
        self
    }

    /// All.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }

    /// All, to change them.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Problem> {
        self.0.iter_mut()
    }

    /// True when there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many errors there are.
    pub fn errors(&self) -> usize {
        self.count(Severity::Error)
    }

    /// How many warnings there are.
    pub fn warnings(&self) -> usize {
        self.count(Severity::Warning)
    }

    fn count(&self, severity: Severity) -> usize {
        self.0.iter().filter(|p| p.severity == severity).count()
    }
}

impl IntoIterator for Problems {
    type Item = Problem;
    type IntoIter = std::vec::IntoIter<Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
