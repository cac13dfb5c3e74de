//! Patterns of dated names: `{date}/`, `db-{date}.dump`, `{year}/{month}/{day}/`.
//!
//! A name matches or it does not; no date is guessed from a name that only looks like one.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use salvor_contract::Error;

/// A parsed pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern {
    parts: Vec<Part>,
    /// How many slashes a matching name has, the last one included.
    slashes: usize,
    is_folder: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    /// A whole date or moment, in one of [`FORMATS`].
    Date,
    Digits(Field),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
}

/// What `{date}` takes, the longest first: `Y M D h m s` stand for digits, the rest for itself.
const FORMATS: [&str; 10] = [
    "YYYY-MM-DDThh:mm:ssZ",
    "YYYY-MM-DDThh-mm-ssZ",
    "YYYY-MM-DD_hh-mm-ss",
    "YYYY-MM-DDThh:mmZ",
    "YYYYMMDDThhmmssZ",
    "YYYYMMDD-hhmmss",
    "YYYYMMDDThhmmZ",
    "YYYYMMDDhhmmss",
    "YYYY-MM-DD",
    "YYYYMMDD",
];

/// Digits found so far; `None` is midnight or missing.
#[derive(Clone, Copy, Debug, Default)]
struct Found {
    year: Option<i16>,
    month: Option<i8>,
    day: Option<i8>,
    hour: Option<i8>,
    minute: Option<i8>,
    second: Option<i8>,
}

impl Pattern {
    /// Parses a pattern, which must name at least a day.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let refuse = |why: &str| {
            Error::refused_with(
                format!("the pattern `{text}` is not one of dated names: {why}"),
                "Write something like {date}/, db-{date}.dump or {year}/{month}/{day}/.",
            )
        };
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, tail) = after
                .split_once('}')
                .ok_or_else(|| refuse("a brace is not closed"))?;
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(match name {
                "date" => Part::Date,
                "year" => Part::Digits(Field::Year),
                "month" => Part::Digits(Field::Month),
                "day" => Part::Digits(Field::Day),
                "hour" => Part::Digits(Field::Hour),
                "minute" => Part::Digits(Field::Minute),
                "second" => Part::Digits(Field::Second),
                other => return Err(refuse(&format!("`{{{other}}}` is not a part of a date"))),
            });
            rest = tail;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        let has = |field| parts.contains(&Part::Digits(field));
        let has_day = has(Field::Year) && has(Field::Month) && has(Field::Day);
        if !has_day && !parts.contains(&Part::Date) {
            return Err(refuse("it names no day"));
        }
        if text.starts_with('/') || text.contains("//") {
            return Err(refuse("it has an empty segment"));
        }
        Ok(Self {
            slashes: text.matches('/').count(),
            is_folder: text.ends_with('/'),
            parts,
        })
    }

    /// True when dated backups are folders.
    pub(crate) fn is_folder(&self) -> bool {
        self.is_folder
    }

    /// How many folders deep the backups themselves begin.
    pub(crate) fn depth(&self) -> usize {
        self.slashes + usize::from(!self.is_folder)
    }

    /// The dated name at the beginning of a key: `2026-04-05/` of `2026-04-05/a/b`.
    pub(crate) fn name_of<'a>(&self, key: &'a str) -> Option<&'a str> {
        if !self.is_folder {
            return (key.matches('/').count() == self.slashes).then_some(key);
        }
        let (end, _) = key.match_indices('/').nth(self.slashes - 1)?;
        Some(&key[..=end])
    }

    /// The moment that a dated name tells. Where it tells only the day, `time` is added.
    pub(crate) fn moment_of(&self, name: &str, time: Time) -> Option<Timestamp> {
        let found = matched(&self.parts, name, Found::default())?;
        let date = Date::new(found.year?, found.month?, found.day?).ok()?;
        let time = match found.hour {
            None => time,
            Some(hour) => {
                let (minute, second) = (found.minute.unwrap_or(0), found.second.unwrap_or(0));
                Time::new(hour, minute, second, 0).ok()?
            }
        };
        let zoned = date.to_datetime(time).to_zoned(TimeZone::UTC).ok()?;
        Some(zoned.timestamp())
    }
}

fn matched(parts: &[Part], text: &str, found: Found) -> Option<Found> {
    let Some((part, rest)) = parts.split_first() else {
        return text.is_empty().then_some(found);
    };
    match part {
        Part::Text(literal) => matched(rest, text.strip_prefix(literal.as_str())?, found),
        Part::Digits(field) => {
            let format = match field {
                Field::Year => "YYYY",
                Field::Month => "MM",
                Field::Day => "DD",
                Field::Hour => "hh",
                Field::Minute => "mm",
                Field::Second => "ss",
            };
            let (found, tail) = by_format(format, text, found)?;
            matched(rest, tail, found)
        }
        Part::Date => FORMATS.iter().find_map(|format| {
            let (found, tail) = by_format(format, text, found)?;
            matched(rest, tail, found)
        }),
    }
}

