//! What `apply`, `resume` and `abort` share: lock, journal, terminal, signals, and the words at the end.

use std::collections::BTreeSet;
use std::io::IsTerminal as _;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use salvor_contract::RunId;
use salvor_contract::StepName;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;
use tokio_util::sync::CancellationToken;

use crate::change_set::ChangeSet;
use crate::cli::exit::Exit;
use crate::cli::load;
use crate::cli::output;
use crate::cli::people::Operators;
use crate::cli::refusal::Refusal;
use crate::cli::screen::Screen;
use crate::cli::surroundings::environment;
use crate::cli::watch::Outlook;
use crate::cli::watch::Terminal;
use crate::conduct::Ended;
use crate::conduct::Part;
use crate::execution::unfinished::Unfinished;
use crate::execution::unfinished::unfinished;
use crate::journal::Environment;
use crate::journal::Journal;
use crate::journal::RunState;
use crate::journal::StopReason;
use crate::journal::Verdict;
use crate::journal::lock::Claim;
use crate::journal::lock::Guard;
use crate::journal::lock::Holder;
use crate::journal::storage::StorageError;
use crate::journal::writer::Source;
use crate::registry::Registry;
use crate::report;
use crate::surroundings::Surroundings;

/// A process's hold on an environment, from which its part of a run is made.
pub struct Hold {
    /// The state of the environment.
    pub state: Environment,
    /// This process.
    pub holder: Holder,
    /// The run.
    pub run: RunId,
    guard: Box<dyn Guard>,
}

/// How a process takes part in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way<'a> {
    /// It goes on.
    GoOn,
    /// It gives it up.
    GiveUp {
        /// Why.
        why: &'a str,
        /// The final steps that need not have run.
        leave: &'a BTreeSet<StepName>,
    },
}

impl Hold {
    /// Takes the environment's lock for a run.
    ///
    /// # Errors
    /// When another process holds it: who, and what to do.
    pub async fn take(
        state: Environment,
        run: RunId,
        surroundings: &Surroundings,
    ) -> anyhow::Result<Self> {
        let holder = Holder::of_this_process(operator());
        let claim = Claim {
            run: run.clone(),
            holder: holder.clone(),
            since: surroundings.clock.now(),
        };
        state.fit().await?;
        let lock = state.lock(
            Arc::clone(&surroundings.clock),
            Arc::clone(&surroundings.randomness),
        );
        let guard = lock.acquire(claim).await.map_err(|error| {
            let hint = error.hint(&load::plan_dir_option(&surroundings.plan_dir));
            Refusal {
                exit: Exit::Refused,
                what: error.to_string(),
                hint,
            }
        })?;
        Ok(Self {
            state,
            holder,
            run,
            guard,
        })
    }

    /// Gives the lock back without having done anything. A lock that stays is taken over from a dead process.
    pub async fn give_back(self) {
        if let Err(error) = self.guard.release().await {
            output::progress(&format!("warning: the lock was not given back: {error}"));
        }
    }

    /// Removes what runs that are over have left: salvor may have been killed before it did.
    pub async fn sweep(&self) {
        self.state.sweep().await.into_iter().for_each(not_removed);
    }

    /// Runs this process's part to its end, says how it ended, and gives the lock back.
    pub async fn part(
        self,
        change_set: &ChangeSet,
        journal: &Journal,
        registry: &Registry,
        surroundings: &Surroundings,
        way: Way<'_>,
        may_ask: bool,
    ) -> anyhow::Result<Exit> {
        let width = change_set
            .steps
            .iter()
            .map(|step| step.name.as_str().len())
            .max()
            .unwrap_or(0);
        let journal_at = self.state.shown_run(&self.run);
        let at = load::plan_dir_option(&surroundings.plan_dir);
        let outlook = Outlook {
            answer_with: format!("salvor answer {}{at}", self.run),
            width: width.min(40),
            elapsed: Duration::from_millis(journal.with_state(|state| state.last.run_ms)),
            rto: change_set.scenario.rto.map(|rto| rto.duration()),
            is_whole: change_set.forecast.no_data.is_empty(),
        };
        let screen = Arc::new(Screen::default());
        let terminal = Terminal::new(
            Arc::clone(&surroundings.clock),
            Arc::clone(&screen),
            outlook,
        );
        screen.line(&report::headline(&self.run, &journal_at, &at));
        let stop = stop_on_signals();
        let asks_here = may_ask && std::io::stdin().is_terminal();
        let people = Operators::new(
            Arc::clone(&surroundings.clock),
            self.state.clone(),
            self.run.clone(),
            operator(),
            asks_here.then(|| Arc::clone(&screen)),
        );
        let part = Part {
            change_set,
            journal,
            guard: self.guard.as_ref(),
            registry,
            surroundings,
            people: &people,
            watcher: &terminal,
            stop,
            scratch_root: self.state.scratch(&self.run)?,
        };
        let ended = match way {
            Way::GoOn => part.go_on().await,
            Way::GiveUp { why, leave } => part.give_up(&operator(), why, leave).await,
        };
        screen.close();
        let ended = ended.with_context(|| format!("run {} ended early; resume it", self.run))?;
        output::result_text(&report::ending(
            &self.run,
            change_set,
            &journal.state(),
            &ended,
            &at,
        ));
        self.clear_when_over(&ended).await;
        let run = self.run.clone();
        // What was recorded counts, whatever becomes of the lock.
        self.give_back().await;
        let state = journal.state();
        match (way, &ended) {
            (Way::GiveUp { .. }, Ended::Halted(StopReason::Unknown, _)) => {
                Err(not_given_up(&format!("{run}{at}"), &unfinished(change_set, &state)).into())
            }
            (Way::GoOn | Way::GiveUp { .. }, _) => Ok(exit_of(change_set, &state, &ended)),
        }
    }

