//! The store `aws.rds`: its inputs, and what a survey sees of it.

use aws_sdk_rds::types::RestoreWindow;
use jiff::Timestamp;
use salvor_aws_client::Failure;
use salvor_aws_client::of_request;
use salvor_contract::Call;
use salvor_contract::Error;
use salvor_contract::InputRefusal;
use salvor_contract::StoreRequest;
use salvor_contract::Survey;
use salvor_contract::Values;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::client::Clients;
use crate::client::Service;
use crate::config::Config;
use crate::database;
use crate::database::Database;
use crate::database::PAGES_MAX;
use crate::database::endless;
use crate::moment::told;
use crate::settings::Settings;
use crate::snapshots;
use crate::snapshots::Snapshot;
use crate::snapshots::Which;
use crate::subject::Kind;
use crate::subject::Subject;

/// The name of the kind.
pub(crate) const NAME: &str = "aws.rds";

/// `with` of the store.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Rds {
    /// The identifier of a DB instance. It need not exist any more: its snapshots and retained backups do.
    pub instance: Option<String>,
    /// The identifier of an Aurora or Multi-AZ DB cluster.
    pub cluster: Option<String>,
    /// The region in which its backups are looked for and it is restored. Left out, that of the configuration.
    pub region: Option<String>,
    /// Which snapshots count. Left out, all but shared ones.
    pub snapshots: Option<Vec<Origin>>,
    /// What the name of a snapshot begins with: `rds:`, `pre-upgrade-`.
    pub snapshot_prefix: Option<String>,
    /// Whether continuous backups count. Left out, they do.
    pub pitr: Option<bool>,
}

/// Where a snapshot comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Origin {
    /// Taken by RDS, every day.
    Automated,
    /// Taken by somebody.
    Manual,
    /// Copied from another snapshot, here or in another region.
    Copied,
    /// Taken by AWS Backup.
    AwsBackup,
    /// Shared by another account.
    Shared,
}

/// What a survey keeps.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Seen {
    pub region: String,
    /// The database, unless it is gone.
    pub database: Option<SeenDatabase>,
    pub windows: Vec<Window>,
    pub snapshots: Vec<Snapshot>,
}

/// The database that is there.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SeenDatabase {
    pub resource_id: String,
    pub status: String,
    pub settings: Settings,
}

/// Continuous backups.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Window {
    pub of: Backups,
    /// The resource id of the database that they are of.
    pub resource_id: String,
    pub status: String,
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
    pub engine: String,
    pub engine_version: String,
    pub allocated_gib: Option<i32>,
    pub is_encrypted: bool,
    pub kms_key: Option<String>,
}

/// How continuous backups are named to the service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Backups {
    /// By the database, which is there.
    Present,
    /// By the resource id of a database that was deleted.
    Retained,
    /// By their own ARN: they were replicated from this region.
    Replicated { arn: String, from: String },
}

impl Rds {
    /// The database that is meant.
    pub(crate) fn subject(&self) -> Result<Subject, Error> {
        Subject::of(self.instance.as_deref(), self.cluster.as_deref())
    }

    /// Whether this snapshot counts.
    pub(crate) fn wants(&self, snapshot: &Snapshot) -> bool {
        let origin = match (snapshot.origin.as_str(), &snapshot.copy_of) {
            ("shared", _) => Origin::Shared,
            ("automated", None) => Origin::Automated,
            ("awsbackup", None) => Origin::AwsBackup,
            (_, Some(_)) => Origin::Copied,
            // `manual`, and what a later version of the service may call otherwise.
            (_, None) => Origin::Manual,
        };
        let is_wanted = match &self.snapshots {
            None => origin != Origin::Shared,
            Some(origins) => origins.contains(&origin),
        };
        let prefix = self.snapshot_prefix.as_deref().unwrap_or_default();
        is_wanted && snapshot.name.starts_with(prefix)
    }

    fn wants_shared(&self) -> bool {
        self.snapshots
            .as_ref()
            .is_some_and(|origins| origins.contains(&Origin::Shared))
    }
}

