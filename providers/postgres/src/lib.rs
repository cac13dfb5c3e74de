//! PostgreSQL: dumps and point-in-time recovery as stores, queries and baselines as checks.
//!
//! Stores: [`dumps`] and [`pitr`]. Actions: [`restore_dump`], [`restore_pitr`], [`dump`], [`query`],
//! [`baseline`], [`archiving`]. Managed services (RDS, Cloud SQL) are restored by their own providers; their databases
//! are dumped, queried and compared here like any other.

pub mod archiving;
pub mod base_backup;
pub mod take_base_backup;

pub mod baseline;
pub mod client_program;
pub mod config;
pub mod dump;
pub mod dump_name;
pub mod dumps;
pub mod findings;
pub mod kinds;
pub mod pitr;
pub mod place;
pub mod programs;
pub mod query;
pub mod restore_dump;
pub mod restore_pitr;
pub mod script;
pub mod server;
pub mod wal;

use async_trait::async_trait;
use salvor_contract::Call;
use salvor_contract::Description;
use salvor_contract::Effect;
use salvor_contract::Error;
use salvor_contract::Finding;
use salvor_contract::InputRefusal;
use salvor_contract::KindName;
use salvor_contract::Operation;
use salvor_contract::Outcome;
use salvor_contract::Preview;
use salvor_contract::Probe;
use salvor_contract::Provider;
use salvor_contract::RecoveryPoint;
use salvor_contract::Removal;
use salvor_contract::StoreRequest;
use salvor_contract::Survey;
use salvor_contract::Values;

use crate::config::Config;

/// The provider.
#[derive(Debug)]
pub struct Postgres {
    description: Description,
}

impl Postgres {
    /// The provider. It holds nothing but its description.
    pub fn new() -> Self {
        Self {
            description: kinds::description(),
        }
    }
}

impl Default for Postgres {
    fn default() -> Self {
        Self::new()
    }
}

fn unknown_kind(name: &str) -> Error {
    Error::refused(format!("postgres has no kind `{name}`"))
}

#[async_trait]
impl Provider for Postgres {
    fn description(&self) -> &Description {
        &self.description
    }

    fn refusals(&self, kind: &KindName, with: &Values) -> Vec<InputRefusal> {
        match kind.as_str() {
            kinds::DUMPS => dumps::refusals(with),
            _ => Vec::new(),
        }
    }

    async fn survey(&self, store: &StoreRequest, call: &Call<'_>) -> Result<Survey, Error> {
        let config: Config = store.config.parse()?;
        match store.kind.as_str() {
            kinds::DUMPS => dumps::survey(store, &config, call).await,
            kinds::PITR => pitr::survey(store, &config, call).await,
            other => Err(unknown_kind(other)),
        }
    }

    fn recovery_points(
        &self,
        store: &StoreRequest,
        seen: &Survey,
    ) -> Result<Vec<RecoveryPoint>, Error> {
        match store.kind.as_str() {
            kinds::DUMPS => dumps::recovery_points(store, seen),
            kinds::PITR => pitr::points::recovery_points(store, seen),
            other => Err(unknown_kind(other)),
        }
    }

