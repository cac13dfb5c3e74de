//! A scenario of a plan with the inputs that decide what is in it, and what is done with each: planned into a change
//! set, applied to its end, reported, planned again.

use std::sync::Mutex;
use std::sync::PoisonError;

use serde_json::Value;

use crate::operator::Operator;
use crate::operator::Reply;
use crate::world::Said;
use crate::world::World;

/// A scenario and the inputs that are given to it beside the plan's example.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// The scenario.
    pub scenario: &'static str,
    /// Inputs and their values.
    pub inputs: &'static [(&'static str, &'static str)],
}

/// A case without inputs of its own.
pub const fn plain(scenario: &'static str) -> Case {
    with(scenario, &[])
}

/// A case with inputs.
pub const fn with(scenario: &'static str, inputs: &'static [(&'static str, &'static str)]) -> Case {
    Case { scenario, inputs }
}

impl Case {
    /// The value that the case gives to an input.
    pub fn input(&self, name: &str) -> Option<&'static str> {
        let given = self.inputs.iter().find(|(input, _)| *input == name);
        given.map(|(_, value)| *value)
    }
}

/// Whether a run is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Course {
    /// It is.
    Undisturbed,
    /// The answers that must be refused are tried first.
    Contradicted,
    /// It is killed by SIGKILL at the question after so many answers, and resumed.
    KilledAfter(usize),
}

/// What there is to be looked at after a run.
#[derive(Debug)]
pub struct Recovered {
    /// What the run told, all processes together.
    pub told: String,
    /// What the same `plan` says afterwards.
    pub again: Said,
}

/// Plans a case, applies the saved change set to its end, and looks at what is said afterwards.
#[track_caller]
pub fn recover(world: &World, case: &Case, course: Course, reply: &Reply<'_>) -> Recovered {
    let file = "reviewed.changeset";
    world.plan(case, Some(file)).ends_with(0);
    let mut operator = Operator::new(world, reply);
    let told = match course {
        Course::Undisturbed => operator.watch(world.apply(file), None),
        Course::Contradicted => {
            let saved: Value = serde_json::from_str(&world.read(file)).expect("it is JSON");
            operator = operator.contradicted(&saved["change-set"]);
            let told = operator.watch(world.apply(file), None);
            operator.demand_contradicted();
            told
        }
        Course::KilledAfter(answers) => {
            let killed = operator.watch(world.apply(file), Some(answers));
            assert_eq!(killed.code, None, "{}", killed.text);
            let run = operator.run.clone().expect("it said its name");
            let resumed = operator.watch(world.resume(&run), None);
            Said {
                code: resumed.code,
                text: killed.text + &resumed.text,
            }
        }
    };
    let told = told.ends_with(0).text;
    let (done, all) = steps_done(&told);
    assert_eq!(done, all, "{told}");
    let run = operator.run.clone().expect("it said its name");
    world.about(&["journal", "check"], &run).ends_with(0);
    let report = world.about(&["report"], &run).ends_with(0).text;
    let verdict = |text: &str| ["GREEN", "AMBER", "RED"].map(|word| text.contains(word));
    assert_eq!(verdict(&report), verdict(&told), "{report}\n{told}");
    let again = world.plan(case, None);
    Recovered { told, again }
}

/// Does something with every case, several at once: they wait for answers most of the time.
pub fn each(cases: &[Case], at_once: usize, work: impl Fn(&Case) + Sync) {
    let next = Mutex::new(0);
    let take = || {
        let mut next = next.lock().unwrap_or_else(PoisonError::into_inner);
        *next += 1;
        cases.get(*next - 1)
    };
    std::thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                while let Some(case) = take() {
                    work(case);
                }
            });
        }
    });
}

/// How many steps were done, and of how many, as the last line about the run says.
fn steps_done(told: &str) -> (&str, &str) {
    let line = told.lines().rev().find(|line| line.contains(" steps done"));
    let line = line.unwrap_or_else(|| panic!("it did not end:\n{told}"));
    let words: Vec<&str> = line.split(' ').collect();
    let at = words.iter().position(|word| *word == "steps");
    let at = at.expect("it was found");
    (words[at - 3], words[at - 1])
}
