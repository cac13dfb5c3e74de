//! Sends an operation whose intent is recorded, as often and for as long as its step allows.
//!
//! Tries and deadline count over everything that this process sends of it: an answer that never came uses up a try as
//! an error that passes does. To wait for what is under way uses up none, and ends at the deadline.

use std::time::Duration;

use salvor_contract::Class;
use salvor_contract::Error;
use salvor_contract::Period;

use crate::change_set::PlannedStep;
use crate::execution::engine::Engine;
use crate::execution::operate::Operator;
use crate::execution::step::Settled;
use crate::execution::watcher::End;
use crate::execution::watcher::Event;
use crate::journal::FailureKind;
use crate::journal::Found;
use crate::journal::JournalError;

/// Whether a request of this operation that was sent before may still have, or have had, its effect.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Doubt {
    /// None was sent, or a look after the settle window found nothing.
    None,
    /// One was sent and nobody could tell; sending it again repeats nothing, but no error of a later try
    /// says that nothing was changed.
    Left,
}

/// What this process has used up of a step's tries and time.
struct Spent {
    /// When it began, on the clock of the process.
    began: Duration,
    /// How often it was sent.
    sent: u32,
    /// How many of these only waited for what was found under way.
    attached: u32,
}

impl Spent {
    fn left(&self, step: &PlannedStep, now: Duration) -> Duration {
        let passed = now.saturating_sub(self.began);
        step.deadline.duration().saturating_sub(passed)
    }

    fn is_last_try(&self, step: &PlannedStep) -> bool {
        self.sent - self.attached >= step.retry.attempts
    }
}

enum Next {
    Again(Doubt),
    End(End),
}

