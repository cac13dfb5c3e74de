//! `salvor plan`: from which moment, what is lost, what changes, does it meet the objectives.

use std::path::Path;

use salvor_contract::Effect;

use crate::change_set;
use crate::change_set::ChangeSet;
use crate::cli::arguments::Plan as Arguments;
use crate::cli::arguments::PlanForm;
use crate::cli::exit::Exit;
use crate::cli::load;
use crate::cli::output;
use crate::cli::planning;
use crate::cli::refusal::Refusal;
use crate::journal::Environment;
use crate::journal::environment::Listed;
use crate::model::Instance;
use crate::registry::Registry;
use crate::report::since;
use crate::surroundings::Surroundings;

/// Looks at the world and shows the change set; saves it when asked. Changes nothing.
pub async fn plan(
    arguments: &Arguments,
    registry: &Registry,
    surroundings: &Surroundings,
) -> anyhow::Result<Exit> {
    let instance = load::instance(
        &arguments.choice,
        arguments.scenario.scenario.as_deref(),
        registry,
    )?;
    let request = load::request(&arguments.goal)?;
    // A saved change set names the environment that it is for, so that one must be there.
    let state = match &arguments.out {
        Some(_) => load::state_of(&instance, registry, surroundings).await?,
        None => load::state_to_look(&instance, registry, surroundings).await?,
    };
    say_open(&state, surroundings).await?;
    let against = match &arguments.against {
        Some(path) => Some(earlier(path, &instance)?),
        None => None,
    };
    let mut computed = planning::look(
        &instance,
        &state,
        registry,
        surroundings,
        request,
        arguments.valid,
    )
    .await?;
    computed.since = against.map(|earlier| since(&earlier, &computed.change_set));
    match (arguments.json, arguments.format) {
        (true, _) | (false, PlanForm::Json) => {
            output::result(&serde_json::to_string_pretty(&computed)?);
        }
        (false, PlanForm::Markdown) => output::result_text(&planning::markdown(&computed)),
        (false, PlanForm::Text) => output::result_text(&planning::text(&computed)),
    }
    planning::refuse_problems(&computed)?;
    let change_set = computed.change_set;
    if let Some(path) = &arguments.out {
        change_set::save(&change_set, path).map_err(|error| {
            let what = format!("{}: {:#}", path.display(), anyhow::Error::from(error));
            Refusal::new(Exit::Refused, what).hint("Name another file with --out.")
        })?;
        output::progress(&format!("Apply it with:  salvor apply {}", path.display()));
    }
    let is_changing = arguments.detailed_exitcode && has_changes(&change_set);
    Ok(if is_changing { Exit::Changes } else { Exit::Ok })
}

/// What is seen now may be what a run is in the middle of: a plan made of it would bring that back.
async fn say_open(state: &Environment, surroundings: &Surroundings) -> anyhow::Result<()> {
    let at = load::plan_dir_option(&surroundings.plan_dir);
    for Listed { run, .. } in state.open_runs().await? {
        output::progress(&format!(
            "note: run {run} is open: what is seen of the environment may be half of its work. Look at it with \
             `salvor show {run}{at}`."
        ));
    }
    Ok(())
}

/// A change set that was saved before, when it can be held against one of this plan and scenario.
fn earlier(path: &Path, instance: &Instance) -> anyhow::Result<ChangeSet> {
    let shown = format!("--against {}", path.display());
    let earlier = change_set::load(path).map_err(|error| {
        let what = format!("{shown}: {:#}", anyhow::Error::from(error));
        Refusal::new(Exit::Refused, what).hint("Name a change set that `salvor plan --out` saved.")
    })?;
    load::refuse_other(&shown, &earlier, &instance.plan, &instance.scenario.name)?;
    Ok(earlier)
}

/// True when some step does more than look.
fn has_changes(change_set: &ChangeSet) -> bool {
    let mut steps = change_set.steps.iter();
    steps.any(|step| !matches!(step.effect(), Effect::Nothing | Effect::Read))
}
