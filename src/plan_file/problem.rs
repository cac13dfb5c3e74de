//! What is wrong with a plan: collected, not thrown, so that a reader sees all of it.

use std::collections::BTreeSet;
use std::panic::Location;

use crate::plan_file::beside::Beside;
use crate::plan_file::code::Code;
use crate::plan_file::edit::Fix;
use crate::plan_file::names::nearest;
use crate::plan_file::source::FileId;
use crate::plan_file::source::Position;
use crate::plan_file::source::Sources;

/// A list of known names that is longer than this helps nobody.
const NAMES_LISTED_MAX: usize = 20;

/// Of more names than these, an edit keeps only the one that it chose.
const NAMES_KEPT_MAX: usize = 200;

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
    /// The one edit that puts it right, when there is one.
    pub fix: Option<Fix>,
    /// Where in salvor it was found, so that a test can ask of every such place for a plan that shows it.
    pub found_by: &'static Location<'static>,
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

impl Problem {
    /// An error of this kind.
    #[track_caller]
    pub fn error(code: Code, title: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            title: title.into(),
            primary: None,
            secondary: Vec::new(),
            notes: Vec::new(),
            help: Vec::new(),
            fix: None,
            found_by: Location::caller(),
            is_hidden: false,
        }
    }

    /// A warning of this kind.
    #[track_caller]
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

    /// Offers the edit that puts it right: at this place, `from` becomes `to`. See [`Fix`].
    #[must_use]
    pub fn fix(
        mut self,
        at: Position,
        from: impl Into<String>,
        to: impl Into<String>,
        title: impl Into<String>,
    ) -> Self {
        self.fix = Some(Fix {
            at,
            from: from.into(),
            to: to.into(),
            title: title.into(),
            names: Vec::new(),
        });
        self
    }

    /// Says which of the known names was meant by the one that is written at this place. The nearest is
    /// offered as an edit; where none is near, all are listed.
    #[must_use]
    pub fn meant<'a>(
        self,
        at: Position,
        written: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let known: Vec<&str> = known.into_iter().collect();
        match Meant::of(written, known.iter().copied()) {
            Meant::One(name) => {
                let mut problem = self.fix(at, written, name, format!("did you mean `{name}`?"));
                if let Some(fix) = &mut problem.fix {
                    // Each of 10,000 problems with its copy of 10,000 names would fill the memory.
                    let names = match known.len() > NAMES_KEPT_MAX {
                        true => vec![name],
                        false => known,
                    };
                    fix.names = names.into_iter().map(str::to_owned).collect();
                }
                problem
            }
            Meant::Words(words) => self.help(words),
        }
    }

    /// The same for a name that was not written in a file, so that nothing can be edited.
    #[must_use]
    pub fn meant_elsewhere<'a>(
        self,
        written: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        match Meant::of(written, known) {
            Meant::One(name) => self.help(format!("did you mean `{name}`?")),
            Meant::Words(words) => self.help(words),
        }
    }

    /// What to do, a line each; the edit is one of them.
    pub fn advice(&self) -> impl Iterator<Item = &str> {
        let fix = self.fix.iter().map(|fix| fix.title.as_str());
        fix.chain(self.help.iter().map(String::as_str))
    }

    /// Keeps the source line from being shown.
    #[must_use]
    pub fn hidden(mut self) -> Self {
        self.is_hidden = true;
        self
    }
}

/// What can be said of a name that is not known.
enum Meant<'a> {
    One(&'a str),
    Words(String),
}

impl<'a> Meant<'a> {
    fn of(written: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let all: Vec<&str> = known.into_iter().collect();
        // A name in letters that look like others is not proposed to anybody.
        let known: Vec<&str> = all.iter().copied().filter(|name| name.is_ascii()).collect();
        match nearest(written, known.iter().copied()).as_slice() {
            [name] => Self::One(name),
            [first @ .., last] => Self::Words(format!(
                "did you mean `{}` or `{last}`?",
                first.join("`, `")
            )),
            [] if all.is_empty() => {
                Self::Words("none is defined: define it, or take the name out".to_owned())
            }
            [] if known.is_empty() => Self::Words(
                "define it in letters of a-z: those of the names that there are only look like them".to_owned(),
            ),
            [] if known.len() > NAMES_LISTED_MAX => Self::Words(format!(
                "none of the {} names that there are is like it: define it, or take the name out",
                known.len()
            )),
            [] => Self::Words(format!("there are `{}`", known.join("`, `"))),
        }
    }
}

