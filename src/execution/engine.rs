//! Runs a change set: starts what may start, waits for what runs, until nothing is left to do.
//!
//! One future, nothing spawned: to drop it is to crash it (decision 0001). Its only memory that counts
//! is the journal; the board is made from it anew by every process.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use salvor_contract::RunId;
use salvor_contract::StepName;
use serde_json::Value;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::change_set::ChangeSet;
use crate::change_set::PlannedStep;
use crate::execution::board::Board;
use crate::execution::board::Phase;
use crate::execution::facts::facts_of;
use crate::execution::watcher::End;
use crate::execution::watcher::Event;
use crate::execution::watcher::People;
use crate::execution::watcher::Watcher;
use crate::journal::Body;
use crate::journal::Journal;
use crate::journal::JournalError;
use crate::journal::Status;
use crate::model::instance::OnFailure;
use crate::registry::Registry;
use crate::surroundings::Surroundings;

/// Everything that a run needs, and nothing that it may decide.
pub struct Engine<'a> {
    /// What to do.
    pub change_set: &'a ChangeSet,
    /// Where it is recorded.
    pub journal: &'a Journal,
    /// Who does it.
    pub registry: &'a Registry,
    /// Clock, secrets, randomness, programs, folders.
    pub surroundings: &'a Surroundings,
    /// Who answers.
    pub people: &'a dyn People,
    /// Who watches.
    pub watcher: &'a dyn Watcher,
    /// Set when the operator wants to stop.
    pub stop: CancellationToken,
    /// Only `finally` steps are run: the run is given up.
    pub is_given_up: bool,
    /// Where operations may put files: a folder each below it.
    pub scratch_root: PathBuf,
    /// Held while a recovery point is chosen: a store's is chosen once.
    pub choosing: Arc<Mutex<()>>,
}

/// How a process's part of a run ended. Whether the run itself is over, the journal says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Every step has succeeded.
    Complete,
    /// Some step failed, or what became of it is unknown.
    Incomplete,
    /// The operator stopped it; operations may be going on at their services.
    Interrupted,
}

impl Engine<'_> {
    /// Runs until nothing is left that may be done.
    ///
    /// # Errors
    /// When the journal cannot be written: from that moment nothing more is begun.
    pub async fn run(&self) -> Result<Stopped, JournalError> {
        let mut board = self.board();
        let steps: BTreeMap<&StepName, &PlannedStep> = self
            .change_set
            .steps
            .iter()
            .map(|step| (&step.name, step))
            .collect();
        let mut running = FuturesUnordered::new();
        let named = |name: &StepName| steps[name];
        for step in board.steps_at(Phase::Running) {
            running.push(self.step(named(&step)));
        }
        let mut telling = FuturesUnordered::new();
        let mut told = BTreeSet::new();
        let mut news = self.journal.watch();
        let mut stop_seen = false;
        loop {
            while let Some(step) = board.take(self.surroundings.clock.elapsed()) {
                running.push(self.step(named(&step)));
            }
            for message in self.due(&told) {
                told.insert(message.name.clone());
                telling.push(self.tell(message));
            }
            self.watcher.saw(Event::Left {
                critical_path: board.critical_path_left(self.surroundings.clock.elapsed()),
            });
            let ended = tokio::select! {
                biased;
                () = self.stop.cancelled(), if !stop_seen => {
                    stop_seen = true;
                    board.stop();
                    self.watcher.saw(Event::Stopping { why: "no new step starts" });
                    continue;
                }
                ended = running.next() => ended,
                Some(sent) = telling.next() => {
                    sent?;
                    continue;
                }
                // A question is recorded while its step goes on: somebody may have to be told of it now.
                Ok(()) = news.changed(), if !self.change_set.notify.is_empty() => continue,
            };
            let Some((step, end)) = ended else { break };
            match end? {
                End::Succeeded | End::Adopted => board.ended(&step.name, Phase::Succeeded),
                End::Failed => {
                    board.ended(&step.name, Phase::Failed);
                    after_failure(&mut board, step);
                }
                End::Unknown => {
                    board.ended(&step.name, Phase::Unknown);
                    after_failure(&mut board, step);
                }
                End::LeftRunning => board.ended(&step.name, Phase::Unknown),
            }
        }
        while let Some(sent) = telling.next().await {
            sent?;
        }
        let all_succeeded = board.steps_at(Phase::Succeeded).len() == self.change_set.steps.len();
        Ok(if all_succeeded {
            Stopped::Complete
        } else if stop_seen {
            Stopped::Interrupted
        } else {
            Stopped::Incomplete
        })
    }

    /// The board as the journal has it: what has ended has ended, what was begun is running again.
    fn board(&self) -> Board {
        let mut board = Board::new(self.change_set);
        let statuses: Vec<Status> = self.journal.with_state(|state| {
            self.change_set
                .steps
                .iter()
                .map(|step| state.status(&step.name))
                .collect()
        });
        let mut must_wind_down = self.is_given_up;
        let mut stands = Vec::new();
        for (step, status) in self.change_set.steps.iter().zip(statuses) {
            let phase = match status {
                Status::Pending
                | Status::Asked
                | Status::Answered
                | Status::Retrying
                | Status::Skipped => continue,
                // What was unknown to an earlier process may be found out now; it is never sent anew unasked.
                Status::Intended | Status::Unknown => Phase::Running,
                Status::Succeeded => Phase::Succeeded,
                Status::Failed => Phase::Failed,
            };
            stands.push((&step.name, phase));
            must_wind_down |= phase == Phase::Failed && step.on_failure == OnFailure::Stop;
        }
        board.take_over(&stands, self.surroundings.clock.elapsed());
        if must_wind_down {
            board.wind_down();
        }
        board
    }

    /// Brings a step to its end: one that was begun is found again, any other is begun.
    pub(super) async fn step<'b>(
        &self,
        step: &'b PlannedStep,
    ) -> (&'b PlannedStep, Result<End, JournalError>) {
        let begun = self
            .journal
            .with_state(|state| match state.status(&step.name) {
                Status::Intended | Status::Unknown => state.step(&step.name).current().cloned(),
                Status::Pending
                | Status::Asked
                | Status::Answered
                | Status::Retrying
                | Status::Succeeded
                | Status::Failed
                | Status::Skipped => None,
            });
        let end = match begun {
            Some(attempt) => self.take_up(step, attempt).await,
            None => self.begin(step).await,
        };
        (step, end)
    }

    /// The facts that templates can refer to now, with the outputs of these steps.
    pub(super) fn facts(&self, steps: &BTreeSet<StepName>) -> Value {
        self.journal
            .with_state(|state| facts_of(self.change_set, state, steps))
    }

    /// The id of this run.
    pub(super) fn run_id(&self) -> RunId {
        self.journal.with_state(|state| state.run.clone())
    }

    /// Records something that is not the end of an operation.
    pub(super) async fn record(&self, body: Body) -> Result<u64, JournalError> {
        self.journal.append(body).await
    }
}

fn after_failure(board: &mut Board, step: &PlannedStep) {
    match step.on_failure {
        OnFailure::Stop => board.wind_down(),
        OnFailure::Continue => {}
    }
}
