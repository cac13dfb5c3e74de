//! Moments as people write them, in a plan, a flag, a file or the environment: date, time and offset, so that every
//! machine reads the same one.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::civil::DateTime;
use jiff::tz::AmbiguousOffset;
use jiff::tz::Offset;
use jiff::tz::TimeZone;

use crate::model::unfit::Unfit;
use crate::plan_file::Code;
use crate::plan_file::similar;

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

const WHOLE: &str = "write date, time and zone, as in 2026-04-06T01:30:00Z";

/// The moment that a text says. The name of a zone is not taken, not even beside an offset: its rules change, and a
/// machine in a disaster may not know them.
///
/// # Errors
/// Why it says none, or more than one.
pub fn moment(text: &str) -> Result<Timestamp, Unfit> {
    match text.contains('[') {
        true => Err(unread(text)),
        false => text.parse().map_err(|_| unread(text)),
    }
}

fn unread(text: &str) -> Unfit {
    let lower = text.to_lowercase();
    let is_relative = lower
        .split(|c: char| !c.is_ascii_alphabetic())
        .any(|word| RELATIVE.contains(&word));
    if is_relative || text.starts_with(['-', '+']) {
        return Unfit::new(
            Code::RelativeTime,
            format!("`{text}` is another moment on every day"),
        )
        .seen("not a moment")
        .help("to recover to a moment: salvor plan --at 2026-04-06T01:30:00Z")
        .help_in_file("for the moment of the run: {{run.started}}, or {{run.goal}}");
    }
    if let Some((local, zone)) = text.strip_suffix(']').and_then(|text| text.split_once('[')) {
        return zone_name(local, zone);
    }
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        return Unfit::new(Code::BadValue, format!("`{text}` is not a moment"))
            .seen("not a moment")
            .help(WHOLE);
    }
    if has_offset(&lower) {
        return Unfit::new(Code::BadValue, format!("`{text}` is no time of any day"))
            .seen("there is no such time")
            .help(
                "a day goes from 00:00:00 to 23:59:59, and each month has its own number of days",
            );
    }
    let unfit = Unfit::new(Code::TimeWithoutZone, format!("`{text}` is not one moment"))
        .seen("a time without its zone");
    match (text.parse::<DateTime>(), text.parse::<Date>()) {
        (Ok(civil), _) if text.contains(':') => unfit
            .help(format!("if this is UTC, write {civil}Z"))
            .help("else end it with the offset that its place has on that day, as in -05:00"),
        (_, Ok(date)) => unfit.seen("a day, not a moment").help(format!(
            "write its time as well: {date}T00:00:00Z is its beginning in UTC"
        )),
        (_, _) => unfit.help(WHOLE),
    }
}

/// True for a text that ends with a zone: `z`, `+02:00`, `-0500`.
fn has_offset(lower: &str) -> bool {
    let Some((_, time)) = lower.split_once(['t', ' ']) else {
        return false;
    };
    time.ends_with('z') || time.contains(['+', '-'])
}

/// A local time with the name of its zone. What this machine knows of the zone makes the message better; it
/// never decides whether there is one.
fn zone_name(local: &str, zone: &str) -> Unfit {
    let unfit = Unfit::new(
        Code::TimeByZoneName,
        format!("`{local}[{zone}]` names a zone, and an offset is taken"),
    )
    .seen("a time by the name of its zone");
    if let Ok(moment) = local.parse::<Timestamp>() {
        return is_moment(unfit, moment);
    }
    let Ok(civil) = local.parse::<DateTime>() else {
        return unfit.help(WHOLE);
    };
    match TimeZone::get(zone) {
        Ok(known) => in_zone(unfit, civil, zone, &known),
        Err(_) => of_no_zone(unfit, civil, zone),
    }
}