    async fn preview(&self, operation: &Operation, call: &Call<'_>) -> Result<Preview, Error> {
        let config: Config = operation.config.parse()?;
        let with = &operation.with;
        let text = |name: &str| with.text(name).unwrap_or_default().to_owned();
        match operation.action.as_str() {
            kinds::RESTORE_DUMP => restore_dump::preview(operation, &config, call).await,
            kinds::RESTORE_PITR => restore_pitr::preview(operation, &config, call).await,
            kinds::DUMP => dump::preview(operation, &config, call).await,
            kinds::BASE_BACKUP => take_base_backup::preview(operation, &config, call).await,
            kinds::QUERY => {
                with.parse::<query::QueryInputs>()?;
                let summary = format!("asks {}: {}", text("database"), text("sql"));
                Ok(Preview::new(Effect::Read, summary))
            }
            kinds::BASELINE => {
                with.parse::<baseline::BaselineInputs>()?;
                let path = call.path(&text("write-to"));
                let mut preview = Preview::new(
                    if path.exists() {
                        Effect::Change
                    } else {
                        Effect::Create
                    },
                    format!(
                        "file {}: rows and digests of {}",
                        path.display(),
                        text("database")
                    ),
                );
                preview.known = Values::new().with("file", path.display().to_string());
                Ok(preview)
            }
            kinds::COMPARE => {
                with.parse::<baseline::CompareInputs>()?;
                let summary = format!("compares {} with {}", text("database"), text("baseline"));
                Ok(Preview::new(Effect::Read, summary))
            }
            kinds::ARCHIVING => {
                with.parse::<archiving::ArchivingInputs>()?;
                let summary = format!("looks whether {} archives its WAL", text("host"));
                Ok(Preview::new(Effect::Read, summary))
            }
            other => Err(unknown_kind(other)),
        }
    }

    async fn perform(&self, operation: &Operation, call: &Call<'_>) -> Result<Outcome, Error> {
        let config: Config = operation.config.parse()?;
        match operation.action.as_str() {
            kinds::RESTORE_DUMP => restore_dump::perform(operation, &config, call).await,
            kinds::RESTORE_PITR => restore_pitr::perform(operation, &config, call).await,
            kinds::DUMP => dump::perform(operation, &config, call).await,
            kinds::BASE_BACKUP => take_base_backup::perform(operation, &config, call).await,
            kinds::QUERY => query::perform(operation, call).await,
            kinds::BASELINE => baseline::take(operation, call).await,
            kinds::COMPARE => baseline::compare(operation, call).await,
            kinds::ARCHIVING => archiving::perform(operation, &config, call).await,
            other => Err(unknown_kind(other)),
        }
    }

    async fn probe(&self, operation: &Operation, call: &Call<'_>) -> Result<Probe, Error> {
        let config: Config = operation.config.parse()?;
        match operation.action.as_str() {
            kinds::RESTORE_DUMP => restore_dump::probe(operation, call).await,
            kinds::RESTORE_PITR => restore_pitr::probe(operation, &config, call).await,
            kinds::DUMP => dump::probe(operation, &config, call).await,
            kinds::BASE_BACKUP => take_base_backup::probe(operation, &config, call).await,
            kinds::BASELINE => baseline::probe(operation, call),
            // They read: nothing is ever left of them.
            kinds::QUERY | kinds::COMPARE | kinds::ARCHIVING => Ok(Probe::Absent),
            other => Err(unknown_kind(other)),
        }
    }

    async fn observe(
        &self,
        operation: &Operation,
        outcome: &Outcome,
        call: &Call<'_>,
    ) -> Result<Vec<Finding>, Error> {
        match operation.action.as_str() {
            kinds::RESTORE_DUMP => restore_dump::observe(operation, outcome, call).await,
            kinds::RESTORE_PITR => restore_pitr::observe(operation, call),
            _ => Ok(Vec::new()),
        }
    }

    async fn remove(&self, operation: &Operation, call: &Call<'_>) -> Result<Removal, Error> {
        let config: Config = operation.config.parse()?;
        match operation.action.as_str() {
            kinds::RESTORE_DUMP => restore_dump::remove(operation, call).await,
            kinds::RESTORE_PITR => restore_pitr::remove(operation, &config, call).await,
            kinds::DUMP => dump::remove(operation, &config, call).await,
            kinds::BASE_BACKUP => take_base_backup::remove(operation, &config, call).await,
            kinds::BASELINE => baseline::remove(operation, call),
            kinds::QUERY | kinds::COMPARE | kinds::ARCHIVING => Ok(Removal::NothingThere),
            other => Err(unknown_kind(other)),
        }
    }
}
