//! What a reader must know about steps: one line for each thing to know, with all the steps that it is about. Pure.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use salvor_contract::ActionKind;
use salvor_contract::Afterwards;
use salvor_contract::Judged;
use salvor_contract::StepName;

use crate::change_set::Warning;
use crate::diff::draft::Draft;
use crate::registry::Registry;
use crate::template::as_written;

/// One thing to know about one step.
pub(super) struct StepWarning {
    /// `trap` or `refused`.
    pub about: &'static str,
    /// The step.
    pub step: StepName,
    /// What it is, without the step's name.
    pub what: String,
}

impl StepWarning {
    /// A refusal that no step of the run can make good.
    pub(super) fn stands(mut self) -> Self {
        self.what
            .push_str("; no step before it changes anything, so the run will be refused the same");
        self
    }
}

/// The traps of a step's action that its inputs, and those of its store, step into.
pub(super) fn traps(
    registry: &Registry,
    step: &StepName,
    kind: &ActionKind,
    draft: &Draft,
    after: Afterwards,
) -> Vec<StepWarning> {
    let store = draft.store.as_ref();
    let with = as_written(&draft.with);
    let judged = Judged {
        takes: &kind.with,
        with: &with,
        store: store.and_then(|store| Some((registry.store(&store.kind)?, &store.with))),
        after,
    };
    let met = kind.traps.iter().filter(|trap| trap.when.holds(judged));
    met.map(|trap| StepWarning {
        about: "trap",
        step: step.clone(),
        what: format!("{}: {} ({})", trap.message, trap.advice, trap.source),
    })
    .collect()
}

/// Equal ones as one, in the order of their words.
pub(super) fn grouped(warnings: Vec<StepWarning>) -> Vec<Warning> {
    let mut steps: BTreeMap<(&'static str, String), BTreeSet<StepName>> = BTreeMap::new();
    for StepWarning { about, step, what } in warnings {
        steps.entry((about, what)).or_default().insert(step);
    }
    let mut grouped: Vec<Warning> = steps
        .into_iter()
        .map(|((about, what), steps)| {
            let names: Vec<String> = steps.iter().map(|step| format!("`{step}`")).collect();
            Warning {
                about: about.to_owned(),
                message: format!("{}: {what}", names.join(", ")),
            }
        })
        .collect();
    grouped.sort_by(|one, other| one.message.cmp(&other.message));
    grouped
}
