//! Turns changes, new names and deletions into courses of what is there.

use super::Cluster;
use super::ClusterSnapshot;
use super::Courses;
use super::Elements;
use super::Pending;
use super::Rds;
use super::Snapshot;
use super::describe::Described as _;
use super::describe::lower_name;
use super::refuse;
use super::settings::Settings;
use crate::operation::Refusal;
use crate::query::Parameters;
use crate::query::invalid_combination;

impl Rds {
    pub(super) fn modify_instance(
        &mut self,
        parameters: Parameters<'_>,
    ) -> Result<Elements, Refusal> {
        let id = self.instance_in_state(parameters, &["available", "storage-full"])?;
        let settings = Settings::read(parameters)?;
        settings.check_groups(self)?;
        let new = parameters
            .text("NewDBInstanceIdentifier")
            .map(|text| self.free_instance_name(text))
            .transpose()?;
        let is_immediate = parameters.parsed("ApplyImmediately")? == Some(true);
        let course = if new.is_some() && is_immediate {
            self.course(&id, |courses: &Courses| &courses.renamed)
        } else {
            self.course(&id, |courses: &Courses| &courses.modified)
        };
        self.tell("db-instance", &id, "configuration change", "Modified");
        let instance = self.instances.get_mut(&id).expect("it was found");
        settings.apply_at_once(instance);
        instance.course = course;
        let pending = Pending {
            id: new,
            settings,
            is_immediate,
        };
        self.pending.insert(id.clone(), pending);
        Ok(vec![self.instances[&id].element(self)])
    }

    pub(super) fn modify_cluster(
        &mut self,
        parameters: Parameters<'_>,
    ) -> Result<Elements, Refusal> {
        let id = self.cluster_in_state(parameters)?;
        let settings = Settings::read(parameters)?;
        settings.check_groups(self)?;
        let new = parameters
            .text("NewDBClusterIdentifier")
            .map(|text| self.free_cluster_name(text))
            .transpose()?;
        // Another name waits for the window of maintenance otherwise, which no test lives to see.
        let is_immediate = parameters.parsed("ApplyImmediately")? == Some(true);
        let new = new.filter(|_| is_immediate);
        let course = if new.is_some() {
            self.course(&id, |courses: &Courses| &courses.renamed)
        } else {
            self.course(&id, |courses: &Courses| &courses.modified)
        };
        self.tell("db-cluster", &id, "configuration change", "Modified");
        let cluster = self.clusters.get_mut(&id).expect("it was found");
        cluster.apply(&settings);
        cluster.course = course;
        if let Some(new) = new {
            self.renamed_clusters.insert(id.clone(), new);
        }
        Ok(vec![self.clusters[&id].element(self)])
    }

    pub(super) fn delete_instance(
        &mut self,
        parameters: Parameters<'_>,
    ) -> Result<Elements, Refusal> {
        let id = lower_name(parameters.required("DBInstanceIdentifier")?);
        let instance =
            self.instances.get(&id).cloned().ok_or_else(|| {
                refuse("DBInstanceNotFound", format!("DBInstance {id} not found."))
            })?;
        let status = instance.course.status();
        if status == "deleting" {
            let message = format!("Instance {id} is already being deleted.");
            return Err(refuse("InvalidDBInstanceState", message));
        }
        if instance.has_deletion_protection {
            // As <https://github.com/hashicorp/terraform-provider-aws/issues/26233> saw it.
            return Err(invalid_combination(
                "Cannot delete protected DB Instance, please disable deletion protection and try again.",
            ));
        }
        // The last snapshot of a member is that of its cluster.
        if instance.cluster.is_none()
            && let Some(snapshot) = final_snapshot(parameters)?
        {
            self.check_free_snapshot(&snapshot)?;
            if status.starts_with("incompatible-") || status == "failed" {
                let message = format!("No snapshot can be made of {id}, which is {status}.");
                return Err(refuse("InvalidDBInstanceState", message));
            }
            let made = Snapshot::new(&snapshot, &instance, self.now);
            self.add_snapshot(made);
        }
        if parameters.parsed("DeleteAutomatedBackups")? == Some(false) {
            self.retained.insert(instance.resource_id.clone(), instance);
        }
        self.tell("db-instance", &id, "deletion", "DB instance deleted");
        let course = self.course(&id, |courses| &courses.deleted);
        let instance = self.instances.get_mut(&id).expect("it was found");
        instance.course = course;
        self.pending.remove(&id);
        let element = self.instances[&id].element(self);
        if self.instances[&id].course.is_gone() {
            self.instances.remove(&id);
        }
        Ok(vec![element])
    }

