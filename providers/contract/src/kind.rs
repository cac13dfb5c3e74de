//! What a provider tells about its kinds of stores and actions, as data.

use std::path::Path;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;

use crate::fields::Fields;
use crate::fields::Type;
use crate::identity::IdentityTemplate;
use crate::quantity::Period;
use crate::trap::Trap;
use crate::values::Values;

/// All that a provider tells about itself.
#[derive(Clone, Debug, Serialize)]
pub struct Description {
    /// The provider's name: the first part of each of its kinds' names, and its key under `[providers]`.
    pub name: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// What `[providers.NAME]` takes.
    pub config: Fields,
    /// The kinds of stores.
    pub stores: Vec<StoreKind>,
    /// The kinds of actions.
    pub actions: Vec<ActionKind>,
}

/// A kind of thing that can be lost.
#[derive(Clone, Debug, Serialize)]
pub struct StoreKind {
    /// The full name: `postgres.pitr`.
    pub name: &'static str,
    /// One sentence: what it is and where its recovery points come from.
    pub summary: &'static str,
    /// What `with` takes.
    pub with: Fields,
    /// What names the store in the world: a drill may read it and never write it.
    pub identity: Vec<IdentityTemplate>,
    /// What the details of its recovery points hold, beside the id, the moment and the title that every point has.
    /// Plans can refer to these and to nothing else; one that some points lack is declared as well.
    pub details: Vec<Output>,
    /// True when its recovery points are what an operator says and nobody sees them: the core holds them
    /// against the plan's own numbers, and a report names them as not proved.
    pub is_stated: bool,
    /// The full name of the action behind `restore = "…"`.
    pub restore: Option<&'static str>,
    /// The full name of the action behind `backup = "…"`.
    pub backup: Option<&'static str>,
    /// The full name of the action behind `verify = "…"`.
    pub verify: Option<&'static str>,
}

/// A kind of operation.
#[derive(Clone, Debug, Serialize)]
pub struct ActionKind {
    /// The full name: `system.exec`.
    pub name: &'static str,
    /// One sentence: what it does.
    pub summary: &'static str,
    /// What `with` takes.
    pub with: Fields,
    /// What later steps can refer to.
    pub outputs: Vec<Output>,
    /// What it does to its target when all goes as declared; a preview may say less (`Nothing`) or more.
    pub effect: Effect,
    /// What it reads. A step whose source is made by an earlier step cannot be previewed before that ran.
    pub reads: Vec<IdentityTemplate>,
    /// The inputs that name files of the plan which it reads: what was reviewed must be what is read.
    pub files: Vec<FileInput>,
    /// What it writes. The first is the target.
    pub writes: Vec<IdentityTemplate>,
    /// Whether it can destroy something that exists.
    pub destroys: Destroys,
    /// How an interrupted operation is kept from having its effect twice.
    pub idempotency: Idempotency,
    /// How long "not found" is not yet believed after a call.
    pub settle: Period,
    /// The deadline when the plan gives none.
    pub deadline: Period,
    /// How a drill moves it away from production.
    pub isolation: Isolation,
    /// True when inputs that are known only during the run may be given to `preview` as placeholder text.
    pub previews_unknown: bool,
    /// True when a person must answer before `perform` is called. `preview.summary` is the question; a preview of
    /// an operation that has an answer refuses one that will not do, and the person is asked again.
    pub asks: bool,
    /// What it must be allowed to do.
    pub permissions: Vec<Permission>,
    /// What a person would type instead: handlebars templates over `with`, `config`, `store` and `kind` (its kind's name),
    /// `point`, `files` (the texts of the files that [`Self::files`] names, by their inputs) and `told` (the shell
    /// variables in which later steps expect its outputs, by output). One template is one command, or several lines that
    /// are pasted at once; `&&` keeps a line from following one that failed. One that begins with `# ` is words for the
    /// person.
    ///
    /// - `{{q …}}` quotes for a POSIX shell, `{{json …}}` shows a value in words, `{{utc …}}` a moment as databases take
    ///   it, `{{seconds …}}` a length.
    /// - `(local A …)` is true when all of these are `file://` addresses, and `(path A)` is the path in one; any other
    ///   address stays as it is. `(folder A)` is the same with one slash at its end, which tells programs that what it
    ///   names is a folder, also when it is not there yet. `(ends A "…")` asks for the end of a text.
    /// - `{{env "NAME" SECRET}}` sets a variable for one command, unless it is there under this name already.
    /// - `(object "name" VALUE MORE)` is JSON: the object MORE with a name more.
    /// - `(filled TEMPLATE VALUES)` is a template of the plan, filled; `{{#here " > " FILE}}…{{/here}}` a here-document,
    ///   with what stands behind its beginning.
    ///
    /// Where no recovery point was chosen yet `point.is-open` is true, what is shown of it is a variable that the reader
    /// sets, and what is only asked about (`{{#if point.details.file}}`) is not there.
    pub by_hand: Vec<&'static str>,
    /// What goes wrong in the field.
    pub traps: Vec<Trap>,
}

