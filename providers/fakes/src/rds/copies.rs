//! Turns instances and clusters into snapshots, snapshots into copies, and snapshots into nothing.

use super::ClusterSnapshot;
use super::Elements;
use super::Rds;
use super::Snapshot;
use super::describe::Described as _;
use super::describe::lower_name;
use super::describe::name_in;
use super::name;
use super::refuse;
use super::snapshot::kind;
use crate::course::Course;
use crate::operation::Refusal;
use crate::query::Parameters;

/// How a call finds the world of another region.
type Elsewhere<'a> = &'a dyn Fn(&str) -> Option<Rds>;

impl Rds {
    pub(super) fn create_snapshot(
        &mut self,
        parameters: Parameters<'_>,
    ) -> Result<Elements, Refusal> {
        let id = name(parameters.required("DBSnapshotIdentifier")?)?;
        self.check_free_snapshot(&id)?;
        let of = self.instance_in_state(parameters, &["available", "storage-full"])?;
        let of = self.instances[&of].clone();
        let (created, _) = self.make();
        let mut tags = parameters.tags("Tags");
        if of.copies_tags_to_snapshots {
            tags.extend(of.tags.clone());
        }
        let snapshot = Snapshot {
            course: self.course(&id, |courses| &courses.snapshot),
            tags,
            ..Snapshot::new(&id, &of, created)
        };
        Ok(self.put_snapshot(snapshot))
    }

    pub(super) fn copy_snapshot(
        &mut self,
        parameters: Parameters<'_>,
        elsewhere: Elsewhere<'_>,
    ) -> Result<Elements, Refusal> {
        let text = parameters.required("SourceDBSnapshotIdentifier")?;
        let id = name(parameters.required("TargetDBSnapshotIdentifier")?)?;
        self.check_free_snapshot(&id)?;
        let from = self.region_of(text);
        let source = match &from {
            Some(region) => elsewhere(region).and_then(|rds| rds.snapshot_of(text)),
            None => self.snapshot_of(text),
        };
        let source = source.ok_or_else(|| {
            refuse(
                "DBSnapshotNotFound",
                format!("DBSnapshot {text} not found."),
            )
        })?;
        if source.course.status() != "available" {
            let message = format!("DBSnapshot {text} is not available.");
            return Err(refuse("InvalidDBSnapshotState", message));
        }
        let key = self.key_of_copy(parameters, source.kms_key.clone(), from.is_some())?;
        let (created, _) = self.make();
        let mut tags = parameters.tags("Tags");
        if parameters.parsed("CopyTags")? == Some(true) {
            tags.extend(source.tags);
        }
        let region = from.as_ref().unwrap_or(&self.region);
        let arn = arn_in(region, "snapshot", name_in(text));
        let snapshot = Snapshot {
            course: self.course(&id, |courses| &courses.snapshot),
            copied_from: Some(arn),
            source_region: from,
            kms_key: key,
            tags,
            ..Snapshot::new(&id, &source.of, created)
        };
        Ok(self.put_snapshot(snapshot))
    }

    pub(super) fn delete_snapshot(
        &mut self,
        parameters: Parameters<'_>,
    ) -> Result<Elements, Refusal> {
        let id = lower_name(parameters.required("DBSnapshotIdentifier")?);
        let mut snapshot =
            self.snapshots.get(&id).cloned().ok_or_else(|| {
                refuse("DBSnapshotNotFound", format!("DBSnapshot {id} not found."))
            })?;
        if kind(&id) == "automated" || snapshot.course.status() == "creating" {
            let message = "Only manual snapshots that are available may be deleted.";
            return Err(refuse("InvalidDBSnapshotState", message));
        }
        self.snapshots.remove(&id);
        snapshot.course = Course::at("deleted");
        Ok(vec![snapshot.element(self)])
    }

    pub(super) fn create_cluster_snapshot(
        &mut self,
        parameters: Parameters<'_>,
    ) -> Result<Elements, Refusal> {
        let id = name(parameters.required("DBClusterSnapshotIdentifier")?)?;
        self.check_free_cluster_snapshot(&id)?;
        let of = self.cluster_in_state(parameters)?;
        let of = self.clusters[&of].clone();
        let (created, _) = self.make();
        let mut tags = parameters.tags("Tags");
        if of.copies_tags_to_snapshots {
            tags.extend(of.tags.clone());
        }
        let snapshot = ClusterSnapshot {
            course: self.course(&id, |courses| &courses.snapshot),
            tags,
            ..ClusterSnapshot::new(&id, &of, created)
        };
        Ok(self.put_cluster_snapshot(snapshot))
    }