impl Engine<'_> {
    /// Sends an operation whose intent is recorded, and brings it to an end. `attached` is 1 when it was found under
    /// way: then the first time only waits.
    pub(super) async fn send(
        &self,
        operator: &Operator<'_>,
        mut doubt: Doubt,
        attached: u32,
    ) -> Result<End, JournalError> {
        let mut spent = Spent {
            began: self.surroundings.clock.elapsed(),
            sent: 0,
            attached,
        };
        loop {
            let left = self.left(operator, &spent);
            spent.sent += 1;
            let answer = if left.is_zero() {
                Err(operator.no_answer())
            } else {
                operator.perform(left).await
            };
            let next = match answer {
                Ok(outcome) => return self.judge(operator, outcome, false, spent.began).await,
                Err(error @ Error::Refused { .. }) => {
                    return self.after_refusal(operator, &spent, doubt, error).await;
                }
                Err(Error::Transient { what, retry_after }) => {
                    self.after_transient(operator, &spent, doubt, &what, retry_after)
                        .await?
                }
                Err(Error::Unknown { what }) => {
                    self.after_unknown(operator, &mut spent, &what).await?
                }
            };
            match next {
                Next::Again(now) => doubt = now,
                Next::End(end) => return Ok(end),
            }
        }
    }

    async fn after_refusal(
        &self,
        operator: &Operator<'_>,
        spent: &Spent,
        doubt: Doubt,
        error: Error,
    ) -> Result<End, JournalError> {
        match doubt {
            Doubt::None => self.refused(operator, error, spent.began).await,
            Doubt::Left => {
                let kind = FailureKind::Refused;
                self.failed_unless_found(operator, kind, &error, spent.began)
                    .await
            }
        }
    }

    /// Nothing was changed: the same operation again, while tries and time are left.
    async fn after_transient(
        &self,
        operator: &Operator<'_>,
        spent: &Spent,
        doubt: Doubt,
        what: &str,
        retry_after: Option<Period>,
    ) -> Result<Next, JournalError> {
        if self.stop.is_cancelled() {
            return Ok(Next::End(End::LeftRunning));
        }
        let left = self.left(operator, spent);
        let wait = retry_after.map_or_else(
            || self.backoff(operator, spent.sent),
            |asked| asked.duration(),
        );
        let is_last = spent.is_last_try(operator.step);
        if !is_last && wait < left {
            return Ok(match self.rest(operator, what, wait).await {
                Some(()) => Next::Again(doubt),
                None => Next::End(End::LeftRunning),
            });
        }
        let error = Error::transient(match retry_after.filter(|_| wait >= left) {
            Some(asked) => too_long(what, asked, left),
            None if is_last => what.to_owned(),
            None => out_of_time(what, operator.step),
        });
        let kind = FailureKind::Transient;
        let end = match doubt {
            Doubt::None => self.failed(operator, kind, &error, Vec::new()).await,
            Doubt::Left => {
                self.failed_unless_found(operator, kind, &error, spent.began)
                    .await
            }
        };
        end.map(Next::End)
    }

    /// Nobody knows what became of it: a look says whether it is done, goes on, or is sent again while tries and
    /// time are left.
    async fn after_unknown(
        &self,
        operator: &Operator<'_>,
        spent: &mut Spent,
        what: &str,
    ) -> Result<Next, JournalError> {
        if self.stop.is_cancelled() {
            return Ok(Next::End(End::LeftRunning));
        }
        let end = match self.settle(operator, what).await {
            Settled::Absent => return self.once_more(operator, spent, what, Found::Absent).await,
            Settled::Unclear(why) => {
                let found = Found::Unclear { why };
                return self.once_more(operator, spent, what, found).await;
            }
            Settled::Attach(name) => return self.attach(operator, spent, name).await,
            Settled::Done(outcome) => self.judge(operator, outcome, true, spent.began).await,
            Settled::Conflict(found) => self.conflict(operator, &found).await,
            Settled::Unknown(why) => self.unknown(operator, &why).await,
            Settled::Stopped => Ok(End::LeftRunning),
        };
        end.map(Next::End)
    }

    /// The same operation again after a look that did not find it, while tries and time are left.
    async fn once_more(
        &self,
        operator: &Operator<'_>,
        spent: &Spent,
        what: &str,
        found: Found,
    ) -> Result<Next, JournalError> {
        let step = operator.step;
        let doubt = match &found {
            Found::Absent => Doubt::None,
            Found::InFlight { .. } | Found::Unclear { .. } => Doubt::Left,
        };
        let wait = self.backoff(operator, spent.sent);
        let is_last = spent.is_last_try(step);
        if !is_last && wait < self.left(operator, spent) {
            if self.rest(operator, what, wait).await.is_none() {
                return Ok(Next::End(End::LeftRunning));
            }
            self.probed(operator, found).await?;
            return Ok(Next::Again(doubt));
        }
        let what = if is_last {
            what.to_owned()
        } else {
            out_of_time(what, step)
        };
        let end = match found {
            Found::Unclear { why } if step.class != Class::Read => {
                self.unknown(operator, &with_reason(&what, &why)).await
            }
            Found::Absent | Found::InFlight { .. } | Found::Unclear { .. } => {
                let error = Error::transient(match step.class {
                    // A look has no effect. What sets a state may have got half-way, and is sent again from there.
                    Class::Read | Class::Convergent => what,
                    Class::Token | Class::Named | Class::Fenced | Class::Unkeyed => {
                        format!("{what}; it had no effect")
                    }
                });
                self.failed(operator, FailureKind::Transient, &error, Vec::new())
                    .await
            }
        };
        end.map(Next::End)
    }

    /// Waits for what is under way, until the deadline.
    async fn attach(
        &self,
        operator: &Operator<'_>,
        spent: &mut Spent,
        name: Option<String>,
    ) -> Result<Next, JournalError> {
        let left = self.left(operator, spent);
        if left.is_zero() {
            let why = format!(
                "still under way after its deadline of {}",
                operator.step.deadline
            );
            return self.under_way(operator, &why).await.map(Next::End);
        }
        self.watcher.saw(Event::Found {
            step: &operator.step.name,
            what: "it is under way: waiting for it",
        });
        let wait = self.backoff(operator, spent.sent).min(left);
        if self.sleep(wait).await.is_none() {
            return Ok(Next::End(End::LeftRunning));
        }
        spent.attached += 1;
        self.probed(operator, Found::InFlight { name }).await?;
        Ok(Next::Again(Doubt::Left))
    }

    /// Waits before the next try and says why; `None` when the run is stopped meanwhile.
    async fn rest(&self, operator: &Operator<'_>, error: &str, wait: Duration) -> Option<()> {
        self.watcher.saw(Event::Retrying {
            step: &operator.step.name,
            error,
            after: wait,
        });
        self.sleep(wait).await
    }

    async fn sleep(&self, wait: Duration) -> Option<()> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => None,
            () = self.surroundings.clock.sleep(wait) => Some(()),
        }
    }

    fn left(&self, operator: &Operator<'_>, spent: &Spent) -> Duration {
        spent.left(operator.step, self.surroundings.clock.elapsed())
    }

    /// Doubles with each try, never more than the plan's longest wait, between half and the whole of it.
    fn backoff(&self, operator: &Operator<'_>, tries: u32) -> Duration {
        let retry = operator.step.retry;
        let doubled = retry
            .wait
            .duration()
            .saturating_mul(1_u32.checked_shl(tries - 1).unwrap_or(u32::MAX));
        doubled
            .min(retry.wait_max.duration())
            .mul_f64(0.5 + self.surroundings.randomness.fraction() / 2.0)
    }
}

/// A run must not stand still at the word of a server.
fn too_long(what: &str, asked: Period, left: Duration) -> String {
    let left = Period::from_seconds(left.as_secs());
    format!("{what}; it asks to be left alone for {asked}, and this step waits {left} at most")
}

fn out_of_time(what: &str, step: &PlannedStep) -> String {
    format!(
        "{what}; its deadline of {} leaves no time for another try",
        step.deadline
    )
}

/// What is not known with why a look did not tell it, said once.
fn with_reason(what: &str, why: &str) -> String {
    if what.ends_with(why) {
        return what.to_owned();
    }
    format!("{what}; {why}")
}
