//! Reads the plan that the arguments name, with its inputs and its scenario, or shows why it cannot.

use std::io::Read as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use salvor_contract::RunId;
use salvor_contract::Values;
use tokio_util::sync::CancellationToken;

use crate::change_set::Asked;
use crate::change_set::ChangeSet;
use crate::cli::arguments::GoalChoice;
use crate::cli::arguments::PlanChoice;
use crate::cli::arguments::RunChoice;
use crate::cli::exit::Exit;
use crate::cli::output;
use crate::cli::refusal::Distrusted;
use crate::cli::refusal::Refusal;
use crate::cli::surroundings::environment;
use crate::journal::Environment;
use crate::journal::Place;
use crate::journal::SharedPlace;
use crate::journal::StateFolder;
use crate::journal::chain::Chain;
use crate::journal::storage::StorageError;
use crate::model::GivenInputs;
use crate::model::Instance;
use crate::model::Plan;
use crate::model::StateSettings;
use crate::model::environment_name;
use crate::model::read;
use crate::model::state_settings;
use crate::plan_file::FILE_MAX_BYTES;
use crate::plan_file::Look;
use crate::plan_file::Problems;
use crate::plan_file::show;
use crate::recovery_points::Request;
use crate::registry::Registry;
use crate::surroundings::Surroundings;
use crate::survey::Reading;

/// Whether errors are shown in colour.
pub fn look() -> Look {
    match anstream::AutoStream::choice(&std::io::stderr()) {
        anstream::ColorChoice::Always | anstream::ColorChoice::AlwaysAnsi => Look::Coloured,
        anstream::ColorChoice::Auto | anstream::ColorChoice::Never => Look::Plain,
    }
}

/// The plan, when it holds no errors; its errors are shown, its warnings are not: `check` shows those.
pub fn plan(path: &Path, registry: &Registry) -> anyhow::Result<Plan> {
    let reading = read(path, registry);
    match reading.plan {
        Some(plan) => Ok(plan),
        None => {
            output::progress_problems(&show(&reading.problems, &reading.sources, look()));
            let what = format!("{} is not a valid plan", path.display());
            let hint = "Correct what is underlined above; `salvor check` shows it again.";
            Err(Refusal::new(Exit::InvalidPlan, what).hint(hint).into())
        }
    }
}

/// The plan with a scenario and its inputs.
pub fn instance(
    choice: &PlanChoice,
    scenario: Option<&str>,
    registry: &Registry,
) -> anyhow::Result<Instance> {
    let plan = plan(&choice.plan, registry)?;
    instance_of(&plan, choice, scenario, &Values::new())
}

/// The plan as a change set was approved for it: with its scenario, and its inputs, which win over all others.
/// `shown` is how the change set was named.
pub fn approved_instance(
    choice: &PlanChoice,
    approved: &ChangeSet,
    shown: &str,
    registry: &Registry,
) -> anyhow::Result<Instance> {
    let plan = plan(&choice.plan, registry)?;
    let scenario = &approved.scenario.name;
    refuse_other(shown, approved, &plan.name, scenario)?;
    instance_of(&plan, choice, Some(scenario), &approved.inputs)
}

/// Refuses a change set that is for another plan or scenario than these. `shown` is how it was named.
pub fn refuse_other(
    shown: &str,
    change_set: &ChangeSet,
    plan: &str,
    scenario: &str,
) -> Result<(), Refusal> {
    if change_set.plan == plan && change_set.scenario.name == scenario {
        return Ok(());
    }
    let of = |plan: &str, scenario: &str| format!("scenario `{scenario}` of `{plan}`");
    let was = of(&change_set.plan, &change_set.scenario.name);
    let what = format!("{shown} is for {was}, not for {}", of(plan, scenario));
    Err(Refusal::new(Exit::Refused, what)
        .hint("Name a change set that `salvor plan --out` saved of this plan."))
}

