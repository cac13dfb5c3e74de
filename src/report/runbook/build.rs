//! From an instance to a runbook.

use std::collections::BTreeMap;

use salvor_contract::ActionKind;
use salvor_contract::ChosenPoint;
use salvor_contract::FileInput;
use salvor_contract::Secret;
use salvor_contract::StepName;
use salvor_contract::StoreName;
use salvor_contract::Values;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::diff::with_defaults;
use crate::graph::Graph;
use crate::model::instance::Instance;
use crate::model::instance::Store;
use crate::model::instance::StoreClass;
use crate::registry::Registry;
use crate::report::runbook::Runbook;
use crate::report::runbook::RunbookStep;
use crate::report::runbook::RunbookStore;
use crate::report::runbook::before::Before;
use crate::report::runbook::by_hand::ByHand;
use crate::report::runbook::by_hand::Said;
use crate::report::runbook::by_hand::details_of;
use crate::report::runbook::shell::words;
use crate::report::runbook::variables::Variables;
use crate::template;
use crate::template::Unknown;

/// Reads a file of the plan's folder.
pub type Files<'a> = &'a dyn Fn(&str) -> std::io::Result<String>;

/// Why a runbook cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("step `{step}`: {what}")]
pub struct RunbookError {
    /// The step.
    pub step: StepName,
    /// What is wrong with it.
    pub what: String,
}

impl Runbook {
    /// The runbook of a scenario. `points` are the recovery points that a change set chose; without them the
    /// commands name variables that the reader fills. `files` reads a file of the plan's folder.
    ///
    /// # Errors
    /// When a command cannot be made from a step's inputs.
    pub fn of(
        plan: &Instance,
        graph: &Graph,
        points: &BTreeMap<StoreName, ChosenPoint>,
        registry: &Registry,
        files: Files<'_>,
    ) -> Result<Self, RunbookError> {
        let writer = Writer::new(plan, graph, points, registry, files)?;
        let steps = graph.steps().iter().enumerate();
        let mut steps: Vec<RunbookStep> = steps
            .map(|(place, name)| writer.step(place + 1, name))
            .collect::<Result<_, RunbookError>>()?;
        let before = Before::of(plan, graph, &writer.variables, &mut steps, registry);
        Ok(Self {
            title: plan.title.clone(),
            scenario: match plan.scenario.title.as_str() {
                "" => format!("{} · {}", plan.plan, plan.scenario.name),
                title => format!("{} · {}: {title}", plan.plan, plan.scenario.name),
            },
            rpo: plan.scenario.rpo,
            rto: plan.scenario.rto,
            inputs: plan
                .inputs
                .iter()
                .map(|(name, value)| (name.to_owned(), plain(value)))
                .collect(),
            stores: plan.stores.keys().map(|name| writer.store(name)).collect(),
            before: before.set,
            secrets: before.secrets,
            steps,
        })
    }
}

struct Writer<'a> {
    plan: &'a Instance,
    graph: &'a Graph,
    points: &'a BTreeMap<StoreName, ChosenPoint>,
    registry: &'a Registry,
    files: Files<'a>,
    by_hand: ByHand,
    variables: Variables,
    facts: Value,
    /// The inputs of the steps, with variables for what is not known.
    inputs: BTreeMap<StepName, Values>,
}

impl<'a> Writer<'a> {
    fn new(
        plan: &'a Instance,
        graph: &'a Graph,
        points: &'a BTreeMap<StoreName, ChosenPoint>,
        registry: &'a Registry,
        files: Files<'a>,
    ) -> Result<Self, RunbookError> {
        let mut writer = Self {
            plan,
            graph,
            points,
            registry,
            files,
            by_hand: ByHand::new(),
            variables: Variables::default(),
            facts: facts(plan, points),
            inputs: BTreeMap::new(),
        };
        for (name, store) in plan.stores.iter().filter(|(_, store)| store.is_stated) {
            if let Some(point) = writer.stated(store)
                && !points.contains_key(name)
            {
                writer.facts["stores"][name.as_str()] = json!({ "point": point });
            }
        }
        for name in graph.steps() {
            let inputs = writer.rendered(&plan.steps[name].with);
            let inputs = inputs.map_err(|what| RunbookError {
                step: name.clone(),
                what,
            })?;
            writer.inputs.insert(name.clone(), inputs);
        }
        Ok(writer)
    }

