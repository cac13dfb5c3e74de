//! Turns a reading of a resource into the next state of its course, and makes what follows from that state.

use std::collections::BTreeMap;

use super::Pending;
use super::Rds;
use crate::course::Course;

impl Rds {
    /// Counts a reading of an instance, and makes what follows from the state that it has now.
    pub(super) fn advance_instance(&mut self, id: &str) {
        let Some(instance) = self.instances.get_mut(id) else {
            return;
        };
        instance.course.advance();
        if instance.course.is_gone() {
            self.instances.remove(id);
            return;
        }
        let is_due =
            instance.course.is_at_rest() && self.pending.get(id).is_some_and(|it| it.is_immediate);
        if is_due
            && let Some(Pending {
                id: new, settings, ..
            }) = self.pending.remove(id)
        {
            settings.apply_later(instance);
            if let Some(new) = new
                && let Some(mut instance) = self.instances.remove(id)
            {
                instance.id.clone_from(&new);
                self.instances.insert(new, instance);
            }
        }
    }

    /// Counts a reading of the name that something is being renamed to: whoever waits for the new name would wait for
    /// ever otherwise.
    pub(super) fn advance_renaming_to(&mut self, new: &str) {
        let is_to_be = |(_, pending): &(&String, &Pending)| {
            pending.is_immediate && pending.id.as_deref() == Some(new)
        };
        let old = self.pending.iter().find(is_to_be);
        if let Some(old) = old.map(|(old, _)| old.clone()) {
            self.advance_instance(&old);
        }
    }

    /// Counts a reading of a cluster, and makes what follows from the state that it has now.
    pub(super) fn advance_cluster(&mut self, id: &str) {
        let Some(cluster) = self.clusters.get_mut(id) else {
            return;
        };
        cluster.course.advance();
        if cluster.course.is_gone() {
            self.clusters.remove(id);
            return;
        }
        if cluster.course.is_at_rest()
            && let Some(new) = self.renamed_clusters.remove(id)
            && let Some(mut cluster) = self.clusters.remove(id)
        {
            cluster.id.clone_from(&new);
            for instance in self.instances.values_mut() {
                if instance.cluster.as_deref() == Some(id) {
                    instance.cluster = Some(new.clone());
                }
            }
            self.clusters.insert(new, cluster);
        }
    }

    pub(super) fn advance_cluster_renaming_to(&mut self, new: &str) {
        let mut renamed = self.renamed_clusters.iter();
        let old = renamed.find(|(_, to)| *to == new);
        if let Some(old) = old.map(|(old, _)| old.clone()) {
            self.advance_cluster(&old);
        }
    }
}

/// Counts a reading of a snapshot.
pub(super) fn advance<T>(
    all: &mut BTreeMap<String, T>,
    id: &str,
    course: fn(&mut T) -> &mut Course,
) {
    let Some(item) = all.get_mut(id) else { return };
    let course = course(item);
    course.advance();
    if course.is_gone() {
        all.remove(id);
    }
}