/// What of its inputs no world could make good. One that is a template is not there yet, so none is no mistake yet.
pub(crate) fn refusals(with: &Values) -> Vec<InputRefusal> {
    let (instance, cluster) = (with.text("instance"), with.text("cluster"));
    match (instance, cluster) {
        (Some(_), Some(_)) => Subject::of(instance, cluster)
            .err()
            .map(|error| InputRefusal::of("cluster", &error))
            .into_iter()
            .collect(),
        (Some(_), None) | (None, Some(_) | None) => Vec::new(),
    }
}

/// The inputs of a store and RDS as it is reached for it.
pub(crate) async fn opened(
    clients: &Clients,
    store: &StoreRequest,
    call: &Call<'_>,
) -> Result<(Rds, Service), Error> {
    let rds: Rds = store.with.parse()?;
    let config: Config = store.config.parse()?;
    let config = config.in_region(rds.region.as_deref());
    let service = clients.service(&config, call).await?;
    Ok((rds, service))
}

/// Looks at the database, its continuous backups and its snapshots.
pub(crate) async fn survey(
    clients: &Clients,
    store: &StoreRequest,
    call: &Call<'_>,
) -> Result<Survey, Error> {
    let (rds, service) = opened(clients, store, call).await?;
    let subject = rds.subject()?;
    let database = database::look(&service, &subject).await?;
    if let Some(cluster) = database.as_ref().and_then(|found| found.cluster.as_ref()) {
        return Err(Error::refused_with(
            format!("{subject} is one of the cluster {cluster}, which has the backups"),
            format!("Write `cluster = \"{cluster}\"` in place of `instance`."),
        ));
    }
    let mut found = snapshots::list(&service, subject.kind, Which::Of(&subject.name), call).await?;
    if rds.wants_shared() {
        let shared = snapshots::list(&service, subject.kind, Which::Shared, call).await?;
        found.extend(shared.into_iter().filter(|it| it.database == subject.name));
    }
    let windows = match rds.pitr.unwrap_or(true) {
        true => windows(&service, &subject, database.as_ref(), &found).await?,
        false => Vec::new(),
    };
    found.retain(|snapshot| rds.wants(snapshot));
    // The mark of who took a snapshot is nothing that a survey is asked for, and tags may hold anything.
    for snapshot in &mut found {
        snapshot.tags.clear();
    }
    found.sort_by(|one, other| (one.at, &one.name).cmp(&(other.at, &other.name)));
    let seen = Seen {
        region: service.region.clone(),
        database: database.map(|database| SeenDatabase {
            resource_id: database.resource_id,
            status: database.status,
            settings: database.settings,
        }),
        windows,
        snapshots: found,
    };
    serde_json::to_value(seen)
        .map(Survey)
        .map_err(|error| Error::refused(format!("the survey cannot be written: {error}")))
}

async fn windows(
    service: &Service,
    subject: &Subject,
    database: Option<&Database>,
    snapshots: &[Snapshot],
) -> Result<Vec<Window>, Failure> {
    let mut windows = match subject.kind {
        Kind::Instance => of_instance(service, &subject.name).await?,
        Kind::Cluster => of_cluster(service, &subject.name, database).await?,
    };
    for window in &mut windows {
        // What a service leaves out of backups that are active it tells of their database.
        if let Some(database) = database
            && window.of == Backups::Present
            && window.resource_id.is_empty()
        {
            window.resource_id.clone_from(&database.resource_id);
            window.engine.clone_from(&database.engine);
            window.engine_version.clone_from(&database.engine_version);
            window.kms_key.clone_from(&database.settings.kms_key);
            window.is_encrypted = window.kms_key.is_some();
        }
        let present = database.filter(|it| it.resource_id == window.resource_id);
        if window.to.is_none() {
            window.to = present.and_then(|database| database.latest_restorable);
        }
        if window.from.is_none() && window.to.is_some() {
            // A service that tells no window restores from an automated snapshot and the log after it.
            let automated = snapshots.iter().filter(|it| it.origin == "automated");
            window.from = automated.filter_map(|snapshot| snapshot.at).min();
        }
    }
    windows.sort_by(|one, other| one.resource_id.cmp(&other.resource_id));
    Ok(windows)
}

