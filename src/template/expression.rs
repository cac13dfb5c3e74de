//! A parsed template as parts: literal text and expressions.
//!
//! Knows nothing of facts; see `evaluate` for what a template says.

use std::fmt;
use std::ops::Range;

use serde_json::Value;

/// A text that was read as a template.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    pub(super) parts: Vec<Part>,
}

/// One part of a template.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Part {
    /// Text that stands for itself.
    Text(String),
    /// An expression between braces.
    Expression(Expression),
}

/// What stands between braces.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expression {
    /// A path to a fact.
    Path(Reference),
    /// A literal value, as an argument.
    Literal(Value),
    /// A helper with its arguments.
    Call(Helper, Vec<Expression>, Range<usize>),
    /// What another template put here.
    Inserted(Template),
}

/// A path to a fact: `{{steps.database.endpoint}}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// The names along the path.
    pub path: Vec<String>,
    /// Where it stands in the template's text, as bytes.
    pub at: RangeInText,
}

/// A range of bytes in a template's text. Ordered, so that references can be sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RangeInText {
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

impl From<RangeInText> for Range<usize> {
    fn from(at: RangeInText) -> Self {
        at.start..at.end
    }
}

/// The helpers that a template can call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Helper {
    /// `date MOMENT FORMAT`: a moment in UTC, by a `strftime` format.
    Date,
    /// `default VALUE OTHERWISE`: the other value when the first was left out.
    Default,
    /// `join LIST SEPARATOR`: a list as one text.
    Join,
    /// `lookup TABLE KEY …`: a value in a table, by keys that are values themselves.
    Lookup,
    /// `text VALUE`: a number or a truth value as text.
    Text,
}

impl Helper {
    /// All helpers, with the least and the greatest number of their arguments.
    pub(super) const ALL: [(&'static str, Self, usize, usize); 5] = [
        ("date", Self::Date, 2, 2),
        ("default", Self::Default, 2, 2),
        ("join", Self::Join, 2, 2),
        ("lookup", Self::Lookup, 2, 9),
        ("text", Self::Text, 1, 1),
    ];

    pub(super) fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(_, helper, _, _)| *helper == self)
            .map_or("", |(name, _, _, _)| name)
    }
}

/// Why a template cannot be read or does not say anything.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TemplateError {
    /// What is wrong, a fragment.
    pub message: String,
    /// Where in the template's text, as bytes.
    pub at: Range<usize>,
    /// Where the text stands in its tree: `env.HOST`. Empty for a single template.
    pub place: String,
}

impl TemplateError {
    pub(super) fn new(message: impl Into<String>, at: impl Into<Range<usize>>) -> Self {
        Self {
            message: message.into(),
            at: at.into(),
            place: String::new(),
        }
    }
}

impl Template {
    /// Every path in it, in the order of the text, as often as it is written.
    pub fn references(&self) -> Vec<Reference> {
        let mut found = Vec::new();
        for part in &self.parts {
            match part {
                Part::Text(_) => {}
                Part::Expression(expression) => expression.collect(&mut found),
            }
        }
        found
    }

    /// True when it is nothing but one expression, so that it keeps the type of its value.
    pub fn is_single(&self) -> bool {
        matches!(self.parts.as_slice(), [Part::Expression(_)])
    }

    /// The path, when it is nothing but one path.
    pub fn single_path(&self) -> Option<&[String]> {
        match self.parts.as_slice() {
            [Part::Expression(Expression::Path(reference))] => Some(&reference.path),
            [Part::Expression(Expression::Inserted(template))] => template.single_path(),
            _ => None,
        }
    }

    /// True when it is one call of a helper that always gives a text.
    pub fn is_single_text(&self) -> bool {
        match self.parts.as_slice() {
            [Part::Expression(Expression::Call(helper, _, _))] => {
                matches!(helper, Helper::Date | Helper::Join | Helper::Text)
            }
            _ => false,
        }
    }

