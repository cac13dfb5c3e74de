//! Snapshots of instances and clusters as the service tells them.

use std::collections::BTreeMap;

use aws_sdk_rds::types::DbClusterSnapshot;
use aws_sdk_rds::types::DbSnapshot;
use jiff::Timestamp;
use salvor_aws_client::Failure;
use salvor_aws_client::of_request;
use salvor_contract::Call;
use salvor_contract::Unit;
use salvor_contract::Update;
use serde::Deserialize;
use serde::Serialize;

use crate::client::Service;
use crate::database::PAGES_MAX;
use crate::database::endless;
use crate::made::Looks;
use crate::made::Made;
use crate::moment::told;
use crate::settings::Settings;
use crate::settings::by_key;
use crate::state::State;
use crate::state::of_snapshot;
use crate::subject::Kind;
use crate::subject::Subject;

/// One snapshot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Snapshot {
    pub name: String,
    pub arn: String,
    /// The identifier that its database had.
    pub database: String,
    pub resource_id: String,
    /// `automated`, `manual`, `awsbackup`, `shared`.
    pub origin: String,
    pub status: String,
    pub percent: Option<i32>,
    /// The moment of the data in it.
    pub at: Option<Timestamp>,
    pub engine: String,
    pub engine_version: String,
    pub allocated_gib: Option<i32>,
    pub bytes: Option<u64>,
    pub is_encrypted: bool,
    pub kms_key: Option<String>,
    /// What it was copied from.
    pub copy_of: Option<String>,
    /// What of the settings of its database it tells.
    pub settings: Settings,
    pub tags: BTreeMap<String, String>,
}

impl Made for Snapshot {
    fn tags(&self) -> &BTreeMap<String, String> {
        &self.tags
    }

    fn arn(&self) -> &str {
        &self.arn
    }

    fn status(&self) -> &str {
        &self.status
    }

    fn state(&self) -> State {
        of_snapshot(&self.status)
    }

    fn percent(&self) -> Option<u64> {
        self.percent.and_then(|percent| u64::try_from(percent).ok())
    }
}

/// Which snapshots a list is to hold.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Which<'a> {
    /// Those of the database of this name.
    Of(&'a str),
    /// Those that other accounts share.
    Shared,
}

/// A snapshot that is looked at again and again.
pub(crate) struct Watched<'a> {
    pub service: &'a Service,
    pub subject: &'a Subject,
}

impl Looks for Watched<'_> {
    type Thing = Snapshot;

    fn what(&self) -> String {
        format!("snapshot {}", self.subject.name)
    }

    async fn look(&self) -> Result<Option<Snapshot>, Failure> {
        look(self.service, self.subject).await
    }
}

/// Looks at one snapshot by its identifier, or at one of another account by its ARN.
pub(crate) async fn look(
    service: &Service,
    subject: &Subject,
) -> Result<Option<Snapshot>, Failure> {
    let doing = format!("look at the snapshot {}", subject.name);
    let is_foreign = subject.name.starts_with("arn:");
    match subject.kind {
        Kind::Instance => {
            let mut request = service.reads.describe_db_snapshots();
            request = request.db_snapshot_identifier(&subject.name);
            if is_foreign {
                request = request.include_shared(true);
            }
            match request.send().await {
                Ok(answer) => Ok(answer.db_snapshots().first().map(of_instance)),
                Err(error) => missing(of_request(&doing, error), "DBSnapshotNotFound"),
            }
        }
        Kind::Cluster => {
            let mut request = service.reads.describe_db_cluster_snapshots();
            request = request.db_cluster_snapshot_identifier(&subject.name);
            if is_foreign {
                request = request.include_shared(true);
            }
            match request.send().await {
                Ok(answer) => Ok(answer.db_cluster_snapshots().first().map(of_cluster)),
                Err(error) => missing(of_request(&doing, error), "DBClusterSnapshotNotFoundFault"),
            }
        }
    }
}

fn missing<T>(failure: Failure, code: &str) -> Result<Option<T>, Failure> {
    match failure.is(code) {
        true => Ok(None),
        false => Err(failure),
    }
}

