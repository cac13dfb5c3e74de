//! The state of a run, folded from its records: the only state that there is.
//!
//! Holds what the records add up to; which record may follow is [`crate::journal::transition`]'s business.
//! Pure: the same records give the same state on any machine.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use jiff::Timestamp;
use salvor_contract::Answer;
use salvor_contract::ChosenPoint;
use salvor_contract::Class;
use salvor_contract::Finding;
use salvor_contract::OperationId;
use salvor_contract::Outcome;
use salvor_contract::Removal;
use salvor_contract::RunId;
use salvor_contract::StepName;
use salvor_contract::StoreName;

use crate::digest::Digest;
use crate::journal::body::FailureKind;
use crate::journal::body::Found;
use crate::journal::body::StopReason;
use crate::journal::body::Verdict;
use crate::journal::lock::Holder;

/// What the records of a run add up to.
#[derive(Clone, Debug, PartialEq)]
pub struct RunState {
    /// The run.
    pub run: RunId,
    /// What the first record pinned.
    pub opening: Opening,
    /// Where the run is.
    pub phase: Phase,
    /// The process that writes now.
    pub holder: Holder,
    /// Which process of the run that is, from 1.
    pub epoch: u64,
    /// The steps that a record named. A step of the change set that is missing here is pending: use [`RunState::step`].
    pub steps: BTreeMap<StepName, StepState>,
    /// The points that were chosen during the run.
    pub chosen: BTreeMap<StoreName, Chosen>,
    /// The fingerprints that were typed, and who typed them.
    pub confirmed: BTreeMap<String, String>,
    /// The last record.
    pub head: Head,
    /// When the last record was written.
    pub last: Moment,
    /// The times in which no process worked on the run, each from its last record before to the first one after, in
    /// [`Moment::run_ms`].
    pub(super) pauses: Vec<(u64, u64)>,
    /// Every operation that was ever intended: none is intended twice.
    pub(super) operations: BTreeSet<OperationId>,
    /// The reading of the writer's monotonic clock that is [`Moment::run_ms`] zero; negative in later epochs.
    pub(super) mono_offset_ms: i128,
}

/// What the first record pinned.
#[derive(Clone, Debug, PartialEq)]
pub struct Opening {
    /// The environment.
    pub lineage: String,
    /// The plan's name.
    pub plan: String,
    /// The scenario's name.
    pub scenario: String,
    /// The digest of the change set.
    pub change_set: Digest,
    /// The nonce of the approval.
    pub approval: String,
    /// The moment to which the stores are brought.
    pub goal: Timestamp,
    /// The version of salvor.
    pub tool: String,
    /// The time of day at which it was written.
    pub at: Timestamp,
    /// An earlier run of the change set lost its journal.
    pub adopts: bool,
}

/// The last record of a journal. Whoever keeps it elsewhere can tell later that records were cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its place.
    pub seq: u64,
    /// Its hash.
    pub hash: Digest,
}

/// A moment of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Milliseconds since the run was opened: by the monotonic clock within an epoch, by the time of day
    /// between two (never less than zero).
    pub run_ms: u64,
    /// The writer's time of day. For people.
    pub wall: Timestamp,
}

/// Where a run is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Steps are started.
    Open,
    /// No new steps but `finally` ones.
    Stopping(StopReason, String),
    /// No process works on it; it can be resumed.
    Halted(StopReason, String),
    /// It is over, with this verdict and its sentence.
    Finished(Verdict, String),
    /// It was given up: by whom and why.
    Aborted {
        /// Who.
        by: String,
        /// Why.
        why: String,
    },
}

impl Phase {
    /// True when no record may follow.
    pub fn is_over(&self) -> bool {
        match self {
            Self::Finished(..) | Self::Aborted { .. } => true,
            Self::Open | Self::Stopping(..) | Self::Halted(..) => false,
        }
    }
}

/// A point that was chosen during the run.
#[derive(Clone, Debug, PartialEq)]
pub struct Chosen {
    /// The step that needed it first.
    pub step: StepName,
    /// The point.
    pub point: ChosenPoint,
    /// Why this one.
    pub reason: String,
    /// When.
    pub at: Moment,
}

/// What is known of a step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StepState {
    /// Where it is.
    pub status: Status,
    /// Its operations, first to last; the last one is the current one.
    pub attempts: Vec<Attempt>,
    /// The question that was asked last.
    pub question: Option<Question>,
    /// The answer that it is performed with.
    pub answer: Option<Answer>,
    /// Why it failed, when its status is `Failed` or `Retrying`, or why the try before this one did.
    pub failure: Option<Failure>,
    /// Why it was skipped or its outcome is unknown, or what a person decided, in words.
    pub note: Option<String>,
    /// The last look found it under way, when its status is `Unknown`.
    pub is_under_way: bool,
    /// What it gave, when its status is `Succeeded`.
    pub outcome: Option<Outcome>,
    /// When its first record was written.
    pub began: Option<Moment>,
    /// When the record that gave it its present status was written.
    pub since: Option<Moment>,
}

