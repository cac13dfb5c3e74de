//! `salvor apply`: does what a plan or a saved change set says, once, and only while it still holds.

use std::path::Path;
use std::sync::Arc;

use salvor_contract::Period;

use crate::change_set;
use crate::change_set::ChangeSet;
use crate::cli::arguments::Apply;
use crate::cli::arguments::PlanChoice;
use crate::cli::confirm::confirm;
use crate::cli::exit::Exit;
use crate::cli::load;
use crate::cli::others::refuse_open;
use crate::cli::output;
use crate::cli::part::Hold;
use crate::cli::part::Way;
use crate::cli::part::operator;
use crate::cli::part::source;
use crate::cli::planning;
use crate::cli::refusal::Refusal;
use crate::diff::stale;
use crate::digest::Digest;
use crate::journal::Body;
use crate::journal::Journal;
use crate::journal::OpenError;
use crate::journal::StateFolder;
use crate::journal::names::run_id;
use crate::journal::storage::Storage as _;
use crate::model::Instance;
use crate::recovery_points::Request;
use crate::registry::Registry;
use crate::surroundings::Surroundings;

/// How long a change set that is applied at once may be confirmed.
const VALID: Period = Period::from_seconds(24 * 60 * 60);

/// Applies a plan, or a saved change set.
pub async fn apply(
    arguments: &Apply,
    registry: &Registry,
    surroundings: &Surroundings,
) -> anyhow::Result<Exit> {
    refuse_missing(&arguments.choice.plan)?;
    let (change_set, state) = if is_change_set(&arguments.choice.plan) {
        approved(arguments, registry, surroundings).await?
    } else {
        let instance = load::instance(
            &arguments.choice,
            arguments.scenario.scenario.as_deref(),
            registry,
        )?;
        let request = load::request(&arguments.goal)?;
        let state = load::state_of(&instance, surroundings).await?;
        let computed =
            planning::look(&instance, &state, registry, surroundings, request, VALID).await?;
        output::result_text(&planning::text(&computed));
        planning::refuse_problems(&computed)?;
        (computed.change_set, state)
    };
    let fingerprints = confirm(&change_set, &arguments.confirmed, !arguments.no_input)?;
    begin(
        &change_set,
        state,
        fingerprints,
        &arguments.despite,
        registry,
        surroundings,
        !arguments.no_input,
    )
    .await
}

/// Opens the run of a change set and performs it.
async fn begin(
    change_set: &ChangeSet,
    state: StateFolder,
    mut fingerprints: Vec<String>,
    despite: &[String],
    registry: &Registry,
    surroundings: &Surroundings,
    may_ask: bool,
) -> anyhow::Result<Exit> {
    let at = load::plan_dir_option(&surroundings.plan_dir);
    let digest = change_set.digest();
    let run = run_id(state.lineage(), &digest, &change_set.nonce);
    let hold = Hold::take(state, run.clone(), surroundings).await?;
    hold.sweep().await;
    if hold.state.chain(&run).await.is_ok() {
        return Err(consumed(&run, &at).into());
    }
    match refuse_open(&hold.state, despite, &at).await {
        Ok(passed_over) => fingerprints.extend(passed_over),
        Err(refused) => {
            hold.give_back().await;
            return Err(refused);
        }
    }
    let storage = hold.state.create(&run).await?;
    // The bytes before the record that names them: a run is never without its change set.
    let bytes = serde_json::to_vec(change_set)?;
    debug_assert_eq!(
        Digest::of_bytes(&bytes),
        digest,
        "the digest is over these bytes"
    );
    storage.put_blob(&digest, &bytes).await?;
    let opened = Body::Opened {
        lineage: hold.state.lineage().to_owned(),
        plan: change_set.plan.clone(),
        scenario: change_set.scenario.name.clone(),
        change_set: digest,
        approval: change_set.nonce.clone(),
        goal: change_set.goal,
        tool: env!("CARGO_PKG_VERSION").to_owned(),
        holder: hold.holder.clone(),
    };
    let created =
        Journal::create(Arc::new(storage), source(surroundings), run.clone(), opened).await;
    let journal = match created {
        Ok(journal) => journal,
        Err(OpenError::Exists { run }) => return Err(consumed(&run, &at).into()),
        Err(error) => return Err(error.into()),
    };
    if !fingerprints.is_empty() {
        journal
            .append(Body::Confirmed {
                fingerprints,
                by: operator(),
            })
            .await?;
    }
    hold.part(
        change_set,
        &journal,
        registry,
        surroundings,
        Way::GoOn,
        may_ask,
    )
    .await
}

