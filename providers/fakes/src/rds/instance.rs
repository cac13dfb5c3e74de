//! Turns an instance into what `DescribeDBInstances` and its automated backup say of it.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Origin;
use super::Rds;
use super::RestoreWindow;
use super::describe::Described;
use super::settings::Settings;
use super::shape;
use crate::course::Course;
use crate::xml::Element;

/// A database instance. A test makes one from [`Instance::new`] and says what differs:
///
/// ```
/// use salvor_fakes::rds::Instance;
///
/// let production = Instance {
///     class: "db.r6g.2xlarge".to_owned(),
///     multi_az: true,
///     has_deletion_protection: true,
///     ..Instance::new("prod")
/// };
/// ```
#[derive(Clone, Debug)]
pub struct Instance {
    /// The name.
    pub id: String,
    /// The id that stays when the name changes. Unique among all that a world ever had.
    pub resource_id: String,
    /// The states that readings see.
    pub course: Course,
    /// What it came from. Not part of the API.
    pub origin: Option<Origin>,
    /// The class.
    pub class: String,
    /// The engine.
    pub engine: String,
    /// Its version.
    pub engine_version: String,
    /// GiB.
    pub allocated_storage: u32,
    /// The kind of storage.
    pub storage_type: String,
    /// Provisioned operations a second.
    pub iops: Option<u32>,
    /// Whether there is a standby in another zone.
    pub multi_az: bool,
    /// The subnet group.
    pub subnet_group: String,
    /// The security groups.
    pub security_groups: Vec<String>,
    /// The parameter group.
    pub parameter_group: String,
    /// The option group.
    pub option_group: String,
    /// The port.
    pub port: u16,
    /// Whether it has an address outside of its network.
    pub is_publicly_accessible: bool,
    /// The zone. Nothing: the first one of the region.
    pub availability_zone: Option<String>,
    /// Whether it refuses to be deleted.
    pub has_deletion_protection: bool,
    /// Days of automated backups; 0 is none.
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
    /// The cluster that it is a member of.
    pub cluster: Option<String>,
    /// The tags.
    pub tags: BTreeMap<String, String>,
    /// When it was created.
    pub created: Timestamp,
    /// The moments that can be restored. Nothing: none, though backups may be on.
    pub restore_window: Option<RestoreWindow>,
}

/// Changes that are asked for and not made.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    /// The new name.
    pub(super) id: Option<String>,
    /// The new settings.
    pub(super) settings: Settings,
    /// Whether they are made when the course is at rest. Else they wait for the window of maintenance, which no test
    /// lives to see.
    pub(super) is_immediate: bool,
}

impl Instance {
    /// Returns an available PostgreSQL of this name, in groups of its own, with seven days of backups.
    pub fn new(id: &str) -> Instance {
        let moment = |text: &str| text.parse().expect("the constant is a moment");
        Instance {
            id: id.to_owned(),
            resource_id: format!("db-{}", id.to_ascii_uppercase().replace('-', "")),
            course: Course::at("available"),
            origin: None,
            class: "db.t4g.medium".to_owned(),
            engine: "postgres".to_owned(),
            engine_version: "16.4".to_owned(),
            allocated_storage: 100,
            storage_type: "gp3".to_owned(),
            iops: None,
            multi_az: false,
            subnet_group: format!("{id}-subnets"),
            security_groups: vec![format!("sg-{id}")],
            parameter_group: format!("{id}-parameters"),
            option_group: format!("{id}-options"),
            port: 5432,
            is_publicly_accessible: false,
            availability_zone: None,
            has_deletion_protection: false,
            backup_retention_days: 7,
            copies_tags_to_snapshots: false,
            has_iam_authentication: false,
            kms_key: None,
            master_username: "owner".to_owned(),
            database: None,
            cluster: None,
            tags: BTreeMap::new(),
            created: moment("2026-01-05T06:07:08Z"),
            restore_window: Some(RestoreWindow {
                earliest: moment("2026-11-15T02:00:00Z"),
                latest: moment("2026-11-22T01:55:00Z"),
            }),
        }
    }

