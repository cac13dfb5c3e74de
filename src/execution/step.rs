//! Brings one step to its end: intent, operation, and after a doubt the search for what became of it.
//!
//! ```text
//! prepare ──▶ intent ──▶ perform ──▶ observe ──▶ succeeded | failed
//!    │                     │ no answer, panic, deadline, earlier process
//!    │ refused             ▼
//!    ▼                   probe ──▶ done: adopted · under way: attach · absent: same operation again
//!  failed                  └────▶ cannot tell: again where the class allows it, else unknown
//! ```
//!
//! A crash anywhere here leaves at most an intent without an end, which the next process takes to `probe`.

use std::time::Duration;

use salvor_contract::Class;
use salvor_contract::Error;
use salvor_contract::Finding;
use salvor_contract::Judgement;
use salvor_contract::Outcome;
use salvor_contract::Probe;

use crate::execution::engine::Engine;
use crate::execution::lost::LOST;
use crate::execution::operate::Operator;
use crate::execution::send::Doubt;
use crate::execution::watcher::End;
use crate::execution::watcher::Event;
use crate::journal::Body;
use crate::journal::FailureKind;
use crate::journal::Found;
use crate::journal::JournalError;
use crate::journal::Status;

/// Wait between two looks at something that may not be visible yet.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// The doubt about an operation that an earlier process sent.
const UNANSWERED: &str = "the process that sent it ended before the answer came";

/// How long a look at what became of an operation may go on after a stop: whoever stopped salvor may end it by force
/// ten seconds later, and the end of this process's part is still to be recorded.
const LOOK_AFTER_STOP: Duration = Duration::from_secs(4);

/// What to do after an outcome that is not known.
pub(super) enum Settled {
    /// It is done.
    Done(Outcome),
    /// It had no effect: send the same operation again.
    Absent,
    /// Nobody can tell, for this reason, and its class allows it to be sent again.
    Unclear(String),
    /// It is under way: perform attaches to it.
    Attach(Option<String>),
    /// Something else stands in its place.
    Conflict(String),
    /// Nobody can tell.
    Unknown(String),
    /// The operator stopped salvor before it was found out.
    Stopped,
}

