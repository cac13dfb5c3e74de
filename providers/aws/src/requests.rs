//! The requests that make a database of a recovery point, with every setting named.
//!
//! What is left out of such a request is not what the original had: it is a default of the account. Amazon RDS API
//! Reference, `RestoreDBInstanceToPointInTime`: the default security group, the default subnet group, the default DB
//! parameter group, single-AZ.

use std::collections::BTreeMap;

use aws_sdk_rds::types::CloudwatchLogsExportConfiguration;
use aws_sdk_rds::types::ServerlessV2ScalingConfiguration;
use jiff::Timestamp;
use salvor_aws_client::Failure;
use salvor_aws_client::of_request;

use crate::client::Service;
use crate::mark::Mark;
use crate::moment::taken;
use crate::points::Details;
use crate::points::Source;
use crate::settings::Member;
use crate::settings::Settings;
use crate::subject::Kind;
use crate::subject::Subject;

/// What a restore asks for.
pub(crate) struct Request<'a> {
    pub target: &'a Subject,
    /// The identifier of the original.
    pub original: &'a str,
    pub details: &'a Details,
    pub at: Timestamp,
    pub declared: &'a Settings,
    pub mark: &'a Mark,
}

// The SDK has no trait over its builders, and the two restores of an instance, and those of a cluster, take the same
// settings: each list stands here once.
macro_rules! with_instance_settings {
    ($request:expr, $settings:expr, $allocated:expr) => {{
        let settings: &Settings = $settings;
        // A zone cannot be asked for together with a standby in another one.
        let zone = settings.availability_zone.clone();
        let zone = zone.filter(|_| settings.multi_az != Some(true));
        let (iops, throughput) = provisioned(settings);
        $request
            .set_db_instance_class(settings.class.clone())
            .set_db_subnet_group_name(settings.subnet_group.clone())
            .set_vpc_security_group_ids(filled(&settings.security_groups))
            .set_db_parameter_group_name(chosen(&settings.parameter_group))
            .set_option_group_name(chosen(&settings.option_group))
            .set_multi_az(settings.multi_az)
            .set_availability_zone(zone)
            .set_publicly_accessible(settings.publicly_accessible)
            .set_port(settings.port)
            .set_network_type(settings.network_type.clone())
            .set_storage_type(settings.storage_type.clone())
            .set_allocated_storage($allocated)
            .set_iops(iops)
            .set_storage_throughput(throughput)
            .set_deletion_protection(settings.deletion_protection)
            .set_enable_iam_database_authentication(settings.iam_authentication)
            .set_license_model(settings.license_model.clone())
            .set_auto_minor_version_upgrade(settings.auto_minor_version_upgrade)
            .set_copy_tags_to_snapshot(settings.copy_tags_to_snapshot)
            .set_enable_cloudwatch_logs_exports(filled(&settings.log_exports))
            .set_backup_retention_period(settings.backup_retention_days)
            .set_preferred_backup_window(settings.backup_window.clone())
            .set_ca_certificate_identifier(settings.ca_certificate.clone())
            .set_dedicated_log_volume(settings.dedicated_log_volume.filter(|is_there| *is_there))
    }};
}

macro_rules! with_cluster_settings {
    ($request:expr, $settings:expr) => {{
        let settings: &Settings = $settings;
        $request
            .set_db_cluster_instance_class(settings.class.clone())
            .set_db_subnet_group_name(settings.subnet_group.clone())
            .set_vpc_security_group_ids(filled(&settings.security_groups))
            .set_db_cluster_parameter_group_name(chosen(&settings.parameter_group))
            .set_option_group_name(chosen(&settings.option_group))
            .set_port(settings.port)
            .set_network_type(settings.network_type.clone())
            .set_storage_type(settings.storage_type.clone())
            .set_iops(settings.iops)
            .set_kms_key_id(settings.kms_key.clone())
            .set_deletion_protection(settings.deletion_protection)
            .set_enable_iam_database_authentication(settings.iam_authentication)
            .set_copy_tags_to_snapshot(settings.copy_tags_to_snapshot)
            .set_enable_cloudwatch_logs_exports(filled(&settings.log_exports))
            .set_backup_retention_period(settings.backup_retention_days)
            .set_preferred_backup_window(settings.backup_window.clone())
            .set_serverless_v2_scaling_configuration(scaling(settings))
    }};
}

