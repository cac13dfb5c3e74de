//! What goes wrong in the field, and how the inputs of a step tell that it applies.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use crate::command;
use crate::command::Run;
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
    /// What happens.
    pub message: &'static str,
    /// What to do.
    pub advice: &'static str,
    /// Where the fact was read: a documentation page, an issue, an experiment.
    pub source: &'static str,
}

/// When a [`Trap`] applies, judged by the inputs of the step and of its store, and by whether a final step uses what
/// it puts out.
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
    /// When this input is an argument vector that runs such a program, itself or in the text of a shell.
    Runs(&'static str, CommandLine),
    /// When this input is a list of lines for a shell that run such a program.
    Types(&'static str, CommandLine),
    /// When this input, a text or a list of texts, holds these words.
    Says(&'static str, &'static str),
}

/// Programs, and what their arguments say.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct CommandLine {
    /// The names of the programs, without their folders.
    pub programs: &'static [&'static str],
    /// All of these words stand there: what the program is told to do.
    pub verb: &'static [&'static str],
    /// One of these stands there; any arguments will do when there is none here.
    pub has: &'static [Word],
    /// Of one of these groups no word stands there, in none of the lines; any arguments will do when there is none
    /// here.
    pub lacks: &'static [&'static [Word]],
    /// It takes something away: it is not meant where a final step uses what the step put out, to give it back.
    pub takes_away: bool,
    /// What it begins goes on after it has ended: it is not meant where a step that comes after it looks.
    pub goes_on: bool,
    /// A pipe or a file gives it its input; it is not meant where it gets none.
    pub is_fed: bool,
    /// It is not meant where one of these runs as well.
    pub unless: &'static [CommandLine],
}

/// A word among arguments.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Word {
    /// An argument is this, or this with `=` and a value.
    Is(&'static str),
    /// An argument holds this.
    Holds(&'static str),
    /// An argument is this option of one letter, alone or with others: `-f` in `-fsS`.
    Flag(char),
}

impl Word {
    fn stands(self, arguments: &[String]) -> bool {
        arguments.iter().any(|argument| match self {
            Self::Is(word) => argument
                .strip_prefix(word)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('=')),
            Self::Holds(text) => argument.contains(text),
            Self::Flag(letter) => argument.strip_prefix('-').is_some_and(|letters| {
                letters.contains(letter) && letters.chars().all(|c| c.is_ascii_alphabetic())
            }),
        })
    }
}

impl CommandLine {
    /// Every run of these programs.
    pub const fn of(programs: &'static [&'static str]) -> Self {
        Self {
            programs,
            verb: &[],
            has: &[],
            lacks: &[],
            takes_away: false,
            goes_on: false,
            is_fed: false,
            unless: &[],
        }
    }

    /// Which of these runs are meant.
    fn meant<'r>(&self, all: &'r [Run]) -> Vec<&'r Run> {
        let meant: Vec<&Run> = all
            .iter()
            .filter(|run| command::program(&run.argv).is_some_and(|p| self.programs.contains(&p)))
            .filter(|run| {
                let arguments = &run.argv[1..];
                let is_there = |word: &&str| arguments.iter().any(|argument| argument == word);
                let has = |word: &Word| word.stands(arguments);
                self.verb.iter().all(is_there)
                    && (self.has.is_empty() || self.has.iter().any(has))
                    && (run.is_fed || !self.is_fed)
            })
            .collect();
        let lacks = |group: &&[Word]| {
            let stands = |word: &Word| meant.iter().any(|run| word.stands(&run.argv[1..]));
            !group.iter().any(stands)
        };
        let is_meant = (self.lacks.is_empty() || self.lacks.iter().any(lacks))
            && self.unless.iter().all(|other| other.meant(all).is_empty());
        match is_meant {
            true => meant,
            false => Vec::new(),
        }
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
    /// What the steps after it do.
    pub after: Afterwards,
}

