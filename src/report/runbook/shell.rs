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

/// A here-document of a text, with what stands behind its beginning: ` > file`. Only a text with slots is read by the
/// shell; any other stays as it is to the letter.
pub(super) fn here_document(text: &str, behind: &str) -> String {
    let text = text.trim_end_matches('\n');
    let mut end = "EOF".to_owned();
    while text.lines().any(|line| line == end) {
        end.push('_');
    }
    if !text.contains(BEGIN) {
        return format!("<<'{end}'{behind}\n{text}\n{end}");
    }
    let filled: String = pieces(text)
        .map(|piece| match piece {
            Piece::Text(text) => text
                .replace('\\', r"\\")
                .replace('$', r"\$")
                .replace('`', r"\`"),
            Piece::Slot(name) => format!("${{{name}:?}}"),
        })
        .collect();
    format!("<<{end}{behind}\n{filled}\n{end}")
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
    use super::here_document;
    use super::quoted;
    use super::slot;
    use super::words;

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

    #[test]
    fn a_here_document_says_its_text() {
        assert_eq!(
            here_document("a: $HOME\nEOF\n", " > f"),
            "<<'EOF_' > f\na: $HOME\nEOF\nEOF_"
        );
        let text = format!(r"cost: $5 \n `x` {}", slot("HOST"));
        assert_eq!(
            here_document(&text, ""),
            "<<EOF\ncost: \\$5 \\\\n \\`x\\` ${HOST:?}\nEOF"
        );
    }
}
