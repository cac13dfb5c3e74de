//! Reads a text as a template with the parser of handlebars, and refuses what is not in our language.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the parser's enums are open to additions"
)]

use std::cell::RefCell;
use std::collections::HashMap;

use handlebars::Path;
use handlebars::PathSeg;
use handlebars::TemplateErrorReason;
use handlebars::template::HelperTemplate;
use handlebars::template::Parameter;
use handlebars::template::TemplateElement;

use crate::template::expression::Expression;
use crate::template::expression::Helper;
use crate::template::expression::Part;
use crate::template::expression::RangeInText;
use crate::template::expression::Reference;
use crate::template::expression::Template;
use crate::template::expression::TemplateError;

/// The longest text that is read as a template.
const LENGTH_MAX_BYTES: usize = 256 * 1024;

/// The parser is recursive: brackets may be nested this deep, far from the end of its stack.
const NESTING_MAX: usize = 32;

/// How many templates are remembered, and how long their texts may be: 4 MiB together.
const KNOWN_MAX: usize = 4096;
const KNOWN_LENGTH_MAX_BYTES: usize = 1024;

thread_local! {
    /// What was read before. A plan is checked for each scenario and each case of its variants, with the same texts:
    /// to read them each time was half of the check.
    static KNOWN: RefCell<HashMap<String, Template>> = RefCell::default();
}

impl Template {
    /// Reads a text.
    ///
    /// # Errors
    /// When the braces are not well formed, or use what is not in the language; with the place in the text.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        refuse_what_would_exhaust_the_parser(text)?;
        // Nearly every text of a plan, and then the parser is a seventh of what `check` costs.
        if !text.contains("{{") {
            return Ok(Self::literal(text));
        }
        if let Some(known) = KNOWN.with_borrow(|known| known.get(text).cloned()) {
            return Ok(known);
        }
        let template = Self::compile(text)?;
        if text.len() <= KNOWN_LENGTH_MAX_BYTES {
            KNOWN.with_borrow_mut(|known| {
                if known.len() < KNOWN_MAX {
                    known.insert(text.to_owned(), template.clone());
                }
            });
        }
        Ok(template)
    }

    fn compile(text: &str) -> Result<Self, TemplateError> {
        let parsed = handlebars::Template::compile(text).map_err(|error| syntax(text, &error))?;
        let mut parts: Vec<Part> = Vec::new();
        for (element, mapping) in parsed.elements.iter().zip(&parsed.mapping) {
            let start = offset(text, mapping.0, mapping.1);
            match element {
                TemplateElement::RawString(raw) if raw.is_empty() => {}
                TemplateElement::RawString(raw) => match parts.last_mut() {
                    Some(Part::Text(before)) => before.push_str(raw),
                    Some(Part::Expression(_)) | None => parts.push(Part::Text(raw.clone())),
                },
                TemplateElement::Expression(helper) | TemplateElement::HtmlExpression(helper) => {
                    let mut cursor = Cursor { text, next: start };
                    parts.push(Part::Expression(expression(helper, &mut cursor)?));
                }
                TemplateElement::Comment(_) => {}
                // Blocks, partials, decorators; the parser's enum is open to additions.
                _ => {
                    return Err(TemplateError::new(
                        "blocks, partials and decorators are not in the language: a plan says what, `when` and `[tables]` say which",
                        start..end_of_braces(text, start),
                    ));
                }
            }
        }
        Ok(Self { parts })
    }

    /// A template that says this text.
    pub fn literal(text: &str) -> Self {
        let parts = if text.is_empty() {
            Vec::new()
        } else {
            vec![Part::Text(text.to_owned())]
        };
        Self { parts }
    }

    /// A template that is one value.
    pub fn value(value: serde_json::Value) -> Self {
        Self {
            parts: vec![Part::Expression(Expression::Literal(value))],
        }
    }

    /// A template that is one path.
    pub fn path(path: Vec<String>) -> Self {
        let at = RangeInText { start: 0, end: 0 };
        Self {
            parts: vec![Part::Expression(Expression::Path(Reference { path, at }))],
        }
    }
}

fn refuse_what_would_exhaust_the_parser(text: &str) -> Result<(), TemplateError> {
    if text.len() > LENGTH_MAX_BYTES {
        return Err(TemplateError::new(
            format!("a text with braces may be {LENGTH_MAX_BYTES} bytes long"),
            0..0,
        ));
    }
    let mut depth = 0_usize;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > NESTING_MAX {
            return Err(TemplateError::new(
                format!("brackets are nested more than {NESTING_MAX} deep"),
                at..at + 1,
            ));
        }
    }
    match text.match_indices("{{#").nth(NESTING_MAX) {
        None => Ok(()),
        Some((at, _)) => Err(TemplateError::new(
            "blocks are not in the language",
            at..at + 3,
        )),
    }
}

