//! Turns written values into the values that a kind takes: types checked, known templates rendered.

use salvor_contract::Fields;
use salvor_contract::Period;
use salvor_contract::Secret;
use salvor_contract::SecretReference;
use salvor_contract::Size;
use salvor_contract::Type;
use salvor_contract::Values;
use serde_json::Value;

use crate::model::fitting::fits;
use crate::model::fitting::form;
use crate::model::fitting::misfit;
use crate::model::fitting::type_words;
use crate::model::moment::moment;
use crate::model::resolution::Resolution;
use crate::model::scope::Lost;
use crate::model::shape::bad_period;
use crate::model::shape::unknown_key;
use crate::model::shell::shell_expression;
use crate::plan_file::Code;
use crate::plan_file::Content;
use crate::plan_file::Node;
use crate::plan_file::Position;
use crate::plan_file::Problem;
use crate::plan_file::Problems;
use crate::plan_file::Table;
use crate::template::Missing;
use crate::template::Template;
use crate::template::TemplateError;
use crate::template::unrendered;

/// When a value must be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Before anything runs: outputs of steps and chosen points cannot be in it.
    BeforeRun,
    /// When its step begins.
    DuringRun,
    /// When something has happened that somebody is told of.
    Telling,
}

/// What a notification can say of what happened, and nothing else can.
const TOLD: [&str; 3] = ["event", "step", "says"];

/// What is written, for whom, and what is known.
#[derive(Clone, Copy)]
pub struct Typing<'r, 'a> {
    /// The plan for one case.
    pub resolution: &'r Resolution<'a>,
    /// What is known: inputs and tables.
    pub facts: &'r Value,
    /// When the values must be known.
    pub moment: Moment,
    /// Whose values they are: `step `pipelines``.
    pub owner: &'r str,
}

impl Typing<'_, '_> {
    /// The values of a table, as the fields take them. What is wrong is left out of the result.
    pub fn fields(
        &self,
        table: &Table,
        takes: &Fields,
        named_at: Position,
        problems: &mut Problems,
    ) -> Values {
        let mut values = Values::new();
        for (name, value) in self.entries(table, takes, named_at, problems) {
            values.set(name, value);
        }
        values
    }

    fn entries(
        &self,
        table: &Table,
        takes: &Fields,
        named_at: Position,
        problems: &mut Problems,
    ) -> Vec<(String, Value)> {
        let mut values = Vec::new();
        for entry in &table.entries {
            let Some(field) = takes.get(&entry.key) else {
                let known = takes.iter().map(|field| field.name.as_str());
                problems.push(unknown_key(entry, known, self.owner));
                continue;
            };
            let owner = format!("`{}` of {}", entry.key, self.owner);
            let typing = Typing {
                owner: &owner,
                ..*self
            };
            match typing.value(&entry.value, &field.takes, problems) {
                Some(Value::Null) if field.is_required => problems.push(
                    Problem::error(
                        Code::MissingKey,
                        format!("`{}` of {} was left out", field.name, self.owner),
                    )
                    .at(entry.value.at, "the input was not given")
                    .help("give the input, or write a value"),
                ),
                Some(Value::Null) | None => {}
                Some(value) => values.push((entry.key.clone(), value)),
            }
        }
        for field in takes.iter().filter(|field| field.is_required) {
            if table.get(&field.name).is_none() {
                let help = field.help.trim_end_matches('.');
                problems.push(
                    Problem::error(
                        Code::MissingKey,
                        format!("{} has no `{}`", self.owner, field.name),
                    )
                    .at(
                        named_at,
                        format!("takes `{}`: {}", field.name, type_words(&field.takes)),
                    )
                    .help(if help.is_empty() {
                        format!("write {} = …", field.name)
                    } else {
                        format!("`{}`: {help}", field.name)
                    }),
                );
            }
        }
        values
    }

