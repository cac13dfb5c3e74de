//! Turns rules into what happens to the next call: which calls a fault meets, and what it does to them.

use std::sync::Condvar;
use std::sync::Mutex;
use std::time::Duration;

use crate::unpoisoned;

/// What happens to a call that a fault meets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The connection is closed before anything is done.
    NoAnswer,
    /// It is done, and the connection is closed without an answer.
    AnswerLost,
    /// It is done, and answered by an internal error with the status 500.
    ErrorAfterDone,
    /// Nothing is done; the answer is the service's own for too many calls.
    Throttled,
    /// Nothing is done; the answer is the service's own for credentials whose time is over.
    TokenExpired,
    /// Nothing is done; it is refused with this status and this code.
    Refused(u16, String),
    /// It waits before anything is done, until the test lets go of it: a request that arrives late.
    HeldBefore,
    /// It is done, and its answer waits until the test lets go of it.
    HeldAfter,
    /// It is done twice, as if the network or a client had sent it again; the answer is the second one.
    Duplicated,
    /// It is done; the answer has half of its body and says that this is all.
    Truncated,
    /// It is done; the connection is reset in the middle of the answer's body.
    Reset,
    /// It is done as if it had been sent without this field of its head: a server that ignores conditions. One that
    /// checks signatures refuses it where the field is signed.
    WithoutHeader(String),
    /// It is done, and in the body of the answer the first text is replaced by the second: a value that this
    /// version of a client does not know.
    Replaced(String, String),
}

impl Effect {
    /// Returns one of each effect that a client must survive at each call that changes something, with a name for
    /// messages. `HeldBefore` and `HeldAfter` need a test that lets go, and stand for an answer that takes longer than a
    /// client waits. Readings that do not find what was just made are [`Phase::unseen`](crate::Phase::unseen) in a fake,
    /// and a refusal with the status 404 through a proxy.
    pub fn all() -> [(&'static str, Effect); 13] {
        let replaced = Effect::Replaced("available".to_owned(), "a-state-of-next-year".to_owned());
        [
            ("no answer", Effect::NoAnswer),
            ("answer lost", Effect::AnswerLost),
            ("error after done", Effect::ErrorAfterDone),
            ("throttled", Effect::Throttled),
            ("token expired", Effect::TokenExpired),
            (
                "refused",
                Effect::Refused(503, "ServiceUnavailable".to_owned()),
            ),
            ("held before", Effect::HeldBefore),
            ("held after", Effect::HeldAfter),
            ("duplicated", Effect::Duplicated),
            ("truncated", Effect::Truncated),
            ("reset", Effect::Reset),
            (
                "without header",
                Effect::WithoutHeader("If-None-Match".to_owned()),
            ),
            ("unknown value", replaced),
        ]
    }
}

/// A rule: which calls of which operation meet which effect.
///
/// ```
/// use salvor_fakes::Effect;
/// use salvor_fakes::Fault;
///
/// // The second and the third call of it.
/// Fault::on("DescribeDBInstances", Effect::Throttled).call(2).times(2);
/// // Each upload to a bucket, through a proxy.
/// Fault::on("PUT /backups/*", Effect::AnswerLost).always();
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Fault {
    operation: String,
    effect: Effect,
    first: u32,
    times: Option<u32>,
}

impl Fault {
    /// Returns a rule for the first call of an operation: the action of a service of AWS, else the method, a space
    /// and the target. A `*` at the end stands for any text.
    pub fn on(operation: &str, effect: Effect) -> Fault {
        Fault {
            operation: operation.to_owned(),
            effect,
            first: 1,
            times: Some(1),
        }
    }

    /// Begins with this call, counted from 1 and from when the rule was given.
    pub fn call(mut self, number: u32) -> Fault {
        self.first = number;
        self
    }

    /// Meets this many calls.
    pub fn times(mut self, number: u32) -> Fault {
        self.times = Some(number);
        self
    }

    /// Meets all calls from the first one on.
    pub fn always(mut self) -> Fault {
        self.times = None;
        self
    }

