//! What can be wrong with a plan in one case: kinds, names of steps, goals, cycles, targets.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

use salvor_contract::Effect;
use salvor_contract::KindName;
use salvor_contract::StepName;
use salvor_contract::Type;

use crate::model::check::Judged;
use crate::model::instance::StoreRole;
use crate::model::instantiate::Builder;
use crate::model::members::members;
use crate::model::order::Because;
use crate::model::order::cycle;
use crate::model::plan::Does;
use crate::model::plan::Named;
use crate::model::plan::ScenarioDeclaration;
use crate::model::plan::StepDeclaration;
use crate::model::plan::StoreDeclaration;
use crate::model::typed::Moment;
use crate::plan_file::Code;
use crate::plan_file::Problem;
use crate::plan_file::Problems;
use crate::plan_file::Table;
use crate::plan_file::similar;

/// The checks of one case.
pub struct CaseCheck<'c, 'r, 'a> {
    /// The plan for the case.
    pub judged: &'c Judged<'r, 'a>,
    /// What made it.
    pub builder: &'c Builder<'r, 'a>,
}

impl CaseCheck<'_, '_, '_> {
    /// Adds the problems of the case, and says which steps its scenarios run.
    pub fn run(&self, problems: &mut Problems) -> BTreeSet<StepName> {
        let resolution = self.judged.resolution;
        for store in resolution.stores.values() {
            self.store_kind(store, problems);
        }
        for step in resolution.steps.values() {
            self.step(step, problems);
        }
        for (variant, part) in &resolution.offers {
            let owner = format!("what `{variant}` offers");
            let typing = self.builder.typing(&owner, Moment::DuringRun);
            for entry in &part.offers.entries {
                typing.value(&entry.value, &Type::Any, problems);
            }
        }
        self.unconfigured_providers(problems);
        self.state(problems);
        let mut reached = BTreeSet::new();
        let all: BTreeSet<StepName> = self.judged.steps.keys().cloned().collect();
        if !self.report_cycle(&all, problems) {
            for scenario in self.scenarios() {
                let within = self.run_of(&scenario);
                self.report_cycle(&within, problems);
                self.duplicate_targets(&within, problems);
                self.read_while_written(&within, problems);
                reached.extend(within);
            }
        }
        for scenario in self.scenarios() {
            self.goals(&scenario, problems);
        }
        reached
    }

    /// The steps of a scenario's run.
    pub fn run_of(&self, scenario: &ScenarioDeclaration) -> BTreeSet<StepName> {
        let goals: Vec<StepName> = scenario
            .goal
            .iter()
            .map(|g| StepName::new(&g.name))
            .collect();
        members(&self.judged.steps, goals.iter())
    }

    /// The scenarios that can be chosen in this case.
    pub fn scenarios(&self) -> impl Iterator<Item = Cow<'_, ScenarioDeclaration>> {
        let plan = self.judged.resolution.plan;
        plan.scenarios
            .iter()
            .map(Cow::Borrowed)
            .chain(
                plan.drills
                    .iter()
                    .filter_map(|drill| plan.moved(drill))
                    .map(Cow::Owned),
            )
            .filter(|scenario| self.can_be_chosen(scenario))
    }

    /// True when the scenario fixes no input otherwise than this case.
    pub fn can_be_chosen(&self, scenario: &ScenarioDeclaration) -> bool {
        let case = self.judged.resolution.case;
        scenario.inputs.entries.iter().all(|entry| {
            let fixed = match &entry.value.content {
                crate::plan_file::Content::Text(text) => text.clone(),
                crate::plan_file::Content::Boolean(value) => value.to_string(),
                crate::plan_file::Content::Integer(_)
                | crate::plan_file::Content::Float(_)
                | crate::plan_file::Content::Time(_)
                | crate::plan_file::Content::List(_)
                | crate::plan_file::Content::Table(_) => return true,
            };
            case.get(&entry.key).is_none_or(|value| *value == fixed)
        })
    }

    fn store_kind(&self, store: &StoreDeclaration, problems: &mut Problems) {
        let registry = &self.judged.resolution.plan.registry;
        let Some(written) = &store.kind else {
            if let Some(entry) = store.with.entries.first() {
                problems.push(
                    Problem::error(
                        Code::MissingKey,
                        format!("store `{}` has inputs and no kind", store.name.name),
                    )
                    .at(store.name.at, "`kind` is missing")
                    .and_at(entry.key_at, "an input of what?")
                    .help("name the kind whose inputs these are: `salvor kinds` lists them, and `kind = \"manual\"` takes `place`"),
                );
            }
            return;
        };
        if registry.full_store_name(&written.name).is_none() {
            let stores = registry.stores();
            let known: Vec<&str> = stores.iter().map(|kind| kind.name).collect();
            problems.push(unknown_kind("store", written, &known, "kind = \"manual\""));
        }
    }

    fn step(&self, step: &StepDeclaration, problems: &mut Problems) {
        match &step.does {
            Does::Nothing => {}
            Does::Uses(written) => self.refuse_unknown_action(written, problems),
            Does::With {
                role,
                store,
                by: None,
            } => self.store_of(*role, store, problems),
            Does::With {
                role,
                store,
                by: Some(by),
            } => self.store_by(*role, store, by, problems),
        }
        for named in step.needs.iter().chain(&step.after) {
            self.refuse_unknown(named, step, problems);
        }
    }

    fn refuse_unknown_action(&self, written: &Named, problems: &mut Problems) {
        let registry = &self.judged.resolution.plan.registry;
        if registry.full_action_name(&written.name).is_some() {
            return;
        }
        let actions = registry.actions();
        let mut known: Vec<String> = actions.iter().map(|kind| kind.name.to_owned()).collect();
        known.extend(actions.iter().filter_map(|kind| {
            kind.name
                .strip_prefix("system.")
                .map(|short| short.replacen('-', ".", 1))
        }));
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        problems.push(unknown_kind("action", written, &known, "uses = \"manual\""));
    }

    /// A store and the action that does it, named beside each other.
    fn store_by(&self, role: StoreRole, store: &Named, by: &Named, problems: &mut Problems) {
        let resolution = self.judged.resolution;
        self.refuse_unknown_action(by, problems);
        let Some(declared) = self.declared(store, problems) else {
            return;
        };
        let (verb, _) = words(role);
        if declared.kind.is_none() {
            problems.push(
                Problem::error(
                    Code::NoSuchAction,
                    format!("store `{}` cannot be {verb}", store.name),
                )
                .at(store.at, "it has no kind")
                .and_at(declared.name.at, "defined here")
                .help("give the store a kind, or say only `uses`"),
            );
        }
        let registry = &resolution.plan.registry;
        let action = registry
            .full_action_name(&by.name)
            .and_then(|name| registry.action(&name));
        if let (StoreRole::Restore | StoreRole::Backup, Some(action)) = (role, action)
            && action.effect == Effect::Read
        {
            problems.push(
                Problem::error(
                    Code::NoSuchAction,
                    format!(
                        "store `{}` cannot be {verb} by `{}`",
                        store.name, action.name
                    ),
                )
                .at(by.at, "it only reads")
                .and_at(store.at, format!("would count as {verb}"))
                .help("name an action that does it, or say `verify`"),
            );
        }
    }

    /// The store of a step; where there is none that is said.
    fn declared(&self, named: &Named, problems: &mut Problems) -> Option<&StoreDeclaration> {
        let resolution = self.judged.resolution;
        let store = resolution.stores.get(named.name.as_str()).copied();
        if store.is_none() && !resolution.is_perhaps_unread(&named.name) {
            problems.push(resolution.unknown_store(&named.name).at(named.at));
        }
        store
    }

    fn store_of(&self, role: StoreRole, named: &Named, problems: &mut Problems) {
        let resolution = self.judged.resolution;
        let Some(store) = self.declared(named, problems) else {
            return;
        };
        let (verb, noun) = words(role);
        let missing = match (&store.kind, resolution.store_kind(store)) {
            (None, _) => Some("it has no kind".to_owned()),
            // That the kind is unknown is said where it is named.
            (Some(_), None) => None,
            (Some(_), Some(kind)) => {
                let action = match role {
                    StoreRole::Restore => kind.restore,
                    StoreRole::Backup => kind.backup,
                    StoreRole::Verify => kind.verify,
                };
                action
                    .is_none()
                    .then(|| format!("`{}` has no action for it", kind.name))
            }
        };
        if let Some(why) = missing {
            problems.push(
                Problem::error(
                    Code::NoSuchAction,
                    format!("store `{}` cannot be {verb}", named.name),
                )
                .at(named.at, why)
                .and_at(store.name.at, "defined here")
                .help(match store.kind.is_some() {
                    true => format!("name the action that does it: `uses` beside `{noun}`"),
                    false => format!("use `uses` with an action instead of `{noun}`"),
                }),
            );
        }
    }

    fn refuse_unknown(&self, named: &Named, step: &StepDeclaration, problems: &mut Problems) {
        let resolution = self.judged.resolution;
        if named.name == step.name.name {
            problems.push(
                Problem::error(
                    Code::Cycle,
                    format!("step `{}` waits for itself", named.name),
                )
                .at(named.at, "itself")
                .help(format!("take `{}` out of this list", named.name)),
            );
            return;
        }
        let is_there = resolution.steps.contains_key(named.name.as_str())
            || resolution.absent.contains_key(named.name.as_str());
        if is_there {
            return;
        }
        let known: Vec<&str> = resolution
            .plan
            .steps
            .iter()
            .map(|step| step.name.name.as_str())
            .collect();
        let problem = Problem::error(Code::UnknownStep, format!("unknown step `{}`", named.name))
            .at(named.at, "not a step of this plan");
        problems.push(problem.meant(named.at, &named.name, known));
    }

    fn goals(&self, scenario: &ScenarioDeclaration, problems: &mut Problems) {
        let resolution = self.judged.resolution;
        let mut is_any_there = scenario.goal.is_empty() || resolution.is_unread;
        for goal in &scenario.goal {
            is_any_there |= resolution.steps.contains_key(goal.name.as_str());
            let is_known = resolution
                .plan
                .steps
                .iter()
                .any(|s| s.name.name == goal.name);
            if !is_known {
                let known = resolution.plan.steps.iter().map(|s| s.name.name.as_str());
                let problem =
                    Problem::error(Code::UnknownStep, format!("unknown step `{}`", goal.name))
                        .at(goal.at, "not a step of this plan");
                problems.push(problem.meant(goal.at, &goal.name, known));
                is_any_there = true;
            }
        }
        if !is_any_there {
            problems.push(
                Problem::error(
                    Code::AbsentStep,
                    format!("scenario `{}` has nothing to do", scenario.name.name),
                )
                .at(scenario.name.at, "none of its goals is there")
                .help("fix the input that decides: inputs = { … }"),
            );
        }
    }

    fn report_cycle(&self, within: &BTreeSet<StepName>, problems: &mut Problems) -> bool {
        let Some(found) = cycle(&self.judged.steps, within) else {
            return false;
        };
        let resolution = self.judged.resolution;
        // The path begins with the step that is written first, so that every case tells it alike.
        let place = |name: &StepName| resolution.steps.get(name.as_str()).map(|s| s.name.at);
        let first = (0..found.len())
            .min_by_key(|index| place(&found[*index].0))
            .unwrap_or_default();
        let found: Vec<&(StepName, Because)> =
            found[first..].iter().chain(&found[..first]).collect();
        let mut problem = Problem::error(Code::Cycle, "steps wait for each other");
        for (index, (name, because)) in found.iter().enumerate() {
            let (next, _) = found[(index + 1) % found.len()];
            let text = match because {
                Because::Needs => format!("needs `{next}`"),
                Because::References => format!("refers to `{next}`"),
                Because::After if self.says_after(name, next) => format!("comes after `{next}`"),
                Because::After => {
                    format!("comes after `{next}`, through a step that is not there")
                }
            };
            let Some(at) = place(name) else { continue };
            problem = match index {
                0 => problem.at(at, text),
                _ => problem.and_at(at, text),
            };
        }
        let path: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
        let start = path.first().copied().unwrap_or_default();
        problems.push(
            problem
                .note(format!("{} → {start}", path.join(" → ")))
                .help(self.way_out(&found)),
        );
        true
    }

    /// Which order to give up: a soft one when there is one, and never one that a value needs.
    fn way_out(&self, found: &[&(StepName, Because)]) -> String {
        let edges = |given_up: Because, key: &str| -> Vec<String> {
            let pairs = found.iter().zip(found.iter().cycle().skip(1));
            pairs
                .filter(|((name, because), (next, _))| {
                    let is_written = given_up != Because::After || self.says_after(name, next);
                    *because == given_up && is_written
                })
                .map(|((name, _), (next, _))| format!("`{next}` out of `{key}` of step `{name}`"))
                .collect()
        };
        let soft = edges(Because::After, "after");
        let edges = match soft.is_empty() {
            true => edges(Because::Needs, "needs"),
            false => soft,
        };
        match edges.is_empty() {
            true => {
                "give one of these steps its value from elsewhere than a step that waits for it"
                    .to_owned()
            }
            false => format!("take {}", edges.join(", or ")),
        }
    }

    fn says_after(&self, name: &StepName, other: &StepName) -> bool {
        let step = self.judged.resolution.steps.get(name.as_str());
        step.is_some_and(|step| step.after.iter().any(|named| named.name == other.as_str()))
    }

    /// Providers that are used and need a configuration that is not there.
    fn unconfigured_providers(&self, problems: &mut Problems) {
        let resolution = self.judged.resolution;
        let mut used: BTreeMap<String, crate::plan_file::Position> = BTreeMap::new();
        for store in resolution.stores.values() {
            if let (Some(kind), Some(written)) = (resolution.store_kind(store), &store.kind) {
                used.entry(KindName::new(kind.name).provider().to_owned())
                    .or_insert(written.at);
            }
        }
        for step in resolution.steps.values() {
            let written = match &step.does {
                Does::Uses(written) => Some(written),
                Does::With { by, .. } => by.as_ref(),
                Does::Nothing => None,
            };
            if let (Some(name), Some(written)) = (resolution.action_name(step), written) {
                used.entry(name.provider().to_owned()).or_insert(written.at);
            }
        }
        for (name, at) in used {
            let plan = resolution.plan;
            let is_there = !plan.is_whole || plan.providers.iter().any(|p| p.provider.name == name);
            if let (false, Some(provider)) = (is_there, resolution.plan.registry.provider(&name)) {
                let owner = format!("[providers.{name}]");
                self.builder.typing(&owner, Moment::BeforeRun).fields(
                    &Table::default(),
                    &provider.description().config,
                    at,
                    problems,
                );
            }
        }
    }
}

/// What is done with a store, as it was done and as the key says it.
fn words(role: StoreRole) -> (&'static str, &'static str) {
    match role {
        StoreRole::Restore => ("restored", "restore"),
        StoreRole::Backup => ("backed up", "backup"),
        StoreRole::Verify => ("verified", "verify"),
    }
}

fn unknown_kind(what: &str, written: &Named, known: &[&str], by_hand: &str) -> Problem {
    let problem = Problem::error(
        Code::UnknownKind,
        format!("unknown kind of {what} `{}`", written.name),
    )
    .at(written.at, "not a kind that this binary has");
    match similar(&written.name, known.iter().copied()) {
        Some(_) => problem.meant(written.at, &written.name, known.iter().copied()),
        None => {
            let provider = written.name.split('.').next().unwrap_or_default();
            let of_provider: Vec<&str> = known
                .iter()
                .copied()
                .filter(|name| name.split('.').next() == Some(provider))
                .collect();
            match of_provider.is_empty() {
                true => problem.help(format!(
                    "see `salvor kinds` for what there is; what has none yet can be `{by_hand}`"
                )),
                false => problem.help(format!("`{provider}` has `{}`", of_provider.join("`, `"))),
            }
        }
    }
}
