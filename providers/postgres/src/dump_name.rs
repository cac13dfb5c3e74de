//! The names of dumps: which keys a pattern such as `{date}/pipelines_db.sql.gz` takes, the moment in a
//! name, the format that its end tells.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::civil::Time;
use jiff::tz::TimeZone;

/// The form in which a dump was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// SQL text.
    Plain,
    /// SQL text in gzip.
    PlainGzip,
    /// SQL text in zstd.
    PlainZstd,
    /// `pg_dump --format=custom`: one file.
    Custom,
    /// `pg_dump --format=directory`: a folder with `toc.dat`.
    Directory,
}

impl Format {
    /// The format that the end of a file's name tells.
    pub fn of_name(key: &str) -> Option<Self> {
        let name = key.rsplit('/').next().unwrap_or(key);
        let ends = |suffixes: &[&str]| suffixes.iter().any(|suffix| name.ends_with(suffix));
        if ends(&[".sql"]) {
            Some(Self::Plain)
        } else if ends(&[".sql.gz"]) {
            Some(Self::PlainGzip)
        } else if ends(&[".sql.zst"]) {
            Some(Self::PlainZstd)
        } else if ends(&[".dump", ".custom", ".pgdump", ".backup"]) {
            Some(Self::Custom)
        } else if name == "toc.dat" {
            Some(Self::Directory)
        } else {
            None
        }
    }
}

/// A pattern of keys: text, `*` for anything within one segment, and at most one each of
/// `{date}` (2026-04-05 or 20260405), `{time}` (02:00, 0200, 02-00, with or without seconds) and `{timestamp}`
/// (20260405T020000Z, 2026-04-05T02:00:00Z, 20260405020000).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Any,
    Date,
    Time,
    Timestamp,
}

/// Why a pattern is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// A word in braces that is not known.
    #[error("`{{{0}}}` is not one of {{date}}, {{time}}, {{timestamp}}")]
    Word(String),
    /// A brace without its other.
    #[error("a brace in `{0}` is not closed")]
    Brace(String),
}

/// The moment in a key, as far as the key tells it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    date: Option<Date>,
    time: Option<Time>,
    whole: Option<Timestamp>,
}

impl Told {
    /// The moment in UTC: told whole, or the date with the told time, or with `time`.
    pub fn moment(self, time: Option<Time>) -> Option<Timestamp> {
        if self.whole.is_some() {
            return self.whole;
        }
        let time = self.time.or(time).unwrap_or(Time::midnight());
        let civil = self.date?.to_datetime(time);
        Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp())
    }
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// A [`PatternError`].
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '*']) {
            if at > 0 {
                parts.push(Part::Text(rest[..at].to_owned()));
            }
            rest = &rest[at..];
            if let Some(after) = rest.strip_prefix('*') {
                parts.push(Part::Any);
                rest = after;
                continue;
            }
            let (word, after) = rest[1..]
                .split_once('}')
                .ok_or_else(|| PatternError::Brace(text.to_owned()))?;
            parts.push(match word {
                "date" => Part::Date,
                "time" => Part::Time,
                "timestamp" => Part::Timestamp,
                _ => return Err(PatternError::Word(word.to_owned())),
            });
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self { parts })
    }

    /// What a key tells; `None` when the pattern does not take it.
    pub fn read(&self, key: &str) -> Option<Told> {
        read(&self.parts, key, Told::default())
    }
}

fn read(parts: &[Part], key: &str, told: Told) -> Option<Told> {
    let Some((part, rest)) = parts.split_first() else {
        return key.is_empty().then_some(told);
    };
    match part {
        Part::Text(text) => read(rest, key.strip_prefix(text.as_str())?, told),
        Part::Any => (0..=key.find('/').unwrap_or(key.len()))
            .filter(|length| key.is_char_boundary(*length))
            .find_map(|length| read(rest, &key[length..], told)),
        Part::Date => lengths(key, &[10, 8]).find_map(|(text, after)| {
            let date = date(text)?;
            read(
                rest,
                after,
                Told {
                    date: Some(date),
                    ..told
                },
            )
        }),
        Part::Time => lengths(key, &[8, 6, 5, 4]).find_map(|(text, after)| {
            let time = time(text)?;
            read(
                rest,
                after,
                Told {
                    time: Some(time),
                    ..told
                },
            )
        }),
        Part::Timestamp => lengths(key, &[20, 16, 14]).find_map(|(text, after)| {
            let whole = timestamp(text)?;
            read(
                rest,
                after,
                Told {
                    whole: Some(whole),
                    ..told
                },
            )
        }),
    }
}

