//! What a record says: one variant for each thing that can happen to a run.
//!
//! Each variant tells who writes it, when, and what a crash right after it means. The rule behind all of
//! them: what is about to be done is recorded before it is done, what came of it before it counts.

use jiff::Timestamp;
use salvor_contract::Answer;
use salvor_contract::ChosenPoint;
use salvor_contract::Class;
use salvor_contract::Finding;
use salvor_contract::OperationId;
use salvor_contract::Outcome;
use salvor_contract::Removal;
use salvor_contract::StepName;
use salvor_contract::StoreName;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::digest::Digest;
use crate::journal::lock::Holder;

/// What a record says. On the line it is the two members `type` and `body`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    tag = "type",
    content = "body",
    rename_all = "kebab-case",
    deny_unknown_fields
)]
pub enum Body {
    /// The first record, written by `apply` and `drill` once the change set is stored as a blob.
    /// Crash after it: the run exists, nothing was done; `resume` begins it.
    Opened {
        /// The environment.
        lineage: String,
        /// The plan's name.
        plan: String,
        /// The scenario's name.
        scenario: String,
        /// The digest of the change set; its bytes are the blob of this name.
        change_set: Digest,
        /// The nonce of the approval, which makes the run's id; a second run under the same one is refused.
        approval: String,
        /// The moment to which the stores are brought.
        goal: Timestamp,
        /// The version of salvor.
        tool: String,
        /// The process that writes epoch 1.
        holder: Holder,
        /// The fingerprints of what is destroyed, as the holder's operator typed them, and the open runs beside which
        /// this one begins. They stand in the first record, so that no crash comes between the run and its confirmation.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        confirmed: Vec<String>,
        /// An earlier run of the same change set lost its journal: each step may be done already, and is looked for
        /// before it is done.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        adopts: bool,
    },

    /// The first record of every later process, under the next epoch: `resume`, a takeover of a dead holder's
    /// run, `abort`. Clears `stopping` and `halted`, and gives every skipped step a new chance.
    /// Crash after it: the same as before it.
    Resumed {
        /// The process that writes this epoch.
        holder: Holder,
        /// Why it goes on: `asked by j.doe`, `the holder died`.
        why: String,
        /// Bytes of an unacknowledged torn record that were cut before this one.
        cut_bytes: u64,
    },

    /// An operation is about to be sent; its token is this record's `seq`. Written by the engine before every
    /// call of `perform` under a new operation id.
    /// Crash after it: it may or may not have been sent. `resume` probes it under its id.
    Intent {
        /// The step.
        step: StepName,
        /// Which try, from 1, without gaps.
        attempt: u32,
        /// The operation's id, see [`crate::journal::names::operation_id`].
        op: OperationId,
        /// How it is kept from having its effect twice.
        class: Class,
        /// The digest of its inputs.
        inputs: Digest,
    },

    /// The service's own name of the operation, written from within `perform` as soon as it is known.
    /// Crash after it: the probe looks for this name first.
    Named {
        /// The step.
        step: StepName,
        /// The operation.
        op: OperationId,
        /// The service's name of it.
        name: String,
    },

    /// A probe looked for an operation of which nobody knew what became; it is sent again
    /// under the same id, which attaches to one that is under way and repeats nothing where nobody could tell.
    /// Crash after it: it is probed again.
    Probed {
        /// The step.
        step: StepName,
        /// The operation.
        op: OperationId,
        /// What was found.
        found: Found,
    },

    /// A recovery point that could be known only now was chosen by the rule in the change set. Written before the
    /// intent of the first step that needs it. Crash after it: the choice stands, it is never made again.
    Chosen {
        /// The store.
        store: StoreName,
        /// The step that needed it.
        step: StepName,
        /// The point.
        point: ChosenPoint,
        /// Why this one.
        reason: String,
    },

