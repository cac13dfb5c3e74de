//! A plan for one choice of its deciding inputs: which stores and steps there are, and what variants offer.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use salvor_contract::ActionKind;
use salvor_contract::KindName;
use salvor_contract::StepName;
use salvor_contract::StoreKind;

use crate::model::instance::StoreRole;
use crate::model::plan::Does;
use crate::model::plan::Only;
use crate::model::plan::Plan;
use crate::model::plan::StepDeclaration;
use crate::model::plan::StoreDeclaration;
use crate::model::plan::VariantPart;
use crate::plan_file::Content;
use crate::plan_file::Node;
use crate::plan_file::Position;
use crate::template::Template;

/// Values of the deciding inputs, booleans as words.
pub type Case = BTreeMap<String, String>;

/// More combinations of deciding inputs than this are not checked one by one.
pub const CASES_MAX: usize = 512;

/// A plan for one case.
pub struct Resolution<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The case.
    pub case: &'a Case,
    /// The stores that there are.
    pub stores: BTreeMap<&'a str, &'a StoreDeclaration>,
    /// The steps that there are.
    pub steps: BTreeMap<&'a str, &'a StepDeclaration>,
    /// The steps that there are not, and why.
    pub absent: BTreeMap<&'a str, (&'a StepDeclaration, String)>,
    /// What each variant offers.
    pub offers: BTreeMap<&'a str, &'a VariantPart>,
    /// A variant has no file for this case that could be read: what it would define is not known.
    pub is_unread: bool,
}

impl Plan {
    /// All cases, up to `CASES_MAX` of them.
    pub fn cases(&self) -> Vec<Case> {
        let mut cases = vec![Case::new()];
        for (name, mut words) in self.deciding_inputs() {
            // Beyond the limit an input keeps its first value: every case still has a value for each.
            if cases.len() * words.len() > CASES_MAX {
                words.truncate(1);
            }
            cases = cases
                .iter()
                .flat_map(|case| {
                    words.iter().map(|word| {
                        let mut case = case.clone();
                        case.insert(name.clone(), word.clone());
                        case
                    })
                })
                .collect();
        }
        cases
    }
}

impl<'a> Resolution<'a> {
    /// The plan for this case.
    pub fn new(plan: &'a Plan, case: &'a Case) -> Self {
        let is_chosen = |only: &Option<Only>| {
            only.as_ref()
                .is_none_or(|only| case.get(&only.input) == Some(&only.value))
        };
        let mut steps = BTreeMap::new();
        let mut absent: BTreeMap<&str, (&StepDeclaration, String)> = BTreeMap::new();
        for step in &plan.steps {
            let name = step.name.name.as_str();
            let holds = step.when.as_ref().is_none_or(|(when, _)| when.holds(case));
            if is_chosen(&step.only) && holds {
                steps.entry(name).or_insert(step);
            } else {
                let why = match (&step.only, &step.when) {
                    (Some(only), _) if !is_chosen(&step.only) => {
                        format!("it is part of `{}` alone", only.value)
                    }
                    (_, Some((when, _))) => format!("its condition is `{when}`"),
                    (_, None) => String::new(),
                };
                absent.insert(name, (step, why));
            }
        }
        absent.retain(|name, _| !steps.contains_key(name));
        let mut stores = BTreeMap::new();
        for store in plan.stores.iter().filter(|store| is_chosen(&store.only)) {
            stores.entry(store.name.name.as_str()).or_insert(store);
        }
        let is_unread = plan.variants.iter().any(|variant| {
            let value = case.get(&variant.by.name);
            value.is_some_and(|value| !variant.files.contains_key(value))
        });
        let offers = plan
            .variants
            .iter()
            .filter_map(|variant| {
                let part = variant.files.get(case.get(&variant.by.name)?)?;
                Some((variant.name.name.as_str(), part))
            })
            .collect();
        Self {
            plan,
            case,
            stores,
            steps,
            absent,
            offers,
            is_unread,
        }
    }

    /// True for a store that another variant defines, when the file of this one was not read.
    pub fn is_perhaps_unread(&self, store: &str) -> bool {
        let is_elsewhere = || self.plan.stores.iter().any(|s| s.name.name == store);
        self.is_unread && is_elsewhere()
    }

    /// The full name of a step's action.
    pub fn action_name(&self, step: &StepDeclaration) -> Option<KindName> {
        match &step.does {
            Does::Nothing => None,
            Does::Uses(written) => self.plan.registry.full_action_name(&written.name),
            Does::With { by: Some(by), .. } => self.plan.registry.full_action_name(&by.name),
            Does::With {
                role,
                store,
                by: None,
            } => {
                let kind = self.store_kind(self.stores.get(store.name.as_str())?)?;
                let name = match role {
                    StoreRole::Restore => kind.restore,
                    StoreRole::Backup => kind.backup,
                    StoreRole::Verify => kind.verify,
                };
                name.map(KindName::new)
            }
        }
    }

    /// A step's action.
    pub fn action(&self, step: &StepDeclaration) -> Option<&'a ActionKind> {
        self.plan.registry.action(&self.action_name(step)?)
    }

    /// A store's kind.
    pub fn store_kind(&self, store: &StoreDeclaration) -> Option<&'a StoreKind> {
        let written = store.kind.as_ref()?;
        let registry = &self.plan.registry;
        registry.store(&registry.full_store_name(&written.name)?)
    }

    /// The steps that are not there, each with the steps that it would wait for.
    pub fn gone(&self) -> BTreeMap<StepName, BTreeSet<StepName>> {
        let mut gone: BTreeMap<StepName, BTreeSet<StepName>> = BTreeMap::new();
        let declared = self.plan.steps.iter();
        for step in declared.filter(|step| self.absent.contains_key(step.name.name.as_str())) {
            let behind = gone.entry(StepName::new(&step.name.name)).or_default();
            let written = step.needs.iter().chain(&step.after);
            behind.extend(written.map(|named| StepName::new(&named.name)));
            for entry in &step.with.entries {
                let names = self.steps_behind(&entry.value).into_iter();
                behind.extend(names.map(|(_, name)| StepName::new(name)));
            }
        }
        gone
    }

    /// The steps that make known what a value refers to, itself or by a variant's offer; each with the place of the
    /// reference.
    pub fn steps_behind(&self, node: &Node) -> Vec<(Position, String)> {
        let mut found = Vec::new();
        match &node.content {
            Content::Text(text) => return self.steps_behind_text(node.at, text),
            Content::List(list) => {
                for node in list {
                    found.extend(self.steps_behind(node));
                }
            }
            Content::Table(table) => {
                for entry in &table.entries {
                    found.extend(self.steps_behind(&entry.value));
                }
            }
            Content::Integer(_) | Content::Float(_) | Content::Boolean(_) | Content::Time(_) => {}
        }
        found
    }

    fn steps_behind_text(&self, at: Position, text: &str) -> Vec<(Position, String)> {
        let Ok(template) = Template::parse(text) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for reference in template.references() {
            let place = reference.at;
            let at = self.plan.sources.inside(at, text, place.start, place.end);
            let whole = Template::path(reference.path).substitute(&|path| self.offered(path));
            let paths = whole.references().into_iter().map(|inner| inner.path);
            found.extend(paths.filter_map(|path| Some((at, self.step_behind(&path)?))));
        }
        found
    }

    /// The case in words: `mode = in-place`. Empty when nothing decides.
    pub fn words(&self) -> String {
        let words: Vec<String> = self
            .case
            .iter()
            .map(|(name, value)| format!("{name} = {value}"))
            .collect();
        words.join(", ")
    }
}
