//! What has to be known before the first command is typed, and what each step leaves for later ones.

use std::collections::BTreeSet;

use salvor_contract::Secret;
use salvor_contract::StepName;
use salvor_contract::StoreName;
use salvor_contract::secret::SecretPart;
use salvor_contract::secret::SecretReference;

use crate::graph::Graph;
use crate::model::instance::Instance;
use crate::registry::Registry;
use crate::report::runbook::Assignment;
use crate::report::runbook::RunbookStep;
use crate::report::runbook::build::place_of;
use crate::report::runbook::shell::quoted;
use crate::report::runbook::shell::words;
use crate::report::runbook::variables::Fact;
use crate::report::runbook::variables::Variables;
use crate::report::runbook::variables::demanded;
use crate::report::runbook::variables::is_assigned;
use crate::report::runbook::variables::used;

/// What the reader sets, and the secrets that the environment has.
pub(super) struct Before {
    pub(super) set: Vec<Assignment>,
    pub(super) secrets: Vec<(String, String)>,
}

impl Before {
    /// Places each variable that is used: in the step that makes it known, else before all of them.
    pub(super) fn of(
        plan: &Instance,
        graph: &Graph,
        variables: &Variables,
        steps: &mut [RunbookStep],
        registry: &Registry,
    ) -> Self {
        let texts: Vec<String> = steps.iter().map(text).collect();
        let texts = texts.concat();
        let wanted = used(&texts);
        let mut known = BTreeSet::new();
        let mut set = Vec::new();
        for (variable, fact) in variables.all() {
            if !wanted.contains(&variable) {
                continue;
            }
            known.insert(variable.clone());
            let assignment = Assignment {
                value: value(&fact),
                help: help(&fact, plan, registry),
                variable,
            };
            let step = behind(&fact, plan)
                .filter(|step| graph.contains(step))
                .and_then(|step| steps.iter_mut().find(|other| other.name == step.as_str()));
            match step {
                None => set.push(assignment),
                Some(step) => {
                    let commands = step.commands.iter();
                    if !commands
                        .clone()
                        .any(|text| is_assigned(text, &assignment.variable))
                    {
                        step.tells.push(assignment);
                    }
                }
            }
        }
        let secrets = demanded(&texts).into_iter();
        let secrets = secrets.filter(|name| !known.contains(name) && !is_assigned(&texts, name));
        Self {
            set,
            secrets: secrets
                .map(|name| {
                    let what = secret(&name, plan);
                    (name, what)
                })
                .collect(),
        }
    }
}

/// All that a step says.
fn text(step: &RunbookStep) -> String {
    let said = step
        .notes
        .iter()
        .chain(&step.commands)
        .chain(&step.destroys);
    said.map(|text| format!("{text}\n")).collect()
}

/// The step that makes a fact known.
fn behind(fact: &Fact, plan: &Instance) -> Option<StepName> {
    match fact.names().as_slice() {
        ["steps", step, ..] => Some(StepName::new(*step)),
        ["stores", store, ..] => {
            let store = plan.stores.get(&StoreName::new(*store))?;
            store.known_after.clone()
        }
        _ => None,
    }
}

fn value(fact: &Fact) -> String {
    match (fact.names().as_slice(), &fact.format) {
        (["run", "id"], _) => "by-hand-$(date -u +%Y%m%d%H%M%S)".to_owned(),
        (["run", "started"], format) => {
            let format = format.as_deref().unwrap_or("%Y-%m-%dT%H:%M:%SZ");
            format!("$(date -u {})", quoted(&format!("+{format}")))
        }
        _ => String::new(),
    }
}

fn help(fact: &Fact, plan: &Instance, registry: &Registry) -> String {
    let as_written = |example: &str| match &fact.format {
        Some(format) => format!("as {format}"),
        None => format!("as {example}"),
    };
    match fact.names().as_slice() {
        ["run", "id"] => "a name that no other recovery has".to_owned(),
        ["run", "started"] => format!("when the recovery began, {}", as_written("it is here")),
        ["steps", step, rest @ ..] => {
            let help = output_help(step, rest, plan, registry);
            match &fact.format {
                Some(format) => format!("{help} In UTC, as {format}"),
                None => help,
            }
        }
        ["stores", store, "point", "at"] => format!(
            "the moment to which {store} is brought back, {}",
            as_written("2026-04-06T01:30:00+00:00")
        ),
        ["stores", store, "point", name] => {
            let place = place_of(plan, &StoreName::new(*store), registry);
            let place = place.filter(|place| !place.is_empty());
            let place = place.map_or_else(String::new, |place| format!("; {}", words(&place)));
            format!("{name} of the recovery point of {store} that is restored{place}")
        }
        other => other.join("."),
    }
}

fn output_help(step: &str, rest: &[&str], plan: &Instance, registry: &Registry) -> String {
    let kind = plan.steps.get(&StepName::new(step));
    let kind = kind.and_then(|step| registry.action(&step.action));
    let output = kind.into_iter().flat_map(|kind| &kind.outputs);
    let mut output = output.filter(|output| rest.first() == Some(&output.name));
    let help = output.next().map_or("", |output| output.help);
    match rest {
        [_] | [] => help.to_owned(),
        [_, inside @ ..] => format!("{help} Of it: {}", inside.join(".")),
    }
}

/// What a secret of the environment is, by the inputs that refer to it.
fn secret(name: &str, plan: &Instance) -> String {
    let refers = |value: &serde_json::Value| {
        let secret: Option<Secret> = serde_json::from_value(value.clone()).ok();
        secret.is_some_and(|secret| {
            secret.parts().iter().any(|part| match part {
                SecretPart::From(SecretReference::Environment(of)) => of == name,
                SecretPart::From(SecretReference::File(_)) | SecretPart::Text(_) => false,
            })
        })
    };
    let input = plan.inputs.iter().find(|(_, value)| refers(value));
    input.map_or_else(
        || "a secret".to_owned(),
        |(input, _)| format!("a secret: the input {input}"),
    )
}
