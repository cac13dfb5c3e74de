//! The action `aws.rds.snapshot`: a manual snapshot of a database that is there.
//!
//! Class `Named`: a snapshot's identifier is the plan's and only one can have it; it carries the operation's mark.

use std::collections::BTreeMap;

use salvor_aws_client::Failure;
use salvor_aws_client::of_request;
use salvor_contract::Call;
use salvor_contract::Counts;
use salvor_contract::Effect;
use salvor_contract::Error;
use salvor_contract::InputRefusal;
use salvor_contract::Operation;
use salvor_contract::Outcome;
use salvor_contract::Preview;
use salvor_contract::Probe;
use salvor_contract::Removal;
use salvor_contract::Values;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::client::Clients;
use crate::client::Service;
use crate::config::Config;
use crate::database;
use crate::made;
use crate::made::Looks;
use crate::made::Makes;
use crate::made::failure;
use crate::made::make;
use crate::made::occupied;
use crate::mark::Mark;
use crate::mark::Whose;
use crate::removal::remove_snapshot;
use crate::snapshots;
use crate::snapshots::Snapshot;
use crate::state::State;
use crate::state::of_database;
use crate::store::Rds;
use crate::subject::Kind;
use crate::subject::SNAPSHOT_MAX;
use crate::subject::Subject;
use crate::subject::check_identifier;

/// The name of the action.
pub(crate) const NAME: &str = "aws.rds.snapshot";

/// `with` of the action.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct TakeSnapshot {
    /// The identifier of the new snapshot.
    pub snapshot: String,
    /// The instance. Left out, it is that of the store.
    pub instance: Option<String>,
    /// The cluster. Left out, it is that of the store.
    pub cluster: Option<String>,
    /// The region. Left out, it is that of the store or of the configuration.
    pub region: Option<String>,
    /// Tags of the snapshot.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// What of its inputs no world could make good.
pub(crate) fn refusals(with: &Values) -> Vec<InputRefusal> {
    InputRefusal::of_text(with, "snapshot", |text| match text.contains("{{") {
        true => Ok(()),
        false => check_identifier(text, SNAPSHOT_MAX),
    })
    .into_iter()
    .collect()
}

struct Plan {
    service: Service,
    database: Subject,
    snapshot: Subject,
    tags: BTreeMap<String, String>,
    mark: Mark,
}

impl Plan {
    async fn of(clients: &Clients, operation: &Operation, call: &Call<'_>) -> Result<Self, Error> {
        let inputs: TakeSnapshot = operation.with.parse()?;
        check_identifier(&inputs.snapshot, SNAPSHOT_MAX)?;
        let config: Config = operation.config.parse()?;
        let store = match &operation.store {
            Some(store) => Some(store.with.parse::<Rds>()?),
            None => None,
        };
        let database = match (&inputs.instance, &inputs.cluster, &store) {
            (None, None, Some(store)) => store.subject()?,
            (instance, cluster, _) => Subject::of(instance.as_deref(), cluster.as_deref())?,
        };
        let region = inputs.region.or(store.and_then(|store| store.region));
        Ok(Self {
            service: clients
                .service(&config.in_region(region.as_deref()), call)
                .await?,
            mark: Mark::new(operation, &database.to_string()),
            snapshot: database.named(&inputs.snapshot),
            database,
            tags: inputs.tags,
        })
    }

    async fn send(&self) -> Result<(), Failure> {
        let doing = format!("take the {}", self.what());
        let changes = &self.service.changes;
        match self.database.kind {
            Kind::Instance => changes
                .create_db_snapshot()
                .db_instance_identifier(&self.database.name)
                .db_snapshot_identifier(&self.snapshot.name)
                .set_tags(Some(self.mark.with(&self.tags)))
                .send()
                .await
                .map(|_| ())
                .map_err(|error| of_request(&doing, error)),
            Kind::Cluster => changes
                .create_db_cluster_snapshot()
                .db_cluster_identifier(&self.database.name)
                .db_cluster_snapshot_identifier(&self.snapshot.name)
                .set_tags(Some(self.mark.with(&self.tags)))
                .send()
                .await
                .map(|_| ())
                .map_err(|error| of_request(&doing, error)),
        }
    }
}

