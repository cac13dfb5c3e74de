//! A change set as Markdown, for the pull request that asks for it. The same words as on the terminal.

use crate::change_set::Change;
use crate::change_set::ChangeSet;
use crate::change_set::PlannedStep;
use crate::diff::DiffProblem;
use crate::recovery_points::Loss;
use crate::recovery_points::length_words;
use crate::recovery_points::moment_words;
use crate::report::change_set_text::Look;
use crate::report::change_set_text::diff_lines;
use crate::report::change_set_text::from_words;
use crate::report::change_set_text::inputs_words;
use crate::report::change_set_text::mark;
use crate::report::change_set_text::summary;
use crate::report::change_set_text::totals;
use crate::report::change_set_text::verb;
use crate::report::html::escape;
use crate::report::objectives::objective_rows;
use crate::report::problems::Told;
use crate::report::problems::told;
use crate::report::runbook::block;
use crate::report::wanted_answer::wanted_answer;

/// The change set as Markdown, with its problems first.
pub fn change_set_markdown(
    change_set: &ChangeSet,
    problems: &[DiffProblem],
    look: &Look,
) -> String {
    let mut text = format!(
        "## {} · {}\n\nGoal {}, surveyed {}, good until {}, digest `{}`.\n",
        escaped(&change_set.plan),
        escaped(&change_set.scenario.name),
        moment_words(change_set.goal),
        moment_words(change_set.surveyed),
        moment_words(change_set.expires),
        change_set.digest().short(),
    );
    let inputs = inputs_words(change_set);
    if !inputs.is_empty() {
        text.push_str(&format!("\nInputs: {}.\n", escaped(&inputs)));
    }
    text.push_str(&format!("\n{}\n", totals(change_set)));
    if !problems.is_empty() {
        text.push_str("\n**This cannot be applied:**\n\n");
        for Told { sentence, hints } in told(problems) {
            let hint = match hints.is_empty() {
                true => String::new(),
                false => format!(" ({})", escaped(&hints.join("; "))),
            };
            text.push_str(&format!("- {}{hint}\n", escaped(&sentence)));
        }
    }
    if !change_set.selections.is_empty() {
        text.push_str("\n| store | from | loses | why |\n|---|---|---|---|\n");
        for selection in &change_set.selections {
            let loss = Loss::of(change_set, selection, None);
            let loses = loss.map_or_else(
                || "-".to_owned(),
                |loss| length_words(loss.length.duration()),
            );
            text.push_str(&format!(
                "| {} | {} | {loses} | {} |\n",
                escaped(selection.store.as_str()),
                escaped(&from_words(&selection.choice)),
                escaped(&selection.reason)
            ));
        }
    }
    if !change_set.warnings.is_empty() {
        text.push('\n');
        for warning in &change_set.warnings {
            text.push_str(&format!(
                "- **{}** {}\n",
                escaped(&warning.about),
                escaped(&warning.message)
            ));
        }
    }
    text.push_str("\n| | step | | what |\n|---|---|---|---|\n");
    let steps = change_set.steps.iter().map(without_commands);
    let (steps, commands): (Vec<PlannedStep>, Vec<String>) = steps.unzip();
    for step in &steps {
        let wanted = wanted_answer(step).map(|wanted| format!("<br>{}", escaped(&wanted)));
        text.push_str(&format!(
            "| `{}` | {} | {} | {}{} |\n",
            mark(step.effect()),
            escaped(step.name.as_str()),
            verb(step.effect()),
            escaped(&summary(step, look)),
            wanted.unwrap_or_default()
        ));
    }
    for (step, commands) in steps.iter().zip(&commands) {
        if !commands.is_empty() {
            let name = escaped(step.name.as_str());
            text.push_str(&format!(
                "\nWhat a person types in {name}:\n\n{}",
                block(commands)
            ));
        }
    }
    for step in &change_set.steps {
        text.push_str(&text_changes(step, look));
    }
    let confirm: Vec<String> = change_set
        .steps
        .iter()
        .flat_map(|step| step.confirm.iter().map(move |destroyed| (step, destroyed)))
        .map(|(step, destroyed)| {
            format!(
                "- {}: {} (`{}`)\n",
                escaped(step.name.as_str()),
                escaped(&destroyed.what),
                code(&destroyed.fingerprint)
            )
        })
        .collect();
    if !confirm.is_empty() {
        text.push_str(&format!(
            "\n**Destroys**, each to be confirmed by its fingerprint:\n\n{}",
            confirm.concat()
        ));
    }
    text.push_str("\n| objective | verdict |\n|---|---|\n");
    for row in objective_rows(change_set) {
        let cells: Vec<String> = row.iter().map(|cell| escaped(cell)).collect();
        text.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
    text
}

/// A step whose summary is its question alone, and the commands below it: in the cell of a table nobody could paste
/// them.
fn without_commands(step: &PlannedStep) -> (PlannedStep, String) {
    let mut step = step.clone();
    let mut commands = String::new();
    if let Change::Seen(preview) = &mut step.change
        && let Some((question, typed)) = preview.summary.split_once("\n  $ ")
    {
        commands = format!("{}\n", typed.replace("\n  $ ", "\n"));
        preview.summary = question.to_owned();
    }
    (step, commands)
}

fn text_changes(step: &PlannedStep, look: &Look) -> String {
    let Change::Seen(preview) = &step.change else {
        return String::new();
    };
    let changes = preview.text.iter().map(|change| {
        let (name, lines, left_out) = diff_lines(change, look.with_details);
        // A fence longer than any run of backticks in the text cannot be closed by it.
        let longest = lines
            .iter()
            .map(|line| longest_run(line))
            .max()
            .unwrap_or(0);
        let fence = "`".repeat((longest + 1).max(3));
        let more = if left_out > 0 {
            format!("… {left_out} more lines\n")
        } else {
            String::new()
        };
        format!(
            "\n<details><summary>{} of {}</summary>\n\n{fence}diff\n{}\n{more}{fence}\n\n</details>\n",
            escape(&name),
            escape(step.name.as_str()),
            lines.join("\n")
        )
    });
    changes.collect()
}

fn longest_run(line: &str) -> usize {
    line.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// Text that cannot become a tag, a link, a mention or the end of a table's cell.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '@' => safe.push_str("&#64;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' => {
                safe.push('\\');
                safe.push(c);
            }
            c if c.is_control() => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}

fn code(text: &str) -> String {
    text.chars()
        .filter(|c| *c != '`' && *c != '|' && !c.is_control())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::escaped;
    use super::longest_run;

    #[test]
    fn what_a_service_says_stays_text() {
        assert_eq!(
            escaped("<b>|x|</b> @team [a](b)\n"),
            "&lt;b&gt;\\|x\\|&lt;/b&gt; &#64;team \\[a\\](b) "
        );
        assert_eq!(longest_run("a ```` b `` c"), 4);
    }
}