fn lengths<'a>(key: &'a str, lengths: &'a [usize]) -> impl Iterator<Item = (&'a str, &'a str)> {
    lengths
        .iter()
        .filter(|length| key.is_char_boundary(**length))
        .filter_map(|length| key.split_at_checked(*length))
}

fn date(text: &str) -> Option<Date> {
    let digits: String = text.chars().filter(|c| *c != '-').collect();
    let has_dashes = text.len() == 10;
    if digits.len() != 8
        || !digits.bytes().all(|b| b.is_ascii_digit())
        || (has_dashes && !(text[4..].starts_with('-') && text[7..].starts_with('-')))
    {
        return None;
    }
    Date::new(
        digits[..4].parse().ok()?,
        digits[4..6].parse().ok()?,
        digits[6..].parse().ok()?,
    )
    .ok()
}

/// The time of day in a name or an input: `02:00`, `02:00:30`, `0200`, `02-00`.
pub fn time(text: &str) -> Option<Time> {
    let digits: String = text.chars().filter(|c| !matches!(c, ':' | '-')).collect();
    if !matches!(digits.len(), 4 | 6) || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let second = digits.get(4..6).map_or(Some(0), |text| text.parse().ok())?;
    Time::new(
        digits[..2].parse().ok()?,
        digits[2..4].parse().ok()?,
        second,
        0,
    )
    .ok()
}

fn timestamp(text: &str) -> Option<Timestamp> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let is_form = match text.len() {
        14 => digits.len() == 14,
        16 => text.as_bytes()[8] == b'T' && text.ends_with('Z'),
        20 => text.as_bytes()[10] == b'T' && text.ends_with('Z'),
        _ => false,
    };
    if !is_form || digits.len() != 14 {
        return None;
    }
    let told = Told {
        date: date(&digits[..8]),
        time: time(&digits[8..]),
        whole: None,
    };
    told.time?;
    told.moment(None)
}

#[cfg(test)]
mod tests {
    use super::Format;
    use super::Pattern;
    use super::PatternError;
    use super::time;

    fn check(pattern: &str, key: &str, expected: Option<&str>) {
        let told = Pattern::parse(pattern).expect("a pattern").read(key);
        let moment = told.map(|told| {
            told.moment(time("02:00"))
                .map_or("none".to_owned(), |moment| moment.to_string())
        });
        assert_eq!(moment.as_deref(), expected, "{pattern} {key}");
    }

    #[test]
    fn a_key_tells_its_moment() {
        check(
            "{date}/db.sql.gz",
            "2026-04-05/db.sql.gz",
            Some("2026-04-05T02:00:00Z"),
        );
        check(
            "datafly-{date}.dump",
            "datafly-20250115.dump",
            Some("2025-01-15T02:00:00Z"),
        );
        check(
            "db-{date}_{time}.sql",
            "db-2026-04-05_0310.sql",
            Some("2026-04-05T03:10:00Z"),
        );
        check(
            "{timestamp}/*.dump",
            "20260405T031000Z/a.dump",
            Some("2026-04-05T03:10:00Z"),
        );
        check(
            "{timestamp}.dump",
            "2026-04-05T03:10:00Z.dump",
            Some("2026-04-05T03:10:00Z"),
        );
        check("*.dump", "a.dump", Some("none"));
    }

    #[test]
    fn other_keys_are_not_taken() {
        check("{date}/db.sql.gz", "2026-04-05/db.sql.gz.tmp", None);
        check("{date}/db.sql.gz", "2026-13-05/db.sql.gz", None);
        check("{date}/db.sql.gz", "latest/db.sql.gz", None);
        check("*.dump", "a/b.dump", None);
        assert_eq!(
            Pattern::parse("{day}"),
            Err(PatternError::Word("day".into()))
        );
        assert!(Pattern::parse("{date").is_err());
    }

    #[test]
    fn the_end_of_a_name_tells_the_format() {
        for (name, format) in [
            ("a/b.sql", Some(Format::Plain)),
            ("b.sql.gz", Some(Format::PlainGzip)),
            ("b.sql.zst", Some(Format::PlainZstd)),
            ("b.dump", Some(Format::Custom)),
            ("b/toc.dat", Some(Format::Directory)),
            ("b.txt", None),
        ] {
            assert_eq!(Format::of_name(name), format, "{name}");
        }
    }
}
