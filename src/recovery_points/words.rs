//! Moments and lengths of time as a person reads them: `2026-04-05T02:30Z`, `24 h 04 min`.

use std::time::Duration;

use jiff::Timestamp;
use salvor_contract::Period;

/// A length with its two largest units: `12 s`, `34 min`, `24 h 04 min`, `3 d 02 h`. Less than a second is
/// said in milliseconds, so that no length above zero reads as none.
pub fn length_words(length: Duration) -> String {
    let seconds = length.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let two = |large: u64, large_unit: &str, small: u64, small_unit: &str| match small {
        0 => format!("{large} {large_unit}"),
        small => format!("{large} {large_unit} {small:02} {small_unit}"),
    };
    if seconds == 0 && !length.is_zero() {
        format!("{} ms", length.as_millis().max(1))
    } else if minutes == 0 {
        format!("{seconds} s")
    } else if minutes < 10 {
        two(minutes, "min", seconds % 60, "s")
    } else if hours == 0 {
        format!("{minutes} min")
    } else if hours < 48 {
        two(hours, "h", minutes % 60, "min")
    } else {
        two(days, "d", hours % 24, "h")
    }
}

/// A moment in UTC, to the minute where that is exact, else to the second.
pub fn moment_words(moment: Timestamp) -> String {
    let format = if moment.as_second() % 60 == 0 {
        "%Y-%m-%dT%H:%MZ"
    } else {
        "%Y-%m-%dT%H:%M:%SZ"
    };
    moment.strftime(format).to_string()
}

/// The time from an earlier to a later moment; nothing when they come in the other order.
pub fn between(earlier: Timestamp, later: Timestamp) -> Period {
    Period::from(Duration::try_from(later.duration_since(earlier)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::length_words;

    #[test]
    fn lengths_are_said_in_two_units() {
        for (ms, words) in [
            (0, "0 s"),
            (400, "400 ms"),
            (12_000, "12 s"),
            (61_000, "1 min 01 s"),
            (34 * 60_000, "34 min"),
            (1444 * 60_000, "24 h 04 min"),
            (2 * 86_400_000 + 3_600_000, "2 d 01 h"),
            (7 * 86_400_000, "7 d"),
        ] {
            assert_eq!(length_words(Duration::from_millis(ms)), words);
        }
    }
}
