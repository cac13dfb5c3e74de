//! `salvor resume` and `salvor abort`: take up a run that another process left, in whatever state.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Context as _;
use salvor_contract::Outcome;
use salvor_contract::StepName;
use salvor_contract::Type;
use salvor_contract::Values;
use serde_json::Value;

use crate::change_set::ChangeSet;
use crate::cli::arguments::Abort;
use crate::cli::arguments::Resume;
use crate::cli::arguments::RunChoice;
use crate::cli::exit::Exit;
use crate::cli::load;
use crate::cli::others::refuse_newer;
use crate::cli::output;
use crate::cli::part::Hold;
use crate::cli::part::Way;
use crate::cli::part::operator;
use crate::cli::part::source;
use crate::cli::planning::show_deltas;
use crate::cli::refusal::Distrusted;
use crate::cli::refusal::Refusal;
use crate::cli::verbs::runs::change_set_of;
use crate::diff::changed_files;
use crate::execution::reopen::reopened_by;
use crate::journal::Body;
use crate::journal::Decision;
use crate::journal::FailureKind;
use crate::journal::Journal;
use crate::journal::Proved;
use crate::journal::RunState;
use crate::journal::Status;
use crate::registry::Registry;
use crate::report;
use crate::surroundings::Surroundings;
use crate::template;

/// Goes on with a run.
pub async fn resume(
    arguments: &Resume,
    registry: &Registry,
    surroundings: &Surroundings,
) -> anyhow::Result<Exit> {
    let taken = take(&arguments.choice, registry, surroundings).await?;
    // Refused before the run is touched: it stays as it was, with the reason why it stopped.
    let decided = refuse_changed_files(&taken, &arguments.choice.plan_dir, surroundings)
        .and_then(|()| decisions(taken.proved.state(), &taken.change_set, registry, arguments));
    let decisions = match decided {
        Ok(decisions) => decisions,
        Err(refusal) => {
            taken.hold.give_back().await;
            return Err(refusal.into());
        }
    };
    let (taken, passed_over) = taken.unless_newer(&arguments.despite).await?;
    let now = surroundings.clock.now();
    output::progress(&report::taken_up(
        &taken.change_set,
        taken.proved.state(),
        now,
    ));
    let why = said(format!("asked by {}", operator()), &passed_over);
    let Taken {
        hold,
        proved,
        change_set,
    } = taken;
    let journal = open(&hold, proved, why, surroundings).await?;
    for (step, decision, why) in decisions {
        record(&journal, step, decision, why).await?;
    }
    let reopened = journal.with_state(|state| reopened_by(&change_set, |step| state.status(step)));
    for step in reopened {
        let why = "a final step ran before the steps that it finishes: both once more".to_owned();
        record(&journal, step, Decision::Retry, why).await?;
    }
    hold.part(
        &change_set,
        &journal,
        registry,
        surroundings,
        Way::GoOn,
        !arguments.no_input,
    )
    .await
}

/// Gives a run up.
pub async fn abort(
    arguments: &Abort,
    registry: &Registry,
    surroundings: &Surroundings,
) -> anyhow::Result<Exit> {
    let taken = take(&arguments.choice, registry, surroundings).await?;
    let leave = match final_steps(&taken.change_set, &arguments.leave) {
        Ok(leave) => leave,
        Err(refusal) => {
            taken.hold.give_back().await;
            return Err(refusal.into());
        }
    };
    let (taken, passed_over) = taken.unless_newer(&arguments.despite).await?;
    let Taken {
        hold,
        proved,
        change_set,
    } = taken;
    let why = said(format!("{} gives it up", operator()), &passed_over);
    let journal = open(&hold, proved, why, surroundings).await?;
    hold.part(
        &change_set,
        &journal,
        registry,
        surroundings,
        Way::GiveUp {
            why: &arguments.why,
            leave: &leave,
        },
        false,
    )
    .await
}

/// A run that nobody else works on, as it stands.
struct Taken {
    hold: Hold,
    proved: Proved,
    change_set: ChangeSet,
}

impl Taken {
    /// The same, unless a newer run has begun to change the environment that the operator did not name; with what
    /// was passed over.
    async fn unless_newer(self, despite: &[String]) -> anyhow::Result<(Self, Vec<String>)> {
        match refuse_newer(&self.hold.state, self.proved.state(), despite).await {
            Ok(passed_over) => Ok((self, passed_over)),
            Err(refused) => {
                self.hold.give_back().await;
                Err(refused)
            }
        }
    }
}

/// Why a process takes a run up, with the newer runs that the operator passed over.
fn said(why: String, passed_over: &[String]) -> String {
    let parts = std::iter::once(why).chain(passed_over.iter().cloned());
    parts.collect::<Vec<_>>().join("; ")
}

