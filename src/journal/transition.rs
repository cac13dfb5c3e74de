//! Which record may follow which: the fold from records to [`RunState`].
//!
//! The writer asks before it appends and the reader asks while it loads, so a journal that breaks these
//! rules can neither be made nor be acted upon.
//!
//! ```text
//! pending ──asked──▶ asked ──answered──▶ answered
//!    │                                      │
//!    └──────────────intent──────────────────┴──▶ intended ──succeeded──▶ succeeded
//!                                                 │  ▲  │
//!                      failed(again) ◀────────────┘  │  └──unknown──▶ unknown ──probed──▶ intended
//!                      retrying ─────intent──────────┘                   │
//!                      failed ──decided(retry)──▶ pending ◀──────────────┘ decided(retry)
//! ```

use salvor_contract::StepName;

use crate::digest::Digest;
use crate::journal::body::Body;
use crate::journal::names::notification_of;
use crate::journal::record::Record;
use crate::journal::state::Chosen;
use crate::journal::state::Head;
use crate::journal::state::Moment;
use crate::journal::state::Opening;
use crate::journal::state::Phase;
use crate::journal::state::RunState;
use crate::journal::state::Status;

/// A record that may not stand where it stands.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("record {seq} ({kind}) is not allowed: {why}")]
pub struct Illegal {
    /// The place of the record.
    pub seq: u64,
    /// What it says, as its `type`.
    pub kind: &'static str,
    /// Which rule it breaks.
    pub why: String,
}

