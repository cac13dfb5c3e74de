//! A timeline's history: from which timelines it descends, and where each was left.
//!
//! Source: src/backend/access/transam/timeline.c of PostgreSQL (`readTimeLineHistory`).

use serde::Deserialize;
use serde::Serialize;

use crate::wal::segment::Lsn;
use crate::wal::segment::ParseError;
use crate::wal::segment::Timeline;

/// One ancestor and the position at which the log went over to the next timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ancestor {
    /// The timeline.
    pub timeline: Timeline,
    /// Where it was left.
    pub left_at: Lsn,
}

/// The ancestors of one timeline, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct History(pub Vec<Ancestor>);

impl History {
    /// Reads the text of a `.history` file.
    ///
    /// # Errors
    /// When a line is not `timeline position reason`, or the timelines do not grow.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let mut ancestors: Vec<Ancestor> = Vec::new();
        for line in text.lines() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let error = || ParseError::new(line, "a line of a timeline's history");
            let mut parts = line.split_whitespace();
            let timeline = parts
                .next()
                .and_then(|t| t.parse().ok())
                .ok_or_else(error)?;
            let left_at: Lsn = parts.next().ok_or_else(error)?.parse()?;
            if ancestors
                .last()
                .is_some_and(|last| last.timeline.0 >= timeline)
            {
                return Err(error());
            }
            ancestors.push(Ancestor {
                timeline: Timeline(timeline),
                left_at,
            });
        }
        Ok(Self(ancestors))
    }

    /// Where the log left `timeline`, if that is an ancestor.
    pub fn left(&self, timeline: Timeline) -> Option<Lsn> {
        self.0
            .iter()
            .find(|ancestor| ancestor.timeline == timeline)
            .map(|ancestor| ancestor.left_at)
    }
}

/// The number in the name of a `.history` file.
pub fn timeline_of(name: &str) -> Option<Timeline> {
    let digits = name.strip_suffix(".history")?;
    (digits.len() == 8)
        .then(|| u32::from_str_radix(digits, 16).ok().map(Timeline))
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::History;
    use super::timeline_of;
    use crate::wal::segment::Lsn;
    use crate::wal::segment::Timeline;

    #[test]
    fn a_history_names_where_each_timeline_was_left() {
        let text = "1\t0/50001A0\tno recovery target specified\n\n2\t0/70000D8\tbefore 2026-04-06 01:30:00+00\n";
        let history = History::parse(text).expect("a history");
        assert_eq!(history.left(Timeline(1)), Some(Lsn(0x0500_01A0)));
        assert_eq!(history.left(Timeline(2)), Some(Lsn(0x0700_00D8)));
        assert_eq!(history.left(Timeline(3)), None);
        assert_eq!(timeline_of("0000000A.history"), Some(Timeline(10)));
        assert!(History::parse("2 0/1\n1 0/2\n").is_err());
        assert!(History::parse("x").is_err());
    }
}