/// Takes the lock, then reads the run: whoever had the lock before may have gone on.
async fn take(
    choice: &RunChoice,
    registry: &Registry,
    surroundings: &Surroundings,
) -> anyhow::Result<Taken> {
    let state = load::existing_state(&choice.plan_dir, registry, surroundings).await?;
    let run = load::run_id_of(&state, choice).await?;
    let hold = Hold::take(state, run, surroundings).await?;
    match proved(&hold, &choice.plan_dir).await {
        Ok((proved, change_set)) => Ok(Taken {
            hold,
            proved,
            change_set,
        }),
        Err(error) => {
            // To open a journal sets space aside, also for a run that turns out to be over.
            hold.sweep().await;
            hold.give_back().await;
            Err(error)
        }
    }
}

/// The journal of a run that is not over, and its change set.
async fn proved(hold: &Hold, plan_dir: &Path) -> anyhow::Result<(Proved, ChangeSet)> {
    let proved = hold.state.prove(&hold.run).await;
    let proved = proved.with_context(|| Distrusted {
        run: hold.run.clone(),
        at: load::plan_dir_option(plan_dir),
    })?;
    refuse_over(proved.state(), &load::plan_dir_option(plan_dir))?;
    let change_set = change_set_of(&hold.state, proved.state()).await?;
    Ok((proved, change_set))
}

fn refuse_over(state: &RunState, at: &str) -> Result<(), Refusal> {
    let run = &state.run;
    if state.phase.is_over() {
        let what = format!("run {run} is over: nothing is left to do");
        let hint = format!("`salvor report {run}{at}` has it.");
        return Err(Refusal::new(Exit::Refused, what).hint(hint));
    }
    Ok(())
}

/// What a run still reads of the plan's folder must be what was reviewed. The plan itself is not read again.
fn refuse_changed_files(
    taken: &Taken,
    plan_dir: &Path,
    surroundings: &Surroundings,
) -> Result<(), Refusal> {
    let state = taken.proved.state();
    let steps = taken.change_set.steps.iter();
    let open = steps.filter(|step| state.status(&step.name) != Status::Succeeded);
    let deltas = changed_files(open, &surroundings.plan_dir);
    if deltas.is_empty() {
        return Ok(());
    }
    show_deltas(&deltas);
    let (run, at) = (&state.run, load::plan_dir_option(plan_dir));
    let what = format!("run {run} still reads files that are not as they were reviewed");
    Err(Refusal::new(Exit::Refused, what).hint(format!(
        "Put them back as they were, or give the run up with `salvor abort {run}{at}` and make a new plan."
    )))
}

async fn open(
    hold: &Hold,
    proved: Proved,
    why: String,
    surroundings: &Surroundings,
) -> anyhow::Result<Journal> {
    // Before the record: whoever cannot make it has not taken the run up.
    hold.state.make_scratch(&hold.run).await?;
    let holder = hold.holder.clone();
    Ok(Journal::resume(proved, source(surroundings), holder, why).await?)
}

/// What a person decided about steps that failed or that nobody can tell of, each of it allowed.
fn decisions(
    state: &RunState,
    change_set: &ChangeSet,
    registry: &Registry,
    arguments: &Resume,
) -> Result<Vec<(StepName, Decision, String)>, Refusal> {
    let retried = names(change_set, &arguments.retry)?;
    let declared = names(change_set, &arguments.succeeded)?;
    if let Some(both) = retried.intersection(&declared).next() {
        let what = format!("{both} cannot be both tried again and declared done");
        return Err(Refusal::new(Exit::Usage, what));
    }
    let mut decisions = Vec::new();
    for name in &retried {
        refuse_under_way(
            state,
            name,
            &load::plan_dir_option(&arguments.choice.plan_dir),
        )?;
        let why = match (state.status(name), &arguments.why) {
            (Status::Failed, None) => "asked for with --retry".to_owned(),
            (Status::Failed | Status::Unknown, Some(why)) => why.clone(),
            (Status::Unknown, None) => {
                let what = format!(
                    "nobody can tell whether {name} was done: a second time may repeat its effect"
                );
                return Err(Refusal::new(Exit::Refused, what).hint(
                    "Look at the service, then say with --why what proves that it was not done.",
                ));
            }
            (other, _) => {
                let what = format!("step `{name}` has not failed: it is {}", other.word());
                return Err(Refusal::new(Exit::Refused, what)
                    .hint("Name a step that `salvor show` lists as failed or unknown."));
            }
        };
        decisions.push((name.clone(), Decision::Retry, why));
    }
    // Whoever resumes is there to answer, or knows who is.
    let unanswered = change_set
        .steps
        .iter()
        .map(|step| &step.name)
        .filter(|name| {
            let step = state.step(name);
            let failure = step.failure.filter(|_| step.status == Status::Failed);
            failure.is_some_and(|failure| failure.kind == FailureKind::Unanswered)
                && !retried.contains(*name)
        });
    decisions.extend(unanswered.map(|name| {
        let why = "nobody had answered: asked again".to_owned();
        (name.clone(), Decision::Retry, why)
    }));
    let mut outputs = given_outputs(change_set, registry, &declared, &arguments.outputs)?;
    for name in &declared {
        let status = state.status(name);
        if status != Status::Unknown {
            let what = format!("step `{name}` is {}: its outcome is known", status.word());
            return Err(Refusal::new(Exit::Refused, what)
                .hint("Only a step that is unknown can be declared done; retry one that failed."));
        }
        let Some(why) = &arguments.why else {
            let what = format!("that {name} succeeded needs a reason");
            return Err(Refusal::new(Exit::Usage, what).hint("Say with --why what proves it."));
        };
        let outputs = outputs.remove(name).unwrap_or_default();
        refuse_missing(change_set, name, &outputs)?;
        let decision = Decision::Succeeded(Outcome::of(outputs));
        decisions.push((name.clone(), decision, why.clone()));
    }
    Ok(decisions)
}

