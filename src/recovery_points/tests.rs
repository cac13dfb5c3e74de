//! The selection against its rules, and against a model that tries every moment.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::Just;
use proptest::prelude::Strategy;
use proptest::prop_assert;
use proptest::prop_assert_eq;
use proptest::prop_oneof;
use proptest::proptest;
use salvor_contract::KindName;
use salvor_contract::Period;
use salvor_contract::PointId;
use salvor_contract::PointState;
use salvor_contract::Reach;
use salvor_contract::RecoveryPoint;
use salvor_contract::Size;
use salvor_contract::StoreName;
use salvor_contract::Values;

use crate::change_set::Asked;
use crate::change_set::Choice;
use crate::change_set::LaterRule;
use crate::graph::Graph;
use crate::graph::samples;
use crate::model::instance::Instance;
use crate::model::instance::Invariant;
use crate::model::instance::Set;
use crate::model::instance::Step;
use crate::model::instance::Store;
use crate::model::instance::StoreClass;
use crate::model::instance::StoreRole;
use crate::recovery_points::Request;
use crate::recovery_points::Rule;
use crate::recovery_points::Selected;
use crate::recovery_points::Wanted;
use crate::recovery_points::choose;
use crate::recovery_points::choose_later;
use crate::recovery_points::select;
use crate::recovery_points::sets::Member;
use crate::recovery_points::sets::choose_backup;
use crate::survey::Surveyed;
use crate::survey::Unseen;

fn time(text: &str) -> Timestamp {
    text.parse().expect("a moment")
}

fn point(id: &str, reach: Reach) -> RecoveryPoint {
    RecoveryPoint {
        id: PointId::new(id),
        reach,
        state: PointState::Usable,
        size: None,
        objects: None,
        expires: None,
        set: None,
        title: id.to_owned(),
        details: Values::new(),
    }
}

fn dump(id: &str, at: &str) -> RecoveryPoint {
    point(id, Reach::Moment(time(at)))
}

fn window(id: &str, from: &str, to: &str) -> RecoveryPoint {
    point(
        id,
        Reach::Window {
            from: time(from),
            to: time(to),
        },
    )
}

const GOAL: &str = "2026-04-06T01:30:00Z";
const NOW: &str = "2026-04-06T02:04:00Z";

fn nearest(goal: &str) -> Rule<'static> {
    Rule {
        goal: time(goal),
        not_before: None,
        wanted: Wanted::Nearest,
        allow_partial: false,
    }
}

/// The chosen point's id with its moment and the reason, or why there is none.
#[track_caller]
fn check(rule: &Rule<'_>, points: &[RecoveryPoint], expected: &str) {
    let judged = choose(rule, points);
    let said = match judged.chosen {
        Ok(chosen) => format!(
            "{} at {}: {}",
            chosen.point.point.id, chosen.point.at, chosen.reason
        ),
        Err(reason) => format!("none: {reason}"),
    };
    assert_eq!(said, expected);
}

#[test]
fn a_goal_inside_a_window_is_reached_exactly() {
    let points = [
        dump("daily-05", "2026-04-05T02:00:00Z"),
        window("pitr", "2026-03-30T02:00:00Z", "2026-04-06T01:58:40Z"),
    ];
    check(
        &nearest(GOAL),
        &points,
        "pitr at 2026-04-06T01:30:00Z: inside its window (6 d 23 h, up to 2026-04-06T01:58:40Z)",
    );
}

#[test]
fn the_method_changes_with_the_age_of_the_goal() {
    let points = [
        dump("monthly", "2026-02-01T02:00:00Z"),
        dump("daily", "2026-03-20T02:00:00Z"),
        window("pitr", "2026-03-30T02:00:00Z", "2026-04-06T01:58:40Z"),
    ];
    check(
        &nearest("2026-03-20T09:00:00Z"),
        &points,
        "daily at 2026-03-20T02:00:00Z: newest usable one not after the goal; the window goes back only to 2026-03-30T02:00Z",
    );
    check(
        &nearest("2026-01-01T00:00:00Z"),
        &points,
        "none: none of its 3 points can be used for 2026-01-01T00:00Z; nearest: monthly: 31 d 02 h after the goal",
    );
}

