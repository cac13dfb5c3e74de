//! Turns a snapshot or a moment of a source into a new instance or cluster, with the defaults that AWS applies in
//! silence.
//!
//! Source of the defaults: "Restoring to a DB instance" and "Restoring a DB instance to a specified time" of the user
//! guide, <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_RestoreFromSnapshot.html> and `USER_PIT.html`
//! there, and the parameters of the four actions in the API reference: the default security, subnet, parameter and
//! option group, one zone, no deletion protection, no tags, `gp3` or with provisioned operations `io1`.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Cluster;
use super::Elements;
use super::Instance;
use super::Origin;
use super::Rds;
use super::RestoreWindow;
use super::describe::Described as _;
use super::describe::lower_name;
use super::describe::name_in;
use super::name;
use super::refuse;
use super::settings::Settings;
use crate::operation::Refusal;
use crate::query::Parameters;
use crate::query::invalid_combination;
use crate::query::invalid_value;

/// The security group that everything gets that is restored without one.
pub(super) const DEFAULT_SECURITY_GROUP: &str = "sg-default";

/// The subnet group that everything gets that is restored without one.
pub(super) const DEFAULT_SUBNET_GROUP: &str = "default";

impl Rds {
    pub(super) fn restore_instance_from_snapshot(
        &mut self,
        parameters: Parameters<'_>,
    ) -> Result<Elements, Refusal> {
        let target = self.free_instance_name(parameters.required("DBInstanceIdentifier")?)?;
        let wanted = lower_name(parameters.required("DBSnapshotIdentifier")?);
        let snapshot = self
            .snapshots
            .get(&wanted)
            .filter(|snapshot| !snapshot.course.is_unseen())
            .cloned()
            .ok_or_else(|| {
                refuse(
                    "DBSnapshotNotFound",
                    format!("DBSnapshot {wanted} not found."),
                )
            })?;
        if snapshot.course.status() != "available" {
            let message = format!("DBSnapshot {wanted} is not available.");
            return Err(refuse("InvalidDBSnapshotState", message));
        }
        let source = Instance {
            kms_key: snapshot.kms_key,
            ..snapshot.of
        };
        let origin = Origin::Snapshot(wanted.clone());
        let message = format!("Restored from snapshot {wanted}");
        self.restore_instance(&source, target, origin, parameters, &message)
    }

    pub(super) fn restore_instance_to_moment(
        &mut self,
        parameters: Parameters<'_>,
    ) -> Result<Elements, Refusal> {
        let target = self.free_instance_name(parameters.required("TargetDBInstanceIdentifier")?)?;
        let source = self.source_instance(parameters)?;
        if source.backup_retention_days == 0 {
            let message = format!("Backups of {} are off.", source.id);
            return Err(refuse("PointInTimeRestoreNotEnabled", message));
        }
        if matches!(source.course.status(), "creating" | "deleting" | "failed") {
            let message = format!("DB instance {} is not in a state to restore.", source.id);
            return Err(refuse("InvalidDBInstanceState", message));
        }
        let moment = moment(source.restore_window, "RestoreTime", parameters)?;
        let origin = Origin::Moment(source.id.clone(), moment);
        let message = format!("Restored from {} to {moment}", source.id);
        self.restore_instance(&source, target, origin, parameters, &message)
    }

    /// Finds the instance, or the automated backup of one, that a restore to a moment names in one of three ways.
    fn source_instance(&self, parameters: Parameters<'_>) -> Result<Instance, Refusal> {
        let mut all = self.instances.values().chain(self.retained.values());
        if let Some(text) = parameters.text("SourceDBInstanceIdentifier") {
            let id = lower_name(text);
            let found = self.instances.get(&id);
            return found
                .filter(|instance| !instance.course.is_unseen())
                .cloned()
                .ok_or_else(|| {
                    refuse("DBInstanceNotFound", format!("DBInstance {id} not found."))
                });
        }
        let found = if let Some(resource) = parameters.text("SourceDbiResourceId") {
            all.find(|instance| instance.resource_id == resource)
        } else if let Some(arn) = parameters.text("SourceDBInstanceAutomatedBackupsArn") {
            all.find(|instance| instance.backup_id() == name_in(arn))
        } else {
            return Err(invalid_combination("The source of the restore is missing."));
        };
        found.cloned().ok_or_else(|| {
            let message = "No automated backup for this DB instance was found.";
            refuse("DBInstanceAutomatedBackupNotFound", message)
        })
    }

