//! Drives the processes of one schedule in virtual time.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;

use tokio_util::sync::CancellationToken;

use crate::ending::check_end;
use crate::mutants::Mutant;
use crate::people::ROUND;
use crate::probes::Probes;
use crate::process::Exit;
use crate::process::surroundings;
use crate::process::take_part;
use crate::random::Random;
use crate::schedule::Process;
use crate::schedule::Schedule;
use crate::service::arrive;
use crate::shared::Shared;
use crate::time::ProcessClock;
use crate::time::SECOND;
use crate::violation::Rule;
use crate::violation::Violation;
use crate::wake::Flag;

/// Polls after which a schedule is taken to go round in circles.
const POLLS_MAX: u64 = 100_000;

/// Processes without faults that are started at the end, before the run is taken never to end.
const ROUNDS_MAX: usize = 30;

/// What came of a schedule.
pub struct Report {
    /// The first broken promise.
    pub violation: Option<Violation>,
    /// Rare branches.
    pub probes: Probes,
    /// The journal as it was left.
    pub journal: String,
    /// What happened.
    pub story: Vec<String>,
    /// Polls in all.
    pub polls: u64,
}

/// Runs a schedule to its end or to the first broken promise.
pub fn run(schedule: &Schedule, mutant: Option<Mutant>) -> Report {
    simulate(schedule, mutant, false)
}

/// The same, and keeps the story.
pub fn run_and_tell(schedule: &Schedule, mutant: Option<Mutant>) -> Report {
    simulate(schedule, mutant, true)
}

fn simulate(schedule: &Schedule, mutant: Option<Mutant>, is_told: bool) -> Report {
    let shared = Arc::new(Shared::new(schedule.clone(), mutant, is_told));
    let mut simulation = Simulation {
        random: Random::stream(schedule.seed, 77),
        live: Vec::new(),
        waiting: Vec::new(),
        started: 0,
        polls: 0,
        deliveries: schedule.deliveries.clone(),
        shared: Arc::clone(&shared),
    };
    simulation.run_processes();
    if !simulation.is_broken() {
        simulation.run_to_the_end();
    }
    if !simulation.is_broken() {
        shared.check(check_end(&shared));
    }
    let polls = simulation.polls;
    drop(simulation);
    let mut seen = shared.seen();
    Report {
        violation: seen.violation.take(),
        probes: std::mem::take(&mut seen.probes),
        journal: shared.shelf.text(),
        story: std::mem::take(&mut seen.story),
        polls,
    }
}

struct Simulation {
    shared: Arc<Shared>,
    random: Random,
    live: Vec<Live>,
    /// Processes that are still to start, and when when that is known.
    waiting: Vec<(Option<u64>, Process)>,
    started: usize,
    polls: u64,
    deliveries: Vec<u64>,
}

struct Live {
    number: usize,
    plan: Process,
    future: Pin<Box<dyn Future<Output = Exit>>>,
    flag: Arc<Flag>,
    polls: u64,
    paused_until: u64,
    dies_at: Option<u64>,
    stop: CancellationToken,
    stop_at: Option<u64>,
}

impl Simulation {
    fn is_broken(&self) -> bool {
        self.shared.seen().violation.is_some()
    }

    fn now(&self) -> u64 {
        self.shared.time.now()
    }

    fn run_processes(&mut self) {
        let processes = self.shared.schedule.processes.clone();
        self.waiting = processes
            .into_iter()
            .map(|plan| (plan.is_first.then_some(plan.starts), plan))
            .collect();
        self.go();
    }

    /// One process after another, without faults, until the run is over.
    fn run_to_the_end(&mut self) {
        self.shared.world().faults.clear();
        for _ in 0..ROUNDS_MAX {
            self.shared.time.advance_to(self.now() + ROUND);
            self.deliver(u64::MAX);
            let calm = Process {
                decides: true,
                ..Process::default()
            };
            self.waiting = vec![(Some(self.now()), calm)];
            let exits = self.go();
            let is_over = exits.iter().any(|exit| match exit {
                Exit::Over => true,
                Exit::Ended(ended) => match ended {
                    salvor::conduct::Ended::Finished(_) | salvor::conduct::Ended::Aborted(_) => {
                        true
                    }
                    salvor::conduct::Ended::Halted(..) => false,
                },
                Exit::NoLock | Exit::NoJournal(_) | Exit::LockLost | Exit::JournalEnded(_) => false,
            });
            if is_over || self.is_broken() {
                return;
            }
        }
        let what = format!("the run does not end in {ROUNDS_MAX} processes without faults");
        self.shared.check(Err(Violation::new(Rule::End, what)));
    }