fn instance_of(
    plan: &Plan,
    choice: &PlanChoice,
    scenario: Option<&str>,
    fixed: &Values,
) -> anyhow::Result<Instance> {
    let mut given = given_inputs(choice, plan)?;
    given.fixed = fixed.clone();
    plan.instance(scenario, &given)
        .map_err(|problems: Problems| {
            output::progress_problems(&show(&problems, &plan.sources, look()));
            let what = format!(
                "{} cannot be used with this scenario and these inputs",
                choice.plan.display()
            );
            Refusal::new(Exit::InvalidPlan, what).into()
        })
}

fn given_inputs(choice: &PlanChoice, plan: &Plan) -> anyhow::Result<GivenInputs> {
    let mut given = GivenInputs::default();
    for input in &choice.inputs {
        let Some((name, value)) = input.split_once('=') else {
            let what = format!("`--input {input}` has no value");
            return Err(Refusal::new(Exit::Usage, what)
                .hint("Write it as --input name=value.")
                .into());
        };
        given.flags.insert(name.to_owned(), value.to_owned());
    }
    for file in &choice.input_files {
        readable_inputs(file).map_err(|error| {
            let what = format!("`--inputs {}` cannot be read: {error}", file.display());
            Refusal::new(Exit::Usage, what).hint("Name a TOML file of inputs.")
        })?;
        let values = plan.read_inputs(file).map_err(|(problems, sources)| {
            output::progress_problems(&show(&problems, &sources, look()));
            let what = format!("{} is not a file of inputs of this plan", file.display());
            Refusal::new(Exit::InvalidPlan, what).hint("Correct what is underlined above.")
        })?;
        for (name, value) in values.iter() {
            given.file.set(name, value.clone());
        }
    }
    for input in &plan.inputs {
        if let Some(value) = environment(&environment_name(&input.name)) {
            given.environment.insert(input.name.clone(), value);
        }
    }
    Ok(given)
}

/// Whether there is a file of inputs at all, which is no longer than a file of a plan: its values go into every
/// change set. What is wrong in it is told by [`Plan::read_inputs`], with its place.
fn readable_inputs(path: &Path) -> std::io::Result<()> {
    let file = std::fs::File::open(path)?;
    let length = std::io::copy(&mut file.take(FILE_MAX_BYTES + 1), &mut std::io::sink())?;
    if length > FILE_MAX_BYTES {
        let what = format!("it is longer than {FILE_MAX_BYTES} bytes");
        return Err(std::io::Error::other(what));
    }
    Ok(())
}

/// What the selection is asked for.
pub fn request(goal: &GoalChoice) -> anyhow::Result<Request> {
    let asked = match (goal.at, &goal.backup) {
        (Some(at), _) => Asked::At(at),
        (None, Some(backup)) => Asked::Backup(backup.clone()),
        (None, None) => Asked::Latest,
    };
    let mut request = Request::new(asked);
    for point in &goal.points {
        let Some((store, id)) = point.split_once('=') else {
            let what = format!("`--point {point}` names no recovery point");
            return Err(Refusal::new(Exit::Usage, what)
                .hint("Write it as --point store=id, or as --point store=time.")
                .into());
        };
        request.points.insert(store.into(), id.into());
    }
    Ok(request)
}

/// The folder of a plan, when the plan is named by its folder or by its file.
pub fn folder_of(path: &Path) -> PathBuf {
    // What is not there is taken for a folder, so that messages name what was typed.
    if path.is_file() {
        path.parent().map(Path::to_owned).unwrap_or_default()
    } else {
        path.to_owned()
    }
}