    fn restore_instance(
        &mut self,
        source: &Instance,
        target: String,
        origin: Origin,
        parameters: Parameters<'_>,
        message: &str,
    ) -> Result<Elements, Refusal> {
        let settings = Settings::read(parameters)?;
        settings.check_groups(self)?;
        if settings.multi_az == Some(true) && settings.availability_zone.is_some() {
            let message = "AvailabilityZone cannot be specified with MultiAZ.";
            return Err(invalid_combination(message));
        }
        self.check_key(source.kms_key.as_ref())?;
        self.check_quotas(
            settings
                .allocated_storage
                .unwrap_or(source.allocated_storage),
        )?;
        let (created, number) = self.make();
        let storage_type = if settings.iops.is_some() {
            "io1"
        } else {
            "gp3"
        };
        let mut instance = Instance {
            course: self.course(&target, |courses| &courses.restored_instance),
            id: target,
            resource_id: resource_id("db", number),
            origin: Some(origin),
            multi_az: false,
            subnet_group: DEFAULT_SUBNET_GROUP.to_owned(),
            security_groups: vec![DEFAULT_SECURITY_GROUP.to_owned()],
            parameter_group: format!("default.{}", source.family()),
            option_group: source.default_option_group(),
            storage_type: storage_type.to_owned(),
            iops: None,
            is_publicly_accessible: false,
            availability_zone: None,
            has_deletion_protection: false,
            copies_tags_to_snapshots: false,
            has_iam_authentication: false,
            cluster: None,
            tags: BTreeMap::new(),
            created,
            restore_window: Some(from(created)),
            ..source.clone()
        };
        settings.apply_at_once(&mut instance);
        settings.apply_later(&mut instance);
        self.tell("db-instance", &instance.id, "restoration", message);
        let element = instance.element(self);
        self.instances.insert(instance.id.clone(), instance);
        Ok(vec![element])
    }

    pub(super) fn restore_cluster_from_snapshot(
        &mut self,
        parameters: Parameters<'_>,
    ) -> Result<Elements, Refusal> {
        let target = self.free_cluster_name(parameters.required("DBClusterIdentifier")?)?;
        parameters.required("Engine")?;
        let wanted = lower_name(parameters.required("SnapshotIdentifier")?);
        let snapshot = self
            .cluster_snapshots
            .get(&wanted)
            .filter(|snapshot| !snapshot.course.is_unseen())
            .cloned()
            .ok_or_else(|| {
                let message = format!("DBClusterSnapshot {wanted} not found.");
                refuse("DBClusterSnapshotNotFoundFault", message)
            })?;
        if snapshot.course.status() != "available" {
            let message = format!("DBClusterSnapshot {wanted} is not available.");
            return Err(refuse("InvalidDBClusterSnapshotStateFault", message));
        }
        let source = Cluster {
            kms_key: snapshot.kms_key,
            subnet_group: DEFAULT_SUBNET_GROUP.to_owned(),
            ..snapshot.of
        };
        self.restore_cluster(&source, target, Origin::Snapshot(wanted), parameters)
    }

    pub(super) fn restore_cluster_to_moment(
        &mut self,
        parameters: Parameters<'_>,
    ) -> Result<Elements, Refusal> {
        let target = self.free_cluster_name(parameters.required("DBClusterIdentifier")?)?;
        let id = lower_name(parameters.required("SourceDBClusterIdentifier")?);
        let source = self.clusters.get(&id).cloned().ok_or_else(|| {
            refuse(
                "DBClusterNotFoundFault",
                format!("DBCluster {id} not found."),
            )
        })?;
        if source.course.status() != "available" {
            let message = format!("DB cluster {id} is not available.");
            return Err(refuse("InvalidDBClusterStateFault", message));
        }
        let is_clone = parameters.text("RestoreType") == Some("copy-on-write");
        if is_clone && parameters.text("RestoreToTime").is_some() {
            let message = "RestoreToTime cannot be specified when RestoreType is copy-on-write";
            return Err(invalid_combination(message));
        }
        let moment = moment(source.restore_window, "RestoreToTime", parameters)?;
        self.restore_cluster(&source, target, Origin::Moment(id, moment), parameters)
    }

