//! Turns snapshots of instances and clusters into what is said of them.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Cluster;
use super::Instance;
use super::Rds;
use super::describe::Described;
use super::shape;
use crate::course::Course;
use crate::course::Phase;
use crate::xml::Element;

/// A snapshot of an instance.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The name. `rds:` begins that of an automated one.
    pub id: String,
    /// The states that readings see.
    pub course: Course,
    /// The instance as it was.
    pub of: Instance,
    /// When it was made.
    pub created: Timestamp,
    /// The ARN of the snapshot that it is a copy of.
    pub copied_from: Option<String>,
    /// The region of that one, where it is another.
    pub source_region: Option<String>,
    /// The key that it is encrypted with.
    pub kms_key: Option<String>,
    /// The tags.
    pub tags: BTreeMap<String, String>,
}

impl Snapshot {
    /// Returns a whole snapshot of an instance.
    pub fn new(id: &str, of: &Instance, created: Timestamp) -> Snapshot {
        Snapshot {
            id: id.to_owned(),
            course: Course::of([Phase::of("available").percent(100)]),
            of: of.clone(),
            created,
            copied_from: None,
            source_region: None,
            kms_key: of.kms_key.clone(),
            tags: BTreeMap::new(),
        }
    }
}

/// A snapshot of a cluster.
#[derive(Clone, Debug)]
pub struct ClusterSnapshot {
    /// The name. `rds:` begins that of an automated one.
    pub id: String,
    /// The states that readings see.
    pub course: Course,
    /// The cluster as it was.
    pub of: Cluster,
    /// When it was made.
    pub created: Timestamp,
    /// The ARN of the snapshot that it is a copy of.
    pub copied_from: Option<String>,
    /// The key that it is encrypted with.
    pub kms_key: Option<String>,
    /// The tags.
    pub tags: BTreeMap<String, String>,
}

impl ClusterSnapshot {
    /// Returns a whole snapshot of a cluster.
    pub fn new(id: &str, of: &Cluster, created: Timestamp) -> ClusterSnapshot {
        ClusterSnapshot {
            id: id.to_owned(),
            course: Course::of([Phase::of("available").percent(100)]),
            of: of.clone(),
            created,
            copied_from: None,
            kms_key: of.kms_key.clone(),
            tags: BTreeMap::new(),
        }
    }
}

/// Returns how a snapshot of this name came to be.
pub(super) fn kind(id: &str) -> &'static str {
    match id.strip_prefix("rds:") {
        Some(_) => "automated",
        None => "manual",
    }
}

impl Described for Snapshot {
    fn course(&self) -> &Course {
        &self.course
    }

    fn filter_value(&self, filter: &str) -> Option<String> {
        match filter {
            "db-snapshot-id" => Some(self.id.clone()),
            "db-instance-id" => Some(self.of.id.clone()),
            "dbi-resource-id" => Some(self.of.resource_id.clone()),
            "snapshot-type" => Some(kind(&self.id).to_owned()),
            "engine" => Some(self.of.engine.clone()),
            _ => None,
        }
    }

    fn element(&self, rds: &Rds) -> Element {
        let of = &self.of;
        let is_there = self.course.status() == "available";
        Element::new("DBSnapshot")
            .with("DBSnapshotIdentifier", &self.id)
            .with("DBInstanceIdentifier", &of.id)
            .maybe_moment(
                "SnapshotCreateTime",
                Some(self.created).filter(|_| is_there),
            )
            .with("Engine", &of.engine)
            .with("AllocatedStorage", of.allocated_storage)
            .with("Status", self.course.status())
            .with("Port", of.port)
            .with("AvailabilityZone", of.zone(&rds.region))
            .with("VpcId", "vpc-0000fake")
            .moment("InstanceCreateTime", of.created)
            .with("MasterUsername", &of.master_username)
            .with("EngineVersion", &of.engine_version)
            .with("LicenseModel", "postgresql-license")
            .with("SnapshotType", kind(&self.id))
            .maybe("Iops", of.iops)
            .with("OptionGroupName", &of.option_group)
            .with("PercentProgress", self.course.percent().unwrap_or_default())
            .maybe("SourceRegion", self.source_region.as_ref())
            .maybe("SourceDBSnapshotIdentifier", self.copied_from.as_ref())
            .with("StorageType", &of.storage_type)
            .with("Encrypted", self.kms_key.is_some())
            .maybe("KmsKeyId", self.kms_key.as_ref())
            .with("DBSnapshotArn", rds.arn("snapshot", &self.id))
            .with(
                "IAMDatabaseAuthenticationEnabled",
                of.has_iam_authentication,
            )
            .with("DbiResourceId", &of.resource_id)
            .child(shape::tags(&self.tags))
            .with("SnapshotTarget", "region")
    }
}

impl Described for ClusterSnapshot {
    fn course(&self) -> &Course {
        &self.course
    }

    fn filter_value(&self, filter: &str) -> Option<String> {
        match filter {
            "db-cluster-snapshot-id" => Some(self.id.clone()),
            "db-cluster-id" => Some(self.of.id.clone()),
            "db-cluster-resource-id" => Some(self.of.resource_id.clone()),
            "snapshot-type" => Some(kind(&self.id).to_owned()),
            "engine" => Some(self.of.engine.clone()),
            _ => None,
        }
    }

    fn element(&self, rds: &Rds) -> Element {
        let of = &self.of;
        Element::new("DBClusterSnapshot")
            .child(shape::zones(&rds.region))
            .with("DBClusterSnapshotIdentifier", &self.id)
            .with("DBClusterIdentifier", &of.id)
            .moment("SnapshotCreateTime", self.created)
            .with("Engine", &of.engine)
            .with("EngineMode", "provisioned")
            .with("AllocatedStorage", 1)
            .with("Status", self.course.status())
            .with("Port", of.port)
            .with("VpcId", "vpc-0000fake")
            .moment("ClusterCreateTime", of.created)
            .with("MasterUsername", &of.master_username)
            .with("EngineVersion", &of.engine_version)
            .with("SnapshotType", kind(&self.id))
            .with("PercentProgress", self.course.percent().unwrap_or_default())
            .with("StorageEncrypted", self.kms_key.is_some())
            .maybe("KmsKeyId", self.kms_key.as_ref())
            .with(
                "DBClusterSnapshotArn",
                rds.arn("cluster-snapshot", &self.id),
            )
            .maybe("SourceDBClusterSnapshotArn", self.copied_from.as_ref())
            .with(
                "IAMDatabaseAuthenticationEnabled",
                of.has_iam_authentication,
            )
            .child(shape::tags(&self.tags))
            .with("StorageType", &of.storage_type)
            .with("DbClusterResourceId", &of.resource_id)
    }
}