impl Looks for Plan {
    type Thing = Snapshot;

    fn what(&self) -> String {
        format!("snapshot {}", self.snapshot.name)
    }

    async fn look(&self) -> Result<Option<Snapshot>, Failure> {
        snapshots::look(&self.service, &self.snapshot).await
    }
}

impl Makes for Plan {
    fn mark(&self) -> &Mark {
        &self.mark
    }

    fn taken(&self) -> &'static str {
        taken(self.snapshot.kind)
    }

    async fn begin(&self) -> Result<(), Failure> {
        self.send().await
    }
}

/// What would be made.
pub(crate) async fn preview(
    clients: &Clients,
    operation: &Operation,
    call: &Call<'_>,
) -> Result<Preview, Error> {
    let plan = Plan::of(clients, operation, call).await?;
    is_free(&plan.service, &plan.snapshot, &plan.mark).await?;
    let database = database::look_there(&plan.service, &plan.database).await?;
    let mut unknown = Vec::new();
    if of_database(&database.status) != State::Ready {
        unknown.push(format!(
            "whether a snapshot can be taken: the {} is `{}`",
            plan.database, database.status
        ));
    }
    Ok(Preview {
        counts: Counts {
            created: Some(1),
            ..Counts::default()
        },
        facts: Values::new()
            .with("snapshot", "absent")
            .with("resource-id", database.resource_id),
        known: Values::new().with("snapshot", plan.snapshot.name.clone()),
        unknown,
        ..Preview::new(
            Effect::Create,
            format!("{}: new, of the {}", plan.what(), plan.database),
        )
    })
}

/// Refuses a snapshot's name that is taken.
pub(crate) async fn is_free(service: &Service, target: &Subject, mark: &Mark) -> Result<(), Error> {
    let Some(found) = snapshots::look(service, target).await? else {
        return Ok(());
    };
    let whose = match mark.whose(&found.tags) {
        Whose::Ours => "made by this run".to_owned(),
        Whose::Others(whose) => whose,
    };
    Err(occupied(&format!("snapshot {}", target.name), &whose))
}

/// What a snapshot that was made gives to later steps.
pub(crate) fn outcome(what: &str, found: &Snapshot) -> Outcome {
    let at = found.at.map(|at| at.to_string()).unwrap_or_default();
    Outcome {
        outputs: Values::new()
            .with("snapshot", found.name.clone())
            .with("arn", found.arn.clone())
            .with("taken", at)
            .with("engine-version", found.engine_version.clone()),
        findings: failure(what, found).into_iter().collect(),
    }
}

/// The service's code for a snapshot's name that is taken.
pub(crate) const fn taken(kind: Kind) -> &'static str {
    match kind {
        Kind::Instance => "DBSnapshotAlreadyExists",
        Kind::Cluster => "DBClusterSnapshotAlreadyExistsFault",
    }
}

/// Takes it, once, and waits for it.
pub(crate) async fn perform(
    clients: &Clients,
    operation: &Operation,
    call: &Call<'_>,
) -> Result<Outcome, Error> {
    let plan = Plan::of(clients, operation, call).await?;
    let found = make(&plan, operation, call).await?;
    Ok(outcome(&plan.what(), &found))
}

/// What became of it.
pub(crate) async fn probe(
    clients: &Clients,
    operation: &Operation,
    call: &Call<'_>,
) -> Result<Probe, Error> {
    let plan = Plan::of(clients, operation, call).await?;
    made::probe(&plan, |found| Probe::Done(outcome(&plan.what(), found))).await
}

/// Removes what it made.
pub(crate) async fn remove(
    clients: &Clients,
    operation: &Operation,
    call: &Call<'_>,
) -> Result<Removal, Error> {
    let plan = Plan::of(clients, operation, call).await?;
    remove_snapshot(&plan.service, &plan.snapshot, &plan.mark, call).await
}