#[test]
fn a_goal_after_the_window_falls_back_to_its_end_and_says_how_far() {
    let points = [window(
        "pitr",
        "2026-04-01T00:00:00Z",
        "2026-04-06T01:25:00Z",
    )];
    check(
        &nearest(GOAL),
        &points,
        "pitr at 2026-04-06T01:25:00Z: its window ends at 2026-04-06T01:25Z, 5 min before the goal (5 d 01 h long)",
    );
    let early = [window(
        "pitr",
        "2026-04-06T01:40:00Z",
        "2026-04-06T02:00:00Z",
    )];
    check(
        &nearest(GOAL),
        &early,
        "none: its only point cannot be used for 2026-04-06T01:30Z: pitr: its window begins at 2026-04-06T01:40Z, 10 min after the goal",
    );
}

#[test]
fn only_a_complete_point_is_chosen_and_every_other_has_its_reason() {
    let state = |id: &str, at: &str, state: PointState| RecoveryPoint {
        state,
        ..dump(id, at)
    };
    let points = [
        dump("later", "2026-04-06T02:00:00Z"),
        state("pending", "2026-04-06T01:20:00Z", PointState::Pending),
        state(
            "partial",
            "2026-04-06T01:10:00Z",
            PointState::Partial("shard 3".into()),
        ),
        state(
            "failed",
            "2026-04-06T01:00:00Z",
            PointState::Failed("disk full".into()),
        ),
        state(
            "odd",
            "2026-04-06T00:50:00Z",
            PointState::Unknown("WAITING_FOR_WALS".into()),
        ),
        dump("good", "2026-04-05T02:00:00Z"),
        dump("old", "2026-04-04T02:00:00Z"),
    ];
    check(
        &nearest(GOAL),
        &points,
        "good at 2026-04-05T02:00:00Z: newest usable one not after the goal; 4 newer cannot be used; 1 after the goal",
    );
    let reasons: Vec<(String, String)> = choose(&nearest(GOAL), &points)
        .rejected
        .into_iter()
        .map(|rejected| (rejected.point.to_string(), rejected.reason))
        .collect();
    let reasons: Vec<(&str, &str)> = reasons
        .iter()
        .map(|(p, r)| (p.as_str(), r.as_str()))
        .collect();
    assert_eq!(
        reasons,
        [
            ("later", "30 min after the goal"),
            ("pending", "still being made"),
            (
                "partial",
                "parts are missing, which the plan does not allow: shard 3"
            ),
            ("failed", "failed: disk full"),
            (
                "odd",
                "its state is not known to this version: WAITING_FOR_WALS"
            ),
            ("old", "brings back 24 h less"),
        ]
    );
    let partial = Rule {
        allow_partial: true,
        ..nearest(GOAL)
    };
    check(
        &partial,
        &points,
        "partial at 2026-04-06T01:10:00Z: newest usable one not after the goal; parts are missing, which the plan allows: shard 3; 1 newer cannot be used; 1 after the goal",
    );
}

#[test]
fn a_stated_point_that_the_plan_no_longer_keeps_is_refused() {
    let rule = Rule {
        not_before: Some("2026-04-01T00:00:00Z".parse().expect("a moment")),
        ..nearest(GOAL)
    };
    check(
        &rule,
        &[dump("old", "2026-03-30T00:00:00Z")],
        "none: its only point cannot be used for 2026-04-06T01:30Z: old: 2 d before the oldest that the plan keeps, 2026-04-01T00:00Z",
    );
    check(
        &rule,
        &[dump("young", "2026-04-02T00:00:00Z")],
        "young at 2026-04-02T00:00:00Z: newest usable one not after the goal",
    );
}