    /// One value, as a type takes it; `None` when something is wrong with it.
    pub fn value(&self, node: &Node, takes: &Type, problems: &mut Problems) -> Option<Value> {
        if let Content::Text(text) = &node.content {
            if let Some(problem) = shell_expression(text, self.owner, node.at, self.sources()) {
                problems.push(problem);
                return None;
            }
            if text.contains("{{") {
                return self.template(node, text, takes, problems);
            }
        }
        let found = match (takes, &node.content) {
            (Type::Text, Content::Text(text)) => Ok(Value::String(text.clone())),
            (Type::Text, Content::Integer(_) | Content::Float(_)) => Err(Problem::error(
                Code::NumberForText,
                format!(
                    "{} is a number where text belongs",
                    self.sources().text(node.at)
                ),
            )
            .at(node.at, "an id that looks like a number is still text")
            .note("as a number it loses leading zeros, and everything after 18 digits")
            .fix(
                node.at,
                "",
                format!("\"{}\"", self.sources().text(node.at)),
                "write it between quotes",
            )),
            (Type::Integer, Content::Integer(number)) => Ok(Value::from(*number)),
            (Type::Number, Content::Integer(number)) => Ok(Value::from(*number)),
            (Type::Number, Content::Float(number)) if number.is_finite() => {
                Ok(Value::from(*number))
            }
            (Type::Boolean, Content::Boolean(value)) => Ok(Value::Bool(*value)),
            (Type::Period, Content::Text(text)) => text
                .parse::<Period>()
                .map(|_| Value::String(text.clone()))
                .map_err(|error| bad_period(error.to_string(), node.at)),
            (Type::Period, Content::Integer(number)) => {
                Err(
                    bad_period(format!("`{number}` has no unit"), node.at).help(format!(
                        "write \"{number}s\", \"{number}m\", \"{number}h\" or \"{number}d\""
                    )),
                )
            }
            (Type::Size, Content::Integer(number)) if *number >= 0 => Ok(Value::from(*number)),
            (Type::Size, Content::Text(text)) => text
                .parse::<Size>()
                .map(|size| Value::from(size.0))
                .map_err(|error| {
                    Problem::error(Code::BadValue, error.to_string())
                        .at(node.at, "not a number of bytes")
                        .help(form(takes))
                }),
            (Type::Time, Content::Text(text) | Content::Time(text)) => moment(text)
                .map(|moment| Value::String(moment.to_string()))
                .map_err(|unfit| unfit.problem(node.at)),
            (Type::Secret, Content::Text(text)) => match text.parse::<SecretReference>() {
                Ok(reference) => Ok(serde_json::to_value(Secret::from(reference))
                    .expect("a secret has a form in JSON")),
                Err(_) => Err(Problem::error(
                    Code::SecretAsText,
                    format!("{} holds a secret as text", self.owner),
                )
                .at(node.at, "")
                .note(
                    "the line is not shown here; take the secret out of the file's history as well",
                )
                .help("write where the secret is to be found: env:NAME or file:/path")
                .hidden()),
            },
            (Type::OneOf(words), Content::Text(text)) => match words.contains(text) {
                true => Ok(Value::String(text.clone())),
                false => {
                    let problem = Problem::error(
                        Code::BadValue,
                        format!("`{text}` is not a word that is known here"),
                    )
                    .at(node.at, "not one of its words");
                    Err(problem.meant(node.at, text, words.iter().map(String::as_str)))
                }
            },
            (Type::List(of), Content::List(list)) => {
                // What is wrong with one element hides nothing of the others, and each keeps its place.
                let element = |node: &Node| {
                    self.value(node, of, problems)
                        .unwrap_or_else(|| stands_in(node))
                };
                return Some(Value::Array(list.iter().map(element).collect()));
            }
            (Type::Map(of), Content::Table(table)) => return self.map(table, of, problems),
            (Type::Table(fields), Content::Table(table)) => {
                let at = table.entries.first().map_or(node.at, |entry| entry.key_at);
                let entries = self.entries(table, fields, at, problems);
                return Some(Value::Object(entries.into_iter().collect()));
            }
            (Type::Any, _) => return self.any(node, problems),
            (_, _) => Err(retyped(
                Problem::error(
                    Code::WrongType,
                    format!("{} takes {}", self.owner, type_words(takes)),
                )
                .at(node.at, format!("this is {}", node.kind())),
                node,
                takes,
            )),
        };
        found.map_err(|problem| problems.push(problem)).ok()
    }

