//! Lengths of time and numbers of bytes as people write them: `24h`, `1h30m`, `3.2 GB`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::JsonSchema;
use schemars::Schema;
use schemars::SchemaGenerator;
use schemars::json_schema;
use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;
use serde::de::Error as _;

/// A length of time, whole milliseconds, written as `500ms`, `90s`, `5m`, `1h30m`, `7d`, `2w`.
///
/// Minutes may be written as reports print them, `5 min`, and spaces may stand between numbers and units. A day is 24
/// hours. Months and years are refused: they have no fixed length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period(Duration);

/// A text that is not a [`Period`] or a [`Size`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {expected}")]
pub struct QuantityError {
    text: String,
    expected: &'static str,
}

const PERIOD_EXPECTED: &str = "a length of time such as 30s, 5m, 1h30m, 7d or 2w";
const SIZE_EXPECTED: &str = "a number of bytes such as 512, 64KiB, 10MB or 1.5GiB";

impl Period {
    /// No time at all.
    pub const ZERO: Self = Self(Duration::ZERO);

    /// A length of whole seconds.
    pub const fn from_seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// The length as the standard library's type.
    pub const fn duration(self) -> Duration {
        self.0
    }
}

impl From<Duration> for Period {
    fn from(duration: Duration) -> Self {
        Self(duration)
    }
}

impl FromStr for Period {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let error = || QuantityError {
            text: text.to_owned(),
            expected: PERIOD_EXPECTED,
        };
        let mut rest = text.trim();
        let mut total_ms: u64 = 0;
        if rest.is_empty() {
            return Err(error());
        }
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(error)?;
            let number: u64 = rest[..digits].parse().map_err(|_| error())?;
            rest = rest[digits..].trim_start();
            let letters = rest
                .find(|c: char| !c.is_ascii_alphabetic())
                .unwrap_or(rest.len());
            let unit_ms: u64 = match &rest[..letters] {
                "ms" => 1,
                "s" => 1_000,
                "m" | "min" => 60_000,
                "h" => 3_600_000,
                "d" => 86_400_000,
                "w" => 7 * 86_400_000,
                _ => return Err(error()),
            };
            let part = number.checked_mul(unit_ms).ok_or_else(error)?;
            total_ms = total_ms.checked_add(part).ok_or_else(error)?;
            rest = rest[letters..].trim_start();
        }
        Ok(Self(Duration::from_millis(total_ms)))
    }
}

/// Prints the shortest exact form that parses back: `1h30m`, `7d`, `0s`.
impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0.as_millis();
        if rest == 0 {
            return f.pad("0s");
        }
        let mut text = String::new();
        for (unit, name) in [
            (86_400_000, "d"),
            (3_600_000, "h"),
            (60_000, "m"),
            (1_000, "s"),
            (1, "ms"),
        ] {
            if rest / unit > 0 {
                text.push_str(&format!("{}{name}", rest / unit));
                rest %= unit;
            }
        }
        f.pad(&text)
    }
}

/// A number of bytes, written as `512`, `64KiB`, `10MB`, `1.5GiB`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Size(pub u64);

impl FromStr for Size {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let error = || QuantityError {
            text: text.to_owned(),
            expected: SIZE_EXPECTED,
        };
        let trimmed = text.trim();
        let digits = trimmed
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(trimmed.len());
        let number: f64 = trimmed[..digits].parse().map_err(|_| error())?;
        let unit: f64 = match trimmed[digits..].trim() {
            "" | "B" => 1.0,
            "kB" | "KB" => 1e3,
            "MB" => 1e6,
            "GB" => 1e9,
            "TB" => 1e12,
            "KiB" => 1024.0,
            "MiB" => 1024.0 * 1024.0,
            "GiB" => 1024.0 * 1024.0 * 1024.0,
            "TiB" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
            _ => return Err(error()),
        };
        let bytes = number * unit;
        // 2^53: above it a float no longer holds every whole number of bytes.
        if bytes.is_finite() && (0.0..=9_007_199_254_740_992.0).contains(&bytes) {
            Ok(Self(bytes as u64))
        } else {
            Err(error())
        }
    }
}

/// Prints three digits with a decimal unit: `3.2 GB`, `731 MB`, `12 B`.
impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut value = self.0 as f64;
        let mut unit = "B";
        for next in ["kB", "MB", "GB", "TB", "PB"] {
            if value < 999.5 {
                break;
            }
            value /= 1000.0;
            unit = next;
        }
        let text = if unit == "B" || value >= 99.95 {
            format!("{value:.0} {unit}")
        } else {
            format!("{value:.1} {unit}")
        };
        f.pad(&text)
    }
}

impl Serialize for Period {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

impl Serialize for Size {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::Number(number) => number
                .as_u64()
                .map(Self)
                .ok_or_else(|| D::Error::custom(SIZE_EXPECTED)),
            serde_json::Value::String(text) => text.parse().map_err(D::Error::custom),
            serde_json::Value::Null
            | serde_json::Value::Bool(_)
            | serde_json::Value::Array(_)
            | serde_json::Value::Object(_) => Err(D::Error::custom(SIZE_EXPECTED)),
        }
    }
}

impl JsonSchema for Period {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Period".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "period", "examples": ["5m", "24h", "7d"] })
    }
}

impl JsonSchema for Size {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Size".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "integer"], "format": "size", "examples": ["64MiB", 512] })
    }
}

#[cfg(test)]
mod tests {
    use super::Period;
    use super::Size;

    #[test]
    fn periods_parse_and_print_back() {
        for (text, ms, printed) in [
            ("0s", 0, "0s"),
            ("500ms", 500, "500ms"),
            ("90s", 90_000, "1m30s"),
            ("24h", 86_400_000, "1d"),
            ("1h 30m", 5_400_000, "1h30m"),
            (" 1 h 30 min ", 5_400_000, "1h30m"),
            ("5min", 300_000, "5m"),
            ("2w", 14 * 86_400_000, "14d"),
        ] {
            let period: Period = text.parse().expect("a good period");
            assert_eq!(period.duration().as_millis(), ms, "{text}");
            assert_eq!(period.to_string(), printed);
        }
    }

    #[test]
    fn a_period_without_a_known_unit_is_refused() {
        for text in [
            "",
            "5",
            "5 ",
            "h",
            "1 2s",
            "5 parsecs",
            "1y",
            "-5m",
            "1.5h",
            "99999999999999999999s",
        ] {
            assert!(text.parse::<Period>().is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_parse_and_print() {
        for (text, bytes, printed) in [
            ("512", 512, "512 B"),
            ("64KiB", 65_536, "65.5 kB"),
            ("3.2 GB", 3_200_000_000, "3.2 GB"),
        ] {
            let size: Size = text.parse().expect("a good size");
            assert_eq!(size.0, bytes);
            assert_eq!(size.to_string(), printed);
        }
        assert!("-1".parse::<Size>().is_err());
        assert!("1e999".parse::<Size>().is_err());
    }
}