/// What the steps after a step do about it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Afterwards {
    /// A final step, that runs also after a failure, uses what the step puts out.
    pub is_given_back: bool,
    /// A step that only looks, or asks a person, comes right after it.
    pub is_watched: bool,
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
            Self::Runs(_, _) | Self::Types(_, _) => !self.elements(judged).is_empty(),
            Self::Says(input, words) => {
                let text = judged.text(input).is_some_and(|text| text.contains(words));
                text || !self.elements(judged).is_empty()
            }
        }
    }

    /// Which elements of its list step into it, in their order; none where it asks about no list.
    pub fn elements(&self, judged: Judged<'_>) -> Vec<usize> {
        let (line, runs) = match self {
            Self::Runs(input, line) => (line, command::run_by(judged.texts(input))),
            Self::Types(input, line) => (line, command::typed_in(&judged.texts(input))),
            Self::Says(input, words) => {
                let texts = judged.texts(input);
                let all = texts.iter().enumerate();
                let meant = all.filter(|(_, text)| text.contains(words));
                return meant.map(|(element, _)| element).collect();
            }
            Self::Always | Self::InputIs(_, _) | Self::InputMissing(_) | Self::StoreIs(_) => {
                return Vec::new();
            }
        };
        let after = judged.after;
        if line.takes_away && after.is_given_back || line.goes_on && after.is_watched {
            return Vec::new();
        }
        let elements = line.meant(&runs).into_iter().map(|run| run.element);
        elements.collect::<BTreeSet<usize>>().into_iter().collect()
    }

    /// The input that it asks about, as it is written in the condition.
    pub fn input(&self) -> Option<&'static str> {
        match self {
            Self::InputIs(input, _)
            | Self::InputMissing(input)
            | Self::Runs(input, _)
            | Self::Types(input, _)
            | Self::Says(input, _) => Some(input),
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

    /// An input that is a text.
    fn text(self, input: &str) -> Option<&'a str> {
        let (_, with, name) = self.input(input)?;
        with.get(name)?.as_str()
    }

    /// The elements of an input that is a list of texts; one that is no text says nothing.
    fn texts(self, input: &str) -> Vec<String> {
        let given = self
            .input(input)
            .and_then(|(_, with, name)| with.get(name)?.as_array());
        let texts = given.into_iter().flatten().map(Value::as_str);
        texts
            .map(|text| text.unwrap_or_default().to_owned())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Afterwards;
    use super::CommandLine;
    use super::Condition;
    use super::Judged;
    use super::Word;
    use crate::fields::Fields;
    use crate::values::Values;

    const PSQL: CommandLine = CommandLine {
        has: &[Word::Is("-f"), Word::Is("--file")],
        lacks: &[&[Word::Holds("ON_ERROR_STOP")]],
        ..CommandLine::of(&["psql"])
    };

    const SCALE: CommandLine = CommandLine {
        verb: &["scale"],
        has: &[Word::Is("--replicas=0")],
        takes_away: true,
        ..CommandLine::of(&["kubectl"])
    };

    const RESTORE: CommandLine = CommandLine {
        verb: &["rds"],
        has: &[Word::Is("restore-db-instance-from-db-snapshot")],
        lacks: &[
            &[Word::Is("--db-subnet-group-name")],
            &[Word::Is("--multi-az"), Word::Is("--no-multi-az")],
        ],
        ..CommandLine::of(&["aws"])
    };

    const CURL: CommandLine = CommandLine {
        lacks: &[&[Word::Flag('f'), Word::Is("--fail")]],
        ..CommandLine::of(&["curl"])
    };

    fn holds(when: &Condition, given: serde_json::Value, is_given_back: bool) -> bool {
        when.holds(Judged {
            takes: &Fields::default(),
            with: &Values::new()
                .with("argv", given.clone())
                .with("commands", given),
            store: None,
            after: Afterwards {
                is_given_back,
                is_watched: false,
            },
        })
    }

    #[test]
    fn a_command_line_is_told_by_its_program_and_its_words() {
        for (line, argv, is_meant) in [
            (&PSQL, json!(["psql", "-f", "a.sql"]), true),
            (&PSQL, json!(["/usr/bin/psql", "--file=a.sql"]), true),
            (&PSQL, json!(["psql", "-c", "select 1"]), false),
            (
                &PSQL,
                json!(["psql", "--set=ON_ERROR_STOP=1", "-f", "a.sql"]),
                false,
            ),
            (
                &PSQL,
                json!(["psql", "-v", "ON_ERROR_STOP=1", "-f", "a.sql"]),
                false,
            ),
            (&PSQL, json!(["my-psql", "-f", "a.sql"]), false),
            (&PSQL, json!(["psql", "--files"]), false),
            (&PSQL, json!(["sh", "-c", "cat a | psql -f -"]), true),
            (
                &PSQL,
                json!(["kubectl", "exec", "db", "--", "psql", "-f", "a.sql"]),
                true,
            ),
            (&PSQL, json!([]), false),
            (&PSQL, json!("psql -f a.sql"), false),
            (
                &SCALE,
                json!(["kubectl", "scale", "deploy/a", "--replicas=0"]),
                true,
            ),
            (
                &SCALE,
                json!(["kubectl", "scale", "deploy/a", "--replicas=2"]),
                false,
            ),
            (
                &SCALE,
                json!(["kubectl", "get", "scale", "--replicas=0"]),
                true,
            ),
            (&CURL, json!(["curl", "-X", "POST", "http://a"]), true),
            (&CURL, json!(["curl", "-sSf", "http://a"]), false),
            (&CURL, json!(["curl", "--fail", "http://a"]), false),
        ] {
            let when = Condition::Runs("argv", line.clone());
            assert_eq!(holds(&when, argv.clone(), false), is_meant, "{argv}");
        }
    }

    #[test]
    fn what_is_given_back_was_not_taken_away() {
        let argv = json!(["kubectl", "scale", "deploy/a", "--replicas=0"]);
        let when = Condition::Runs("argv", SCALE);
        assert!(holds(&when, argv.clone(), false));
        assert!(!holds(&when, argv, true));
    }

    #[test]
    fn one_missing_word_of_a_group_is_enough_and_one_line_that_has_it() {
        let bare = "aws rds restore-db-instance-from-db-snapshot --db-instance-identifier a";
        let subnet = "aws rds restore-db-instance-from-db-snapshot --db-subnet-group-name b";
        let whole =
            "aws rds restore-db-instance-from-db-snapshot --db-subnet-group-name b --no-multi-az";
        for (lines, is_meant) in [
            (json!([bare]), true),
            (json!([subnet]), true),
            (json!([whole]), false),
            (json!([bare, whole]), false),
            (json!(["aws rds describe-db-instances"]), false),
        ] {
            let when = Condition::Types("commands", RESTORE);
            assert_eq!(holds(&when, lines.clone(), false), is_meant, "{lines}");
        }
    }

    fn elements(line: CommandLine, lines: serde_json::Value, is_watched: bool) -> Vec<usize> {
        Condition::Types("commands", line).elements(Judged {
            takes: &Fields::default(),
            with: &Values::new().with("commands", lines),
            store: None,
            after: Afterwards {
                is_watched,
                ..Afterwards::default()
            },
        })
    }

    #[test]
    fn the_lines_that_are_meant_are_told() {
        let psql = || CommandLine {
            is_fed: true,
            ..CommandLine::of(&["psql"])
        };
        let lines = json!([
            "ls",
            "gunzip -c a | psql",
            7,
            "psql -c 'select 1'",
            "psql < b"
        ]);
        assert_eq!(elements(psql(), lines, false), [1, 4]);
        const WATCH: &[CommandLine] = &[CommandLine::of(&["watch"])];
        let helm = || CommandLine {
            has: &[Word::Is("--timeout")],
            goes_on: true,
            unless: WATCH,
            ..CommandLine::of(&["helm"])
        };
        let line = "helm upgrade a b --timeout 1200s";
        assert_eq!(elements(helm(), json!([line]), false), [0]);
        assert_eq!(elements(helm(), json!([line]), true), [0; 0]);
        assert_eq!(elements(helm(), json!([line, "watch -- x"]), false), [0; 0]);
    }
}
