//! The only lines of the project that write to stdout and stderr.
//!
//! Names, answers and messages of services come from outside: what a terminal would obey in them is shown, not
//! sent. Only the problems of a plan are coloured, by [`problems`] and [`progress_problems`].

use std::borrow::Cow;
use std::io;
use std::io::ErrorKind;
use std::io::Write as _;
use std::sync::OnceLock;

use crate::plan_file::is_deceptive;

/// Why the first result that was not written was not.
static LOST: OnceLock<io::Error> = OnceLock::new();

/// A result: stdout, one line. A reader that went away (a closed pipe) ends nothing.
pub fn result(text: &str) {
    keep(writeln!(anstream::stdout(), "{}", tame(text)));
}

/// Text that ends its own lines: stdout as it is.
pub fn result_text(text: &str) {
    keep(write!(anstream::stdout(), "{}", tame(text)));
}

/// Why a part of the results is not on stdout; `None` when all is there or nobody reads it any more.
///
/// Results are written while work goes on, which must not end for them: who ends the command asks here.
pub fn lost() -> Option<&'static io::Error> {
    let _ = io::stdout().flush().map_err(note_lost);
    LOST.get()
}

fn keep(written: io::Result<()>) {
    let _ = written.map_err(note_lost);
}

fn note_lost(error: io::Error) {
    if error.kind() != ErrorKind::BrokenPipe {
        let _ = LOST.set(error);
    }
}

/// Progress, warnings and errors: stderr, one line.
pub fn progress(text: &str) {
    let _ = writeln!(anstream::stderr(), "{}", tame(text));
}

/// The problems of a plan as a result, coloured by who shows them, who refuses such characters in a plan.
pub fn problems(text: &str) {
    keep(writeln!(anstream::stdout(), "{text}"));
}

/// The same on stderr.
pub fn progress_problems(text: &str) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// A question without a line break: stderr.
pub fn prompt(text: &str) {
    let mut stderr = anstream::stderr();
    let _ = write!(stderr, "{}", tame(text));
    let _ = stderr.flush();
}

/// Goes back to the beginning of the line and empties it: ECMA-48, CR and EL 2. It is no colour: who wants none still
/// wants the line empty.
const ERASE: &str = "\r\x1b[2K";

/// A line above a question that waits, which is shown again below it. Only for terminals.
pub fn above(text: &str, question: &str) {
    let mut stderr = io::stderr();
    let _ = write!(stderr, "{ERASE}{}\n{}", tame(text), tame(question));
    let _ = stderr.flush();
}

/// Empties the line on which the cursor stands. Only for terminals.
pub fn erase() {
    let mut stderr = io::stderr();
    let _ = write!(stderr, "{ERASE}");
    let _ = stderr.flush();
}

/// The text with everything that a terminal would obey, or that would change the order of what is read, written as
/// its number. The form is that of JSON, so JSON stays what it is.
pub fn tame(text: &str) -> Cow<'_, str> {
    let is_wild = |c: char| match c {
        '\n' | '\t' => false,
        other => other.is_control() || is_deceptive(other),
    };
    if !text.contains(is_wild) {
        return Cow::Borrowed(text);
    }
    let mut tamed = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_wild(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                tamed.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            tamed.push(c);
        }
    }
    Cow::Owned(tamed)
}

/// Columns of the terminal on stdout; 100 when it is none, so that files do not depend on a window.
pub fn width() -> usize {
    rustix::termios::tcgetwinsize(std::io::stdout())
        .map_or(100, |size| usize::from(size.ws_col).clamp(60, 200))
}

#[cfg(test)]
mod tests {
    use super::tame;

    #[test]
    fn what_a_terminal_obeys_is_shown() {
        for (text, expected) in [
            ("plain — text\n\tünd", "plain — text\n\tünd"),
            ("\u{1b}[2Jgone\u{7}", "\\u001b[2Jgone\\u0007"),
            ("a\rb\u{9b}31m", "a\\u000db\\u009b31m"),
            ("txt.\u{202e}exe", "txt.\\u202eexe"),
            ("a\u{ad}\u{61c}\u{180e}b", "a\\u00ad\\u061c\\u180eb"),
            ("a\u{e0041}b", "a\\udb40\\udc41b"),
        ] {
            assert_eq!(tame(text), expected);
        }
    }
}
