//! What there is in a simulated world, and how work at its services goes on by itself.
//!
//! The whole is one JSON document that a person may write. Nothing here reads a file or a clock.

use std::collections::BTreeMap;

use jiff::Timestamp;
use salvor_contract::Operation;
use salvor_contract::OperationId;
use salvor_contract::Period;
use salvor_contract::PointState;
use salvor_contract::RunId;
use salvor_contract::StepName;
use salvor_contract::Values;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;

use crate::fault::Rule;

/// All that there is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct World {
    /// Databases by name.
    pub databases: BTreeMap<String, Content>,
    /// Sets of objects by name: `bucket/prefix`.
    pub objects: BTreeMap<String, Content>,
    /// Search indices by name.
    pub indices: BTreeMap<String, Content>,
    /// Deployments by name.
    pub deployments: BTreeMap<String, Deployment>,
    /// Single values by name: settings, health, what `simulated.run` sets.
    pub values: BTreeMap<String, Held>,
    /// Backups by the key of what they were taken of: `databases/app`. See [`Shelf::key`].
    pub backups: BTreeMap<String, Vec<Backup>>,
    /// Faults to come, and how much of them has come.
    pub faults: Vec<Rule>,
    /// Work that was begun, by the service's own name of it.
    pub work: BTreeMap<String, Work>,
    /// The highest token that a target has seen, for the class `fenced`.
    pub fences: BTreeMap<String, u64>,
    /// Every effect, in the order in which it happened: tests count repetitions here.
    pub effects: Vec<EffectRecord>,
}

/// The content of a database, an object set or an index.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Content {
    /// Rows, objects or documents.
    #[serde(default)]
    pub rows: u64,
    /// Its size in bytes.
    #[serde(default)]
    pub bytes: u64,
    /// The moment of its newest row.
    pub data_until: Timestamp,
    /// How many rows came each hour: an earlier moment has fewer.
    #[serde(default)]
    pub rows_per_hour: u64,
    /// When it was made: tells it from a look-alike of the same name.
    pub created: Timestamp,
    /// The first moment of its window of point-in-time recovery; none when there is no window.
    #[serde(default)]
    pub pitr_from: Option<Timestamp>,
    /// How complete it is.
    #[serde(default)]
    pub state: ContentState,
    /// Which operation made it; none for what was there before.
    #[serde(default)]
    pub mark: Option<Mark>,
}

/// How complete a [`Content`] is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ContentState {
    /// It can be used.
    #[default]
    Available,
    /// It is being made.
    Creating,
    /// It was lost in the disaster: its backups and its window are all that is left.
    Lost,
    /// Its making failed half-way.
    Incomplete,
}

/// Replicas of something that runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deployment {
    /// How many are wanted and run.
    pub replicas: u64,
}

/// A value and who set it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Held {
    /// The value.
    pub value: Value,
    /// Which operation set it; none for what was there before.
    #[serde(default)]
    pub mark: Option<Mark>,
}

/// The mark of the operation that made a thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// The run.
    pub run: RunId,
    /// The mark of the operation: that of the first of its attempts.
    pub operation: OperationId,
}

impl Mark {
    /// The mark of this operation.
    pub fn of(operation: &Operation) -> Self {
        Self {
            run: operation.run.clone(),
            operation: operation.mark.clone(),
        }
    }
}

/// One backup of something.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Backup {
    /// Its id, unique among the backups of the same thing.
    pub id: String,
    /// The moment that it holds.
    pub at: Timestamp,
    /// Rows, objects or documents in it.
    #[serde(default)]
    pub rows: u64,
    /// Its size in bytes.
    #[serde(default)]
    pub bytes: u64,
    /// Whether it can be used.
    #[serde(default = "usable")]
    pub state: PointState,
    /// When it will be removed.
    #[serde(default)]
    pub expires: Option<Timestamp>,
    /// The backup set that it belongs to.
    #[serde(default)]
    pub set: Option<String>,
    /// Which operation took it; none for what was there before.
    #[serde(default)]
    pub mark: Option<Mark>,
}

fn usable() -> PointState {
    PointState::Usable
}

/// Which of the three collections of [`Content`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shelf {
    /// [`World::databases`].
    Databases,
    /// [`World::objects`].
    Objects,
    /// [`World::indices`].
    Indices,
}

impl Shelf {
    /// The key of a thing on this shelf: `databases/app`.
    pub fn key(self, name: &str) -> String {
        let shelf = match self {
            Self::Databases => "databases",
            Self::Objects => "objects",
            Self::Indices => "indices",
        };
        format!("{shelf}/{name}")
    }

    /// The word for one thing on this shelf.
    pub fn word(self) -> &'static str {
        match self {
            Self::Databases => "database",
            Self::Objects => "object set",
            Self::Indices => "index",
        }
    }
}

/// One piece of work at a service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Work {
    /// Who asked for it, by the name of the work.
    pub mark: Mark,
    /// When it began.
    pub begun: Timestamp,
    /// How long it takes.
    pub lasts: Period,
    /// What is true when it is done.
    pub deed: Deed,
    /// The outputs that it has when it is done.
    pub outputs: Values,
    /// How it stands.
    pub state: WorkState,
    /// When it will fail, counted from its beginning, and why: from the fault script.
    pub fails: Option<(Period, String)>,
}

