//! The change set: everything that a run will do, fixed before it begins.
//!
//! It leaves the executor no choice but timing. Its digest covers every byte of it, so that what was
//! reviewed is what is applied. This file holds the persisted form; `diff` makes it, `journal` pins its
//! digest in the first record of a run, `execution` performs it.

mod file;
pub mod files;

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use jiff::Timestamp;
use salvor_contract::ChosenPoint;
use salvor_contract::Class;
use salvor_contract::Destroyed;
use salvor_contract::Effect;
use salvor_contract::Identity;
use salvor_contract::KindName;
use salvor_contract::Period;
use salvor_contract::PointId;
use salvor_contract::Preview;
use salvor_contract::StepName;
use salvor_contract::StoreName;
use salvor_contract::StoreRequest;
use salvor_contract::Values;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

pub use crate::change_set::file::FileError;
pub use crate::change_set::file::SIZE_MAX;
pub use crate::change_set::file::from_bytes;
pub use crate::change_set::file::load;
pub use crate::change_set::file::save;
pub use crate::change_set::file::to_bytes;
use crate::digest::Digest;
use crate::model::instance::Limits;
use crate::model::instance::Notification;
use crate::model::instance::OnFailure;
use crate::model::instance::Retry;
use crate::model::instance::Scenario;
use crate::model::instance::StoreClass;
use crate::model::instance::StoreRole;
use crate::template;

/// The format that this version writes, and the only one that it reads.
pub const FORMAT: u32 = 1;

/// Everything that a run will do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ChangeSet {
    /// The format, [`FORMAT`].
    pub format: u32,
    /// The version of salvor that made it.
    pub tool: String,
    /// The plan's name.
    pub plan: String,
    /// The plan's title.
    pub title: String,
    /// The files that the plan was read from, with their digests.
    pub sources: BTreeMap<String, Digest>,
    /// The environment that it is for: the lineage of its state folder.
    pub lineage: String,
    /// Makes this change set unlike any other, so that it can be applied once.
    pub nonce: String,
    /// The scenario.
    pub scenario: Scenario,
    /// Inputs; secrets as references.
    pub inputs: Values,
    /// Tables, for templates that are rendered during the run.
    pub tables: Values,
    /// When the world was looked at.
    pub surveyed: Timestamp,
    /// After this moment it is refused.
    pub expires: Timestamp,
    /// The moment to which the stores are to be brought.
    pub goal: Timestamp,
    /// How the goal was given.
    pub asked: Asked,
    /// What is brought back from where, by store, in the order of their names.
    pub selections: Vec<StoreSelection>,
    /// What a reader must know about pairs of stores.
    pub warnings: Vec<Warning>,
    /// The steps, in an order in which each comes after all that it waits for.
    pub steps: Vec<PlannedStep>,
    /// How much may go on at once.
    pub limits: Limits,
    /// Who is told, and when.
    pub notify: Vec<Notification>,
    /// Predicted length of the run and what it rests on.
    pub forecast: Forecast,
}

/// How the moment to recover to was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Asked {
    /// The newest that there is; resolved once, when the world was looked at.
    Latest,
    /// A moment.
    At(Timestamp),
    /// A backup id that names points of several stores.
    Backup(String),
}

/// What was chosen for one store, and why not the others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct StoreSelection {
    /// The store.
    pub store: StoreName,
    /// Its title.
    pub title: String,
    /// Its class.
    pub class: StoreClass,
    /// What is done with it.
    pub choice: Choice,
    /// Why, in words.
    pub reason: String,
    /// Points that were not chosen, each with its reason, newest first, at most [`REJECTED_MAX`].
    pub rejected: Vec<Rejected>,
    /// How many more were rejected than are listed.
    pub rejected_more: u64,
    /// What is lost of it, counted back from the survey; `None` when no step brings it back, and when its point is not
    /// chosen yet.
    pub loses: Option<Period>,
    /// How far its point lies before the goal: what is held against the RPO.
    pub behind_goal: Option<Period>,
    /// The RPO that applies: its own, else the scenario's.
    pub rpo: Option<Period>,
}

/// Rejected points are listed up to this number.
pub const REJECTED_MAX: usize = 10;

/// What is done with a store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Choice {
    /// It is brought back from this point.
    Restore(ChosenPoint),
    /// Its point is chosen during the run by this rule.
    Later(LaterRule),
    /// It is not restored.
    Leave,
    /// It must be restored and cannot be; the change set is not applicable.
    Impossible,
}

/// The rule by which a point is chosen during the run, by the same pure function as at plan time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LaterRule {
    /// The step after which the store can be looked at.
    pub after: StepName,
    /// The moment that the point must not lie after.
    pub not_after: Timestamp,
    /// The moment that a point which an operator states must not lie before: the plan keeps nothing older.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    /// Exactly this point, when the operator named one.
    pub point: Option<PointId>,
    /// Only points of this backup id, when it must come back together with other stores.
    pub backup: Option<String>,
    /// Points that miss parts may be chosen.
    pub allow_partial: bool,
    /// How far the point may lie before `not_after`.
    pub behind_max: Option<Period>,
}

/// A point that was not chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rejected {
    /// The point.
    pub point: PointId,
    /// Its title.
    pub title: String,
    /// Why not.
    pub reason: String,
}