    /// The paths of those arguments of `default` that may be missing.
    pub fn optional_references(&self) -> Vec<Vec<String>> {
        let mut found = Vec::new();
        for part in &self.parts {
            if let Part::Expression(expression) = part {
                expression.collect_optional(&mut found);
            }
        }
        found
    }

    /// What `date` is told as its format, where that is written and not referred to, with the place of the call.
    pub(super) fn formats(&self) -> Vec<(&Value, Range<usize>)> {
        let mut found = Vec::new();
        for part in &self.parts {
            if let Part::Expression(expression) = part {
                expression.collect_formats(&mut found);
            }
        }
        found
    }

    /// Puts other templates in the place of paths. A path for which `replace` gives nothing stays.
    #[must_use]
    pub fn substitute(&self, replace: &dyn Fn(&[String]) -> Option<Self>) -> Self {
        let mut parts = Vec::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => parts.push(Part::Text(text.clone())),
                Part::Expression(expression) => match expression.substitute(replace) {
                    // A template that is put between texts is no more than its parts.
                    Expression::Inserted(inner) => parts.extend(inner.parts),
                    other @ (Expression::Path(_)
                    | Expression::Literal(_)
                    | Expression::Call(..)) => parts.push(Part::Expression(other)),
                },
            }
        }
        Self { parts }
    }

    /// True when an argument of a helper was replaced by a text with expressions in it: such a template has
    /// no written form.
    pub fn is_nested(&self) -> bool {
        self.parts.iter().any(|part| match part {
            Part::Text(_) => false,
            Part::Expression(expression) => expression.is_nested(),
        })
    }
}

impl Expression {
    fn collect(&self, found: &mut Vec<Reference>) {
        match self {
            Self::Path(reference) => found.push(reference.clone()),
            Self::Literal(_) => {}
            Self::Call(_, arguments, _) => {
                for argument in arguments {
                    argument.collect(found);
                }
            }
            Self::Inserted(template) => found.extend(template.references()),
        }
    }

    fn collect_optional(&self, found: &mut Vec<Vec<String>>) {
        match self {
            Self::Path(_) | Self::Literal(_) => {}
            Self::Call(helper, arguments, _) => {
                if let (Helper::Default, Some(Self::Path(first))) = (helper, arguments.first()) {
                    found.push(first.path.clone());
                }
                for argument in arguments {
                    argument.collect_optional(found);
                }
            }
            Self::Inserted(template) => found.extend(template.optional_references()),
        }
    }

    fn collect_formats<'e>(&'e self, found: &mut Vec<(&'e Value, Range<usize>)>) {
        match self {
            Self::Path(_) | Self::Literal(_) => {}
            Self::Call(helper, arguments, at) => {
                if let (Helper::Date, [_, Self::Literal(format)]) = (helper, arguments.as_slice()) {
                    found.push((format, at.clone()));
                }
                for argument in arguments {
                    argument.collect_formats(found);
                }
            }
            Self::Inserted(template) => found.extend(template.formats()),
        }
    }

    fn substitute(&self, replace: &dyn Fn(&[String]) -> Option<Template>) -> Self {
        match self {
            Self::Path(reference) => match replace(&reference.path) {
                None => self.clone(),
                Some(template) => match template.parts.as_slice() {
                    [Part::Expression(only)] => only.clone(),
                    [] => Self::Literal(Value::String(String::new())),
                    [Part::Text(text)] => Self::Literal(Value::String(text.clone())),
                    _ => Self::Inserted(template),
                },
            },
            Self::Literal(_) => self.clone(),
            Self::Call(helper, arguments, at) => {
                let arguments = arguments.iter().map(|a| a.substitute(replace)).collect();
                Self::Call(*helper, arguments, at.clone())
            }
            Self::Inserted(template) => Self::Inserted(template.substitute(replace)),
        }
    }

    fn is_nested(&self) -> bool {
        match self {
            Self::Path(_) | Self::Literal(_) => false,
            Self::Call(_, arguments, _) => arguments.iter().any(Self::is_nested),
            Self::Inserted(_) => true,
        }
    }
}

