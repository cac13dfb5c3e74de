//! From an instance to a change set: graph, survey, history, diff. Used by `plan` and `apply` alike.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Context as _;
use salvor_contract::Period;
use salvor_contract::StepName;
use salvor_contract::StoreName;
use tokio_util::sync::CancellationToken;

use crate::change_set::Predicted;
use crate::cli::exit::Exit;
use crate::cli::output;
use crate::cli::refusal::Refusal;
use crate::diff::Commission;
use crate::diff::Computed;
use crate::diff::Delta;
use crate::diff::compute;
use crate::graph::Graph;
use crate::journal::Environment;
use crate::model::Instance;
use crate::model::instance::Step;
use crate::model::instance::StoreRole;
use crate::plan_file::similar;
use crate::recovery_points::Request;
use crate::registry::Registry;
use crate::report::Look;
use crate::report::change_set_markdown;
use crate::report::change_set_text;
use crate::report::since_markdown;
use crate::report::since_text;
use crate::surroundings::Surroundings;
use crate::survey::Reading;
use crate::survey::survey;

/// Looks at the world and makes the change set, with the problems that keep it from being applied.
pub async fn look(
    instance: &Instance,
    state: &Environment,
    registry: &Registry,
    surroundings: &Surroundings,
    request: Request,
    valid: Period,
) -> anyhow::Result<Computed> {
    let graph = Graph::of(instance).context("the steps have no order")?;
    refuse_unknown_points(instance, &graph, &request)?;
    let stop = CancellationToken::new();
    let all_scratch = state.look_scratch();
    // A folder of its own: another `plan` beside this one must not lose its files.
    let scratch = all_scratch.join(surroundings.randomness.token());
    let reading = Reading {
        registry,
        surroundings,
        scratch: &scratch,
        stop: &stop,
    };
    let surveyed = survey(instance, &graph, &reading).await;
    let commission = Commission {
        tool: env!("CARGO_PKG_VERSION").to_owned(),
        lineage: state.lineage().to_owned(),
        nonce: surroundings.randomness.token(),
        valid,
        request,
        history: history(state, &instance.plan).await,
    };
    let computed = compute(instance, &graph, &surveyed, &commission, &reading).await;
    remove_scratch(&scratch);
    // The last of them takes the common folder with it.
    let _ = std::fs::remove_dir(all_scratch);
    Ok(computed)
}

/// Removes the folder into which previews put files.
fn remove_scratch(folder: &Path) {
    match std::fs::remove_dir_all(folder) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => output::progress(&format!(
            "warning: {} was not removed: {error}",
            folder.display()
        )),
    }
}

/// A point for a store that this scenario brings back from none would choose nothing, without a word.
fn refuse_unknown_points(
    instance: &Instance,
    graph: &Graph,
    request: &Request,
) -> anyhow::Result<()> {
    let with_point = |step: &Step| match &step.store {
        Some((StoreRole::Restore | StoreRole::Verify, store)) => Some(store.clone()),
        Some((StoreRole::Backup, _)) | None => None,
    };
    let restored: BTreeSet<StoreName> = graph
        .steps()
        .iter()
        .filter_map(|name| with_point(&instance.steps[name]))
        .collect();
    let names: Vec<&str> = restored.iter().map(|name| name.as_str()).collect();
    for store in request.points.keys() {
        if restored.contains(store) {
            continue;
        }
        let scenario = &instance.scenario.name;
        let what = if instance.stores.contains_key(store) {
            format!("`--point {store}=…`: scenario `{scenario}` does not restore `{store}`")
        } else {
            format!("`--point {store}=…`: the plan has no store `{store}`")
        };
        let list = match names.as_slice() {
            [] => "It restores none.".to_owned(),
            names => format!("Scenario `{scenario}` restores {}.", names.join(", ")),
        };
        let hint = match similar(store.as_str(), names.iter().copied()) {
            Some(name) => format!("Did you mean `{name}`? {list}"),
            None => list,
        };
        return Err(Refusal::new(Exit::Usage, what).hint(hint).into());
    }
    Ok(())
}

/// The change set as the terminal shows it, with the problems that keep it from being applied. What is different
/// from an earlier one comes first.
pub fn text(computed: &Computed) -> String {
    let look = look_of(output::width());
    let whole = change_set_text(&computed.change_set, &computed.problems, &look);
    match &computed.since {
        Some(since) => format!("{}\n{whole}", since_text(since, look.width)),
        None => whole,
    }
}

/// The same for a pull request.
pub fn markdown(computed: &Computed) -> String {
    let whole = change_set_markdown(&computed.change_set, &computed.problems, &look_of(0));
    match &computed.since {
        Some(since) => format!("{}\n{whole}", since_markdown(since)),
        None => whole,
    }
}

fn look_of(width: usize) -> Look {
    Look {
        width,
        zone: Some(jiff::tz::TimeZone::system()),
        with_details: false,
    }
}

/// What is not as it was when the change set was made, a line each.
pub fn show_deltas(deltas: &[Delta]) {
    for delta in deltas {
        output::progress(&format!("  {delta}"));
    }
}

/// Refuses a change set with problems; they were shown with it.
pub fn refuse_problems(computed: &Computed) -> anyhow::Result<()> {
    match computed.problems.len() {
        0 => Ok(()),
        1 => Err(Refusal::new(Exit::Refused, "this cannot be applied as it is: 1 problem").into()),
        more => Err(Refusal::new(
            Exit::Refused,
            format!("this cannot be applied as it is: {more} problems"),
        )
        .into()),
    }
}

/// So many of the newest runs tell how long steps take: older ones say less of today's stores, and are left unread.
const REMEMBERED: usize = 10;

/// How long the steps of this plan took in earlier runs: the median of those that succeeded.
async fn history(state: &Environment, plan: &str) -> BTreeMap<StepName, Predicted> {
    // Without readable runs there is no history, which the forecast says.
    let runs = state.newest(plan, REMEMBERED).await.unwrap_or_default();
    let mut lengths: BTreeMap<StepName, Vec<u64>> = BTreeMap::new();
    for run in runs {
        for (name, step) in &run.steps {
            if let Some(length) = run.measured_ms(step) {
                lengths.entry(name.clone()).or_default().push(length);
            }
        }
    }
    let predicted = lengths.into_iter().map(|(name, mut lengths)| {
        lengths.sort_unstable();
        let from = match lengths.len() {
            1 => "1 earlier run".to_owned(),
            more => format!("{more} earlier runs"),
        };
        let median = std::time::Duration::from_millis(lengths[lengths.len() / 2]);
        (
            name,
            Predicted {
                length: Period::from(median),
                from,
            },
        )
    });
    predicted.collect()
}
