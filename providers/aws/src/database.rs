//! A database as the service tells it: one look at an instance, or at a cluster with its instances.

use std::collections::BTreeMap;

use aws_sdk_rds::types::ClusterPendingModifiedValues;
use aws_sdk_rds::types::DbCluster;
use aws_sdk_rds::types::DbInstance;
use aws_sdk_rds::types::Filter;
use aws_sdk_rds::types::PendingModifiedValues;
use jiff::Timestamp;
use salvor_aws_client::Failure;
use salvor_aws_client::of_request;
use salvor_contract::Error;

use crate::client::Service;
use crate::made::Looks;
use crate::made::Made;
use crate::moment::told;
use crate::settings::Settings;
use crate::settings::by_key;
use crate::state::State;
use crate::state::of_database;
use crate::subject::Kind;
use crate::subject::Subject;

/// Pages of one list: a service that never ends it is not believed.
pub(crate) const PAGES_MAX: usize = 1_000;

/// An instance or a cluster.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    pub subject: Subject,
    pub arn: String,
    /// The id that no other database has ever had.
    pub resource_id: String,
    pub status: String,
    /// The address, once there is one. It is never put together here.
    pub endpoint: Option<String>,
    pub port: Option<i32>,
    pub engine: String,
    pub engine_version: String,
    pub tags: BTreeMap<String, String>,
    pub settings: Settings,
    pub earliest_restorable: Option<Timestamp>,
    pub latest_restorable: Option<Timestamp>,
    /// A change was asked for and is not there yet.
    pub has_pending_changes: bool,
    /// The instances of a cluster, with their statuses.
    pub members: Vec<(String, String)>,
    /// The cluster of an instance that is one of several.
    pub cluster: Option<String>,
}

impl Made for Database {
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
        match of_database(&self.status) {
            // It is told as available shortly before it has its address.
            State::Ready if self.endpoint.is_none() => State::Busy,
            state
            @ (State::Ready | State::Busy | State::Failed | State::Going | State::Unknown) => state,
        }
    }

    fn percent(&self) -> Option<u64> {
        None
    }
}

/// A database that is looked at again and again.
pub(crate) struct Watched<'a> {
    pub service: &'a Service,
    pub subject: &'a Subject,
}

impl Looks for Watched<'_> {
    type Thing = Database;

    fn what(&self) -> String {
        self.subject.to_string()
    }

    async fn look(&self) -> Result<Option<Database>, Failure> {
        look(self.service, self.subject).await
    }
}

/// Looks at a database; `None` when the service says that there is none.
pub(crate) async fn look(
    service: &Service,
    subject: &Subject,
) -> Result<Option<Database>, Failure> {
    match subject.kind {
        Kind::Instance => Ok(instance(service, &subject.name)
            .await?
            .map(|instance| of_instance(&instance))),
        Kind::Cluster => {
            let Some(cluster) = cluster(service, &subject.name).await? else {
                return Ok(None);
            };
            let instances = members(service, &subject.name).await?;
            Ok(Some(of_cluster(&cluster, &instances)))
        }
    }
}

/// The same for what must be there.
pub(crate) async fn look_there(service: &Service, subject: &Subject) -> Result<Database, Error> {
    look(service, subject).await?.ok_or_else(|| {
        Error::refused_with(
            format!("there is no {subject} in {}", service.region),
            "Check the identifier and the region.",
        )
    })
}

async fn instance(service: &Service, name: &str) -> Result<Option<DbInstance>, Failure> {
    let request = service
        .reads
        .describe_db_instances()
        .db_instance_identifier(name);
    match request.send().await {
        Ok(answer) => Ok(answer.db_instances().first().cloned()),
        Err(error) => {
            let failure = of_request(&format!("look at the instance {name}"), error);
            match failure.is("DBInstanceNotFound") {
                true => Ok(None),
                false => Err(failure),
            }
        }
    }
}

