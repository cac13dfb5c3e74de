//! The provider and each of its actions through the suite.

use salvor_aws::Aws;
use salvor_conformance::Case;
use salvor_conformance::check_action;
use salvor_conformance::check_description;
use salvor_conformance::check_store;
use salvor_contract::Operation;
use serde_json::json;

use crate::support::World;

#[test]
fn the_description_conforms() {
    check_description(&Aws::new()).unwrap_or_else(|report| panic!("{report}"));
}

#[tokio::test]
async fn stores_conform() {
    let world = World::new();
    for with in [json!({"instance": "prod"}), json!({"cluster": "aurora"})] {
        check_store(&world.provider, &world.surroundings, &world.store(with))
            .await
            .unwrap_or_else(|report| panic!("{report}"));
    }
}

async fn conforms(world: &World, operation: Operation, count: impl AsyncFn() -> u64, effects: u64) {
    let second = Aws::new();
    let case = Case::new(operation, count, async || world.reset())
        .with_effects(effects)
        .resumed_by(&second);
    check_action(&world.provider, &world.surroundings, case)
        .await
        .unwrap_or_else(|report| panic!("{report}"));
}

#[tokio::test]
async fn a_restore_of_a_snapshot_conforms() {
    let world = World::new();
    let operation = world
        .restore(
            json!({"instance": "prod"}),
            "rds:prod-2026-11-21",
            json!({"target": "prod-restore"}),
        )
        .await;
    conforms(&world, operation, async || world.new_instances(), 1).await;
}

#[tokio::test]
async fn a_restore_to_a_moment_conforms() {
    let world = World::new();
    let operation = world
        .restore(
            json!({"instance": "prod"}),
            "pitr:db-PROD",
            json!({"target": "prod-restore"}),
        )
        .await;
    conforms(&world, operation, async || world.new_instances(), 1).await;
}

#[tokio::test]
async fn a_restore_of_a_cluster_with_its_instances_conforms() {
    let world = World::new();
    let operation = world
        .restore(
            json!({"cluster": "aurora"}),
            "pitr:cluster-AURORA",
            json!({"target": "aurora-restore"}),
        )
        .await;
    // What counts is the cluster: its instances are made one by one, and a half-made cluster is one.
    let clusters = async || {
        let all = world.aws.rds(|rds| rds.clusters.len());
        u64::try_from(all - 1).expect("few")
    };
    conforms(&world, operation, clusters, 1).await;
}

#[tokio::test]
async fn a_snapshot_conforms() {
    let world = World::new();
    let with = json!({"snapshot": "pre-upgrade", "instance": "prod", "tags": {"why": "upgrade"}});
    let operation = world.operation("aws.rds.snapshot", with);
    let snapshots = async || {
        u64::from(
            world
                .aws
                .rds(|rds| rds.snapshots.contains_key("pre-upgrade")),
        )
    };
    conforms(&world, operation, snapshots, 1).await;
}

#[tokio::test]
async fn a_copy_of_a_snapshot_conforms() {
    let world = World::new();
    let with = json!({"snapshot": "rds:prod-2026-11-21", "target": "prod-kept", "kms-key": "1234abcd-12ab-34cd-56ef-1234567890ab"});
    let operation = world.operation("aws.rds.copy-snapshot", with);
    let snapshots =
        async || u64::from(world.aws.rds(|rds| rds.snapshots.contains_key("prod-kept")));
    conforms(&world, operation, snapshots, 1).await;
}

#[tokio::test]
async fn a_retention_conforms() {
    let world = World::new();
    let operation = world.operation("aws.rds.retention", json!({"instance": "prod", "days": 14}));
    let set = async || {
        u64::from(
            world
                .aws
                .rds(|rds| rds.instances["prod"].backup_retention_days == 14),
        )
    };
    conforms(&world, operation, set, 1).await;
}

#[tokio::test]
async fn a_swap_conforms() {
    let mut world = World::new();
    world.before = world.aws.rds(|rds| {
        rds.add_instance(salvor_fakes::rds::Instance::new("prod-restore"));
        rds.clone()
    });
    let with = json!({"name": "prod", "new": "prod-restore", "old": "prod-old"});
    let operation = world.operation("aws.rds.swap", with);
    let swapped = async || {
        let id = world
            .aws
            .rds(|rds| rds.instances.get("prod").map(|it| it.resource_id.clone()));
        u64::from(id.as_deref() == Some("db-PRODRESTORE"))
    };
    conforms(&world, operation, swapped, 1).await;
}