impl Request<'_> {
    /// Sends the one request that makes it.
    pub(crate) async fn send(&self, service: &Service) -> Result<(), Failure> {
        match (self.target.kind, self.details.from) {
            (Kind::Instance, Source::Snapshot) => self.instance_of_snapshot(service).await,
            (Kind::Instance, Source::Pitr | Source::Retained | Source::Replicated) => {
                self.instance_at(service).await
            }
            (Kind::Cluster, Source::Snapshot) => self.cluster_of_snapshot(service).await,
            (Kind::Cluster, Source::Pitr | Source::Retained | Source::Replicated) => {
                self.cluster_at(service).await
            }
        }
    }

    fn doing(&self) -> String {
        format!("restore the {}", self.target)
    }

    fn tags(&self) -> Vec<aws_sdk_rds::types::Tag> {
        let none = BTreeMap::new();
        self.mark.with(self.declared.tags.as_ref().unwrap_or(&none))
    }

    async fn instance_of_snapshot(&self, service: &Service) -> Result<(), Failure> {
        let request = service.changes.restore_db_instance_from_db_snapshot();
        // It can be made with more than the snapshot has, and not with less.
        let declared = self.declared.allocated_storage;
        let allocated = declared.filter(|gib| Some(*gib) > self.details.allocated_storage);
        with_instance_settings!(request, self.declared, allocated)
            .db_instance_identifier(&self.target.name)
            .set_db_snapshot_identifier(self.details.snapshot.clone())
            .set_tags(Some(self.tags()))
            .send()
            .await
            .map(|_| ())
            .map_err(|error| of_request(&self.doing(), error))
    }

    async fn instance_at(&self, service: &Service) -> Result<(), Failure> {
        let request = service.changes.restore_db_instance_to_point_in_time();
        let request = match self.details.from {
            Source::Retained => request.source_dbi_resource_id(&self.details.resource_id),
            Source::Replicated => {
                request.set_source_db_instance_automated_backups_arn(self.details.arn.clone())
            }
            Source::Pitr | Source::Snapshot => request.source_db_instance_identifier(self.original),
        };
        with_instance_settings!(request, self.declared, None)
            .set_max_allocated_storage(self.declared.max_allocated_storage)
            .target_db_instance_identifier(&self.target.name)
            .restore_time(taken(self.at))
            .set_tags(Some(self.tags()))
            .send()
            .await
            .map(|_| ())
            .map_err(|error| of_request(&self.doing(), error))
    }

    async fn cluster_of_snapshot(&self, service: &Service) -> Result<(), Failure> {
        let request = service.changes.restore_db_cluster_from_snapshot();
        with_cluster_settings!(request, self.declared)
            .db_cluster_identifier(&self.target.name)
            .set_snapshot_identifier(self.details.snapshot.clone())
            .engine(&self.details.engine)
            .set_tags(Some(self.tags()))
            .send()
            .await
            .map(|_| ())
            .map_err(|error| of_request(&self.doing(), error))
    }

    async fn cluster_at(&self, service: &Service) -> Result<(), Failure> {
        let request = service.changes.restore_db_cluster_to_point_in_time();
        let request = match self.details.from {
            Source::Retained => request.source_db_cluster_resource_id(&self.details.resource_id),
            Source::Pitr | Source::Snapshot | Source::Replicated => {
                request.source_db_cluster_identifier(self.original)
            }
        };
        with_cluster_settings!(request, self.declared)
            .db_cluster_identifier(&self.target.name)
            .restore_to_time(taken(self.at))
            .set_tags(Some(self.tags()))
            .send()
            .await
            .map(|_| ())
            .map_err(|error| of_request(&self.doing(), error))
    }

    /// Makes one instance of a cluster that was restored.
    pub(crate) async fn send_member(
        &self,
        member: &Member,
        service: &Service,
    ) -> Result<(), Failure> {
        let name = member.name_in(&self.target.name);
        service
            .changes
            .create_db_instance()
            .db_instance_identifier(&name)
            .db_cluster_identifier(&self.target.name)
            .engine(&self.details.engine)
            .db_instance_class(&member.class)
            .set_promotion_tier(member.promotion_tier)
            .set_db_parameter_group_name(member.parameter_group.clone())
            .set_publicly_accessible(member.publicly_accessible)
            .set_tags(Some(self.tags()))
            .send()
            .await
            .map(|_| ())
            .map_err(|error| of_request(&format!("make the instance {name}"), error))
    }
}

