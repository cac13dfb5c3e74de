//! Turns the resources of a world into pages of what a reading shows, and counts the reading.

use std::collections::BTreeMap;

use super::Elements;
use super::Instance;
use super::Rds;
use super::reading::advance;
use super::refuse;
use crate::course::Course;
use crate::operation::Refusal;
use crate::query::Parameters;
use crate::query::invalid_value;
use crate::xml::Element;

/// How many records a page has where the call does not say it, and at most.
const RECORDS_MAX: usize = 100;

/// How few records a call may ask for.
const RECORDS_MIN: usize = 20;

/// What begins a marker. Clients must not read it.
const MARKER: &str = "after:";

/// A resource that is described by a list.
pub(super) trait Described {
    /// Returns the course that readings move.
    fn course(&self) -> &Course;

    /// Returns what this filter compares; nothing where there is no such filter.
    fn filter_value(&self, filter: &str) -> Option<String>;

    /// Returns what is said of it.
    fn element(&self, rds: &Rds) -> Element;
}

/// The values that each filter allows, by its name.
type Filters = Vec<(String, Vec<String>)>;

/// What a reading answers, and whom it counts for.
struct Reading {
    elements: Elements,
    /// What it shows.
    found: usize,
    /// What it shows, and what it would show if it could be seen.
    read: Vec<String>,
}

/// Returns a page of resources: those of this name, where one is wanted, that pass the filters.
fn read<T: Described>(
    rds: &Rds,
    list: &str,
    all: &BTreeMap<String, T>,
    wanted: Option<&str>,
    filters: &Filters,
    parameters: Parameters<'_>,
) -> Result<Reading, Refusal> {
    let mut shown = Vec::new();
    let mut read = Vec::new();
    for (id, item) in all {
        if wanted.is_some_and(|wanted| wanted != id) || !passes(item, filters)? {
            continue;
        }
        let place = if item.course().is_unseen() {
            &mut read
        } else {
            &mut shown
        };
        place.push(id.clone());
    }
    let (page, marker) = page(shown, parameters)?;
    let items = page.iter().map(|id| all[id].element(rds));
    let elements = vec![Element::new(list).children(items)];
    let found = page.len();
    read.extend(page);
    Ok(Reading {
        elements: elements.into_iter().chain(marker).collect(),
        found,
        read,
    })
}