/// A time of a zone of which this machine knows nothing; of the one that was meant, what there is to say.
fn of_no_zone(unfit: Unfit, civil: DateTime, zone: &str) -> Unfit {
    let database = jiff::tz::db();
    let unfit = match database.is_definitively_empty() {
        true => unfit.note(format!(
            "this machine has no zones, so `{zone}` is not looked up"
        )),
        false => unfit.note(format!("there is no zone `{zone}`")),
    };
    let names: Vec<String> = database.available().map(|name| name.to_string()).collect();
    let meant = similar(zone, names.iter().map(String::as_str));
    match meant.and_then(|name| Some((name, TimeZone::get(name).ok()?))) {
        Some((name, known)) => in_zone(
            unfit.help(format!("did you mean `{name}`?")),
            civil,
            name,
            &known,
        ),
        None => unfit.help(format!(
            "find out which offset its place has on that day, and end the time with it: {civil}-05:00 for five hours \
             behind UTC, {civil}Z for UTC"
        )),
    }
}

fn is_moment(unfit: Unfit, moment: Timestamp) -> Unfit {
    unfit.meant(
        moment.to_string(),
        format!("write the moment itself: {moment}"),
    )
}

fn in_zone(unfit: Unfit, civil: DateTime, zone: &str, known: &TimeZone) -> Unfit {
    let moments = |offsets: [Offset; 2]| {
        let moments = offsets.map(|offset| offset.to_timestamp(civil).ok());
        moments
            .into_iter()
            .flatten()
            .map(|moment| moment.to_string())
            .collect::<Vec<_>>()
    };
    match known.to_ambiguous_timestamp(civil).offset() {
        AmbiguousOffset::Unambiguous { offset } => match offset.to_timestamp(civil) {
            Ok(moment) => is_moment(unfit, moment),
            Err(_) => unfit.help(WHOLE),
        },
        AmbiguousOffset::Gap { before, after } => unfit
            .note(format!(
                "there was no {civil} in {zone}: the clocks were put forward over it"
            ))
            .help(format!(
                "write the moment that is meant: {}",
                moments([before, after]).join(" or ")
            )),
        AmbiguousOffset::Fold { before, after } => unfit
            .note(format!(
                "{civil} came twice in {zone}: the clocks were put back over it"
            ))
            .help(format!(
                "write the one that is meant: {}",
                moments([before, after]).join(" or ")
            )),
    }
}

#[cfg(test)]
mod tests {
    use super::moment;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let said = match moment(text) {
            Ok(moment) => moment.to_string(),
            Err(unfit) => unfit.to_string(),
        };
        assert_eq!(said, expected, "{text}");
    }

    #[test]
    fn a_moment_has_its_offset() {
        check("2026-04-06T03:30:00+02:00", "2026-04-06T01:30:00Z");
        check("2026-04-06T01:30Z", "2026-04-06T01:30:00Z");
        check(
            "2026-04-06 01:30",
            "`2026-04-06 01:30` is not one moment\n  help: if this is UTC, write 2026-04-06T01:30:00Z\n  \
             help: else end it with the offset that its place has on that day, as in -05:00",
        );
        check(
            "2026-04-06T24:00:00Z",
            "`2026-04-06T24:00:00Z` is no time of any day\n  \
             help: a day goes from 00:00:00 to 23:59:59, and each month has its own number of days",
        );
    }

    #[test]
    fn the_name_of_a_zone_is_no_offset() {
        let named = |text: &str| format!("`{text}` names a zone, and an offset is taken");
        let text = "2026-03-29T02:30:00[Europe/Berlin]";
        check(
            text,
            &format!(
                "{}\n  note: there was no 2026-03-29T02:30:00 in Europe/Berlin: the clocks were put forward over it\n  \
                 help: write the moment that is meant: 2026-03-29T01:30:00Z or 2026-03-29T00:30:00Z",
                named(text)
            ),
        );
        let text = "2026-04-06T03:30:00+05:30[Europe/Berlin]";
        check(
            text,
            &format!("{}\n  help: write `2026-04-05T22:00:00Z`", named(text)),
        );
        let text = "2026-04-06T03:30:00[Asia/Kolkatta]";
        check(
            text,
            &format!(
                "{}\n  note: there is no zone `Asia/Kolkatta`\n  help: did you mean `Asia/Kolkata`?\n  \
                 help: write `2026-04-05T22:00:00Z`",
                named(text)
            ),
        );
    }
}
