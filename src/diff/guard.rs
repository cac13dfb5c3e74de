//! What is destroyed must be known, opted into by the plan and confirmed; two steps must not write one thing in
//! an order that chance decides. Pure.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use salvor_contract::ActionKind;
use salvor_contract::Destroyed;
use salvor_contract::Destroys;
use salvor_contract::Effect;
use salvor_contract::Identity;
use salvor_contract::StepName;

use crate::change_set::Change;
use crate::change_set::PlannedStep;
use crate::diff::commission::DiffProblem;
use crate::diff::commission::Subject;
use crate::diff::draft::Draft;
use crate::digest::Digest;
use crate::graph::Graph;
use crate::model::instance::Step;

/// What the steps so far do to what: for each step its effect, for each identity its writers.
#[derive(Default)]
pub(super) struct Ledger {
    effects: BTreeMap<StepName, Effect>,
    writers: BTreeMap<Identity, Vec<StepName>>,
}

impl Ledger {
    /// Records a step of which the change is settled.
    pub(super) fn add(&mut self, step: &StepName, change: &Change, writes: &[Identity]) {
        self.effects.insert(step.clone(), effect_of(change));
        for identity in writes {
            self.writers
                .entry(identity.clone())
                .or_default()
                .push(step.clone());
        }
    }

    /// True when a step so far writes something of this name.
    pub(super) fn is_written(&self, name: &str) -> bool {
        self.writers.keys().any(|identity| identity.name == name)
    }

    /// True when a step that runs before `step` may change something, a person among them.
    pub(super) fn is_changed_before(&self, graph: &Graph, step: &StepName) -> bool {
        let is_change = |name: &StepName| {
            let effect = self.effects.get(name);
            effect.is_some_and(|effect| !matches!(effect, Effect::Read | Effect::Nothing))
        };
        let mut seen = BTreeSet::new();
        let mut open = vec![step];
        while let Some(step) = open.pop() {
            for before in graph.needs(step).into_iter().chain(graph.after(step)) {
                if is_change(before) {
                    return true;
                }
                if seen.insert(before) {
                    open.push(before);
                }
            }
        }
        false
    }

    /// The step before `step` that makes one of these identities anew, so that what is there now says nothing
    /// about what `step` will meet.
    fn maker(
        &self,
        graph: &Graph,
        step: &StepName,
        of: &[Identity],
        is_made: impl Fn(Effect) -> bool,
    ) -> Option<&StepName> {
        let writers = of
            .iter()
            .filter_map(|identity| self.writers.get(identity))
            .flatten();
        writers
            .filter(|writer| {
                self.effects
                    .get(*writer)
                    .is_some_and(|effect| is_made(*effect))
            })
            .find(|writer| graph.is_before(writer, step))
    }

    /// Why a step cannot be previewed before an earlier one ran.
    pub(super) fn made_before(
        &self,
        graph: &Graph,
        step: &StepName,
        kind: &ActionKind,
        draft: &Draft,
    ) -> Option<String> {
        let made = |effect| effect == Effect::Create;
        if let Some(maker) = self.maker(graph, step, &draft.writes, made) {
            return Some(format!("(made by {maker})"));
        }
        let changed = |effect| matches!(effect, Effect::Create | Effect::Replace);
        if let Some(maker) = self.maker(graph, step, &draft.reads, changed) {
            return Some(format!("(made by {maker})"));
        }
        // What may destroy is looked at in any case: that an earlier step changes its target as well does not
        // make what is there less worth confirming.
        if kind.destroys.is_possible(&draft.with) {
            return None;
        }
        let changed = |effect| matches!(effect, Effect::Change | Effect::Replace | Effect::Delete);
        let maker = self.maker(graph, step, &draft.writes, changed)?;
        Some(format!("(changed by {maker} first)"))
    }

    /// True when the target of a step, or what it lies in, comes into being in this very run.
    fn is_made_here(&self, graph: &Graph, step: &StepName, draft: &Draft) -> bool {
        let made = |effect| effect == Effect::Create;
        let is_of_new = |path: &Vec<String>| match path.as_slice() {
            [root, source, ..] if root == "steps" => self
                .effects
                .get(source.as_str())
                .is_some_and(|effect| made(*effect)),
            _ => false,
        };
        // A database on a server that this run makes cannot be there yet, whether or not the server's address can
        // be told beforehand.
        if !draft.target_given_by.is_empty() && draft.target_given_by.iter().all(is_of_new) {
            return true;
        }
        draft.target_waits_for.is_empty()
            && self
                .maker(graph, step, draft.writes.get(..1).unwrap_or_default(), made)
                .is_some()
    }