fn consumed(run: &salvor_contract::RunId, at: &str) -> Refusal {
    Refusal::new(
        Exit::Refused,
        format!("this change set was applied already, as run {run}"),
    )
    .hint(format!(
        "Look at it with `salvor show {run}{at}`, go on with `salvor resume {run}{at}`, or make a new plan."
    ))
}

/// What was meant by a path that is not there: a plan is named by its folder or its TOML file.
fn refuse_missing(path: &Path) -> Result<(), Refusal> {
    let is_saved = path
        .extension()
        .is_some_and(|extension| extension != "toml");
    if path.exists() || !is_saved {
        return Ok(());
    }
    let what = format!("there is no change set {}", path.display());
    Err(Refusal::new(Exit::Usage, what)
        .hint("Save one with `salvor plan --out FILE`, or name the folder of a plan."))
}

fn is_change_set(path: &Path) -> bool {
    path.is_file() && path.extension().is_none_or(|extension| extension != "toml")
}

/// A saved change set, when it is whole, of this plan and environment, in time, and still what the world asks for.
async fn approved(
    arguments: &Apply,
    registry: &Registry,
    surroundings: &Surroundings,
) -> anyhow::Result<(ChangeSet, StateFolder)> {
    let path = &arguments.choice.plan;
    refuse_other_wishes(arguments)?;
    let at = load::plan_dir_option(&surroundings.plan_dir);
    let change_set = change_set::load(path).map_err(|error| {
        let what = format!("{}: {:#}", path.display(), anyhow::Error::from(error));
        Refusal::new(Exit::Refused, what)
            .hint("Give a plan's folder, or a change set that `salvor plan --out` saved.")
    })?;
    if surroundings.clock.now() > change_set.expires {
        let what = format!("{} was good until {}", path.display(), change_set.expires);
        return Err(Refusal::new(Exit::Refused, what)
            .hint("Make a new one with `salvor plan --out`.")
            .into());
    }
    let instance = instance_of(&change_set, arguments, registry)?;
    let state = load::state_of(&instance, surroundings).await?;
    if state.lineage() != change_set.lineage {
        let what = format!("{} was made for another environment", path.display());
        return Err(Refusal::new(Exit::Refused, what)
            .hint("Name the folder of its plan with --plan-dir.")
            .into());
    }
    let run = run_id(state.lineage(), &change_set.digest(), &change_set.nonce);
    if state.chain(&run).await.is_ok() {
        return Err(consumed(&run, &at).into());
    }
    let request = Request::again(&change_set);
    let now = planning::look(&instance, &state, registry, surroundings, request, VALID).await?;
    let deltas = stale(&change_set, &now.change_set);
    if !deltas.is_empty() {
        // Another process may have begun it meanwhile: what differs is then what that run did.
        if state.chain(&run).await.is_ok() {
            return Err(consumed(&run, &at).into());
        }
        planning::show_deltas(&deltas);
        let what = format!(
            "the world is not what {} was made from; {} differences",
            path.display(),
            deltas.len()
        );
        return Err(Refusal::new(Exit::Refused, what)
            .hint("Make a new one with `salvor plan --out`.")
            .into());
    }
    Ok((change_set, state))
}

/// Everything that can be wished for is in the change set: an option beside it would be ignored.
fn refuse_other_wishes(arguments: &Apply) -> Result<(), Refusal> {
    let Apply {
        choice,
        scenario,
        goal,
        plan_dir: _,
        confirmed: _,
        despite: _,
        no_input: _,
    } = arguments;
    let wishes = [
        ("--scenario", scenario.scenario.is_some()),
        ("--at", goal.at.is_some()),
        ("--backup", goal.backup.is_some()),
        ("--point", !goal.points.is_empty()),
        ("--input", !choice.inputs.is_empty()),
        ("--inputs", !choice.input_files.is_empty()),
    ];
    let Some((option, _)) = wishes.iter().find(|(_, is_given)| *is_given) else {
        return Ok(());
    };
    let file = choice.plan.display();
    let what = format!("{option} cannot be given with {file}: a saved change set has it fixed");
    let hint = format!(
        "Leave it out, or make another change set with `salvor plan {option} … --out FILE`."
    );
    Err(Refusal::new(Exit::Usage, what).hint(hint))
}

/// The plan of a change set with the inputs that the change set holds.
fn instance_of(
    change_set: &ChangeSet,
    arguments: &Apply,
    registry: &Registry,
) -> anyhow::Result<Instance> {
    let folder = arguments
        .plan_dir
        .clone()
        .unwrap_or_else(|| load::folder_of(&arguments.choice.plan));
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".").to_owned()
    } else {
        folder
    };
    let choice = PlanChoice {
        plan: folder,
        inputs: Vec::new(),
        input_files: Vec::new(),
    };
    load::approved_instance(&choice, change_set, "the change set", registry)
}
