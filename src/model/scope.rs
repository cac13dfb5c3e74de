//! What a reference in a template refers to, and of which type it is.

use salvor_contract::Type;
use serde_json::Value;

use crate::model::fitting::type_words;
use crate::model::resolution::Resolution;
use crate::plan_file::Code;
use crate::plan_file::Content;
use crate::plan_file::Label;
use crate::plan_file::Node;
use crate::plan_file::Position;
use crate::plan_file::Problem;
use crate::plan_file::similar;
use crate::template::Template;

/// The facts of a run, with their types.
const RUN: [(&str, Type); 4] = [
    ("id", Type::Text),
    ("started", Type::Time),
    ("goal", Type::Time),
    ("scenario", Type::Text),
];

/// The facts of a chosen recovery point that every kind has.
const POINT: [(&str, Type); 3] = [
    ("id", Type::Text),
    ("at", Type::Time),
    ("title", Type::Text),
];

/// What a reference begins with, unless it is to a variant.
const ROOTS: [&str; 6] = ["inputs", "tables", "steps", "stores", "sets", "run"];

/// A reference that leads nowhere: its problem, which waits for its place.
pub struct Lost {
    problem: Box<Problem>,
    label: String,
    meant: Meant,
    /// The line on which the one that was meant is defined.
    line: Option<usize>,
}

/// What may have been meant by what is written.
enum Meant {
    Unknown,
    /// One of these names.
    OneOf(String, Vec<String>),
    /// This, and nothing else.
    Exactly(String, String),
}

impl Lost {
    #[track_caller]
    fn new(code: Code, title: String, label: impl Into<String>) -> Self {
        Self {
            problem: Box::new(Problem::error(code, title)),
            label: label.into(),
            meant: Meant::Unknown,
            line: None,
        }
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.problem.help.push(help.into());
        self
    }

    fn suggest<'a>(mut self, written: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let known = known.into_iter().map(str::to_owned).collect();
        self.meant = Meant::OneOf(written.to_owned(), known);
        self
    }

    /// The problem, at the place of the reference.
    pub fn at(self, at: Position) -> Problem {
        let problem = self.problem.at(at, self.label);
        let mut problem = match self.meant {
            Meant::Unknown => problem,
            Meant::OneOf(written, known) => {
                problem.meant(at, &written, known.iter().map(String::as_str))
            }
            Meant::Exactly(from, to) => {
                let title = format!("did you mean `{to}`?");
                problem.fix(at, from, to, title)
            }
        };
        if let (Some(line), Some(fix)) = (self.line, &mut problem.fix) {
            fix.title = format!("did you mean `{}` (line {line})?", fix.to);
        }
        problem
    }
}