    /// Restores a cluster without members: those are created afterwards, once it is available.
    fn restore_cluster(
        &mut self,
        source: &Cluster,
        target: String,
        origin: Origin,
        parameters: Parameters<'_>,
    ) -> Result<Elements, Refusal> {
        let settings = Settings::read(parameters)?;
        settings.check_groups(self)?;
        self.check_key(source.kms_key.as_ref())?;
        let (created, number) = self.make();
        let mut cluster = Cluster {
            course: self.course(&target, |courses| &courses.restored_cluster),
            id: target,
            resource_id: resource_id("cluster", number),
            origin: Some(origin),
            security_groups: vec![DEFAULT_SECURITY_GROUP.to_owned()],
            parameter_group: source.default_parameter_group(),
            storage_type: "aurora".to_owned(),
            has_deletion_protection: false,
            copies_tags_to_snapshots: false,
            has_iam_authentication: false,
            tags: BTreeMap::new(),
            created,
            restore_window: Some(from(created)),
            ..source.clone()
        };
        cluster.apply(&settings);
        self.tell("db-cluster", &cluster.id, "restoration", "Restored");
        let element = cluster.element(self);
        self.clusters.insert(cluster.id.clone(), cluster);
        Ok(vec![element])
    }

    /// Returns the name in its form.
    ///
    /// # Errors
    /// It is none, or it is taken.
    pub(super) fn free_instance_name(&self, text: &str) -> Result<String, Refusal> {
        let id = name(text)?;
        if self.instances.contains_key(&id) {
            let message = "DB instance already exists";
            return Err(refuse("DBInstanceAlreadyExists", message));
        }
        Ok(id)
    }

    /// Returns the name in its form.
    ///
    /// # Errors
    /// It is none, or it is taken.
    pub(super) fn free_cluster_name(&self, text: &str) -> Result<String, Refusal> {
        let id = name(text)?;
        if self.clusters.contains_key(&id) {
            let message = "DB Cluster already exists";
            return Err(refuse("DBClusterAlreadyExistsFault", message));
        }
        Ok(id)
    }

    pub(super) fn check_key(&self, key: Option<&String>) -> Result<(), Refusal> {
        match key {
            Some(key) if self.inaccessible_keys.contains(key) => {
                let message = format!("The KMS key {key} is disabled or does not exist.");
                Err(refuse("KMSKeyNotAccessibleFault", message))
            }
            Some(_) | None => Ok(()),
        }
    }

    pub(super) fn check_quotas(&self, storage: u32) -> Result<(), Refusal> {
        let is_full = |quota| self.instances.len() >= quota;
        if self.instance_quota.is_some_and(is_full) {
            let message = "Cannot create more than the allowed number of instances.";
            return Err(refuse("InstanceQuotaExceeded", message));
        }
        let used: u32 = self
            .instances
            .values()
            .map(|instance| instance.allocated_storage)
            .sum();
        if self
            .storage_quota
            .is_some_and(|quota| used + storage > quota)
        {
            let message = "The allocated storage would exceed the quota.";
            return Err(refuse("StorageQuotaExceeded", message));
        }
        Ok(())
    }
}

/// Returns the id of the resource that was made as this one of its world.
pub(super) fn resource_id(prefix: &str, number: u32) -> String {
    format!("{prefix}-MADE{number:022}")
}

/// Returns the window of what was created now.
pub(super) fn from(created: Timestamp) -> RestoreWindow {
    RestoreWindow {
        earliest: created,
        latest: created,
    }
}

/// Returns the moment that a restore asks for.
///
/// # Errors
/// It asks for none or in two ways, or for one outside of the window. The API reference has no code for the last;
/// `InvalidParameterValue` is what it has for values that are out of range. `InvalidRestoreFault` is of networks there.
fn moment(
    window: Option<RestoreWindow>,
    parameter: &str,
    parameters: Parameters<'_>,
) -> Result<Timestamp, Refusal> {
    let asked = parameters.moment(parameter)?;
    let is_latest = parameters.parsed("UseLatestRestorableTime")? == Some(true);
    let RestoreWindow { earliest, latest } = window.ok_or_else(|| {
        invalid_value("There is no moment yet that the source can be restored to")
    })?;
    match (asked, is_latest) {
        (Some(_), true) => Err(invalid_combination(format!(
            "Cannot specify both {parameter} and UseLatestRestorableTime"
        ))),
        (None, false) => Err(invalid_combination(format!(
            "Specify {parameter} or UseLatestRestorableTime"
        ))),
        (None, true) => Ok(latest),
        (Some(moment), false) if (earliest..=latest).contains(&moment) => Ok(moment),
        (Some(moment), false) => Err(invalid_value(format!(
            "{moment} is not between {earliest} and {latest}, the moments that can be restored"
        ))),
    }
}
