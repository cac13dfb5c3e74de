//! What is different from the change set that was approved last, in the words of the diff.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use salvor_contract::Period;

use crate::change_set::ChangeSet;
use crate::diff::Delta;
use crate::diff::Since;
use crate::diff::changed;
use crate::recovery_points::length_words;
use crate::recovery_points::moment_words;
use crate::report::change_set_markdown::escaped;
use crate::report::layout::plain;
use crate::report::layout::wrapped;
use crate::report::objectives::Outlook;
use crate::report::objectives::rpo_outlooks;
use crate::report::objectives::rto_outlook;

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

/// The objectives of which something else can be said. How far a point lies back changes with every look.
fn verdicts(earlier: &ChangeSet, now: &ChangeSet) -> Vec<Delta> {
    let (before, after) = (objectives(earlier), objectives(now));
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let changed = names
        .into_iter()
        .filter(|name| before.get(*name) != after.get(*name));
    let deltas = changed.map(|name| Delta {
        fact: name.clone(),
        before: before.get(name).cloned(),
        after: after.get(name).cloned(),
    });
    deltas.collect()
}

fn objectives(change_set: &ChangeSet) -> BTreeMap<String, String> {
    let said = |objective: Period, outlook: Outlook| {
        let length = length_words(objective.duration());
        format!("{length}, {}", outlook.words())
    };
    let of_data = rpo_outlooks(change_set)
        .map(|(store, rpo, outlook)| (format!("RPO of {store}"), said(rpo, outlook)));
    let rto = change_set.scenario.rto;
    let of_time = rto.map(|rto| ("RTO".to_owned(), said(rto, rto_outlook(change_set, rto))));
    of_data.chain(of_time).collect()
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

#[cfg(test)]
mod tests {
    use salvor_contract::ChosenPoint;
    use salvor_contract::Destroyed;
    use salvor_contract::Period;
    use salvor_contract::PointState;
    use salvor_contract::Reach;
    use salvor_contract::RecoveryPoint;
    use salvor_contract::Values;
    use serde_json::Value;
    use serde_json::json;

    use super::since;
    use crate::change_set::ChangeSet;
    use crate::change_set::Choice;
    use crate::change_set::StoreSelection;
    use crate::diff::Delta;
    use crate::digest::Digest;
    use crate::execution::sample;
    use crate::model::instance::StoreClass;

    fn changed(before: &ChangeSet, after: &ChangeSet) -> Vec<Delta> {
        since(before, after).changed
    }

    fn with(only: Option<Value>) -> ChangeSet {
        let mut step = sample::step("load", &[]);
        if let Some(only) = only {
            step.with.set("only", only);
        }
        sample::change_set(vec![step])
    }

    #[test]
    fn inputs_that_differ_are_not_the_same_fact() {
        let all = [
            None,
            Some(json!([])),
            Some(json!({})),
            Some(json!("a")),
            Some(json!(["a"])),
            Some(json!("[\"a\"]")),
            Some(json!(["a, b"])),
            Some(json!(["a", "b"])),
            Some(json!("env:X")),
            Some(json!({"$secret": "env:X"})),
            Some(json!({"$template": "env:X"})),
            Some(json!(5)),
            Some(json!("5")),
            Some(json!({"a.b": 1})),
            Some(json!({"a": {"b": 1}})),
            Some(json!([{"a": 1}])),
            Some(json!({"0": {"a": 1}})),
        ];
        for (place, one) in all.iter().enumerate() {
            for (other_place, other) in all.iter().enumerate() {
                let deltas = changed(&with(one.clone()), &with(other.clone()));
                let is_same = place == other_place;
                assert_eq!(
                    deltas.is_empty(),
                    is_same,
                    "{one:?} and {other:?}: {deltas:?}"
                );
            }
        }
    }

    #[test]
    fn a_step_that_is_gone_is_one_fact() {
        let mut step = sample::step("load", &[]);
        step.confirm.push(Destroyed {
            what: "the old rows".to_owned(),
            fingerprint: "rows-1".to_owned(),
        });
        step.files
            .insert("load.sql".to_owned(), Digest::of_bytes(b"x"));
        let (before, after) = (sample::change_set(vec![step]), sample::change_set(vec![]));
        let facts: Vec<String> = changed(&before, &after)
            .into_iter()
            .map(|delta| delta.fact)
            .collect();
        assert_eq!(facts, ["step load"]);
    }

    /// A change set with one store whose point lies so many seconds before the goal; it may be an hour.
    fn behind(seconds: u64) -> ChangeSet {
        let mut change_set = sample::change_set(vec![]);
        let at = change_set.goal;
        let point = RecoveryPoint {
            id: "p1".into(),
            reach: Reach::Moment(at),
            state: PointState::Usable,
            size: None,
            objects: None,
            expires: None,
            set: None,
            title: String::new(),
            details: Values::new(),
        };
        change_set.selections.push(StoreSelection {
            store: "orders".into(),
            title: String::new(),
            class: StoreClass::Authoritative,
            choice: Choice::Restore(ChosenPoint { point, at }),
            reason: String::new(),
            rejected: Vec::new(),
            rejected_more: 0,
            loses: None,
            behind_goal: Some(Period::from_seconds(seconds)),
            rpo: Some(Period::from_seconds(3600)),
        });
        change_set
    }

    #[test]
    fn an_objective_changed_when_its_verdict_did() {
        assert_eq!(changed(&behind(7200), &behind(7260)), []);
        let said: Vec<String> = changed(&behind(60), &behind(7200))
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(said, ["RPO of orders: 1 h, met → 1 h, MISSED"]);
    }
}
