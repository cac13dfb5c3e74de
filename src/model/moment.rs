//! Moments as a plan writes them: date, time and offset, so that every machine reads the same one.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::AmbiguousOffset;
use jiff::tz::TimeZone;

use crate::plan_file::Code;
use crate::plan_file::Position;
use crate::plan_file::Problem;

/// Words that say a moment by the day on which they are read.
const RELATIVE: [&str; 8] = [
    "now",
    "today",
    "yesterday",
    "tomorrow",
    "latest",
    "last",
    "ago",
    "midnight",
];

/// The moment that a text says, or `None`. The name of a zone is not taken, not even beside an offset: its rules
/// change, and a machine in a disaster may not know them.
pub fn moment(text: &str) -> Option<Timestamp> {
    match text.contains('[') {
        true => None,
        false => text.parse().ok(),
    }
}

/// The problem of a text that is not one moment.
pub fn bad_time(text: &str, at: Position) -> Problem {
    let lower = text.to_lowercase();
    let is_relative = lower
        .split(|c: char| !c.is_ascii_alphabetic())
        .any(|word| RELATIVE.contains(&word));
    if is_relative || text.starts_with(['-', '+']) {
        return Problem::error(
            Code::RelativeTime,
            format!("`{text}` is another moment on every day"),
        )
        .at(at, "not a moment")
        .help("to recover to a moment: salvor plan --at 2026-04-06T01:30:00Z")
        .help("for the moment of the run: {{run.started}}, or {{run.goal}}");
    }
    if let Some((local, zone)) = text.strip_suffix(']').and_then(|text| text.split_once('[')) {
        return zone_name(local, zone, at);
    }
    let looks_like_time = text.starts_with(|c: char| c.is_ascii_digit());
    if looks_like_time {
        Problem::error(Code::TimeWithoutZone, format!("`{text}` is not one moment"))
            .at(at, "a time without its zone")
            .help("write date, time and zone: 2026-04-06T01:30:00Z or 2026-04-06T03:30:00+02:00")
    } else {
        Problem::error(Code::BadValue, format!("`{text}` is not a moment"))
            .at(at, "not a moment")
            .help("write date, time and zone: 2026-04-06T01:30:00Z")
    }
}

/// A local time with the name of its zone. What this machine knows of the zone makes the message better; it
/// never decides whether there is one.
fn zone_name(local: &str, zone: &str, at: Position) -> Problem {
    let problem = Problem::error(
        Code::TimeByZoneName,
        format!("`{local}[{zone}]` names a zone, and a plan takes an offset"),
    )
    .at(at, "a time by the name of its zone");
    let written = |timestamp: Option<Timestamp>| timestamp.map(|moment| format!("\"{moment}\""));
    let read = local.parse::<DateTime>().ok();
    let (Some(civil), Ok(known)) = (read, TimeZone::get(zone)) else {
        return problem.help("write date, time and offset: 2026-04-06T03:30:00+02:00");
    };
    let moments = |offsets: [jiff::tz::Offset; 2]| {
        let moments = offsets.map(|offset| offset.to_timestamp(civil).ok());
        moments
            .into_iter()
            .flatten()
            .map(|moment| moment.to_string())
            .collect::<Vec<_>>()
    };
    match known.to_ambiguous_timestamp(civil).offset() {
        AmbiguousOffset::Unambiguous { offset } => match written(offset.to_timestamp(civil).ok()) {
            Some(moment) => problem.fix(at, "", moment, "write the moment itself"),
            None => problem,
        },
        AmbiguousOffset::Gap { before, after } => problem
            .note(format!(
                "there was no {civil} in {zone}: the clocks were put forward over it"
            ))
            .help(format!(
                "write the moment that is meant: {}",
                moments([before, after]).join(" or ")
            )),
        AmbiguousOffset::Fold { before, after } => problem
            .note(format!(
                "{civil} came twice in {zone}: the clocks were put back over it"
            ))
            .help(format!(
                "write the one that is meant: {}",
                moments([before, after]).join(" or ")
            )),
    }
}
