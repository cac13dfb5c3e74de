//! The listing of a WAL archive, and the way of the log through it from a base backup.
//!
//! It finds gaps and wrong timelines from names and sizes alone, before anything is fetched. It reads
//! nothing.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::wal::history::History;
use crate::wal::segment::Lsn;
use crate::wal::segment::Segment;
use crate::wal::segment::SegmentSize;
use crate::wal::segment::Timeline;

/// One file of an archive that holds a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The key in the archive: the segment's name, perhaps with `.gz` or `.zst`.
    pub key: String,
    /// Bytes as stored.
    pub size: u64,
    /// When it came into the archive.
    pub modified: Timestamp,
}

/// All that a listing of an archive tells.
#[derive(Clone, Debug)]
pub struct Archive {
    /// The size of a segment.
    pub size: SegmentSize,
    /// Every whole segment.
    pub segments: BTreeMap<Segment, Stored>,
    /// The histories that were found.
    pub histories: BTreeMap<Timeline, History>,
}

/// The segments from a base backup on, along one timeline and its ancestors, up to the first that is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// The segments in the order of the log; each on the newest timeline that holds it.
    pub segments: Vec<Segment>,
    /// The first segment that is missing although later ones are there.
    pub gap: Option<Segment>,
}

/// Why there is no way from a base backup.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WayError {
    /// The timeline does not descend from the backup's.
    #[error(
        "timeline {timeline} does not descend from timeline {base} of the base backup at {end}"
    )]
    Foreign {
        /// The timeline that was wanted.
        timeline: Timeline,
        /// The timeline of the backup.
        base: Timeline,
        /// Where the backup ended.
        end: Lsn,
    },
    /// There is no history of the timeline.
    #[error("the archive holds no {timeline:08X}.history", timeline = timeline.0)]
    NoHistory {
        /// The timeline.
        timeline: Timeline,
    },
    /// A segment without which the backup is not consistent is missing.
    #[error("WAL segment {name} is missing: without it the base backup cannot be made consistent")]
    Missing {
        /// The segment's file name.
        name: String,
    },
}

/// Where the log of a base backup begins and ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The timeline on which it was taken.
    pub timeline: Timeline,
    /// Where replay begins.
    pub start: Lsn,
    /// Where the copy is consistent.
    pub end: Lsn,
}

impl Archive {
    /// The timelines on which the log went on from a base backup without another timeline following them: one,
    /// unless the log was forked.
    pub fn tips(&self, base: Range) -> Vec<Timeline> {
        let mut timelines: Vec<Timeline> = self
            .histories
            .iter()
            .filter(|(_, history)| {
                history
                    .left(base.timeline)
                    .is_some_and(|left| left >= base.end)
            })
            .map(|(timeline, _)| *timeline)
            .collect();
        timelines.push(base.timeline);
        timelines.sort_unstable();
        timelines.dedup();
        timelines
            .iter()
            .copied()
            .filter(|timeline| {
                !timelines.iter().any(|other| {
                    self.histories
                        .get(other)
                        .is_some_and(|history| history.left(*timeline).is_some())
                })
            })
            .collect()
    }

    /// The timelines after the base backup's of which there are segments and no history: nothing on them can be
    /// reached, which a server makes that was promoted without an archive and given one later.
    pub fn orphans(&self, base: Range) -> Vec<Timeline> {
        let mut timelines: Vec<Timeline> = self
            .segments
            .keys()
            .map(|segment| segment.timeline)
            .filter(|timeline| *timeline > base.timeline && !self.histories.contains_key(timeline))
            .collect();
        timelines.dedup();
        timelines
    }

    /// The way from a base backup along `timeline`.
    ///
    /// # Errors
    /// A [`WayError`] when the backup cannot even be made consistent on it.
    pub fn way(&self, base: Range, timeline: Timeline) -> Result<Way, WayError> {
        let mut legs: Vec<(Timeline, Option<Lsn>)> = Vec::new();
        if timeline != base.timeline {
            let history = self
                .histories
                .get(&timeline)
                .ok_or(WayError::NoHistory { timeline })?;
            let foreign = || WayError::Foreign {
                timeline,
                base: base.timeline,
                end: base.end,
            };
            let left = history.left(base.timeline).ok_or_else(foreign)?;
            if left < base.end {
                return Err(foreign());
            }
            legs.extend(
                history
                    .0
                    .iter()
                    .filter(|ancestor| ancestor.timeline >= base.timeline)
                    .map(|ancestor| (ancestor.timeline, Some(ancestor.left_at))),
            );
        }
        legs.push((timeline, None));

        let mut segments = Vec::new();
        let mut number = Segment::holding(base.timeline, base.start, self.size).number;
        let mut gap = None;
        'legs: for (timeline, left_at) in legs {
            // The segment in which the timelines part is on the new one too, with the old one's beginning.
            let end = left_at.map(|lsn| lsn.0 / self.size.bytes());
            while end.is_none_or(|end| number < end) {
                let segment = Segment { timeline, number };
                if !self.segments.contains_key(&segment) {
                    let later = Segment {
                        timeline,
                        number: u64::MAX,
                    };
                    let is_gap =
                        end.is_some() || self.segments.range(segment..=later).next().is_some();
                    gap = is_gap.then_some(segment);
                    break 'legs;
                }
                segments.push(segment);
                number += 1;
            }
        }
        let needed =
            Segment::holding(timeline, Lsn(base.end.0.saturating_sub(1)), self.size).number;
        if segments.last().is_none_or(|last| last.number < needed) {
            let missing = gap.unwrap_or(Segment {
                timeline: base.timeline,
                number,
            });
            return Err(WayError::Missing {
                name: missing.name(self.size),
            });
        }
        Ok(Way { segments, gap })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::Timestamp;