impl RunState {
    /// The state that these records add up to; each comes with its hash.
    ///
    /// # Errors
    /// The first record that breaks a rule; an empty list is refused as a journal without `opened`.
    pub fn of<'a>(
        records: impl IntoIterator<Item = (&'a Record, &'a Digest)>,
    ) -> Result<Self, Illegal> {
        let mut records = records.into_iter();
        let Some((first, hash)) = records.next() else {
            return Err(Illegal {
                seq: 0,
                kind: "opened",
                why: "it is missing".to_owned(),
            });
        };
        let mut state = Self::begin(first, hash)?;
        for (record, hash) in records {
            state.apply(record, hash)?;
        }
        Ok(state)
    }

    /// The state after the first record.
    ///
    /// # Errors
    /// When it is not `opened`, or not at place 0 of epoch 1.
    pub fn begin(record: &Record, hash: &Digest) -> Result<Self, Illegal> {
        let Record {
            seq,
            prev,
            run,
            epoch,
            nonce: _,
            mono_ms,
            wall,
            body,
        } = record;
        let Body::Opened {
            lineage,
            plan,
            scenario,
            change_set,
            approval,
            goal,
            tool,
            holder,
            confirmed,
            adopts,
        } = body
        else {
            return Err(illegal(record, "the first record is `opened`"));
        };
        if *seq != 0 || *prev != Digest::zero() || *epoch != 1 {
            return Err(illegal(record, "`opened` is record 0 of epoch 1"));
        }
        Ok(Self {
            run: run.clone(),
            opening: Opening {
                lineage: lineage.clone(),
                plan: plan.clone(),
                scenario: scenario.clone(),
                change_set: change_set.clone(),
                approval: approval.clone(),
                goal: *goal,
                tool: tool.clone(),
                at: *wall,
                adopts: *adopts,
            },
            phase: Phase::Open,
            holder: holder.clone(),
            epoch: 1,
            steps: Default::default(),
            chosen: Default::default(),
            confirmed: confirmed
                .iter()
                .map(|typed| (typed.clone(), holder.by.clone()))
                .collect(),
            pauses: Vec::new(),
            operations: Default::default(),
            head: Head {
                seq: 0,
                hash: hash.clone(),
            },
            last: Moment {
                run_ms: 0,
                wall: *wall,
            },
            mono_offset_ms: i128::from(*mono_ms),
        })
    }

    /// Adds the next record.
    ///
    /// # Errors
    /// When it may not follow; the state is then unchanged.
    pub fn apply(&mut self, record: &Record, hash: &Digest) -> Result<(), Illegal> {
        self.check_place(record)?;
        let resumes = matches!(record.body, Body::Resumed { .. });
        let offset = if resumes {
            self.offset_of_next_epoch(record)
        } else {
            self.mono_offset_ms
        };
        let at = Moment {
            run_ms: u64::try_from(i128::from(record.mono_ms) - offset)
                .unwrap_or(0)
                .max(self.last.run_ms),
            wall: record.wall,
        };
        self.apply_body(record, at)
            .map_err(|why| illegal(record, why))?;
        self.mono_offset_ms = offset;
        self.epoch = record.epoch;
        self.head = Head {
            seq: record.seq,
            hash: hash.clone(),
        };
        self.last = at;
        Ok(())
    }

    fn check_place(&self, record: &Record) -> Result<(), Illegal> {
        if record.run != self.run {
            return Err(illegal(record, format!("it belongs to run {}", record.run)));
        }
        if record.seq != self.head.seq + 1 {
            return Err(illegal(
                record,
                format!("the next one is {}", self.head.seq + 1),
            ));
        }
        if record.prev != self.head.hash {
            return Err(illegal(
                record,
                "it follows another record than the one before it",
            ));
        }
        let epoch = self.epoch + u64::from(matches!(record.body, Body::Resumed { .. }));
        if record.epoch != epoch {
            return Err(illegal(
                record,
                format!("it has epoch {}, not {epoch}", record.epoch),
            ));
        }
        Ok(())
    }

    /// Two epochs share no monotonic clock: the time between them is taken from the time of day.
    fn offset_of_next_epoch(&self, record: &Record) -> i128 {
        let between = record.wall.as_millisecond() - self.last.wall.as_millisecond();
        let run_ms = i128::from(self.last.run_ms) + i128::from(between.max(0));
        i128::from(record.mono_ms) - run_ms
    }

    fn apply_body(&mut self, record: &Record, at: Moment) -> Result<(), String> {
        self.check_phase(&record.body)?;
        match &record.body {
            Body::Opened { .. } => return Err("a run is opened once".to_owned()),
            Body::Resumed {
                holder,
                why: _,
                cut_bytes: _,
            } => {
                self.holder = holder.clone();
                self.phase = Phase::Open;
                self.pauses.push((self.last.run_ms, at.run_ms));
                for step in self
                    .steps
                    .values_mut()
                    .filter(|s| s.status == Status::Skipped)
                {
                    // An answer that was given before the skip still stands.
                    let status = if step.answer.is_some() {
                        Status::Answered
                    } else {
                        Status::Pending
                    };
                    step.enter(status, at);
                    step.note = None;
                }
            }
            Body::Chosen {
                store,
                step,
                point,
                reason,
            } => {
                if self.chosen.contains_key(store) {
                    return Err(format!("the point of store {store} was chosen before"));
                }
                let chosen = Chosen {
                    step: step.clone(),
                    point: point.clone(),
                    reason: reason.clone(),
                    at,
                };
                self.chosen.insert(store.clone(), chosen);
            }
            Body::Stopping { why, detail } => self.phase = Phase::Stopping(*why, detail.clone()),
            Body::Halted { why, detail } => self.phase = Phase::Halted(*why, detail.clone()),
            Body::Finished { verdict, summary } => {
                self.refuse_status(&[Status::Intended, Status::Unknown, Status::Retrying])?;
                self.phase = Phase::Finished(*verdict, summary.clone());
            }
            Body::Aborted { by, why } => {
                self.refuse_status(&[Status::Intended])?;
                self.phase = Phase::Aborted {
                    by: by.clone(),
                    why: why.clone(),
                };
            }
            Body::Intent { step, op, .. } => {
                if self.operations.contains(op) {
                    return Err(format!("operation {op} was intended before"));
                }
                self.change_step(step, record, at)?;
                self.operations.insert(op.clone());
            }
            Body::Named { step, .. }
            | Body::Probed { step, .. }
            | Body::Asked { step, .. }
            | Body::Answered { step, .. }
            | Body::Succeeded { step, .. }
            | Body::Failed { step, .. }
            | Body::Unknown { step, .. }
            | Body::Decided { step, .. }
            | Body::Skipped { step, .. }
            | Body::Removing { step, .. }
            | Body::Removed { step, .. }
            | Body::NotRemoved { step, .. } => self.change_step(step, record, at)?,
        }
        Ok(())
    }

    fn check_phase(&self, body: &Body) -> Result<(), String> {
        let resumes = matches!(body, Body::Resumed { .. });
        match &self.phase {
            Phase::Open | Phase::Stopping(..) => Ok(()),
            Phase::Halted(..) if resumes => Ok(()),
            Phase::Halted(..) => Err("the run is halted, and only `resumed` may follow".to_owned()),
            Phase::Finished(..) => Err("the run is finished".to_owned()),
            Phase::Aborted { .. } => Err("the run was given up".to_owned()),
        }
    }

    fn refuse_status(&self, statuses: &[Status]) -> Result<(), String> {
        // A message of which nobody can tell whether it was sent keeps no run open.
        let mut steps = self
            .steps
            .iter()
            .filter(|(name, _)| notification_of(name).is_none());
        match steps.find(|(_, step)| statuses.contains(&step.status)) {
            Some((name, step)) => Err(format!("step {name} is {}", step.status.word())),
            None => Ok(()),
        }
    }

    fn change_step(&mut self, name: &StepName, record: &Record, at: Moment) -> Result<(), String> {
        let mut step = self.step(name);
        step.change(record, at)
            .map_err(|why| format!("step {name} is {}: {why}", step.status.word()))?;
        step.began = step.began.or(Some(at));
        self.steps.insert(name.clone(), step);
        Ok(())
    }
}

fn illegal(record: &Record, why: impl Into<String>) -> Illegal {
    Illegal {
        seq: record.seq,
        kind: record.body.kind(),
        why: why.into(),
    }
}

#[cfg(test)]
mod tests;
