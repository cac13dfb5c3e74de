//! What is different between two change sets, and whether what one was derived from still holds. Pure, but for
//! the look at the files that a run still reads.
//!
//! Apply looks at the world again with everything pinned ([`crate::recovery_points::Request::again`]) and
//! compares. What moves by itself does not count: the end of a window, a newer backup, the time.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use salvor_contract::Effect;
use salvor_contract::StepName;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;

use crate::change_set::Change;
use crate::change_set::ChangeSet;
use crate::change_set::Choice;
use crate::change_set::PlannedStep;
use crate::change_set::files;
use crate::digest::Digest;
use crate::recovery_points::moment_words;

/// What a change set was derived from, each fact under a name that a person can read.
pub type Observed = BTreeMap<String, String>;

/// A value is shown up to this many characters; what is left out is told apart by a digest.
const VALUE_CHARACTERS_MAX: usize = 120;

/// One fact that is not as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Delta {
    /// The fact: `recovery point of metadata`, `preview of values: revision`.
    pub fact: String,
    /// What it was; `None` when there was none.
    pub before: Option<String>,
    /// What it is now; `None` when there is none.
    pub after: Option<String>,
}

impl fmt::Display for Delta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
        write!(
            f,
            "{}: {} → {}",
            self.fact,
            words(&self.before),
            words(&self.after)
        )
    }
}

/// Everything that a change set was derived from.
pub fn observed(change_set: &ChangeSet) -> Observed {
    let mut facts = Observed::new();
    for (file, digest) in &change_set.sources {
        facts.insert(format!("plan file {file}"), digest.short().to_owned());
    }
    for (name, value) in change_set.inputs.iter() {
        facts.insert(format!("input {name}"), value.to_string());
    }
    for selection in &change_set.selections {
        let store = &selection.store;
        let value = match &selection.choice {
            Choice::Restore(chosen) => format!(
                "{} at {} ({})",
                chosen.point.id,
                moment_words(chosen.at),
                Digest::of_value(&(
                    chosen.at,
                    &chosen.point.state,
                    &chosen.point.set,
                    &chosen.point.details
                ))
                .short()
            ),
            Choice::Later(rule) => format!("chosen after {}", rule.after),
            Choice::Leave => "left as it is".to_owned(),
            Choice::Impossible => selection.reason.clone(),
        };
        facts.insert(format!("recovery point of {store}"), value);
    }
    for step in &change_set.steps {
        observe_step(step, &mut facts);
    }
    facts
}

fn observe_step(step: &PlannedStep, facts: &mut Observed) {
    let name = &step.name;
    facts.insert(step_of(name), format!("{} ({})", step.title, step.action));
    flatten(&format!("{}: ", step_of(name)), &declared(step), facts);
    for destroyed in &step.confirm {
        let fact = format!("destroyed by {name}: {}", destroyed.fingerprint);
        facts.insert(fact, "to be confirmed".to_owned());
    }
    for (path, digest) in &step.files {
        facts.insert(file_of(path, name), digest.short().to_owned());
    }
    match &step.change {
        Change::Seen(preview) => {
            facts.insert(
                preview_of(&step.name),
                effect_words(preview.effect).to_owned(),
            );
            for (fact, value) in preview.facts.iter() {
                facts.insert(format!("{}: {fact}", preview_of(&step.name)), words(value));
            }
        }
        Change::Unseen { why, .. } => {
            facts.insert(preview_of(&step.name), format!("not seen: {why}"));
        }
    }
}

/// What a step is by the plan: everything but what was looked up in the world.
fn declared(step: &PlannedStep) -> Value {
    json!({
        "class": step.class,
        "with": step.with,
        "config": step.config,
        "needs": step.needs,
        "after": step.after,
        "finally": step.finally,
        "on-failure": step.on_failure,
        "writes": step.writes.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "store": step.store,
        "timeout": step.deadline,
    })
}

