//! `salvor check`: everything that can be known without the world.

use std::collections::BTreeSet;

use crate::cli::arguments::Check;
use crate::cli::arguments::CheckForm;
use crate::cli::arguments::Denied;
use crate::cli::exit::Exit;
use crate::cli::load::look;
use crate::cli::output;
use crate::cli::refusal::Refusal;
use crate::model::Reading;
use crate::model::read;
use crate::plan_file::Code;
use crate::registry::Registry;
use crate::report::CheckReport;
use crate::report::check_github;
use crate::report::check_sarif;
use crate::surroundings::Surroundings;

/// Checks a plan, prints all its problems, and says how much was checked.
pub fn check(
    arguments: &Check,
    registry: &Registry,
    surroundings: &Surroundings,
) -> anyhow::Result<Exit> {
    let began = surroundings.clock.elapsed();
    let reading = read(&arguments.choice.plan, registry);
    let shown = arguments.choice.plan.display().to_string();
    let json = |value: &serde_json::Value| serde_json::to_string_pretty(value);
    match arguments.format {
        CheckForm::Text => {
            let took = surroundings.clock.elapsed().saturating_sub(began);
            text(&reading, &shown, took);
        }
        CheckForm::Json => {
            let report = CheckReport::of(&reading, &shown);
            output::result(&serde_json::to_string_pretty(&report)?);
        }
        CheckForm::Sarif => {
            let report = CheckReport::of(&reading, &shown);
            output::result(&json(&check_sarif(&report))?);
        }
        CheckForm::Github => {
            let report = CheckReport::of(&reading, &shown);
            output::result(check_github(&report).trim_end());
        }
    }
    if reading.problems.errors() > 0 {
        return Ok(Exit::InvalidPlan);
    }
    let found: BTreeSet<Code> = reading
        .problems
        .iter()
        .map(|problem| problem.code)
        .collect();
    let denied = found.into_iter().filter(|code| {
        let denies = &arguments.deny;
        denies.contains(&Denied::All) || denies.contains(&Denied::Only(*code))
    });
    let denied: Vec<String> = denied.map(|code| code.to_string()).collect();
    match denied.as_slice() {
        [] => Ok(Exit::Ok),
        codes => {
            let what = format!("there are warnings that --deny names: {}", codes.join(", "));
            Err(Refusal::new(Exit::InvalidPlan, what).into())
        }
    }
}

fn text(reading: &Reading, shown: &str, took: std::time::Duration) {
    let report = reading.report(shown, look());
    if !report.text.is_empty() {
        output::problems(&report.text);
    }
    output::result(&format!(
        "{} (checked {} in {} ms; nothing was contacted)",
        report.verdict,
        report.checked,
        took.as_millis()
    ));
}