fn passes(item: &impl Described, filters: &Filters) -> Result<bool, Refusal> {
    for (name, values) in filters {
        let value = item
            .filter_value(name)
            .ok_or_else(|| invalid_value(format!("Unrecognized filter name: {name}")))?;
        if !values.contains(&value) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Returns the filters of a call, and those of its parameters that filter too.
fn filters(parameters: Parameters<'_>, more: &[(&str, &str)]) -> Filters {
    let mut filters: Filters = parameters
        .structures("Filters")
        .into_iter()
        .map(|filter| {
            let name = filter.get("Name").cloned().unwrap_or_default();
            (name, Parameters(&filter).list("Values"))
        })
        .collect();
    for (parameter, filter) in more {
        if let Some(value) = parameters.text(parameter) {
            filters.push(((*filter).to_owned(), vec![value.to_owned()]));
        }
    }
    filters
}

/// Returns the names of one page, and the element that leads to the next one.
pub(super) fn page(
    mut names: Vec<String>,
    parameters: Parameters<'_>,
) -> Result<(Vec<String>, Option<Element>), Refusal> {
    let records = parameters.parsed("MaxRecords")?.unwrap_or(RECORDS_MAX);
    if !(RECORDS_MIN..=RECORDS_MAX).contains(&records) {
        return Err(invalid_value(format!(
            "Invalid value {records} for MaxRecords. Must be between {RECORDS_MIN} and {RECORDS_MAX}"
        )));
    }
    if let Some(marker) = parameters.text("Marker") {
        let after = marker.strip_prefix(MARKER);
        let after = after.ok_or_else(|| invalid_value("The Marker is not one of this service"))?;
        names.retain(|name| name.as_str() > after);
    }
    if names.len() <= records {
        return Ok((names, None));
    }
    names.truncate(records);
    let last = names.last().map(String::as_str).unwrap_or_default();
    let marker = Element::text("Marker", format!("{MARKER}{last}"));
    Ok((names, Some(marker)))
}

/// Returns the name in a name or an ARN. Names of snapshots may have colons.
pub(super) fn name_in(text: &str) -> &str {
    match text.strip_prefix("arn:") {
        Some(rest) => rest.splitn(6, ':').last().unwrap_or_default(),
        None => text,
    }
}

impl Rds {
    pub(super) fn describe_instances(
        &mut self,
        parameters: Parameters<'_>,
    ) -> Result<Elements, Refusal> {
        let wanted = parameters.text("DBInstanceIdentifier").map(lower_name);
        let (wanted, filters) = (wanted.as_deref(), filters(parameters, &[]));
        let reading = read(
            self,
            "DBInstances",
            &self.instances,
            wanted,
            &filters,
            parameters,
        )?;
        for id in &reading.read {
            self.advance_instance(id);
        }
        match wanted {
            Some(id) if reading.found == 0 => {
                self.advance_renaming_to(id);
                Err(refuse(
                    "DBInstanceNotFound",
                    format!("DBInstance {id} not found."),
                ))
            }
            Some(_) | None => Ok(reading.elements),
        }
    }

    pub(super) fn describe_clusters(
        &mut self,
        parameters: Parameters<'_>,
    ) -> Result<Elements, Refusal> {
        let wanted = parameters.text("DBClusterIdentifier").map(lower_name);
        let (wanted, filters) = (wanted.as_deref(), filters(parameters, &[]));
        let reading = read(
            self,
            "DBClusters",
            &self.clusters,
            wanted,
            &filters,
            parameters,
        )?;
        for id in &reading.read {
            self.advance_cluster(id);
        }
        match wanted {
            Some(id) if reading.found == 0 => {
                self.advance_cluster_renaming_to(id);
                let message = format!("DBCluster {id} not found.");
                Err(refuse("DBClusterNotFoundFault", message))
            }
            Some(_) | None => Ok(reading.elements),
        }
    }

    pub(super) fn describe_snapshots(
        &mut self,
        parameters: Parameters<'_>,
    ) -> Result<Elements, Refusal> {
        let wanted = parameters.text("DBSnapshotIdentifier").map(lower_name);
        let wanted = wanted.as_deref();
        let more = [
            ("DBInstanceIdentifier", "db-instance-id"),
            ("SnapshotType", "snapshot-type"),
            ("DbiResourceId", "dbi-resource-id"),
        ];
        let filters = filters(parameters, &more);
        let reading = read(
            self,
            "DBSnapshots",
            &self.snapshots,
            wanted,
            &filters,
            parameters,
        )?;
        for id in &reading.read {
            advance(&mut self.snapshots, id, |snapshot| &mut snapshot.course);
        }
        match wanted {
            Some(id) if reading.found == 0 => {
                let message = format!("DBSnapshot {id} not found.");
                Err(refuse("DBSnapshotNotFound", message))
            }
            Some(_) | None => Ok(reading.elements),
        }
    }

    pub(super) fn describe_cluster_snapshots(
        &mut self,
        parameters: Parameters<'_>,
    ) -> Result<Elements, Refusal> {
        let wanted = parameters
            .text("DBClusterSnapshotIdentifier")
            .map(lower_name);
        let wanted = wanted.as_deref();
        let more = [
            ("DBClusterIdentifier", "db-cluster-id"),
            ("SnapshotType", "snapshot-type"),
            ("DbClusterResourceId", "db-cluster-resource-id"),
        ];
        let filters = filters(parameters, &more);
        let all = &self.cluster_snapshots;
        let reading = read(
            self,
            "DBClusterSnapshots",
            all,
            wanted,
            &filters,
            parameters,
        )?;
        for id in &reading.read {
            advance(&mut self.cluster_snapshots, id, |snapshot| {
                &mut snapshot.course
            });
        }
        match wanted {
            Some(id) if reading.found == 0 => {
                let message = format!("DBClusterSnapshot {id} not found.");
                Err(refuse("DBClusterSnapshotNotFoundFault", message))
            }
            Some(_) | None => Ok(reading.elements),
        }
    }

    pub(super) fn describe_instance_backups(
        &mut self,
        parameters: Parameters<'_>,
    ) -> Result<Elements, Refusal> {
        let id = parameters.text("DBInstanceIdentifier").map(lower_name);
        let resource = parameters.text("DbiResourceId");
        let backup = parameters
            .text("DBInstanceAutomatedBackupsArn")
            .map(name_in);
        let mut backups = self.automated_backups();
        backups.retain(|_, (instance, _)| {
            id.as_ref().is_none_or(|id| *id == instance.id)
                && resource.is_none_or(|resource| resource == instance.resource_id)
                && backup.is_none_or(|backup| backup == instance.backup_id())
        });
        let is_one_wanted = id.is_some() || resource.is_some() || backup.is_some();
        if backups.is_empty() && is_one_wanted {
            let message = "No automated backup for this DB instance was found.";
            return Err(refuse("DBInstanceAutomatedBackupNotFound", message));
        }
        let (names, marker) = page(backups.keys().cloned().collect(), parameters)?;
        let elements = names.iter().map(|name| {
            let (instance, status) = backups[name];
            instance.automated_backup(self, status)
        });
        let list = Element::new("DBInstanceAutomatedBackups").children(elements);
        Ok([list].into_iter().chain(marker).collect())
    }

    /// Returns the instances that have automated backups, and the state of those, by the id of the resource. Those of
    /// a member are its cluster's.
    fn automated_backups(&self) -> BTreeMap<String, (&Instance, &'static str)> {
        let of = |(instance, status): (_, &'static str)| {
            let instance: &Instance = instance;
            (instance.resource_id.clone(), (instance, status))
        };
        let present = self
            .instances
            .values()
            .filter(|instance| instance.backup_retention_days > 0 && instance.cluster.is_none())
            .map(|instance| match instance.course.status() {
                "creating" => (instance, "creating"),
                _ => (instance, "active"),
            });
        let retained = self
            .retained
            .values()
            .map(|instance| (instance, "retained"));
        present.chain(retained).map(of).collect()
    }

    pub(super) fn describe_cluster_backups(
        &mut self,
        parameters: Parameters<'_>,
    ) -> Result<Elements, Refusal> {
        let id = parameters.text("DBClusterIdentifier").map(lower_name);
        let resource = parameters.text("DbClusterResourceId");
        let wanted: Vec<String> = self
            .clusters
            .values()
            .filter(|cluster| id.as_ref().is_none_or(|id| *id == cluster.id))
            .filter(|cluster| resource.is_none_or(|resource| resource == cluster.resource_id))
            .map(|cluster| cluster.id.clone())
            .collect();
        if wanted.is_empty() && (id.is_some() || resource.is_some()) {
            let message = "No automated backup for this DB cluster was found.";
            return Err(refuse("DBClusterAutomatedBackupNotFoundFault", message));
        }
        let (names, marker) = page(wanted, parameters)?;
        let elements = names
            .iter()
            .map(|name| self.clusters[name].automated_backup(self));
        let list = Element::new("DBClusterAutomatedBackups").children(elements);
        Ok([list].into_iter().chain(marker).collect())
    }
}

/// Returns the name in a name or an ARN in the form in which it is kept.
pub(super) fn lower_name(text: &str) -> String {
    name_in(text).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::name_in;

    #[test]
    fn the_name_in_an_arn_may_have_colons() {
        assert_eq!(name_in("prod"), "prod");
        assert_eq!(name_in("rds:prod-2026"), "rds:prod-2026");
        let arn = "arn:aws:rds:eu-west-1:123456789012:snapshot:rds:prod-2026";
        assert_eq!(name_in(arn), "rds:prod-2026");
    }
}
