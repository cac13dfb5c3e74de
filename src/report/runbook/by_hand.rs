//! The commands that a person would type instead of an action, from the templates that its kind tells.

use std::collections::BTreeSet;

use handlebars::Handlebars;
use serde_json::Value;

use crate::report::runbook::expressions;
use crate::report::runbook::shell::command;
use crate::report::runbook::shell::words;

/// Fills the templates of kinds.
pub(super) struct ByHand {
    handlebars: Handlebars<'static>,
}

impl ByHand {
    /// One that knows the expressions.
    pub(super) fn new() -> Self {
        let mut handlebars = Handlebars::new();
        expressions::register(&mut handlebars);
        Self { handlebars }
    }

    /// What a template says; `None` when it has nothing to say about these values.
    ///
    /// # Errors
    /// When the template is not one (a defect of the provider, which its conformance test finds), or a file of the
    /// plan cannot be filled.
    pub(super) fn said(&self, template: &str, values: &Value) -> Result<Option<Said>, String> {
        let text = self
            .handlebars
            .render_template(template, values)
            .map_err(|error| error.to_string())?;
        let text = text.trim();
        Ok(match text.strip_prefix(NOTE) {
            _ if text.is_empty() || text == NOTE.trim_end() => None,
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

/// Expressions that only ask: a detail that nobody knows yet is one that is not there.
const ASKING: [&str; 9] = [
    "#if", "#unless", "#each", "if", "unless", "eq", "or", "and", "not",
];

/// The details of a recovery point that a template shows: `{{q point.details.url}}`.
pub(super) fn details_of(templates: &[&str]) -> BTreeSet<String> {
    let expressions = templates
        .iter()
        .flat_map(|template| template.split("{{").skip(1))
        .filter_map(|part| part.split_once("}}"));
    let mut details = BTreeSet::new();
    for (inside, _) in expressions {
        let words = inside
            .split([' ', '(', ')'])
            .filter(|word| !word.is_empty());
        let mut before = "";
        for word in words {
            if let Some(detail) = word.strip_prefix("point.details.")
                && !ASKING.contains(&before)
            {
                details.insert(detail.to_owned());
            }
            before = word;
        }
    }
    details
}

#[cfg(test)]
mod tests {
    use super::details_of;

    #[test]
    fn only_details_that_are_shown_are_asked_for() {
        let templates = [
            "{{#if (eq point.details.format \"custom\")}}cat {{q (path point.details.url)}}{{/if}}",
            "{{#if point.details.file}}{{utc point.details.at}}{{else if point.details.x}}{{/if}}",
            "{{#here \" > \" (q point.details.y)}}{{point.details.z}}{{/here}}",
        ];
        let details: Vec<String> = details_of(&templates).into_iter().collect();
        assert_eq!(details, ["at", "url", "y", "z"]);
    }
}
