//! Which point of one store is chosen, and why the others are not.

use salvor_contract::Period;
use salvor_contract::PointId;
use salvor_contract::PointState;
use salvor_contract::RecoveryPoint;

use crate::change_set::LaterRule;
use crate::recovery_points::Rule;
use crate::recovery_points::Wanted;
use crate::recovery_points::choose;
use crate::recovery_points::choose_later;
use crate::recovery_points::tests::GOAL;
use crate::recovery_points::tests::check;
use crate::recovery_points::tests::dump;
use crate::recovery_points::tests::nearest;
use crate::recovery_points::tests::time;
use crate::recovery_points::tests::window;

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