    pub(super) fn delete_cluster(
        &mut self,
        parameters: Parameters<'_>,
    ) -> Result<Elements, Refusal> {
        let id = lower_name(parameters.required("DBClusterIdentifier")?);
        let cluster = self.found_cluster(&id)?.clone();
        if cluster.course.status() == "deleting" {
            let message = format!("Cluster {id} is already being deleted.");
            return Err(refuse("InvalidDBClusterStateFault", message));
        }
        if cluster.has_deletion_protection {
            return Err(invalid_combination(
                "Cannot delete protected Cluster, please disable deletion protection and try again.",
            ));
        }
        let is_member = |instance: &super::Instance| {
            instance.cluster.as_deref() == Some(&id) && instance.course.status() != "deleting"
        };
        if self.instances.values().any(is_member) {
            let message =
                "Cluster cannot be deleted, it still contains DB instances in non-deleting state.";
            return Err(refuse("InvalidDBClusterStateFault", message));
        }
        if let Some(snapshot) = final_snapshot(parameters)? {
            self.check_free_cluster_snapshot(&snapshot)?;
            let made = ClusterSnapshot::new(&snapshot, &cluster, self.now);
            self.add_cluster_snapshot(made);
        }
        self.tell("db-cluster", &id, "deletion", "DB cluster deleted");
        let course = self.course(&id, |courses| &courses.deleted);
        let cluster = self.clusters.get_mut(&id).expect("it was found");
        cluster.course = course;
        let element = self.clusters[&id].element(self);
        if self.clusters[&id].course.is_gone() {
            self.clusters.remove(&id);
        }
        Ok(vec![element])
    }

    /// Returns the name of the instance that a call names, where it is in one of these states.
    pub(super) fn instance_in_state(
        &self,
        parameters: Parameters<'_>,
        states: &[&str],
    ) -> Result<String, Refusal> {
        let id = lower_name(parameters.required("DBInstanceIdentifier")?);
        let found = self.instances.get(&id);
        let instance = found
            .filter(|instance| !instance.course.is_unseen())
            .ok_or_else(|| refuse("DBInstanceNotFound", format!("DBInstance {id} not found.")))?;
        let status = instance.course.status();
        if states.contains(&status) {
            return Ok(id);
        }
        let message = format!("Instance {id} is {status} and not {}.", states.join(" or "));
        Err(refuse("InvalidDBInstanceState", message))
    }

    /// Returns the name of the cluster that a call names, where it is available.
    pub(super) fn cluster_in_state(&self, parameters: Parameters<'_>) -> Result<String, Refusal> {
        let id = lower_name(parameters.required("DBClusterIdentifier")?);
        let status = self.found_cluster(&id)?.course.status();
        if status == "available" {
            return Ok(id);
        }
        let message = format!("Cluster {id} is {status} and not available.");
        Err(refuse("InvalidDBClusterStateFault", message))
    }

    fn found_cluster(&self, id: &str) -> Result<&Cluster, Refusal> {
        let found = self.clusters.get(id);
        found
            .filter(|cluster| !cluster.course.is_unseen())
            .ok_or_else(|| {
                refuse(
                    "DBClusterNotFoundFault",
                    format!("DBCluster {id} not found."),
                )
            })
    }
}

/// Returns the name of the last snapshot that a deletion is to make.
///
/// # Errors
/// It says neither a name nor that there is to be none, or both.
fn final_snapshot(parameters: Parameters<'_>) -> Result<Option<String>, Refusal> {
    let is_skipped = parameters.parsed("SkipFinalSnapshot")? == Some(true);
    match (parameters.text("FinalDBSnapshotIdentifier"), is_skipped) {
        (Some(name), false) => super::name(name).map(Some),
        (None, true) => Ok(None),
        (None, false) => Err(invalid_combination(
            "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.",
        )),
        (Some(_), true) => Err(invalid_combination(
            "FinalDBSnapshotIdentifier can not be specified when deleting an instance with SkipFinalSnapshot enabled.",
        )),
    }
}

impl Cluster {
    /// Sets what a call says.
    pub(super) fn apply(&mut self, settings: &Settings) {
        let Settings {
            subnet_group,
            security_groups,
            parameter_group,
            port,
            storage_type,
            has_deletion_protection,
            backup_retention_days,
            copies_tags_to_snapshots,
            has_iam_authentication,
            engine_version,
            tags,
            // Of instances.
            class: _,
            allocated_storage: _,
            iops: _,
            multi_az: _,
            option_group: _,
            is_publicly_accessible: _,
            availability_zone: _,
        } = settings.clone();
        if !security_groups.is_empty() {
            self.security_groups = security_groups;
        }
        self.subnet_group = subnet_group.unwrap_or_else(|| self.subnet_group.clone());
        self.parameter_group = parameter_group.unwrap_or_else(|| self.parameter_group.clone());
        self.storage_type = storage_type.unwrap_or_else(|| self.storage_type.clone());
        self.engine_version = engine_version.unwrap_or_else(|| self.engine_version.clone());
        self.port = port.unwrap_or(self.port);
        self.backup_retention_days = backup_retention_days.unwrap_or(self.backup_retention_days);
        self.has_deletion_protection =
            has_deletion_protection.unwrap_or(self.has_deletion_protection);
        self.copies_tags_to_snapshots =
            copies_tags_to_snapshots.unwrap_or(self.copies_tags_to_snapshots);
        self.has_iam_authentication = has_iam_authentication.unwrap_or(self.has_iam_authentication);
        self.tags.extend(tags);
    }
}