    /// What an operator stated of a store's recovery point: its id, and its moment unless it is a window.
    fn stated(&self, store: &Store) -> Option<Map<String, Value>> {
        let with = self.rendered(&store.with).ok()?;
        let at = with.get("at").filter(|_| with.get("from").is_none());
        let facts = [("id", with.get("id").or(at)), ("at", at)];
        let point: Map<String, Value> = facts
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?.clone())))
            .collect();
        (!point.is_empty()).then_some(point)
    }

    fn rendered(&self, values: &Values) -> Result<Values, String> {
        let put = |unknown: Unknown<'_>| self.variables.slot(unknown.path, unknown.format);
        let mut rendered = Values::new();
        for (name, value) in values.iter() {
            let value = template::render_with_placeholders(value, &self.facts, &put)
                .map_err(|error| error.to_string())?;
            if !value.is_null() {
                rendered.set(name, value);
            }
        }
        Ok(rendered)
    }

    fn step(&self, number: usize, name: &StepName) -> Result<RunbookStep, RunbookError> {
        let step = &self.plan.steps[name];
        let wrong = |what: String| RunbookError {
            step: name.clone(),
            what,
        };
        let kind = self
            .registry
            .action(&step.action)
            .ok_or_else(|| wrong(format!("there is no action `{}`", step.action)))?;
        let values = self.values(name, kind).map_err(wrong)?;
        let (mut notes, mut commands) = (Vec::new(), Vec::new());
        for template in &kind.by_hand {
            match self.by_hand.said(template, &values).map_err(wrong)? {
                Some(Said::Note(note)) => notes.push(note),
                Some(Said::Command(command)) => commands.push(command),
                None => {}
            }
        }
        // A person's day is no deadline: what the plan gives is one.
        let deadline = (!kind.asks).then_some(kind.deadline);
        Ok(RunbookStep {
            number,
            name: name.to_string(),
            title: match step.title.as_str() {
                "" => name.to_string(),
                title => title.to_owned(),
            },
            summary: match kind.asks {
                true => "A person does this.".to_owned(),
                false => kind.summary.to_owned(),
            },
            needs: self.numbers(self.graph.needs(name)),
            after: self.numbers(self.graph.after(name)),
            finally: step.finally,
            destroys: step.destroys.as_deref().map(words),
            timeout: step.timeout.or(deadline),
            expect: step.expect,
            notes,
            commands,
            tells: Vec::new(),
        })
    }

    /// What the templates of a kind refer to.
    fn values(&self, name: &StepName, kind: &ActionKind) -> Result<Value, String> {
        let step = &self.plan.steps[name];
        let with = with_defaults(&self.inputs[name], Some(&kind.with));
        let provider = self.registry.provider(step.action.provider());
        let config = self.plan.providers.get(step.action.provider());
        let config = self.rendered(config.unwrap_or(&Values::new()))?;
        let config = with_defaults(&config, provider.map(|p| &p.description().config));
        let mut values = json!({
            "with": with,
            "config": config,
            "told": self.told(name),
            "files": self.files(&with, kind)?,
        });
        if let Some((_, store)) = &step.store {
            if let Some(declared) = self.plan.stores.get(store) {
                let of = declared.kind.as_ref();
                let of = of.and_then(|of| self.registry.store(of));
                let with = self.rendered(&declared.with)?;
                values["store"] = json!(with_defaults(&with, of.map(|of| &of.with)));
                values["kind"] = json!(declared.kind);
            }
            values["point"] = self.point(store, kind);
        }
        Ok(values)
    }

    fn point(&self, store: &StoreName, kind: &ActionKind) -> Value {
        if let Some(chosen) = self.points.get(store) {
            return json!({
                "id": chosen.point.id,
                "at": chosen.at,
                "title": chosen.point.title,
                "details": chosen.point.details,
            });
        }
        let put = |name: &str| {
            let path = ["stores", store.as_str(), "point", name].map(str::to_owned);
            Value::String(self.variables.slot(&path, None))
        };
        let details = details_of(&kind.by_hand).into_iter();
        let details: Map<String, Value> = details.map(|name| (name.clone(), put(&name))).collect();
        json!({ "is-open": true, "id": put("id"), "at": put("at"), "details": details })
    }

    /// The variables of those outputs of a step that later steps take.
    fn told(&self, step: &StepName) -> Map<String, Value> {
        let all = self.variables.all().into_iter();
        let told = all.filter_map(|(variable, fact)| match fact.names().as_slice() {
            ["steps", of, output] if *of == step.as_str() && fact.format.is_none() => {
                Some(((*output).to_owned(), Value::String(variable)))
            }
            _ => None,
        });
        told.collect()
    }

    /// The texts of the plan's files that a step reads, by the input that names each.
    fn files(&self, with: &Values, kind: &ActionKind) -> Result<Map<String, Value>, String> {
        let mut texts = Map::new();
        for file in &kind.files {
            if let (FileInput::Path(input), Some(path)) = (file, file.path(with)) {
                let text = (self.files)(path).map_err(|error| format!("{path}: {error}"))?;
                texts.insert((*input).to_owned(), Value::String(text));
            }
        }
        Ok(texts)
    }

    fn store(&self, name: &StoreName) -> RunbookStore {
        let store = &self.plan.stores[name];
        let class = match store.class {
            StoreClass::Authoritative => "authoritative",
            StoreClass::Replicated => "replicated",
            StoreClass::Rebuildable => "rebuildable",
            StoreClass::Ephemeral => "ephemeral",
            StoreClass::External => "external",
            StoreClass::InGit => "in version control",
            StoreClass::Key => "key",
        };
        let restores = |step: &&StepName| {
            let about = self.plan.steps[*step].store.as_ref();
            about.is_some_and(|(_, of)| of == name)
        };
        RunbookStore {
            name: name.to_string(),
            title: store.title.clone(),
            class: match &store.why {
                Some(why) => format!("{class}: {why}"),
                None => class.to_owned(),
            },
            place: place_of(self.plan, name, self.registry).unwrap_or_default(),
            restored_by: self.numbers(self.graph.steps().iter().filter(restores).collect()),
        }
    }

    fn numbers(&self, names: Vec<&StepName>) -> Vec<usize> {
        let place = |name: &StepName| self.graph.steps().iter().position(|step| step == name);
        names
            .into_iter()
            .filter_map(place)
            .map(|place| place + 1)
            .collect()
    }
}

