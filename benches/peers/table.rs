//! Turns costs into the lines that are printed, and into ratios.

use std::time::Duration;

use crate::measure::Cost;
use crate::measure::Measured;
use crate::measure::load;

/// Prints a line of the result.
#[expect(clippy::print_stdout, reason = "the one place that prints results")]
pub fn line(text: &str) {
    println!("{text}");
}

/// Prints a line of what went wrong.
#[expect(clippy::print_stderr, reason = "the one place that prints errors")]
pub fn error(text: &str) {
    eprintln!("{text}");
}

/// Prints the heading of a row.
pub fn heading(title: &str) {
    line("");
    line(&format!("## {title} ({})", load()));
}

/// Prints a line for each contender. The first is compared with every other one, round by round.
pub fn contenders(all: &[Measured]) {
    line(
        "| | wall, s | least..most | CPU, s | least..most | peak, MiB | wall of the first / its own | CPU |",
    );
    line("|---|---|---|---|---|---|---|---|");
    for measured in all {
        let ratio = |part: fn(&Cost) -> Duration| {
            let first = all.first().map(|first| first.costs.as_slice());
            let pairs = first.unwrap_or_default().iter().zip(&measured.costs);
            median(pairs.map(|(a, b)| part(a).as_secs_f64() / part(b).as_secs_f64().max(1e-6)))
        };
        line(&format!(
            "| {} | {} | {} | {:.2} | {:.2} | {:.2} |",
            measured.name,
            spread(measured, |cost| cost.wall),
            spread(measured, |cost| cost.cpu),
            peak_mebibytes(measured),
            ratio(|cost| cost.wall),
            ratio(|cost| cost.cpu),
        ));
    }
    line(&format!("after it: {}", load()));
}

/// Prints what was aimed at and what came of it, in the same unit.
pub fn aim(what: &str, aim: f64, found: f64) {
    let ratio = found / aim;
    let word = match ratio <= 1.0 {
        true => "reached",
        false => "MISSED",
    };
    line(&format!(
        "aim {word}: {what}: {found:.4} of {aim} ({ratio:.2} x)"
    ));
}

/// The median of the wall seconds.
pub fn wall(measured: &Measured) -> f64 {
    median(measured.costs.iter().map(|cost| cost.wall.as_secs_f64()))
}

/// The median of the CPU seconds.
pub fn cpu(measured: &Measured) -> f64 {
    median(measured.costs.iter().map(|cost| cost.cpu.as_secs_f64()))
}

/// The most memory of all runs.
pub fn peak_mebibytes(measured: &Measured) -> f64 {
    let peak = measured.costs.iter().map(|cost| cost.peak).max();
    peak.unwrap_or_default() as f64 / f64::from(1 << 20)
}

fn spread(measured: &Measured, part: fn(&Cost) -> Duration) -> String {
    let seconds = || measured.costs.iter().map(|cost| part(cost).as_secs_f64());
    let least = seconds().fold(f64::INFINITY, f64::min);
    let most = seconds().fold(0.0, f64::max);
    format!("{:.4} | {least:.4}..{most:.4}", median(seconds()))
}

/// The value in the middle; of an even number of values the upper one.
pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
