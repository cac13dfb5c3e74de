//! A plan as it was read: names resolved as far as that can be done without the values of inputs.

use std::collections::BTreeMap;
use std::path::PathBuf;

use salvor_contract::Period;

use crate::model::condition::Condition;
use crate::model::inputs::Input;
use crate::model::instance::BackupPolicy;
use crate::model::instance::Limits;
use crate::model::instance::OnFailure;
use crate::model::instance::StoreClass;
use crate::model::instance::StoreRole;
use crate::model::posture::PolicyDeclaration;
use crate::model::posture::PostureDeclaration;
use crate::model::state::StateDeclaration;
use crate::plan_file::Node;
use crate::plan_file::Position;
use crate::plan_file::Sources;
use crate::plan_file::Table;
use crate::registry::Registry;

/// A plan. Those that hold errors cannot be made into an instance.
#[derive(Clone)]
pub struct Plan {
    /// Its name.
    pub name: String,
    /// Its title for people.
    pub title: String,
    /// Its folder.
    pub dir: PathBuf,
    /// The files that it was read from.
    pub sources: Sources,
    /// False when a file that it includes, or that of a group, could not be read.
    pub is_whole: bool,
    /// The kinds that it may use.
    pub registry: Registry,
    /// Where runs and locks are kept.
    pub state: StateDeclaration,
    /// What the operator gives, in the order in which it is written.
    pub inputs: Vec<Input>,
    /// Values to be looked up.
    pub tables: serde_json::Value,
    /// Providers' configurations.
    pub providers: Vec<ProviderConfig>,
    /// Stores; in variants, several of one name.
    pub stores: Vec<StoreDeclaration>,
    /// Steps; in variants, several of one name.
    pub steps: Vec<StepDeclaration>,
    /// Parts that an input chooses.
    pub variants: Vec<Variant>,
    /// Backup sets.
    pub sets: Vec<SetDeclaration>,
    /// Named goals.
    pub scenarios: Vec<ScenarioDeclaration>,
    /// Rules between stores.
    pub invariants: Vec<(InvariantDeclaration, Position)>,
    /// What the plan demands of where copies, keys and state are.
    pub policies: PolicyDeclaration,
    /// Rehearsals.
    pub drills: Vec<Drill>,
    /// Who is told.
    pub notify: Vec<NotifyDeclaration>,
    /// How much may go on at once.
    pub limits: Limits,
    /// The providers that `[limits]` names.
    pub limited: Vec<Named>,
}

/// A text with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The text.
    pub name: String,
    /// Its place.
    pub at: Position,
}

/// `[providers.NAME]`.
#[derive(Clone, Debug)]
pub struct ProviderConfig {
    /// The provider.
    pub provider: Named,
    /// Its configuration.
    pub with: Table,
}

/// The value of a variant's input for which something is part of the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Only {
    /// The variant.
    pub variant: String,
    /// Its input.
    pub input: String,
    /// The value.
    pub value: String,
}

/// `[stores.NAME]`.
#[derive(Clone, Debug)]
pub struct StoreDeclaration {
    /// Its name.
    pub name: Named,
    /// Its title.
    pub title: Option<String>,
    /// Its kind as written.
    pub kind: Option<Named>,
    /// Its class.
    pub class: StoreClass,
    /// The inputs of its kind.
    pub with: Table,
    /// Its RPO.
    pub rpo: Option<Node>,
    /// Why it is not restored.
    pub why: Option<String>,
    /// How it is backed up and kept; lengths that are templates are in `backup_written`.
    pub backup: BackupPolicy,
    /// `backup` as written.
    pub backup_written: Option<Node>,
    /// The step that makes its points known, and when that is so.
    pub known: Option<(Named, Option<Condition>)>,
    /// Points that miss parts may be chosen.
    pub allow_partial: bool,
    /// Where it and its copies are.
    pub posture: PostureDeclaration,
    /// In which variant.
    pub only: Option<Only>,
}

/// What a step does.
#[derive(Clone, Debug)]
pub enum Does {
    /// It performs this kind of action.
    Uses(Named),
    /// It does this with a store.
    With {
        /// What it does with it.
        role: StoreRole,
        /// The store.
        store: Named,
        /// The kind of action that does it; the one of the store's kind when left out.
        by: Option<Named>,
    },
    /// It does not say; that was reported.
    Nothing,
}

/// `[steps.NAME]`.
#[derive(Clone, Debug)]
pub struct StepDeclaration {
    /// Its name.
    pub name: Named,
    /// Its title.
    pub title: Option<String>,
    /// What it does.
    pub does: Does,
    /// The inputs of its action.
    pub with: Table,
    /// Steps that it needs.
    pub needs: Vec<Named>,
    /// Steps that go first.
    pub after: Vec<Named>,
    /// When it is part of the plan.
    pub when: Option<(Condition, Node)>,
    /// Runs also when the run fails.
    pub finally: bool,
    /// Its deadline.
    pub timeout: Option<Node>,
    /// How it is tried again.
    pub retry: Option<Table>,
    /// What its failure means.
    pub on_failure: OnFailure,
    /// How long it usually takes.
    pub expect: Option<Node>,
    /// The opt-in to destroying, and when it holds.
    pub destroys: Option<(Node, Option<Condition>)>,
    /// Stores that it makes again from something else than their backups.
    pub rebuilds: Vec<Named>,
    /// Stores whose old live data it keeps all writers from.
    pub fences: Vec<Named>,
    /// In which variant.
    pub only: Option<Only>,
}