/// How a [`Work`] stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WorkState {
    /// It goes on.
    Running,
    /// It is done.
    Done,
    /// It failed; why.
    Failed(String),
    /// The service reports a state that salvor does not know.
    Strange(String),
}

/// What is true when a [`Work`] is done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deed {
    /// This content stands on the shelf under this name.
    Content(Shelf, String, Content),
    /// This deployment has this many replicas.
    Replicas(String, u64),
    /// This value is set.
    Value(String, Value),
    /// This backup is among those of this key.
    Backup(String, Backup),
}

/// One effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EffectRecord {
    /// The operation that had it.
    pub operation: OperationId,
    /// The step of the plan.
    pub step: StepName,
    /// What was done to what: `restore databases/app-new`.
    pub what: String,
}

impl World {
    /// A world from its JSON text.
    ///
    /// # Errors
    /// The place and reason of the first thing in it that is not understood.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// The contents of a shelf.
    pub fn shelf(&self, shelf: Shelf) -> &BTreeMap<String, Content> {
        match shelf {
            Shelf::Databases => &self.databases,
            Shelf::Objects => &self.objects,
            Shelf::Indices => &self.indices,
        }
    }

    /// The contents of a shelf, to change.
    pub fn shelf_mut(&mut self, shelf: Shelf) -> &mut BTreeMap<String, Content> {
        match shelf {
            Shelf::Databases => &mut self.databases,
            Shelf::Objects => &mut self.objects,
            Shelf::Indices => &mut self.indices,
        }
    }

    /// How often this operation has had an effect.
    pub fn effects_of(&self, operation: &OperationId) -> usize {
        self.effects
            .iter()
            .filter(|effect| effect.operation == *operation)
            .count()
    }

    /// Lets the services work until this moment: what is due by then is done, or has failed.
    pub fn advance(&mut self, now: Timestamp) {
        let running: Vec<String> = self
            .work
            .iter()
            .filter(|(_, work)| work.state == WorkState::Running)
            .map(|(name, _)| name.clone())
            .collect();
        for name in running {
            let Some(work) = self.work.get_mut(&name) else {
                continue;
            };
            let is_due = |after: Period| {
                work.begun
                    .checked_add(after.duration())
                    .is_ok_and(|moment| moment <= now)
            };
            if let Some((after, why)) = &work.fails
                && is_due(*after)
            {
                work.state = WorkState::Failed(why.clone());
                if let Deed::Content(shelf, name, _) = work.deed.clone()
                    && let Some(content) = self.shelf_mut(shelf).get_mut(&name)
                {
                    content.state = ContentState::Incomplete;
                }
            } else if is_due(work.lasts) {
                work.state = WorkState::Done;
                let (deed, mark) = (work.deed.clone(), work.mark.clone());
                self.fulfil(deed, mark);
            }
        }
    }

    fn fulfil(&mut self, deed: Deed, mark: Mark) {
        match deed {
            Deed::Content(shelf, name, content) => {
                self.shelf_mut(shelf).insert(name, content);
            }
            Deed::Replicas(name, replicas) => {
                self.deployments.insert(name, Deployment { replicas });
            }
            Deed::Value(name, value) => {
                let mark = Some(mark);
                self.values.insert(name, Held { value, mark });
            }
            Deed::Backup(key, backup) => {
                let backups = self.backups.entry(key).or_default();
                backups.retain(|other| other.id != backup.id);
                backups.push(backup);
            }
        }
    }
}

impl Content {
    /// The rows that it had at a moment.
    pub fn rows_at(&self, at: Timestamp) -> u64 {
        let seconds = at.duration_until(self.data_until).as_secs();
        let later_hours = u64::try_from(seconds).unwrap_or(0) / 3600;
        self.rows
            .saturating_sub(later_hours.saturating_mul(self.rows_per_hour))
    }
}

#[cfg(test)]
mod tests {
    use super::World;

    #[test]
    fn a_world_that_a_person_wrote_is_read() {
        let world = World::parse(
            r#"{
                "databases": { "app": {
                    "rows": 1000, "rows-per-hour": 10, "bytes": 5000,
                    "data-until": "2026-04-06T02:00:00Z", "created": "2025-01-01T00:00:00Z",
                    "pitr-from": "2026-04-01T00:00:00Z" } },
                "deployments": { "web": { "replicas": 3 } },
                "backups": { "databases/app": [
                    { "id": "nightly", "at": "2026-04-05T02:00:00Z", "rows": 760, "state": { "partial": "1 shard" } }] },
                "faults": [{ "action": "simulated.restore", "nth": 1, "fault": { "transient": null } }]
            }"#,
        )
        .expect("a good world");
        let app = &world.databases["app"];
        let before: jiff::Timestamp = "2026-04-05T02:00:00Z".parse().expect("a moment");
        assert_eq!(app.rows_at(before), 760);
        assert_eq!(app.rows_at(app.data_until), 1000);
    }

    #[test]
    fn a_misspelt_key_is_refused() {
        let error = World::parse(r#"{ "databasis": {} }"#).expect_err("a misspelt key");
        assert!(error.to_string().contains("databasis"), "{error}");
    }
}