    /// Pairs of steps that write the same thing and of which none waits for the other.
    ///
    /// In the order of the run it is enough to look at neighbours: when each waits for the one before it, all do.
    pub(super) fn races(&self, graph: &Graph) -> Vec<DiffProblem> {
        let order: BTreeMap<&StepName, usize> = graph
            .steps()
            .iter()
            .enumerate()
            .map(|(place, name)| (name, place))
            .collect();
        let mut found = BTreeSet::new();
        for (identity, writers) in &self.writers {
            let mut writers: Vec<&StepName> = writers
                .iter()
                .filter(|step| {
                    let effect = self.effects.get(*step);
                    effect
                        .is_some_and(|e| !matches!(e, Effect::Read | Effect::Nothing | Effect::Ask))
                })
                .collect();
            writers.sort_by_key(|step| order.get(step));
            writers.dedup();
            for pair in writers.windows(2) {
                if !graph.is_before(pair[0], pair[1]) {
                    found.insert((pair[1].clone(), pair[0].clone(), identity.clone()));
                }
            }
        }
        let problems = found
            .into_iter()
            .map(|(later, earlier, identity)| DiffProblem {
                hint: Some(format!(
                    "add `after = [\"{earlier}\"]` to `{later}`, or give one of them another target"
                )),
                what: format!(
                    "writes {identity} like `{earlier}`, and neither waits for the other"
                ),
                subject: Subject::Step(later),
            });
        problems.collect()
    }
}

/// The effect of a change, as far as it is known.
pub(super) fn effect_of(change: &Change) -> Effect {
    match change {
        Change::Seen(preview) => preview.effect,
        Change::Unseen { effect, .. } => *effect,
    }
}

/// What must be confirmed before a step is performed, or why that cannot be known.
pub(super) fn confirmed(
    ledger: &Ledger,
    graph: &Graph,
    name: &StepName,
    step: &Step,
    kind: &ActionKind,
    draft: &Draft,
    change: &Change,
) -> Result<Vec<Destroyed>, DiffProblem> {
    let problem = |what: String, hint: String| DiffProblem {
        subject: Subject::Step(name.clone()),
        what,
        hint: Some(hint),
    };
    match change {
        Change::Seen(preview) if !preview.destroys.is_empty() => {
            if step.destroys.is_some() {
                return Ok(preview.destroys.clone());
            }
            let what: Vec<&str> = preview
                .destroys
                .iter()
                .map(|one| one.what.as_str())
                .collect();
            Err(problem(
                format!("destroys what the plan does not allow: {}", what.join("; ")),
                "add `destroys = \"WHAT\"` to the step if that is meant, or give it a new target"
                    .to_owned(),
            ))
        }
        // What the preview could not tell is asked again before the operation is sent, and refused then.
        Change::Unseen { why, .. } if kind.destroys.is_possible(&step.with) => {
            if ledger.is_made_here(graph, name, draft) {
                return Ok(Vec::new());
            }
            Err(problem(
                format!(
                    "may destroy what is there, and that cannot be known before the run: {why}"
                ),
                "give it a target that is known now, or one that an earlier step of this run makes"
                    .to_owned(),
            ))
        }
        Change::Seen(_) | Change::Unseen { .. } => Ok(declared(name, step, kind, draft)),
    }
}

/// What a step destroys by the plan's own words, when its kind cannot know: a chart that clears data, a script.
fn declared(name: &StepName, step: &Step, kind: &ActionKind, draft: &Draft) -> Vec<Destroyed> {
    match (&step.destroys, kind.destroys) {
        (Some(what), Destroys::Never) => {
            let digest = Digest::of_value(&(name, what, &draft.writes, &draft.with));
            let digits = digest.as_str().get(..6).unwrap_or_default();
            vec![Destroyed {
                what: what.clone(),
                fingerprint: format!("{name}/{digits}"),
            }]
        }
        (Some(_), Destroys::IfPresent | Destroys::IfPresentWhen(_, _)) | (None, _) => Vec::new(),
    }
}

/// A fingerprint confirms one thing: two steps that destroy different things must not share it.
pub(super) fn shared_fingerprints(steps: &[PlannedStep]) -> Vec<DiffProblem> {
    let mut seen: BTreeMap<&str, (&str, &StepName)> = BTreeMap::new();
    let mut problems = Vec::new();
    for step in steps {
        for destroyed in &step.confirm {
            match seen.get(destroyed.fingerprint.as_str()) {
                Some((what, other)) if *what != destroyed.what && *other != &step.name => {
                    problems.push(DiffProblem {
                        subject: Subject::Step(step.name.clone()),
                        what: format!(
                            "has the fingerprint {} like `{other}`, and destroys something else",
                            destroyed.fingerprint
                        ),
                        hint: None,
                    });
                }
                Some(_) => {}
                None => {
                    seen.insert(&destroyed.fingerprint, (&destroyed.what, &step.name));
                }
            }
        }
    }
    problems
}
