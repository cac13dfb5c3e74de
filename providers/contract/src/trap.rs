//! What goes wrong in the field, and how the inputs of a step tell that it applies.

use serde::Serialize;
use serde_json::Value;

use crate::fields::Fields;
use crate::kind::StoreKind;
use crate::values::Values;

/// Something that goes wrong in the field, known beforehand.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trap {
    /// A stable id: `pg-plain-sql-meta-commands`.
    pub id: &'static str,
    /// When it applies.
    pub when: Condition,
    /// What happens and what to do.
    pub message: &'static str,
    /// Where the fact was read: a documentation page, an issue, an experiment.
    pub source: &'static str,
}

/// When a [`Trap`] applies, judged by the inputs of the step and of its store alone.
///
/// `store.NAME` is the input `NAME` of the store; a store whose kind has no such input is not meant.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// Whenever the kind is used.
    Always,
    /// When this input has this value.
    InputIs(&'static str, Value),
    /// When this input was left out.
    InputMissing(&'static str),
    /// When the store is of the kind of this full name.
    StoreIs(&'static str),
    /// When this input is the argument vector of such a program.
    Runs(&'static str, CommandLine),
}

/// Programs, and what their arguments say.
///
/// A word stands in the arguments when one of them is that word, or that word with `=` and a value; a word that is
/// no option may also stand within one, as `ON_ERROR_STOP` does in `--set=ON_ERROR_STOP=1`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct CommandLine {
    /// The names of the programs, without their folders.
    pub programs: &'static [&'static str],
    /// One of these stands there; any arguments will do when there is none here.
    pub has: &'static [&'static str],
    /// None of these stands there.
    pub lacks: &'static [&'static str],
}

impl CommandLine {
    /// True when an argument vector is meant.
    fn means(&self, argv: &Value) -> bool {
        let argv: Vec<&str> = argv
            .as_array()
            .map(|words| words.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        let Some((program, arguments)) = argv.split_first() else {
            return false;
        };
        let name = program.rsplit('/').next().unwrap_or(program);
        let stands = |word: &&str| {
            arguments.iter().any(|argument| {
                let rest = argument.strip_prefix(*word);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
                    || (!word.starts_with('-') && argument.contains(*word))
            })
        };
        self.programs.contains(&name)
            && (self.has.is_empty() || self.has.iter().any(&stands))
            && !self.lacks.iter().any(stands)
    }
}

/// What a [`Condition`] is judged by.
#[derive(Clone, Copy, Debug)]
pub struct Judged<'a> {
    /// What the action takes.
    pub takes: &'a Fields,
    /// What the plan gives it.
    pub with: &'a Values,
    /// The store that the step is about, with what the plan gives it.
    pub store: Option<(&'a StoreKind, &'a Values)>,
}

impl Condition {
    /// True when it holds for these inputs.
    pub fn holds(&self, judged: Judged<'_>) -> bool {
        match self {
            Self::Always => true,
            Self::InputIs(input, value) => {
                judged.input(input).is_some_and(|(takes, with, name)| {
                    let default = || takes.get(name).and_then(|field| field.default.as_ref());
                    with.get(name).or_else(default) == Some(value)
                })
            }
            Self::InputMissing(input) => judged
                .input(input)
                .is_some_and(|(_, with, name)| with.get(name).is_none()),
            Self::StoreIs(name) => judged.store.is_some_and(|(kind, _)| kind.name == *name),
            Self::Runs(input, line) => judged
                .input(input)
                .and_then(|(_, with, name)| with.get(name))
                .is_some_and(|argv| line.means(argv)),
        }
    }

    /// The input that it asks about, as it is written in the condition.
    pub fn input(&self) -> Option<&'static str> {
        match self {
            Self::InputIs(input, _) | Self::InputMissing(input) | Self::Runs(input, _) => {
                Some(input)
            }
            Self::Always | Self::StoreIs(_) => None,
        }
    }
}

impl<'a> Judged<'a> {
    /// Where an input is looked up, and under which name there.
    fn input<'b>(self, input: &'b str) -> Option<(&'a Fields, &'a Values, &'b str)> {
        match (input.strip_prefix("store."), self.store) {
            (None, _) => Some((self.takes, self.with, input)),
            (Some(name), Some((kind, with))) => {
                kind.with.get(name).map(|_| (&kind.with, with, name))
            }
            (Some(_), None) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::CommandLine;

    #[test]
    fn a_command_line_is_told_by_its_program_and_its_words() {
        let psql = CommandLine {
            programs: &["psql"],
            has: &["-f", "--file"],
            lacks: &["ON_ERROR_STOP"],
        };
        for (argv, is_meant) in [
            (json!(["psql", "-f", "a.sql"]), true),
            (json!(["/usr/bin/psql", "--file=a.sql"]), true),
            (json!(["psql", "-c", "select 1"]), false),
            (
                json!(["psql", "--set=ON_ERROR_STOP=1", "-f", "a.sql"]),
                false,
            ),
            (
                json!(["psql", "-v", "ON_ERROR_STOP=1", "-f", "a.sql"]),
                false,
            ),
            (json!(["my-psql", "-f", "a.sql"]), false),
            (json!(["psql", "--files"]), false),
            (json!([]), false),
            (json!("psql -f a.sql"), false),
        ] {
            assert_eq!(psql.means(&argv), is_meant, "{argv}");
        }
    }
}
