//! What this provider tells of its kinds, as data.

use salvor_contract::ActionKind;
use salvor_contract::Class;
use salvor_contract::Condition;
use salvor_contract::Description;
use salvor_contract::Destroys;
use salvor_contract::Effect;
use salvor_contract::Fields;
use salvor_contract::Idempotency;
use salvor_contract::IdentityTemplate;
use salvor_contract::Isolation;
use salvor_contract::Output;
use salvor_contract::Period;
use salvor_contract::Permission;
use salvor_contract::StoreKind;
use salvor_contract::Trap;
use salvor_contract::Type;

use crate::by_hand::cluster_settings;
use crate::by_hand::instance_settings;
use crate::by_hand::rds;
use crate::config::Config;
use crate::copy_snapshot;
use crate::copy_snapshot::CopySnapshot;
use crate::made::SETTLE;
use crate::restore;
use crate::restore::Restore;
use crate::retention;
use crate::retention::Retention;
use crate::snapshot;
use crate::snapshot::TakeSnapshot;
use crate::store;
use crate::store::Rds;
use crate::swap;
use crate::swap::Swap;

/// All of it.
pub(crate) fn description() -> Description {
    Description {
        name: "aws",
        summary: "Amazon RDS: instances and Aurora clusters, their snapshots and point-in-time recovery.",
        config: Fields::of::<Config>(),
        stores: vec![store()],
        actions: vec![restore(), snapshot(), copy_snapshot(), retention(), swap()],
    }
}

/// An instance or a cluster, by region and name. The two kinds have names of their own; that they meet here keeps apart
/// what need not be, and never lets two steps write one thing.
const DATABASE: &str = "aws.rds";
/// A snapshot, by region and name.
const SNAPSHOT: &str = "aws.rds.snapshot";

const SETTLES: Period = Period::from_seconds(SETTLE.as_secs());
const HOUR: u64 = 3600;

const fn permission(name: &'static str, why: &'static str) -> Permission {
    Permission { name, why }
}

const LOOKS: [Permission; 2] = [
    permission(
        "rds:DescribeDBInstances",
        "reading an instance and its settings",
    ),
    permission(
        "rds:DescribeDBClusters",
        "reading a cluster and its settings",
    ),
];

const LOOKS_AT_SNAPSHOTS: [Permission; 2] = [
    permission(
        "rds:DescribeDBSnapshots",
        "reading the snapshots of instances",
    ),
    permission(
        "rds:DescribeDBClusterSnapshots",
        "reading the snapshots of clusters",
    ),
];

const TAGS: Permission = permission("rds:AddTagsToResource", "marking what a run makes");

fn store() -> StoreKind {
    let detail = Output::new;
    StoreKind {
        name: store::NAME,
        summary: "An RDS instance or Aurora cluster: every moment of its continuous backups, and its snapshots.",
        with: Fields::of::<Rds>(),
        identity: vec![IdentityTemplate::new(
            DATABASE,
            "{region|config.region}/{instance|cluster}",
        )],
        details: vec![
            detail(
                "from",
                Type::Text,
                "`pitr`, `retained`, `replicated` or `snapshot`.",
            ),
            detail("snapshot", Type::Text, "The snapshot, where it is one."),
            detail(
                "arn",
                Type::Text,
                "The ARN of the snapshot, or of replicated backups.",
            ),
            detail(
                "resource-id",
                Type::Text,
                "The resource id of the database that it is of.",
            ),
            detail("region", Type::Text, "The region in which it is."),
            detail("engine", Type::Text, "The engine."),
            detail("engine-version", Type::Text, "The version of the engine."),
            detail(
                "allocated-storage",
                Type::Integer,
                "GiB of storage, where told.",
            ),
            detail("encrypted", Type::Boolean, "Whether it is encrypted."),
            detail("kms-key", Type::Text, "The KMS key, where it is encrypted."),
            detail(
                "settings",
                Type::Any,
                "The settings of the original, as `settings` of the restore takes them.",
            ),
        ],
        is_stated: false,
        restore: Some(restore::NAME),
        backup: Some(snapshot::NAME),
        verify: None,
    }
}