impl Resolution<'_> {
    /// The type of what a path refers to.
    pub fn type_of(&self, path: &[String]) -> Result<Type, Lost> {
        let names: Vec<&str> = path.iter().map(String::as_str).collect();
        match names.as_slice() {
            ["inputs", name, rest @ ..] => {
                let input = self.plan.input(name).ok_or_else(|| {
                    Lost::new(
                        Code::UnknownInput,
                        format!("unknown input `{name}`"),
                        "not an input of this plan",
                    )
                    .suggest(name, self.plan.inputs.iter().map(|i| i.name.as_str()))
                })?;
                inner(input.takes.gives(), path, rest.len())
            }
            ["tables", rest @ ..] => self.table(rest),
            ["steps", name, output, rest @ ..] => {
                inner(self.output(name, output)?, path, rest.len())
            }
            ["stores", name, "point", fact, rest @ ..] => {
                inner(self.of_point(name, fact)?, path, rest.len())
            }
            ["sets", name, "id"] => match self.plan.sets.iter().any(|s| s.name.name == *name) {
                true => Ok(Type::Text),
                false => Err(Lost::new(
                    Code::UnknownSet,
                    format!("unknown set `{name}`"),
                    "not a set of this plan",
                )
                .suggest(name, self.plan.sets.iter().map(|s| s.name.name.as_str()))),
            },
            ["run", fact] => RUN
                .iter()
                .find(|(known, _)| known == fact)
                .map(|(_, gives)| gives.clone())
                .ok_or_else(|| {
                    Lost::new(
                        Code::UnknownReference,
                        format!("a run has no `{fact}`"),
                        "not a fact of a run",
                    )
                    .suggest(fact, RUN.iter().map(|(known, _)| *known))
                }),
            [variant, output, rest @ ..]
                if self.plan.variants.iter().any(|v| v.name.name == *variant) =>
            {
                inner(self.offered_type(variant, output)?, path, rest.len())
            }
            [root, ..] if !ROOTS.contains(root) && !self.plan.is_whole => Ok(Type::Any),
            [root, ..] => Err(self.unknown_root(root, path)),
            [] => Ok(Type::Any),
        }
    }

    /// The step that must have run before the path is known: the one it names, or the one after which the
    /// points of a store are known.
    pub fn step_behind(&self, path: &[String]) -> Option<String> {
        match path.first().map(String::as_str) {
            Some("steps") => path.get(1).cloned(),
            Some("stores") => {
                let store = self.stores.get(path.get(1)?.as_str())?;
                let (step, when) = store.known.as_ref()?;
                let holds = when.as_ref().is_none_or(|when| when.holds(self.case));
                let is_there = self.steps.contains_key(step.name.as_str());
                (holds && is_there).then(|| step.name.clone())
            }
            Some(_) | None => None,
        }
    }

    /// Where the chosen variant offers what a path refers to.
    pub fn offer(&self, path: &[String]) -> Option<&Node> {
        let part = self.offers.get(path.first()?.as_str())?;
        part.offers.get(path.get(1)?)
    }

    /// What a path to a variant's output stands for.
    pub fn offered(&self, path: &[String]) -> Option<Template> {
        let node = self.offer(path)?;
        let template = match &node.content {
            Content::Text(text) => Template::parse(text).ok()?,
            Content::Integer(number) => Template::value(Value::from(*number)),
            Content::Float(number) => Template::value(Value::from(*number)),
            Content::Boolean(value) => Template::value(Value::Bool(*value)),
            Content::Time(text) => Template::literal(text),
            Content::List(_) | Content::Table(_) => return None,
        };
        Some(template)
    }

    fn table(&self, path: &[&str]) -> Result<Type, Lost> {
        let mut value = &self.plan.tables;
        for name in path {
            let Some(next) = value.get(name) else {
                let known: Vec<&str> = value
                    .as_object()
                    .map(|object| object.keys().map(String::as_str).collect())
                    .unwrap_or_default();
                return Err(Lost::new(
                    Code::UnknownTable,
                    format!("the tables have no `{name}`"),
                    "not a table, row or column",
                )
                .suggest(name, known));
            };
            value = next;
        }
        Ok(match value {
            Value::String(_) => Type::Text,
            Value::Bool(_) => Type::Boolean,
            Value::Number(number) if number.is_f64() => Type::Number,
            Value::Number(_) => Type::Integer,
            Value::Null | Value::Array(_) | Value::Object(_) => Type::Any,
        })
    }

    fn output(&self, name: &str, output: &str) -> Result<Type, Lost> {
        let Some(step) = self.steps.get(name) else {
            if self.is_unread && self.absent.contains_key(name) {
                return Ok(Type::Any);
            }
            return Err(match self.absent.get(name) {
                Some((step, why)) => {
                    let mut lost = Lost::new(
                        Code::AbsentStep,
                        format!("step `{name}` is not there when {}", self.words()),
                        "its output is used here",
                    );
                    lost.problem.secondary.push(Label {
                        at: step.name.at,
                        text: why.clone(),
                    });
                    lost.help("give this step the same condition, or take the value from elsewhere")
                }
                None => Lost::new(
                    Code::UnknownStep,
                    format!("unknown step `{name}`"),
                    "not a step of this plan",
                )
                .suggest(name, self.plan.steps.iter().map(|s| s.name.name.as_str())),
            });
        };
        let Some(action) = self.action(step) else {
            // That its kind is unknown was said where it is named.
            return Ok(Type::Any);
        };
        let found = action.outputs.iter().find(|known| known.name == output);
        found.map(|known| known.gives.clone()).ok_or_else(|| {
            let title = format!("`{}` has no output `{output}`", action.name);
            let lost = Lost::new(
                Code::UnknownOutput,
                title,
                format!("not an output of step `{name}`"),
            );
            match action.outputs.is_empty() {
                true => lost.help("it has none"),
                false => lost.suggest(output, action.outputs.iter().map(|known| known.name)),
            }
        })
    }

    /// A fact that every point has, or a detail that the store's kind declares.
    fn of_point(&self, name: &str, fact: &str) -> Result<Type, Lost> {
        let Some(store) = self.stores.get(name) else {
            return match self.is_perhaps_unread(name) {
                true => Ok(Type::Any),
                false => Err(self.unknown_store(name)),
            };
        };
        let kind = self.store_kind(store);
        if store.kind.is_some() && kind.is_none() {
            // That its kind is unknown was said where it is named.
            return Ok(Type::Any);
        }
        let details = kind.into_iter().flat_map(|kind| &kind.details);
        let details = details.map(|detail| (detail.name, &detail.gives));
        let every = POINT;
        let all = every.iter().map(|(name, gives)| (*name, gives));
        let all: Vec<(&str, &Type)> = all.chain(details).collect();
        let found = all.iter().find(|(known, _)| *known == fact);
        found.map(|(_, gives)| (*gives).clone()).ok_or_else(|| {
            Lost::new(
                Code::UnknownReference,
                format!("a recovery point of `{name}` has no `{fact}`"),
                "not a fact of its kind",
            )
            .suggest(fact, all.iter().map(|(known, _)| *known))
        })
    }

    fn offered_type(&self, variant: &str, output: &str) -> Result<Type, Lost> {
        let offered = self
            .plan
            .variants
            .iter()
            .filter(|v| v.name.name == variant)
            .flat_map(|v| &v.offers)
            .map(|offer| offer.name.as_str());
        let offered: Vec<&str> = offered.collect();
        if !offered.contains(&output) {
            return Err(Lost::new(
                Code::UnknownOutput,
                format!("variant `{variant}` offers no `{output}`"),
                "not one of its outputs",
            )
            .suggest(output, offered));
        }
        let node = self
            .offers
            .get(variant)
            .and_then(|part| part.offers.get(output));
        Ok(node.map_or(Type::Any, |node| self.type_of_node(node)))
    }

    fn type_of_node(&self, node: &Node) -> Type {
        match &node.content {
            Content::Integer(_) => Type::Integer,
            Content::Float(_) => Type::Number,
            Content::Boolean(_) => Type::Boolean,
            Content::Time(_) => Type::Time,
            Content::List(_) | Content::Table(_) => Type::Any,
            Content::Text(text) => match Template::parse(text) {
                Ok(template) => self.type_of_template(&template),
                Err(_) => Type::Any,
            },
        }
    }

    /// The type of what a template says.
    pub fn type_of_template(&self, template: &Template) -> Type {
        let of = |path: &[String]| self.type_of(path).unwrap_or(Type::Any);
        if template
            .references()
            .iter()
            .any(|r| of(&r.path) == Type::Secret)
        {
            return Type::Secret;
        }
        match template.single_path() {
            Some(path) => of(path),
            None if template.is_single() && !template.is_single_text() => Type::Any,
            None => Type::Text,
        }
    }

    pub(super) fn unknown_store(&self, name: &str) -> Lost {
        let known: Vec<&str> = self
            .plan
            .stores
            .iter()
            .map(|s| s.name.name.as_str())
            .collect();
        if known.contains(&name) {
            return Lost::new(
                Code::UnknownStore,
                format!("store `{name}` is not there when {}", self.words()),
                "it is part of another variant",
            )
            .help("define it in every variant, or let the step be there only where it is");
        }
        let mut lost = Lost::new(
            Code::UnknownStore,
            format!("unknown store `{name}`"),
            "not a store of this plan",
        )
        .suggest(name, known);
        let known = self.plan.stores.iter().map(|s| s.name.name.as_str());
        if let Some(found) = similar(name, known)
            && let Some(store) = self.plan.stores.iter().find(|s| s.name.name == found)
        {
            lost.line = Some(self.plan.sources.line(store.name.at));
        }
        lost
    }

    fn unknown_root(&self, root: &str, path: &[String]) -> Lost {
        let title = format!("`{}` refers to nothing", path.join("."));
        if ROOTS.contains(&root) {
            let form = match root {
                "steps" => "{{steps.NAME.OUTPUT}}",
                "stores" => "{{stores.NAME.point.id}}",
                "sets" => "{{sets.NAME.id}}",
                "run" => "{{run.id}}",
                _ => "{{inputs.NAME}}",
            };
            return Lost::new(Code::UnknownReference, title, "not a whole reference")
                .help(format!("write {form}"));
        }
        let lost = Lost::new(Code::UnknownReference, title, "no fact begins like this");
        if self.plan.input(root).is_some() {
            // The whole path is what is written at the place.
            let whole = format!("inputs.{root}");
            return Lost {
                meant: Meant::Exactly(root.to_owned(), whole),
                ..lost
            };
        }
        let variants = self.plan.variants.iter().map(|v| v.name.name.as_str());
        lost.suggest(root, ROOTS.into_iter().chain(variants))
    }
}

/// The type of what the last `left` names of a path lead to, where those before them lead to `outer`.
fn inner(outer: Type, path: &[String], left: usize) -> Result<Type, Lost> {
    let (before, rest) = path.split_at(path.len() - left);
    let Some(name) = rest.first() else {
        return Ok(outer);
    };
    match outer {
        Type::List(of) | Type::Map(of) => inner(*of, path, left - 1),
        Type::Table(fields) => match fields.get(name) {
            Some(field) => inner(field.takes.clone(), path, left - 1),
            None => Ok(Type::Any),
        },
        Type::Any => Ok(Type::Any),
        Type::Text
        | Type::Integer
        | Type::Number
        | Type::Boolean
        | Type::Period
        | Type::Size
        | Type::Time
        | Type::Secret
        | Type::OneOf(_) => {
            let whole = before.join(".");
            let title = format!("`{whole}` has no `{name}`");
            let label = format!("it is {}, not a table", type_words(&outer));
            let mut lost = Lost::new(Code::UnknownReference, title, label);
            lost.meant = Meant::Exactly(path.join("."), whole);
            Err(lost)
        }
    }
}
