//! A plan with one scenario chosen and all inputs given: names resolved, variants taken, conditions decided.
//!
//! Values in `with` are JSON. A text that needs something known only later (an output of a step, a point
//! chosen in the run) stays a template, written as the object `{"$template": "…"}`; every other text is
//! literal and is never rendered again.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use salvor_contract::KindName;
use salvor_contract::Period;
use salvor_contract::StepName;
use salvor_contract::StoreName;
use salvor_contract::Values;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::digest::Digest;
use crate::model::state::StateSettings;

/// A plan with one scenario chosen and all inputs given.
#[derive(Clone, Debug, PartialEq)]
pub struct Instance {
    /// The plan's name.
    pub plan: String,
    /// Its title for people.
    pub title: String,
    /// The folder of `plan.toml`.
    pub dir: PathBuf,
    /// Every file that the plan was read from, relative to `dir`, with its digest.
    pub sources: BTreeMap<String, Digest>,
    /// The chosen scenario.
    pub scenario: Scenario,
    /// Inputs by name; secrets as references.
    pub inputs: Values,
    /// Tables of the plan by name, for templates that are rendered later.
    pub tables: Values,
    /// Providers' configurations by provider name, rendered.
    pub providers: BTreeMap<String, Values>,
    /// Stores by name.
    pub stores: BTreeMap<StoreName, Store>,
    /// Steps by name: all whose condition holds, in the scenario or not.
    pub steps: BTreeMap<StepName, Step>,
    /// Backup sets by name.
    pub sets: BTreeMap<String, Set>,
    /// Rules between stores.
    pub invariants: Vec<Invariant>,
    /// How much may go on at once.
    pub limits: Limits,
    /// Who is told, and when.
    pub notify: Vec<Notification>,
    /// Where runs and locks are kept; a folder is below `dir` when relative.
    pub state: StateSettings,
}

/// A named goal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// Its title for people.
    pub title: String,
    /// The steps to reach; all that they need comes along.
    pub goal: Vec<StepName>,
    /// How much data may be lost, as time.
    pub rpo: Option<Period>,
    /// How long it may take.
    pub rto: Option<Period>,
}

/// Something that can be lost.
#[derive(Clone, Debug, PartialEq)]
pub struct Store {
    /// Its title for people.
    pub title: String,
    /// Its kind; stores that are declared but never touched (external, ephemeral) have none.
    pub kind: Option<KindName>,
    /// Its points are what an operator says: no provider sees them.
    pub is_stated: bool,
    /// What kind of loss it would be.
    pub class: StoreClass,
    /// The kind's inputs, fully known: a store is looked at before anything runs, unless `known_after`.
    pub with: Values,
    /// Its own RPO, where it has one.
    pub rpo: Option<Period>,
    /// Why it is not restored, for the classes that are not.
    pub why: Option<String>,
    /// How it is backed up and kept.
    pub backup: BackupPolicy,
    /// Its points are known only after this step of the run, when that step is part of it.
    pub known_after: Option<StepName>,
    /// Points that miss parts may be chosen.
    pub allow_partial: bool,
}

/// What losing a store means.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum StoreClass {
    /// The truth is here and nowhere else.
    Authoritative,
    /// Copies live elsewhere.
    Replicated,
    /// Can be made again from another store.
    Rebuildable,
    /// May be lost.
    Ephemeral,
    /// Somebody else keeps it.
    External,
    /// In version control.
    InGit,
    /// A key, without which other stores cannot be read.
    Key,
}

/// How a store is backed up, as the plan declares it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct BackupPolicy {
    /// Five cron fields or `@daily`, `@weekly`, `@hourly`, UTC.
    pub schedule: Option<String>,
    /// Length of the window of point-in-time recovery.
    pub pitr: Option<Period>,
    /// How far behind the live store the window may be.
    pub interval: Option<Period>,
    /// How long every backup is kept.
    pub retention: Option<Period>,
    /// Grandfather-father-son counts: `hourly`, `daily`, `weekly`, `monthly`, `yearly`.
    pub keep: BTreeMap<String, u64>,
}

/// The generations of backups, the finest first, with the seconds between two backups of each.
pub const GENERATIONS: [(&str, u64); 5] = [
    ("hourly", 3600),
    ("daily", 86_400),
    ("weekly", 7 * 86_400),
    ("monthly", 30 * 86_400),
    ("yearly", 365 * 86_400),
];