fn restore() -> ActionKind {
    let mut permissions = Vec::from(LOOKS);
    permissions.extend(LOOKS_AT_SNAPSHOTS);
    permissions.extend([
        permission(
            "rds:DescribeDBInstanceAutomatedBackups",
            "reading the window of an instance's continuous backups",
        ),
        permission(
            "rds:DescribeDBClusterAutomatedBackups",
            "reading the window of a deleted cluster's continuous backups",
        ),
        permission(
            "rds:RestoreDBInstanceToPointInTime",
            "restoring an instance as of a moment",
        ),
        permission(
            "rds:RestoreDBInstanceFromDBSnapshot",
            "restoring an instance from a snapshot",
        ),
        permission(
            "rds:RestoreDBClusterToPointInTime",
            "restoring a cluster as of a moment",
        ),
        permission(
            "rds:RestoreDBClusterFromSnapshot",
            "restoring a cluster from a snapshot",
        ),
        permission(
            "rds:CreateDBInstance",
            "making the instances of a restored Aurora cluster",
        ),
        permission(
            "rds:ModifyDBInstance",
            "settings of an instance that a restore does not take",
        ),
        permission(
            "rds:ModifyDBCluster",
            "settings of a cluster that a restore does not take",
        ),
        TAGS,
        permission(
            "kms:CreateGrant",
            "an encrypted database: letting RDS use its key",
        ),
        permission("kms:DescribeKey", "an encrypted database: finding its key"),
        permission("rds:DeleteDBInstance", "cleaning up after a drill"),
        permission("rds:DeleteDBCluster", "cleaning up after a drill"),
    ]);
    ActionKind {
        outputs: vec![
            Output::new(
                "target",
                Type::Text,
                "the identifier of the new instance or cluster",
            ),
            Output::new(
                "endpoint",
                Type::Text,
                "its address, as the service tells it; of a cluster the writer's",
            ),
            Output::new("port", Type::Integer, "its port"),
            Output::new("arn", Type::Text, "its ARN"),
            Output::new(
                "resource-id",
                Type::Text,
                "its resource id, which no other database has ever had",
            ),
            Output::new("engine-version", Type::Text, "the version of its engine"),
        ],
        effect: Effect::Create,
        reads: vec![IdentityTemplate::new(
            DATABASE,
            "{store.region|config.region}/{store.instance|store.cluster}",
        )],
        writes: vec![IdentityTemplate::new(
            DATABASE,
            "{store.region|config.region}/{target}",
        )],
        idempotency: Idempotency::Fixed(Class::Named),
        settle: SETTLES,
        deadline: Period::from_seconds(8 * HOUR),
        isolation: Isolation::Rename(vec!["target"]),
        permissions,
        by_hand: RESTORE.to_vec(),
        traps: restore_traps(),
        ..ActionKind::reading(
            restore::NAME,
            "Restores to a new instance or cluster with the settings of the original, and compares them afterwards.",
            Fields::of::<Restore>(),
        )
    }
}

