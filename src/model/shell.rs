//! Finds expressions that a shell would evaluate and that salvor does not.

use crate::plan_file::Code;
use crate::plan_file::Position;
use crate::plan_file::Problem;
use crate::plan_file::Sources;

/// Programs that people put between backticks in values. Other backticks are prose.
const BETWEEN_BACKTICKS: [&str; 6] = ["date", "hostname", "whoami", "pwd", "cat", "uname"];

const BY_THE_DAY: &str = "depends on the day it is applied";

/// The problem of a text that a shell would evaluate.
pub fn shell_expression(
    text: &str,
    owner: &str,
    at: Position,
    sources: &Sources,
) -> Option<Problem> {
    let (start, end) = find(text)?;
    let place = sources.inside(at, text, start, end);
    let label = "a shell expression is not evaluated";
    let why = why(&text[start..end]);
    let problem = Problem::error(Code::ShellExpression, format!("{owner} {why}"));
    if why == BY_THE_DAY {
        return Some(
            problem
            .at(place, label)
            .note("before the day's backup, or after a failed one, today's name does not exist")
            .help("to restore: name the store; the point is chosen by `salvor plan` and pinned in the change set")
            .help("to name something new: {{date run.started \"%Y-%m-%d\"}}"),
        );
    }
    Some(
        problem
            .at(place, label)
            .help("use an input, a table or the output of a step"),
    )
}

/// Why a text is not what it says until a shell has read it; nothing when it is.
pub fn needs_a_shell(text: &str) -> Option<&'static str> {
    let (start, end) = find(text)?;
    Some(why(&text[start..end]))
}

fn why(expression: &str) -> &'static str {
    let inner = expression.trim_start_matches(['$', '(', '`']);
    match inner.starts_with("date") {
        true => BY_THE_DAY,
        false => "expects a shell",
    }
}

fn find(text: &str) -> Option<(usize, usize)> {
    if let Some(start) = text.find("$(") {
        let end = text[start..]
            .find(')')
            .map_or(text.len(), |at| start + at + 1);
        return Some((start, end));
    }
    let start = text.find('`')?;
    let length = text[start + 1..].find('`')?;
    let inner = &text[start + 1..start + 1 + length];
    let program = inner.split_whitespace().next()?;
    let is_call =
        BETWEEN_BACKTICKS.contains(&program) && (inner.contains(' ') || program == "date");
    is_call.then_some((start, start + length + 2))
}