    async fn clear_when_over(&self, ended: &Ended) {
        match ended {
            Ended::Halted(..) => {}
            Ended::Finished(_) | Ended::Aborted(_) => {
                let cleared = self.state.clear(&self.run).await;
                cleared.err().into_iter().for_each(not_removed);
            }
        }
    }
}

fn not_removed(error: StorageError) {
    output::progress(&format!("warning: {:#}", anyhow::Error::from(error)));
}

/// Where a journal takes its stamps and nonces from.
pub fn source(surroundings: &Surroundings) -> Source {
    Source {
        clock: Arc::clone(&surroundings.clock),
        randomness: Arc::clone(&surroundings.randomness),
    }
}

/// Who runs this: the login name, for journal and messages. Nothing is decided by it.
pub fn operator() -> String {
    ["SALVOR_OPERATOR", "SUDO_USER", "USER", "LOGNAME"]
        .into_iter()
        .find_map(environment)
        .unwrap_or_else(|| format!("uid {}", rustix::process::getuid().as_raw()))
}

/// The first SIGINT, SIGTERM or SIGHUP stops the run in good order; the second ends the process now, as a crash would.
fn stop_on_signals() -> CancellationToken {
    let stop = CancellationToken::new();
    let stopping = stop.clone();
    // Here and not in the task, which may not have run yet when the first signal comes.
    let (Ok(mut interrupt), Ok(mut terminate)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    ) else {
        return stop;
    };
    // Who starts salvor with `nohup` wants it to go on when the terminal goes.
    let mut hang_up = match hears_hang_up() {
        true => signal(SignalKind::hangup()).ok(),
        false => None,
    };
    tokio::spawn(async move {
        for is_first in [true, false] {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                () = heard(&mut hang_up) => {}
            }
            if is_first {
                stopping.cancel();
            } else {
                let _ = rustix::process::kill_process(
                    rustix::process::getpid(),
                    rustix::process::Signal::KILL,
                );
            }
        }
    });
    stop
}

async fn heard(signal: &mut Option<tokio::signal::unix::Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

/// False when this process was started with SIGHUP ignored. What cannot be read is taken for the usual case.
fn hears_hang_up() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    let hang_up = 1 << (SignalKind::hangup().as_raw_value() - 1);
    ignored.is_none_or(|mask| mask & hang_up == 0)
}

/// Why a run is not given up. `named` is the run as commands name it.
fn not_given_up(named: &str, unfinished: &[Unfinished<'_>]) -> Refusal {
    let waiting = unfinished.iter().filter(|last| !last.waits_for.is_empty());
    let said = waiting.clone().map(|last| {
        let (step, why) = (last.step, last.why());
        format!("`{step}` is to run whatever happens, and {why}")
    });
    let said: Vec<String> = said.collect();
    let what = format!("the run is not given up: {}", said.join("; "));
    let leave: String = waiting
        .clone()
        .map(|last| format!(" --leave {}", last.step))
        .collect();
    let unknown: BTreeSet<&StepName> = waiting.flat_map(|last| &last.waits_for).copied().collect();
    let decide = unknown.iter().map(|step| {
        format!("`salvor resume {named} --succeeded {step} --why …` or `--retry {step} --why …`")
    });
    let decide: Vec<String> = decide.collect();
    Refusal::new(Exit::Refused, what).hint(format!(
        "Look at the service and decide: {}. `resume` goes on with the run: what still is under way it waits for, and \
         what was not begun it begins. To begin nothing and do by hand what is left: `salvor abort {named}{leave}`.",
        decide.join("; ")
    ))
}

fn exit_of(change_set: &ChangeSet, state: &RunState, ended: &Ended) -> Exit {
    match ended {
        Ended::Finished(assessment) => match assessment.verdict {
            Verdict::Green | Verdict::Amber => Exit::Ok,
            Verdict::Red => Exit::Negative,
        },
        Ended::Halted(StopReason::Interrupt, _) => Exit::Interrupted,
        Ended::Halted(..) => Exit::StepFailed,
        Ended::Aborted(_) if report::left_undone(change_set, state).is_empty() => Exit::Ok,
        Ended::Aborted(_) => Exit::StepFailed,
    }
}