const RESTORE: &[&str] = &[
    "{{#if point.is-open}}# From a snapshot it is `aws rds restore-db-{{#if store.cluster}}cluster-from-snapshot{{else}}instance-from-db-snapshot{{/if}}`.{{/if}}",
    "# What a command does not name falls back to a default of the account: name every setting of the original.",
    concat!(
        "{{#if store.cluster}}{{#if (eq point.details.from \"snapshot\")}}",
        rds!("restore-db-cluster-from-snapshot", "store.region"),
        "--db-cluster-identifier {{q with.target}} --snapshot-identifier {{q point.details.snapshot}} ",
        "--engine {{q point.details.engine}} ",
        cluster_settings!(),
        "{{else}}",
        rds!("restore-db-cluster-to-point-in-time", "store.region"),
        "--source-db-cluster-identifier {{q store.cluster}} --db-cluster-identifier {{q with.target}} ",
        "--restore-to-time {{q point.at}} ",
        cluster_settings!(),
        "{{/if}}{{else}}{{#if (eq point.details.from \"snapshot\")}}",
        rds!("restore-db-instance-from-db-snapshot", "store.region"),
        "--db-instance-identifier {{q with.target}} --db-snapshot-identifier {{q point.details.snapshot}} ",
        instance_settings!(),
        "{{else}}",
        rds!("restore-db-instance-to-point-in-time", "store.region"),
        "{{#if (eq point.details.from \"retained\")}}--source-dbi-resource-id {{q point.details.resource-id}} ",
        "{{else}}{{#if (eq point.details.from \"replicated\")}}",
        "--source-db-instance-automated-backups-arn {{q point.details.arn}} ",
        "{{else}}--source-db-instance-identifier {{q store.instance}} {{/if}}{{/if}}",
        "--target-db-instance-identifier {{q with.target}} --restore-time {{q point.at}} ",
        instance_settings!(),
        "{{/if}}{{/if}}"
    ),
    concat!(
        "{{#if store.cluster}}",
        "# An Aurora cluster has no instance yet: `aws rds create-db-instance --db-cluster-identifier` makes each.",
        "{{/if}}"
    ),
    concat!(
        "{{#if store.cluster}}",
        rds!("wait db-cluster-available", "store.region"),
        "--db-cluster-identifier {{q with.target}}{{else}}",
        rds!("wait db-instance-available", "store.region"),
        "--db-instance-identifier {{q with.target}}{{/if}}"
    ),
    "{{#if told.target}}{{told.target}}={{q with.target}}{{/if}}",
    concat!(
        "{{#if told.endpoint}}{{told.endpoint}}=$({{#if store.cluster}}",
        rds!("describe-db-clusters", "store.region"),
        "--db-cluster-identifier {{q with.target}} --query 'DBClusters[0].Endpoint' --output text{{else}}",
        rds!("describe-db-instances", "store.region"),
        "--db-instance-identifier {{q with.target}} --query 'DBInstances[0].Endpoint.Address' --output text{{/if}}){{/if}}"
    ),
    concat!(
        "{{#if told.port}}{{told.port}}=$({{#if store.cluster}}",
        rds!("describe-db-clusters", "store.region"),
        "--db-cluster-identifier {{q with.target}} --query 'DBClusters[0].Port' --output text{{else}}",
        rds!("describe-db-instances", "store.region"),
        "--db-instance-identifier {{q with.target}} --query 'DBInstances[0].Endpoint.Port' --output text{{/if}}){{/if}}"
    ),
];

fn restore_traps() -> Vec<Trap> {
    vec![
        Trap {
            id: "rds-restore-leaves-behind",
            when: Condition::Always,
            message: "IAM roles, read replicas, proxies, alarms, Directory Service membership and a password that \
                      Secrets Manager keeps stay with the original",
            advice: "make them again in a step after the restore",
            source: "Amazon RDS User Guide, Restoring to a DB instance; RestoreDBInstanceFromDBSnapshot",
        },
        Trap {
            id: "rds-restore-is-lazy",
            when: Condition::Always,
            message: "a restored instance is available before its storage has been loaded from the backup; the first \
                      reading of each block is slow",
            advice: "read the important tables once before users come back",
            source: "Amazon RDS User Guide, Restoring to a DB instance: lazy loading",
        },
    ]
}

fn snapshot_outputs() -> Vec<Output> {
    vec![
        Output::new("snapshot", Type::Text, "the identifier of the snapshot"),
        Output::new("arn", Type::Text, "its ARN"),
        Output::new("taken", Type::Text, "the moment of the data in it"),
        Output::new("engine-version", Type::Text, "the version of its engine"),
    ]
}

