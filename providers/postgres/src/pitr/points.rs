//! The recovery points in what was seen of base backups and WAL. Pure.

use jiff::SignedDuration;
use salvor_contract::Error;
use salvor_contract::PointId;
use salvor_contract::PointState;
use salvor_contract::Reach;
use salvor_contract::RecoveryPoint;
use salvor_contract::Size;
use salvor_contract::StoreRequest;
use salvor_contract::Survey;
use salvor_contract::Values;
use serde::Deserialize;
use serde::Serialize;

use crate::pitr::PitrInputs;
use crate::pitr::Seen;
use crate::pitr::SeenWay;
use crate::pitr::base::SeenBase;
use crate::wal::segment::Lsn;
use crate::wal::segment::Timeline;

/// What a recovery point's details hold: all that a restore must find again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Details {
    /// Where the base backups are.
    pub base_url: String,
    /// Where the WAL is.
    pub wal_url: String,
    /// The base backup's folder.
    pub base: String,
    /// The checksum of its manifest.
    pub manifest: String,
    /// The cluster.
    pub system_identifier: String,
    /// The major version of the server.
    pub major: u32,
    /// The timeline of the base backup.
    pub base_timeline: Timeline,
    /// Where replay begins.
    pub start: Lsn,
    /// Where the base backup is consistent.
    pub end: Lsn,
    /// The timeline to follow.
    pub timeline: Timeline,
    /// Whether only the base backup itself can be brought back.
    pub base_only: bool,
}

/// The points.
pub fn recovery_points(store: &StoreRequest, seen: &Survey) -> Result<Vec<RecoveryPoint>, Error> {
    let (inputs, _) = PitrInputs::parse(&store.with)?;
    let seen: Seen = serde_json::from_value(seen.0.clone())
        .map_err(|error| Error::refused(format!("the survey is of another version: {error}")))?;
    let mut points = Vec::new();
    for base in &seen.bases {
        if let Some(problem) = &base.problem {
            points.push(unusable(base, problem));
        }
        for way in seen.ways.iter().filter(|way| way.base == base.key) {
            points.extend(of_way(&inputs, base, way));
        }
    }
    Ok(points)
}

fn title(base: &SeenBase) -> String {
    if base.key.is_empty() {
        "base backup".into()
    } else {
        format!("base backup {}", base.key)
    }
}

fn unusable(base: &SeenBase, problem: &str) -> RecoveryPoint {
    RecoveryPoint {
        id: PointId::new(base.key.clone()),
        reach: Reach::Moment(base.ended),
        state: PointState::Failed(problem.to_owned()),
        size: None,
        objects: None,
        expires: None,
        set: None,
        title: title(base),
        details: Values::new(),
    }
}

