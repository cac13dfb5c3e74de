//! From an instance to a runbook.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use salvor_contract::ActionKind;
use salvor_contract::ChosenPoint;
use salvor_contract::Secret;
use salvor_contract::StepName;
use salvor_contract::StoreName;
use salvor_contract::Values;
use serde_json::Value;
use serde_json::json;

use crate::diff::with_defaults;
use crate::graph::Graph;
use crate::model::instance::Instance;
use crate::model::instance::Step;
use crate::model::instance::StoreClass;
use crate::registry::Registry;
use crate::report::runbook::Runbook;
use crate::report::runbook::RunbookStep;
use crate::report::runbook::RunbookStore;
use crate::report::runbook::by_hand::ByHand;
use crate::report::runbook::by_hand::Said;
use crate::report::runbook::by_hand::details_of;
use crate::report::runbook::shell::named;
use crate::report::runbook::shell::slot;
use crate::report::runbook::shell::variable;
use crate::report::runbook::shell::words;
use crate::template;

/// Why a runbook cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("step `{step}`: {what}")]
pub struct RunbookError {
    /// The step.
    pub step: StepName,
    /// What is wrong with it.
    pub what: String,
}

/// What steps give to later ones: the outputs that anything of the run refers to.
type Told = BTreeMap<StepName, BTreeSet<Vec<String>>>;

impl Runbook {
    /// The runbook of a scenario. `points` are the recovery points that a change set chose; without them the
    /// commands name variables that the reader fills.
    ///
    /// # Errors
    /// When a command cannot be made from a step's inputs.
    pub fn of(
        plan: &Instance,
        graph: &Graph,
        points: &BTreeMap<StoreName, ChosenPoint>,
        registry: &Registry,
    ) -> Result<Self, RunbookError> {
        let writer = Writer {
            plan,
            graph,
            points,
            registry,
            by_hand: ByHand::new(),
            facts: facts(plan, points),
            told: told(plan, graph),
        };
        let steps = graph.steps().iter().enumerate();
        let steps: Vec<RunbookStep> = steps
            .map(|(place, name)| writer.step(place + 1, name))
            .collect::<Result<_, RunbookError>>()?;
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
            steps,
        })
    }
}

struct Writer<'a> {
    plan: &'a Instance,
    graph: &'a Graph,
    points: &'a BTreeMap<StoreName, ChosenPoint>,
    registry: &'a Registry,
    by_hand: ByHand,
    facts: Value,
    told: Told,
}

impl Writer<'_> {
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
        let values = self.values(step, kind).map_err(wrong)?;
        let (mut notes, mut commands) = (Vec::new(), Vec::new());
        for template in &kind.by_hand {
            match self.by_hand.said(template, &values).map_err(wrong)? {
                Some(Said::Note(note)) => notes.push(note),
                Some(Said::Command(command)) => commands.push(command),
                None => {}
            }
        }
        Ok(RunbookStep {
            number,
            name: name.to_string(),
            title: if step.title.is_empty() {
                name.to_string()
            } else {
                step.title.clone()
            },
            summary: kind.summary.to_owned(),
            needs: self.numbers(self.graph.needs(name)),
            finally: step.finally,
            destroys: step.destroys.as_deref().map(words),
            timeout: step.timeout.or(Some(kind.deadline)),
            expect: step.expect,
            wants: self.wants(step, kind),
            notes,
            commands,
            tells: self.tells(name, kind),
        })
    }

    /// What the templates of a kind refer to.
    fn values(&self, step: &Step, kind: &ActionKind) -> Result<Value, String> {
        let rendered = |with: &Values| -> Result<Values, String> {
            let mut values = Values::new();
            for (name, value) in with.iter() {
                let put = |path: &[String]| slot(&variable(path));
                let value = template::render_with_placeholders(value, &self.facts, &put)
                    .map_err(|error| error.to_string())?;
                if !value.is_null() {
                    values.set(name, value);
                }
            }
            Ok(values)
        };
        let with = with_defaults(&rendered(&step.with)?, Some(&kind.with));
        let provider = self.registry.provider(step.action.provider());
        let config = self.plan.providers.get(step.action.provider());
        let config = rendered(config.unwrap_or(&Values::new()))?;
        let config = with_defaults(&config, provider.map(|p| &p.description().config));
        let mut values = json!({ "with": with, "config": config });
        if let Some((_, store)) = &step.store {
            if let Some(declared) = self.plan.stores.get(store) {
                values["store"] = json!(rendered(&declared.with)?);
            }
            values["point"] = match self.points.get(store) {
                Some(chosen) => json!({
                    "id": chosen.point.id,
                    "at": chosen.at,
                    "title": chosen.point.title,
                    "details": chosen.point.details,
                }),
                None => {
                    let details = details_of(&kind.by_hand).into_iter();
                    let put = |name: String| {
                        let path = detail_path(store, &name);
                        (name, Value::String(slot(&named(&path))))
                    };
                    json!({ "details": details.map(put).collect::<serde_json::Map<_, _>>() })
                }
            };
        }
        Ok(values)
    }

    /// What has to be looked up before the step: the parts of a recovery point that nobody chose yet.
    fn wants(&self, step: &Step, kind: &ActionKind) -> Vec<(String, String)> {
        let Some((_, store)) = &step.store else {
            return Vec::new();
        };
        if self.points.contains_key(store) {
            return Vec::new();
        }
        let details = details_of(&kind.by_hand).into_iter();
        details
            .map(|name| {
                let help = format!("{name} of the recovery point of {store} that is restored");
                (named(&detail_path(store, &name)), help)
            })
            .collect()
    }

    fn tells(&self, name: &StepName, kind: &ActionKind) -> Vec<(String, String)> {
        let Some(outputs) = self.told.get(name) else {
            return Vec::new();
        };
        let help = |path: &Vec<String>| {
            let output = kind
                .outputs
                .iter()
                .find(|output| path.get(2).is_some_and(|name| name == output.name));
            output.map_or_else(String::new, |output| output.help.to_owned())
        };
        outputs
            .iter()
            .map(|path| (variable(path), help(path)))
            .collect()
    }

    fn store(&self, name: &StoreName) -> RunbookStore {
        let store = &self.plan.stores[name];
        let kind = store
            .kind
            .as_ref()
            .and_then(|kind| self.registry.store(kind));
        let place = kind.and_then(|kind| {
            let template = kind.identity.first()?;
            let provider = store.kind.as_ref()?.provider();
            let nothing = Values::new();
            let config = self.plan.providers.get(provider).unwrap_or(&nothing);
            Some(template.fill(&store.with, None, config).name)
        });
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
            place: place.unwrap_or_default(),
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

fn detail_path(store: &StoreName, name: &str) -> Vec<String> {
    [store.as_str(), "point", name].map(str::to_owned).to_vec()
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

fn told(plan: &Instance, graph: &Graph) -> Told {
    let mut told = Told::new();
    for name in graph.steps() {
        let with = plan.steps[name].with.iter().map(|(_, value)| value);
        for path in with.flat_map(template::references) {
            if let [root, step, _, ..] = path.as_slice()
                && root == "steps"
            {
                told.entry(StepName::new(step.as_str()))
                    .or_default()
                    .insert(path);
            }
        }
    }
    told
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