/// `[variants.NAME]`.
#[derive(Clone, Debug)]
pub struct Variant {
    /// Its name.
    pub name: Named,
    /// The input that chooses.
    pub by: Named,
    /// What every variant must offer.
    pub offers: Vec<Named>,
    /// The values for which a file is named.
    pub values: Vec<Named>,
    /// What each of them offers, by value. That of a file that could not be read is not there.
    pub files: BTreeMap<String, VariantPart>,
}

/// What one value of a variant's input brings.
#[derive(Clone, Debug)]
pub struct VariantPart {
    /// Where the value stands.
    pub at: Position,
    /// Its outputs.
    pub offers: Table,
}

/// `[sets.NAME]`.
#[derive(Clone, Debug)]
pub struct SetDeclaration {
    /// Its name.
    pub name: Named,
    /// The stores.
    pub members: Vec<Named>,
    /// How far their points may lie apart.
    pub skew_max: Option<Node>,
    /// When it is taken.
    pub schedule: Option<Node>,
    /// How long it is kept.
    pub ttl: Option<Node>,
    /// Its members are restored together or not at all.
    pub is_whole: bool,
    /// A newer point may need the bytes of an older one.
    pub is_chain: bool,
}

/// `[scenarios.NAME]`.
#[derive(Clone, Debug)]
pub struct ScenarioDeclaration {
    /// Its name.
    pub name: Named,
    /// Its title.
    pub title: Option<String>,
    /// The steps to reach.
    pub goal: Vec<Named>,
    /// Inputs that it fixes.
    pub inputs: Table,
    /// How much data may be lost.
    pub rpo: Option<Node>,
    /// How long it may take.
    pub rto: Option<Node>,
    /// Sites that are gone.
    pub lost: Vec<Node>,
}

/// `[[invariants]]`.
#[derive(Clone, Debug)]
pub enum InvariantDeclaration {
    /// The first store holds references to the second.
    References(Named, Named),
    /// The first store must keep longer than the second, by this.
    Outlives(Named, Named, Period),
}

/// `[drills.NAME]`.
#[derive(Clone, Debug)]
pub struct Drill {
    /// Its name.
    pub name: Named,
    /// Its title.
    pub title: Option<String>,
    /// The scenario that is rehearsed.
    pub scenario: Named,
    /// How often.
    pub every: Period,
    /// Only these steps, when it is not empty.
    pub only: Vec<Named>,
    /// How much is verified: `full`, `sampled`, `integrity`.
    pub profile: String,
    /// What is put at the end of targets' names.
    pub suffix: Option<String>,
    /// Inputs that it fixes.
    pub inputs: Table,
    /// Inputs of single steps' actions that it overrides, by step.
    pub overrides: Table,
    /// Steps that it leaves out.
    pub leave_out: Vec<Named>,
    /// Texts that no target may contain.
    pub refuse: Vec<String>,
}

/// `[[notify]]`.
#[derive(Clone, Debug)]
pub struct NotifyDeclaration {
    /// The events.
    pub on: Vec<Named>,
    /// The kind of action.
    pub uses: Option<Named>,
    /// Its inputs.
    pub with: Table,
    /// Whether drills tell it too.
    pub drills: bool,
}

impl Plan {
    /// The input of this name.
    pub fn input(&self, name: &str) -> Option<&Input> {
        self.inputs.iter().find(|input| input.name == name)
    }

    /// The scenario of this name.
    pub fn scenario(&self, name: &str) -> Option<&ScenarioDeclaration> {
        self.scenarios.iter().find(|s| s.name.name == name)
    }

    /// The drill of this name.
    pub fn drill(&self, name: &str) -> Option<&Drill> {
        self.drills.iter().find(|drill| drill.name.name == name)
    }

    /// The scenario of a drill as the drill rehearses it, with the drill's values in the place of those that
    /// the scenario fixes; `None` when it fixes none of them.
    pub(super) fn moved(&self, drill: &Drill) -> Option<ScenarioDeclaration> {
        let mut scenario = self.scenario(&drill.scenario.name)?.clone();
        let mut is_moved = false;
        for entry in &mut scenario.inputs.entries {
            if let Some(value) = drill.inputs.get(&entry.key) {
                entry.value = value.clone();
                is_moved = true;
            }
        }
        is_moved.then_some(scenario)
    }

    /// The inputs that decide which parts of the plan there are, with all values that they can have.
    pub fn deciding_inputs(&self) -> BTreeMap<String, Vec<String>> {
        let mut names: Vec<&str> = self.variants.iter().map(|v| v.by.name.as_str()).collect();
        for step in &self.steps {
            let conditions = [
                step.when.as_ref().map(|(condition, _)| condition),
                step.destroys.as_ref().and_then(|(_, when)| when.as_ref()),
            ];
            names.extend(conditions.into_iter().flatten().flat_map(Condition::inputs));
        }
        for store in &self.stores {
            if let Some((_, Some(condition))) = &store.known {
                names.extend(condition.inputs());
            }
        }
        names
            .into_iter()
            .filter_map(|name| {
                let words = self.input(name)?.takes.words()?;
                Some((name.to_owned(), words))
            })
            .collect()
    }
}
