//! What is different from the change set that was approved last, in the words of the diff.

use crate::change_set::ChangeSet;
use crate::diff::Delta;
use crate::diff::Since;
use crate::diff::changed;
use crate::recovery_points::moment_words;
use crate::report::change_set_markdown::escaped;
use crate::report::change_set_text::objective_rows;
use crate::report::layout::plain;
use crate::report::layout::wrapped;

/// What is different between an earlier change set and this one: the facts, then the verdicts on the objectives.
pub fn since(earlier: &ChangeSet, now: &ChangeSet) -> Since {
    let mut all = changed(earlier, now);
    all.extend(verdicts(earlier, now));
    Since {
        digest: earlier.digest(),
        surveyed: earlier.surveyed,
        changed: all,
    }
}

/// The objectives whose verdict is another one.
fn verdicts(earlier: &ChangeSet, now: &ChangeSet) -> Vec<Delta> {
    let rows = |set: &ChangeSet| -> Vec<(String, String)> {
        let rows = objective_rows(set).into_iter().filter_map(|row| {
            let mut cells = row.into_iter();
            Some((cells.next()?, cells.next()?))
        });
        rows.collect()
    };
    let (before, after) = (rows(earlier), rows(now));
    let of = |rows: &[(String, String)], name: &str| {
        let row = rows.iter().find(|(of, _)| of == name);
        row.map(|(_, verdict)| verdict.clone())
    };
    let new = after
        .iter()
        .filter(|(name, _)| before.iter().all(|(of, _)| of != name));
    let names = before.iter().chain(new).map(|(name, _)| name);
    let deltas = names.map(|name| Delta {
        fact: format!("objective {name}"),
        before: of(&before, name),
        after: of(&after, name),
    });
    deltas.filter(|delta| delta.before != delta.after).collect()
}

fn headline(since: &Since) -> String {
    let what = match since.changed.len() {
        0 => "nothing changed".to_owned(),
        1 => "1 fact changed".to_owned(),
        more => format!("{more} facts changed"),
    };
    format!(
        "Since change set {} of {}: {what}",
        since.digest.short(),
        moment_words(since.surveyed)
    )
}

/// It as text: a line for each fact.
pub fn since_text(since: &Since, width: usize) -> String {
    let mut text = wrapped("", &headline(since), 2, width);
    for delta in &since.changed {
        text.push_str(&wrapped("  ", &plain(&delta.to_string()), 6, width));
    }
    text
}

/// It as Markdown: a table.
pub fn since_markdown(since: &Since) -> String {
    let mut text = format!("### {}\n", escaped(&headline(since)));
    if since.changed.is_empty() {
        return text;
    }
    text.push_str("\n| what | before | now |\n|---|---|---|\n");
    let cell = |value: &Option<String>| value.as_deref().map_or_else(|| "-".to_owned(), escaped);
    for delta in &since.changed {
        text.push_str(&format!(
            "| {} | {} | {} |\n",
            escaped(&delta.fact),
            cell(&delta.before),
            cell(&delta.after)
        ));
    }
    text
}
