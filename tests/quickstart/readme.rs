//! Turns the README into commands with what they print.

/// A command of a `console` block.
#[derive(Debug, PartialEq, Eq)]
pub struct Step {
    pub command: String,
    pub exit: i32,
    pub lines: Vec<String>,
}

/// The commands of all `console` blocks, in their order.
pub fn steps(text: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut is_inside = false;
    for line in text.lines() {
        if let Some(language) = line.strip_prefix("```") {
            is_inside = language == "console";
        } else if !is_inside {
        } else if let Some(command) = line.strip_prefix("$ ") {
            steps.push(Step {
                command: command.to_owned(),
                exit: 0,
                lines: Vec::new(),
            });
        } else {
            let step = steps.last_mut().expect("a block begins with a command");
            match line
                .strip_prefix("[exit ")
                .and_then(|rest| rest.strip_suffix(']'))
            {
                Some(code) => step.exit = code.parse().expect("an exit code is a number"),
                None => step.lines.push(line.to_owned()),
            }
        }
    }
    steps
}

/// The lines of all `sh` blocks: what the reader types before the world is there.
pub fn shell_lines(text: &str) -> Vec<&str> {
    let mut is_inside = false;
    let mut lines = Vec::new();
    for line in text.lines() {
        if let Some(language) = line.strip_prefix("```") {
            is_inside = language == "sh";
        } else if is_inside {
            lines.push(line);
        }
    }
    lines
}

/// The first expected line that the output does not have in its place.
pub fn missing<'a>(expected: &'a [String], printed: &str) -> Option<&'a str> {
    let mut printed = printed.lines();
    expected
        .iter()
        .find(|line| !printed.by_ref().any(|printed| is_like(line, printed)))
        .map(String::as_str)
}

/// True when the line is the pattern, where `…` is any text.
fn is_like(pattern: &str, line: &str) -> bool {
    let mut pieces = pattern.split('…');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = line.strip_prefix(first) else {
        return false;
    };
    let pieces: Vec<&str> = pieces.collect();
    let Some((last, middle)) = pieces.split_last() else {
        return rest.trim_end().is_empty();
    };
    for piece in middle {
        let Some(at) = rest.find(piece) else {
            return false;
        };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(last)
}

#[test]
fn a_line_is_like_its_pattern() {
    assert!(is_like("run …: GREEN in …", "run abc: GREEN in 4 s"));
    assert!(is_like("all of it", "all of it"));
    assert!(!is_like("all of it", "all of it and more"));
    assert!(!is_like("run …: GREEN", "run abc: RED"));
}