#[test]
fn a_named_point_is_taken_or_its_refusal_is_said() {
    let points = [
        dump("after", "2026-04-06T02:00:00Z"),
        dump("before", "2026-04-05T02:00:00Z"),
        RecoveryPoint {
            state: PointState::Failed("truncated".into()),
            ..dump("bad", "2026-04-04T02:00:00Z")
        },
    ];
    let id = |id: &str| PointId::new(id);
    for (named, expected) in [
        (
            "after",
            "after at 2026-04-06T02:00:00Z: named by the operator; 30 min after the goal",
        ),
        (
            "before",
            "before at 2026-04-05T02:00:00Z: named by the operator",
        ),
        (
            "bad",
            "none: the named point bad cannot be used: failed: truncated",
        ),
        (
            "gone",
            "none: it has no point gone; the newest are after, before, bad",
        ),
    ] {
        let id = id(named);
        check(
            &Rule {
                wanted: Wanted::Point(&id),
                ..nearest(GOAL)
            },
            &points,
            expected,
        );
    }
}

#[test]
fn a_pinned_point_holds_while_its_window_moves_and_breaks_when_it_is_gone_or_changed() {
    let before = choose(
        &nearest(GOAL),
        &[window(
            "pitr",
            "2026-04-01T00:00:00Z",
            "2026-04-06T01:58:00Z",
        )],
    );
    let pinned = before.chosen.expect("inside").point;
    let rule = Rule {
        wanted: Wanted::Pinned(&pinned),
        ..nearest(GOAL)
    };
    let at = "pitr at 2026-04-06T01:30:00Z: fixed in the change set";
    check(
        &rule,
        &[window(
            "pitr",
            "2026-04-01T06:00:00Z",
            "2026-04-06T07:58:00Z",
        )],
        at,
    );
    check(
        &rule,
        &[dump("other", "2026-04-05T00:00:00Z")],
        "none: the point pitr is gone",
    );
    check(
        &rule,
        &[window(
            "pitr",
            "2026-04-06T01:31:00Z",
            "2026-04-06T07:58:00Z",
        )],
        "none: the point pitr can no longer be used: its window, 2026-04-06T01:31Z to 2026-04-06T07:58Z, no longer holds 2026-04-06T01:30Z",
    );
}

#[test]
fn a_choice_during_the_run_refuses_what_a_person_would_look_at_twice() {
    let rule = LaterRule {
        after: "k8s".into(),
        not_after: time(GOAL),
        not_before: None,
        point: None,
        backup: None,
        allow_partial: false,
        behind_max: Some(Period::from_seconds(3600)),
    };
    let refusal =
        |rule: &LaterRule, points: &[RecoveryPoint]| choose_later(rule, points).chosen.err();
    let near = dump("near", "2026-04-06T01:00:00Z");
    assert_eq!(refusal(&rule, std::slice::from_ref(&near)), None);
    assert_eq!(
        refusal(&rule, &[dump("far", "2026-04-06T00:00:00Z")]).as_deref(),
        Some("the best point, far, lies 1 h 30 min before the goal; the change set accepts 1 h")
    );
    let twins = [near.clone(), dump("twin", "2026-04-06T01:00:00Z")];
    assert_eq!(
        refusal(&rule, &twins).as_deref(),
        Some("more than one point brings back 2026-04-06T01:00Z: name one with --point")
    );
    assert_eq!(
        refusal(
            &LaterRule {
                point: Some("twin".into()),
                ..rule
            },
            &twins
        ),
        None
    );
}

fn store(class: StoreClass) -> Store {
    Store {
        title: String::new(),
        kind: Some(KindName::new("simulated.database")),
        is_stated: false,
        class,
        with: Values::new(),
        rpo: None,
        why: None,
        backup: crate::model::instance::BackupPolicy::default(),
        known_after: None,
        allow_partial: false,
    }
}