/// Where the backups of a store are, as its kind identifies it.
pub(super) fn place_of(plan: &Instance, name: &StoreName, registry: &Registry) -> Option<String> {
    let store = &plan.stores[name];
    let kind = registry.store(store.kind.as_ref()?)?;
    let template = kind.identity.first()?;
    let nothing = Values::new();
    let provider = store.kind.as_ref()?.provider();
    let config = plan.providers.get(provider).unwrap_or(&nothing);
    Some(template.fill(&store.with, None, config).name)
}

fn facts(plan: &Instance, points: &BTreeMap<StoreName, ChosenPoint>) -> Value {
    let stores: serde_json::Map<String, Value> = points
        .iter()
        .map(|(name, point)| (name.to_string(), crate::diff::point_facts(point)))
        .collect();
    json!({
        "inputs": plan.inputs,
        "tables": plan.tables,
        "stores": stores,
        "steps": {},
        "run": { "scenario": plan.scenario.name },
    })
}

/// A value for people; of a secret, where it is to be found.
fn plain(value: &Value) -> String {
    match (value, serde_json::from_value::<Secret>(value.clone())) {
        (Value::Object(_), Ok(secret)) => secret.to_string(),
        (Value::String(text), _) => text.clone(),
        (Value::Null, _) => "not given".to_owned(),
        (other, _) => other.to_string(),
    }
}
