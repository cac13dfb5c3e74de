//! What `check` found, for programs: the same problems that people are shown, without the lines of the source.

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::Reading;
use crate::plan_file::Label;
use crate::plan_file::Position;
use crate::plan_file::Problem;
use crate::plan_file::Severity;
use crate::plan_file::Sources;
use crate::plan_file::visible;

/// What `check` found.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
#[serde(rename_all = "kebab-case")]
pub struct CheckReport {
    /// The version of this form.
    pub format: u32,
    /// The plan as it was named.
    pub plan: String,
    /// How many errors there are; with none the plan can be used.
    pub errors: usize,
    /// How many warnings there are.
    pub warnings: usize,
    /// All of both, in the order of the text.
    pub problems: Vec<Finding>,
}

/// One problem.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
#[serde(rename_all = "kebab-case")]
pub struct Finding {
    /// Which kind of problem; stable.
    pub code: String,
    /// Whether the plan can be used.
    pub severity: Level,
    /// One line: what is wrong.
    pub message: String,
    /// Where; `None` for what stands in no file.
    pub at: Option<Spot>,
    /// Other places that belong to it.
    pub related: Vec<Spot>,
    /// Facts that explain it.
    pub notes: Vec<String>,
    /// What to do.
    pub help: Vec<String>,
    /// The one edit that puts it right.
    pub edit: Option<Replacement>,
}

/// Whether a plan can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// It cannot.
    Error,
    /// It can, and something in it will surprise.
    Warning,
}

/// A place in a file. Lines and characters count from 1, the end is the column after the last character.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
#[serde(rename_all = "kebab-case")]
pub struct Spot {
    /// The file, as the plan's path was given.
    pub file: String,
    /// The line of the first character.
    pub line: usize,
    /// Its column.
    pub column: usize,
    /// The line of the end.
    pub end_line: usize,
    /// The column of the end.
    pub end_column: usize,
    /// What to see there.
    pub text: String,
}

/// An edit: this text takes the place of what stands there.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
#[serde(rename_all = "kebab-case")]
pub struct Replacement {
    /// Where; `text` says what the edit does.
    pub at: Spot,
    /// What stands there afterwards.
    pub becomes: String,
}

impl CheckReport {
    /// What was found of a plan that was named so.
    pub fn of(reading: &Reading, shown: &str) -> Self {
        let sources = &reading.sources;
        Self {
            format: 1,
            plan: shown.to_owned(),
            errors: reading.problems.errors(),
            warnings: reading.problems.warnings(),
            problems: reading
                .problems
                .iter()
                .map(|problem| Finding::of(problem, sources))
                .collect(),
        }
    }
}

impl Finding {
    fn of(problem: &Problem, sources: &Sources) -> Self {
        let spot = |label: &Label| spot(sources, label.at, &label.text);
        let fix = problem.fix.as_ref();
        let edit = fix.and_then(|fix| fix.edit(sources).map(|edit| (fix, edit)));
        Self {
            code: problem.code.to_string(),
            severity: match problem.severity {
                Severity::Error => Level::Error,
                Severity::Warning => Level::Warning,
            },
            message: visible(&problem.title),
            at: problem.primary.as_ref().map(spot),
            related: problem.secondary.iter().map(spot).collect(),
            notes: problem.notes.iter().map(|note| visible(note)).collect(),
            help: problem.advice().map(visible).collect(),
            edit: edit.map(|(fix, edit)| Replacement {
                at: self::spot(sources, edit.at, &fix.title),
                becomes: edit.text,
            }),
        }
    }
}

fn spot(sources: &Sources, at: Position, text: &str) -> Spot {
    let place = sources.place(at);
    Spot {
        file: sources.file(at.file).shown.clone(),
        line: place.line,
        column: place.column,
        end_line: place.end_line,
        end_column: place.end_column,
        text: visible(text),
    }
}
