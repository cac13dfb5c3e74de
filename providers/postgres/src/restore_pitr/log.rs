//! What a recovering server says in its log about the target. Pure.

use jiff::Timestamp;

use crate::restore_pitr::mark::Reached;

/// What the log of a recovery tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// What it stopped at, when it stopped at the target.
    pub stopped: Option<String>,
    /// When the transaction ended at which it stopped.
    pub stopped_at: Option<Timestamp>,
    /// When the last transaction ended that was taken.
    pub last: Option<Timestamp>,
    /// The new timeline.
    pub timeline: Option<u32>,
    /// It ran out of WAL before the target.
    pub ended_early: bool,
    /// How many segments it has read.
    pub segments: u64,
    /// The last line of severity FATAL or PANIC.
    pub fatal: Option<String>,
}

/// Reads a log, which must have been written with `lc_messages = C` and `TimeZone = UTC`.
pub fn read(log: &str) -> Told {
    let mut told = Told::default();
    let mut complaint = None;
    for line in log.lines() {
        // What is wrong with the settings stands in the lines before the one that ends the server.
        if let Some((_, rest)) = line.split_once("LOG:  ")
            && (rest.contains("parameter") || rest.contains("could not"))
        {
            complaint = Some(rest.trim());
        }
        if let Some((_, rest)) = line.split_once("recovery stopping ") {
            told.stopped = Some(rest.trim().to_owned());
            told.stopped_at = rest.split_once("time ").and_then(|(_, time)| moment(time));
        } else if let Some((_, rest)) =
            line.split_once("last completed transaction was at log time ")
        {
            told.last = moment(rest);
        } else if let Some((_, rest)) = line.split_once("selected new timeline ID: ") {
            told.timeline = rest.trim().parse().ok();
        } else if line.contains("recovery ended before configured recovery target was reached") {
            told.ended_early = true;
        } else if line.contains("restored log file \"") {
            told.segments += 1;
        }
        if let Some((_, rest)) = line.split_once("FATAL:  ").or(line.split_once("PANIC:  ")) {
            let reason = complaint.map_or_else(String::new, |complaint| format!("; {complaint}"));
            told.fatal = Some(format!("{}{reason}", rest.trim()));
        }
    }
    told
}

impl Told {
    /// Whether the target was reached and not passed, and where it stopped; else why not.
    ///
    /// # Errors
    /// Why it was not, in words.
    pub fn reached(&self, at: Timestamp, is_base_only: bool) -> Result<Reached, String> {
        let Some(stopped) = &self.stopped else {
            return Err("the server does not say that recovery stopped at the target".into());
        };
        if !is_base_only {
            if self.stopped_at.is_none_or(|stopped_at| stopped_at <= at) {
                return Err(format!(
                    "recovery stopped {stopped}, which is not after the target"
                ));
            }
            if self.last.is_some_and(|last| last > at) {
                return Err("recovery took a transaction that ended after the target".into());
            }
        }
        let Some(timeline) = self.timeline else {
            return Err("the server does not say that it went over to a new timeline".into());
        };
        Ok(Reached {
            last: self.last.map(|last| last.to_string()),
            stopped_before: stopped.clone(),
            timeline,
        })
    }
}

/// `2026-04-06 01:30:00.123456+00`.
fn moment(text: &str) -> Option<Timestamp> {
    let mut parts = text.split_whitespace();
    let date = parts.next()?;
    let time = parts.next()?.strip_suffix("+00")?;
    format!("{date}T{time}Z").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::read;

    const LOG: &str = "\
2026-04-06 03:00:00.000 UTC LOG:  starting point-in-time recovery to 2026-04-06 01:30:00+00
2026-04-06 03:00:00.100 UTC LOG:  restored log file \"000000010000000000000002\" from archive
2026-04-06 03:00:00.200 UTC LOG:  recovery stopping before commit of transaction 745, time 2026-04-06 01:30:00.5+00
2026-04-06 03:00:00.200 UTC LOG:  last completed transaction was at log time 2026-04-06 01:29:58.25+00
2026-04-06 03:00:00.300 UTC LOG:  selected new timeline ID: 2
";

    #[test]
    fn a_target_between_two_transactions_is_proved() {
        let told = read(LOG);
        let reached = told
            .reached("2026-04-06T01:30:00Z".parse().expect("a time"), false)
            .expect("reached");
        assert_eq!(reached.last.as_deref(), Some("2026-04-06T01:29:58.25Z"));
        assert_eq!(reached.timeline, 2);
        assert_eq!(told.segments, 1);
    }

    #[test]
    fn another_stop_is_no_proof() {
        let told = read(LOG);
        for at in ["2026-04-06T01:30:01Z", "2026-04-06T01:29:00Z"] {
            assert!(
                told.reached(at.parse().expect("a time"), false).is_err(),
                "{at}"
            );
        }
        let early = read("FATAL:  recovery ended before configured recovery target was reached\n");
        assert!(early.ended_early);
        assert!(
            early
                .reached("2026-04-06T01:30:00Z".parse().expect("a time"), false)
                .is_err()
        );
    }
}