/// Where a step is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Not begun, or to be begun anew under the next attempt.
    #[default]
    Pending,
    /// It waits for a person.
    Asked,
    /// It was answered and can be begun.
    Answered,
    /// Its operation may be under way.
    Intended,
    /// It failed and is tried again without anybody's doing.
    Retrying,
    /// Done.
    Succeeded,
    /// Failed.
    Failed,
    /// It cannot be found out.
    Unknown,
    /// Not started in this process because of something else.
    Skipped,
}

/// One operation of a step.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// Which try, from 1.
    pub number: u32,
    /// The operation.
    pub op: OperationId,
    /// The `seq` of its intent.
    pub token: u64,
    /// How it is kept from having its effect twice.
    pub class: Class,
    /// The digest of its inputs.
    pub inputs: Digest,
    /// The epoch whose process may have sent it last.
    pub epoch: u64,
    /// The service's own name of it.
    pub name: Option<String>,
    /// When it was intended.
    pub intended: Moment,
    /// When what came of it was recorded.
    pub ended: Option<Moment>,
    /// True when the step was done by it, whatever came later.
    pub is_done: bool,
    /// True when a probe found it done.
    pub adopted: bool,
    /// What the last probe found before it was sent again.
    pub found: Option<Found>,
    /// Whether what it made was removed.
    pub removal: Option<RemovalState>,
}

/// How far the removal of what an operation made is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RemovalState {
    /// It may be under way.
    Intended,
    /// It was done; what was found.
    Done(Removal),
    /// It failed or cannot be found out; what happened.
    Failed(String),
}

/// A question to a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The words.
    pub text: String,
    /// The role that should answer.
    pub role: Option<String>,
    /// The kind of evidence that is wanted.
    pub evidence: Option<String>,
    /// When it was asked.
    pub asked: Moment,
}

/// Why a step failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// In which way.
    pub kind: FailureKind,
    /// What happened.
    pub what: String,
    /// What the operator can do.
    pub hint: Option<String>,
    /// What was observed.
    pub findings: Vec<Finding>,
    /// When.
    pub at: Moment,
}

impl RunState {
    /// What is known of a step; of one that no record names, that it is pending.
    pub fn step(&self, name: &StepName) -> StepState {
        self.steps.get(name).cloned().unwrap_or_default()
    }

    /// Where a step is, without a copy of what it gave.
    pub fn status(&self, name: &StepName) -> Status {
        self.steps
            .get(name)
            .map(|step| step.status)
            .unwrap_or_default()
    }

    /// The steps that have this status, in the order of their names.
    pub fn with_status(&self, status: Status) -> impl Iterator<Item = &StepName> {
        self.steps
            .iter()
            .filter(move |(_, step)| step.status == status)
            .map(|(name, _)| name)
    }
}

impl RunState {
    /// How long a step that succeeded takes, without earlier tries and without the time in which nobody worked on the
    /// run. `None` when that was not seen: it was under way while no process looked.
    pub fn measured_ms(&self, step: &StepState) -> Option<u64> {
        let attempt = step
            .current()
            .filter(|_| step.status == Status::Succeeded)?;
        let (sent, ended) = (attempt.intended.run_ms, attempt.ended?.run_ms);
        let is_unseen = self
            .pauses
            .iter()
            .any(|(from, to)| *from < ended && *to > sent);
        let asked = step.question.as_ref().map(|question| question.asked.run_ms);
        let began = asked.unwrap_or(sent).min(sent);
        let waited_for_nobody: u64 = self
            .pauses
            .iter()
            .map(|(from, to)| (*to).min(sent).saturating_sub((*from).max(began)))
            .sum();
        (!is_unseen).then(|| {
            ended
                .saturating_sub(began)
                .saturating_sub(waited_for_nobody)
        })
    }
}

impl StepState {
    /// The operation that was intended last.
    pub fn current(&self) -> Option<&Attempt> {
        self.attempts.last()
    }

    /// The number that the next intent must carry.
    pub fn next_attempt(&self) -> u32 {
        self.attempts.last().map_or(1, |attempt| attempt.number + 1)
    }

    /// The first attempt before this one that was given the same inputs, of those since the step was last done.
    ///
    /// What an attempt left that failed is taken up by the next one under this id. What one made that was done is
    /// not: the step is done again because that was undone.
    pub fn mark_before(&self, attempt: u32, inputs: &Digest) -> Option<OperationId> {
        self.attempts
            .iter()
            .rev()
            .filter(|earlier| earlier.number < attempt)
            .take_while(|earlier| !earlier.is_done)
            .filter(|earlier| earlier.inputs == *inputs)
            .last()
            .map(|earlier| earlier.op.clone())
    }

    /// How long it took from its first record to the one that ended it, or to `now` when it has not ended.
    pub fn length_ms(&self, now: Moment) -> Option<u64> {
        let began = self.began?;
        let end = match self.status {
            Status::Succeeded | Status::Failed | Status::Unknown | Status::Skipped => self.since?,
            Status::Pending
            | Status::Asked
            | Status::Answered
            | Status::Intended
            | Status::Retrying => now,
        };
        Some(end.run_ms.saturating_sub(began.run_ms))
    }
}
