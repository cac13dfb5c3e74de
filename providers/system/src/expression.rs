//! Regular expressions that a whole text must match.

use regex::Regex;
use salvor_contract::Error;

/// The expression that an input holds.
///
/// # Errors
/// [`Error::Refused`] when it is none.
pub(crate) fn whole(input: &str, text: &str) -> Result<Regex, Error> {
    Regex::new(&format!("^(?:{text})$")).map_err(|_| {
        Error::refused_with(
            format!("`{input}` is not a regular expression: {text}"),
            "write one that matches the whole text, as [0-9]+ or yes|no",
        )
    })
}