/// A fact for every value below this one, under its path. What is empty is no fact.
fn flatten(path: &str, value: &Value, facts: &mut Observed) {
    let below = |key: &dyn fmt::Display| {
        let dot = if path.ends_with(' ') { "" } else { "." };
        format!("{path}{dot}{key}")
    };
    match value {
        Value::Null => {}
        Value::Object(fields) => {
            for (key, value) in fields {
                // A marker as `$template` or `$secret` is the form of a value, not a name in it.
                let path = if key.starts_with('$') {
                    path.to_owned()
                } else {
                    below(key)
                };
                flatten(&path, value, facts);
            }
        }
        Value::Array(items) if items.iter().any(|item| item.is_object() || item.is_array()) => {
            for (number, item) in items.iter().enumerate() {
                flatten(&below(&number), item, facts);
            }
        }
        Value::Array(items) if items.is_empty() => {}
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(words).collect();
            facts.insert(path.to_owned(), items.join(", "));
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            facts.insert(path.to_owned(), words(value));
        }
    }
}

/// Every fact that is not the same in two change sets. A step that only one of them has is one fact.
pub fn changed(before: &ChangeSet, after: &ChangeSet) -> Vec<Delta> {
    let in_one_only = in_one_only(before, after);
    let (before, after) = (observed(before), observed(after));
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let changed = names.into_iter().filter(|fact| {
        // A step's name holds no colon, so what stands before the first one is whole.
        let of_its_own = fact
            .split_once(": ")
            .is_none_or(|(of, _)| !in_one_only.contains(of));
        of_its_own && before.get(*fact) != after.get(*fact)
    });
    let deltas = changed.map(|fact| Delta {
        fact: fact.clone(),
        before: before.get(fact).map(|value| shortened(value)),
        after: after.get(fact).map(|value| shortened(value)),
    });
    deltas.collect()
}

/// What begins the facts about steps that only one of them has.
fn in_one_only(before: &ChangeSet, after: &ChangeSet) -> BTreeSet<String> {
    let names = |set: &ChangeSet| -> BTreeSet<StepName> {
        set.steps.iter().map(|step| step.name.clone()).collect()
    };
    let (before, after) = (names(before), names(after));
    let differing = before.symmetric_difference(&after);
    differing
        .flat_map(|name| [step_of(name), preview_of(name)])
        .collect()
}

/// The facts that are not as they were when the change set was approved.
///
/// A step that could not be previewed then is not held against what is seen of it now, but for what it
/// would destroy. A step that only reads is held against nothing: it decides during the run.
pub fn stale(approved: &ChangeSet, now: &ChangeSet) -> Vec<Delta> {
    let free: BTreeSet<String> = approved
        .steps
        .iter()
        .filter(|step| is_free(step))
        .map(|step| preview_of(&step.name))
        .collect();
    let mut changed = changed(approved, now);
    changed.retain(|delta| {
        let of = delta.fact.split(": ").next();
        of.is_none_or(|of| !free.contains(of))
    });
    changed
}

/// A value that fits into a line.
fn shortened(value: &str) -> String {
    let mut characters = value.char_indices().skip(VALUE_CHARACTERS_MAX);
    match characters.next() {
        None => value.to_owned(),
        Some((end, _)) => {
            let digest = Digest::of_bytes(value.as_bytes());
            format!("{}… ({})", &value[..end], digest.short())
        }
    }
}

/// The files that steps still read and that are not as they were reviewed.
pub fn changed_files<'a>(
    steps: impl IntoIterator<Item = &'a PlannedStep>,
    plan_dir: &Path,
) -> Vec<Delta> {
    let of_step = |step: &'a PlannedStep| {
        let changed = files::changed(step, plan_dir).into_iter();
        changed.map(|file| Delta {
            fact: file_of(&file.path, &step.name),
            before: Some(file.before.short().to_owned()),
            after: file.now.map(|now| now.short().to_owned()),
        })
    };
    steps.into_iter().flat_map(of_step).collect()
}

fn file_of(path: &str, step: &StepName) -> String {
    format!("file {path} that {step} reads")
}

fn is_free(step: &PlannedStep) -> bool {
    match &step.change {
        Change::Unseen { .. } => true,
        Change::Seen(preview) => preview.effect == Effect::Read,
    }
}

fn step_of(name: &StepName) -> String {
    format!("step {name}")
}

fn preview_of(name: &StepName) -> String {
    format!("preview of {name}")
}

fn effect_words(effect: Effect) -> &'static str {
    match effect {
        Effect::Create => "creates",
        Effect::Change => "changes",
        Effect::Replace => "replaces",
        Effect::Delete => "deletes",
        Effect::Nothing => "changes nothing",
        Effect::Read => "reads",
        Effect::Ask => "asks",
        Effect::Run => "runs",
    }
}

fn words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            value.to_string()
        }
    }
}