/// A plan that restores each of these stores, and what is seen of them.
fn world(stores: Vec<(&str, Vec<RecoveryPoint>)>) -> (Instance, Surveyed) {
    let names: Vec<String> = stores
        .iter()
        .map(|(name, _)| format!("restore-{name}"))
        .collect();
    let steps = stores.iter().zip(&names).map(|((name, _), step)| {
        let restore = Step {
            store: Some((StoreRole::Restore, StoreName::from(*name))),
            ..samples::step("simulated.restore")
        };
        (step.as_str(), restore)
    });
    let goal: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut plan = samples::plan(steps.collect(), &goal);
    let mut seen = BTreeMap::new();
    for (name, points) in stores {
        plan.stores
            .insert(name.into(), store(StoreClass::Authoritative));
        seen.insert(StoreName::from(name), Ok(points));
    }
    (
        plan,
        Surveyed {
            at: time(NOW),
            stores: seen,
        },
    )
}

fn selected(plan: &Instance, surveyed: &Surveyed, asked: Asked) -> Selected {
    let graph = Graph::of(plan).expect("no cycle");
    select(plan, &graph, surveyed, &Request::new(asked))
}

/// A line for each store and each warning.
fn lines(selected: &Selected) -> Vec<String> {
    let stores = selected
        .selections
        .iter()
        .map(|selection| match &selection.choice {
            Choice::Restore(chosen) => format!(
                "{}: {} loses {} behind {}",
                selection.store,
                chosen.point.id,
                selection.loses.unwrap_or_default(),
                selection.behind_goal.unwrap_or_default()
            ),
            Choice::Later(rule) => format!(
                "{}: later after {}: {}",
                selection.store, rule.after, selection.reason
            ),
            Choice::Leave => format!("{}: left: {}", selection.store, selection.reason),
            Choice::Impossible => format!("{}: impossible: {}", selection.store, selection.reason),
        });
    let warnings = selected
        .warnings
        .iter()
        .map(|warning| format!("{}: {}", warning.about, warning.message));
    stores.chain(warnings).collect()
}

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
            "artifacts: versions loses 34m behind 0s",
            "metadata: pitr loses 34m behind 0s",
            "redis: left: ephemeral, warmed on demand",
            "search: nightly loses 23h34m behind 23h",
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
    assert_eq!(lines(&newest), ["metadata: pitr loses 6m behind 6m"]);
    assert_eq!(
        lines(&selected(
            &plan,
            &seen,
            Asked::At(time("2026-04-06T02:03:00Z"))
        )),
        [
            "metadata: pitr loses 6m behind 5m",
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
fn one_backup_brings_all_stores_back_together() {
    let of = |set: &str, id: &str, at: &str| RecoveryPoint {
        set: Some(set.into()),
        ..dump(id, at)
    };
    let (mut plan, seen) = world(vec![
        (
            "iam",
            vec![
                of("b1", "i1", "2026-04-05T01:00:00Z"),
                of("b2", "i2", "2026-04-06T01:00:00Z"),
            ],
        ),
        (
            "kms",
            vec![
                of("b1", "k1", "2026-04-05T01:00:30Z"),
                RecoveryPoint {
                    state: PointState::Failed("no quorum".into()),
                    ..of("b2", "k2", "2026-04-06T01:00:30Z")
                },
            ],
        ),
    ]);
    let set = Set {
        members: vec!["iam".into(), "kms".into()],
        skew_max: Some(Period::from_seconds(60)),
        schedule: None,
        ttl: None,
    };
    plan.sets.insert("nightly".into(), set);
    assert_eq!(
        lines(&selected(&plan, &seen, Asked::Latest)),
        [
            "iam: i1 loses 1d1h4m behind 1d1h4m",
            "kms: k1 loses 1d1h3m30s behind 1d1h3m30s",
            "skew: `kms` is 30 s newer than `iam`: what `kms` got after 2026-04-05T01:00Z is not in `iam`; both are of backup b1, which is not one moment",
        ]
    );
    let asked = selected(&plan, &seen, Asked::Backup("b2".into()));
    assert_eq!(asked.goal, time("2026-04-06T01:00:30Z"));
    assert_eq!(
        lines(&asked)[1],
        "kms: impossible: its point of backup b2 cannot be used: failed: no quorum"
    );
    plan.sets.get_mut("nightly").expect("there").skew_max = Some(Period::from_seconds(10));
    assert_eq!(
        lines(&selected(&plan, &seen, Asked::Latest)),
        [
            "iam: impossible: no backup of set `nightly` can be used: backup b2: `kms`: failed: no quorum",
            "kms: impossible: no backup of set `nightly` can be used: backup b2: `kms`: failed: no quorum",
        ]
    );
}

/// Versions of objects and archived logs reach any moment: they have no point of the set, and are not newer than it.
#[test]
fn a_store_that_reaches_any_moment_follows_the_set_to_its_own() {
    let of = |set: &str, id: &str, at: &str| RecoveryPoint {
        set: Some(set.into()),
        ..dump(id, at)
    };
    let (mut plan, seen) = world(vec![
        ("blobs", vec![window("pitr", "2026-04-01T00:00:00Z", NOW)]),
        ("rows", vec![of("b1", "r1", "2026-04-05T01:00:00Z")]),
    ]);
    let set = Set {
        members: vec!["blobs".into(), "rows".into()],
        skew_max: Some(Period::from_seconds(60)),
        schedule: None,
        ttl: None,
    };
    plan.sets.insert("weekly".into(), set);
    let moments = |plan: &Instance, asked| -> Vec<Option<Timestamp>> {
        let selections = selected(plan, &seen, asked).selections;
        let moment = |choice| match choice {
            Choice::Restore(point) => Some(point.at),
            Choice::Later(_) | Choice::Leave | Choice::Impossible => None,
        };
        let choices = selections.into_iter().map(|selection| selection.choice);
        choices.map(moment).collect()
    };
    let backup = Some(time("2026-04-05T01:00:00Z"));
    assert_eq!(moments(&plan, Asked::Latest), [backup, backup]);
    let asked = Asked::Backup("b1".into());
    assert_eq!(moments(&plan, asked), [backup, backup]);
    // Which backup it will be is not known yet: the window holds the goal, and that is all that can be said.
    plan.stores.get_mut("rows").expect("there").known_after = Some("restore-rows".into());
    assert_eq!(moments(&plan, Asked::Latest), [Some(time(NOW)), None]);
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

/// Moments are whole minutes from 0 to 30, so that a model can try them all.
fn minute(n: i64) -> Timestamp {
    Timestamp::from_second(1_775_000_000 + n * 60).expect("in range")
}

fn points() -> impl Strategy<Value = Vec<RecoveryPoint>> {
    let state = prop_oneof![
        3 => Just(PointState::Usable),
        1 => Just(PointState::Partial("a part".to_owned())),
        1 => Just(PointState::Pending),
    ];
    let reach = prop_oneof![
        (0_i64..30).prop_map(|at| Reach::Moment(minute(at))),
        (0_i64..30, 0_i64..10).prop_map(|(from, length)| Reach::Window {
            from: minute(from),
            to: minute(from + length)
        }),
    ];
    let one = (reach, state, option::of(0_u8..4));
    vec(one, 0..8).prop_map(|points| {
        let named = points
            .into_iter()
            .enumerate()
            .map(|(index, (reach, state, set))| RecoveryPoint {
                state,
                set: set.map(|set| format!("b{set}")),
                ..point(&format!("p{index}"), reach)
            });
        named.collect()
    })
}

fn reaches(point: &RecoveryPoint, at: Timestamp, allow_partial: bool) -> bool {
    let is_good = match &point.state {
        PointState::Usable => true,
        PointState::Partial(_) => allow_partial,
        PointState::Pending | PointState::Failed(_) | PointState::Unknown(_) => false,
    };
    is_good
        && match point.reach {
            Reach::Moment(moment) => moment == at,
            Reach::Window { from, to } => from <= at && at <= to,
        }
}

proptest! {
    #[test]
    fn the_choice_is_the_last_moment_that_any_good_point_reaches(
        points in points(), goal in 0_i64..35, allow_partial in proptest::bool::ANY
    ) {
        let rule = Rule { goal: minute(goal), not_before: None, wanted: Wanted::Nearest, allow_partial };
        let judged = choose(&rule, &points);
        let best = (0..=goal).rev().map(minute).find(|at| points.iter().any(|p| reaches(p, *at, allow_partial)));
        prop_assert_eq!(judged.chosen.as_ref().ok().map(|chosen| chosen.point.at), best);
        let mut named: Vec<PointId> = judged.rejected.iter().map(|rejected| rejected.point.clone()).collect();
        if let Ok(chosen) = &judged.chosen {
            prop_assert!(reaches(&chosen.point.point, chosen.point.at, allow_partial));
            let others = points.iter().filter(|p| reaches(p, chosen.point.at, allow_partial));
            let has_usable_window = others.clone().any(|p| {
                p.state == PointState::Usable && matches!(p.reach, Reach::Window { .. })
            });
            if has_usable_window {
                let is_window = matches!(chosen.point.point.reach, Reach::Window { .. });
                prop_assert!(is_window, "a window wins over a moment");
            }
            named.push(chosen.point.point.id.clone());
        }
        named.sort();
        let mut all: Vec<PointId> = points.iter().map(|p| p.id.clone()).collect();
        all.sort();
        prop_assert_eq!(named, all, "every point is chosen or rejected, once");
        let mut turned = points;
        turned.reverse();
        prop_assert_eq!(choose(&rule, &turned), judged, "the order of the points does not matter");
    }

    #[test]
    fn a_choice_that_was_made_is_made_again_when_it_is_pinned(points in points(), goal in 0_i64..35) {
        let rule = Rule { goal: minute(goal), not_before: None, wanted: Wanted::Nearest, allow_partial: false };
        if let Ok(chosen) = choose(&rule, &points).chosen {
            let pinned = Rule { wanted: Wanted::Pinned(&chosen.point), ..rule };
            prop_assert_eq!(choose(&pinned, &points).chosen.map(|again| again.point), Ok(chosen.point));
        }
    }

    #[test]
    fn the_backup_of_a_set_is_the_newest_that_serves_all(
        stores in vec(points(), 1..4), goal in 0_i64..35, skew in option::of(0_u64..10)
    ) {
        let names: Vec<StoreName> = (0..stores.len()).map(|i| StoreName::new(format!("s{i}"))).collect();
        let members: Vec<Member<'_>> = stores.iter().zip(&names)
            .map(|(points, store)| Member { store, points, allow_partial: false })
            .collect();
        let limit = skew.map(|minutes| Period::from_seconds(minutes * 60));
        let of = |points: &[RecoveryPoint], id: &str| -> Vec<RecoveryPoint> {
            points.iter().filter(|p| p.set.as_deref() == Some(id)).cloned().collect()
        };
        let moment = |points: &[RecoveryPoint], id: &str| {
            let points = of(points, id);
            (0..=goal).rev().map(minute).find(|at| points.iter().any(|p| reaches(p, *at, false)))
        };
        let mut best: Option<(Timestamp, String)> = None;
        for id in ["b0", "b1", "b2", "b3"] {
            let moments: Option<Vec<Timestamp>> = stores.iter().map(|points| moment(points, id)).collect();
            let Some(moments) = moments else { continue };
            let first = *moments.iter().min().expect("a member");
            let last = *moments.iter().max().expect("a member");
            let apart = Duration::try_from(last.duration_since(first)).expect("not negative");
            if limit.is_some_and(|limit| apart > limit.duration()) {
                continue;
            }
            let newest = stores.iter().flat_map(|points| of(points, id)).map(|p| p.reach.latest()).max();
            let this = (newest.expect("a point"), id.to_owned());
            if best.as_ref().is_none_or(|best| this > *best) {
                best = Some(this);
            }
        }
        let chosen = choose_backup(minute(goal), &members, limit).ok();
        prop_assert_eq!(chosen.map(|(id, _)| id), best.map(|(_, id)| id));
    }
}