/// Lists snapshots to the last page.
pub(crate) async fn list(
    service: &Service,
    kind: Kind,
    which: Which<'_>,
    call: &Call<'_>,
) -> Result<Vec<Snapshot>, Failure> {
    let doing = format!("list the snapshots of {}s", kind.noun());
    let mut found = Vec::new();
    let mut marker: Option<String> = None;
    for _ in 0..PAGES_MAX {
        let (page, next) = match kind {
            Kind::Instance => {
                let mut request = service.reads.describe_db_snapshots().set_marker(marker);
                request = match which {
                    Which::Of(name) => request.db_instance_identifier(name),
                    Which::Shared => request.include_shared(true).snapshot_type("shared"),
                };
                let answer = request
                    .send()
                    .await
                    .map_err(|error| of_request(&doing, error))?;
                let page: Vec<_> = answer.db_snapshots().iter().map(of_instance).collect();
                (page, answer.marker)
            }
            Kind::Cluster => {
                let mut request = service
                    .reads
                    .describe_db_cluster_snapshots()
                    .set_marker(marker);
                request = match which {
                    Which::Of(name) => request.db_cluster_identifier(name),
                    Which::Shared => request.include_shared(true).snapshot_type("shared"),
                };
                let answer = request
                    .send()
                    .await
                    .map_err(|error| of_request(&doing, error))?;
                let page: Vec<_> = answer
                    .db_cluster_snapshots()
                    .iter()
                    .map(of_cluster)
                    .collect();
                (page, answer.marker)
            }
        };
        found.extend(page);
        call.progress.update(Update {
            done: u64::try_from(found.len()).unwrap_or(u64::MAX),
            total: None,
            unit: Unit::Things,
            says: Some(doing.clone()),
        });
        marker = next.filter(|marker| !marker.is_empty());
        if marker.is_none() {
            return Ok(found);
        }
    }
    Err(endless(&doing))
}

fn of_instance(snapshot: &DbSnapshot) -> Snapshot {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let own = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    // The time at which a copy was made says nothing of its data. Amazon RDS API Reference, `DBSnapshot`:
    // `SnapshotDatabaseTime` is that of the last transaction in it, `OriginalSnapshotCreateTime` does not change with
    // copies, `SnapshotCreateTime` does.
    let at = told(snapshot.snapshot_database_time())
        .or_else(|| told(snapshot.original_snapshot_create_time()))
        .or_else(|| told(snapshot.snapshot_create_time()));
    Snapshot {
        name: text(&snapshot.db_snapshot_identifier),
        arn: text(&snapshot.db_snapshot_arn),
        database: text(&snapshot.db_instance_identifier),
        resource_id: text(&snapshot.dbi_resource_id),
        origin: text(&snapshot.snapshot_type),
        status: text(&snapshot.status),
        percent: snapshot.percent_progress,
        at,
        engine: text(&snapshot.engine),
        engine_version: text(&snapshot.engine_version),
        allocated_gib: snapshot.allocated_storage,
        bytes: snapshot
            .full_snapshot_size_in_bytes
            .and_then(|bytes| u64::try_from(bytes).ok())
            .filter(|bytes| *bytes > 0),
        is_encrypted: snapshot.encrypted.unwrap_or(false),
        kms_key: own(&snapshot.kms_key_id),
        copy_of: own(&snapshot.source_db_snapshot_identifier),
        settings: Settings {
            port: snapshot.port.filter(|port| *port > 0),
            storage_type: own(&snapshot.storage_type),
            allocated_storage: snapshot.allocated_storage,
            iops: snapshot.iops.filter(|iops| *iops > 0),
            storage_throughput: snapshot.storage_throughput.filter(|mib| *mib > 0),
            option_group: own(&snapshot.option_group_name),
            license_model: own(&snapshot.license_model),
            iam_authentication: snapshot.iam_database_authentication_enabled,
            backup_retention_days: snapshot.backup_retention_period,
            backup_window: own(&snapshot.preferred_backup_window),
            dedicated_log_volume: snapshot.dedicated_log_volume,
            ..Settings::default()
        },
        tags: by_key(snapshot.tag_list()),
    }
}

fn of_cluster(snapshot: &DbClusterSnapshot) -> Snapshot {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let own = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    Snapshot {
        name: text(&snapshot.db_cluster_snapshot_identifier),
        arn: text(&snapshot.db_cluster_snapshot_arn),
        database: text(&snapshot.db_cluster_identifier),
        resource_id: text(&snapshot.db_cluster_resource_id),
        origin: text(&snapshot.snapshot_type),
        status: text(&snapshot.status),
        percent: snapshot.percent_progress,
        at: told(snapshot.snapshot_create_time()),
        engine: text(&snapshot.engine),
        engine_version: text(&snapshot.engine_version),
        allocated_gib: snapshot.allocated_storage,
        bytes: None,
        is_encrypted: snapshot.storage_encrypted.unwrap_or(false),
        kms_key: own(&snapshot.kms_key_id),
        copy_of: own(&snapshot.source_db_cluster_snapshot_arn),
        settings: Settings {
            port: snapshot.port.filter(|port| *port > 0),
            storage_type: own(&snapshot.storage_type),
            iam_authentication: snapshot.iam_database_authentication_enabled,
            backup_retention_days: snapshot.backup_retention_period,
            backup_window: own(&snapshot.preferred_backup_window),
            ..Settings::default()
        },
        tags: by_key(snapshot.tag_list()),
    }
}
