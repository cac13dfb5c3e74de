//! What is seen of a store, and what is not taken for seen.

use salvor_contract::PointState;
use salvor_contract::Provider as _;
use salvor_contract::Reach;
use salvor_fakes::Course;
use salvor_fakes::Effect;
use salvor_fakes::Fault;
use salvor_fakes::rds::ClusterSnapshot;
use salvor_fakes::rds::Instance;
use salvor_fakes::rds::Snapshot;
use serde_json::json;

use crate::support::World;
use crate::support::at;
use crate::support::production;

#[tokio::test]
async fn a_window_and_its_snapshots_are_points_with_the_settings_of_the_original() {
    let world = World::new();
    let points = world
        .points(&world.store(json!({"instance": "prod"})))
        .await;
    let ids: Vec<&str> = points.iter().map(|point| point.id.as_str()).collect();
    assert_eq!(ids, ["pitr:db-PROD", "rds:prod-2026-11-21"]);
    let window = Reach::Window {
        from: "2026-11-15T02:00:00Z".parse().expect("a moment"),
        to: "2026-11-22T01:55:00Z".parse().expect("a moment"),
    };
    assert_eq!(points[0].reach, window);
    assert_eq!(points[1].reach, Reach::Moment(at()));
    let settings = points[1].details.get("settings").expect("settings");
    assert_eq!(settings["class"], "db.r6g.xlarge");
    assert_eq!(settings["multi-az"], true);
    assert_eq!(settings["security-groups"], json!(["sg-prod"]));
    assert_eq!(settings["tags"], json!({"team": "data"}));
}

#[tokio::test]
async fn a_state_that_is_not_known_is_not_taken_for_a_good_one() {
    let world = World::new();
    world.aws.rds(|rds| {
        for (name, status) in [("strange", "a-state-of-next-year"), ("broken", "failed")] {
            let mut snapshot = ClusterSnapshot::new(name, &rds.clusters["aurora"], rds.now);
            snapshot.course = Course::at(status);
            rds.add_cluster_snapshot(snapshot);
        }
    });
    let store = world.store(json!({"cluster": "aurora"}));
    let points = world.points(&store).await;
    let state = |id: &str| {
        let point = points
            .iter()
            .find(|point| point.id.as_str() == id)
            .expect("it is there");
        point.state.clone()
    };
    assert!(matches!(state("strange"), PointState::Unknown(_)));
    assert!(matches!(state("broken"), PointState::Failed(_)));
}

#[tokio::test]
async fn snapshots_of_a_database_that_is_gone_are_found() {
    let world = World::new();
    world.aws.rds(|rds| rds.instances.remove("prod"));
    let points = world
        .points(&world.store(json!({"instance": "prod"})))
        .await;
    let ids: Vec<&str> = points.iter().map(|point| point.id.as_str()).collect();
    assert_eq!(ids, ["rds:prod-2026-11-21"]);
}

#[tokio::test]
async fn all_pages_are_read() {
    let world = World::new();
    world.aws.rds(|rds| {
        for number in 0..250 {
            rds.add_snapshot(Snapshot::new(
                &format!("manual-{number:03}"),
                &production(),
                rds.now,
            ));
        }
    });
    let points = world
        .points(&world.store(json!({"instance": "prod"})))
        .await;
    assert_eq!(points.len(), 252);
    let store = world.store(json!({"instance": "prod", "snapshots": ["manual"], "snapshot-prefix": "manual-01", "pitr": false}));
    assert_eq!(world.points(&store).await.len(), 10);
}

#[tokio::test]
async fn what_could_not_be_seen_is_an_error_and_not_absent() {
    let world = World::new();
    let denied = Effect::Refused(403, "AccessDenied".to_owned());
    world
        .aws
        .script()
        .fault(Fault::on("DescribeDBSnapshots", denied).always());
    let store = world.store(json!({"instance": "prod"}));
    let error = world
        .provider
        .survey(&store, &world.surroundings.call())
        .await
        .expect_err("it may not look");
    assert!(error.to_string().contains("AccessDenied"), "{error}");
}

#[tokio::test]
async fn a_member_of_a_cluster_is_told_to_be_one() {
    let world = World::new();
    let store = world.store(json!({"instance": "aurora-1"}));
    let error = world
        .provider
        .survey(&store, &world.surroundings.call())
        .await
        .expect_err("the cluster has the backups");
    assert_eq!(
        error.hint(),
        Some("Write `cluster = \"aurora\"` in place of `instance`.")
    );
}

#[tokio::test]
async fn a_deleted_instance_is_found_by_the_backups_that_it_left() {
    let world = World::new();
    world.aws.rds(|rds| {
        rds.instances.remove("prod");
        rds.retained
            .insert("db-PROD".to_owned(), Instance { ..production() });
    });
    let points = world
        .points(&world.store(json!({"instance": "prod"})))
        .await;
    let from: Vec<_> = points
        .iter()
        .filter_map(|point| point.details.text("from"))
        .collect();
    assert_eq!(from, ["retained", "snapshot"]);
}
