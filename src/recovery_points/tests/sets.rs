//! Stores that are brought back from one backup.

use jiff::Timestamp;
use salvor_contract::Period;
use salvor_contract::PointState;
use salvor_contract::RecoveryPoint;

use crate::change_set::Asked;
use crate::change_set::Choice;
use crate::model::instance::Instance;
use crate::model::instance::Set;
use crate::recovery_points::tests::NOW;
use crate::recovery_points::tests::dump;
use crate::recovery_points::tests::lines;
use crate::recovery_points::tests::selected;
use crate::recovery_points::tests::time;
use crate::recovery_points::tests::window;
use crate::recovery_points::tests::world;

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
    plan.sets.insert("nightly".into(), set(&["iam", "kms"]));
    assert_eq!(
        lines(&selected(&plan, &seen, Asked::Latest)),
        [
            "iam: i1 behind 1d1h4m",
            "kms: k1 behind 1d1h3m30s",
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
    plan.sets.insert("weekly".into(), set(&["blobs", "rows"]));
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

/// A set of these members whose points lie within a minute.
fn set(members: &[&str]) -> Set {
    Set {
        members: members.iter().map(|member| (*member).into()).collect(),
        skew_max: Some(Period::from_seconds(60)),
        schedule: None,
        ttl: None,
    }
}

#[test]
fn a_backup_that_a_window_does_not_reach_is_not_taken() {
    let of = |set: &str, id: &str, at: &str| RecoveryPoint {
        set: Some(set.into()),
        ..dump(id, at)
    };
    let ended = window("pitr", "2026-04-01T00:00:00Z", "2026-04-02T00:00:00Z");
    let late = of("b1", "r1", "2026-04-05T01:00:00Z");
    let (mut plan, seen) = world(vec![
        ("blobs", vec![ended.clone()]),
        ("rows", vec![late.clone()]),
    ]);
    plan.sets.insert("weekly".into(), set(&["blobs", "rows"]));
    let said = lines(&selected(&plan, &seen, Asked::Latest));
    assert!(
        said.contains(
            &"rows: impossible: no backup of set `weekly` can be used: backup b1: its points lie \
              3 d 01 h apart, the set allows 1 min"
                .to_owned()
        ),
        "{said:?}"
    );
    // An older one that it does reach serves.
    let early = of("b0", "r0", "2026-04-01T12:00:00Z");
    let (mut plan, seen) = world(vec![("blobs", vec![ended]), ("rows", vec![early, late])]);
    plan.sets.insert("weekly".into(), set(&["blobs", "rows"]));
    assert_eq!(
        lines(&selected(&plan, &seen, Asked::Latest)),
        ["blobs: pitr behind 4d14h4m", "rows: r0 behind 4d14h4m"]
    );
}

#[test]
fn a_store_in_two_sets_follows_the_first() {
    let of = |set: &str, id: &str, at: &str| RecoveryPoint {
        set: Some(set.into()),
        ..dump(id, at)
    };
    let (mut plan, seen) = world(vec![
        ("blobs", vec![window("pitr", "2026-04-01T00:00:00Z", NOW)]),
        ("keys", vec![of("k1", "k1", "2026-04-03T01:00:00Z")]),
        ("rows", vec![of("b1", "r1", "2026-04-05T01:00:00Z")]),
    ]);
    plan.sets.insert("a".into(), set(&["blobs", "rows"]));
    plan.sets.insert("b".into(), set(&["blobs", "keys"]));
    let said = lines(&selected(&plan, &seen, Asked::Latest));
    assert_eq!(said[0], "blobs: pitr behind 1d1h4m");
}