    /// A step waits for a person. Crash after it: it still waits, the question is shown again.
    Asked {
        /// The step.
        step: StepName,
        /// The question.
        question: String,
        /// The role that should answer.
        role: Option<String>,
        /// The kind of evidence that is wanted: `text`, `file`.
        evidence: Option<String>,
    },

    /// A person answered; taken from the inbox or the terminal. Only from here on does the answer count.
    /// Crash after it: the step is performed with it.
    Answered {
        /// The step.
        step: StepName,
        /// The answer.
        answer: Answer,
    },

    /// The operation is done, its post-conditions were looked at and hold. Crash after it: never sent again.
    Succeeded {
        /// The step.
        step: StepName,
        /// The operation.
        op: OperationId,
        /// What it gave; `findings` hold those of `observe` too.
        outcome: Outcome,
        /// True when a probe found it done: the process that recorded this never saw the answer.
        adopted: bool,
        /// How long the process that recorded it waited for it, in milliseconds.
        took_ms: u64,
    },

    /// The step failed and nothing of the operation is under way. Crash after it: with `again` the next try
    /// follows; without, the step stays failed until a person decides otherwise.
    Failed {
        /// The step.
        step: StepName,
        /// The operation; `None` when the step failed before one was intended.
        op: Option<OperationId>,
        /// In which way.
        kind: FailureKind,
        /// What happened, a fragment fit to be read after "error:".
        what: String,
        /// What the operator can do.
        hint: Option<String>,
        /// What was observed, when findings are the reason.
        findings: Vec<Finding>,
        /// True when the engine will try again by itself, under the next attempt.
        again: bool,
    },

    /// What became of the operation cannot be found out. Neither success nor failure: the step blocks what needs
    /// it, and is never sent again without a conclusive probe or a person's decision.
    Unknown {
        /// The step.
        step: StepName,
        /// The operation.
        op: OperationId,
        /// What is not known, and what was last seen.
        why: String,
        /// True when the last look found it under way: it goes on, and nobody waits for it. Left out when false.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        under_way: bool,
    },

    /// A person's verdict on a failed or unknown step: `resume --retry STEP` and its like.
    Decided {
        /// The step.
        step: StepName,
        /// The verdict.
        decision: Decision,
        /// Who.
        by: String,
        /// Why, and for an unknown unkeyed operation what proves it.
        why: String,
    },

    /// The step is not started in this process because of something else, which is named. The next `resumed` makes
    /// it pending again.
    Skipped {
        /// The step.
        step: StepName,
        /// Because of what.
        why: String,
    },

    /// No new step starts except `finally` ones; what is under way is waited for or left to be found again.
    /// Crash after it: `resume` goes on with the run.
    Stopping {
        /// Why.
        why: StopReason,
        /// In words.
        detail: String,
    },

    /// The last record of a process that ended in good order before the run was over.
    Halted {
        /// Why.
        why: StopReason,
        /// In words.
        detail: String,
    },

    /// What an operation made is about to be removed (drills, given-up runs). Crash after it: removed again,
    /// which is safe since only what carries the run's mark is touched.
    Removing {
        /// The step.
        step: StepName,
        /// The operation that made it.
        op: OperationId,
    },

    /// What came of removing it; absence was observed, not assumed.
    Removed {
        /// The step.
        step: StepName,
        /// The operation that made it.
        op: OperationId,
        /// What was found.
        removal: Removal,
    },

    /// Removing failed or cannot be found out; it may be tried again after a new `removing`.
    NotRemoved {
        /// The step.
        step: StepName,
        /// The operation that made it.
        op: OperationId,
        /// What happened.
        what: String,
    },

    /// The run is over. Nothing may follow.
    Finished {
        /// The judgement.
        verdict: Verdict,
        /// What it rests on, in a sentence.
        summary: String,
    },

    /// The run was given up by a person. Nothing may follow; operations that could not be found out stay unknown.
    Aborted {
        /// Who.
        by: String,
        /// Why.
        why: String,
    },
}

