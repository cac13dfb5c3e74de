//! A plan with a scenario and inputs becomes an [`Instance`].

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use salvor_contract::KindName;
use salvor_contract::Period;
use salvor_contract::StepName;
use salvor_contract::StoreName;
use salvor_contract::Type;
use salvor_contract::Values;
use serde_json::Value;
use serde_json::json;

use crate::model::check::Judged;
use crate::model::check_case::CaseCheck;
use crate::model::condition::Condition;
use crate::model::inputs::GivenInputs;
use crate::model::instance::BackupPolicy;
use crate::model::instance::Instance;
use crate::model::instance::Invariant;
use crate::model::instance::Notification;
use crate::model::instance::Retry;
use crate::model::instance::Scenario;
use crate::model::instance::Set;
use crate::model::instance::Step;
use crate::model::instance::Store;
use crate::model::order::Steps;
use crate::model::order::keep_order_through;
use crate::model::order::leave_out;
use crate::model::plan::Does;
use crate::model::plan::Drill;
use crate::model::plan::InvariantDeclaration;
use crate::model::plan::Named;
use crate::model::plan::Plan;
use crate::model::plan::ScenarioDeclaration;
use crate::model::plan::StepDeclaration;
use crate::model::plan::StoreDeclaration;
use crate::model::policy;
use crate::model::resolution::Resolution;
use crate::model::typed::Moment;
use crate::model::typed::Typing;
use crate::plan_file::Code;
use crate::plan_file::Node;
use crate::plan_file::Problem;
use crate::plan_file::Problems;
use crate::plan_file::Table;
use crate::template::references;

impl Plan {
    /// The plan with one scenario chosen and all inputs given.
    ///
    /// Without a name the only scenario is chosen. The order of precedence of inputs is: what a drill fixes,
    /// flags, environment, inputs file, default. What the scenario fixes cannot be given otherwise.
    ///
    /// # Errors
    /// All that is wrong with the scenario and the inputs.
    pub fn instance(
        &self,
        scenario: Option<&str>,
        given: &GivenInputs,
    ) -> Result<Instance, Problems> {
        let mut problems = Problems::new();
        let Some(scenario) = self.choose(scenario, &mut problems) else {
            return Err(problems);
        };
        self.build(scenario, given, &Table::default(), true)
    }

    /// The plan as a drill rehearses it: its scenario, the inputs that it fixes, its overrides of single
    /// steps, without the steps that it leaves out and the
    /// notifications that are not for drills. Targets still have the names that the plan gives them.
    ///
    /// # Errors
    /// As [`Plan::instance`].
    pub fn drill_instance(&self, drill: &Drill, given: &GivenInputs) -> Result<Instance, Problems> {
        let mut problems = Problems::new();
        let Some(scenario) = self.choose(Some(&drill.scenario.name), &mut problems) else {
            return Err(problems);
        };
        let mut given = given.clone();
        for entry in &drill.inputs.entries {
            let value = self
                .input(&entry.key)
                .map(|input| input.takes.of_node(&entry.value));
            if let Some(Ok(value)) = value {
                given.fixed.set(&entry.key, value);
            }
        }
        // A drill moves what the scenario fixes.
        let scenario = self.moved(drill).unwrap_or_else(|| scenario.clone());
        let mut instance = self.build(&scenario, &given, &drill.overrides, false)?;
        if !drill.only.is_empty() {
            instance.scenario.goal = drill.only.iter().map(|s| StepName::new(&s.name)).collect();
        }
        let left_out: BTreeSet<StepName> = drill
            .leave_out
            .iter()
            .map(|s| StepName::new(&s.name))
            .collect();
        instance
            .scenario
            .goal
            .retain(|name| !left_out.contains(name));
        leave_out(&mut instance.steps, &left_out);
        // A rehearsal alarms nobody whom the plan does not name for it.
        instance.notify.retain(|told| told.drills);
        Ok(instance)
    }

