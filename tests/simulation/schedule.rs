//! Turns a seed into a schedule: a plan, what goes wrong at services, disks and locks, and who starts, crashes,
//! sleeps and wakes when. Everything is data; nothing is drawn later but the order of ready processes.
//!
//! Faults stay within what the design promises to survive, and only there: a request is late by less than
//! its step's settle window unless the target fences, and nothing doubles a request that has no key.

mod processes;

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use salvor::journal::memory::Fault as DiskFault;
use salvor_contract::Class;
use salvor_contract::Period;
use salvor_simulated::Fault;
use salvor_simulated::Rule;
use salvor_simulated::Verb;

use crate::random::Random;
use crate::schedule::processes::process;
use crate::time::SECOND;
use crate::time::Skew;

/// Everything that happens, but for the order in which ready processes are polled.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// Where it comes from.
    pub seed: u64,
    /// The plan.
    pub steps: Vec<Step>,
    /// How many steps may go on at once.
    pub parallel: usize,
    /// What the journal is kept on.
    pub medium: Medium,
    /// The script of the simulated services.
    pub rules: Vec<Rule>,
    /// Requests that are late: by step and by the number of its call, how many microseconds.
    pub late: BTreeMap<(usize, u64), u64>,
    /// Steps whose target is taken by something foreign.
    pub foreign: BTreeSet<usize>,
    /// The processes, in the order in which they start.
    pub processes: Vec<Process>,
    /// When late writes of journal and lock arrive.
    pub deliveries: Vec<u64>,
}

/// What the journal is kept on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Medium {
    /// A file that one process has open: writes are torn, the disk is full.
    File,
    /// An object store: requests and answers are lost or late.
    Objects,
}

/// One step of the plan.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its idempotency class.
    pub class: Class,
    /// A person answers before.
    pub asks: bool,
    /// What it needs, by place.
    pub needs: Vec<usize>,
    /// Whose output it uses; it needs it too.
    pub refers: Option<usize>,
    /// It sets the same value as the step that it refers to.
    pub shares_target: bool,
    /// It runs also after a failure.
    pub finally: bool,
    /// Its failure does not stop the rest.
    pub goes_on: bool,
    /// How long its service takes.
    pub takes: Period,
    /// How long "absent" is not believed.
    pub settle: Period,
    /// For how long, in microseconds, a new effect is not seen by probes: less than `settle`.
    pub stale: u64,
    /// How long one try may take.
    pub deadline: Period,
    /// Tries after transient errors.
    pub attempts: u32,
}

impl Step {
    /// A late request does no harm: its target refuses it after a newer one, or it sets what is set.
    pub fn may_be_late(&self) -> bool {
        matches!(self.class, Class::Convergent | Class::Fenced)
    }
}

/// One process.
#[derive(Clone, Debug, Default)]
pub struct Process {
    /// When it starts: at this time for the first ones, this long after another one has ended for the others.
    pub starts: u64,
    /// It starts by itself and not because another one has ended.
    pub is_first: bool,
    /// It dies after so many polls.
    pub crash: Option<u64>,
    /// After so many polls it is stopped for so many microseconds.
    pub pauses: BTreeMap<u64, u64>,
    /// The operator stops it so many microseconds after its start.
    pub stop: Option<u64>,
    /// Its clocks.
    pub skew: Skew,
    /// What its n-th append to the journal meets.
    pub disk: BTreeMap<usize, DiskFault>,
    /// For how many microseconds its n-th append is held up before it is sent.
    pub stalls: BTreeMap<usize, u64>,
    /// What its n-th question to the register of the lock meets.
    pub register: BTreeMap<u64, RegisterFault>,
    /// Its operator decides what can be decided before it goes on.
    pub decides: bool,
    /// Its operator gives the run up.
    pub gives_up: bool,
}