    fn matches(&self, operation: &str) -> bool {
        match self.operation.strip_suffix('*') {
            Some(start) => operation.starts_with(start),
            None => self.operation == operation,
        }
    }
}

/// The rules that were given, and how many calls each has seen.
#[derive(Debug, Default)]
pub(crate) struct Rules(Mutex<Vec<(Fault, u32)>>);

impl Rules {
    /// Adds one.
    pub(crate) fn add(&self, fault: Fault) {
        unpoisoned(&self.0).push((fault, 0));
    }

    /// Forgets all.
    pub(crate) fn clear(&self) {
        unpoisoned(&self.0).clear();
    }

    /// Counts a call with each rule for its operation, and returns the effect of the first one that meets it.
    pub(crate) fn next(&self, operation: &str) -> Option<Effect> {
        let mut met = None;
        for (fault, seen) in unpoisoned(&self.0).iter_mut() {
            if !fault.matches(operation) {
                continue;
            }
            *seen += 1;
            let is_over = fault
                .times
                .is_some_and(|times| *seen >= fault.first.saturating_add(times));
            if *seen >= fault.first && !is_over && met.is_none() {
                met = Some(fault.effect.clone());
            }
        }
        met
    }
}

/// How long a test waits for a call that is to be held before it fails.
const HELD_TIMEOUT: Duration = Duration::from_secs(60);

/// Where calls wait until a test lets go of them.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    state: Mutex<GateState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct GateState {
    waiting: usize,
    releases: u64,
    is_open: bool,
}

impl Gate {
    /// Waits until the next release.
    pub(crate) fn hold(&self) {
        let mut state = unpoisoned(&self.state);
        let before = state.releases;
        state.waiting += 1;
        self.changed.notify_all();
        while state.releases == before && !state.is_open {
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(std::sync::PoisonError::into_inner);
        }
        state.waiting -= 1;
        self.changed.notify_all();
    }

    /// Waits until a call is held.
    ///
    /// # Panics
    /// None is after a minute.
    pub(crate) fn wait_until_held(&self) {
        let state = unpoisoned(&self.state);
        let (state, _) = self
            .changed
            .wait_timeout_while(state, HELD_TIMEOUT, |state| state.waiting == 0)
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        assert!(
            state.waiting > 0,
            "no call was held within {HELD_TIMEOUT:?}"
        );
    }

    /// Lets go of all calls that wait now.
    pub(crate) fn release(&self) {
        unpoisoned(&self.state).releases += 1;
        self.changed.notify_all();
    }

    /// Lets go of all calls, and holds none any more.
    pub(crate) fn open(&self) {
        unpoisoned(&self.state).is_open = true;
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::Effect;
    use super::Fault;
    use super::Rules;

    fn check(fault: Fault, operation: &str, expected: &str) {
        let rules = Rules::default();
        rules.add(fault);
        let met: String = (0..6)
            .map(|_| {
                if rules.next(operation).is_some() {
                    'x'
                } else {
                    '.'
                }
            })
            .collect();
        assert_eq!(met, expected);
    }

    #[test]
    fn a_rule_meets_the_calls_that_it_says() {
        let rule = || Fault::on("Describe", Effect::NoAnswer);
        check(rule(), "Describe", "x.....");
        check(rule(), "DescribeMore", "......");
        check(rule().call(3), "Describe", "..x...");
        check(rule().call(2).times(3), "Describe", ".xxx..");
        check(rule().call(5).always(), "Describe", "....xx");
        check(Fault::on("PUT /b/*", Effect::Reset), "PUT /b/key", "x.....");
    }

    #[test]
    fn the_first_of_two_rules_is_the_one_that_counts_and_both_are_counted() {
        let rules = Rules::default();
        rules.add(Fault::on("A", Effect::NoAnswer));
        rules.add(Fault::on("A", Effect::Reset).times(2));
        let met: Vec<_> = (0..3).map(|_| rules.next("A")).collect();
        assert_eq!(met, [Some(Effect::NoAnswer), Some(Effect::Reset), None]);
    }
}