    /// The instance, held against what only the given inputs tell. `is_whole` says that the scenario is run
    /// with all its goals.
    fn build(
        &self,
        scenario: &ScenarioDeclaration,
        given: &GivenInputs,
        overrides: &Table,
        is_whole: bool,
    ) -> Result<Instance, Problems> {
        let mut problems = Problems::new();
        let inputs = self.input_values(scenario, given, &mut problems);
        if !problems.is_empty() {
            return Err(problems.sorted());
        }
        let case = self.case_of(&inputs);
        let resolution = Resolution::new(self, &case);
        let facts = json!({"inputs": inputs, "tables": self.tables});
        let builder = Builder {
            plan: self,
            resolution: &resolution,
            facts: &facts,
            overrides,
        };
        let instance = builder.instance(scenario, inputs, &mut problems);
        let judged = Judged {
            resolution: &resolution,
            providers: instance.providers.clone(),
            stores: instance
                .stores
                .iter()
                .map(|(name, store)| (name.to_string(), store.clone()))
                .collect(),
            steps: instance.steps.clone(),
        };
        policy::check_given(&judged, &builder, scenario, &mut problems);
        // A drill may run less than its scenario.
        if is_whole {
            let check = CaseCheck {
                judged: &judged,
                builder: &builder,
            };
            check.duplicate_targets(&check.run_of(scenario), &mut problems);
        }
        if problems.errors() == 0 {
            Ok(instance)
        } else {
            Err(problems.sorted())
        }
    }
}

/// Makes the parts of an instance, collecting what is wrong with them. `check` uses it for every case.
pub(super) struct Builder<'r, 'a> {
    pub(super) plan: &'a Plan,
    pub(super) resolution: &'r Resolution<'a>,
    pub(super) facts: &'r Value,
    /// Inputs of single steps' actions that a drill overrides.
    pub(super) overrides: &'r Table,
}

impl Builder<'_, '_> {
    fn instance(
        &self,
        scenario: &ScenarioDeclaration,
        inputs: Values,
        problems: &mut Problems,
    ) -> Instance {
        let plan = self.plan;
        let tables = plan.tables.as_object().cloned().unwrap_or_default();
        let providers = self.providers(problems);
        let notify = self.notify(&providers, problems);
        Instance {
            plan: plan.name.clone(),
            title: plan.title.clone(),
            dir: plan.dir.clone(),
            sources: plan.sources.digests(),
            scenario: Scenario {
                name: scenario.name.name.clone(),
                title: scenario.title.clone().unwrap_or_default(),
                goal: scenario
                    .goal
                    .iter()
                    .filter(|step| self.resolution.steps.contains_key(step.name.as_str()))
                    .map(|step| StepName::new(&step.name))
                    .collect(),
                rpo: self.objective(scenario.rpo.as_ref(), problems),
                rto: self.objective(scenario.rto.as_ref(), problems),
            },
            inputs,
            tables: tables.into_iter().collect(),
            providers,
            stores: self
                .resolution
                .stores
                .iter()
                .map(|(name, store)| (StoreName::new(*name), self.store(store, problems)))
                .collect(),
            steps: self.steps(problems),
            sets: plan
                .sets
                .iter()
                .map(|set| {
                    let text = |node: &Option<Node>, problems: &mut Problems| {
                        self.text(node.as_ref(), problems)
                    };
                    let members = set
                        .members
                        .iter()
                        .map(|m| StoreName::new(&m.name))
                        .collect();
                    let made = Set {
                        members,
                        skew_max: self.period(set.skew_max.as_ref(), problems),
                        schedule: text(&set.schedule, problems),
                        ttl: self.period(set.ttl.as_ref(), problems),
                    };
                    (set.name.name.clone(), made)
                })
                .collect(),
            invariants: plan
                .invariants
                .iter()
                .map(|(rule, _)| invariant(rule))
                .collect(),
            limits: plan.limits.clone(),
            notify,
            state: plan.state.settings.clone(),
        }
    }