impl BackupPolicy {
    /// How long the oldest backup is kept, by the plan's own numbers.
    pub fn kept(&self) -> Option<Period> {
        let seconds = |unit: &str| {
            let mut known = GENERATIONS.iter();
            known
                .find(|(name, _)| *name == unit)
                .map(|(_, apart)| *apart)
        };
        let by_counts = self.keep.iter().filter_map(|(unit, count)| {
            let seconds = count.saturating_mul(seconds(unit)?);
            Some(Period::from(Duration::from_secs(seconds)))
        });
        by_counts.chain(self.retention).chain(self.pitr).max()
    }
}

/// What a step does with its store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StoreRole {
    /// Brings it back from its chosen point.
    Restore,
    /// Takes a backup of it.
    Backup,
    /// Proves its chosen point.
    Verify,
}

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Its title for people.
    pub title: String,
    /// The full name of its action.
    pub action: KindName,
    /// The store that it restores, backs up or verifies.
    pub store: Option<(StoreRole, StoreName)>,
    /// The action's inputs; templates inside.
    pub with: Values,
    /// Steps that must have succeeded before, written as `needs`.
    pub needs: BTreeSet<StepName>,
    /// Steps whose outputs it refers to: needed as well.
    pub references: BTreeSet<StepName>,
    /// Steps that go first when they are part of the run too.
    pub after: BTreeSet<StepName>,
    /// Runs also when the run fails, as soon as the steps it refers to have succeeded.
    pub finally: bool,
    /// Deadline; the action's own when left out.
    pub timeout: Option<Period>,
    /// How often and how it is tried again after transient errors.
    pub retry: Retry,
    /// What its failure means.
    pub on_failure: OnFailure,
    /// How long it usually takes, as the plan says.
    pub expect: Option<Period>,
    /// The opt-in to destroying what is there; what, in the plan's words.
    pub destroys: Option<String>,
}

/// How a step is tried again after a transient error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Retry {
    /// Tries in all, the first included.
    pub attempts: u32,
    /// Wait before the second try; doubled each time, with jitter.
    pub wait: Period,
    /// The longest wait between two tries.
    pub wait_max: Period,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            attempts: 5,
            wait: Period::from_seconds(2),
            wait_max: Period::from_seconds(60),
        }
    }
}

/// What the failure of a step means for the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnFailure {
    /// No new step starts; `finally` steps run.
    #[default]
    Stop,
    /// What needs the step is not started; everything else goes on.
    Continue,
}

/// Stores that are backed up together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Set {
    /// The stores.
    pub members: Vec<StoreName>,
    /// How far the chosen points of the members may lie apart.
    pub skew_max: Option<Period>,
    /// When it is taken.
    pub schedule: Option<String>,
    /// How long it is kept.
    pub ttl: Option<Period>,
}

/// A rule between two stores.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Invariant {
    /// `from` holds references to `to`: the chosen point of `to` must not be older than that of `from`.
    References {
        /// The store that holds the references.
        from: StoreName,
        /// The store that they point to.
        to: StoreName,
    },
    /// What `store` keeps must live longer than what `than` keeps.
    Outlives {
        /// The store that must keep longer.
        store: StoreName,
        /// The store that depends on it.
        than: StoreName,
        /// By how much, beyond one backup interval.
        by: Period,
    },
}

/// How much may go on at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Limits {
    /// Steps in all.
    pub parallel: usize,
    /// Steps by provider name.
    pub providers: BTreeMap<String, usize>,
    /// Steps that write the same target.
    pub target: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            parallel: 10,
            providers: BTreeMap::new(),
            target: 1,
        }
    }
}

/// Who is told, and when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Notification {
    /// Events: `started`, `asked`, `failed`, `finished`.
    pub on: Vec<String>,
    /// The full name of the action that tells it.
    pub action: KindName,
    /// The action's inputs; `{{run.…}}` templates inside.
    pub with: Values,
    /// The provider's configuration.
    #[serde(default, skip_serializing_if = "Values::is_empty")]
    pub config: Values,
    /// Told in drills too.
    pub drills: bool,
}
