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
use salvor_contract::PROGRAM_FACTS;
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
type Observed = BTreeMap<Fact, String>;

/// A fact: its name, and the step that it is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Fact {
    name: String,
    about: About,
}

/// What a fact is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum About {
    /// The plan, its inputs and its stores.
    Plan,
    /// That this step is there.
    Step(StepName),
    /// What the plan says of this step, and what it would destroy.
    PartOf(StepName),
    /// What was seen of this step.
    Preview(StepName),
    /// A program that this step runs.
    Program(StepName),
}

impl About {
    /// The step that the fact is a part of.
    fn whole(&self) -> Option<&StepName> {
        match self {
            Self::PartOf(step) | Self::Preview(step) | Self::Program(step) => Some(step),
            Self::Plan | Self::Step(_) => None,
        }
    }
}

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
fn observed(change_set: &ChangeSet) -> Observed {
    let mut facts = Observed::new();
    let mut add = |name: String, value: String| {
        let about = About::Plan;
        facts.insert(Fact { name, about }, value);
    };
    add("version of salvor".to_owned(), change_set.tool.clone());
    for (file, digest) in &change_set.sources {
        add(format!("plan file {file}"), digest.short().to_owned());
    }
    for (name, value) in change_set.inputs.iter() {
        add(format!("input {name}"), value.to_string());
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
        add(format!("recovery point of {store}"), value);
    }
    for step in &change_set.steps {
        observe_step(step, &mut facts);
    }
    facts
}

fn observe_step(step: &PlannedStep, facts: &mut Observed) {
    let name = &step.name;
    let mut add = |about: About, fact: String, value: String| {
        facts.insert(Fact { name: fact, about }, value);
    };
    let part = || About::PartOf(name.clone());
    add(
        About::Step(name.clone()),
        format!("step {name}"),
        format!("{} ({})", step.title, step.action),
    );
    for (member, value) in declared(step) {
        let is_empty = match &value {
            Value::Array(items) => items.is_empty(),
            Value::Object(fields) => fields.is_empty(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        };
        // Every step has these members; one that is empty is none that the plan gave it.
        if !is_empty {
            let path = format!("step {name}: {member}");
            flatten(&path, &value, &mut |fact, value| add(part(), fact, value));
        }
    }
    for destroyed in &step.confirm {
        let fact = format!("destroyed by {name}: {}", destroyed.fingerprint);
        add(part(), fact, "to be confirmed".to_owned());
    }
    for (path, digest) in &step.files {
        add(part(), file_of(path, name), digest.short().to_owned());
    }
    let seen = format!("preview of {name}");
    let about = || About::Preview(name.clone());
    match &step.change {
        Change::Seen(preview) => {
            add(
                about(),
                seen.clone(),
                effect_words(preview.effect).to_owned(),
            );
            for (fact, value) in preview.facts.iter() {
                let about = match PROGRAM_FACTS.contains(&fact) {
                    true => About::Program(name.clone()),
                    false => about(),
                };
                add(about, format!("{seen}: {fact}"), words(value));
            }
        }
        Change::Unseen { why, .. } => add(about(), seen, format!("not seen: {why}")),
    }
}

/// What a step is by the plan: everything but what was looked up in the world.
fn declared(step: &PlannedStep) -> serde_json::Map<String, Value> {
    let members = json!({
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
    });
    match members {
        Value::Object(members) => members,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            serde_json::Map::new()
        }
    }
}

/// A fact for every value below this one, under its path. Two values that differ never come to the same facts.
fn flatten(path: &str, value: &Value, add: &mut impl FnMut(String, String)) {
    match value {
        Value::Null => {}
        // A marker as `$template` or `$secret` is the form of a value, not a name in it.
        Value::Object(fields) if fields.is_empty() || fields.keys().any(|k| k.starts_with('$')) => {
            add(path.to_owned(), value.to_string());
        }
        Value::Object(fields) => {
            for (key, value) in fields {
                let key = match key.contains(['.', '[', '"', ':']) {
                    true => Value::from(key.as_str()).to_string(),
                    false => key.clone(),
                };
                flatten(&format!("{path}.{key}"), value, add);
            }
        }
        Value::Array(items) if items.iter().any(|item| item.is_object() || item.is_array()) => {
            for (number, item) in items.iter().enumerate() {
                flatten(&format!("{path}[{number}]"), item, add);
            }
        }
        Value::Array(_) | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            add(path.to_owned(), words(value));
        }
    }
}

/// Every fact that is not the same in two change sets. A step that only one of them has is one fact.
pub fn changed(before: &ChangeSet, after: &ChangeSet) -> Vec<Delta> {
    let changed = changed_facts(before, after).into_iter();
    changed.map(|(_, delta)| delta).collect()
}

fn changed_facts(before: &ChangeSet, after: &ChangeSet) -> Vec<(About, Delta)> {
    let in_one_only = in_one_only(before, after);
    let (before, after) = (observed(before), observed(after));
    let facts: BTreeSet<&Fact> = before.keys().chain(after.keys()).collect();
    let changed = facts.into_iter().filter(|fact| {
        let whole = fact.about.whole();
        whole.is_none_or(|step| !in_one_only.contains(step))
            && before.get(*fact) != after.get(*fact)
    });
    let deltas = changed.map(|fact| {
        let delta = Delta {
            fact: fact.name.clone(),
            before: before.get(fact).map(|value| shortened(value)),
            after: after.get(fact).map(|value| shortened(value)),
        };
        (fact.about.clone(), delta)
    });
    deltas.collect()
}

/// The steps that only one of them has.
fn in_one_only(before: &ChangeSet, after: &ChangeSet) -> BTreeSet<StepName> {
    let names = |set: &ChangeSet| -> BTreeSet<StepName> {
        set.steps.iter().map(|step| step.name.clone()).collect()
    };
    let (before, after) = (names(before), names(after));
    before.symmetric_difference(&after).cloned().collect()
}

/// The facts that are not as they were when the change set was approved.
///
/// A step that could not be previewed then is not held against what is seen of it now, but for what it
/// would destroy. A step that only reads is held against nothing but the program that it runs: it decides during
/// the run.
pub fn stale(approved: &ChangeSet, now: &ChangeSet) -> Vec<Delta> {
    let is_held = |about: &About| match about {
        About::Preview(name) => !approved.step(name).is_some_and(is_free),
        About::Program(name) => approved.step(name).is_some_and(is_seen),
        About::Plan | About::Step(_) | About::PartOf(_) => true,
    };
    let changed = changed_facts(approved, now).into_iter();
    let held = changed.filter(|(about, _)| is_held(about));
    held.map(|(_, delta)| delta).collect()
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

fn is_seen(step: &PlannedStep) -> bool {
    match &step.change {
        Change::Unseen { .. } => false,
        Change::Seen(_) => true,
    }
}

fn is_free(step: &PlannedStep) -> bool {
    match &step.change {
        Change::Unseen { .. } => true,
        Change::Seen(preview) => preview.effect == Effect::Read,
    }
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

/// A value as text. A text stands as it is, unless it could be taken for another value: `5`, `["a"]`.
fn words(value: &Value) -> String {
    match value {
        Value::String(text) if serde_json::from_str::<Value>(text).is_err() => text.clone(),
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => value.to_string(),
    }
}
