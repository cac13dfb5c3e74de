//! The report of a run: what was lost, what was done and by whom, what was proved and what not, how long it took.
//!
//! Made from the change set and the journal alone, so anyone can make it again later. One value; text, Markdown,
//! HTML and JSON are forms of it.

mod build;
mod course;
mod events;
mod html;
mod note;
mod path;
mod picture;
mod sections;
mod stores;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use salvor_contract::RunId;
use salvor_contract::StepName;
use salvor_contract::StoreName;
use schemars::JsonSchema;
use serde::Serialize;
use serde::Serializer;

use crate::digest::Digest;
use crate::execution::telling::Told;
use crate::journal::Status;
use crate::journal::Verdict;
use crate::recovery_points::Loss;
use crate::report::runs::status_word;
use crate::verification::Assessment;

/// The format that this version writes.
pub const FORMAT: u32 = 1;

/// A report.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Report {
    /// The format, `FORMAT`.
    pub format: u32,
    /// The run.
    pub run: RunId,
    /// The plan.
    pub plan: String,
    /// The plan's title.
    pub title: String,
    /// The scenario.
    pub scenario: String,
    /// The version of salvor that opened the run.
    pub tool: String,
    /// The digest of the change set.
    pub change_set: Digest,
    /// The hash of the journal's last record: it stands for the whole journal.
    pub journal_head: Digest,
    /// How many records the journal has.
    pub records: u64,
    /// When it was opened.
    pub opened: Timestamp,
    /// When its last record was written.
    pub last: Timestamp,
    /// The moment to which the stores were brought.
    pub goal: Timestamp,
    /// When the world was looked at for the change set: losses are counted up to this moment.
    pub surveyed: Timestamp,
    /// No record may follow: it was finished or given up.
    pub is_over: bool,
    /// The verdict that was recorded when it was finished.
    pub recorded: Option<Verdict>,
    /// Where it stands, in words.
    pub stands: String,
    /// The judgement and what it rests on.
    pub assessment: Assessment,
    /// What happened and what is lost, in sentences for somebody who is no engineer.
    pub note: Vec<String>,
    /// What was brought back from where.
    pub stores: Vec<StoreLine>,
    /// The steps in their order.
    pub steps: Vec<StepLine>,
    /// The steps that decided when the run ended, first to last: each began when the one before it ended.
    pub deciding: Vec<StepName>,
    /// When no process worked on the run.
    pub pauses: Vec<Pause>,
    /// What happened, a record of the journal each.
    pub events: Vec<Happened>,
    /// Who was told of what, in the order in which it happened.
    pub told: Vec<Told>,
}

/// What was done with one store.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct StoreLine {
    /// The store.
    pub store: StoreName,
    /// Its title.
    pub title: String,
    /// From where, or that it was left.
    pub from: String,
    /// How it stands.
    pub stands: StoreStands,
    /// When the last of the steps that bring it back was done.
    pub back: Option<Timestamp>,
    /// What is lost of it, or will be once it is back.
    pub loses: Option<Loss>,
    /// Why this point, or why it was left.
    pub why: String,
}

/// How a store stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StoreStands {
    /// All steps that bring it back are done.
    Back,
    /// These of the steps that bring it back are not done, each with its status.
    NotBack(Vec<String>),
    /// It was looked at and not brought back.
    LookedAt,
    /// It was left as it is.
    Left,
}

/// How one step went.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct StepLine {
    /// The step.
    pub step: StepName,
    /// Its title.
    pub title: String,
    /// Its action.
    pub action: String,
    /// How it stands; in JSON as a word.
    #[serde(serialize_with = "as_word")]
    #[schemars(with = "String")]
    pub status: Status,
    /// When it began.
    pub began: Option<Timestamp>,
    /// When it ended; `None` when it did not.
    pub ended: Option<Timestamp>,
    /// How long it took, in milliseconds.
    pub took_ms: Option<u64>,
    /// How many operations were intended for it.
    pub attempts: usize,
    /// It is one of those that decided when the run ended.
    pub is_deciding: bool,
    /// What the last look at its operation found, before it was sent again.
    pub looked: Option<String>,
    /// What a person answered, and who.
    pub answer: Option<String>,
    /// Why it failed, was not started, cannot be told, or what a person decided.
    pub note: Option<String>,
    /// What it did from when to when.
    pub spans: Vec<Span>,
}

fn as_word<S: Serializer>(status: &Status, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(status_word(*status))
}

/// What a step did for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Span {
    /// What.
    pub kind: SpanKind,
    /// Milliseconds from the opening of the run to its beginning.
    pub from_ms: u64,
    /// Milliseconds from the opening of the run to its end.
    pub until_ms: u64,
}

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SpanKind {
    /// One attempt: an operation is under way.
    Work,
    /// It waits for a person's answer.
    Person,
    /// A try has failed and the next one is not due yet.
    BetweenTries,
}

/// A time in which no process worked on the run: from the last record of one to the first of the next.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Pause {
    /// When it began.
    pub from: Timestamp,
    /// When the next process took the run up.
    pub until: Timestamp,
    /// Milliseconds from the opening of the run to its beginning.
    pub from_ms: u64,
    /// Milliseconds from the opening of the run to its end.
    pub until_ms: u64,
    /// The process had recorded its end; else it was killed, or lost its machine.
    pub is_orderly: bool,
    /// Who took it up, on which machine.
    pub taken_up_by: String,
}

/// Something that happened, as one record of the journal has it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Happened {
    /// The place of the record in the journal, from 0.
    pub record: u64,
    /// The record's hash, which covers all records before it too.
    pub hash: Digest,
    /// When, by the clock of the machine that wrote it.
    pub at: Timestamp,
    /// The person whose doing it was; `None` where it was salvor's own.
    pub by: Option<String>,
    /// The step that it is about.
    pub step: Option<StepName>,
    /// What.
    pub what: String,
}
