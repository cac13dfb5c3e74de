//! The settings of a database: as the service tells them, as a plan declares them, and how the two differ.
//!
//! One struct is the survey's record, the `settings` of a plan and the measure of a restore, so that a setting is added
//! in one place. `None` is "not told" or "not declared", never a default.

use std::collections::BTreeMap;

use aws_sdk_rds::types::DbCluster;
use aws_sdk_rds::types::DbInstance;
use aws_sdk_rds::types::Tag;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

/// The settings of an instance, or of a cluster with its instances.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Settings {
    /// The class: `db.r6g.xlarge`. Of an Aurora cluster its `members` have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// The DB subnet group, and with it the VPC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subnet_group: Option<String>,
    /// The ids of the VPC security groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security_groups: Option<Vec<String>>,
    /// The DB parameter group, or the cluster's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter_group: Option<String>,
    /// The option group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub option_group: Option<String>,
    /// A standby in another availability zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multi_az: Option<bool>,
    /// The availability zone. It is not taken over from the original: its zone may be what was lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub availability_zone: Option<String>,
    /// Reachable from outside its VPC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publicly_accessible: Option<bool>,
    /// The port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<i32>,
    /// `IPV4` or `DUAL`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_type: Option<String>,
    /// The type of the storage: `gp3`, `io2`, `aurora-iopt1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_type: Option<String>,
    /// GiB of storage, at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allocated_storage: Option<i32>,
    /// GiB up to which the storage grows by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_allocated_storage: Option<i32>,
    /// Provisioned operations of the storage a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iops: Option<i32>,
    /// Provisioned MiB of the storage a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_throughput: Option<i32>,
    /// The KMS key. A restored instance has that of its snapshot or backups; a cluster can be given another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kms_key: Option<String>,
    /// Refuses to be deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletion_protection: Option<bool>,
    /// Logging in with IAM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iam_authentication: Option<bool>,
    /// The model of the licence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub license_model: Option<String>,
    /// Minor versions are installed in the maintenance window.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_minor_version_upgrade: Option<bool>,
    /// Snapshots get its tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub copy_tags_to_snapshot: Option<bool>,
    /// The logs that go to CloudWatch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_exports: Option<Vec<String>>,
    /// Days for which automated backups are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup_retention_days: Option<i32>,
    /// When automated backups are taken: `02:00-02:30`, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup_window: Option<String>,
    /// When it is maintained: `sun:04:00-sun:04:30`, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maintenance_window: Option<String>,
    /// The certificate authority of its server certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_certificate: Option<String>,
    /// A volume of its own for the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dedicated_log_volume: Option<bool>,
    /// Seconds between points of enhanced monitoring; 0 is off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monitoring_interval: Option<i32>,
    /// The role that sends enhanced monitoring.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monitoring_role: Option<String>,
    /// Performance Insights.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub performance_insights: Option<bool>,
    /// The least capacity of Aurora Serverless v2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serverless_min: Option<f64>,
    /// The greatest capacity of Aurora Serverless v2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serverless_max: Option<f64>,
    /// The tags, beside those by which salvor finds again what it made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<BTreeMap<String, String>>,
    /// The instances of an Aurora cluster. They become the target's, under its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub members: Option<Vec<Member>>,
}

/// One instance of a cluster.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Member {
    /// What stands behind the cluster's name in its own: `1` in `app-1`.
    pub suffix: String,
    /// Its class: `db.r6g.large`, `db.serverless`.
    pub class: String,
    /// Its rank when another writer is needed, 0 first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub promotion_tier: Option<i32>,
    /// Its DB parameter group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter_group: Option<String>,
    /// Reachable from outside its VPC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publicly_accessible: Option<bool>,
}

/// Tags of salvor and of AWS belong to the thing that has them, not to its copy.
const NOT_COPIED: [&str; 2] = ["salvor:", "aws:"];