    fn map(&self, table: &Table, of: &Type, problems: &mut Problems) -> Option<Value> {
        let mut object = serde_json::Map::new();
        for entry in &table.entries {
            if entry.key.starts_with('$') {
                problems.push(
                    Problem::error(Code::BadName, format!("`{}` begins with `$`", entry.key))
                        .at(entry.key_at, "such keys are the tool's own")
                        .help("give it another name"),
                );
                continue;
            }
            if let Some(value) = self.value(&entry.value, of, problems) {
                object.insert(entry.key.clone(), value);
            }
        }
        Some(Value::Object(object))
    }

    fn any(&self, node: &Node, problems: &mut Problems) -> Option<Value> {
        match &node.content {
            Content::Text(text) | Content::Time(text) => Some(Value::String(text.clone())),
            Content::Integer(number) => Some(Value::from(*number)),
            Content::Float(number) => Some(Value::from(*number)),
            Content::Boolean(value) => Some(Value::Bool(*value)),
            Content::List(_) => self.value(node, &Type::List(Box::new(Type::Any)), problems),
            Content::Table(_) => self.value(node, &Type::Map(Box::new(Type::Any)), problems),
        }
    }

    fn type_of(&self, path: &[String]) -> Result<Type, Lost> {
        match path {
            [root, fact]
                if self.moment == Moment::Telling
                    && root == "run"
                    && TOLD.contains(&fact.as_str()) =>
            {
                Ok(Type::Text)
            }
            other => self.resolution.type_of(other),
        }
    }

    fn template(
        &self,
        node: &Node,
        text: &str,
        takes: &Type,
        problems: &mut Problems,
    ) -> Option<Value> {
        let inside = |start: usize, end: usize| self.sources().inside(node.at, text, start, end);
        let template = match Template::parse(text) {
            Ok(template) => template,
            Err(error) => {
                let at = inside(error.at.start, error.at.end);
                problems.push(bad_braces(&error, at, text));
                return None;
            }
        };
        let before = problems.errors();
        for error in template.wrong_formats(text) {
            problems.push(
                Problem::error(Code::BadValue, "`date` cannot write this format")
                    .at(inside(error.at.start, error.at.end), error.message)
                    .help("write a strftime format: %Y-%m-%d, or %Y%m%dT%H%M%SZ"),
            );
        }
        for reference in template.references() {
            let at = inside(reference.at.start, reference.at.end);
            match self.type_of(&reference.path) {
                Err(lost) => problems.push(lost.at(at)),
                Ok(gives) => self.refuse_misplaced(&reference.path, &gives, takes, at, problems),
            }
        }
        if problems.errors() > before {
            return None;
        }
        let gives = self.resolution.type_of_template(&template);
        if !fits(&gives, takes) {
            let problem = Problem::error(
                Code::TypeMismatch,
                format!("{} takes {}", self.owner, type_words(takes)),
            )
            .at(node.at, format!("this says {}", type_words(&gives)));
            let offer = template
                .single_path()
                .and_then(|path| self.resolution.offer(path));
            let problem = match offer {
                Some(offer) => problem.and_at(offer.at, "offered here"),
                None => problem,
            };
            let is_plain = matches!(
                gives,
                Type::Integer | Type::Number | Type::Boolean | Type::Size
            );
            problems.push(
                match (is_plain && *takes == Type::Text, template.single_path()) {
                    (true, Some(path)) => {
                        let path = path.join(".");
                        let text = format!("text {path}");
                        let title = format!("write {{{{{text}}}}}");
                        problem.fix(node.at, path, text, title)
                    }
                    (_, None) if *takes != Type::Text => problem.help(
                        "what stands beside the braces makes it text: write the expression alone",
                    ),
                    (_, _) => problem.help(format!(
                        "refer to something that says {}",
                        type_words(takes)
                    )),
                },
            );
            return None;
        }
        let whole = template.substitute(&|path| self.resolution.offered(path));
        if !whole.is_known(self.facts) {
            if whole.is_nested() {
                problems.push(
                    Problem::error(
                        Code::TypeMismatch,
                        "a helper takes a value, and the variant offers a text with braces",
                    )
                    .at(node.at, "cannot be said")
                    .help("offer one expression alone, or put the text together where it is used"),
                );
                return None;
            }
            return Some(unrendered(&whole));
        }
        match whole.render(self.facts, Missing::Refuse) {
            Err(error) => {
                problems.push(
                    Problem::error(Code::BadValue, "this template says nothing")
                        .at(inside(error.at.start, error.at.end), error.message)
                        .help("refer to something that is there, or add it where it is looked up"),
                );
                None
            }
            Ok(value) => match misfit(&value, takes) {
                None => Some(value),
                Some(why) => {
                    problems.push(
                        Problem::error(
                            Code::BadValue,
                            format!("{} takes {}", self.owner, type_words(takes)),
                        )
                        .at(node.at, why)
                        .help(format!(
                            "correct the value that it refers to: {}",
                            form(takes)
                        )),
                    );
                    None
                }
            },
        }
    }