fn snapshot() -> ActionKind {
    let mut permissions = Vec::from(LOOKS);
    permissions.extend(LOOKS_AT_SNAPSHOTS);
    permissions.extend([
        permission("rds:CreateDBSnapshot", "taking a snapshot of an instance"),
        permission(
            "rds:CreateDBClusterSnapshot",
            "taking a snapshot of a cluster",
        ),
        TAGS,
        permission("rds:DeleteDBSnapshot", "cleaning up after a drill"),
        permission("rds:DeleteDBClusterSnapshot", "cleaning up after a drill"),
    ]);
    ActionKind {
        outputs: snapshot_outputs(),
        effect: Effect::Create,
        reads: vec![IdentityTemplate::new(
            DATABASE,
            "{region|store.region|config.region}/{instance|cluster|store.instance|store.cluster}",
        )],
        writes: vec![IdentityTemplate::new(
            SNAPSHOT,
            "{region|store.region|config.region}/{snapshot}",
        )],
        idempotency: Idempotency::Fixed(Class::Named),
        settle: SETTLES,
        deadline: Period::from_seconds(8 * HOUR),
        isolation: Isolation::Rename(vec!["snapshot"]),
        permissions,
        by_hand: vec![
            concat!(
                "{{#if (or with.cluster (and store.cluster (not with.instance)))}}",
                rds!("create-db-cluster-snapshot", "with.region"),
                "--db-cluster-identifier {{#if with.cluster}}{{q with.cluster}}{{else}}{{q store.cluster}}{{/if}} ",
                "--db-cluster-snapshot-identifier {{q with.snapshot}} &&\n",
                rds!("wait db-cluster-snapshot-available", "with.region"),
                "--db-cluster-snapshot-identifier {{q with.snapshot}}{{else}}",
                rds!("create-db-snapshot", "with.region"),
                "--db-instance-identifier {{#if with.instance}}{{q with.instance}}{{else}}{{q store.instance}}{{/if}} ",
                "--db-snapshot-identifier {{q with.snapshot}} &&\n",
                rds!("wait db-snapshot-available", "with.region"),
                "--db-snapshot-identifier {{q with.snapshot}}{{/if}}"
            ),
            "{{#if told.snapshot}}{{told.snapshot}}={{q with.snapshot}}{{/if}}",
        ],
        traps: vec![Trap {
            id: "rds-snapshot-is-kept",
            when: Condition::Always,
            message: "a manual snapshot is kept, and paid for, until somebody removes it; an account has 100 of them in \
                      a region",
            advice: "remove old ones by a rule of their own",
            source: "Amazon RDS User Guide, Quotas and constraints for Amazon RDS",
        }],
        ..ActionKind::reading(
            snapshot::NAME,
            "Takes a snapshot of an instance or a cluster and waits until it is whole.",
            Fields::of::<TakeSnapshot>(),
        )
    }
}