/// Changes settings of a database at once.
pub(crate) async fn modify(
    service: &Service,
    target: &Subject,
    to: &Settings,
) -> Result<(), Failure> {
    let doing = format!("change the settings of the {target}");
    match target.kind {
        Kind::Instance => service
            .changes
            .modify_db_instance()
            .db_instance_identifier(&target.name)
            .apply_immediately(true)
            .set_db_instance_class(to.class.clone())
            .set_vpc_security_group_ids(filled(&to.security_groups))
            .set_db_parameter_group_name(to.parameter_group.clone())
            .set_option_group_name(to.option_group.clone())
            .set_multi_az(to.multi_az)
            .set_publicly_accessible(to.publicly_accessible)
            .set_allocated_storage(to.allocated_storage)
            .set_max_allocated_storage(to.max_allocated_storage)
            .set_deletion_protection(to.deletion_protection)
            .set_enable_iam_database_authentication(to.iam_authentication)
            .set_auto_minor_version_upgrade(to.auto_minor_version_upgrade)
            .set_copy_tags_to_snapshot(to.copy_tags_to_snapshot)
            .set_backup_retention_period(to.backup_retention_days)
            .set_preferred_backup_window(to.backup_window.clone())
            .set_preferred_maintenance_window(to.maintenance_window.clone())
            .set_monitoring_interval(to.monitoring_interval)
            .set_monitoring_role_arn(to.monitoring_role.clone())
            .set_enable_performance_insights(to.performance_insights)
            .set_cloudwatch_logs_export_configuration(exports(to))
            .send()
            .await
            .map(|_| ())
            .map_err(|error| of_request(&doing, error)),
        Kind::Cluster => service
            .changes
            .modify_db_cluster()
            .db_cluster_identifier(&target.name)
            .apply_immediately(true)
            .set_vpc_security_group_ids(filled(&to.security_groups))
            .set_db_cluster_parameter_group_name(to.parameter_group.clone())
            .set_deletion_protection(to.deletion_protection)
            .set_enable_iam_database_authentication(to.iam_authentication)
            .set_copy_tags_to_snapshot(to.copy_tags_to_snapshot)
            .set_backup_retention_period(to.backup_retention_days)
            .set_preferred_backup_window(to.backup_window.clone())
            .set_preferred_maintenance_window(to.maintenance_window.clone())
            .set_serverless_v2_scaling_configuration(scaling(to))
            .set_cloudwatch_logs_export_configuration(exports(to))
            .send()
            .await
            .map(|_| ())
            .map_err(|error| of_request(&doing, error)),
    }
}

/// The settings that [`modify`] can set, by their names.
pub(crate) fn can_be_modified(kind: Kind, setting: &str) -> bool {
    let of_both = [
        "security-groups",
        "parameter-group",
        "deletion-protection",
        "iam-authentication",
        "copy-tags-to-snapshot",
        "log-exports",
        "backup-retention-days",
        "backup-window",
        "maintenance-window",
    ];
    let of_one: &[&str] = match kind {
        Kind::Instance => &[
            "class",
            "option-group",
            "multi-az",
            "publicly-accessible",
            "allocated-storage",
            "max-allocated-storage",
            "auto-minor-version-upgrade",
            "monitoring-interval",
            "monitoring-role",
            "performance-insights",
        ],
        Kind::Cluster => &["serverless-min", "serverless-max"],
    };
    of_both.contains(&setting) || of_one.contains(&setting)
}

/// A group that somebody chose. A default one is taken without being named, and is that of the restored version.
fn chosen(group: &Option<String>) -> Option<String> {
    let is_default = |name: &str| name.starts_with("default.") || name.starts_with("default:");
    group.clone().filter(|name| !is_default(name))
}

/// A list that names something: an empty one is not a list to the service.
fn filled(list: &Option<Vec<String>>) -> Option<Vec<String>> {
    list.clone().filter(|list| !list.is_empty())
}

fn exports(to: &Settings) -> Option<CloudwatchLogsExportConfiguration> {
    let logs = filled(&to.log_exports)?;
    let all = CloudwatchLogsExportConfiguration::builder();
    Some(all.set_enable_log_types(Some(logs)).build())
}

fn scaling(settings: &Settings) -> Option<ServerlessV2ScalingConfiguration> {
    let (min, max) = (settings.serverless_min, settings.serverless_max);
    (min.is_some() || max.is_some()).then(|| {
        ServerlessV2ScalingConfiguration::builder()
            .set_min_capacity(min)
            .set_max_capacity(max)
            .build()
    })
}

/// What gp3 has without being asked.
const GP3_BASE: (i32, i32) = (3_000, 125);

/// The provisioned operations and throughput that may be asked for. The service tells the base of gp3 as well, and
/// refuses to be asked for it below 400 GiB. Amazon RDS User Guide, "Amazon RDS DB instance storage", gp3.
fn provisioned(settings: &Settings) -> (Option<i32>, Option<i32>) {
    match settings.storage_type.as_deref() {
        Some("io1" | "io2") => (settings.iops, None),
        Some("gp3") => (
            settings.iops.filter(|iops| *iops > GP3_BASE.0),
            settings.storage_throughput.filter(|mib| *mib > GP3_BASE.1),
        ),
        Some(_) | None => (None, None),
    }
}

#[cfg(test)]
mod tests {
    use super::provisioned;
    use crate::settings::Settings;

    #[test]
    fn the_base_of_gp3_is_not_asked_for() {
        let of = |kind: &str, iops| {
            provisioned(&Settings {
                storage_type: Some(kind.to_owned()),
                iops: Some(iops),
                storage_throughput: Some(125),
                ..Settings::default()
            })
        };
        assert_eq!(of("gp3", 3_000), (None, None));
        assert_eq!(of("gp3", 12_000), (Some(12_000), None));
        assert_eq!(of("io2", 3_000), (Some(3_000), None));
        assert_eq!(of("gp2", 3_000), (None, None));
    }
}