/// Where the state of a plan is, as its settings say: a folder, below the plan's when it is relative, or a shared store.
pub async fn place_of(
    settings: &StateSettings,
    folder: &Path,
    registry: &Registry,
    surroundings: &Surroundings,
) -> anyhow::Result<Arc<dyn Place>> {
    if !settings.is_address() {
        return Ok(Arc::new(StateFolder::new(folder.join(&settings.at))));
    }
    let at = settings.at.as_str();
    let keeper = registry
        .iter()
        .find(|provider| provider.keeps_state(at).is_some());
    let keeper = keeper.ok_or_else(|| {
        let what = format!("`state` is at {at}, where no provider of this build keeps any");
        Refusal::new(Exit::InvalidPlan, what).hint("Name a folder, or use a build that has it.")
    })?;
    // What this machine alone needs while a run goes on.
    let local = surroundings.plan_dir.join(".salvor");
    let scratch = local.join("scratch");
    let reading = Reading {
        registry,
        surroundings,
        scratch: &scratch,
        stop: &CancellationToken::new(),
    };
    let store = reading
        .ask(async |call| keeper.shared_store(at, &settings.with, &call).await)
        .await
        .map_err(|error| Refusal {
            exit: Exit::Refused,
            what: format!("the state at {at} cannot be reached: {error}"),
            hint: error.hint().map(str::to_owned),
        })?;
    Ok(Arc::new(SharedPlace::new(
        store,
        local,
        Arc::clone(&surroundings.clock),
        Arc::clone(&surroundings.randomness),
    )))
}

/// The state of a plan; made when it is not there.
pub async fn state_of(
    instance: &Instance,
    registry: &Registry,
    surroundings: &Surroundings,
) -> anyhow::Result<Environment> {
    let place = place_of(&instance.state, &instance.dir, registry, surroundings).await?;
    Ok(Environment::open(place, surroundings.randomness.as_ref()).await?)
}

/// The same for a command that only looks: nothing is made.
pub async fn state_to_look(
    instance: &Instance,
    registry: &Registry,
    surroundings: &Surroundings,
) -> anyhow::Result<Environment> {
    let place = place_of(&instance.state, &instance.dir, registry, surroundings).await?;
    Ok(Environment::to_look(place, surroundings.randomness.as_ref()).await?)
}

/// The state of the plan in a folder, which must exist. A plan that is broken now still has its runs.
pub async fn existing_state(
    plan_dir: &Path,
    registry: &Registry,
    surroundings: &Surroundings,
) -> anyhow::Result<Environment> {
    let settings = state_settings(plan_dir);
    let place = place_of(&settings, &folder_of(plan_dir), registry, surroundings).await?;
    let shown = place.shown();
    Environment::open_existing(place)
        .await
        .map_err(|error| match error {
            StorageError::Missing { .. } => {
                let what = format!("there are no runs in {shown}: {error}");
                Refusal::new(Exit::Refused, what)
                    .hint("Name the folder of the plan, here or with --plan-dir.")
                    .into()
            }
            // Runs that cannot be seen are not runs that are not there.
            StorageError::Busy { .. }
            | StorageError::Unfit { .. }
            | StorageError::Unreachable { .. }
            | StorageError::Refused { .. }
            | StorageError::Io { .. } => error.into(),
        })
}

/// The id of the run that a command names by it or by its beginning. No journal is read: one may be damaged.
pub async fn run_id_of(state: &Environment, choice: &RunChoice) -> anyhow::Result<RunId> {
    let mut found = state.run_ids().await?;
    found.retain(|run| run.as_str().starts_with(&choice.run));
    match (found.pop(), found.is_empty()) {
        (Some(run), true) => Ok(run),
        (Some(_), false) => {
            let what = format!("more than one run begins with `{}`", choice.run);
            Err(Refusal::new(Exit::Usage, what)
                .hint("`salvor runs` lists them.")
                .into())
        }
        (None, _) => {
            let what = format!("there is no run `{}` in {}", choice.run, state.shown());
            Err(Refusal::new(Exit::Refused, what)
                .hint("`salvor runs` lists them.")
                .into())
        }
    }
}

/// The run that a command names, read and proved.
pub async fn run_of(state: &Environment, choice: &RunChoice) -> anyhow::Result<Chain> {
    let run = run_id_of(state, choice).await?;
    let at = plan_dir_option(&choice.plan_dir);
    let chain = state.chain(&run).await;
    chain.with_context(|| Distrusted { run, at })
}

/// What a command that is copied from here needs to find the runs of a plan: nothing in the plan's own folder.
pub fn plan_dir_option(plan_dir: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    let plan_dir = here.join(plan_dir);
    if plan_dir == here {
        return String::new();
    }
    let shown = plan_dir.strip_prefix(&here).unwrap_or(&plan_dir);
    format!(" --plan-dir {}", shown.display())
}
