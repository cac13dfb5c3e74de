//! The script of faults: which call meets which fault.
//!
//! A rule counts the calls that fit its pattern, in the world itself, so that a process which was killed
//! and started again goes on in the script where it was.

use salvor_contract::KindName;
use salvor_contract::Period;
use serde::Deserialize;
use serde::Serialize;

use crate::world::World;

/// One rule: calls that fit `action`, `step` and `call`, from the `nth` on, `times` of them, meet `fault`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rule {
    /// The full name of the action, or of the kind of store for `survey`; `*` at its end stands for anything.
    /// Left out: every one.
    #[serde(default = "anything")]
    pub action: String,
    /// The name of the step, or of the store for `survey`; `*` at its end stands for anything. Left out:
    /// every one.
    #[serde(default = "anything")]
    pub step: String,
    /// Which call.
    #[serde(default)]
    pub call: Verb,
    /// The first call that meets the fault, counted from 1.
    #[serde(default = "one")]
    pub nth: u64,
    /// How many calls meet it.
    #[serde(default = "one")]
    pub times: u64,
    /// The fault.
    pub fault: Fault,
    /// How many calls have fitted so far.
    #[serde(default)]
    pub seen: u64,
}

/// The calls that faults can hit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// `survey`.
    Survey,
    /// `preview`.
    Preview,
    /// `perform`.
    #[default]
    Perform,
    /// `probe`.
    Probe,
    /// `remove`.
    Remove,
}

/// What goes wrong. For calls that only read, all but `refuse` and `delay` are a transient error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// The service says no, with this reason.
    Refuse(String),
    /// The service is busy; it may say when to come again.
    Transient(Option<Period>),
    /// The request is lost before it arrives; the caller cannot know that.
    DropBefore,
    /// The effect happens, the answer is lost.
    LoseAnswer,
    /// The request waits this long on its way. It is not shortened by `speed`.
    Delay(Period),
    /// The request arrives twice.
    Duplicate,
    /// The service goes over to a state of this name, which salvor does not know, and stays there.
    Strange(String),
    /// The work begins and fails after this time (shortened by `speed`), with this reason.
    FailAfter(Period, String),
    /// The provider itself panics with these words: on its way out for a call that only reads, after the
    /// effect for any other.
    Panic(String),
}

/// What the fault `panic` does.
pub(crate) fn panic_with(words: &str) -> ! {
    panic!("{words}")
}

fn anything() -> String {
    "*".to_owned()
}

fn one() -> u64 {
    1
}

impl Rule {
    /// A rule for the first `perform` of this action.
    pub fn first(action: &str, fault: Fault) -> Self {
        Self {
            action: action.to_owned(),
            step: anything(),
            call: Verb::Perform,
            nth: 1,
            times: 1,
            fault,
            seen: 0,
        }
    }

    fn fits(&self, kind: &KindName, name: &str, verb: Verb) -> bool {
        self.call == verb && is_like(kind.as_str(), &self.action) && is_like(name, &self.step)
    }
}

impl World {
    /// Counts this call in every rule that it fits and gives the fault that it meets: the first rule's.
    pub(crate) fn next_fault(&mut self, kind: &KindName, name: &str, verb: Verb) -> Option<Fault> {
        let mut met = None;
        for rule in self
            .faults
            .iter_mut()
            .filter(|rule| rule.fits(kind, name, verb))
        {
            rule.seen += 1;
            let is_hit = rule.seen >= rule.nth && rule.seen - rule.nth < rule.times;
            if is_hit && met.is_none() {
                met = Some(rule.fault.clone());
            }
        }
        met
    }
}

fn is_like(text: &str, pattern: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => text.starts_with(start),
        None => text == pattern,
    }
}

#[cfg(test)]
mod tests {
    use super::Fault;
    use super::Rule;
    use super::Verb;
    use crate::world::World;

    #[test]
    fn a_rule_hits_the_calls_that_it_counts() {
        let mut rule = Rule::first("simulated.r*", Fault::DropBefore);
        (rule.nth, rule.times) = (2, 2);
        let mut world = World {
            faults: vec![rule],
            ..World::default()
        };
        let (restore, scale) = ("simulated.restore".into(), "simulated.scale".into());
        assert_eq!(world.next_fault(&scale, "a", Verb::Perform), None);
        assert_eq!(world.next_fault(&restore, "a", Verb::Probe), None);
        let hits: Vec<bool> = (0..4)
            .map(|_| world.next_fault(&restore, "a", Verb::Perform).is_some())
            .collect();
        assert_eq!(hits, [false, true, true, false]);
    }
}