fn of_way(inputs: &PitrInputs, base: &SeenBase, way: &SeenWay) -> Vec<RecoveryPoint> {
    let id = format!("{}@{}", base.key, way.timeline);
    let point = |suffix: &str, reach, state, title: String, base_only| RecoveryPoint {
        id: PointId::new(format!("{id}{suffix}")),
        reach,
        state,
        size: Some(Size(base.bytes)),
        objects: Some(base.files),
        expires: None,
        set: None,
        title,
        details: Values::of(&Details {
            base_url: inputs.base.clone(),
            wal_url: inputs.wal.clone(),
            base: base.key.clone(),
            manifest: base.manifest.clone(),
            system_identifier: base.system_identifier.clone(),
            major: base.major,
            base_timeline: base.timeline,
            start: base.start,
            end: base.end,
            timeline: way.timeline,
            base_only,
        }),
    };
    let title = |what: &str| format!("{what} {} on timeline {}", title(base), way.timeline);
    if way.last.is_none() {
        let problem = way.problem.clone().unwrap_or_default();
        let state = PointState::Failed(problem);
        return vec![point(
            "",
            Reach::Moment(base.ended),
            state,
            title("PITR from"),
            false,
        )];
    }
    let state = if let Some(problem) = &way.problem {
        PointState::Partial(problem.clone())
    } else if let Some(rival) = way.rivals.first() {
        PointState::Partial(format!(
            "timelines {} and {rival} fork: name one in `timeline`",
            way.timeline
        ))
    } else {
        PointState::Usable
    };
    // Recovery stops before the first transaction that ended after the target: the last one cannot be passed.
    let to = way
        .last_end
        .and_then(|end| end.checked_sub(SignedDuration::from_micros(1)).ok())
        .filter(|to| *to >= base.ended);
    let mut points = vec![match to {
        Some(to) => {
            let reach = Reach::Window {
                from: base.ended,
                to,
            };
            point("", reach, state, title("PITR from"), false)
        }
        // No transaction ended after the backup: only the backup itself can be brought back.
        None => point("", Reach::Moment(base.ended), state, title("only"), true),
    }];
    if let (Some(gap), Some(after)) = (&way.gap, way.after_gap) {
        let from = way.last_end.unwrap_or(base.ended);
        let reach = Reach::Window {
            from,
            to: after.max(from + SignedDuration::from_micros(1)),
        };
        let state = PointState::Failed(format!(
            "WAL segment {gap} is missing: nothing after {from} can be reached from this base backup"
        ));
        points.push(point(
            "-after-gap",
            reach,
            state,
            title("PITR beyond the gap from"),
            false,
        ));
    }
    points
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use salvor_contract::PointState;
    use salvor_contract::Reach;

    use super::of_way;
    use crate::pitr::PitrInputs;
    use crate::pitr::SeenWay;
    use crate::pitr::base::SeenBase;
    use crate::wal::segment::Lsn;
    use crate::wal::segment::Timeline;

    fn time(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn base() -> SeenBase {
        SeenBase {
            key: "nightly".into(),
            problem: None,
            major: 15,
            timeline: Timeline(1),
            start: Lsn(0x0200_0028),
            end: Lsn(0x0200_0100),
            ended: time("2026-04-05T02:00:12Z"),
            system_identifier: "7".into(),
            manifest: "m".into(),
            bytes: 10,
            files: 2,
        }
    }

    fn way() -> SeenWay {
        SeenWay {
            base: "nightly".into(),
            timeline: Timeline(1),
            rivals: Vec::new(),
            problem: None,
            last: Some("000000010000000000000003".into()),
            last_end: Some(time("2026-04-05T03:00:00Z")),
            gap: None,
            after_gap: None,
        }
    }

    fn inputs() -> PitrInputs {
        PitrInputs {
            base: "file:///b".into(),
            wal: "file:///w".into(),
            timeline: "latest".into(),
        }
    }

    #[test]
    fn a_window_ends_just_before_the_last_transaction() {
        let points = of_way(&inputs(), &base(), &way());
        assert_eq!(
            points[0].reach,
            Reach::Window {
                from: time("2026-04-05T02:00:12Z"),
                to: time("2026-04-05T02:59:59.999999Z"),
            }
        );
        assert_eq!(points[0].state, PointState::Usable);
    }

    #[test]
    fn a_gap_ends_the_window_and_is_named_for_what_lies_beyond() {
        let way = SeenWay {
            gap: Some("000000010000000000000004".into()),
            after_gap: Some(time("2026-04-05T05:00:00Z")),
            ..way()
        };
        let points = of_way(&inputs(), &base(), &way);
        assert_eq!(points.len(), 2);
        assert_eq!(points[0].state, PointState::Usable);
        let PointState::Failed(why) = &points[1].state else {
            panic!("what lies beyond a gap cannot be used");
        };
        assert!(why.contains("000000010000000000000004"), "{why}");
        assert_eq!(points[1].reach.latest(), time("2026-04-05T05:00:00Z"));
    }

    #[test]
    fn a_fork_is_partial_until_a_timeline_is_named() {
        let way = SeenWay {
            rivals: vec![Timeline(3)],
            ..way()
        };
        let points = of_way(&inputs(), &base(), &way);
        assert!(matches!(points[0].state, PointState::Partial(_)));
    }

    #[test]
    fn without_a_later_transaction_only_the_backup_itself_is_offered() {
        let way = SeenWay {
            last_end: None,
            ..way()
        };
        let points = of_way(&inputs(), &base(), &way);
        assert_eq!(points[0].reach, Reach::Moment(base().ended));
    }
}
