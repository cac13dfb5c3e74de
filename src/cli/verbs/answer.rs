//! `salvor answer`: leaves an answer for the process that works on a run.

use anyhow::Context as _;
use salvor_contract::Answer;
use salvor_contract::Error;
use salvor_contract::StepName;
use tokio_util::sync::CancellationToken;

use crate::cli::arguments::Answer as Arguments;
use crate::cli::exit::Exit;
use crate::cli::load;
use crate::cli::output;
use crate::cli::part::operator;
use crate::cli::people::attached;
use crate::cli::refusal::Refusal;
use crate::cli::verbs::runs::change_set_of;
use crate::execution::asking::answered;
use crate::journal::Environment;
use crate::journal::RunState;
use crate::journal::Status;
use crate::journal::chain::Chain;
use crate::journal::storage::StorageError;
use crate::registry::Registry;
use crate::surroundings::Surroundings;
use crate::survey::Reading;

/// Leaves an answer in the run's inbox. It counts once the process that works on the run has recorded it.
pub async fn answer(
    arguments: &Arguments,
    registry: &Registry,
    surroundings: &Surroundings,
) -> anyhow::Result<Exit> {
    let state = load::existing_state(&arguments.choice.plan_dir, registry, surroundings).await?;
    let chain = load::run_of(&state, &arguments.choice).await?;
    let run = chain.state.run.clone();
    if chain.state.phase.is_over() {
        let what = format!("run {run} is over: nobody waits for an answer");
        return Err(Refusal::new(Exit::Refused, what)
            .hint(format!(
                "`salvor report {run}{}` has what came of it.",
                load::plan_dir_option(&surroundings.plan_dir)
            ))
            .into());
    }
    let step = asked_step(&chain.state, arguments.step.as_deref())?;
    let file = arguments.file.as_deref().map(attached).transpose()?;
    let answer = Answer {
        text: arguments.text.clone().unwrap_or_default(),
        by: operator(),
        role: arguments.role.clone(),
        at: surroundings.clock.now(),
        file,
    };
    refuse_unfit(&answer, &step, &state, &chain, registry, surroundings).await?;
    let left = state.put_answer(&run, &step, &answer, surroundings.randomness.as_ref());
    left.await.map_err(|error| match error {
        StorageError::Unfit { what } => {
            let at = load::plan_dir_option(&surroundings.plan_dir);
            anyhow::Error::from(Refusal::new(Exit::Refused, what).hint(format!(
                "The run takes it up when it goes on: `salvor show {run}{at}` tells how it stands."
            )))
        }
        error @ (StorageError::Missing { .. }
        | StorageError::Busy { .. }
        | StorageError::Unreachable { .. }
        | StorageError::Refused { .. }
        | StorageError::Io { .. }) => error.into(),
    })?;
    output::result(&format!(
        "answer to {step} left for run {run}; it counts once the run has recorded it"
    ));
    Ok(Exit::Ok)
}

/// Refuses an answer that the step's provider would not accept, before anybody waits for it.
async fn refuse_unfit(
    answer: &Answer,
    step: &StepName,
    state: &Environment,
    chain: &Chain,
    registry: &Registry,
    surroundings: &Surroundings,
) -> anyhow::Result<()> {
    let change_set = change_set_of(state, &chain.state).await?;
    let planned = change_set
        .step(step)
        .context("the step that asks is not in the change set")?;
    let judge = registry
        .provider(planned.action.provider())
        .context("no provider here performs the step that asks")?;
    let operation = answered(&change_set, &chain.state, registry, planned, answer.clone());
    let operation = operation.map_err(anyhow::Error::from)?;
    let reading = Reading {
        registry,
        surroundings,
        scratch: &state.look_scratch(),
        stop: &CancellationToken::new(),
    };
    let judged = reading
        .ask(async |call| judge.preview(&operation, &call).await)
        .await;
    match judged {
        Err(Error::Refused { what, .. }) => {
            let run = &chain.state.run;
            let what = format!("the answer to {step} will not do: {what}");
            let at = load::plan_dir_option(&surroundings.plan_dir);
            Err(Refusal::new(Exit::Refused, what)
                .hint(format!("`salvor show {run} {step}{at}` has the question."))
                .into())
        }
        // What the provider cannot judge now is judged when the run takes it up.
        Ok(_) | Err(Error::Transient { .. } | Error::Unknown { .. }) => Ok(()),
    }
}

/// The step that is meant: the named one, or the only one that asks.
fn asked_step(state: &RunState, named: Option<&str>) -> anyhow::Result<StepName> {
    let asked: Vec<&StepName> = state.with_status(Status::Asked).collect();
    let list = asked
        .iter()
        .map(|name| name.as_str())
        .collect::<Vec<_>>()
        .join(", ");
    let refuse = |what: String| Err(Refusal::new(Exit::Refused, what).into());
    match (named, asked.as_slice()) {
        (Some(name), _) if asked.iter().any(|asked| asked.as_str() == name) => {
            Ok(StepName::new(name))
        }
        (Some(name), []) => refuse(format!(
            "step `{name}` does not ask anything, nor does any other"
        )),
        (Some(name), _) => refuse(format!(
            "step `{name}` does not ask anything; these do: {list}"
        )),
        (None, [only]) => Ok((*only).clone()),
        (None, []) => refuse("no step of the run asks anything".to_owned()),
        (None, _) => refuse(format!("more than one step asks; name one of: {list}")),
    }
}