    /// Returns the family of an engine and its version, which default groups are named for.
    pub(super) fn family(&self) -> String {
        let mut numbers = self.engine_version.split('.');
        let major = numbers.next().unwrap_or_default();
        let minor = numbers.next().unwrap_or_default();
        match self.engine.as_str() {
            "postgres" | "aurora-postgresql" => format!("{}{major}", self.engine),
            engine => format!("{engine}{major}.{minor}"),
        }
    }

    /// Returns the option group that it gets where none is named.
    pub(super) fn default_option_group(&self) -> String {
        let version = self.family();
        let version = version.trim_start_matches(&self.engine).replace('.', "-");
        format!("default:{}-{version}", self.engine)
    }

    pub(super) fn zone(&self, region: &str) -> String {
        let first = || format!("{region}a");
        self.availability_zone.clone().unwrap_or_else(first)
    }

    /// Returns its host, which it has once it is there.
    fn endpoint(&self, region: &str) -> Option<Element> {
        if self.course.status() == "creating" {
            return None;
        }
        let address = format!("{}.c0ffee.{region}.rds.amazonaws.com", self.id);
        let endpoint = Element::new("Endpoint").with("Address", address);
        let endpoint = endpoint.with("Port", self.port);
        Some(endpoint.with("HostedZoneId", "Z0000000000FAKE"))
    }

    fn latest(&self) -> Option<Timestamp> {
        let has_backups = self.backup_retention_days > 0 && self.course.status() != "creating";
        let window = self.restore_window.filter(|_| has_backups)?;
        Some(window.latest)
    }

    /// Returns what the automated backup of this instance says. `status` is `active`, `creating` or `retained`.
    pub(super) fn automated_backup(&self, rds: &Rds, status: &str) -> Element {
        let backup = Element::new("DBInstanceAutomatedBackup")
            .with("DBInstanceArn", rds.arn("db", &self.id))
            .with("DbiResourceId", &self.resource_id)
            .with("Region", &rds.region)
            .with("DBInstanceIdentifier", &self.id)
            .with("AllocatedStorage", self.allocated_storage)
            .with("Status", status)
            .with("Port", self.port)
            .with("AvailabilityZone", self.zone(&rds.region))
            .with("VpcId", "vpc-0000fake")
            .moment("InstanceCreateTime", self.created)
            .with("MasterUsername", &self.master_username)
            .with("Engine", &self.engine)
            .with("EngineVersion", &self.engine_version)
            .with("OptionGroupName", &self.option_group)
            .with("Encrypted", self.kms_key.is_some())
            .with("StorageType", &self.storage_type)
            .maybe("KmsKeyId", self.kms_key.as_ref())
            .with(
                "IAMDatabaseAuthenticationEnabled",
                self.has_iam_authentication,
            )
            .with("BackupRetentionPeriod", self.backup_retention_days)
            .with(
                "DBInstanceAutomatedBackupsArn",
                rds.arn("auto-backup", &self.backup_id()),
            )
            .with("BackupTarget", "region");
        shape::restore_window(backup, self.restore_window.filter(|_| status != "creating"))
    }

    /// Returns the last part of the ARN of its automated backup.
    pub(super) fn backup_id(&self) -> String {
        let id = self.resource_id.trim_start_matches("db-");
        format!("ab-{}", id.to_ascii_lowercase())
    }

    fn pending_values(&self, rds: &Rds) -> Element {
        let values = Element::new("PendingModifiedValues");
        let Some(Pending { id, settings, .. }) = rds.pending.get(&self.id) else {
            return values;
        };
        values
            .maybe("DBInstanceClass", settings.class.as_ref())
            .maybe("AllocatedStorage", settings.allocated_storage)
            .maybe("Port", settings.port)
            .maybe("BackupRetentionPeriod", settings.backup_retention_days)
            .maybe("MultiAZ", settings.multi_az)
            .maybe("EngineVersion", settings.engine_version.as_ref())
            .maybe("Iops", settings.iops)
            .maybe("DBInstanceIdentifier", id.as_ref())
            .maybe("StorageType", settings.storage_type.as_ref())
    }