    fn refuse_misplaced(
        &self,
        path: &[String],
        gives: &Type,
        takes: &Type,
        at: Position,
        problems: &mut Problems,
    ) {
        if *gives == Type::Secret && *takes != Type::Secret {
            problems.push(
                Problem::error(
                    Code::SecretInOpenPlace,
                    format!(
                        "`{}` is a secret, and this place can be read",
                        path.join(".")
                    ),
                )
                .at(at, format!("{} does not take a secret", self.owner))
                .help("give it to an input that takes a secret, or say in words where it is kept"),
            );
        }
        let template = Template::path(path.to_vec());
        let whole = template.substitute(&|path| self.resolution.offered(path));
        let later = whole.references().into_iter().find(|r| {
            matches!(
                r.path.first().map(String::as_str),
                Some("steps" | "stores" | "sets" | "run")
            )
        });
        if let (Moment::BeforeRun, Some(later)) = (self.moment, later) {
            problems.push(
                Problem::error(
                    Code::NotKnownBeforeRun,
                    format!("{} must be known before anything runs", self.owner),
                )
                .at(
                    at,
                    format!("`{}` is known only during the run", later.path.join(".")),
                )
                .help("use inputs and tables here"),
            );
        }
        let given_by_step = whole
            .references()
            .into_iter()
            .find(|r| r.path.first().is_some_and(|root| root == "steps"));
        if let (Moment::Telling, Some(step)) = (self.moment, given_by_step) {
            problems.push(
                Problem::error(
                    Code::NotKnownBeforeRun,
                    format!("{} may be sent before the step has run", self.owner),
                )
                .at(
                    at,
                    format!("`{}` may not be known then", step.path.join(".")),
                )
                .help("use inputs, tables and {{run.event}}, {{run.step}}, {{run.says}} here"),
            );
        }
    }

    fn sources(&self) -> &crate::plan_file::Sources {
        &self.resolution.plan.sources
    }
}

/// The edit that makes a value one of the type that is taken, when only one value can have been meant.
fn retyped(problem: Problem, node: &Node, takes: &Type) -> Problem {
    let quoted = |text: &str| toml::Value::from(text).to_string();
    match (takes, &node.content) {
        (Type::Integer, Content::Text(text)) if text.parse::<i64>().is_ok() => {
            problem.fix(node.at, "", text, "write the number without quotes")
        }
        (Type::Boolean, Content::Text(text)) if text == "true" || text == "false" => {
            problem.fix(node.at, "", text, "write it without quotes")
        }
        (Type::List(of), Content::Text(text)) if **of == Type::Text => {
            let list = format!("[{}]", quoted(text));
            problem.fix(node.at, "", list, "a list of one is still a list")
        }
        (_, _) => problem.help(form(takes)),
    }
}

/// The problem of braces that are no expression; `at` is where in the text.
pub fn bad_braces(error: &TemplateError, at: Position, text: &str) -> Problem {
    let rest = text.get(error.at.start..).unwrap_or_default();
    Problem::error(Code::TemplateSyntax, "the braces cannot be read")
        .at(at, error.message.as_str())
        .help(match rest.contains("}}") {
            true => "write a path, or one helper and what it takes: {{inputs.NAME}}, {{text inputs.COUNT}}",
            false => "end the expression with `}}`",
        })
}

/// What stands in a list for an element that is not taken: its own words, so that the rest can be judged.
fn stands_in(node: &Node) -> Value {
    node.text().map_or(Value::Null, Value::from)
}