impl Settings {
    /// What the service tells of an instance.
    pub(crate) fn of_instance(instance: &DbInstance) -> Self {
        let own = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let groups = instance.db_parameter_groups();
        let options = instance.option_group_memberships();
        Self {
            class: own(&instance.db_instance_class),
            subnet_group: instance
                .db_subnet_group()
                .and_then(|group| own(&group.db_subnet_group_name)),
            security_groups: sorted(
                instance
                    .vpc_security_groups()
                    .iter()
                    .filter_map(|group| own(&group.vpc_security_group_id)),
            ),
            parameter_group: groups.first().and_then(|g| own(&g.db_parameter_group_name)),
            option_group: options.first().and_then(|g| own(&g.option_group_name)),
            multi_az: instance.multi_az,
            availability_zone: own(&instance.availability_zone),
            publicly_accessible: instance.publicly_accessible,
            port: instance
                .endpoint()
                .and_then(|endpoint| endpoint.port)
                .or(instance.db_instance_port)
                .filter(|port| *port > 0),
            network_type: own(&instance.network_type),
            storage_type: own(&instance.storage_type),
            allocated_storage: instance.allocated_storage,
            max_allocated_storage: instance.max_allocated_storage,
            iops: instance.iops.filter(|iops| *iops > 0),
            storage_throughput: instance.storage_throughput.filter(|mib| *mib > 0),
            kms_key: own(&instance.kms_key_id),
            deletion_protection: instance.deletion_protection,
            iam_authentication: instance.iam_database_authentication_enabled,
            license_model: own(&instance.license_model),
            auto_minor_version_upgrade: instance.auto_minor_version_upgrade,
            copy_tags_to_snapshot: instance.copy_tags_to_snapshot,
            log_exports: sorted(instance.enabled_cloudwatch_logs_exports().iter().cloned()),
            backup_retention_days: instance.backup_retention_period,
            backup_window: own(&instance.preferred_backup_window),
            maintenance_window: own(&instance.preferred_maintenance_window),
            ca_certificate: own(&instance.ca_certificate_identifier),
            dedicated_log_volume: instance.dedicated_log_volume,
            monitoring_interval: instance.monitoring_interval,
            monitoring_role: own(&instance.monitoring_role_arn),
            performance_insights: instance.performance_insights_enabled,
            serverless_min: None,
            serverless_max: None,
            tags: copied_tags(instance.tag_list()),
            members: None,
        }
    }

    /// What the service tells of a cluster and of its instances.
    pub(crate) fn of_cluster(cluster: &DbCluster, instances: &[DbInstance]) -> Self {
        let own = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let name = cluster.db_cluster_identifier().unwrap_or_default();
        let options = cluster.db_cluster_option_group_memberships();
        let scaling = cluster.serverless_v2_scaling_configuration();
        let is_aurora = cluster
            .engine()
            .is_some_and(|engine| engine.starts_with("aurora"));
        let members = instances.iter().map(|instance| Member::of(name, instance));
        Self {
            class: own(&cluster.db_cluster_instance_class),
            subnet_group: own(&cluster.db_subnet_group),
            security_groups: sorted(
                cluster
                    .vpc_security_groups()
                    .iter()
                    .filter_map(|group| own(&group.vpc_security_group_id)),
            ),
            parameter_group: own(&cluster.db_cluster_parameter_group),
            option_group: options
                .first()
                .and_then(|g| own(&g.db_cluster_option_group_name)),
            port: cluster.port.filter(|port| *port > 0),
            network_type: own(&cluster.network_type),
            storage_type: own(&cluster.storage_type),
            iops: cluster.iops.filter(|iops| *iops > 0),
            kms_key: own(&cluster.kms_key_id),
            deletion_protection: cluster.deletion_protection,
            iam_authentication: cluster.iam_database_authentication_enabled,
            copy_tags_to_snapshot: cluster.copy_tags_to_snapshot,
            log_exports: sorted(cluster.enabled_cloudwatch_logs_exports().iter().cloned()),
            backup_retention_days: cluster.backup_retention_period,
            backup_window: own(&cluster.preferred_backup_window),
            maintenance_window: own(&cluster.preferred_maintenance_window),
            serverless_min: scaling.and_then(|scaling| scaling.min_capacity),
            serverless_max: scaling.and_then(|scaling| scaling.max_capacity),
            tags: copied_tags(cluster.tag_list()),
            // The instances of a Multi-AZ DB cluster are made with it; those of Aurora are made one by one.
            members: is_aurora.then(|| members.collect()),
            ..Self::default()
        }
    }

