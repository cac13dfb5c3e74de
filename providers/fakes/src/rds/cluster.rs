//! Turns a cluster into what `DescribeDBClusters` and its automated backup say of it.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Origin;
use super::Rds;
use super::RestoreWindow;
use super::describe::Described;
use super::shape;
use crate::course::Course;
use crate::xml::Element;

/// An Aurora cluster. Its members are the instances that name it.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// The name.
    pub id: String,
    /// The id that stays when the name changes.
    pub resource_id: String,
    /// The states that readings see.
    pub course: Course,
    /// What it came from. Not part of the API.
    pub origin: Option<Origin>,
    /// The engine.
    pub engine: String,
    /// Its version.
    pub engine_version: String,
    /// The subnet group.
    pub subnet_group: String,
    /// The security groups.
    pub security_groups: Vec<String>,
    /// The parameter group of the cluster.
    pub parameter_group: String,
    /// The port.
    pub port: u16,
    /// The kind of storage: `aurora` or `aurora-iopt1`.
    pub storage_type: String,
    /// Whether it refuses to be deleted.
    pub has_deletion_protection: bool,
    /// Days of automated backups, at least 1.
    pub backup_retention_days: u32,
    /// Whether snapshots get its tags.
    pub copies_tags_to_snapshots: bool,
    /// Whether accounts of IAM may connect.
    pub has_iam_authentication: bool,
    /// The key that its storage is encrypted with.
    pub kms_key: Option<String>,
    /// The name of the first account.
    pub master_username: String,
    /// The database that was made with it.
    pub database: Option<String>,
    /// The tags.
    pub tags: BTreeMap<String, String>,
    /// When it was created.
    pub created: Timestamp,
    /// The moments that can be restored.
    pub restore_window: Option<RestoreWindow>,
}

impl Cluster {
    /// Returns an available Aurora PostgreSQL of this name without members, in groups of its own.
    pub fn new(id: &str) -> Cluster {
        let moment = |text: &str| text.parse().expect("the constant is a moment");
        Cluster {
            id: id.to_owned(),
            resource_id: format!("cluster-{}", id.to_ascii_uppercase().replace('-', "")),
            course: Course::at("available"),
            origin: None,
            engine: "aurora-postgresql".to_owned(),
            engine_version: "16.4".to_owned(),
            subnet_group: format!("{id}-subnets"),
            security_groups: vec![format!("sg-{id}")],
            parameter_group: format!("{id}-parameters"),
            port: 5432,
            storage_type: "aurora".to_owned(),
            has_deletion_protection: false,
            backup_retention_days: 7,
            copies_tags_to_snapshots: false,
            has_iam_authentication: false,
            kms_key: None,
            master_username: "owner".to_owned(),
            database: None,
            tags: BTreeMap::new(),
            created: moment("2026-01-05T06:07:08Z"),
            restore_window: Some(RestoreWindow {
                earliest: moment("2026-11-15T02:00:00Z"),
                latest: moment("2026-11-22T01:55:00Z"),
            }),
        }
    }

    /// Returns the default parameter group of its engine.
    pub(super) fn default_parameter_group(&self) -> String {
        let major = self.engine_version.split('.').next().unwrap_or_default();
        format!("default.{}{major}", self.engine)
    }

    fn endpoint(&self, kind: &str, region: &str) -> String {
        let id = &self.id;
        format!("{id}.cluster-{kind}c0ffee.{region}.rds.amazonaws.com")
    }