/// What a question to the register meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegisterFault {
    /// It is done, the answer is lost.
    LostAnswer,
    /// It is not done, the answer is lost.
    LostRequest,
    /// The answer is lost, and it is done later.
    Late,
}

impl Schedule {
    /// The schedule of a seed.
    pub fn of(seed: u64) -> Self {
        let mut random = Random::of(seed);
        let steps = steps(&mut random);
        let medium = random.pick(&[Medium::File, Medium::Objects]);
        let mut rules = Vec::new();
        let mut late = BTreeMap::new();
        let mut foreign = BTreeSet::new();
        for (place, step) in steps.iter().enumerate() {
            if random.chance(45) {
                service_faults(&mut random, place, step, &mut rules);
            }
            let settle = micros(step.settle);
            let late_max = match step.class {
                Class::Fenced => 120 * SECOND,
                Class::Read => 0,
                // Together with a stale look it stays within the window.
                Class::Token | Class::Named | Class::Convergent | Class::Unkeyed => {
                    (settle - step.stale) * 9 / 10
                }
            };
            if late_max > 0 && random.chance(20) {
                late.insert((place, random.between(1, 2)), random.between(1, late_max));
            }
            if step.class == Class::Fenced && random.chance(8) {
                abandoned(&mut random, place, &mut late, &mut rules);
            }
            if step.class == Class::Named && random.chance(4) {
                foreign.insert(place);
            }
        }
        let first = random.pick(&[1, 1, 2, 2, 3]);
        let all = first + random.between(0, 3);
        let processes = (0..all)
            .map(|number| process(&mut random, number < first, medium))
            .collect();
        Self {
            seed,
            parallel: random.pick(&[1, 2, 10]),
            medium,
            rules,
            late,
            foreign,
            processes,
            deliveries: (0..random.below(4))
                .map(|_| random.below(200 * SECOND))
                .collect(),
            steps,
        }
    }
}

fn steps(random: &mut Random) -> Vec<Step> {
    let count = random.between(2, 8) as usize;
    let shape = random.below(3);
    let mut steps: Vec<Step> = Vec::new();
    for place in 0..count {
        let mut needs: BTreeSet<usize> = BTreeSet::new();
        if place > 0 {
            match shape {
                0 => _ = needs.insert(place - 1),
                1 => {
                    needs.extend((0..random.below(3)).map(|_| random.index(place)));
                }
                _ => needs.extend(
                    (place > 1)
                        .then(|| random.index(place))
                        .into_iter()
                        .chain([0]),
                ),
            }
        }
        let settle = random.pick(&[0, 0, 10, 40]);
        let mut step = Step {
            class: random.pick(&[
                Class::Read,
                Class::Token,
                Class::Named,
                Class::Named,
                Class::Fenced,
                Class::Fenced,
                Class::Convergent,
                Class::Unkeyed,
                Class::Unkeyed,
            ]),
            asks: random.chance(8),
            needs: needs.into_iter().collect(),
            refers: None,
            shares_target: false,
            finally: false,
            goes_on: random.chance(20),
            takes: random.pick(&[
                Period::ZERO,
                Period::ZERO,
                Period::from(std::time::Duration::from_millis(15)),
                Period::from_seconds(1),
                Period::from_seconds(45),
            ]),
            settle: Period::from_seconds(settle),
            stale: if settle > 0 && random.chance(50) {
                random.below(settle * SECOND * 8 / 10)
            } else {
                0
            },
            deadline: Period::from_seconds(random.pick(&[600, 600, 600, 20])),
            attempts: random.pick(&[1, 2, 3]) as u32,
        };
        if !step.needs.is_empty() && random.chance(30) {
            step.refers = Some(random.pick(&step.needs));
        }
        steps.push(step);
    }
    if count > 2 && random.chance(40) {
        make_finally(random, &mut steps);
    }
    steps
}