/// Continuous backups of an instance: of the one that is there, of deleted ones of its name, and what was replicated
/// here from another region.
async fn of_instance(service: &Service, name: &str) -> Result<Vec<Window>, Failure> {
    let doing = format!("list the automated backups of the instance {name}");
    let mut found = Vec::new();
    let mut marker: Option<String> = None;
    for _ in 0..PAGES_MAX {
        let request = service
            .reads
            .describe_db_instance_automated_backups()
            .db_instance_identifier(name)
            .set_marker(marker);
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) => {
                let failure = of_request(&doing, error);
                if failure.is("DBInstanceAutomatedBackupNotFound") {
                    return Ok(found);
                }
                return Err(failure);
            }
        };
        for backup in answer.db_instance_automated_backups() {
            let text = |text: &Option<String>| text.clone().unwrap_or_default();
            let (from, to) = bounds(backup.restore_window());
            let region = text(&backup.region);
            let is_from_elsewhere = !region.is_empty() && region != service.region;
            let of = match backup.status() {
                Some("retained") => Backups::Retained,
                _ if is_from_elsewhere => Backups::Replicated {
                    arn: text(&backup.db_instance_automated_backups_arn),
                    from: region,
                },
                _ => Backups::Present,
            };
            found.push(Window {
                of,
                resource_id: text(&backup.dbi_resource_id),
                // A service that tells no status has told that they are there.
                status: backup.status.clone().unwrap_or_else(|| "active".to_owned()),
                from,
                to,
                engine: text(&backup.engine),
                engine_version: text(&backup.engine_version),
                allocated_gib: backup.allocated_storage,
                is_encrypted: backup.encrypted.unwrap_or(false),
                kms_key: backup.kms_key_id.clone().filter(|key| !key.is_empty()),
            });
        }
        marker = answer.marker.filter(|marker| !marker.is_empty());
        if marker.is_none() {
            return Ok(found);
        }
    }
    Err(endless(&doing))
}

/// Continuous backups of a cluster: the cluster itself tells them; of deleted ones of its name the service keeps a list.
async fn of_cluster(
    service: &Service,
    name: &str,
    database: Option<&Database>,
) -> Result<Vec<Window>, Failure> {
    if let Some(cluster) = database {
        let is_kept = cluster.latest_restorable.is_some();
        let window = Window {
            of: Backups::Present,
            resource_id: cluster.resource_id.clone(),
            status: "active".to_owned(),
            from: cluster.earliest_restorable,
            to: cluster.latest_restorable,
            engine: cluster.engine.clone(),
            engine_version: cluster.engine_version.clone(),
            allocated_gib: None,
            is_encrypted: cluster.settings.kms_key.is_some(),
            kms_key: cluster.settings.kms_key.clone(),
        };
        return Ok(is_kept.then_some(window).into_iter().collect());
    }
    let doing = format!("list the automated backups of the cluster {name}");
    let mut found = Vec::new();
    let mut marker: Option<String> = None;
    for _ in 0..PAGES_MAX {
        let request = service
            .reads
            .describe_db_cluster_automated_backups()
            .db_cluster_identifier(name)
            .set_marker(marker);
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) => {
                let failure = of_request(&doing, error);
                if failure.is("DBClusterAutomatedBackupNotFoundFault") {
                    return Ok(found);
                }
                return Err(failure);
            }
        };
        for backup in answer.db_cluster_automated_backups() {
            let text = |text: &Option<String>| text.clone().unwrap_or_default();
            let (from, to) = bounds(backup.restore_window());
            found.push(Window {
                of: Backups::Retained,
                resource_id: text(&backup.db_cluster_resource_id),
                status: backup
                    .status
                    .clone()
                    .unwrap_or_else(|| "retained".to_owned()),
                from,
                to,
                engine: text(&backup.engine),
                engine_version: text(&backup.engine_version),
                allocated_gib: backup.allocated_storage,
                is_encrypted: backup.storage_encrypted.unwrap_or(false),
                kms_key: backup.kms_key_id.clone().filter(|key| !key.is_empty()),
            });
        }
        marker = answer.marker.filter(|marker| !marker.is_empty());
        if marker.is_none() {
            return Ok(found);
        }
    }
    Err(endless(&doing))
}

fn bounds(window: Option<&RestoreWindow>) -> (Option<Timestamp>, Option<Timestamp>) {
    let from = window.and_then(|window| told(window.earliest_time()));
    let to = window.and_then(|window| told(window.latest_time()));
    (from, to)
}
