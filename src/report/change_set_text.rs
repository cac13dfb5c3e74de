//! A change set as `plan` shows it: from which moment, what is lost, what changes, whether it meets the
//! objectives, what to do next. Pure; everything it says stands in the change set.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use salvor_contract::Effect;
use salvor_contract::Period;
use salvor_contract::Preview;
use salvor_contract::Reach;
use salvor_contract::TextChange;
use similar::TextDiff;

use crate::change_set::Asked;
use crate::change_set::Change;
use crate::change_set::ChangeSet;
use crate::change_set::Choice;
use crate::change_set::PlannedStep;
use crate::diff::DiffProblem;
use crate::recovery_points::Loss;
use crate::recovery_points::length_words;
use crate::recovery_points::moment_words;
use crate::report::layout::cut;
use crate::report::layout::plain;
use crate::report::layout::rows;
use crate::report::layout::wrapped;
use crate::report::objectives::objective_rows;
use crate::report::problems::Told;
use crate::report::problems::told;
use crate::report::wanted_answer::wanted_answer;

/// How a change set is shown.
#[derive(Clone, Debug)]
pub struct Look {
    /// Columns of the terminal.
    pub width: usize,
    /// The zone in which a person reads the clock, beside UTC.
    pub zone: Option<TimeZone>,
    /// Also the points that were rejected, the steps that change nothing, and whole text changes.
    pub with_details: bool,
}

/// Lines of one text change that are shown without details.
const DIFF_LINES_MAX: usize = 40;

/// The change set as text. With problems it ends with them; else with its digest and how long it is good.
pub fn change_set_text(change_set: &ChangeSet, problems: &[DiffProblem], look: &Look) -> String {
    let sections = [
        head(change_set, look),
        points(change_set, look),
        warnings(change_set, look),
        changes(change_set, look),
        destroyed(change_set, look),
        objectives(change_set, look),
        not_shown(change_set, look),
        end(change_set, problems, look),
    ];
    let shown: Vec<&str> = sections
        .iter()
        .map(String::as_str)
        .filter(|s| !s.is_empty())
        .collect();
    shown.join("\n")
}

fn head(change_set: &ChangeSet, look: &Look) -> String {
    let asked = match &change_set.asked {
        Asked::Latest => "newest".to_owned(),
        Asked::At(_) => "goal".to_owned(),
        Asked::Backup(backup) => format!("backup {}", plain(backup)),
    };
    let line = format!(
        "{} · {} · {asked} {} · surveyed {}",
        plain(&change_set.plan),
        plain(&change_set.scenario.name),
        both_times(change_set.goal, look),
        change_set.surveyed.strftime("%H:%M:%SZ"),
    );
    let mut text = wrapped("", &line, 2, look.width);
    let inputs = inputs_words(change_set);
    if !inputs.is_empty() {
        text.push_str(&wrapped("inputs: ", &inputs, 2, look.width));
    }
    text
}

/// The inputs with their values; secrets are references. Empty when there are none.
pub(super) fn inputs_words(change_set: &ChangeSet) -> String {
    let given = (change_set.inputs.iter()).filter(|(_, value)| !value.is_null());
    let words = given.map(|(name, value)| format!("{name} {}", input_words(value)));
    words.collect::<Vec<_>>().join(", ")
}

pub(super) fn both_times(moment: Timestamp, look: &Look) -> String {
    let utc = moment_words(moment);
    match &look.zone {
        Some(zone) => {
            let local = moment.to_zoned(zone.clone());
            if local.offset().is_zero() {
                return utc;
            }
            let name = zone
                .iana_name()
                .map(|name| format!(" in {name}"))
                .unwrap_or_default();
            format!("{utc} ({}{name})", local.strftime("%Y-%m-%d %H:%M"))
        }
        None => utc,
    }
}