    pub(super) fn copy_cluster_snapshot(
        &mut self,
        parameters: Parameters<'_>,
        elsewhere: Elsewhere<'_>,
    ) -> Result<Elements, Refusal> {
        let text = parameters.required("SourceDBClusterSnapshotIdentifier")?;
        let id = name(parameters.required("TargetDBClusterSnapshotIdentifier")?)?;
        self.check_free_cluster_snapshot(&id)?;
        let from = self.region_of(text);
        let find = |rds: &Rds| rds.cluster_snapshots.get(&lower_name(text)).cloned();
        let source = match &from {
            Some(region) => elsewhere(region).as_ref().and_then(find),
            None => find(self),
        };
        let source = source.ok_or_else(|| {
            let message = format!("DBClusterSnapshot {text} not found.");
            refuse("DBClusterSnapshotNotFoundFault", message)
        })?;
        if source.course.status() != "available" {
            let message = format!("DBClusterSnapshot {text} is not available.");
            return Err(refuse("InvalidDBClusterSnapshotStateFault", message));
        }
        let key = self.key_of_copy(parameters, source.kms_key.clone(), from.is_some())?;
        let (created, _) = self.make();
        let mut tags = parameters.tags("Tags");
        if parameters.parsed("CopyTags")? == Some(true) {
            tags.extend(source.tags);
        }
        let region = from.as_ref().unwrap_or(&self.region);
        let arn = arn_in(region, "cluster-snapshot", name_in(text));
        let snapshot = ClusterSnapshot {
            course: self.course(&id, |courses| &courses.snapshot),
            copied_from: Some(arn),
            kms_key: key,
            tags,
            ..ClusterSnapshot::new(&id, &source.of, created)
        };
        Ok(self.put_cluster_snapshot(snapshot))
    }

    pub(super) fn delete_cluster_snapshot(
        &mut self,
        parameters: Parameters<'_>,
    ) -> Result<Elements, Refusal> {
        let id = lower_name(parameters.required("DBClusterSnapshotIdentifier")?);
        let mut snapshot = self.cluster_snapshots.get(&id).cloned().ok_or_else(|| {
            let message = format!("DBClusterSnapshot {id} not found.");
            refuse("DBClusterSnapshotNotFoundFault", message)
        })?;
        if kind(&id) == "automated" || snapshot.course.status() == "creating" {
            let message = "Only manual snapshots that are available may be deleted.";
            return Err(refuse("InvalidDBClusterSnapshotStateFault", message));
        }
        self.cluster_snapshots.remove(&id);
        snapshot.course = Course::at("deleted");
        Ok(vec![snapshot.element(self)])
    }

    fn snapshot_of(&self, text: &str) -> Option<Snapshot> {
        self.snapshots.get(&lower_name(text)).cloned()
    }

    /// Returns the key of a copy: an encrypted one needs a key of its own region.
    fn key_of_copy(
        &self,
        parameters: Parameters<'_>,
        source: Option<String>,
        is_from_elsewhere: bool,
    ) -> Result<Option<String>, Refusal> {
        let key = parameters.text("KmsKeyId").map(str::to_owned);
        if source.is_some() && key.is_none() && is_from_elsewhere {
            let message = "A copy of an encrypted snapshot to another Region needs KmsKeyId.";
            return Err(refuse("KMSKeyNotAccessibleFault", message));
        }
        let key = key.or(source);
        self.check_key(key.as_ref())?;
        Ok(key)
    }

    /// Returns the region of an ARN where it is another than this one.
    fn region_of(&self, text: &str) -> Option<String> {
        let region = text.strip_prefix("arn:aws:rds:")?.split(':').next()?;
        (region != self.region).then(|| region.to_owned())
    }

    fn put_snapshot(&mut self, snapshot: Snapshot) -> Elements {
        let message = "Manual snapshot created";
        self.tell("db-snapshot", &snapshot.id, "creation", message);
        let element = snapshot.element(self);
        self.add_snapshot(snapshot);
        vec![element]
    }

    fn put_cluster_snapshot(&mut self, snapshot: ClusterSnapshot) -> Elements {
        let message = "Manual cluster snapshot created";
        self.tell("db-cluster-snapshot", &snapshot.id, "creation", message);
        let element = snapshot.element(self);
        self.add_cluster_snapshot(snapshot);
        vec![element]
    }

    pub(super) fn check_free_snapshot(&self, id: &str) -> Result<(), Refusal> {
        match self.snapshots.get(id) {
            Some(_) => {
                let message = format!("Cannot create the snapshot because {id} already exists.");
                Err(refuse("DBSnapshotAlreadyExists", message))
            }
            None => Ok(()),
        }
    }

    pub(super) fn check_free_cluster_snapshot(&self, id: &str) -> Result<(), Refusal> {
        match self.cluster_snapshots.get(id) {
            Some(_) => {
                let message = format!("Cannot create the snapshot because {id} already exists.");
                Err(refuse("DBClusterSnapshotAlreadyExistsFault", message))
            }
            None => Ok(()),
        }
    }
}

fn arn_in(region: &str, kind: &str, id: &str) -> String {
    format!("arn:aws:rds:{region}:{}:{kind}:{id}", crate::aws::ACCOUNT)
}