fn by_format<'a>(format: &str, text: &'a str, mut found: Found) -> Option<(Found, &'a str)> {
    let (head, tail) = text.split_at_checked(format.len())?;
    let mut runs: Vec<(u8, i16)> = Vec::new();
    let mut before = 0;
    for (wanted, given) in format.bytes().zip(head.bytes()) {
        if !b"YMDhms".contains(&wanted) {
            if wanted != given {
                return None;
            }
        } else {
            let digit = i16::from(
                char::from(given)
                    .to_digit(10)
                    .and_then(|d| u8::try_from(d).ok())?,
            );
            match runs.last_mut() {
                Some((field, value)) if *field == wanted && before == wanted => {
                    *value = value.checked_mul(10)?.checked_add(digit)?;
                }
                Some(_) | None => runs.push((wanted, digit)),
            }
        }
        before = wanted;
    }
    for (field, value) in runs {
        let small = i8::try_from(value).ok();
        match field {
            b'Y' => found.year = Some(value),
            b'M' => found.month = Some(small?),
            b'D' => found.day = Some(small?),
            b'h' => found.hour = Some(small?),
            b'm' => found.minute = Some(small?),
            _ => found.second = Some(small?),
        }
    }
    Some((found, tail))
}

#[cfg(test)]
mod tests {
    use jiff::civil::time;

    use super::Pattern;

    fn check(pattern: &str, key: &str, expected: Option<(&str, &str)>) {
        let pattern = Pattern::parse(pattern).expect("a good pattern");
        let found = pattern.name_of(key).and_then(|name| {
            let moment = pattern.moment_of(name, time(2, 0, 0, 0))?;
            Some((name, moment.to_string()))
        });
        let found = found
            .as_ref()
            .map(|(name, moment)| (*name, moment.as_str()));
        assert_eq!(found, expected, "{key}");
    }

    #[test]
    fn dated_names_tell_their_moment() {
        let day = Some(("2026-04-05/", "2026-04-05T02:00:00Z"));
        check("{date}/", "2026-04-05/pipelines_db.sql.gz", day);
        check("{date}/", "2026-04-05/a/b", day);
        check(
            "{date}/",
            "20260405/x",
            Some(("20260405/", "2026-04-05T02:00:00Z")),
        );
        let moment = Some(("20260405T013000Z/", "2026-04-05T01:30:00Z"));
        check("{date}/", "20260405T013000Z/x", moment);
        check(
            "{date}/",
            "20260405013000/x",
            Some(("20260405013000/", "2026-04-05T01:30:00Z")),
        );
        check(
            "{date}/",
            "2026-04-05T01:30:00Z/x",
            Some(("2026-04-05T01:30:00Z/", "2026-04-05T01:30:00Z")),
        );
        check(
            "{date}/",
            "2026-04-05_01-30-00/x",
            Some(("2026-04-05_01-30-00/", "2026-04-05T01:30:00Z")),
        );
        check(
            "db-{date}.dump",
            "db-2026-04-05.dump",
            Some(("db-2026-04-05.dump", "2026-04-05T02:00:00Z")),
        );
        check(
            "{year}/{month}/{day}/",
            "2026/04/05/a/b",
            Some(("2026/04/05/", "2026-04-05T02:00:00Z")),
        );
        check(
            "b/{date}-full/",
            "b/2026-04-05-full/x",
            Some(("b/2026-04-05-full/", "2026-04-05T02:00:00Z")),
        );
    }

    #[test]
    fn names_that_only_look_dated_do_not_match() {
        for key in [
            "2026-04-05",
            "2026-02-30/x",
            "2026-13-01/x",
            "2026-4-5/x",
            "latest/x",
            "2026-04-05x/y",
            "x2026-04-05/y",
            "2026-04-05T25:00:00Z/x",
            "/x",
            "202604055/x",
            "２０２６-04-05/x",
        ] {
            check("{date}/", key, None);
        }
        check("db-{date}.dump", "old/db-2026-04-05.dump", None);
    }

    #[test]
    fn a_pattern_names_a_day() {
        for bad in [
            "",
            "x/",
            "{year}/{month}/",
            "{dat}/",
            "{date",
            "/{date}/",
            "a//{date}/",
        ] {
            assert!(Pattern::parse(bad).is_err(), "{bad}");
        }
    }
}
