//! The commands that a person would type instead of an action, from the templates that its kind tells.

use std::collections::BTreeSet;

use handlebars::Handlebars;
use handlebars::handlebars_helper;
use salvor_contract::Secret;
use salvor_contract::secret::SecretPart;
use salvor_contract::secret::SecretReference;
use serde_json::Value;

use crate::report::runbook::shell::command;
use crate::report::runbook::shell::quoted;
use crate::report::runbook::shell::words;

/// Fills the templates of kinds. What its helpers do is told by [`salvor_contract::ActionKind::by_hand`].
pub(super) struct ByHand {
    handlebars: Handlebars<'static>,
}

impl ByHand {
    /// One that knows the helpers.
    pub(super) fn new() -> Self {
        let mut handlebars = Handlebars::new();
        handlebars.register_escape_fn(handlebars::no_escape);
        handlebars.register_helper("q", Box::new(Quoted));
        handlebars.register_helper("json", Box::new(AsJson));
        handlebars.register_helper("local", Box::new(AllLocal));
        handlebars.register_helper("path", Box::new(PathOf));
        handlebars.register_helper("folder", Box::new(FolderOf));
        Self { handlebars }
    }

    /// What a template says; `None` when it has nothing to say about these values.
    ///
    /// # Errors
    /// When the template is not one: a defect of the provider, which its conformance test finds.
    pub(super) fn said(&self, template: &str, values: &Value) -> Result<Option<Said>, String> {
        let text = self
            .handlebars
            .render_template(template, values)
            .map_err(|error| error.to_string())?;
        let text = text.trim();
        Ok(match text.strip_prefix(NOTE) {
            _ if text.is_empty() => None,
            Some(note) => Some(Said::Note(words(note.trim()))),
            None => Some(Said::Command(command(text))),
        })
    }
}

/// What a template of a kind becomes.
pub(super) enum Said {
    /// Words for the person.
    Note(String),
    /// Something to type.
    Command(String),
}

/// What begins a template that is words and no command: a comment of the shell.
const NOTE: &str = "# ";

handlebars_helper!(Quoted: |value: Json| word(value));
handlebars_helper!(AsJson: |value: Json| value.to_string());
handlebars_helper!(AllLocal: |*addresses| addresses.iter().all(|address| folder(address).is_some()));
handlebars_helper!(PathOf: |address: Json| match folder(address) {
    Some(path) => Value::from(path),
    None => address.clone(),
});
handlebars_helper!(FolderOf: |address: Json| match (folder(address), address.as_str()) {
    (Some(path), _) | (None, Some(path)) => Value::from(format!("{}/", path.trim_end_matches('/'))),
    (None, None) => address.clone(),
});

/// The path in a `file://` address.
fn folder(address: &Value) -> Option<&str> {
    address.as_str()?.strip_prefix("file://")
}

/// The details of a recovery point that a template takes as words: `{{q point.details.url}}`.
pub(super) fn details_of(templates: &[&str]) -> BTreeSet<String> {
    let expressions = templates
        .iter()
        .flat_map(|template| template.split("{{").skip(1))
        .filter_map(|part| part.split_once("}}"));
    expressions
        .filter_map(|(inside, _)| inside.trim().strip_prefix("q "))
        .flat_map(|inside| inside.split([' ', '(', ')']))
        .filter_map(|word| word.strip_prefix("point.details."))
        .map(str::to_owned)
        .collect()
}

/// A value as one word. A secret is read where its reference says, and is not in the text.
fn word(value: &Value) -> String {
    if let Value::Object(_) = value
        && let Ok(secret) = serde_json::from_value::<Secret>(value.clone())
    {
        let parts = secret.parts().iter().map(|part| match part {
            SecretPart::Text(text) => quoted(text),
            SecretPart::From(SecretReference::Environment(name)) => format!("\"${{{name}:?}}\""),
            SecretPart::From(SecretReference::File(path)) => format!("\"$(cat {})\"", quoted(path)),
        });
        return parts.collect();
    }
    match value {
        Value::String(text) => quoted(text),
        Value::Null => quoted(""),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            quoted(&value.to_string())
        }
    }
}
