//! `salvor runs`, `salvor show` and `salvor report`: what happened, from the journals alone.

use crate::change_set::ChangeSet;
use crate::cli::arguments::Report;
use crate::cli::arguments::ReportForm;
use crate::cli::arguments::Runs;
use crate::cli::arguments::Show;
use crate::cli::exit::Exit;
use crate::cli::load;
use crate::cli::output;
use crate::cli::refusal::Refusal;
use crate::journal::Environment;
use crate::journal::RunState;
use crate::journal::writer::get_blob;
use crate::registry::Registry;
use crate::report;
use crate::surroundings::Surroundings;

/// Lists the runs, newest last.
pub async fn runs(
    arguments: &Runs,
    registry: &Registry,
    surroundings: &Surroundings,
) -> anyhow::Result<Exit> {
    let state = load::existing_state(&arguments.plan_dir, registry, surroundings).await?;
    let runs = state.runs().await?;
    if arguments.json {
        output::result(&serde_json::to_string_pretty(&report::runs_json(&runs))?);
    } else {
        output::result_text(&report::runs_text(&runs));
    }
    Ok(Exit::Ok)
}

/// Shows a run, or one step of it.
pub async fn show(
    arguments: &Show,
    registry: &Registry,
    surroundings: &Surroundings,
) -> anyhow::Result<Exit> {
    let state = load::existing_state(&arguments.choice.plan_dir, registry, surroundings).await?;
    let chain = load::run_of(&state, &arguments.choice).await?;
    let change_set = change_set_of(&state, &chain.state).await?;
    let text = match &arguments.step {
        Some(name) => {
            let name = salvor_contract::StepName::new(name.as_str());
            report::step_text(&change_set, &chain, &name).ok_or_else(|| {
                Refusal::new(Exit::Refused, format!("the run has no step `{name}`"))
            })?
        }
        None => report::run_text(&change_set, &chain),
    };
    output::result_text(&text);
    Ok(Exit::Ok)
}

/// Reports a run.
pub async fn report(
    arguments: &Report,
    registry: &Registry,
    surroundings: &Surroundings,
) -> anyhow::Result<Exit> {
    let state = load::existing_state(&arguments.choice.plan_dir, registry, surroundings).await?;
    let chain = load::run_of(&state, &arguments.choice).await?;
    let change_set = change_set_of(&state, &chain.state).await?;
    let report = report::Report::of(&change_set, &chain);
    match arguments.format {
        ReportForm::Text => output::result_text(&report.text()),
        ReportForm::Markdown => output::result_text(&report.markdown()),
        ReportForm::Html => output::result_text(&report.html()),
        ReportForm::Json => output::result(&serde_json::to_string_pretty(&report)?),
    }
    Ok(Exit::Ok)
}

/// The change set that a run was opened with.
pub async fn change_set_of(
    environment: &Environment,
    state: &RunState,
) -> anyhow::Result<ChangeSet> {
    let storage = environment.read(&state.run)?;
    let bytes = get_blob(&*storage, &state.opening.change_set).await?;
    Ok(serde_json::from_slice(&bytes)?)
}
