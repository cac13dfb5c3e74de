//! What is said of several stores together.

use salvor_contract::Period;
use salvor_contract::RecoveryPoint;
use salvor_contract::Size;

use crate::change_set::Asked;
use crate::change_set::Choice;
use crate::graph::Graph;
use crate::graph::samples;
use crate::model::instance::Invariant;
use crate::model::instance::Set;
use crate::model::instance::Store;
use crate::model::instance::StoreClass;
use crate::recovery_points::Request;
use crate::recovery_points::select;
use crate::recovery_points::tests::GOAL;
use crate::recovery_points::tests::NOW;
use crate::recovery_points::tests::dump;
use crate::recovery_points::tests::lines;
use crate::recovery_points::tests::selected;
use crate::recovery_points::tests::store;
use crate::recovery_points::tests::time;
use crate::recovery_points::tests::window;
use crate::recovery_points::tests::world;
use crate::survey::Unseen;

#[test]
fn stores_that_come_back_to_different_moments_are_named() {
    let (mut plan, seen) = world(vec![
        (
            "artifacts",
            vec![window(
                "versions",
                "2026-03-01T00:00:00Z",
                "2026-04-06T02:00:00Z",
            )],
        ),
        (
            "metadata",
            vec![window(
                "pitr",
                "2026-03-30T02:00:00Z",
                "2026-04-06T01:58:40Z",
            )],
        ),
        ("search", vec![dump("nightly", "2026-04-05T02:30:00Z")]),
    ]);
    plan.stores.insert(
        "redis".into(),
        Store {
            kind: None,
            why: Some("warmed on demand".into()),
            ..store(StoreClass::Ephemeral)
        },
    );
    plan.invariants = vec![Invariant::References {
        from: "metadata".into(),
        to: "search".into(),
    }];
    assert_eq!(
        lines(&selected(&plan, &seen, Asked::At(time(GOAL)))),
        [
            "artifacts: versions behind 0s",
            "metadata: pitr behind 0s",
            "redis: left: ephemeral, warmed on demand",
            "search: nightly behind 23h",
            "skew: `artifacts` is 23 h newer than `search`: what `artifacts` got after 2026-04-05T02:30Z is not in `search`",
            "invariant: `metadata` refers to `search`, which is brought back to 2026-04-05T02:30Z, 23 h before `metadata`: references made in between lead nowhere",
        ]
    );
}

#[test]
fn the_newest_is_resolved_once_and_a_window_that_lags_is_said() {
    let (plan, seen) = world(vec![(
        "metadata",
        vec![window(
            "pitr",
            "2026-03-30T02:00:00Z",
            "2026-04-06T01:58:00Z",
        )],
    )]);
    let newest = selected(&plan, &seen, Asked::Latest);
    assert_eq!(newest.goal, time(NOW));
    assert_eq!(lines(&newest), ["metadata: pitr behind 6m"]);
    assert_eq!(
        lines(&selected(
            &plan,
            &seen,
            Asked::At(time("2026-04-06T02:03:00Z"))
        )),
        [
            "metadata: pitr behind 5m",
            "goal: `metadata` reaches only 2026-04-06T01:58Z, 5 min before the moment that was asked for",
        ]
    );
    let future = selected(&plan, &seen, Asked::At(time("2026-04-06T03:04:00Z")));
    assert_eq!(
        future.warnings[0].message,
        "the goal lies 1 h after the survey"
    );
}

#[test]
fn a_store_that_could_not_be_seen_is_not_one_without_points() {
    let (plan, mut seen) = world(vec![("metadata", Vec::new())]);
    assert_eq!(
        lines(&selected(&plan, &seen, Asked::Latest)),
        ["metadata: impossible: it has no recovery points"]
    );
    let unseen = Unseen {
        what: "connection refused".into(),
        hint: None,
    };
    seen.stores.insert("metadata".into(), Err(unseen));
    assert_eq!(
        lines(&selected(&plan, &seen, Asked::Latest)),
        ["metadata: impossible: it could not be seen: connection refused"]
    );
}

