//! What can be said of a step without asking its provider: its inputs as far as they are known, what it reads
//! and writes, and whether a preview makes sense.

use std::collections::BTreeSet;

use salvor_contract::ActionKind;
use salvor_contract::Class;
use salvor_contract::Fields;
use salvor_contract::Identity;
use salvor_contract::IdentityTemplate;
use salvor_contract::Operation;
use salvor_contract::OperationId;
use salvor_contract::RunId;
use salvor_contract::StepName;
use salvor_contract::StoreRequest;
use salvor_contract::Values;
use serde_json::Value;

use crate::change_set::Choice;
use crate::change_set::PointSource;
use crate::change_set::StoreSelection;
use crate::diff::facts::known_after;
use crate::diff::facts::no_point_yet;
use crate::diff::facts::render_known;
use crate::model::instance::Instance;
use crate::model::instance::Step;
use crate::model::instance::StoreRole;
use crate::registry::Registry;
use crate::survey::request_of;
use crate::template;
use crate::template::TemplateError;

/// A step before its preview.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Draft {
    /// Inputs as the change set keeps them: what earlier steps give stays a template, also where a preview
    /// knows it already, since what the step really gives is what must be used.
    pub with: Values,
    /// Inputs as a preview takes them, or why it cannot.
    pub preview_with: Result<Values, String>,
    /// The idempotency class.
    pub class: Class,
    /// The store that it is about.
    pub store: Option<StoreRequest>,
    /// Its recovery point.
    pub point: PointSource,
    /// What it reads, as far as it is known.
    pub reads: Vec<Identity>,
    /// What it writes, as far as it is known.
    pub writes: Vec<Identity>,
    /// What must become known before its target is; empty when the target is known.
    pub target_waits_for: BTreeSet<Vec<String>>,
    /// What of earlier steps names its target, also where a preview knows it already.
    pub target_given_by: BTreeSet<Vec<String>>,
    /// The provider's configuration.
    pub config: Values,
}

/// Drafts a step. `fixed` are the facts that the change set fixes, `known` these and what previews know.
pub(super) fn draft(
    plan: &Instance,
    registry: &Registry,
    step: &Step,
    kind: &ActionKind,
    selections: &[StoreSelection],
    fixed: &Value,
    known: &Value,
) -> Result<Draft, TemplateError> {
    let with = rendered(&step.with, fixed)?;
    let seen = rendered(&step.with, known)?;
    let config = plan
        .providers
        .get(step.action.provider())
        .cloned()
        .unwrap_or_default();
    let store = step
        .store
        .as_ref()
        .and_then(|(_, store)| request_of(plan, store));
    let (point, no_point) = point_of(step, selections);
    let mut waits: BTreeSet<Vec<String>> = seen
        .iter()
        .flat_map(|(_, value)| template::references(value))
        .collect();
    let placed = placed(&seen, known, selections)?;
    let preview_with = match no_point {
        Some(why) => Err(why),
        None if waits.is_empty() || kind.previews_unknown => Ok(placed),
        None => {
            let words: BTreeSet<String> = std::mem::take(&mut waits)
                .iter()
                .map(|path| known_after(path, selections))
                .collect();
            Err(words.into_iter().collect::<Vec<String>>().join(", "))
        }
    };
    let filled = with_defaults(&seen, Some(&kind.with));
    let provider = registry.provider(step.action.provider());
    let filled_config = with_defaults(&config, provider.map(|p| &p.description().config));
    let filled_store = store.as_ref().map(|store| {
        with_defaults(
            &store.with,
            registry.store(&store.kind).map(|kind| &kind.with),
        )
    });
    let identities = |templates: &[IdentityTemplate]| -> Vec<Identity> {
        let known = templates
            .iter()
            .filter(|template| waits_of(template, &filled).is_empty());
        known
            .map(|template| template.fill(&filled, filled_store.as_ref(), &filled_config))
            .collect()
    };
    let reads = identities(&kind.reads);
    let writes = identities(&kind.writes);
    let of_target = |values: &Values| {
        let target = kind.writes.first();
        target.map_or_else(BTreeSet::new, |template| waits_of(template, values))
    };
    let target_waits_for = of_target(&filled);
    let target_given_by = of_target(&with);
    Ok(Draft {
        class: kind.idempotency.class(&filled),
        with,
        preview_with,
        store,
        point,
        reads,
        writes,
        target_waits_for,
        target_given_by,
        config,
    })
}

impl Draft {
    /// The operation that a preview is asked for. Ids are placeholders: there is no run yet.
    pub(super) fn operation(&self, name: &StepName, step: &Step, with: Values) -> Operation {
        Operation {
            id: OperationId::new("preview"),
            mark: OperationId::new("preview"),
            run: RunId::new("preview"),
            step: name.clone(),
            attempt: 1,
            token: 0,
            action: step.action.clone(),
            with,
            config: self.config.clone(),
            store: self.store.clone(),
            point: match &self.point {
                PointSource::Pinned(point) => Some(point.clone()),
                PointSource::None | PointSource::Later(_) => None,
            },
            service_name: None,
            answer: None,
        }
    }
}

/// Inputs with what is known rendered. One that was left out (`null`) is left out.
fn rendered(with: &Values, facts: &Value) -> Result<Values, TemplateError> {
    let values = with
        .iter()
        .map(|(name, value)| match render_known(value, facts) {
            Ok(value) => Ok((name.to_owned(), value)),
            Err(error) => Err(TemplateError {
                place: name.to_owned(),
                ..error
            }),
        });
    let values = values.collect::<Result<Vec<(String, Value)>, TemplateError>>()?;
    Ok(values
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .collect())
}

fn placed(
    with: &Values,
    known: &Value,
    selections: &[StoreSelection],
) -> Result<Values, TemplateError> {
    let words = |unknown: template::Unknown<'_>| known_after(unknown.path, selections);
    let values = with.iter().map(|(name, value)| {
        let value = template::render_with_placeholders(value, known, &words)?;
        Ok((name.to_owned(), value))
    });
    values.collect()
}

/// The point of a step, and why there is none yet for a step that needs one.
fn point_of(step: &Step, selections: &[StoreSelection]) -> (PointSource, Option<String>) {
    let Some((StoreRole::Restore | StoreRole::Verify, store)) = &step.store else {
        return (PointSource::None, None);
    };
    let selection = selections
        .iter()
        .find(|selection| &selection.store == store);
    match selection.map(|selection| &selection.choice) {
        Some(Choice::Restore(point)) => (PointSource::Pinned(point.clone()), None),
        Some(Choice::Later(rule)) => (
            PointSource::Later(rule.clone()),
            Some(no_point_yet(store, selections)),
        ),
        Some(Choice::Leave | Choice::Impossible) | None => {
            (PointSource::None, Some(no_point_yet(store, selections)))
        }
    }
}

/// Values with the defaults for those that were left out: an identity must not depend on whether a default is
/// written down.
pub fn with_defaults(values: &Values, takes: Option<&Fields>) -> Values {
    let mut filled = values.clone();
    for field in takes.into_iter().flat_map(Fields::iter) {
        if let (None, Some(default)) = (values.get(&field.name), &field.default) {
            filled.set(field.name.clone(), default.clone());
        }
    }
    filled
}

/// The facts that an identity's name still waits for.
fn waits_of(template: &IdentityTemplate, with: &Values) -> BTreeSet<Vec<String>> {
    let inputs = template.inputs();
    let values = inputs.iter().filter_map(|input| with.get(input));
    values.flat_map(template::references).collect()
}