/// Prints the template as it could have been written.
impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = self.parts.iter().peekable();
        while let Some(part) = parts.next() {
            match part {
                Part::Text(text) => {
                    let braces_follow = matches!(parts.peek(), Some(Part::Expression(_)));
                    f.write_str(&escaped(text, braces_follow))?;
                }
                // A literal that came in the place of a path stands for itself.
                Part::Expression(Expression::Literal(Value::String(text))) => {
                    f.write_str(&escaped(text, parts.peek().is_some()))?;
                }
                Part::Expression(Expression::Literal(value)) => write!(f, "{value}")?,
                Part::Expression(expression) => write!(f, "{{{{{expression}}}}}")?,
            }
        }
        Ok(())
    }
}

/// In handlebars a backslash before braces makes them literal, and two make a literal backslash. What that
/// cannot say is written as an expression that says a text.
fn escaped(text: &str, braces_follow: bool) -> String {
    if text.contains("\\{{") || (braces_follow && text.ends_with('{')) {
        return format!("{{{{text {}}}}}", Value::String(text.to_owned()));
    }
    let mut written = text.replace("{{", "\\{{");
    if braces_follow && written.ends_with('\\') {
        written.push('\\');
    }
    written
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(reference) => reference.fmt(f),
            Self::Literal(value) => f.write_str(&literal(value)),
            Self::Call(helper, arguments, _) => {
                f.write_str(helper.name())?;
                for argument in arguments {
                    match argument {
                        Self::Call(..) => write!(f, " ({argument})")?,
                        Self::Path(_) | Self::Literal(_) | Self::Inserted(_) => {
                            write!(f, " {argument}")?;
                        }
                    }
                }
                Ok(())
            }
            Self::Inserted(template) => template.fmt(f),
        }
    }
}

/// A value as the parser reads it: as JSON, with a large `E` and without a plus in numbers, since a small one begins
/// a name.
fn literal(value: &Value) -> String {
    match value {
        Value::Number(number) => number.to_string().replace("e+", "e").replace('e', "E"),
        Value::Array(list) => {
            let values: Vec<String> = list.iter().map(literal).collect();
            format!("[{}]", values.join(","))
        }
        Value::Object(object) => {
            let entry = |(name, value): (&String, &Value)| {
                format!("{}:{}", Value::String(name.clone()), literal(value))
            };
            let entries: Vec<String> = object.iter().map(entry).collect();
            format!("{{{}}}", entries.join(","))
        }
        Value::Null | Value::Bool(_) | Value::String(_) => value.to_string(),
    }
}

/// Prints the path with dots between the names.
impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.path.iter().enumerate() {
            if index > 0 {
                f.write_str(".")?;
            }
            // The parser takes some words at the beginning for its own.
            let is_word = ["else", "as", "true", "false", "null"]
                .into_iter()
                .any(|word| name.starts_with(word))
                || name.starts_with(|c: char| c.is_ascii_digit() || c == '-');
            let is_taken = index == 0 && is_word && !(is_number(name) && self.goes_on_as_a_path());
            let is_plain = !name.is_empty()
                && name != "this"
                && !is_taken
                && name
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
            if is_plain {
                f.write_str(name)?;
            } else {
                write!(f, "[{name}]")?;
            }
        }
        Ok(())
    }
}

impl Reference {
    /// Whether what follows a first name that is a number shows that it is none: `9.endpoint`, not `9.5`.
    fn goes_on_as_a_path(&self) -> bool {
        let [first, second, ..] = self.path.as_slice() else {
            return false;
        };
        // The parser knows no small `e` in numbers.
        second.contains('e') || format!("{first}.{second}").parse::<f64>().is_err()
    }
}

/// Whether brackets around a name would make it a list: `[9]`.
fn is_number(name: &str) -> bool {
    let digits = name.strip_prefix('-').unwrap_or(name);
    digits.starts_with(|c: char| c.is_ascii_digit()) && digits.parse::<f64>().is_ok()
}