    /// Returns what its automated backup says.
    pub(super) fn automated_backup(&self, rds: &Rds) -> Element {
        let backup = Element::new("DBClusterAutomatedBackup")
            .with("Engine", &self.engine)
            .with("EngineVersion", &self.engine_version)
            .with("VpcId", "vpc-0000fake")
            .with(
                "DBClusterAutomatedBackupsArn",
                rds.arn(
                    "cluster-auto-backup",
                    &self.resource_id.to_ascii_lowercase(),
                ),
            )
            .with("DBClusterIdentifier", &self.id)
            .with("MasterUsername", &self.master_username)
            .with("DbClusterResourceId", &self.resource_id)
            .with("Region", &rds.region)
            .with("Status", "active")
            .moment("ClusterCreateTime", self.created)
            .with("StorageEncrypted", self.kms_key.is_some())
            .with("DBClusterArn", rds.arn("cluster", &self.id))
            .with("BackupRetentionPeriod", self.backup_retention_days)
            .with("EngineMode", "provisioned")
            .with("Port", self.port)
            .maybe("KmsKeyId", self.kms_key.as_ref())
            .with("StorageType", &self.storage_type)
            .child(shape::zones(&rds.region));
        shape::restore_window(backup, self.restore_window)
    }

    fn members(&self, rds: &Rds) -> Element {
        let is_member =
            |instance: &&super::Instance| instance.cluster.as_deref() == Some(self.id.as_str());
        let members = rds.instances.values().filter(is_member).enumerate();
        Element::new("DBClusterMembers").children(members.map(|(place, instance)| {
            Element::new("DBClusterMember")
                .with("DBInstanceIdentifier", &instance.id)
                .with("IsClusterWriter", place == 0)
                .with("DBClusterParameterGroupStatus", "in-sync")
                .with("PromotionTier", 1)
        }))
    }
}

impl Described for Cluster {
    fn course(&self) -> &Course {
        &self.course
    }

    fn filter_value(&self, filter: &str) -> Option<String> {
        match filter {
            "db-cluster-id" => Some(self.id.clone()),
            "db-cluster-resource-id" => Some(self.resource_id.clone()),
            "engine" => Some(self.engine.clone()),
            _ => None,
        }
    }

    fn element(&self, rds: &Rds) -> Element {
        let is_there = self.course.status() != "creating";
        let window = self.restore_window.filter(|_| is_there);
        Element::new("DBCluster")
            .with("AllocatedStorage", 1)
            .child(shape::zones(&rds.region))
            .with("BackupRetentionPeriod", self.backup_retention_days)
            .maybe("DatabaseName", self.database.as_ref())
            .with("DBClusterIdentifier", &self.id)
            .with("DBClusterParameterGroup", &self.parameter_group)
            .with("DBSubnetGroup", &self.subnet_group)
            .with("Status", self.course.status())
            .maybe("PercentProgress", self.course.percent())
            .maybe_moment("EarliestRestorableTime", window.map(|it| it.earliest))
            .with("Endpoint", self.endpoint("", &rds.region))
            .with("ReaderEndpoint", self.endpoint("ro-", &rds.region))
            .with("MultiAZ", false)
            .with("Engine", &self.engine)
            .with("EngineVersion", &self.engine_version)
            .maybe_moment("LatestRestorableTime", window.map(|it| it.latest))
            .with("Port", self.port)
            .with("MasterUsername", &self.master_username)
            .with("PreferredBackupWindow", "03:00-03:30")
            .with("PreferredMaintenanceWindow", "sun:04:00-sun:04:30")
            .child(self.members(rds))
            .child(shape::security_groups(&self.security_groups))
            .with("HostedZoneId", "Z0000000000FAKE")
            .with("StorageEncrypted", self.kms_key.is_some())
            .maybe("KmsKeyId", self.kms_key.as_ref())
            .with("DbClusterResourceId", &self.resource_id)
            .with("DBClusterArn", rds.arn("cluster", &self.id))
            .with(
                "IAMDatabaseAuthenticationEnabled",
                self.has_iam_authentication,
            )
            .moment("ClusterCreateTime", self.created)
            .with("EngineMode", "provisioned")
            .with("StorageType", &self.storage_type)
            .with("DeletionProtection", self.has_deletion_protection)
            .with("CopyTagsToSnapshot", self.copies_tags_to_snapshots)
            .child(shape::tags(&self.tags))
    }
}