impl Body {
    /// The word on the line, in the member `type`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Opened { .. } => "opened",
            Self::Resumed { .. } => "resumed",
            Self::Intent { .. } => "intent",
            Self::Named { .. } => "named",
            Self::Probed { .. } => "probed",
            Self::Chosen { .. } => "chosen",
            Self::Asked { .. } => "asked",
            Self::Answered { .. } => "answered",
            Self::Succeeded { .. } => "succeeded",
            Self::Failed { .. } => "failed",
            Self::Unknown { .. } => "unknown",
            Self::Decided { .. } => "decided",
            Self::Skipped { .. } => "skipped",
            Self::Stopping { .. } => "stopping",
            Self::Halted { .. } => "halted",
            Self::Removing { .. } => "removing",
            Self::Removed { .. } => "removed",
            Self::NotRemoved { .. } => "not-removed",
            Self::Finished { .. } => "finished",
            Self::Aborted { .. } => "aborted",
        }
    }
}

impl Body {
    /// True for the records after which none follows.
    pub fn ends_the_run(&self) -> bool {
        matches!(self, Self::Finished { .. } | Self::Aborted { .. })
    }

    /// The step that the record is about.
    pub fn step(&self) -> Option<&StepName> {
        match self {
            Self::Intent { step, .. }
            | Self::Named { step, .. }
            | Self::Probed { step, .. }
            | Self::Chosen { step, .. }
            | Self::Asked { step, .. }
            | Self::Answered { step, .. }
            | Self::Succeeded { step, .. }
            | Self::Failed { step, .. }
            | Self::Unknown { step, .. }
            | Self::Decided { step, .. }
            | Self::Skipped { step, .. }
            | Self::Removing { step, .. }
            | Self::Removed { step, .. }
            | Self::NotRemoved { step, .. } => Some(step),
            Self::Opened { .. }
            | Self::Resumed { .. }
            | Self::Stopping { .. }
            | Self::Halted { .. }
            | Self::Finished { .. }
            | Self::Aborted { .. } => None,
        }
    }
}

/// What a probe found of an operation that is sent again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Found {
    /// It had no effect.
    Absent,
    /// It is under way.
    InFlight {
        /// The service's own name of it, where there is one.
        name: Option<String>,
    },
    /// Nobody could tell, and its class allows it to be sent again.
    Unclear {
        /// Why it could not be told.
        why: String,
    },
}

/// In which way a step failed.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// The provider or its service said no; nothing was changed.
    Refused,
    /// Something that may pass by itself; nothing was changed, unless the operation sets a state and got half-way.
    Transient,
    /// It was done, and a finding of its post-conditions failed.
    Finding,
    /// Something of its name is there that it did not make.
    Conflict,
    /// Nobody answered before the step's deadline; a resume asks again.
    Unanswered,
    /// It could not be prepared: a value, a recovery point or an answer that the step needs is wrong or missing.
    Preparation,
}

/// A person's verdict on a failed or unknown step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Decision {
    /// It is done; these are its outputs.
    Succeeded(Outcome),
    /// It may be sent again, under the next attempt.
    Retry,
    /// It failed.
    Failed,
}

/// Why a run stops before its end.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum StopReason {
    /// A signal or a key.
    Interrupt,
    /// A step failed whose failure stops the run.
    Failure,
    /// An outcome is unknown and nothing else is left to do.
    Unknown,
    /// A person has to answer, and nothing else is left to do.
    Answer,
    /// A person gives the run up.
    Abort,
    /// The journal's disk is full.
    DiskFull,
    /// Another process took the environment's lock.
    LockLost,
    /// The change set no longer holds: a point is gone, the world changed.
    Stale,
}

/// The judgement of a run.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// All that was to be proved was proved.
    Green,
    /// Nothing contradicts success, and not all was proved.
    Amber,
    /// A step failed, or what was found is not what was declared. A missed objective makes a run amber.
    Red,
}

impl Verdict {
    /// The word for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Green => "GREEN",
            Self::Amber => "AMBER",
            Self::Red => "RED",
        }
    }
}