impl Engine<'_> {
    /// Takes up an operation that an earlier process may have sent.
    pub(super) async fn find_again(&self, operator: &Operator<'_>) -> Result<End, JournalError> {
        let step = &operator.step.name;
        let begun = self.surroundings.clock.elapsed();
        self.watcher.saw(Event::Looking { step });
        if self.stop.is_cancelled() {
            return Ok(End::LeftRunning);
        }
        // What is known of the doubt already says more than that there is one.
        let noted = self.journal.with_state(|state| {
            let step = state.steps.get(step)?;
            step.note.clone().filter(|_| step.status == Status::Unknown)
        });
        let unanswered = match self.was_lost(operator.step) {
            true => LOST,
            false => UNANSWERED,
        };
        let doubt = noted.as_deref().unwrap_or(unanswered);
        let found = self.settle(operator, doubt).await;
        let is_given_up = self.is_given_up && !operator.step.finally;
        let lost = self.lost_with_the_journal(operator.step);
        match found {
            Settled::Done(outcome) => {
                self.watcher.saw(Event::Found {
                    step,
                    what: "it is done",
                });
                self.judge(operator, outcome, true, begun).await
            }
            Settled::Attach(name) => {
                self.watcher.saw(Event::Found {
                    step,
                    what: "it is under way: waiting for it",
                });
                self.probed(operator, Found::InFlight { name }).await?;
                self.send(operator, Doubt::Left, 1).await
            }
            Settled::Absent if is_given_up => {
                let error = Error::refused("the run was given up before it had an effect");
                self.failed(operator, FailureKind::Preparation, &error, Vec::new())
                    .await
            }
            Settled::Unclear(why) if is_given_up => {
                let why = format!("the run was given up while nobody could tell of it: {why}");
                self.unknown(operator, &why).await
            }
            Settled::Absent | Settled::Unclear(_) if lost.is_some() => {
                self.unknown(operator, &lost.unwrap_or_default()).await
            }
            Settled::Absent => {
                if let Some(end) = self.refused_after_a_loss(operator).await? {
                    return Ok(end);
                }
                self.watcher.saw(Event::Found {
                    step,
                    what: "it had no effect yet: the same operation again",
                });
                self.probed(operator, Found::Absent).await?;
                self.send(operator, Doubt::None, 0).await
            }
            Settled::Unclear(why) => {
                self.watcher.saw(Event::Found {
                    step,
                    what: "nobody can tell: the same operation again, which repeats nothing",
                });
                self.probed(operator, Found::Unclear { why }).await?;
                self.send(operator, Doubt::Left, 0).await
            }
            Settled::Conflict(found) => self.conflict(operator, &found).await,
            Settled::Unknown(why) => self.unknown(operator, &why).await,
            Settled::Stopped => Ok(End::LeftRunning),
        }
    }

    pub(super) async fn probed(
        &self,
        operator: &Operator<'_>,
        found: Found,
    ) -> Result<(), JournalError> {
        let (step, op) = (operator.step.name.clone(), operator.operation.id.clone());
        self.record(Body::Probed { step, op, found }).await?;
        Ok(())
    }

    /// Looks until it is known what became of the operation, or known that it cannot be known.
    pub(super) async fn settle(&self, operator: &Operator<'_>, doubt: &str) -> Settled {
        let clock = self.surroundings.clock.as_ref();
        let began = clock.elapsed();
        let window = operator.step.settle.duration();
        loop {
            let is_settled = clock.elapsed() - began >= window;
            let Some(probe) = self.unless_stopped(operator.probe()).await else {
                return Settled::Stopped;
            };
            match probe {
                Probe::Done(outcome) => return Settled::Done(outcome),
                Probe::InFlight { name } => return Settled::Attach(name),
                Probe::Conflict { found } => return Settled::Conflict(found),
                Probe::Absent if is_settled => return Settled::Absent,
                Probe::CannotTell { why } if is_settled => {
                    return match operator.step.class {
                        // Each of these finds its own earlier effect, or sets the same state again.
                        Class::Read
                        | Class::Token
                        | Class::Named
                        | Class::Fenced
                        | Class::Convergent => Settled::Unclear(why),
                        // The same look as before tells nothing more.
                        Class::Unkeyed if doubt.ends_with(&why) => {
                            Settled::Unknown(doubt.to_owned())
                        }
                        Class::Unkeyed => Settled::Unknown(format!("{doubt}; {why}")),
                    };
                }
                Probe::Absent | Probe::CannotTell { .. } => {
                    let left = window.saturating_sub(clock.elapsed() - began);
                    let wait = clock.sleep(LOOK_AGAIN.min(left));
                    if self.unless_stopped(wait).await.is_none() {
                        return Settled::Stopped;
                    }
                }
            }
        }
    }

    /// Records success, unless what is there now is not what was declared.
    pub(super) async fn judge(
        &self,
        operator: &Operator<'_>,
        mut outcome: Outcome,
        adopted: bool,
        begun: Duration,
    ) -> Result<End, JournalError> {
        match self.unless_stopped(operator.observe(&outcome)).await {
            Some(findings) => outcome.findings.extend(findings),
            // The next process would have to ask a person what became of it.
            None if operator.step.class == Class::Unkeyed => outcome.findings.push(Finding {
                subject: format!("state after {}", operator.operation.action),
                expected: "what was declared".to_owned(),
                observed: "salvor was stopped before it was looked at".to_owned(),
                judgement: Judgement::Inconclusive,
            }),
            None => return Ok(End::LeftRunning),
        }
        let mut failed = outcome
            .findings
            .iter()
            .filter(|finding| finding.judgement == Judgement::Failed);
        if let Some(first) = failed.next() {
            let what = format!(
                "{}: expected {}, found {}",
                first.subject, first.expected, first.observed
            );
            let error = Error::refused(what);
            return self
                .failed(operator, FailureKind::Finding, &error, outcome.findings)
                .await;
        }
        let took = self.surroundings.clock.elapsed().saturating_sub(begun);
        let body = Body::Succeeded {
            step: operator.step.name.clone(),
            op: operator.operation.id.clone(),
            outcome,
            adopted,
            took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        };
        self.record(body).await?;
        let end = if adopted {
            End::Adopted
        } else {
            End::Succeeded
        };
        self.watcher.saw(Event::Ended {
            step: &operator.step.name,
            end,
            why: "",
        });
        Ok(end)
    }

    /// A refusal says that nothing was changed; whoever writes is asked to prove it.
    pub(super) async fn refused(
        &self,
        operator: &Operator<'_>,
        error: Error,
        begun: Duration,
    ) -> Result<End, JournalError> {
        if operator.step.class == Class::Read {
            return self
                .failed(operator, FailureKind::Refused, &error, Vec::new())
                .await;
        }
        match self.unless_stopped(operator.probe()).await {
            Some(Probe::Done(outcome)) => self.judge(operator, outcome, true, begun).await,
            Some(Probe::InFlight { .. }) => {
                let why = format!("{error}, and yet it is under way");
                self.under_way(operator, &why).await
            }
            Some(Probe::Absent | Probe::CannotTell { .. } | Probe::Conflict { .. }) | None => {
                self.failed(operator, FailureKind::Refused, &error, Vec::new())
                    .await
            }
        }
    }

    /// An error that says that nothing was changed, after an earlier request that may have changed something.
    pub(super) async fn failed_unless_found(
        &self,
        operator: &Operator<'_>,
        kind: FailureKind,
        error: &Error,
        begun: Duration,
    ) -> Result<End, JournalError> {
        if operator.step.class == Class::Read {
            return self.failed(operator, kind, error, Vec::new()).await;
        }
        match self.settle(operator, &error.to_string()).await {
            Settled::Done(outcome) => self.judge(operator, outcome, true, begun).await,
            Settled::Absent => self.failed(operator, kind, error, Vec::new()).await,
            Settled::Unclear(_) => {
                let why = format!("{error}, and an earlier try may have had its effect");
                self.unknown(operator, &why).await
            }
            Settled::Attach(_) => {
                let why = format!("{error}, and yet it is under way");
                self.under_way(operator, &why).await
            }
            Settled::Conflict(found) => self.conflict(operator, &found).await,
            Settled::Unknown(why) => self.unknown(operator, &why).await,
            Settled::Stopped => Ok(End::LeftRunning),
        }
    }

    /// What a look gives, unless it goes on for too long after a stop.
    async fn unless_stopped<T>(&self, look: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            found = look => Some(found),
            () = async {
                self.stop.cancelled().await;
                self.surroundings.clock.sleep(LOOK_AFTER_STOP).await;
            } => None,
        }
    }

    pub(super) async fn conflict(
        &self,
        operator: &Operator<'_>,
        found: &str,
    ) -> Result<End, JournalError> {
        let error = Error::refused_with(
            format!("something else is in its place: {found}"),
            "Move it out of the way, or give the step another target.",
        );
        self.failed(operator, FailureKind::Conflict, &error, Vec::new())
            .await
    }

    pub(super) async fn failed(
        &self,
        operator: &Operator<'_>,
        kind: FailureKind,
        error: &Error,
        findings: Vec<Finding>,
    ) -> Result<End, JournalError> {
        let what = error.to_string();
        let body = Body::Failed {
            step: operator.step.name.clone(),
            op: Some(operator.operation.id.clone()),
            kind,
            what: what.clone(),
            hint: error.hint().map(str::to_owned),
            findings,
            again: false,
        };
        self.record(body).await?;
        self.watcher.saw(Event::Ended {
            step: &operator.step.name,
            end: End::Failed,
            why: &what,
        });
        Ok(End::Failed)
    }

    pub(super) async fn unknown(
        &self,
        operator: &Operator<'_>,
        why: &str,
    ) -> Result<End, JournalError> {
        self.left_unknown(operator, why, false).await
    }

    /// It goes on, and this process does not wait for it any longer.
    pub(super) async fn under_way(
        &self,
        operator: &Operator<'_>,
        why: &str,
    ) -> Result<End, JournalError> {
        self.left_unknown(operator, why, true).await
    }

    async fn left_unknown(
        &self,
        operator: &Operator<'_>,
        why: &str,
        under_way: bool,
    ) -> Result<End, JournalError> {
        let body = Body::Unknown {
            step: operator.step.name.clone(),
            op: operator.operation.id.clone(),
            why: why.to_owned(),
            under_way,
        };
        self.record(body).await?;
        self.watcher.saw(Event::Ended {
            step: &operator.step.name,
            end: End::Unknown,
            why,
        });
        Ok(End::Unknown)
    }
}
