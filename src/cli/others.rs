//! The other runs of an environment: which of them a run must not pass over in silence.
//!
//! Two runs of one environment write to the same world. A run that is open may still have an effect under way, and
//! an older run that goes on after a newer one would undo what that one did. Neither is forbidden: the operator who
//! knows better names the other run with `--despite`.

use salvor_contract::Class;
use salvor_contract::RunId;

use crate::cli::exit::Exit;
use crate::cli::output;
use crate::cli::refusal::Refusal;
use crate::journal::Environment;
use crate::journal::RunState;
use crate::journal::Status;
use crate::journal::environment::Listed;
use crate::journal::names::notification_of;

/// How many steps of another run are named.
const NAMED_MAX: usize = 3;

/// A run that stands in the way, and why.
struct Standing {
    run: RunId,
    why: String,
}

/// Refuses to begin a run while something of another one may be under way. Of those that are open and have
/// nothing under way it only tells. Returns what the operator passed over, one for each run.
///
/// # Errors
/// A refusal that names them, and errors of the state.
pub async fn refuse_open(
    state: &Environment,
    despite: &[String],
    at: &str,
) -> anyhow::Result<Vec<String>> {
    let mut standing = Vec::new();
    for Listed { run, state } in state.open_runs().await? {
        match state {
            Err(error) => {
                let why = format!("the journal of run {run} cannot be read: {error}");
                standing.push(Standing { run, why });
            }
            Ok(state) => match in_doubt(&state) {
                Some(steps) => {
                    let why = format!("run {run} is open, and nobody knows what became of {steps}");
                    standing.push(Standing { run, why });
                }
                None => output::progress(&format!(
                    "note: run {run} is open; once this run has begun to change the environment, it is not \
                     resumed without --despite. Give it up with `salvor abort {run}{at}`."
                )),
            },
        }
    }
    let hint = format!(
        "`salvor resume RUN{at}` finds it out. To begin all the same, add --despite RUN for each of them."
    );
    passed(standing, despite, &hint)
}

/// Refuses to go on with a run after a newer one has begun to change the environment. Returns what the operator
/// passed over, one for each run.
///
/// # Errors
/// A refusal that names them, and errors of the state.
pub async fn refuse_newer(
    state: &Environment,
    this: &RunState,
    despite: &[String],
) -> anyhow::Result<Vec<String>> {
    let mut standing = Vec::new();
    for Listed { run, state } in state.runs_since(this).await? {
        let why = match state {
            Err(error) => format!("the journal of run {run} cannot be read: {error}"),
            Ok(state) => match changed(&state) {
                Some(steps) => format!("run {run} is newer, and has begun {steps}"),
                None => continue,
            },
        };
        standing.push(Standing { run, why });
    }
    let hint = "Make a new plan. To go on all the same, add --despite RUN for each of them.";
    passed(standing, despite, hint)
}

fn passed(standing: Vec<Standing>, despite: &[String], hint: &str) -> anyhow::Result<Vec<String>> {
    let is_named = |run: &RunId| {
        let mut named = despite.iter();
        named.any(|named| !named.is_empty() && run.as_str().starts_with(named))
    };
    let (named, refused): (Vec<Standing>, Vec<Standing>) = standing
        .into_iter()
        .partition(|standing| is_named(&standing.run));
    if refused.is_empty() {
        let passed = named.into_iter();
        return Ok(passed
            .map(|standing| format!("despite run {}", standing.run))
            .collect());
    }
    let whys: Vec<String> = refused.into_iter().map(|standing| standing.why).collect();
    Err(Refusal::new(Exit::Refused, whys.join("; "))
        .hint(hint)
        .into())
}

/// The steps of which an effect may be under way.
fn in_doubt(state: &RunState) -> Option<String> {
    named(state, |status| {
        matches!(status, Status::Intended | Status::Unknown)
    })
}

/// The steps that may have changed something.
fn changed(state: &RunState) -> Option<String> {
    named(state, |_| true)
}

/// The steps that write, have begun and are of this status, in words; none when there are none.
fn named(state: &RunState, is_meant: impl Fn(Status) -> bool) -> Option<String> {
    let meant = state.steps.iter().filter(|(name, step)| {
        let writes = step
            .current()
            .is_some_and(|attempt| attempt.class != Class::Read);
        writes && is_meant(step.status) && notification_of(name).is_none()
    });
    let mut names: Vec<String> = meant.map(|(name, _)| format!("`{name}`")).collect();
    let more = names.len().saturating_sub(NAMED_MAX);
    names.truncate(NAMED_MAX);
    let list = names.join(", ");
    match (names.is_empty(), more) {
        (true, _) => None,
        (false, 0) => Some(list),
        (false, more) => Some(format!("{list} and {more} more")),
    }
}
