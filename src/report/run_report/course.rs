//! The course of a run in time: the moment of each record, what each step did from when to when, and when no
//! process was there.

use std::collections::BTreeMap;

use salvor_contract::StepName;

use crate::digest::Digest;
use crate::journal::Body;
use crate::journal::Record;
use crate::journal::RunState;
use crate::journal::Status;
use crate::journal::StepState;
use crate::journal::chain::Chain;
use crate::journal::state::Moment;
use crate::report::run_report::Pause;
use crate::report::run_report::Span;
use crate::report::run_report::SpanKind;

/// A record with its moment and its hash.
pub(super) struct Placed<'a> {
    pub(super) record: &'a Record,
    pub(super) at: Moment,
    pub(super) hash: Digest,
}

/// The course of a run.
pub(super) struct Course<'a> {
    /// All records.
    pub(super) records: Vec<Placed<'a>>,
    /// By step, in the order in which they began. One that goes on ends with the last record.
    pub(super) spans: BTreeMap<StepName, Vec<Span>>,
    /// When each step that was begun began. A step that was only held back has not.
    pub(super) began: BTreeMap<StepName, Moment>,
    /// First to last.
    pub(super) pauses: Vec<Pause>,
}

impl<'a> Course<'a> {
    /// The course that the records of a run tell.
    pub(super) fn of(chain: &'a Chain) -> Self {
        let records = placed(chain);
        Self {
            spans: spans(&records, chain.state.last),
            began: began(&records),
            pauses: pauses(&records),
            records,
        }
    }
}

/// Until when a step was at something. One that waits to be tried again on somebody's word is at nothing.
pub(super) fn busy_until(step: &StepState, last: Moment) -> Moment {
    let idle_since = step.since.filter(|_| step.status == Status::Pending);
    end_of(step).or(idle_since).unwrap_or(last)
}

/// When a step ended; `None` while it goes on.
pub(super) fn end_of(step: &StepState) -> Option<Moment> {
    match step.status {
        Status::Succeeded | Status::Failed | Status::Unknown | Status::Skipped => step.since,
        Status::Pending
        | Status::Asked
        | Status::Answered
        | Status::Intended
        | Status::Retrying => None,
    }
}

/// Only the fold knows how the clocks of two processes follow each other, so the records are folded again.
fn placed(chain: &Chain) -> Vec<Placed<'_>> {
    let hashes = chain.records.iter().skip(1).map(|record| &record.prev);
    let hashes = hashes.chain(std::iter::once(&chain.state.head.hash));
    let mut placed = Vec::with_capacity(chain.records.len());
    let mut state: Option<RunState> = None;
    for (record, hash) in chain.records.iter().zip(hashes) {
        let folded = match &mut state {
            None => RunState::begin(record, hash).map(|begun| state = Some(begun)),
            Some(state) => state.apply(record, hash),
        };
        folded.expect("a chain is made of records that were folded before");
        placed.extend(state.as_ref().map(|state| Placed {
            record,
            at: state.last,
            hash: hash.clone(),
        }));
    }
    placed
}

fn began(records: &[Placed<'_>]) -> BTreeMap<StepName, Moment> {
    let mut began = BTreeMap::new();
    for placed in records {
        let body = &placed.record.body;
        if let (Some(step), false) = (body.step(), matches!(body, Body::Skipped { .. })) {
            began.entry(step.clone()).or_insert(placed.at);
        }
    }
    began
}

fn pauses(records: &[Placed<'_>]) -> Vec<Pause> {
    let mut pauses = Vec::new();
    for (before, taken_up) in records.iter().zip(records.iter().skip(1)) {
        let Body::Resumed { holder, .. } = &taken_up.record.body else {
            continue;
        };
        pauses.push(Pause {
            from: before.at.wall,
            until: taken_up.at.wall,
            from_ms: before.at.run_ms,
            until_ms: taken_up.at.run_ms,
            is_orderly: matches!(before.record.body, Body::Halted { .. }),
            taken_up_by: format!("{} on {}", holder.by, holder.host),
        });
    }
    pauses
}

/// What a record means for the picture of its step.
enum Turn {
    /// It does this from now on.
    Begins(SpanKind),
    /// It does nothing from now on.
    Ends,
}

fn spans(records: &[Placed<'_>], last: Moment) -> BTreeMap<StepName, Vec<Span>> {
    let mut spans: BTreeMap<StepName, Vec<Span>> = BTreeMap::new();
    let mut open: BTreeMap<&StepName, (SpanKind, u64)> = BTreeMap::new();
    let mut close = |step: &StepName, opened: Option<(SpanKind, u64)>, until_ms: u64| {
        let closed = opened.map(|(kind, from_ms)| Span {
            kind,
            from_ms,
            until_ms,
        });
        spans.entry(step.clone()).or_default().extend(closed);
    };
    for placed in records {
        let Some((step, turn)) = turn(&placed.record.body) else {
            continue;
        };
        let now = placed.at.run_ms;
        match turn {
            // An operation that was found under way goes on as one attempt.
            Turn::Begins(SpanKind::Work)
                if matches!(placed.record.body, Body::Probed { .. })
                    && open
                        .get(step)
                        .is_some_and(|(kind, _)| *kind == SpanKind::Work) => {}
            Turn::Begins(kind) => close(step, open.insert(step, (kind, now)), now),
            Turn::Ends => close(step, open.remove(step), now),
        }
    }
    for (step, opened) in open {
        close(step, Some(opened), last.run_ms);
    }
    spans
}

fn turn(body: &Body) -> Option<(&StepName, Turn)> {
    match body {
        Body::Asked { step, .. } => Some((step, Turn::Begins(SpanKind::Person))),
        Body::Intent { step, .. } | Body::Probed { step, .. } => {
            Some((step, Turn::Begins(SpanKind::Work)))
        }
        Body::Failed {
            step, again: true, ..
        } => Some((step, Turn::Begins(SpanKind::BetweenTries))),
        Body::Answered { step, .. }
        | Body::Succeeded { step, .. }
        | Body::Failed {
            step, again: false, ..
        }
        | Body::Unknown { step, .. }
        | Body::Decided { step, .. }
        | Body::Skipped { step, .. } => Some((step, Turn::Ends)),
        Body::Opened { .. }
        | Body::Resumed { .. }
        | Body::Named { .. }
        | Body::Chosen { .. }
        | Body::Stopping { .. }
        | Body::Halted { .. }
        | Body::Removing { .. }
        | Body::Removed { .. }
        | Body::NotRemoved { .. }
        | Body::Finished { .. }
        | Body::Aborted { .. } => None,
    }
}
