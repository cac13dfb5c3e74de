//! Which record may follow which, for one step.
//!
//! See the drawing in [`crate::journal::transition`].

use salvor_contract::OperationId;

use crate::journal::body::Body;
use crate::journal::body::Decision;
use crate::journal::body::Found;
use crate::journal::record::Record;
use crate::journal::state::Attempt;
use crate::journal::state::Failure;
use crate::journal::state::Moment;
use crate::journal::state::Question;
use crate::journal::state::RemovalState;
use crate::journal::state::Status;
use crate::journal::state::StepState;

impl Status {
    /// The word for people: `step metadata is unknown`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Asked => "asked",
            Self::Answered => "answered",
            Self::Intended => "intended",
            Self::Retrying => "retrying",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Skipped => "skipped",
        }
    }
}

impl StepState {
    /// Adds a record that names this step.
    ///
    /// # Errors
    /// Which rule it breaks; the step may be half changed then and must be thrown away.
    pub(super) fn change(&mut self, record: &Record, at: Moment) -> Result<(), String> {
        match &record.body {
            Body::Asked {
                step: _,
                question,
                role,
                evidence,
            } => {
                // Asked again when the time for an answer passed while no process was there.
                self.demand(&[Status::Pending, Status::Asked])?;
                self.question = Some(Question {
                    text: question.clone(),
                    role: role.clone(),
                    evidence: evidence.clone(),
                    asked: at,
                });
                self.enter(Status::Asked, at);
            }
            Body::Answered { step: _, answer } => {
                self.demand(&[Status::Asked])?;
                self.answer = Some(answer.clone());
                self.enter(Status::Answered, at);
            }
            Body::Intent {
                step: _,
                attempt,
                op,
                class,
                inputs,
            } => {
                self.demand(&[Status::Pending, Status::Answered, Status::Retrying])?;
                if *attempt != self.next_attempt() {
                    return Err(format!("the next attempt is {}", self.next_attempt()));
                }
                self.attempts.push(Attempt {
                    number: *attempt,
                    op: op.clone(),
                    token: record.seq,
                    class: *class,
                    inputs: inputs.clone(),
                    epoch: record.epoch,
                    name: None,
                    intended: at,
                    ended: None,
                    is_done: false,
                    adopted: false,
                    found: None,
                    removal: None,
                });
                self.enter(Status::Intended, at);
            }
            Body::Named { step: _, op, name } => {
                self.demand(&[Status::Intended])?;
                self.current_is(op)?.name = Some(name.clone());
            }
            Body::Probed { step: _, op, found } => {
                self.demand(&[Status::Intended, Status::Unknown])?;
                let attempt = self.current_is(op)?;
                attempt.epoch = record.epoch;
                attempt.ended = None;
                attempt.found = Some(found.clone());
                if let Found::InFlight { name: Some(name) } = found {
                    attempt.name = Some(name.clone());
                }
                self.note = None;
                self.enter(Status::Intended, at);
            }
            Body::Succeeded {
                step: _,
                op,
                outcome,
                adopted,
                took_ms: _,
            } => {
                // Out of `unknown` only a probe leads to success, never a late answer.
                self.demand(if *adopted {
                    &[Status::Intended, Status::Unknown]
                } else {
                    &[Status::Intended]
                })?;
                let attempt = self.current_is(op)?;
                attempt.adopted = *adopted;
                attempt.ended = Some(at);
                self.outcome = Some(outcome.clone());
                self.note = None;
                self.enter(Status::Succeeded, at);
            }
            Body::Failed {
                step: _,
                op,
                kind,
                what,
                hint,
                findings,
                again,
            } => {
                match op {
                    Some(op) => {
                        self.demand(&[Status::Intended, Status::Unknown])?;
                        self.current_is(op)?.ended = Some(at);
                    }
                    None => self.demand(NOT_BEGUN)?,
                }
                self.failure = Some(Failure {
                    kind: *kind,
                    what: what.clone(),
                    hint: hint.clone(),
                    findings: findings.clone(),
                    at,
                });
                self.note = None;
                self.enter(
                    if *again {
                        Status::Retrying
                    } else {
                        Status::Failed
                    },
                    at,
                );
            }
            Body::Unknown {
                step: _,
                op,
                why,
                under_way,
            } => {
                self.demand(&[Status::Intended, Status::Unknown])?;
                self.current_is(op)?.ended = Some(at);
                self.note = Some(why.clone());
                self.enter(Status::Unknown, at);
                self.is_under_way = *under_way;
            }
            Body::Decided {
                step: _,
                decision,
                by,
                why,
            } => {
                // A step that is done is done again when a `finally` step has undone what it prepared.
                self.demand(match decision {
                    Decision::Retry => &[Status::Failed, Status::Unknown, Status::Succeeded],
                    Decision::Succeeded(_) | Decision::Failed => &[Status::Failed, Status::Unknown],
                })?;
                self.note = Some(format!("{by}: {why}"));
                match decision {
                    Decision::Succeeded(outcome) => {
                        self.outcome = Some(outcome.clone());
                        self.enter(Status::Succeeded, at);
                    }
                    Decision::Retry => {
                        // What was answered belonged to the try that failed.
                        self.answer = None;
                        self.outcome = None;
                        self.enter(Status::Pending, at);
                    }
                    Decision::Failed => self.enter(Status::Failed, at),
                }
            }
            Body::Skipped { step: _, why } => {
                self.demand(NOT_BEGUN)?;
                self.note = Some(why.clone());
                self.enter(Status::Skipped, at);
            }
            Body::Removing { step: _, op } => {
                self.demand_not(Status::Intended)?;
                self.attempt(op)?.removal = Some(RemovalState::Intended);
            }
            Body::Removed {
                step: _,
                op,
                removal,
            } => {
                *self.removing(op)? = RemovalState::Done(removal.clone());
            }
            Body::NotRemoved { step: _, op, what } => {
                *self.removing(op)? = RemovalState::Failed(what.clone());
            }
            Body::Opened { .. }
            | Body::Resumed { .. }
            | Body::Chosen { .. }
            | Body::Stopping { .. }
            | Body::Halted { .. }
            | Body::Finished { .. }
            | Body::Aborted { .. } => return Err("the record is not about a step".to_owned()),
        }
        Ok(())
    }

