//! What a plan defines and nothing uses: often a name that was mistyped somewhere else.

use std::collections::BTreeSet;

use salvor_contract::StepName;

use crate::model::condition::Condition;
use crate::model::instance::StoreClass;
use crate::model::plan::Does;
use crate::model::plan::Named;
use crate::model::plan::Plan;
use crate::model::posture::CopyDeclaration;
use crate::model::posture::PostureDeclaration;
use crate::plan_file::Code;
use crate::plan_file::Content;
use crate::plan_file::Node;
use crate::plan_file::Position;
use crate::plan_file::Problem;
use crate::plan_file::Problems;
use crate::plan_file::Table;
use crate::template::Template;

/// Adds a warning for each input, store and step that nothing uses. Says nothing while there are errors:
/// an unknown name explains the unused one. `reached` holds the steps that some scenario runs, when it is
/// known of all cases.
pub fn check(plan: &Plan, reached: Option<&BTreeSet<StepName>>, problems: &mut Problems) {
    if problems.errors() > 0 {
        return;
    }
    let mut used = Used::default();
    used.plan(plan);
    for input in &plan.inputs {
        if !used.inputs.contains(&input.name) {
            warn(
                "input",
                &input.name,
                input.at,
                "nothing refers to it",
                format!("take it out, or use it: {{{{inputs.{}}}}}", input.name),
                problems,
            );
        }
    }
    for store in &plan.stores {
        let is_kept = matches!(
            store.class,
            StoreClass::Authoritative
                | StoreClass::Replicated
                | StoreClass::Rebuildable
                | StoreClass::Key
        );
        if is_kept && store.kind.is_some() && !used.stores.contains(&store.name.name) {
            warn(
                "store",
                &store.name.name,
                store.name.at,
                "no step restores, backs up or verifies it",
                format!(
                    "add a step that brings it back: restore = \"{}\"",
                    store.name.name
                ),
                problems,
            );
        }
    }
    if let Some(reached) = reached {
        unreached(plan, reached, problems);
    }
}

fn warn(what: &str, name: &str, at: Position, label: &str, help: String, problems: &mut Problems) {
    problems.push(
        Problem::warning(Code::Unused, format!("{what} `{name}` is not used"))
            .at(at, label)
            .help(help),
    );
}

/// Steps that are part of no scenario, whatever the inputs.
fn unreached(plan: &Plan, reached: &BTreeSet<StepName>, problems: &mut Problems) {
    if plan.scenarios.is_empty() {
        return;
    }
    let is_told = |at: Position, problems: &Problems| {
        let mut told = problems.iter().filter(|p| p.code == Code::NeverTrue);
        told.any(|problem| problem.primary.as_ref().is_some_and(|label| label.at == at))
    };
    for step in &plan.steps {
        let name = &step.name.name;
        // A condition that never holds was told, and explains it.
        let when = step.when.as_ref().map(|(_, node)| node.at);
        if when.is_some_and(|at| is_told(at, problems)) {
            continue;
        }
        if !reached.contains(name.as_str()) {
            warn(
                "step",
                name,
                step.name.at,
                "no scenario reaches it",
                "name it in the `goal` of a scenario or the `needs` of a step, or take it out"
                    .to_owned(),
                problems,
            );
        }
    }
}

#[derive(Default)]
struct Used {
    inputs: BTreeSet<String>,
    stores: BTreeSet<String>,
}

impl Used {
    fn plan(&mut self, plan: &Plan) {
        for config in &plan.providers {
            self.table(&config.with);
        }
        for store in &plan.stores {
            self.table(&store.with);
            self.nodes([&store.rpo, &store.backup_written]);
            self.posture(&store.posture);
            if let Some((_, Some(condition))) = &store.known {
                self.condition(condition);
            }
        }
        for step in &plan.steps {
            self.table(&step.with);
            self.nodes([&step.timeout, &step.expect]);
            if let Some((condition, _)) = &step.when {
                self.condition(condition);
            }
            if let Some((what, when)) = &step.destroys {
                self.node(what);
                if let Some(condition) = when {
                    self.condition(condition);
                }
            }
            if let Some(retry) = &step.retry {
                self.table(retry);
            }
            let named = step.rebuilds.iter().chain(&step.fences);
            self.stores.extend(named.map(|store| store.name.clone()));
            if let Does::With { store, .. } = &step.does {
                let Named { name, .. } = store;
                self.stores.insert(name.clone());
            }
            // Some actions name a store in their inputs.
            if let Some(store) = step.with.text("store") {
                self.stores.insert(store.to_owned());
            }
        }
        for variant in &plan.variants {
            self.inputs.insert(variant.by.name.clone());
            for part in variant.files.values() {
                self.table(&part.offers);
            }
        }
        for set in &plan.sets {
            self.stores
                .extend(set.members.iter().map(|member| member.name.clone()));
            self.nodes([&set.skew_max, &set.schedule]);
            self.nodes([&set.ttl, &None]);
        }
        for scenario in &plan.scenarios {
            self.nodes([&scenario.rpo, &scenario.rto]);
            scenario.lost.iter().for_each(|node| self.node(node));
        }
        self.nodes([&plan.policies.state_site, &None]);
        for told in &plan.notify {
            self.table(&told.with);
        }
    }

    fn posture(&mut self, posture: &PostureDeclaration) {
        let places = posture.copies.iter().map(|copy| &copy.place);
        for place in std::iter::once(&posture.place).chain(places) {
            self.nodes([&place.site, &place.account]);
            self.nodes([&place.medium, &None]);
        }
        let needs = posture.copies.iter().flat_map(CopyDeclaration::needs);
        let names = posture.key.iter().chain(needs);
        self.stores.extend(names.map(|named| named.name.clone()));
    }

    fn nodes(&mut self, nodes: [&Option<Node>; 2]) {
        for node in nodes.into_iter().flatten() {
            self.node(node);
        }
    }

    fn condition(&mut self, condition: &Condition) {
        self.inputs
            .extend(condition.inputs().into_iter().map(str::to_owned));
    }

    fn table(&mut self, table: &Table) {
        // An objective that is looked up in a table of the plan names an input.
        if let (Some(name), Some(_)) = (table.text("table"), table.text("column")) {
            let by = table.text("by").unwrap_or(name);
            self.inputs.insert(by.to_owned());
        }
        for entry in &table.entries {
            self.node(&entry.value);
        }
    }

    fn node(&mut self, node: &Node) {
        match &node.content {
            Content::Text(text) => {
                for reference in Template::parse(text)
                    .map(|t| t.references())
                    .unwrap_or_default()
                {
                    let mut path = reference.path.into_iter();
                    let (root, name) = (path.next(), path.next());
                    match (root.as_deref(), name) {
                        (Some("inputs"), Some(name)) => self.inputs.insert(name),
                        (Some("stores"), Some(name)) => self.stores.insert(name),
                        (_, _) => false,
                    };
                }
            }
            Content::List(list) => list.iter().for_each(|node| self.node(node)),
            Content::Table(table) => self.table(table),
            Content::Integer(_) | Content::Float(_) | Content::Boolean(_) | Content::Time(_) => {}
        }
    }
}