/// Refuses to begin a step anew beside the operation that the last look found under way.
fn refuse_under_way(state: &RunState, name: &StepName, at: &str) -> Result<(), Refusal> {
    if !state.step(name).is_under_way {
        return Ok(());
    }
    let what =
        format!("{name} is under way, as the last look found: a second one may repeat its effect");
    Err(Refusal::new(Exit::Refused, what).hint(format!(
        "Without --retry, `salvor resume {}{at}` waits for it. To begin it anew, end it at its service first.",
        state.run
    )))
}

fn names(change_set: &ChangeSet, list: &[String]) -> Result<BTreeSet<StepName>, Refusal> {
    let name = |name: &String| {
        let name = StepName::new(name.as_str());
        let missing = || Refusal::new(Exit::Usage, format!("the run has no step `{name}`"));
        change_set.step(&name).ok_or_else(missing)?;
        Ok(name)
    };
    list.iter().map(name).collect()
}

fn final_steps(change_set: &ChangeSet, list: &[String]) -> Result<BTreeSet<StepName>, Refusal> {
    let names = names(change_set, list)?;
    let is_final = |name: &&StepName| change_set.step(name).is_some_and(|step| step.finally);
    match names.iter().find(|name| !is_final(name)) {
        None => Ok(names),
        Some(other) => {
            let what = format!("`--leave {other}`: it is no final step, and nothing waits for it");
            Err(Refusal::new(Exit::Usage, what).hint("Name a step that has `finally = true`."))
        }
    }
}

/// The outputs that were given with `--output STEP.NAME=VALUE`, by step.
fn given_outputs(
    change_set: &ChangeSet,
    registry: &Registry,
    declared: &BTreeSet<StepName>,
    given: &[String],
) -> Result<BTreeMap<StepName, Values>, Refusal> {
    let usage = |what: String| Refusal::new(Exit::Usage, what);
    let mut outputs: BTreeMap<StepName, Values> = BTreeMap::new();
    for text in given {
        let parts = text.split_once('=').and_then(|(place, value)| {
            let (step, output) = place.split_once('.')?;
            Some((StepName::new(step), output, value))
        });
        let Some((step, output, value)) = parts else {
            return Err(usage(format!("`--output {text}` names no output"))
                .hint("Write it as --output step.name=value."));
        };
        if !declared.contains(&step) {
            return Err(usage(format!(
                "`--output {text}` belongs to no --succeeded"
            )));
        }
        let action = change_set.step(&step).map(|step| &step.action);
        let kind = action.and_then(|action| registry.action(action));
        let known = kind.and_then(|kind| kind.outputs.iter().find(|known| known.name == output));
        let Some(known) = known else {
            return Err(usage(format!("step `{step}` has no output `{output}`")));
        };
        let value = match known.gives {
            Type::Integer
            | Type::Number
            | Type::Boolean
            | Type::List(_)
            | Type::Map(_)
            | Type::Table(_) => serde_json::from_str(value)
                .map_err(|error| usage(format!("the value of `--output {text}`: {error}")))?,
            Type::Text
            | Type::Period
            | Type::Size
            | Type::Time
            | Type::Secret
            | Type::OneOf(_)
            | Type::Any => Value::from(value),
        };
        outputs.entry(step).or_default().set(output, value);
    }
    Ok(outputs)
}

/// Refuses a declared success without the outputs that other steps are made from: they would fail for ever.
fn refuse_missing(
    change_set: &ChangeSet,
    declared: &StepName,
    outputs: &Values,
) -> Result<(), Refusal> {
    for step in &change_set.steps {
        let paths = step
            .with
            .iter()
            .flat_map(|(_, value)| template::references(value));
        for path in paths {
            let [root, name, output, ..] = path.as_slice() else {
                continue;
            };
            if root == "steps" && name == declared.as_str() && outputs.get(output).is_none() {
                let what = format!("{} needs {declared}.{output}", step.name);
                return Err(Refusal::new(Exit::Usage, what)
                    .hint(format!("Give it with --output {declared}.{output}=VALUE.")));
            }
        }
    }
    Ok(())
}

async fn record(
    journal: &Journal,
    step: StepName,
    decision: Decision,
    why: String,
) -> anyhow::Result<()> {
    let body = Body::Decided {
        step,
        decision,
        by: operator(),
        why,
    };
    journal.append(body).await?;
    Ok(())
}
