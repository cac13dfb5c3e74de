//! Finds expressions that a shell would evaluate and that salvor does not.

use crate::plan_file::Code;
use crate::plan_file::Position;
use crate::plan_file::Problem;
use crate::plan_file::Sources;

/// Programs that people put between backticks in values. Other backticks are prose.
const BETWEEN_BACKTICKS: [&str; 6] = ["date", "hostname", "whoami", "pwd", "cat", "uname"];

/// The problem of a text that a shell would evaluate.
pub fn shell_expression(
    text: &str,
    owner: &str,
    at: Position,
    sources: &Sources,
) -> Option<Problem> {
    let (start, end) = find(text)?;
    let inner = text[start..end].trim_start_matches(['$', '(', '`']);
    let place = sources.inside(at, text, start, end);
    let label = "a shell expression is not evaluated";
    if inner.starts_with("date") {
        return Some(
            Problem::error(
                Code::ShellExpression,
                format!("{owner} depends on the day it is applied"),
            )
            .at(place, label)
            .note("before the day's backup, or after a failed one, today's name does not exist")
            .help("to restore: name the store; the point is chosen by `salvor plan` and pinned in the change set")
            .help("to name something new: {{date run.started \"%Y-%m-%d\"}}"),
        );
    }
    Some(
        Problem::error(Code::ShellExpression, format!("{owner} expects a shell"))
            .at(place, label)
            .help("use an input, a table or the output of a step"),
    )
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