impl ActionKind {
    /// An action that reads and says nothing else yet: fill in the rest by struct update.
    pub fn reading(name: &'static str, summary: &'static str, with: Fields) -> Self {
        Self {
            name,
            summary,
            with,
            outputs: Vec::new(),
            effect: Effect::Read,
            reads: Vec::new(),
            files: Vec::new(),
            writes: Vec::new(),
            destroys: Destroys::Never,
            idempotency: Idempotency::Fixed(Class::Read),
            settle: Period::ZERO,
            deadline: Period::from_seconds(10 * 60),
            isolation: Isolation::NotNeeded,
            previews_unknown: false,
            asks: false,
            permissions: Vec::new(),
            by_hand: Vec::new(),
            traps: Vec::new(),
        }
    }
}

/// An input that names a file below the plan's folder, which the action reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileInput {
    /// The text of this input is the path.
    Path(&'static str),
    /// The first text of this list is the path when it holds a slash; without one it is a program of `PATH`.
    Program(&'static str),
}

impl FileInput {
    /// The name of the input.
    pub fn input(self) -> &'static str {
        match self {
            Self::Path(input) | Self::Program(input) => input,
        }
    }

    /// The path that inputs name, relative to the plan's folder; `None` when it is not known yet or lies elsewhere.
    pub fn path(self, with: &Values) -> Option<&str> {
        let value = with.get(self.input())?;
        let text = match self {
            Self::Path(_) => value.as_str()?,
            Self::Program(_) => value.get(0)?.as_str().filter(|text| text.contains('/'))?,
        };
        (!text.is_empty() && Path::new(text).is_relative()).then_some(text)
    }
}

/// A value that steps can refer to: what an action gives to later ones, or a detail of a recovery point.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Output {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub gives: Type,
    /// What it is.
    pub help: &'static str,
}

impl Output {
    /// A value of this name and type.
    pub const fn new(name: &'static str, gives: Type, help: &'static str) -> Self {
        Self { name, gives, help }
    }
}

/// What an operation does to its target.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// Makes something that was not there.
    Create,
    /// Changes something that is there.
    Change,
    /// Puts other content in the place of what is there.
    Replace,
    /// Removes something.
    Delete,
    /// Changes nothing, because all is as it should be.
    Nothing,
    /// Only looks.
    Read,
    /// A person does it.
    Ask,
    /// Runs a program or calls a service whose effect cannot be seen from outside.
    Run,
}

/// Whether an action can destroy something that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Destroys {
    /// Never: it makes new things or only reads.
    Never,
    /// When its target exists: the preview says what would be lost. Without a preview the step is refused.
    IfPresent,
    /// As `IfPresent`, but only when this input has this value; with another one, or none, what exists is kept.
    IfPresentWhen(&'static str, &'static str),
}

impl Destroys {
    /// Whether an action with these inputs can destroy something. An input that is a template may say anything.
    pub fn is_possible(self, with: &Values) -> bool {
        match self {
            Self::Never => false,
            Self::IfPresent => true,
            Self::IfPresentWhen(input, value) => match with.get(input) {
                None | Some(Value::Null) => false,
                Some(Value::String(text)) => text == value || text.contains("{{"),
                Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                    true
                }
            },
        }
    }
}

/// How an interrupted operation is kept from having its effect twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Idempotency {
    /// The action always has this class.
    Fixed(Class),
    /// The plan says it, in the input of this name (values as [`Class`] prints them); left out, it is `Unkeyed`.
    Declared(&'static str),
}

impl Idempotency {
    /// The class of an operation with these inputs.
    pub fn class(&self, with: &Values) -> Class {
        match self {
            Self::Fixed(class) => *class,
            Self::Declared(input) => with
                .get(input)
                .and_then(|value| serde_json::from_value(value.clone()).ok())
                .unwrap_or(Class::Unkeyed),
        }
    }
}

/// The idempotency classes.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// C0: reads; may be repeated freely.
    Read,
    /// C1: the service takes the operation id as its own idempotency token.
    Token,
    /// C2: makes a thing whose name or mark carries the operation id; found again by it.
    Named,
    /// C3: the target remembers the highest token and refuses lower ones.
    Fenced,
    /// C4: sets a state that can be set again: scale to N. Re-sent after a look.
    Convergent,
    /// C5: no key at all. Never re-sent without a person or a conclusive probe.
    Unkeyed,
}

/// How a drill moves an action away from production.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Isolation {
    /// It writes nothing.
    NotNeeded,
    /// Giving these inputs a suffix gives it another target.
    Rename(Vec<&'static str>),
    /// Its target cannot be renamed: the drill must override inputs, or leave the step out.
    Override(&'static str),
}

/// Something that the operator's identity must be allowed to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Permission {
    /// The service's own name of it: `s3:GetObject`, `pg_read_all_data`.
    pub name: &'static str,
    /// What it is needed for.
    pub why: &'static str,
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use serde_json::json;

    use super::Destroys;
    use crate::values::Values;

    #[test]
    fn what_depends_on_an_input_is_possible_unless_that_is_known_to_be_another() {
        let destroys = Destroys::IfPresentWhen("as", "replace");
        assert!(!destroys.is_possible(&Values::new()));
        for (how, is_possible) in [
            (Value::Null, false),
            (json!("new"), false),
            (json!("replace"), true),
            (json!("{{inputs.how}}"), true),
            (json!({ "$template": ["inputs.how"] }), true),
        ] {
            let with = Values::new().with("as", how.clone());
            assert_eq!(destroys.is_possible(&with), is_possible, "{how}");
        }
    }
}
