//! Turns the parameters that creating, restoring and changing have in common into values.

use std::collections::BTreeMap;

use super::Instance;
use super::Rds;
use super::refuse;
use crate::operation::Refusal;
use crate::query::Parameters;

/// What a call says of an instance. Nothing: the call does not say it.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) class: Option<String>,
    pub(super) allocated_storage: Option<u32>,
    pub(super) storage_type: Option<String>,
    pub(super) iops: Option<u32>,
    pub(super) multi_az: Option<bool>,
    pub(super) subnet_group: Option<String>,
    pub(super) security_groups: Vec<String>,
    pub(super) parameter_group: Option<String>,
    pub(super) option_group: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) is_publicly_accessible: Option<bool>,
    pub(super) availability_zone: Option<String>,
    pub(super) has_deletion_protection: Option<bool>,
    pub(super) backup_retention_days: Option<u32>,
    pub(super) copies_tags_to_snapshots: Option<bool>,
    pub(super) has_iam_authentication: Option<bool>,
    pub(super) engine_version: Option<String>,
    pub(super) tags: BTreeMap<String, String>,
}

impl Settings {
    /// Reads them.
    ///
    /// # Errors
    /// A number or a yes or no is none.
    pub(super) fn read(parameters: Parameters<'_>) -> Result<Settings, Refusal> {
        let text = |name| parameters.text(name).map(str::to_owned);
        Ok(Settings {
            class: text("DBInstanceClass"),
            allocated_storage: parameters.parsed("AllocatedStorage")?,
            storage_type: text("StorageType"),
            iops: parameters.parsed("Iops")?,
            multi_az: parameters.parsed("MultiAZ")?,
            subnet_group: text("DBSubnetGroupName"),
            security_groups: parameters.list("VpcSecurityGroupIds"),
            parameter_group: text("DBParameterGroupName")
                .or_else(|| text("DBClusterParameterGroupName")),
            option_group: text("OptionGroupName"),
            // Its name differs where the instance is there already.
            port: match parameters.parsed("Port")? {
                Some(port) => Some(port),
                None => parameters.parsed("DBPortNumber")?,
            },
            is_publicly_accessible: parameters.parsed("PubliclyAccessible")?,
            availability_zone: text("AvailabilityZone"),
            has_deletion_protection: parameters.parsed("DeletionProtection")?,
            backup_retention_days: parameters.parsed("BackupRetentionPeriod")?,
            copies_tags_to_snapshots: parameters.parsed("CopyTagsToSnapshot")?,
            has_iam_authentication: parameters.parsed("EnableIAMDatabaseAuthentication")?,
            engine_version: text("EngineVersion"),
            tags: parameters.tags("Tags"),
        })
    }

    /// Refuses groups that are not there.
    ///
    /// # Errors
    /// One is not.
    pub(super) fn check_groups(&self, rds: &Rds) -> Result<(), Refusal> {
        let is_default = |name: &str| name.starts_with("default.") || name.starts_with("default:");
        if let Some(name) = &self.subnet_group
            && !rds.subnet_groups.contains(name)
        {
            let message = format!("DBSubnetGroup '{name}' doesn't exist.");
            return Err(refuse("DBSubnetGroupNotFoundFault", message));
        }
        if let Some(name) = &self.parameter_group
            && !is_default(name)
            && !rds.parameter_groups.contains(name)
        {
            let message = format!("DBParameterGroup not found: {name}");
            return Err(refuse("DBParameterGroupNotFound", message));
        }
        if let Some(name) = &self.option_group
            && !is_default(name)
            && !rds.option_groups.contains(name)
        {
            let message = format!("Specified OptionGroupName: {name} not found.");
            return Err(refuse("OptionGroupNotFoundFault", message));
        }
        Ok(())
    }

    /// Sets what takes effect at once, whatever the call says of when to apply.
    pub(super) fn apply_at_once(&self, instance: &mut Instance) {
        let Settings {
            security_groups,
            parameter_group,
            option_group,
            subnet_group,
            availability_zone,
            is_publicly_accessible,
            has_deletion_protection,
            copies_tags_to_snapshots,
            has_iam_authentication,
            tags,
            // Those of `apply_later`.
            class: _,
            allocated_storage: _,
            storage_type: _,
            iops: _,
            multi_az: _,
            port: _,
            backup_retention_days: _,
            engine_version: _,
        } = self.clone();
        if !security_groups.is_empty() {
            instance.security_groups = security_groups;
        }
        set(&mut instance.parameter_group, parameter_group);
        set(&mut instance.option_group, option_group);
        set(&mut instance.subnet_group, subnet_group);
        if availability_zone.is_some() {
            instance.availability_zone = availability_zone;
        }
        set(&mut instance.is_publicly_accessible, is_publicly_accessible);
        set(
            &mut instance.has_deletion_protection,
            has_deletion_protection,
        );
        set(
            &mut instance.copies_tags_to_snapshots,
            copies_tags_to_snapshots,
        );
        set(&mut instance.has_iam_authentication, has_iam_authentication);
        instance.tags.extend(tags);
    }

    /// Sets what waits for the window of maintenance where the call does not ask for it at once.
    pub(super) fn apply_later(&self, instance: &mut Instance) {
        set(&mut instance.class, self.class.clone());
        set(&mut instance.allocated_storage, self.allocated_storage);
        set(&mut instance.storage_type, self.storage_type.clone());
        if self.iops.is_some() {
            instance.iops = self.iops;
        }
        set(&mut instance.multi_az, self.multi_az);
        set(&mut instance.port, self.port);
        set(
            &mut instance.backup_retention_days,
            self.backup_retention_days,
        );
        set(&mut instance.engine_version, self.engine_version.clone());
    }
}

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}