    use super::Archive;
    use super::Range;
    use super::Stored;
    use super::WayError;
    use crate::wal::history::History;
    use crate::wal::segment::Lsn;
    use crate::wal::segment::Segment;
    use crate::wal::segment::SegmentSize;
    use crate::wal::segment::Timeline;

    fn archive(segments: &[(u32, u64)], histories: &[(u32, &str)]) -> Archive {
        let size = SegmentSize::new(16 << 20).expect("the default size");
        let stored = |segment: Segment| Stored {
            key: segment.name(size),
            size: size.bytes(),
            modified: Timestamp::UNIX_EPOCH,
        };
        let segments = segments.iter().map(|(timeline, number)| {
            let segment = Segment {
                timeline: Timeline(*timeline),
                number: *number,
            };
            (segment, stored(segment))
        });
        let histories = histories.iter().map(|(timeline, text)| {
            (
                Timeline(*timeline),
                History::parse(text).expect("a history"),
            )
        });
        Archive {
            size,
            segments: segments.collect(),
            histories: histories.collect::<BTreeMap<_, _>>(),
        }
    }

    /// A backup in segment 2.
    const BASE: Range = Range {
        timeline: Timeline(1),
        start: Lsn(0x0200_0028),
        end: Lsn(0x0200_0100),
    };

    fn numbers(archive: &Archive, timeline: u32) -> Vec<(u32, u64)> {
        let way = archive.way(BASE, Timeline(timeline)).expect("a way");
        way.segments
            .iter()
            .map(|s| (s.timeline.0, s.number))
            .collect()
    }

    #[test]
    fn the_way_ends_at_the_first_missing_segment_and_names_it() {
        let archive = archive(&[(1, 1), (1, 2), (1, 3), (1, 5)], &[]);
        let way = archive.way(BASE, Timeline(1)).expect("a way");
        assert_eq!(numbers(&archive, 1), [(1, 2), (1, 3)]);
        assert_eq!(way.gap.map(|s| s.number), Some(4));
        assert_eq!(archive.tips(BASE), [Timeline(1)]);
    }

    #[test]
    fn a_timeline_without_its_history_is_told() {
        let archive = archive(&[(1, 2), (1, 3), (2, 3), (2, 4)], &[]);
        assert_eq!(archive.tips(BASE), [Timeline(1)]);
        assert_eq!(archive.orphans(BASE), [Timeline(2)]);
    }

    #[test]
    fn without_the_backups_own_segments_there_is_no_way() {
        let archive = archive(&[(1, 3)], &[]);
        assert_eq!(
            archive.way(BASE, Timeline(1)),
            Err(WayError::Missing {
                name: "000000010000000000000002".into()
            })
        );
    }

    #[test]
    fn the_way_goes_over_to_the_timeline_that_follows() {
        let archive = archive(
            &[(1, 2), (1, 3), (1, 4), (2, 4), (2, 5)],
            &[(2, "1\t0/4000100\tfailover\n")],
        );
        assert_eq!(archive.tips(BASE), [Timeline(2)]);
        assert_eq!(numbers(&archive, 2), [(1, 2), (1, 3), (2, 4), (2, 5)]);
        assert_eq!(numbers(&archive, 1), [(1, 2), (1, 3), (1, 4)]);
    }

    #[test]
    fn a_fork_has_two_tips_and_a_timeline_left_before_the_backup_has_none() {
        let archive = archive(
            &[(1, 2)],
            &[
                (2, "1\t0/4000100\tfailover\n"),
                (3, "1\t0/5000100\ta drill that archived\n"),
                (4, "1\t0/1000000\tlong before\n"),
            ],
        );
        assert_eq!(archive.tips(BASE), [Timeline(2), Timeline(3)]);
        assert!(archive.orphans(BASE).is_empty());
        assert!(matches!(
            archive.way(BASE, Timeline(4)),
            Err(WayError::Foreign { .. })
        ));
        assert_eq!(
            archive.way(BASE, Timeline(9)),
            Err(WayError::NoHistory {
                timeline: Timeline(9)
            })
        );
    }
}