fn copy_snapshot() -> ActionKind {
    let mut permissions = Vec::from(LOOKS_AT_SNAPSHOTS);
    permissions.extend([
        permission("rds:CopyDBSnapshot", "copying a snapshot of an instance"),
        permission(
            "rds:CopyDBClusterSnapshot",
            "copying a snapshot of a cluster",
        ),
        TAGS,
        permission(
            "kms:CreateGrant",
            "an encrypted copy: letting RDS use the key",
        ),
        permission("rds:DeleteDBSnapshot", "cleaning up after a drill"),
        permission("rds:DeleteDBClusterSnapshot", "cleaning up after a drill"),
    ]);
    ActionKind {
        outputs: snapshot_outputs(),
        effect: Effect::Create,
        reads: vec![IdentityTemplate::new(
            SNAPSHOT,
            "{from|config.region}/{snapshot}",
        )],
        writes: vec![IdentityTemplate::new(
            SNAPSHOT,
            "{region|config.region}/{target}",
        )],
        idempotency: Idempotency::Fixed(Class::Named),
        settle: SETTLES,
        deadline: Period::from_seconds(24 * HOUR),
        isolation: Isolation::Rename(vec!["target"]),
        permissions,
        by_hand: vec![
            concat!(
                "{{#if with.of-cluster}}source=$(",
                rds!("describe-db-cluster-snapshots", "with.from"),
                "--db-cluster-snapshot-identifier {{q with.snapshot}} ",
                "--query 'DBClusterSnapshots[0].DBClusterSnapshotArn' --output text) &&\n",
                rds!("copy-db-cluster-snapshot", "with.region"),
                "{{#if with.from}}--source-region {{q with.from}} {{/if}}",
                "--source-db-cluster-snapshot-identifier \"$source\" ",
                "--target-db-cluster-snapshot-identifier {{q with.target}} ",
                "{{#if with.kms-key}}--kms-key-id {{q with.kms-key}} {{/if}}--copy-tags &&\n",
                rds!("wait db-cluster-snapshot-available", "with.region"),
                "--db-cluster-snapshot-identifier {{q with.target}}{{else}}source=$(",
                rds!("describe-db-snapshots", "with.from"),
                "--db-snapshot-identifier {{q with.snapshot}} ",
                "--query 'DBSnapshots[0].DBSnapshotArn' --output text) &&\n",
                rds!("copy-db-snapshot", "with.region"),
                "{{#if with.from}}--source-region {{q with.from}} {{/if}}",
                "--source-db-snapshot-identifier \"$source\" --target-db-snapshot-identifier {{q with.target}} ",
                "{{#if with.kms-key}}--kms-key-id {{q with.kms-key}} {{/if}}",
                "{{#if with.option-group}}--option-group-name {{q with.option-group}} {{/if}}--copy-tags &&\n",
                rds!("wait db-snapshot-available", "with.region"),
                "--db-snapshot-identifier {{q with.target}}{{/if}}"
            ),
            "{{#if told.snapshot}}{{told.snapshot}}={{q with.target}}{{/if}}",
        ],
        traps: vec![Trap {
            id: "rds-copy-first-is-whole",
            when: Condition::Always,
            message: "the first copy to a region, and each copy under another key, moves all bytes; an account copies 20 \
                      snapshots to a region at a time",
            advice: "give it hours, and let no other copy be a step's deadline",
            source: "Amazon RDS User Guide, Copying a DB snapshot: limitations, incremental copying",
        }],
        ..ActionKind::reading(
            copy_snapshot::NAME,
            "Copies a snapshot within a region or to another one, and waits until it is whole.",
            Fields::of::<CopySnapshot>(),
        )
    }
}

fn retention() -> ActionKind {
    let mut permissions = Vec::from(LOOKS);
    permissions.extend([
        permission("rds:ModifyDBInstance", "setting it for an instance"),
        permission("rds:ModifyDBCluster", "setting it for a cluster"),
    ]);
    ActionKind {
        outputs: vec![Output::new(
            "days",
            Type::Integer,
            "the days for which backups are kept",
        )],
        effect: Effect::Change,
        writes: vec![IdentityTemplate::new(
            DATABASE,
            "{region|config.region}/{instance|cluster}",
        )],
        destroys: Destroys::IfPresent,
        idempotency: Idempotency::Fixed(Class::Convergent),
        settle: SETTLES,
        deadline: Period::from_seconds(HOUR),
        isolation: Isolation::Override("give the drill a database of its own"),
        permissions,
        by_hand: vec![
            concat!(
                "{{#if with.cluster}}",
                rds!("modify-db-cluster", "with.region"),
                "--db-cluster-identifier {{q with.cluster}} {{else}}",
                rds!("modify-db-instance", "with.region"),
                "--db-instance-identifier {{q with.instance}} {{/if}}",
                "--backup-retention-period {{q with.days}} ",
                "{{#if with.window}}--preferred-backup-window {{q with.window}} {{/if}}--apply-immediately"
            ),
            "{{#if told.days}}{{told.days}}={{q with.days}}{{/if}}",
        ],
        traps: vec![Trap {
            id: "rds-retention-from-zero",
            when: Condition::Always,
            message: "an instance without automated backups is interrupted when they are turned on",
            advice: "turn them on in a maintenance window",
            source: "Amazon RDS API Reference, ModifyDBInstance, BackupRetentionPeriod",
        }],
        ..ActionKind::reading(
            retention::NAME,
            "Sets for how many days automated backups are kept, and with them every moment.",
            Fields::of::<Retention>(),
        )
    }
}

