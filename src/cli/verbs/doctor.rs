//! `salvor doctor`: tries out whether the place of a plan's state does what runs rely on.

use crate::cli::arguments::Doctor;
use crate::cli::exit::Exit;
use crate::cli::load;
use crate::cli::output;
use crate::cli::refusal::Refusal;
use crate::model::state_settings;
use crate::registry::Registry;
use crate::report::DoctorReport;
use crate::surroundings::Surroundings;

/// Tries it out with files or keys of its own, and says line by line what came of it.
pub async fn doctor(
    arguments: &Doctor,
    registry: &Registry,
    surroundings: &Surroundings,
) -> anyhow::Result<Exit> {
    // A plan that is broken otherwise still has its state, and its runs in it.
    let settings = state_settings(&arguments.plan);
    let folder = load::folder_of(&arguments.plan);
    if !arguments.plan.is_file() && !folder.join("plan.toml").is_file() {
        let what = format!("there is no plan in {}", arguments.plan.display());
        return Err(Refusal::new(Exit::Usage, what)
            .hint("Name the folder of a plan, or its plan.toml.")
            .into());
    }
    let place = load::place_of(&settings, &folder, registry, surroundings).await?;
    let examined = place.examine(&surroundings.randomness.token()).await;
    let report = DoctorReport::of(place.shown(), examined);
    match arguments.json {
        true => output::result(&serde_json::to_string_pretty(&report)?),
        false => output::result_text(&report.text()),
    }
    Ok(match report.is_fit {
        true => Exit::Ok,
        false => Exit::Negative,
    })
}