fn input_words(value: &serde_json::Value) -> String {
    if let Ok(secret) = serde_json::from_value::<salvor_contract::Secret>(value.clone())
        && value.is_object()
    {
        return secret.to_string();
    }
    match value.as_str() {
        Some(text) => cut(&plain(text), 60),
        None => cut(&value.to_string(), 60),
    }
}

fn points(change_set: &ChangeSet, look: &Look) -> String {
    if change_set.selections.is_empty() {
        return String::new();
    }
    let mut table = vec![
        ["store", "from", "loses", "why"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for selection in &change_set.selections {
        let from = from_words(&selection.choice);
        let loss = Loss::of(change_set, selection, None);
        let loses = loss.map_or_else(|| "-".to_owned(), |loss| words(loss.length));
        table.push(vec![
            selection.store.to_string(),
            from,
            loses,
            plain(&selection.reason),
        ]);
        if look.with_details {
            for rejected in &selection.rejected {
                let reason = format!(
                    "not {}: {}",
                    plain(&rejected.title),
                    plain(&rejected.reason)
                );
                table.push(vec![String::new(), String::new(), String::new(), reason]);
            }
            if selection.rejected_more > 0 {
                let more = format!("and {} more", selection.rejected_more);
                table.push(vec![String::new(), String::new(), String::new(), more]);
            }
        }
    }
    format!("Recovery points\n{}", rows(&table, 2, look.width))
}

/// What a reader must know, also of a plan that brings no store back.
fn warnings(change_set: &ChangeSet, look: &Look) -> String {
    let warnings: Vec<Vec<String>> = change_set
        .warnings
        .iter()
        .map(|warning| vec![plain(&warning.about), plain(&warning.message)])
        .collect();
    if warnings.is_empty() {
        return String::new();
    }
    rows(&warnings, 2, look.width)
}

/// From where a store is brought back.
pub(super) fn from_words(choice: &Choice) -> String {
    match choice {
        Choice::Restore(chosen) => {
            let size = chosen
                .point
                .size
                .map(|size| format!(", {size}"))
                .unwrap_or_default();
            let title = plain(&chosen.point.title);
            match chosen.point.reach {
                Reach::Window { .. } => format!("{title} at {}{size}", moment_words(chosen.at)),
                Reach::Moment(_) => format!("{title}{size}"),
            }
        }
        Choice::Later(rule) => format!("(known after {})", rule.after),
        Choice::Leave => "not restored".to_owned(),
        Choice::Impossible => "CANNOT BE RESTORED".to_owned(),
    }
}

fn changes(change_set: &ChangeSet, look: &Look) -> String {
    let is_quiet = |step: &PlannedStep| {
        !look.with_details && matches!(step.effect(), Effect::Read | Effect::Nothing)
    };
    let names = change_set
        .steps
        .iter()
        .filter(|step| !is_quiet(step))
        .map(|step| step.name.as_str().len());
    let name_width = names.max().unwrap_or(0);
    let mut text = String::from("Changes\n");
    for step in change_set.steps.iter().filter(|step| !is_quiet(step)) {
        let begin = format!(
            "  {} {:name_width$}  {:8}  ",
            mark(step.effect()),
            step.name,
            verb(step.effect())
        );
        let hang = name_width + 16;
        text.push_str(&wrapped(&begin, &summary(step, look), hang, look.width));
        if let Some(wanted) = wanted_answer(step) {
            let begin = " ".repeat(hang);
            text.push_str(&wrapped(&begin, &plain(&wanted), hang, look.width));
        }
        if let Change::Seen(preview) = &step.change {
            for change in &preview.text {
                text.push_str(&text_change(change, look));
            }
        }
    }
    for (effect_wanted, words) in [
        (Effect::Nothing, "stay as they are"),
        (Effect::Read, "only look"),
    ] {
        let quiet: Vec<&str> = change_set
            .steps
            .iter()
            .filter(|step| is_quiet(step) && step.effect() == effect_wanted)
            .map(|step| step.name.as_str())
            .collect();
        if !quiet.is_empty() {
            let line = format!("{} {words}: {}", quiet.len(), quiet.join(", "));
            text.push_str(&wrapped("    ", &line, 6, look.width));
        }
    }
    text
}

pub(super) fn summary(step: &PlannedStep, look: &Look) -> String {
    let mut words = match &step.change {
        Change::Seen(preview) => with_counts(preview, look),
        Change::Unseen { why, .. } => {
            let what = match (step.title.as_str(), step.writes.first()) {
                ("", Some(target)) => format!("{} {target}", step.action),
                ("", None) => step.action.to_string(),
                (title, _) => title.to_owned(),
            };
            match why.starts_with('(') {
                true => format!("{} {}", plain(&what), plain(why)),
                false => format!("{} (not seen)", plain(&what)),
            }
        }
    };
    if step.finally {
        words.push_str("; also when the run fails");
    }
    words
}

/// The summary with the bytes to move, and with details all numbers: the summary mostly says them itself.
fn with_counts(preview: &Preview, look: &Look) -> String {
    let counts = &preview.counts;
    let numbers = [
        ("to create", counts.created),
        ("to overwrite", counts.overwritten),
        ("to delete", counts.deleted),
        ("unchanged", counts.unchanged),
    ];
    let numbers = numbers.iter().filter(|_| look.with_details);
    let mut said: Vec<String> = numbers
        .filter_map(|(words, number)| number.map(|number| format!("{number} {words}")))
        .collect();
    said.extend(counts.bytes.map(|bytes| format!("{bytes} to move")));
    let summary = plain(&preview.summary);
    if said.is_empty() {
        summary
    } else {
        format!("{summary} ({})", said.join(", "))
    }
}

fn text_change(change: &TextChange, look: &Look) -> String {
    let (name, lines, left_out) = diff_lines(change, look.with_details);
    let mut text = format!("      {name}\n");
    for line in lines {
        text.push_str(format!("      {line}").trim_end());
        text.push('\n');
    }
    if left_out > 0 {
        text.push_str(&format!("      … {left_out} more lines\n"));
    }
    text
}

/// The name of a text change, its lines with `+` and `-`, and how many lines were left out.
pub(super) fn diff_lines(change: &TextChange, is_whole: bool) -> (String, Vec<String>, usize) {
    let before = plain(change.before.as_deref().unwrap_or_default());
    let after = plain(change.after.as_deref().unwrap_or_default());
    let note = match (&change.before, &change.after) {
        (None, Some(_)) => " (new)",
        (Some(_), None) => " (removed)",
        (Some(_), Some(_)) | (None, None) => "",
    };
    let diff = TextDiff::from_lines(before.as_str(), after.as_str());
    let unified = diff.unified_diff().context_radius(2).to_string();
    let mut lines: Vec<String> = unified
        .lines()
        .filter(|line| !line.starts_with("@@"))
        .map(str::to_owned)
        .collect();
    let shown = if is_whole {
        lines.len()
    } else {
        lines.len().min(DIFF_LINES_MAX)
    };
    let left_out = lines.split_off(shown).len();
    (format!("{}{note}", plain(&change.name)), lines, left_out)
}

fn destroyed(change_set: &ChangeSet, look: &Look) -> String {
    let table: Vec<Vec<String>> = change_set
        .steps
        .iter()
        .flat_map(|step| step.confirm.iter().map(move |destroyed| (step, destroyed)))
        .map(|(step, destroyed)| {
            let what = format!(
                "{}: to be confirmed by typing {}",
                plain(&destroyed.what),
                plain(&destroyed.fingerprint)
            );
            vec![step.name.to_string(), what]
        })
        .collect();
    if table.is_empty() {
        return String::new();
    }
    format!("Destroys\n{}", rows(&table, 2, look.width))
}

fn objectives(change_set: &ChangeSet, look: &Look) -> String {
    format!(
        "Objectives\n{}",
        rows(&objective_rows(change_set), 2, look.width)
    )
}

fn not_shown(change_set: &ChangeSet, look: &Look) -> String {
    let mut table = Vec::new();
    for step in &change_set.steps {
        match &step.change {
            Change::Seen(preview) => {
                let unknown = preview
                    .unknown
                    .iter()
                    .map(|what| vec![step.name.to_string(), plain(what)]);
                table.extend(unknown);
            }
            Change::Unseen { why, .. } if why.starts_with('(') => {}
            Change::Unseen { why, .. } => table.push(vec![step.name.to_string(), plain(why)]),
        }
    }
    if table.is_empty() {
        return String::new();
    }
    format!("Not shown\n{}", rows(&table, 2, look.width))
}

/// How many steps do what.
pub(super) fn totals(change_set: &ChangeSet) -> String {
    let count = |effects: &[Effect]| {
        change_set
            .steps
            .iter()
            .filter(|step| effects.contains(&step.effect()))
            .count()
    };
    format!(
        "{} to create, {} to change, {} to replace, {} to delete, {} to run, {} manual.",
        count(&[Effect::Create]),
        count(&[Effect::Change]),
        count(&[Effect::Replace]),
        count(&[Effect::Delete]),
        count(&[Effect::Run]),
        count(&[Effect::Ask]),
    )
}

fn end(change_set: &ChangeSet, problems: &[DiffProblem], look: &Look) -> String {
    let digest = change_set.digest();
    let mut text = wrapped("", &totals(change_set), 0, look.width);
    if problems.is_empty() {
        let line = format!(
            "Digest {}, good until {}.",
            digest.short(),
            both_times(change_set.expires, look)
        );
        text.push_str(&wrapped("", &line, 0, look.width));
        return text;
    }
    text.push_str("\nThis cannot be applied:\n");
    for Told { sentence, hints } in told(problems) {
        text.push_str(&wrapped("  - ", &plain(&sentence), 4, look.width));
        for hint in hints {
            text.push_str(&wrapped("    help: ", &plain(&hint), 6, look.width));
        }
    }
    text
}

pub(super) fn mark(effect: Effect) -> char {
    match effect {
        Effect::Create => '+',
        Effect::Change => '~',
        Effect::Replace => '!',
        Effect::Delete => '-',
        Effect::Ask => '?',
        Effect::Run => '>',
        Effect::Nothing | Effect::Read => ' ',
    }
}

pub(super) fn verb(effect: Effect) -> &'static str {
    match effect {
        Effect::Create => "create",
        Effect::Change => "change",
        Effect::Replace => "replace",
        Effect::Delete => "delete",
        Effect::Ask => "manual",
        Effect::Run => "run",
        Effect::Nothing => "nothing",
        Effect::Read => "look",
    }
}

pub(super) fn words(period: Period) -> String {
    length_words(period.duration())
}

#[cfg(test)]
mod tests {
    use salvor_contract::TextChange;

    use super::Look;
    use super::text_change;

    #[test]
    fn a_text_change_shows_its_lines_and_nothing_that_moves_the_cursor() {
        let change = TextChange {
            name: "values.yaml".to_owned(),
            before: Some("database:\n  external:\n    host: old\n  port: 5432\n".to_owned()),
            after: Some(
                "database:\n  external:\n    host: \u{1b}[2Jnew\n  port: 5432\n".to_owned(),
            ),
        };
        let look = Look {
            width: 80,
            zone: None,
            with_details: false,
        };
        assert_eq!(
            text_change(&change, &look),
            "      values.yaml\n       database:\n         external:\n      -    host: old\n      +    host: \u{fffd}[2Jnew\n         port: 5432\n"
        );
        let long: String = (0..100).map(|i| format!("line {i}\n")).collect();
        let new = TextChange {
            name: "new".to_owned(),
            before: None,
            after: Some(long),
        };
        let text = text_change(&new, &look);
        assert!(
            text.starts_with("      new (new)\n      +line 0\n"),
            "{text}"
        );
        assert!(
            text.ends_with("      +line 39\n      … 60 more lines\n"),
            "{text}"
        );
    }
}
