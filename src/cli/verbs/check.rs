//! `salvor check`: everything that can be known without the world.

use crate::cli::arguments::Check;
use crate::cli::exit::Exit;
use crate::cli::load::look;
use crate::cli::output;
use crate::model::read;
use crate::registry::Registry;
use crate::surroundings::Surroundings;

/// Checks a plan, prints all its problems, and says how much was checked.
pub fn check(arguments: &Check, registry: &Registry, surroundings: &Surroundings) -> Exit {
    let began = surroundings.clock.elapsed();
    let reading = read(&arguments.choice.plan, registry);
    let shown = arguments.choice.plan.display().to_string();
    let report = reading.report(&shown, look());
    if !report.text.is_empty() {
        output::problems(&report.text);
    }
    let took = surroundings.clock.elapsed().saturating_sub(began);
    output::result(&format!(
        "{} (checked {} in {} ms; nothing was contacted)",
        report.verdict,
        report.checked,
        took.as_millis()
    ));
    if report.errors > 0 {
        Exit::InvalidPlan
    } else {
        Exit::Ok
    }
}
