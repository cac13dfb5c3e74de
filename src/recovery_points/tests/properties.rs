//! The selection against a model that tries every moment.

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
use salvor_contract::Period;
use salvor_contract::PointId;
use salvor_contract::PointState;
use salvor_contract::Reach;
use salvor_contract::RecoveryPoint;
use salvor_contract::StoreName;

use crate::recovery_points::Rule;
use crate::recovery_points::Wanted;
use crate::recovery_points::choose;
use crate::recovery_points::sets::Member;
use crate::recovery_points::sets::choose_backup;
use crate::recovery_points::tests::point;

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
        let chosen = choose_backup(minute(goal), &members, &[], limit).ok();
        prop_assert_eq!(chosen.map(|(id, _)| id), best.map(|(_, id)| id));
    }
}
