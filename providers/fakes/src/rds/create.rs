//! Turns `CreateDBInstance` into a member of a cluster, or into an instance of its own.

use super::Elements;
use super::Instance;
use super::Rds;
use super::describe::Described as _;
use super::describe::lower_name;
use super::refuse;
use super::restore::DEFAULT_SECURITY_GROUP;
use super::restore::DEFAULT_SUBNET_GROUP;
use super::restore::from;
use super::restore::resource_id;
use super::settings::Settings;
use crate::operation::Refusal;
use crate::query::Parameters;
use crate::query::invalid_combination;

impl Rds {
    pub(super) fn create_instance(
        &mut self,
        parameters: Parameters<'_>,
    ) -> Result<Elements, Refusal> {
        let id = self.free_instance_name(parameters.required("DBInstanceIdentifier")?)?;
        parameters.required("DBInstanceClass")?;
        let engine = parameters.required("Engine")?.to_owned();
        let settings = Settings::read(parameters)?;
        settings.check_groups(self)?;
        let mut instance = match parameters.text("DBClusterIdentifier") {
            Some(cluster) => self.new_member(&lower_name(cluster), &settings)?,
            None => {
                parameters.required("AllocatedStorage")?;
                let master = parameters.required("MasterUsername")?;
                Instance {
                    subnet_group: DEFAULT_SUBNET_GROUP.to_owned(),
                    security_groups: vec![DEFAULT_SECURITY_GROUP.to_owned()],
                    master_username: master.to_owned(),
                    backup_retention_days: 1,
                    ..Instance::new(&id)
                }
            }
        };
        self.check_quotas(settings.allocated_storage.unwrap_or_default())?;
        let (created, number) = self.make();
        instance.course = self.course(&id, |courses| &courses.created_instance);
        instance.resource_id = resource_id("db", number);
        instance.engine = engine;
        instance.created = created;
        instance.restore_window = Some(from(created));
        settings.apply_later(&mut instance);
        // Named for the engine and its version, which the call may give.
        instance.parameter_group = format!("default.{}", instance.family());
        instance.option_group = instance.default_option_group();
        settings.apply_at_once(&mut instance);
        instance.id = id;
        self.tell(
            "db-instance",
            &instance.id,
            "creation",
            "DB instance created",
        );
        let element = instance.element(self);
        self.instances.insert(instance.id.clone(), instance);
        Ok(vec![element])
    }

    /// Returns a member of this cluster, which has to be available.
    fn new_member(&self, id: &str, settings: &Settings) -> Result<Instance, Refusal> {
        let cluster = self.clusters.get(id).ok_or_else(|| {
            refuse(
                "DBClusterNotFoundFault",
                format!("DBCluster {id} not found."),
            )
        })?;
        if cluster.course.status() != "available" {
            let message = format!("DB cluster {id} is not available.");
            return Err(refuse("InvalidDBClusterStateFault", message));
        }
        // As <https://github.com/hashicorp/terraform-provider-aws/issues/6008> saw it.
        if settings.has_deletion_protection.is_some() {
            return Err(invalid_combination(
                "Deletion Protection can only be applied on the Cluster level, not for individual instances",
            ));
        }
        Ok(Instance {
            engine_version: cluster.engine_version.clone(),
            allocated_storage: 1,
            storage_type: cluster.storage_type.clone(),
            subnet_group: cluster.subnet_group.clone(),
            security_groups: cluster.security_groups.clone(),
            port: cluster.port,
            backup_retention_days: cluster.backup_retention_days,
            kms_key: cluster.kms_key.clone(),
            master_username: cluster.master_username.clone(),
            cluster: Some(cluster.id.clone()),
            ..Instance::new(id)
        })
    }
}