    /// Polls whoever is ready until nobody is left.
    fn go(&mut self) -> Vec<Exit> {
        let mut exits = Vec::new();
        while !self.is_broken() {
            self.deliver(self.now());
            self.start_due();
            let now = self.now();
            let ready: Vec<usize> = (0..self.live.len())
                .filter(|index| {
                    let live = &self.live[*index];
                    live.flag.is_raised() && live.paused_until <= now
                })
                .collect();
            if ready.is_empty() {
                // Whoever hangs in its last write gets no further.
                if let Some(index) = self.live.iter().position(|live| live.dies_at.is_some()) {
                    self.crash(index);
                    continue;
                }
                match self.next_event() {
                    Some(at) => self.shared.time.advance_to(at),
                    None if self.live.is_empty() => break,
                    None => {
                        let what = "a process waits for nothing";
                        self.shared.check(Err(Violation::new(Rule::End, what)));
                    }
                }
                continue;
            }
            let index = ready[self.random.index(ready.len())];
            exits.extend(self.poll(index));
            let passed = self.random.below(1000);
            self.shared.time.advance_to(now + passed);
            self.polls += 1;
            if self.polls > POLLS_MAX {
                let what = format!("the run does not end in {POLLS_MAX} polls");
                self.shared.check(Err(Violation::new(Rule::End, what)));
            }
        }
        exits
    }

    fn next_event(&self) -> Option<u64> {
        let now = self.now();
        let starts = self.waiting.iter().filter_map(|(at, _)| *at);
        let wakes = self.live.iter().map(|live| live.paused_until);
        let stops = self.live.iter().filter_map(|live| live.stop_at);
        let arrivals: Vec<u64> = self
            .shared
            .seen()
            .network
            .iter()
            .map(|late| late.at)
            .collect();
        let events = starts.chain(wakes).chain(stops).chain(arrivals);
        let events = events.chain(self.deliveries.iter().copied());
        let timer = self.shared.time.next_timer();
        events.chain(timer).filter(|at| *at > now).min()
    }

    fn start_due(&mut self) {
        let now = self.now();
        for live in &mut self.live {
            if live.stop_at.is_some_and(|at| at <= now) {
                live.stop_at = None;
                live.stop.cancel();
            }
        }
        let is_due = |at: &Option<u64>| at.is_some_and(|at| at <= now);
        while let Some(index) = self.waiting.iter().position(|(at, _)| is_due(at)) {
            let (_, plan) = self.waiting.remove(index);
            let number = self.started;
            self.started += 1;
            self.shared.tell(|| format!("process {number} starts"));
            let stop = CancellationToken::new();
            let future = take_part(Arc::clone(&self.shared), number, plan.clone(), stop.clone());
            self.live.push(Live {
                number,
                future: Box::pin(future),
                flag: Flag::raised(),
                polls: 0,
                paused_until: now,
                dies_at: None,
                stop_at: plan.stop.map(|after| now + after),
                stop,
                plan,
            });
        }
    }

    /// Lets everything arrive that is due by then.
    fn deliver(&mut self, by: u64) {
        let now = self.now();
        let due: Vec<u64> = self
            .deliveries
            .iter()
            .copied()
            .filter(|at| *at <= by)
            .collect();
        if !due.is_empty() || by == u64::MAX {
            self.deliveries.retain(|at| *at > by);
            let before = self.shared.shelf.appends();
            self.shared.shelf.deliver_late();
            self.shared.register.deliver_late();
            if self.shared.shelf.appends() > before {
                self.shared.hit("late write arrived");
            }
        }
        loop {
            let request = {
                let network = &mut self.shared.seen().network;
                let due = network
                    .iter()
                    .position(|late| late.at <= by.min(now) || by == u64::MAX);
                due.map(|index| network.remove(index))
            };
            let Some(request) = request else { break };
            let clock = ProcessClock {
                time: self.shared.time.clone(),
                skew: Default::default(),
            };
            let surroundings = surroundings(self.shared.schedule.seed, 999, Arc::new(clock));
            arrive(&self.shared, &request, &surroundings);
        }
    }

    fn poll(&mut self, index: usize) -> Option<Exit> {
        let live = &mut self.live[index];
        let number = live.number;
        live.flag.lower();
        live.polls += 1;
        let waker = Waker::from(Arc::clone(&live.flag));
        let polled = live.future.as_mut().poll(&mut Context::from_waker(&waker));
        self.shared.look_at_head(number);
        if let Poll::Ready(exit) = polled {
            self.shared
                .tell(|| format!("process {number} ends: {exit:?}"));
            self.end(index);
            return Some(exit);
        }
        let is_dying = self
            .shared
            .seen()
            .dying
            .take_if(|dying| *dying == number)
            .is_some();
        if is_dying {
            live.dies_at = Some(live.polls + 3);
        }
        if live.plan.crash == Some(live.polls) || live.dies_at == Some(live.polls) {
            self.crash(index);
            return None;
        }
        if let Some(length) = live.plan.pauses.get(&live.polls) {
            live.paused_until = self.shared.time.now() + length;
            if *length > 30 * SECOND {
                self.shared.hit("paused beyond the lease");
            }
            self.shared.tell(|| format!("process {number} is paused"));
        }
        None
    }

    fn crash(&mut self, index: usize) {
        let number = self.live[index].number;
        self.shared.hit("crash");
        self.shared.tell(|| format!("process {number} crashes"));
        self.end(index);
    }

    /// Takes a process away, and lets the next one start some time later.
    fn end(&mut self, index: usize) {
        let live = self.live.remove(index);
        let journal = self.shared.seen().journals.remove(&live.number);
        drop(live);
        drop(journal);
        let now = self.now();
        let next = self.waiting.iter_mut().find(|(at, _)| at.is_none());
        if let Some((at, plan)) = next {
            *at = Some(now + plan.starts);
        }
    }
}
