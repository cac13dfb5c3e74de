//! What a status of RDS means to somebody who waits. A status that is not known here is never taken for a good one.
//!
//! Amazon RDS User Guide, "Viewing Amazon RDS DB instance status"; Amazon Aurora User Guide, "Viewing DB cluster
//! status"; the waiters of the SDK for snapshots.

/// What a status means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It can be used.
    Ready,
    /// Something goes on that ends by itself.
    Busy,
    /// It will not become ready by itself.
    Failed,
    /// It goes away.
    Going,
    /// This version does not know the status.
    Unknown,
}

/// The status of an instance or a cluster.
pub(crate) fn of_database(status: &str) -> State {
    match status {
        "available"
        | "storage-optimization"
        | "storage-initialization"
        | "storage-config-upgrade" => State::Ready,
        "creating"
        | "backing-up"
        | "backtracking"
        | "modifying"
        | "rebooting"
        | "renaming"
        | "resetting-master-credentials"
        | "starting"
        | "upgrading"
        | "maintenance"
        | "migrating"
        | "promoting"
        | "failing-over"
        | "preparing-data-migration"
        | "configuring-enhanced-monitoring"
        | "configuring-iam-database-auth"
        | "configuring-log-exports"
        | "configuring-associated-roles"
        | "configuring-activity-stream"
        | "converting-to-vpc"
        | "moving-to-vpc"
        | "update-iam-db-auth" => State::Busy,
        "failed"
        | "restore-error"
        | "storage-full"
        | "insufficient-capacity"
        | "incompatible-create"
        | "incompatible-credentials"
        | "incompatible-network"
        | "incompatible-option-group"
        | "incompatible-parameters"
        | "incompatible-restore"
        | "inaccessible-encryption-credentials"
        | "inaccessible-encryption-credentials-recoverable"
        | "cloning-failed"
        | "migration-failed"
        | "stopped"
        | "stopping" => State::Failed,
        "deleting" | "deleted" | "delete-precheck" => State::Going,
        _ => State::Unknown,
    }
}

/// The status of a snapshot.
pub(crate) fn of_snapshot(status: &str) -> State {
    match status {
        "available" => State::Ready,
        "creating" | "copying" | "pending" => State::Busy,
        "failed" | "incompatible-restore" | "incompatible-parameters" => State::Failed,
        "deleting" | "deleted" => State::Going,
        _ => State::Unknown,
    }
}

/// The status of automated backups: `active` ones belong to an instance that is there, `retained` ones to one that was
/// deleted, `replicating` ones come from another region. Amazon RDS API Reference, `DBInstanceAutomatedBackup`.
pub(crate) fn of_backups(status: &str) -> State {
    match status {
        "active" | "available" | "retained" | "replicating" => State::Ready,
        "creating" | "pending" => State::Busy,
        _ => State::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::State;
    use super::of_backups;
    use super::of_database;
    use super::of_snapshot;

    #[test]
    fn a_status_that_is_not_known_is_never_ready() {
        for status in ["", "Available", "half-available", "new-in-2031"] {
            assert_eq!(of_database(status), State::Unknown, "{status}");
            assert_eq!(of_snapshot(status), State::Unknown, "{status}");
            assert_eq!(of_backups(status), State::Unknown, "{status}");
        }
        assert_eq!(of_database("available"), State::Ready);
        assert_eq!(of_database("incompatible-network"), State::Failed);
        assert_eq!(of_snapshot("creating"), State::Busy);
        assert_eq!(of_backups("retained"), State::Ready);
    }
}