    /// These settings, each in the place of the other's where both say something.
    pub(crate) fn over(&self, other: &Self) -> Self {
        let mut merged = object(other);
        merged.extend(object(self));
        let mut merged: Self =
            serde_json::from_value(serde_json::Value::Object(merged)).expect("both are settings");
        if let (Some(own), Some(others)) = (&self.tags, &other.tags) {
            let mut tags = others.clone();
            tags.extend(own.clone());
            merged.tags = Some(tags);
        }
        merged
    }
}

impl Member {
    fn of(cluster: &str, instance: &DbInstance) -> Self {
        let name = instance.db_instance_identifier().unwrap_or_default();
        let suffix = name.strip_prefix(cluster).unwrap_or(name);
        let groups = instance.db_parameter_groups();
        Self {
            suffix: suffix.trim_start_matches('-').to_owned(),
            class: instance.db_instance_class().unwrap_or_default().to_owned(),
            promotion_tier: instance.promotion_tier,
            parameter_group: groups
                .first()
                .and_then(|group| group.db_parameter_group_name.clone()),
            publicly_accessible: instance.publicly_accessible,
        }
    }

    /// Its identifier in a cluster of this name.
    pub(crate) fn name_in(&self, cluster: &str) -> String {
        format!("{cluster}-{}", self.suffix)
    }
}

/// Settings as a JSON object, without what is not told.
pub(crate) fn object(settings: &Settings) -> serde_json::Map<String, serde_json::Value> {
    match serde_json::to_value(settings) {
        Ok(serde_json::Value::Object(object)) => object,
        Ok(other) => unreachable!("a struct is an object, not {other}"),
        Err(error) => unreachable!("settings are plain values: {error}"),
    }
}

/// Tags by their keys.
pub(crate) fn by_key(tags: &[Tag]) -> BTreeMap<String, String> {
    let pairs = tags.iter().filter_map(|tag| {
        let value = tag.value.clone().unwrap_or_default();
        Some((tag.key.clone()?, value))
    });
    pairs.collect()
}

fn copied_tags(tags: &[Tag]) -> Option<BTreeMap<String, String>> {
    let mut tags = by_key(tags);
    tags.retain(|key, _| !NOT_COPIED.iter().any(|prefix| key.starts_with(prefix)));
    Some(tags)
}

/// The order of a list of groups says nothing; two surveys must be equal.
fn sorted(texts: impl Iterator<Item = String>) -> Option<Vec<String>> {
    let mut texts: Vec<String> = texts.collect();
    texts.sort();
    Some(texts)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use aws_sdk_rds::types::DbInstance;
    use aws_sdk_rds::types::Tag;

    use super::Settings;

    #[test]
    fn what_a_plan_declares_stands_over_what_the_original_had() {
        let tags = |pairs: &[(&str, &str)]| -> Option<BTreeMap<String, String>> {
            Some(
                pairs
                    .iter()
                    .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                    .collect(),
            )
        };
        let original = Settings {
            class: Some("db.m5.large".to_owned()),
            multi_az: Some(true),
            tags: tags(&[("team", "data"), ("env", "production")]),
            ..Settings::default()
        };
        let declared = Settings {
            class: Some("db.r6g.xlarge".to_owned()),
            tags: tags(&[("env", "drill")]),
            ..Settings::default()
        };
        let both = declared.over(&original);
        assert_eq!(both.class.as_deref(), Some("db.r6g.xlarge"));
        assert_eq!(both.multi_az, Some(true));
        assert_eq!(both.tags, tags(&[("team", "data"), ("env", "drill")]));
    }

    #[test]
    fn the_mark_of_an_earlier_restore_is_not_copied() {
        let tag = |key: &str| Tag::builder().key(key).value("x").build();
        let instance = DbInstance::builder()
            .tag_list(tag("salvor:operation"))
            .tag_list(tag("aws:cloudformation:stack-id"))
            .tag_list(tag("team"))
            .build();
        let tags = Settings::of_instance(&instance).tags.expect("tags");
        assert_eq!(tags.keys().collect::<Vec<_>>(), ["team"]);
    }
}
