//! What the simulated kinds take, as the structs that they are parsed into.

use jiff::Timestamp;
use salvor_contract::Class;
use salvor_contract::Period;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// `[providers.simulated]`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// The file of the world, a path below the plan's folder.
    #[serde(default = "world_file")]
    pub world: String,
    /// How many times faster than declared the work is done.
    #[serde(default = "one")]
    pub speed: u64,
}

fn world_file() -> String {
    "world.json".to_owned()
}

fn one() -> u64 {
    1
}

/// `with` of each of the three store kinds.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Store {
    /// The name in the world.
    pub name: String,
}

/// `with` of `simulated.restore`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Restore {
    /// The name of what is made. It must not be there.
    pub target: String,
    /// How long the service takes.
    #[serde(default = "five_minutes")]
    pub takes: Period,
}

/// `with` of `simulated.overwrite`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Overwrite {
    /// The name of what is overwritten.
    pub target: String,
    /// How long the service takes.
    #[serde(default = "five_minutes")]
    pub takes: Period,
}

fn five_minutes() -> Period {
    Period::from_seconds(300)
}

/// `with` of `simulated.scale`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Scale {
    /// The deployment.
    pub deployment: String,
    /// How many replicas it is to have.
    pub replicas: u64,
    /// How long it takes until they run.
    #[serde(default)]
    pub takes: Period,
}

/// `with` of `simulated.run`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Run {
    /// The name of the value that it sets.
    pub target: String,
    /// What it sets it to.
    #[serde(default)]
    pub value: Value,
    /// The idempotency class that the work has.
    #[serde(default = "unkeyed")]
    pub class: Class,
    /// How long it takes.
    #[serde(default)]
    pub takes: Period,
}

fn unkeyed() -> Class {
    Class::Unkeyed
}

/// `with` of `simulated.backup`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TakeBackup {
    /// The id of the backup; left out, it is the operation's.
    pub name: Option<String>,
    /// The backup set that it belongs to.
    pub set: Option<String>,
    /// When it may be removed.
    pub expires: Option<Timestamp>,
    /// How long it takes.
    #[serde(default)]
    pub takes: Period,
}

/// `with` of `simulated.verify`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Verify {
    /// The fewest rows that the backup must hold.
    #[serde(default = "one")]
    pub rows_min: u64,
}

/// `with` of `simulated.check`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Check {
    /// What to look at, as a path into the world: `databases/app/rows`, `deployments/web/replicas`.
    pub fact: String,
    /// The value that it must have.
    pub equals: Option<Value>,
    /// The number that it must not be below.
    pub at_least: Option<f64>,
    /// The number that it must not be above.
    pub at_most: Option<f64>,
}

/// `with` of `simulated.wait`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Wait {
    /// What to look at, as a path into the world: `values/cluster/value`.
    pub fact: String,
    /// The value that ends the waiting well.
    pub until: Value,
    /// Values that end it at once and fail the step.
    #[serde(default)]
    pub fails_when: Vec<Value>,
    /// How often to look.
    #[serde(default = "five_seconds")]
    pub every: Period,
}

fn five_seconds() -> Period {
    Period::from_seconds(5)
}