    pub(super) fn typing<'t>(&'t self, owner: &'t str, moment: Moment) -> Typing<'t, 't> {
        Typing {
            resolution: self.resolution,
            facts: self.facts,
            moment,
            owner,
        }
    }

    pub(super) fn providers(&self, problems: &mut Problems) -> BTreeMap<String, Values> {
        let mut configs = BTreeMap::new();
        for config in &self.plan.providers {
            let Some(provider) = self.plan.registry.provider(&config.provider.name) else {
                continue;
            };
            let owner = format!("provider `{}`", config.provider.name);
            let values = self.typing(&owner, Moment::BeforeRun).fields(
                &config.with,
                &provider.description().config,
                config.provider.at,
                problems,
            );
            configs.insert(config.provider.name.clone(), values);
        }
        configs
    }

    pub(super) fn store(&self, store: &StoreDeclaration, problems: &mut Problems) -> Store {
        let kind = self.resolution.store_kind(store);
        let known_after = store.known.as_ref().and_then(|(step, when)| {
            let holds = when
                .as_ref()
                .is_none_or(|when| when.holds(self.resolution.case));
            holds.then(|| StepName::new(&step.name))
        });
        let with = kind.map_or_else(Values::new, |kind| {
            let owner = format!("store `{}`", store.name.name);
            let moment = match known_after {
                Some(_) => Moment::DuringRun,
                None => Moment::BeforeRun,
            };
            self.typing(&owner, moment)
                .fields(&store.with, &kind.with, store.name.at, problems)
        });
        let written = store.backup_written.as_ref().and_then(Node::table);
        let period = |key: &str, problems: &mut Problems| {
            self.period(written.and_then(|table| table.get(key)), problems)
        };
        Store {
            title: store.title.clone().unwrap_or_default(),
            kind: kind.map(|kind| KindName::new(kind.name)),
            is_stated: kind.is_some_and(|kind| kind.is_stated),
            class: store.class,
            with,
            rpo: self.objective(store.rpo.as_ref(), problems),
            why: store.why.clone(),
            backup: BackupPolicy {
                schedule: self.text(written.and_then(|table| table.get("schedule")), problems),
                pitr: period("pitr", problems),
                interval: period("interval", problems),
                retention: period("retention", problems),
                keep: store.backup.keep.clone(),
            },
            known_after,
            allow_partial: store.allow_partial,
        }
    }

    /// The steps that there are, with the order that goes through those that there are not.
    pub(super) fn steps(&self, problems: &mut Problems) -> Steps {
        let written = &self.resolution.steps;
        let mut steps: Steps = written
            .iter()
            .filter_map(|(name, step)| Some((StepName::new(*name), self.step(step, problems)?)))
            .collect();
        let mut waiting: BTreeMap<StepName, BTreeSet<StepName>> = BTreeMap::new();
        for (name, step) in written {
            let names = step.needs.iter().chain(&step.after);
            let absent = names
                .map(|named| named.name.as_str())
                .filter(|name| self.resolution.absent.contains_key(name));
            let absent: BTreeSet<StepName> = absent.map(StepName::new).collect();
            if !absent.is_empty() {
                waiting.insert(StepName::new(*name), absent);
            }
        }
        if !waiting.is_empty() {
            keep_order_through(&mut steps, &self.resolution.gone(), &waiting);
        }
        steps
    }

    pub(super) fn step(&self, step: &StepDeclaration, problems: &mut Problems) -> Option<Step> {
        let action = self.resolution.action(step)?;
        let owner = format!("step `{}`", step.name.name);
        let mut written = step.with.clone();
        if let Some(overrides) = self.overrides.table(&step.name.name) {
            for entry in &overrides.entries {
                written.entries.retain(|known| known.key != entry.key);
                written.entries.push(entry.clone());
            }
        }
        let with = self.typing(&owner, Moment::DuringRun).fields(
            &written,
            &action.with,
            step.name.at,
            problems,
        );
        // What a `finally` step names says to which runs it belongs, there or not.
        let present = |names: &[Named]| -> BTreeSet<StepName> {
            names
                .iter()
                // That it waits for itself is said where it is named.
                .filter(|named| named.name != step.name.name)
                .filter(|named| {
                    let name = named.name.as_str();
                    let is_there = self.resolution.steps.contains_key(name);
                    is_there || step.finally && self.resolution.absent.contains_key(name)
                })
                .map(|name| StepName::new(&name.name))
                .collect()
        };
        let mut references: BTreeSet<StepName> = with
            .iter()
            .flat_map(|(_, value)| references(value))
            .filter_map(|path| self.resolution.step_behind(&path))
            .map(StepName::new)
            .collect();
        if references.remove(step.name.name.as_str()) {
            self.refuse_own(step, &written, problems);
        }
        Some(Step {
            title: step.title.clone().unwrap_or_default(),
            action: KindName::new(action.name),
            store: match &step.does {
                Does::With { role, store, .. } => Some((*role, StoreName::new(&store.name))),
                Does::Uses(_) | Does::Nothing => None,
            },
            with,
            needs: present(&step.needs),
            references,
            after: present(&step.after),
            finally: step.finally,
            timeout: self.period(step.timeout.as_ref(), problems),
            retry: self.retry(step.retry.as_ref(), problems),
            on_failure: step.on_failure,
            expect: self.period(step.expect.as_ref(), problems),
            destroys: step.destroys.as_ref().and_then(|(what, when)| {
                let holds = |when: &Condition| when.holds(self.resolution.case);
                match when.as_ref().is_none_or(holds) {
                    true => self.text(Some(what), problems),
                    false => None,
                }
            }),
        })
    }

    /// Reports the references of a step to what only it makes known.
    fn refuse_own(&self, step: &StepDeclaration, written: &Table, problems: &mut Problems) {
        let name = &step.name.name;
        let values = written.entries.iter().map(|entry| &entry.value);
        let behind = values.flat_map(|value| self.resolution.steps_behind(value));
        for (at, _) in behind.filter(|(_, known_after)| known_after == name) {
            problems.push(
                Problem::error(Code::Cycle, format!("step `{name}` refers to what only it makes known"))
                    .at(at, format!("not known before `{name}` has ended"))
                    .help("take the value from elsewhere: from an input, a table, or a step that ends before this one begins"),
            );
        }
    }

    /// Adds the problems of `[limits]` and `[[notify]]`.
    pub(super) fn limits_and_notifications(&self, problems: &mut Problems) {
        for told in &self.plan.notify {
            let Some(uses) = &told.uses else { continue };
            if self.plan.registry.full_action_name(&uses.name).is_none() {
                let actions = self.plan.registry.actions();
                let problem = Problem::error(
                    Code::UnknownKind,
                    format!("unknown kind of action `{}`", uses.name),
                )
                .at(uses.at, "not a kind that this binary has");
                let known = actions.iter().map(|kind| kind.name);
                problems.push(problem.meant(uses.at, &uses.name, known));
            }
        }
        self.notify(&BTreeMap::new(), problems);
    }

    fn retry(&self, written: Option<&Table>, problems: &mut Problems) -> Retry {
        let mut retry = Retry::default();
        let Some(table) = written else { return retry };
        if let Some(crate::plan_file::Content::Integer(number)) =
            table.get("attempts").map(|node| &node.content)
        {
            retry.attempts = u32::try_from(*number).unwrap_or(1).max(1);
        }
        if let Some(wait) = self.period(table.get("wait"), problems) {
            retry.wait = wait;
        }
        if let Some(wait) = self.period(table.get("wait-max"), problems) {
            retry.wait_max = wait;
        }
        retry
    }

    fn notify(
        &self,
        providers: &BTreeMap<String, Values>,
        problems: &mut Problems,
    ) -> Vec<Notification> {
        let mut all = Vec::new();
        for told in &self.plan.notify {
            let Some(uses) = &told.uses else { continue };
            let Some(name) = self.plan.registry.full_action_name(&uses.name) else {
                continue;
            };
            let Some(action) = self.plan.registry.action(&name) else {
                continue;
            };
            let with = self.typing("this notification", Moment::Telling).fields(
                &told.with,
                &action.with,
                uses.at,
                problems,
            );
            let config = providers.get(name.provider()).cloned().unwrap_or_default();
            all.push(Notification {
                on: told.on.iter().map(|event| event.name.clone()).collect(),
                action: name,
                with,
                config,
                drills: told.drills,
            });
        }
        all
    }

    /// A length of time: written, or said by a template.
    pub(super) fn period(&self, node: Option<&Node>, problems: &mut Problems) -> Option<Period> {
        let value =
            self.typing("this place", Moment::BeforeRun)
                .value(node?, &Type::Period, problems)?;
        value.as_str()?.parse().ok()
    }

    pub(super) fn text(&self, node: Option<&Node>, problems: &mut Problems) -> Option<String> {
        let value =
            self.typing("this text", Moment::BeforeRun)
                .value(node?, &Type::Text, problems)?;
        value.as_str().map(str::to_owned)
    }

    /// An objective: a length of time, or the column of a table in the row that an input names.
    pub(super) fn objective(&self, node: Option<&Node>, problems: &mut Problems) -> Option<Period> {
        let node = node?;
        let Some(place) = node.table() else {
            return self.period(Some(node), problems);
        };
        let table = place.text("table")?;
        let by = place.text("by").unwrap_or(table);
        let column = place.text("column")?;
        let row = self.facts["inputs"][by].as_str()?;
        let value = &self.plan.tables[table][row][column];
        match value.as_str().map(str::parse::<Period>) {
            Some(Ok(period)) => Some(period),
            Some(Err(_)) | None => {
                problems.push(
                    Problem::error(
                        Code::UnknownTable,
                        format!("table `{table}` has no length of time in row `{row}`, column `{column}`"),
                    )
                    .at(node.at, "looked up here")
                    .help(format!(
                        "write under [tables.{table}]: {row} = {{ {column} = \"4h\" }}"
                    )),
                );
                None
            }
        }
    }
}

fn invariant(rule: &InvariantDeclaration) -> Invariant {
    match rule {
        InvariantDeclaration::References(from, to) => Invariant::References {
            from: StoreName::new(&from.name),
            to: StoreName::new(&to.name),
        },
        InvariantDeclaration::Outlives(store, than, by) => Invariant::Outlives {
            store: StoreName::new(&store.name),
            than: StoreName::new(&than.name),
            by: *by,
        },
    }
}
