//! Takes a run from wherever its journal stands to the end of this process's part, and records that end.
//!
//! Holds the environment's lock all the while: when the lock is lost the engine is dropped at once, as a
//! crash would, and nothing more is recorded, since another process may be writing already.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;

use salvor_contract::StepName;
use tokio_util::sync::CancellationToken;

use crate::change_set::ChangeSet;
use crate::execution::engine::Engine;
use crate::execution::engine::Stopped;
use crate::execution::unfinished::unfinished;
use crate::execution::watcher::People;
use crate::execution::watcher::Watcher;
use crate::journal::Body;
use crate::journal::Journal;
use crate::journal::JournalError;
use crate::journal::StopReason;
use crate::journal::lock::Guard;
use crate::registry::Registry;
use crate::surroundings::Surroundings;
use crate::verification::Assessment;
use crate::verification::assess;

/// What a process needs to take part in a run.
pub struct Part<'a> {
    /// What to do.
    pub change_set: &'a ChangeSet,
    /// Where it is recorded: created or opened, with this process as its writer.
    pub journal: &'a Journal,
    /// The environment's lock.
    pub guard: &'a dyn Guard,
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
    /// Where operations may put files.
    pub scratch_root: PathBuf,
}

/// How this process's part ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ended {
    /// The run is over.
    Finished(Assessment),
    /// The run can be resumed.
    Halted(StopReason, Assessment),
    /// The run was given up.
    Aborted(Assessment),
}

/// Why a process's part ended without a record of its end.
#[derive(Debug, thiserror::Error)]
pub enum ConductError {
    /// The journal could not be written; nothing was begun after that.
    #[error("the journal cannot be written")]
    Journal(#[from] JournalError),
    /// Another process has the environment's lock now.
    #[error("another process took the environment's lock: {0}")]
    LockLost(String),
}

impl Part<'_> {
    /// Goes on with the run until nothing is left that may be done.
    pub async fn go_on(&self) -> Result<Ended, ConductError> {
        let engine = self.engine(false);
        let stopped = self.guarded(engine.run()).await?;
        let assessment = self.assess();
        let reason = match stopped {
            Stopped::Complete => {
                let summary = assessment.summary();
                let says = format!("{}: {summary}", assessment.verdict.word());
                self.guarded(engine.tell_end(&says)).await?;
                self.end(Body::Finished {
                    verdict: assessment.verdict,
                    summary,
                })
                .await?;
                return Ok(Ended::Finished(assessment));
            }
            Stopped::Interrupted => StopReason::Interrupt,
            Stopped::Incomplete if assessment.steps.failed > 0 => StopReason::Failure,
            Stopped::Incomplete => StopReason::Unknown,
        };
        self.end(Body::Halted {
            why: reason,
            detail: assessment.summary(),
        })
        .await?;
        Ok(Ended::Halted(reason, assessment))
    }

    /// Gives the run up: runs the `finally` steps that are due, and ends it. It stays open while one of them waits for
    /// a step of which nobody knows what became, unless it is to be left.
    pub async fn give_up(
        &self,
        by: &str,
        why: &str,
        leave: &BTreeSet<StepName>,
    ) -> Result<Ended, ConductError> {
        self.journal
            .append(Body::Stopping {
                why: StopReason::Abort,
                detail: why.to_owned(),
            })
            .await?;
        let engine = self.engine(true);
        let stopped = self.guarded(engine.run()).await?;
        let assessment = self.assess();
        let reason = match stopped {
            Stopped::Interrupted => Some(StopReason::Interrupt),
            Stopped::Complete | Stopped::Incomplete => {
                self.waits_for_unknown(leave).then_some(StopReason::Unknown)
            }
        };
        if let Some(why) = reason {
            let detail = assessment.summary();
            self.end(Body::Halted { why, detail }).await?;
            return Ok(Ended::Halted(why, assessment));
        }
        let says = format!("given up by {by}: {why}; {}", assessment.summary());
        self.guarded(engine.tell_end(&says)).await?;
        self.end(Body::Aborted {
            by: by.to_owned(),
            why: why.to_owned(),
        })
        .await?;
        Ok(Ended::Aborted(assessment))
    }

    fn waits_for_unknown(&self, leave: &BTreeSet<StepName>) -> bool {
        self.journal.with_state(|state| {
            let mut unfinished = unfinished(self.change_set, state).into_iter();
            unfinished.any(|last| !last.waits_for.is_empty() && !leave.contains(last.step))
        })
    }

    fn engine(&self, is_given_up: bool) -> Engine<'_> {
        Engine {
            change_set: self.change_set,
            journal: self.journal,
            registry: self.registry,
            surroundings: self.surroundings,
            people: self.people,
            watcher: self.watcher,
            stop: self.stop.clone(),
            is_given_up,
            scratch_root: self.scratch_root.clone(),
            choosing: Arc::default(),
        }
    }

    /// Work that is dropped the moment the lock is lost. All the while the head of the journal is kept with the lock.
    async fn guarded<T>(
        &self,
        work: impl Future<Output = Result<T, JournalError>>,
    ) -> Result<T, ConductError> {
        tokio::select! {
            biased;
            lost = self.guard.keep() => Err(ConductError::LockLost(lost.to_string())),
            done = work => Ok(done?),
            never = self.keep_anchoring() => match never {},
        }
    }

    async fn keep_anchoring(&self) -> Infallible {
        let mut durable = self.journal.watch();
        loop {
            self.guard.anchor(self.journal.head());
            if durable.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }

    /// Records the end of this process's part, which is also kept with the lock.
    async fn end(&self, body: Body) -> Result<(), ConductError> {
        self.journal.append(body).await?;
        self.guard.anchor(self.journal.head());
        Ok(())
    }

    fn assess(&self) -> Assessment {
        self.journal
            .with_state(|state| assess(self.change_set, state, state.last))
    }
}