fn syntax(text: &str, error: &handlebars::TemplateError) -> TemplateError {
    let start = error
        .pos()
        .map_or(0, |(line, column)| offset(text, line, column));
    // The parser names the place where it gave up; a reader looks for the braces that were opened before it.
    let opened = text[..start.min(text.len())].rfind("{{").unwrap_or(start);
    let message = match error.reason() {
        TemplateErrorReason::MismatchingClosedHelper(..)
        | TemplateErrorReason::MismatchingClosedDecorator(..) => "blocks are not in the language",
        TemplateErrorReason::InvalidParam(_) => "an argument that is not a path, text or number",
        _ => "these braces are not an expression",
    };
    TemplateError::new(message, opened..end_of_braces(text, opened))
}

fn end_of_braces(text: &str, start: usize) -> usize {
    text[start..]
        .find("}}")
        .map_or(text.len(), |length| start + length + 2)
}

/// The byte at a line and column, both counted from 1, columns in characters.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let line_start = match line {
        0 | 1 => 0,
        _ => text
            .match_indices('\n')
            .nth(line - 2)
            .map_or(text.len(), |(at, _)| at + 1),
    };
    text[line_start..]
        .char_indices()
        .nth(column.saturating_sub(1))
        .map_or(text.len(), |(at, _)| line_start + at)
}

/// Finds the places of paths: the parser keeps their text and not their position.
struct Cursor<'a> {
    text: &'a str,
    next: usize,
}

impl Cursor<'_> {
    fn find(&mut self, raw: &str) -> RangeInText {
        let start = self.text[self.next..]
            .find(raw)
            .map_or(self.next, |at| self.next + at);
        let end = (start + raw.len()).min(self.text.len());
        self.next = end;
        RangeInText { start, end }
    }
}

fn expression(
    helper: &HelperTemplate,
    cursor: &mut Cursor<'_>,
) -> Result<Expression, TemplateError> {
    let name = match &helper.name {
        Parameter::Path(path) if helper.params.is_empty() && helper.hash.is_empty() => {
            return reference(path, cursor).map(Expression::Path);
        }
        Parameter::Subexpression(inner) if helper.params.is_empty() => {
            return argument(&Parameter::Subexpression(inner.clone()), cursor);
        }
        other => other.as_name().unwrap_or_default().to_owned(),
    };
    let at = cursor.find(&name);
    let Some((name, helper_of_name, least, most)) = Helper::ALL
        .into_iter()
        .find(|(known, _, _, _)| *known == name)
    else {
        let known = Helper::ALL.map(|(known, _, _, _)| known).join("`, `");
        return Err(TemplateError::new(
            format!("there is no helper `{name}`; there are `{known}`"),
            at,
        ));
    };
    if !helper.hash.is_empty() || !(least..=most).contains(&helper.params.len()) {
        let arguments = match helper_of_name {
            Helper::Date => "a moment and a format: {{date run.started \"%Y-%m-%d\"}}",
            Helper::Default => "two values: {{default inputs.endpoint \"none\"}}",
            Helper::Join => "a list and a separator: {{join inputs.tables \",\"}}",
            Helper::Lookup => "a table and keys: {{lookup tables.tier inputs.tier \"rpo\"}}",
            Helper::Text => "one value: {{text steps.stop.replicas}}",
        };
        return Err(TemplateError::new(
            format!("`{name}` takes {arguments}"),
            at,
        ));
    }
    let arguments: Result<Vec<Expression>, TemplateError> = helper
        .params
        .iter()
        .map(|parameter| argument(parameter, cursor))
        .collect();
    Ok(Expression::Call(helper_of_name, arguments?, at.into()))
}

fn argument(parameter: &Parameter, cursor: &mut Cursor<'_>) -> Result<Expression, TemplateError> {
    match parameter {
        Parameter::Path(path) => reference(path, cursor).map(Expression::Path),
        Parameter::Literal(value) => Ok(Expression::Literal(value.clone())),
        Parameter::Subexpression(inner) => match inner.as_element() {
            TemplateElement::Expression(helper) => expression(helper, cursor),
            _ => Err(TemplateError::new(
                "these braces are not an expression",
                0..0,
            )),
        },
        _ => Err(TemplateError::new(
            "these braces are not an expression",
            0..0,
        )),
    }
}

fn reference(path: &Path, cursor: &mut Cursor<'_>) -> Result<Reference, TemplateError> {
    let (segments, raw) = match path {
        Path::Relative((segments, raw)) => (segments.as_slice(), raw),
        Path::Local((_, _, raw)) => (&[] as &[PathSeg], raw),
    };
    let at = cursor.find(raw);
    let names: Option<Vec<String>> = segments
        .iter()
        .map(|segment| match segment {
            PathSeg::Named(name) => Some(name.clone()),
            _ => None,
        })
        .collect();
    match names {
        Some(path) if !path.is_empty() => {
            if let Some(inner) = path.iter().find(|name| name.starts_with("inputs.")) {
                return Err(TemplateError::new(
                    format!(
                        "brackets hold a name, not a path: write {{{{lookup TABLE {inner} \"COLUMN\"}}}}"
                    ),
                    at,
                ));
            }
            Ok(Reference { path, at })
        }
        Some(_) | None => Err(TemplateError::new(
            "a path begins with a name: inputs, tables, steps, stores, sets, run",
            at,
        )),
    }
}