/// Makes one step undo in the end what an earlier one had prepared, as a scheduler is stopped and started.
///
/// Both can be done once more after a retry, so neither makes a thing of a fixed name.
fn make_finally(random: &mut Random, steps: &mut [Step]) {
    let last = steps.len() - 1;
    let place = random.between(2, last as u64) as usize;
    let prepares = random.index(place);
    let again = [
        Class::Token,
        Class::Fenced,
        Class::Fenced,
        Class::Convergent,
    ];
    steps[prepares].class = random.pick(&again);
    let mut needs: BTreeSet<usize> = steps[place].needs.iter().copied().collect();
    needs.insert(prepares);
    let undoes = &mut steps[place];
    undoes.needs = needs.into_iter().collect();
    undoes.refers = Some(prepares);
    undoes.finally = true;
    undoes.asks = false;
    undoes.class = random.pick(&again);
    let is_fenced = |place: usize| steps[place].class == Class::Fenced;
    let shares_target = is_fenced(place) && is_fenced(prepares) && !steps[prepares].shares_target;
    steps[place].shares_target = shares_target;
}

fn service_faults(random: &mut Random, place: usize, step: &Step, rules: &mut Vec<Rule>) {
    let mut add = |call: Verb, nth: u64, times: u64, fault: Fault| {
        rules.push(Rule {
            step: name(place),
            call,
            nth,
            times,
            ..Rule::first("*", fault)
        });
    };
    // The worst row of events: done without an answer, then doubts and a refusal.
    if random.chance(15) {
        add(Verb::Perform, 1, 1, Fault::LoseAnswer);
        let nth = random.between(1, 2);
        if random.chance(50) {
            add(
                Verb::Probe,
                nth,
                random.pick(&[1, 2, 50]),
                Fault::Transient(None),
            );
        }
        let end = if random.chance(50) {
            Fault::Refuse("no longer allowed".to_owned())
        } else {
            Fault::Transient(None)
        };
        add(Verb::Perform, 2, random.pick(&[1, 4]), end);
        return;
    }
    for _ in 0..random.between(1, 2) {
        let (nth, times) = (random.between(1, 2), random.pick(&[1, 1, 2, 3]));
        if random.chance(25) {
            let fault = match random.below(3) {
                0 => Fault::Delay(Period::from_seconds(random.between(1, 60))),
                1 => Fault::Refuse("you may not look".to_owned()),
                _ => Fault::Transient(None),
            };
            add(Verb::Probe, nth, times, fault);
            continue;
        }
        let fault = match random.below(20) {
            0..4 => Fault::Transient(random.pick(&[None, Some(Period::from_seconds(3))])),
            4..9 => Fault::LoseAnswer,
            9..12 => Fault::DropBefore,
            12..15 => Fault::Delay(Period::from_seconds(random.between(1, 90))),
            // Nothing keeps a network from doubling a request without a key.
            15..17 if step.class == Class::Unkeyed => Fault::LoseAnswer,
            15..17 => Fault::Duplicate,
            17 => Fault::Strange("paused-by-quota".to_owned()),
            18 => Fault::FailAfter(Period::ZERO, "out of space".to_owned()),
            _ => Fault::Refuse("not allowed".to_owned()),
        };
        add(Verb::Perform, nth, times, fault);
    }
}

/// A request that is late by minutes, while the same operation fails and a person retries: only the fence
/// keeps the first one from having its effect after the second.
fn abandoned(
    random: &mut Random,
    place: usize,
    late: &mut BTreeMap<(usize, u64), u64>,
    rules: &mut Vec<Rule>,
) {
    late.insert((place, 1), random.between(20, 300) * SECOND);
    rules.push(Rule {
        step: name(place),
        ..Rule::first("*", Fault::Refuse("not now".to_owned()))
    });
}

/// The name of the step at a place.
pub fn name(place: usize) -> String {
    format!("s{place}")
}

/// A period in the simulation's unit.
pub fn micros(period: Period) -> u64 {
    u64::try_from(period.duration().as_micros()).expect("periods here are short")
}
