//! Whether what a change set was derived from still holds: two change sets in, differences out. Pure, but for the
//! look at the files that a run still reads.
//!
//! Apply looks at the world again with everything pinned ([`crate::recovery_points::Request::again`]) and
//! compares. What moves by itself does not count: the end of a window, a newer backup, the time.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use salvor_contract::Effect;
use salvor_contract::StepName;
use serde_json::Value;

use crate::change_set::Change;
use crate::change_set::ChangeSet;
use crate::change_set::Choice;
use crate::change_set::PlannedStep;
use crate::change_set::files;
use crate::digest::Digest;
use crate::recovery_points::moment_words;

/// What a change set was derived from, each fact under a name that a person can read.
pub type Observed = BTreeMap<String, String>;

/// One fact that is not as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    facts.insert(
        format!("step {name}"),
        Digest::of_value(&declared(step)).short().to_owned(),
    );
    for destroyed in &step.confirm {
        let fact = format!("destroyed by {name}: {}", destroyed.fingerprint);
        facts.insert(fact, "to be confirmed".to_owned());
    }
    for (path, digest) in &step.files {
        facts.insert(file_of(path, name), digest.short().to_owned());
    }
    match &step.change {
        Change::Seen(preview) => {
            facts.insert(preview_of(step), effect_words(preview.effect).to_owned());
            for (fact, value) in preview.facts.iter() {
                facts.insert(format!("{}: {fact}", preview_of(step)), words(value));
            }
        }
        Change::Unseen { why, .. } => {
            facts.insert(preview_of(step), format!("not seen: {why}"));
        }
    }
}

/// What a step is by the plan: everything but what was looked up in the world.
fn declared(step: &PlannedStep) -> impl serde::Serialize + '_ {
    (
        (&step.action, &step.with, &step.config, &step.class),
        (&step.needs, &step.after, step.finally, step.on_failure),
        (&step.writes, &step.store, step.deadline),
    )
}

/// The facts that are not as they were when the change set was approved.
///
/// A step that could not be previewed then is not held against what is seen of it now, but for what it
/// would destroy. A step that only reads is held against nothing: it decides during the run.
pub fn stale(approved: &ChangeSet, now: &ChangeSet) -> Vec<Delta> {
    let before = observed(approved);
    let after = observed(now);
    let free: BTreeSet<String> = approved
        .steps
        .iter()
        .filter(|step| is_free(step))
        .map(preview_of)
        .collect();
    // A step's name holds no colon, so what stands before the first one is the whole of `preview of NAME`.
    let is_free = |fact: &str| {
        fact.split(": ")
            .next()
            .is_some_and(|start| free.contains(start))
    };
    let mut facts: Vec<&String> = before.keys().chain(after.keys()).collect();
    facts.sort();
    facts.dedup();
    let changed = facts
        .into_iter()
        .filter(|fact| before.get(*fact) != after.get(*fact) && !is_free(fact));
    let deltas = changed.map(|fact| Delta {
        fact: fact.clone(),
        before: before.get(fact).cloned(),
        after: after.get(fact).cloned(),
    });
    deltas.collect()
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

fn preview_of(step: &PlannedStep) -> String {
    format!("preview of {}", step.name)
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
