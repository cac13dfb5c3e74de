//! `salvor plan`: from which moment, what is lost, what changes, does it meet the objectives.

use salvor_contract::Effect;

use crate::change_set;
use crate::change_set::Change;
use crate::change_set::ChangeSet;
use crate::cli::arguments::Plan as Arguments;
use crate::cli::exit::Exit;
use crate::cli::load;
use crate::cli::output;
use crate::cli::planning;
use crate::cli::refusal::Refusal;
use crate::registry::Registry;
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
    let state = load::state_of(&instance, surroundings).await?;
    let computed = planning::look(
        &instance,
        &state,
        registry,
        surroundings,
        request,
        arguments.valid,
    )
    .await?;
    if arguments.json {
        output::result(&serde_json::to_string_pretty(&computed)?);
    } else {
        output::result_text(&planning::text(&computed));
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

/// True when some step does more than look.
fn has_changes(change_set: &ChangeSet) -> bool {
    change_set.steps.iter().any(|step| {
        let effect = match &step.change {
            Change::Seen(preview) => preview.effect,
            Change::Unseen { effect, .. } => *effect,
        };
        !matches!(effect, Effect::Nothing | Effect::Read)
    })
}