fn swap() -> ActionKind {
    let mut permissions = Vec::from(LOOKS);
    permissions.extend([
        permission("rds:ModifyDBInstance", "renaming instances"),
        permission("rds:ModifyDBCluster", "renaming clusters"),
        TAGS,
    ]);
    ActionKind {
        outputs: vec![
            Output::new(
                "endpoint",
                Type::Text,
                "the address of the name, as the service tells it",
            ),
            Output::new("port", Type::Integer, "its port"),
            Output::new(
                "resource-id",
                Type::Text,
                "the resource id of the database that has the name now",
            ),
            Output::new(
                "old",
                Type::Text,
                "the identifier under which the one before is kept",
            ),
        ],
        effect: Effect::Replace,
        writes: vec![
            IdentityTemplate::new(DATABASE, "{region|config.region}/{name}"),
            IdentityTemplate::new(DATABASE, "{region|config.region}/{old}"),
        ],
        destroys: Destroys::IfPresent,
        idempotency: Idempotency::Fixed(Class::Named),
        settle: SETTLES,
        deadline: Period::from_seconds(2 * HOUR),
        isolation: Isolation::Override("give the drill a `name` of its own, or leave the step out"),
        permissions,
        by_hand: vec![
            concat!(
                "{{#if with.of-cluster}}",
                rds!("modify-db-cluster", "with.region"),
                "--db-cluster-identifier {{q with.name}} --new-db-cluster-identifier {{q with.old}} --apply-immediately{{else}}",
                rds!("modify-db-instance", "with.region"),
                "--db-instance-identifier {{q with.name}} --new-db-instance-identifier {{q with.old}} --apply-immediately{{/if}}"
            ),
            "# Only when it is told under its new name:",
            concat!(
                "{{#if with.of-cluster}}",
                rds!("wait db-cluster-available", "with.region"),
                "--db-cluster-identifier {{q with.old}} &&\n",
                rds!("modify-db-cluster", "with.region"),
                "--db-cluster-identifier {{q with.new}} --new-db-cluster-identifier {{q with.name}} --apply-immediately{{else}}",
                rds!("wait db-instance-available", "with.region"),
                "--db-instance-identifier {{q with.old}} &&\n",
                rds!("modify-db-instance", "with.region"),
                "--db-instance-identifier {{q with.new}} --new-db-instance-identifier {{q with.name}} --apply-immediately{{/if}}"
            ),
            "{{#if told.old}}{{told.old}}={{q with.old}}{{/if}}",
        ],
        traps: vec![Trap {
            id: "rds-rename-restarts",
            when: Condition::Always,
            message: "both databases are restarted and nothing is reached by the name for some minutes; clients that keep \
                      an address stay with the old one",
            advice: "stop the clients before, and start them after it",
            source: "Amazon RDS User Guide, Renaming a DB instance",
        }],
        ..ActionKind::reading(
            swap::NAME,
            "Gives a restored database the name of the one that it replaces, which is kept under another.",
            Fields::of::<Swap>(),
        )
    }
}