#[test]
fn a_store_that_appears_during_the_run_gets_a_rule_instead_of_a_point() {
    let (mut plan, seen) = world(vec![
        ("k8s", vec![dump("v", "2026-04-06T01:00:00Z")]),
        ("rondb", Vec::new()),
    ]);
    plan.stores.get_mut("rondb").expect("there").known_after = Some("restore-k8s".into());
    plan.sets.insert(
        "weekly".into(),
        Set {
            members: vec!["rondb".into()],
            skew_max: Some(Period::from_seconds(7200)),
            schedule: None,
            ttl: None,
        },
    );
    assert_eq!(
        lines(&selected(&plan, &seen, Asked::At(time(GOAL))))[1],
        "rondb: later after restore-k8s: chosen after `restore-k8s`: the newest usable one not after the goal"
    );
    let limit = |asked| {
        let choice = selected(&plan, &seen, asked).selections.remove(1).choice;
        let Choice::Later(rule) = choice else {
            panic!("{choice:?}");
        };
        rule.behind_max
    };
    assert_eq!(
        limit(Asked::At(time(GOAL))),
        Some(Period::from_seconds(7200))
    );
    assert_eq!(limit(Asked::Latest), None, "the newest may be of last week");
    plan.scenario.goal = samples::names(&["restore-rondb"]);
    assert_eq!(
        lines(&selected(&plan, &seen, Asked::Latest))[1],
        "rondb: impossible: it has no recovery points"
    );
}

#[test]
fn a_point_about_to_expire_and_a_backup_that_shrank_are_named() {
    let sized = |id: &str, at: &str, bytes| RecoveryPoint {
        size: Some(Size(bytes)),
        ..dump(id, at)
    };
    let (plan, seen) = world(vec![(
        "pipelines",
        vec![
            sized("older", "2026-04-04T02:00:00Z", 3_200_000_000),
            RecoveryPoint {
                expires: Some(time("2026-04-06T05:04:00Z")),
                ..sized("newest", "2026-04-05T02:00:00Z", 20)
            },
        ],
    )]);
    assert_eq!(
        lines(&selected(&plan, &seen, Asked::Latest))[1..],
        [
            "expiry: `pipelines`: newest expires in 3 h",
            "size: `pipelines`: newest holds 20 B, the one before it 3.2 GB: look whether it is whole",
        ]
    );
}

#[test]
fn a_moment_that_is_named_for_one_store_is_its_goal_alone() {
    let names = ["2026-04-05T02:30:00Z", "newer"];
    let (plan, seen) = world(vec![
        (
            "metadata",
            vec![window(
                "pitr",
                "2026-03-30T02:00:00Z",
                "2026-04-06T01:58:40Z",
            )],
        ),
        (
            "search",
            vec![
                dump(names[0], "2026-04-05T02:30:00Z"),
                dump(names[1], "2026-04-06T01:00:00Z"),
            ],
        ),
    ]);
    let graph = Graph::of(&plan).expect("no cycle");
    let mut request = Request::new(Asked::Latest);
    request
        .points
        .insert("metadata".into(), "2026-04-06T01:30:00Z".into());
    // A point's id comes first, also where it can be read as a moment.
    request.points.insert("search".into(), names[0].into());
    let found = select(&plan, &graph, &seen, &request);
    let chosen: Vec<String> = found
        .selections
        .iter()
        .map(|selection| match &selection.choice {
            Choice::Restore(chosen) => format!("{} at {}", chosen.point.id, chosen.at),
            other @ (Choice::Later(_) | Choice::Leave | Choice::Impossible) => format!("{other:?}"),
        })
        .collect();
    assert_eq!(
        chosen,
        [
            "pitr at 2026-04-06T01:30:00Z",
            "2026-04-05T02:30:00Z at 2026-04-05T02:30:00Z"
        ]
    );
    assert!(
        found.selections[0]
            .reason
            .ends_with("; 2026-04-06T01:30Z was named for it"),
        "{}",
        found.selections[0].reason
    );
}
