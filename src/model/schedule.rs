//! How far apart the moments of a schedule lie: five cron fields or a word, UTC.

use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::civil::date;
use salvor_contract::Period;

/// The longest time between two moments of a schedule.
///
/// # Errors
/// When it is not a schedule, with the reason.
pub fn interval(schedule: &str) -> Result<Period, String> {
    gaps(schedule).map(|(_, longest)| longest)
}

/// The shortest time between two moments of a schedule.
///
/// # Errors
/// As [`interval`].
pub fn shortest(schedule: &str) -> Result<Period, String> {
    gaps(schedule).map(|(shortest, _)| shortest)
}

/// The shortest and the longest time between two moments.
fn gaps(schedule: &str) -> Result<(Period, Period), String> {
    let hours = |least: u64, most: u64| {
        let period = |hours: u64| Period::from_seconds(hours * 3600);
        Ok((period(least), period(most)))
    };
    match schedule.trim() {
        "@hourly" => return hours(1, 1),
        "@daily" => return hours(24, 24),
        "@weekly" => return hours(7 * 24, 7 * 24),
        "@monthly" => return hours(28 * 24, 31 * 24),
        _ => {}
    }
    let fields: Vec<&str> = schedule.split_whitespace().collect();
    let [minute, hour, day, month, weekday] = fields.as_slice() else {
        return Err("five fields are expected, or @hourly, @daily, @weekly, @monthly".to_owned());
    };
    let minutes = field(minute, 0, 59)?;
    // Both fields are sets in order, so that the times are as well.
    let times: Vec<u64> = field(hour, 0, 23)?
        .iter()
        .map(|hour| u64::from(*hour) * 60)
        .flat_map(|hour| minutes.iter().map(move |minute| hour + u64::from(*minute)))
        .collect();
    let days = days(day, month, weekday)?;
    let (Some(first), Some(last), false) = (times.first(), times.last(), days.is_empty()) else {
        return Err("no moment matches it".to_owned());
    };
    let within = times.windows(2).map(|pair| pair[1] - pair[0]);
    let between = days
        .windows(2)
        .map(|pair| (pair[1] - pair[0]) * 1440 + first - last);
    let gaps: BTreeSet<u64> = within.chain(between).collect();
    let minutes = |minutes: &u64| Period::from_seconds(minutes * 60);
    match gaps.first().zip(gaps.last()) {
        None => Err("it has one moment in five years".to_owned()),
        Some((shortest, longest)) => Ok((minutes(shortest), minutes(longest))),
    }
}

/// The days on which it has moments, by number.
fn days(day: &str, month: &str, weekday: &str) -> Result<Vec<u64>, String> {
    let days = field(day, 1, 31)?;
    let months = field(month, 1, 12)?;
    let weekdays: BTreeSet<u16> = field(weekday, 0, 7)?.into_iter().map(|d| d % 7).collect();
    let matches = |on: Date| {
        let by_day = days.contains(&u16::from(on.day().unsigned_abs()));
        let by_weekday = weekdays.contains(&u16::from(
            on.weekday().to_sunday_zero_offset().unsigned_abs(),
        ));
        // Cron's own rule: two restricted fields of days mean either of them.
        let is_day = match (day == "*", weekday == "*") {
            (false, false) => by_day || by_weekday,
            (_, _) => by_day && by_weekday,
        };
        is_day && months.contains(&u16::from(on.month().unsigned_abs()))
    };
    // Nearly every schedule, and the only one whose days need not be counted.
    if [day, month, weekday] == ["*"; 3] {
        return Ok(vec![0, 1]);
    }
    // Five years hold every combination of day, weekday and leap day that matters.
    let all = date(2027, 1, 1).series(jiff::ToSpan::days(1)).take(366 * 5);
    let all = (0_u64..).zip(all).filter(|(_, on)| matches(*on));
    Ok(all.map(|(number, _)| number).collect())
}

fn field(text: &str, first: u16, last: u16) -> Result<BTreeSet<u16>, String> {
    let wrong = || format!("`{text}` is not a field from {first} to {last}");
    let mut values = BTreeSet::new();
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, step.parse::<u16>().map_err(|_| wrong())?),
            None => (part, 1),
        };
        let number = |text: &str| -> Result<u16, String> {
            let number: u16 = text.parse().map_err(|_| wrong())?;
            (first..=last)
                .contains(&number)
                .then_some(number)
                .ok_or_else(wrong)
        };
        let (from, to) = match (range, range.split_once('-')) {
            ("*", _) => (first, last),
            (_, Some((from, to))) => (number(from)?, number(to)?),
            (single, None) if step == 1 => (number(single)?, number(single)?),
            (single, None) => (number(single)?, last),
        };
        if step == 0 || from > to {
            return Err(wrong());
        }
        values.extend((from..=to).step_by(usize::from(step)));
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::interval;
    use super::shortest;

    fn check(schedule: &str, expected: &str) {
        let found = interval(schedule).map(|period| period.to_string());
        assert_eq!(found.as_deref(), Ok(expected), "{schedule}");
    }

    #[test]
    fn the_longest_gap_of_a_schedule_counts() {
        check("0 2 * * *", "1d");
        check("*/15 * * * *", "15m");
        check("0 2,14 * * *", "12h");
        check("0 2 * * 1-5", "3d");
        check("0 2 * * 0", "7d");
        check("0 2 1 * *", "31d");
        check("30 4 1 * 7", "7d");
        check("@weekly", "7d");
    }

    #[test]
    fn the_shortest_gap_says_which_generations_can_be_filled() {
        for (schedule, expected) in [
            ("0 2 * * 1-5", "1d"),
            ("0 2 1 * *", "28d"),
            ("@monthly", "28d"),
            ("0 2,3 * * *", "1h"),
        ] {
            let found = shortest(schedule).map(|period| period.to_string());
            assert_eq!(found.as_deref(), Ok(expected), "{schedule}");
        }
    }

    #[test]
    fn what_is_not_a_schedule_says_so() {
        for text in [
            "",
            "daily",
            "61 * * * *",
            "* * * *",
            "*/0 * * * *",
            "0 0 31 2 *",
        ] {
            assert!(interval(text).is_err(), "{text}");
        }
    }
}