    pub(super) fn enter(&mut self, status: Status, at: Moment) {
        self.status = status;
        self.is_under_way = false;
        self.since = Some(at);
        if status == Status::Succeeded
            && let Some(attempt) = self.attempts.last_mut()
        {
            attempt.is_done = true;
        }
    }

    fn demand(&self, allowed: &[Status]) -> Result<(), String> {
        if allowed.contains(&self.status) {
            return Ok(());
        }
        let words: Vec<&str> = allowed.iter().map(|status| status.word()).collect();
        Err(format!("it has to be {}", words.join(" or ")))
    }

    fn demand_not(&self, refused: Status) -> Result<(), String> {
        if self.status == refused {
            return Err("its operation may be under way".to_owned());
        }
        Ok(())
    }

    /// The current operation, when it is this one.
    fn current_is(&mut self, op: &OperationId) -> Result<&mut Attempt, String> {
        match self.attempts.last_mut() {
            Some(attempt) if attempt.op == *op => Ok(attempt),
            Some(attempt) => Err(format!("its operation is {}, not {op}", attempt.op)),
            None => Err("it has no operation".to_owned()),
        }
    }

    fn attempt(&mut self, op: &OperationId) -> Result<&mut Attempt, String> {
        self.attempts
            .iter_mut()
            .find(|attempt| attempt.op == *op)
            .ok_or_else(|| format!("it has no operation {op}"))
    }

    fn removing(&mut self, op: &OperationId) -> Result<&mut RemovalState, String> {
        match &mut self.attempt(op)?.removal {
            Some(removal @ RemovalState::Intended) => Ok(removal),
            Some(RemovalState::Done(_) | RemovalState::Failed(_)) | None => {
                Err(format!("removing what {op} made was not begun"))
            }
        }
    }
}

const NOT_BEGUN: &[Status] = &[
    Status::Pending,
    Status::Asked,
    Status::Answered,
    Status::Retrying,
];
