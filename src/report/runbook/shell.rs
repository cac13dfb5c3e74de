//! Values as words of a POSIX shell, also those that become known only while a person works.
//!
//! What is not known yet stands in a text as a slot: the name of a shell variable between two characters that no
//! plan may hold. Where the text becomes a command, a slot becomes `"${NAME:?}"`: a command that is pasted before
//! the value was written down ends with an error instead of acting on nothing.

use std::fmt::Write as _;

/// Begin and end of a slot: private characters, which a plan file may not hold.
const BEGIN: char = '\u{e000}';
const END: char = '\u{e001}';

/// A text that stands for a value which is known later.
pub(super) fn slot(variable: &str) -> String {
    format!("{BEGIN}{variable}{END}")
}

/// The variable of a fact: `steps.metadata.endpoint` is `METADATA_ENDPOINT`.
pub(super) fn variable(path: &[String]) -> String {
    match path {
        [root, rest @ ..] if root == "steps" || root == "stores" => named(rest),
        path => named(path),
    }
}

/// A variable of these words.
pub(super) fn named(words: &[String]) -> String {
    let name: String = words
        .join("_")
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_uppercase()
            } else {
                '_'
            }
        })
        .collect();
    // A variable does not begin with a digit.
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        format!("_{name}")
    } else {
        name
    }
}

/// A text as one word of a command.
pub(super) fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_./:@%+=,-".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    if !text.contains(BEGIN) {
        return format!("'{}'", text.replace('\'', r"'\''"));
    }
    let mut word = "\"".to_owned();
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) => {
                for c in text.chars() {
                    if matches!(c, '"' | '\\' | '$' | '`') {
                        word.push('\\');
                    }
                    word.push(c);
                }
            }
            Piece::Slot(name) => {
                let _ = write!(word, "${{{name}:?}}");
            }
        }
    }
    word.push('"');
    word
}

/// A command that a person wrote, with its slots filled so that each stays one word: within single quotes the
/// quotes are closed around it.
pub(super) fn command(text: &str) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut within = Quotes::None;
    for piece in pieces(text) {
        match (piece, within) {
            (Piece::Text(text), _) => {
                within = within.after(text);
                filled.push_str(text);
            }
            (Piece::Slot(name), Quotes::None) => {
                let _ = write!(filled, "\"${{{name}:?}}\"");
            }
            (Piece::Slot(name), Quotes::Double) => {
                let _ = write!(filled, "${{{name}:?}}");
            }
            (Piece::Slot(name), Quotes::Single) => {
                let _ = write!(filled, "'\"${{{name}:?}}\"'");
            }
        }
    }
    filled
}

/// A text for people: a slot is the name of its variable.
pub(super) fn words(text: &str) -> String {
    pieces(text)
        .map(|piece| match piece {
            Piece::Text(text) => text.to_owned(),
            Piece::Slot(name) => format!("${name}"),
        })
        .collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quotes {
    None,
    Single,
    Double,
}

impl Quotes {
    /// The quotes that are open behind a text.
    fn after(self, text: &str) -> Self {
        let (mut within, mut is_escaped) = (self, false);
        for c in text.chars() {
            within = match (within, c) {
                _ if is_escaped => {
                    is_escaped = false;
                    within
                }
                (Self::None | Self::Double, '\\') => {
                    is_escaped = true;
                    within
                }
                (Self::None, '\'') => Self::Single,
                (Self::None, '"') => Self::Double,
                (Self::Single, '\'') | (Self::Double, '"') => Self::None,
                (within, _) => within,
            };
        }
        within
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a str),
    Slot(&'a str),
}

fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    text.split(BEGIN).enumerate().flat_map(|(number, part)| {
        let (slot, rest) = match part.split_once(END) {
            Some((name, rest)) if number > 0 => (Some(Piece::Slot(name)), rest),
            Some(_) | None => (None, part),
        };
        let rest = (!rest.is_empty()).then_some(Piece::Text(rest));
        slot.into_iter().chain(rest)
    })
}

#[cfg(test)]
mod tests {
    use super::command;
    use super::quoted;
    use super::slot;
    use super::variable;
    use super::words;

    fn path(text: &str) -> Vec<String> {
        text.split('.').map(str::to_owned).collect()
    }

    #[test]
    fn a_fact_is_a_variable() {
        assert_eq!(
            variable(&path("steps.metadata.endpoint")),
            "METADATA_ENDPOINT"
        );
        assert_eq!(
            variable(&path("stores.run-log.point.id")),
            "RUN_LOG_POINT_ID"
        );
        assert_eq!(variable(&path("run.id")), "RUN_ID");
        assert_eq!(variable(&path("steps.1st.id")), "_1ST_ID");
    }

    #[test]
    fn a_value_is_one_word() {
        assert_eq!(quoted("s3://bucket/a,b"), "s3://bucket/a,b");
        assert_eq!(quoted(""), "''");
        assert_eq!(quoted("it's $HOME"), r"'it'\''s $HOME'");
        let later = format!("host \"{}\" costs $5", slot("DB_HOST"));
        assert_eq!(quoted(&later), r#""host \"${DB_HOST:?}\" costs \$5""#);
    }

    #[test]
    fn a_slot_in_a_command_stays_one_word_within_any_quotes() {
        let slot = slot("ID");
        assert_eq!(command(&format!("rm {slot}.x")), "rm \"${ID:?}\".x");
        assert_eq!(command(&format!("echo \"a {slot}\"")), "echo \"a ${ID:?}\"");
        assert_eq!(
            command(&format!("curl '/{slot}/x'")),
            "curl '/'\"${ID:?}\"'/x'"
        );
        assert_eq!(command(&format!(r"echo \' {slot}")), "echo \\' \"${ID:?}\"");
        assert_eq!(words(&format!("Take {slot}.")), "Take $ID.");
    }
}