    fn groups(&self, instance: Element) -> Element {
        let parameter_group = Element::new("DBParameterGroup")
            .with("DBParameterGroupName", &self.parameter_group)
            .with("ParameterApplyStatus", "in-sync");
        let option_group = Element::new("OptionGroupMembership")
            .with("OptionGroupName", &self.option_group)
            .with("Status", "in-sync");
        let subnet_group = Element::new("DBSubnetGroup")
            .with("DBSubnetGroupName", &self.subnet_group)
            .with("DBSubnetGroupDescription", &self.subnet_group)
            .with("VpcId", "vpc-0000fake")
            .with("SubnetGroupStatus", "Complete");
        instance
            .child(shape::security_groups(&self.security_groups))
            .list("DBParameterGroups", [parameter_group])
            .list("OptionGroupMemberships", [option_group])
            .child(subnet_group)
    }
}

impl Described for Instance {
    fn course(&self) -> &Course {
        &self.course
    }

    fn filter_value(&self, filter: &str) -> Option<String> {
        match filter {
            "db-instance-id" => Some(self.id.clone()),
            "db-cluster-id" => Some(self.cluster.clone().unwrap_or_default()),
            "dbi-resource-id" => Some(self.resource_id.clone()),
            "engine" => Some(self.engine.clone()),
            _ => None,
        }
    }

    fn element(&self, rds: &Rds) -> Element {
        let instance = Element::new("DBInstance")
            .with("DBInstanceIdentifier", &self.id)
            .with("DBInstanceClass", &self.class)
            .with("Engine", &self.engine)
            .with("EngineVersion", &self.engine_version)
            .with("DBInstanceStatus", self.course.status())
            .maybe("PercentProgress", self.course.percent())
            .with("MasterUsername", &self.master_username)
            .maybe("DBName", self.database.as_ref())
            .with("AllocatedStorage", self.allocated_storage)
            .moment("InstanceCreateTime", self.created)
            .with("PreferredBackupWindow", "03:00-03:30")
            .with("BackupRetentionPeriod", self.backup_retention_days)
            .with("AvailabilityZone", self.zone(&rds.region))
            .with("PreferredMaintenanceWindow", "sun:04:00-sun:04:30")
            .child(self.pending_values(rds))
            .maybe_moment("LatestRestorableTime", self.latest())
            .with("MultiAZ", self.multi_az)
            .with("AutoMinorVersionUpgrade", true)
            .with("LicenseModel", "postgresql-license")
            .maybe("Iops", self.iops)
            .with("PubliclyAccessible", self.is_publicly_accessible)
            .with("StorageType", &self.storage_type)
            .with("DbInstancePort", 0)
            .maybe("DBClusterIdentifier", self.cluster.as_ref())
            .with("StorageEncrypted", self.kms_key.is_some())
            .maybe("KmsKeyId", self.kms_key.as_ref())
            .with("DbiResourceId", &self.resource_id)
            .with("CACertificateIdentifier", "rds-ca-rsa2048-g1")
            .with("CopyTagsToSnapshot", self.copies_tags_to_snapshots)
            .with("MonitoringInterval", 0)
            .with("DBInstanceArn", rds.arn("db", &self.id))
            .with(
                "IAMDatabaseAuthenticationEnabled",
                self.has_iam_authentication,
            )
            .with("DeletionProtection", self.has_deletion_protection)
            .with("BackupTarget", "region")
            .child(shape::tags(&self.tags));
        self.groups(instance).children(self.endpoint(&rds.region))
    }
}