/// Something that a reader of the change set must know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Warning {
    /// What it is about: `goal`, `skew`, `invariant`, `expiry`, `size`, `trap`, `refused`.
    pub about: String,
    /// The sentence.
    pub message: String,
}

/// One step of the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PlannedStep {
    /// Its name.
    pub name: StepName,
    /// Its title.
    pub title: String,
    /// The full name of its action.
    pub action: KindName,
    /// How an interrupted operation is kept from repeating its effect.
    pub class: Class,
    /// True when a person must answer before it is performed.
    pub asks: bool,
    /// The store that it is about.
    pub store: Option<StoreRequest>,
    /// What it does with the store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<StoreRole>,
    /// The recovery point.
    pub point: PointSource,
    /// The provider's configuration.
    pub config: Values,
    /// The inputs; `{"$template": …}` where something is known only during the run.
    pub with: Values,
    /// Steps that must have succeeded.
    pub needs: Vec<StepName>,
    /// Steps that must have ended, however, when they are not needed.
    pub after: Vec<StepName>,
    /// Runs also when the run fails.
    pub finally: bool,
    /// How long one try may take.
    pub deadline: Period,
    /// How long "not found" is not yet believed.
    pub settle: Period,
    /// How it is tried again.
    pub retry: Retry,
    /// What its failure means.
    pub on_failure: OnFailure,
    /// The files of the plan's folder that it reads during the run, with their digests. A step is not begun when one
    /// of them was changed. (Change sets of before this member have none.)
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, Digest>,
    /// What it writes, as far as it is known; the first is its target.
    pub writes: Vec<Identity>,
    /// What it would change.
    pub change: Change,
    /// What is lost, to be confirmed by typing the fingerprints.
    pub confirm: Vec<Destroyed>,
    /// Predicted duration and where it comes from.
    pub predicted: Option<Predicted>,
}

/// Where a step's recovery point comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum PointSource {
    /// It has none.
    None,
    /// It is fixed here.
    Pinned(ChosenPoint),
    /// It is chosen during the run.
    Later(LaterRule),
}

/// What a step would change, as far as it can be known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[expect(
    clippy::large_enum_variant,
    reason = "one value a step; boxing would cost clarity"
)]
pub enum Change {
    /// The provider's preview.
    Seen(Preview),
    /// It cannot be previewed; the effect that its kind declares, and why it cannot be seen.
    Unseen {
        /// What the kind declares.
        effect: Effect,
        /// Why it cannot be previewed: `(known after metadata: its endpoint)`.
        why: String,
    },
}

/// How long a step is predicted to take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Predicted {
    /// The length.
    pub length: Period,
    /// What it comes from: `3 earlier runs`, `the plan`.
    pub from: String,
}

/// How long the run is predicted to take.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Forecast {
    /// The sum along the critical path; `None` when a step on it has no data.
    pub length: Option<Period>,
    /// The steps of the critical path.
    pub critical_path: Vec<StepName>,
    /// Steps for which there is no data.
    pub no_data: Vec<StepName>,
}

impl ChangeSet {
    /// The digest over every byte of it.
    pub fn digest(&self) -> Digest {
        Digest::of_value(self)
    }

    /// The step of this name.
    pub fn step(&self, name: &StepName) -> Option<&PlannedStep> {
        self.steps.iter().find(|step| &step.name == name)
    }

    /// The steps that bring a store back: those of which the plan says so. One that asks of its recovery point, or
    /// proves it, leaves the store as it is.
    pub fn restoring(&self, store: &StoreName) -> Vec<&PlannedStep> {
        let is_restoring = |step: &&PlannedStep| {
            step.role == Some(StoreRole::Restore)
                && step.store.as_ref().is_some_and(|of| of.store == *store)
        };
        self.steps.iter().filter(is_restoring).collect()
    }
}

impl PlannedStep {
    /// What it does to the world: as it was previewed, else as its kind declares.
    pub fn effect(&self) -> Effect {
        match &self.change {
            Change::Seen(preview) => preview.effect,
            Change::Unseen { effect, .. } => *effect,
        }
    }

    /// The steps whose outputs its inputs refer to, and those of its store.
    pub fn references(&self) -> BTreeSet<StepName> {
        let of_store = self.store.iter().flat_map(|store| store.with.iter());
        named("steps", self.with.iter().chain(of_store))
            .map(StepName::new)
            .collect()
    }

    /// What its inputs refer to of the run itself: `id`, `started`.
    pub fn run_facts(&self) -> BTreeSet<String> {
        named("run", self.with.iter()).collect()
    }

    /// The stores whose recovery points its inputs refer to.
    pub fn stores_referred_to(&self) -> BTreeSet<StoreName> {
        named("stores", self.with.iter())
            .map(StoreName::new)
            .collect()
    }
}

/// What templates in these values name below a root: `steps`, `stores`.
fn named<'a>(
    root: &'static str,
    values: impl Iterator<Item = (&'a str, &'a serde_json::Value)>,
) -> impl Iterator<Item = String> {
    values
        .flat_map(|(_, value)| template::references(value))
        .filter(move |path| path.first().is_some_and(|first| first == root))
        .filter_map(|path| path.into_iter().nth(1))
}