/// All problems that were found.
#[derive(Clone, Debug, Default)]
pub struct Problems {
    all: Vec<Problem>,
    /// What was added: a plan may have tens of thousands of problems, and each is looked for.
    added: BTreeSet<(Code, Option<Label>, String)>,
}

impl PartialEq for Problems {
    fn eq(&self, other: &Self) -> bool {
        self.all == other.all
    }
}

impl Eq for Problems {}

impl Problems {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one, unless the same was found before.
    pub fn push(&mut self, problem: Problem) {
        let key = (problem.code, problem.primary.clone(), problem.title.clone());
        if self.added.insert(key) {
            self.all.push(problem);
        }
    }

    /// Adds all of another collection.
    pub fn extend(&mut self, others: Self) {
        for problem in others.all {
            self.push(problem);
        }
    }

    /// All but what a text that is not TOML brings about: at its place nothing else can be judged.
    #[must_use]
    pub fn without_consequences(mut self) -> Self {
        let at = |problem: &Problem| problem.primary.as_ref().map(|label| label.at);
        let unread: Vec<Position> = self
            .all
            .iter()
            .filter(|problem| problem.code == Code::Syntax)
            .filter_map(at)
            .collect();
        let is_within = |place: Position| {
            unread
                .iter()
                .any(|at| at.file == place.file && at.start <= place.start && place.end <= at.end)
        };
        self.all
            .retain(|problem| problem.code == Code::Syntax || !at(problem).is_some_and(is_within));
        self
    }

    /// All but what may only seem so because a file of the plan was not read. A name that is nearly one that was read
    /// is mistyped whatever the file has.
    #[must_use]
    pub fn without_what_is_unread(mut self) -> Self {
        self.all
            .retain(|problem| !problem.code.is_of_all_files() || problem.fix.is_some());
        self
    }

    /// All; an edit that would write a name of the plan into the file of a group becomes advice. There the name is
    /// another one, and each plan that shares the file has its own.
    #[must_use]
    pub fn without_edits_of(mut self, groups: &[(FileId, String)]) -> Self {
        for problem in &mut self.all {
            let is_of_group = |fix: &mut Fix| {
                let of = |(file, group): &(FileId, String)| {
                    *file == fix.at.file && fix.to.contains(&format!("{group}-"))
                };
                groups.iter().any(of)
            };
            let fix = problem.fix.take_if(is_of_group);
            problem.help.extend(fix.map(|fix| fix.title));
        }
        self
    }

    /// All; a name that stands beside the place already is not offered there a second time.
    #[must_use]
    pub fn without_repeats(mut self, sources: &Sources) -> Self {
        let offers_names = |problem: &Problem| {
            let fix = problem.fix.as_ref();
            fix.is_some_and(|fix| !fix.names.is_empty())
        };
        if !self.all.iter().any(offers_names) {
            return self;
        }
        let written = Beside::of(sources);
        for problem in &mut self.all {
            let is_repeat =
                |fix: &mut Fix| !fix.names.is_empty() && written.names(fix.at).contains(&fix.to);
            let Some(fix) = problem.fix.take_if(is_repeat) else {
                continue;
            };
            let taken = written.names(fix.at);
            let left: Vec<&str> = fix.names.iter().map(String::as_str).collect();
            let left: Vec<&str> = left
                .into_iter()
                .filter(|name| !taken.iter().any(|taken| taken == name))
                .collect();
            let there = format!("`{}` is there already: take this one out", fix.to);
            problem.help.push(match left.as_slice() {
                [] => there,
                [only] => format!("{there}, or write `{only}`"),
                left if left.len() > NAMES_LISTED_MAX => there,
                left => format!("{there}, or write one of `{}`", left.join("`, `")),
            });
        }
        self
    }

    /// All, in the order of their places; what has none comes last.
    pub fn sorted(mut self) -> Self {
        self.all.sort_by_key(|problem| match &problem.primary {
            Some(label) => (0, Some(label.at)),
            None => (1, None),
        });
        self
    }

    /// All.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.all.iter()
    }

    /// All, to change them.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Problem> {
        self.all.iter_mut()
    }

    /// True when there are none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
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
        self.all.iter().filter(|p| p.severity == severity).count()
    }
}

impl IntoIterator for Problems {
    type Item = Problem;
    type IntoIter = std::vec::IntoIter<Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.all.into_iter()
    }
}