async fn cluster(service: &Service, name: &str) -> Result<Option<DbCluster>, Failure> {
    let request = service
        .reads
        .describe_db_clusters()
        .db_cluster_identifier(name);
    match request.send().await {
        Ok(answer) => Ok(answer.db_clusters().first().cloned()),
        Err(error) => {
            let failure = of_request(&format!("look at the cluster {name}"), error);
            match failure.is("DBClusterNotFoundFault") {
                true => Ok(None),
                false => Err(failure),
            }
        }
    }
}

async fn members(service: &Service, cluster: &str) -> Result<Vec<DbInstance>, Failure> {
    let of_cluster = Filter::builder()
        .name("db-cluster-id")
        .values(cluster)
        .build();
    let doing = format!("list the instances of the cluster {cluster}");
    let mut found = Vec::new();
    let mut marker = None;
    for _ in 0..PAGES_MAX {
        let request = service
            .reads
            .describe_db_instances()
            .filters(of_cluster.clone())
            .set_marker(marker.take());
        let answer = request
            .send()
            .await
            .map_err(|error| of_request(&doing, error))?;
        found.extend(answer.db_instances().iter().cloned());
        marker = answer.marker.filter(|marker| !marker.is_empty());
        if marker.is_none() {
            found.sort_by(|one, other| {
                one.db_instance_identifier
                    .cmp(&other.db_instance_identifier)
            });
            return Ok(found);
        }
    }
    Err(endless(&doing))
}

/// A list that does not end.
pub(crate) fn endless(doing: &str) -> Failure {
    Failure {
        status: None,
        code: None,
        error: Error::refused(format!(
            "failed to {doing}: it has more than {PAGES_MAX} pages"
        )),
    }
}

fn of_instance(instance: &DbInstance) -> Database {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let settings = Settings::of_instance(instance);
    let endpoint = instance.endpoint();
    Database {
        subject: Subject {
            kind: Kind::Instance,
            name: text(&instance.db_instance_identifier),
        },
        arn: text(&instance.db_instance_arn),
        resource_id: text(&instance.dbi_resource_id),
        status: text(&instance.db_instance_status),
        endpoint: endpoint
            .and_then(|e| e.address.clone())
            .filter(|a| !a.is_empty()),
        port: settings.port,
        engine: text(&instance.engine),
        engine_version: text(&instance.engine_version),
        tags: by_key(instance.tag_list()),
        earliest_restorable: None,
        latest_restorable: told(instance.latest_restorable_time()),
        has_pending_changes: instance
            .pending_modified_values()
            .is_some_and(|pending| *pending != PendingModifiedValues::builder().build()),
        members: Vec::new(),
        cluster: instance
            .db_cluster_identifier
            .clone()
            .filter(|name| !name.is_empty()),
        settings,
    }
}

fn of_cluster(cluster: &DbCluster, instances: &[DbInstance]) -> Database {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let members = instances.iter().map(|instance| {
        let name = text(&instance.db_instance_identifier);
        (name, text(&instance.db_instance_status))
    });
    Database {
        subject: Subject {
            kind: Kind::Cluster,
            name: text(&cluster.db_cluster_identifier),
        },
        arn: text(&cluster.db_cluster_arn),
        resource_id: text(&cluster.db_cluster_resource_id),
        status: text(&cluster.status),
        endpoint: cluster
            .endpoint
            .clone()
            .filter(|address| !address.is_empty()),
        port: cluster.port.filter(|port| *port > 0),
        engine: text(&cluster.engine),
        engine_version: text(&cluster.engine_version),
        tags: by_key(cluster.tag_list()),
        settings: Settings::of_cluster(cluster, instances),
        earliest_restorable: told(cluster.earliest_restorable_time()),
        latest_restorable: told(cluster.latest_restorable_time()),
        has_pending_changes: cluster
            .pending_modified_values()
            .is_some_and(|pending| *pending != ClusterPendingModifiedValues::builder().build()),
        members: members.collect(),
        cluster: None,
    }
}
