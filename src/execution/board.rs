//! Keeps which steps wait, may start, run and have ended, and hands out the next one.
//!
//! Pure bookkeeping: what happened is told to it, nothing is read or written. Longest remaining path
//! first, within the limits. Every change costs the edges that it touches, so a plan of ten thousand
//! steps costs no more per step than one of ten.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;

use salvor_contract::Identity;
use salvor_contract::StepName;

use crate::change_set::ChangeSet;
use crate::change_set::PlannedStep;
use crate::model::instance::Limits;

/// Where a step stands in this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Something that it waits for has not ended.
    Waiting,
    /// It may start as soon as the limits allow.
    Ready,
    /// It was handed out.
    Running,
    /// It succeeded.
    Succeeded,
    /// It failed.
    Failed,
    /// What became of it is not known. Not ended: nothing may build on it, nothing may clean up after it.
    Unknown,
    /// It will not be started by this process.
    NotStarted,
}

/// What the run is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Steps start as they become ready.
    Forward,
    /// A step failed, or the run is given up: only `finally` steps start.
    WindingDown,
    /// The operator wants to stop: nothing starts.
    Stopping,
}

/// How one step waits for another.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tie {
    Needs,
    After,
}

struct Task {
    phase: Phase,
    /// How many of the steps that it waits for have not ended.
    waits_for: usize,
    /// A step that it needs has ended without success.
    is_doomed: bool,
    finally: bool,
    needs: Vec<usize>,
    /// The steps whose outputs its inputs refer to; of a `finally` step only.
    references: Vec<usize>,
    followers: Vec<(usize, Tie)>,
    lane: usize,
    targets: Vec<Identity>,
    /// How long it is predicted to last.
    own: Duration,
    /// The same with the longest path behind it, in milliseconds.
    remaining_ms: u128,
}

/// How long the rest of a run is predicted to take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// Of a step that runs, counted from its start; nothing when the longest path begins with one that waits.
    pub running: Duration,
    /// When that step started, on the clock that the board is told the time of.
    pub since: Duration,
    /// Of what comes after it.
    pub after: Duration,
}

impl Left {
    /// How long it still takes at this moment. A step that lasts longer than predicted is about to end.
    pub fn at(&self, now: Duration) -> Duration {
        let passed = now.saturating_sub(self.since);
        self.running.saturating_sub(passed) + self.after
    }
}

/// The place of a step among others: the one with the longest path left comes first.
type Rank = (Reverse<u128>, usize);

/// The steps of one provider that count in the limits alike: whether they may start is decided for all at once.
struct Lane {
    provider: String,
    takes_slot: bool,
    limit: Option<usize>,
    running: usize,
    ready: BTreeSet<Rank>,
}

/// The steps of one run, as one process sees them.
pub struct Board {
    names: Vec<StepName>,
    index: BTreeMap<StepName, usize>,
    tasks: Vec<Task>,
    lanes: Vec<Lane>,
    /// When each step that runs started.
    running: BTreeMap<usize, Duration>,
    limits: Limits,
    mode: Mode,
    slots: usize,
    by_target: BTreeMap<Identity, usize>,
}

/// What a step without a prediction is taken to last, so that longer chains still go first.
const UNPREDICTED: Duration = Duration::from_secs(1);

impl Board {
    /// A board on which every step waits.
    ///
    /// # Panics
    /// When the change set names a step that it does not have: loading it has refused that.
    pub fn new(change_set: &ChangeSet) -> Self {
        let names: Vec<StepName> = change_set
            .steps
            .iter()
            .map(|step| step.name.clone())
            .collect();
        let index: BTreeMap<StepName, usize> = names
            .iter()
            .cloned()
            .enumerate()
            .map(|(place, name)| (name, place))
            .collect();
        let place = |name: &StepName| index[name];
        let mut lanes = Vec::new();
        let mut tasks: Vec<Task> = change_set
            .steps
            .iter()
            .map(|step| task_of(step, lane_of(step, &change_set.limits, &mut lanes), &place))
            .collect();
        for (follower, step) in change_set.steps.iter().enumerate() {
            for name in &step.needs {
                tasks[place(name)].followers.push((follower, Tie::Needs));
            }
            for name in &step.after {
                tasks[place(name)].followers.push((follower, Tie::After));
            }
        }
        // Steps stand in an order in which each comes after all that it waits for.
        for current in (0..tasks.len()).rev() {
            let longest = tasks[current]
                .followers
                .iter()
                .map(|(f, _)| tasks[*f].remaining_ms)
                .max();
            tasks[current].remaining_ms += longest.unwrap_or(0);
        }
        let mut board = Self {
            names,
            index,
            tasks,
            lanes,
            running: BTreeMap::new(),
            limits: change_set.limits.clone(),
            mode: Mode::Forward,
            slots: 0,
            by_target: BTreeMap::new(),
        };
        for place in 0..board.tasks.len() {
            board.settle(place);
        }
        board
    }

    /// What the run is doing.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Where a step stands.
    pub fn phase(&self, name: &StepName) -> Phase {
        self.tasks[self.index[name]].phase
    }

    /// Steps that stand at this phase, in the order of the change set.
    pub fn steps_at(&self, phase: Phase) -> Vec<StepName> {
        let at = |(place, task): (usize, &Task)| {
            (task.phase == phase).then(|| self.names[place].clone())
        };
        self.tasks.iter().enumerate().filter_map(at).collect()
    }

    /// The next step to start, if one is ready and fits the limits; it is running from now on.
    pub fn take(&mut self, now: Duration) -> Option<StepName> {
        if self.mode == Mode::Stopping {
            return None;
        }
        let first = |lane: &Lane| {
            let mut ready = lane.ready.iter();
            ready
                .find(|(_, place)| self.targets_are_free(*place))
                .copied()
        };
        let lanes = self.lanes.iter().filter(|lane| self.has_room(lane));
        let (_, place) = lanes.filter_map(first).min()?;
        self.begin(place, now);
        Some(self.names[place].clone())
    }

    /// Puts every step where earlier processes left it. What runs was begun by one of them, so the limits are not
    /// asked.
    ///
    /// All are placed before anything follows from one of them: after a retry, a step that is done may need one
    /// that has failed since, and must not be taken for one that cannot start.
    pub fn take_over(&mut self, stands: &[(&StepName, Phase)], now: Duration) {
        for (name, phase) in stands {
            let place = self.index[*name];
            if *phase == Phase::Running {
                self.begin(place, now);
            } else {
                self.leave_queue(place);
                self.tasks[place].phase = *phase;
            }
        }
        for (name, phase) in stands {
            if *phase != Phase::Running {
                self.end(self.index[*name], *phase);
            }
        }
    }

    /// Tells that a step has ended, or that what became of it is not known.
    pub fn ended(&mut self, name: &StepName, phase: Phase) {
        let place = self.index[name];
        if self.tasks[place].phase == Phase::Running {
            self.give_back(place);
        }
        self.end(place, phase);
    }

    /// From now on only `finally` steps start; all others that have not begun will not be started.
    pub fn wind_down(&mut self) {
        if self.mode != Mode::Forward {
            return;
        }
        self.mode = Mode::WindingDown;
        for place in 0..self.tasks.len() {
            let is_idle = matches!(self.tasks[place].phase, Phase::Waiting | Phase::Ready);
            if is_idle && !self.tasks[place].finally {
                self.end(place, Phase::NotStarted);
            }
        }
    }

    /// From now on nothing starts.
    pub fn stop(&mut self) {
        self.mode = Mode::Stopping;
    }

    /// What is left along the longest path of steps that have not ended, as predicted. What waits stands behind
    /// one that runs or is ready; what waits for one that is unknown is not counted.
    pub fn critical_path_left(&self, now: Duration) -> Left {
        let running = self.running.iter().map(|(place, since)| {
            let task = &self.tasks[*place];
            Left {
                running: task.own,
                since: *since,
                after: milliseconds(task.remaining_ms).saturating_sub(task.own),
            }
        });
        let ready = self.lanes.iter().filter_map(|lane| lane.ready.first());
        let ready = ready.map(|(Reverse(remaining_ms), _)| Left {
            after: milliseconds(*remaining_ms),
            ..Left::default()
        });
        let longest = running.chain(ready).max_by_key(|left| left.at(now));
        longest.unwrap_or_default()
    }

    fn rank(&self, place: usize) -> Rank {
        (Reverse(self.tasks[place].remaining_ms), place)
    }

    fn leave_queue(&mut self, place: usize) {
        let rank = self.rank(place);
        self.lanes[self.tasks[place].lane].ready.remove(&rank);
    }

    fn begin(&mut self, place: usize, now: Duration) {
        self.running.insert(place, now);
        self.leave_queue(place);
        let task = &mut self.tasks[place];
        task.phase = Phase::Running;
        let lane = &mut self.lanes[task.lane];
        lane.running += 1;
        self.slots += usize::from(lane.takes_slot);
        for target in &task.targets {
            *self.by_target.entry(target.clone()).or_default() += 1;
        }
    }

    fn give_back(&mut self, place: usize) {
        self.running.remove(&place);
        let task = &self.tasks[place];
        let lane = &mut self.lanes[task.lane];
        lane.running -= 1;
        self.slots -= usize::from(lane.takes_slot);
        for target in &task.targets {
            if let Some(count) = self.by_target.get_mut(target) {
                *count -= 1;
            }
        }
    }

    fn has_room(&self, lane: &Lane) -> bool {
        let is_free = self.slots < self.limits.parallel
            && lane.limit.is_none_or(|limit| lane.running < limit);
        !lane.takes_slot || is_free
    }

    fn targets_are_free(&self, place: usize) -> bool {
        self.tasks[place]
            .targets
            .iter()
            .all(|target| self.by_target.get(target).copied().unwrap_or(0) < self.limits.target)
    }

    /// Ends a step, and with it every step that can no longer start.
    fn end(&mut self, place: usize, phase: Phase) {
        let mut open = vec![(place, phase)];
        while let Some((place, phase)) = open.pop() {
            self.leave_queue(place);
            self.tasks[place].phase = phase;
            if phase == Phase::Unknown {
                continue;
            }
            let followers = std::mem::take(&mut self.tasks[place].followers);
            for (follower, tie) in &followers {
                let task = &mut self.tasks[*follower];
                task.waits_for -= 1;
                task.is_doomed |= *tie == Tie::Needs && phase != Phase::Succeeded;
                if task.phase != Phase::Waiting {
                    continue;
                }
                let cannot_start = task.is_doomed && !task.finally;
                if cannot_start || self.settle(*follower) == Phase::NotStarted {
                    open.push((*follower, Phase::NotStarted));
                }
            }
            self.tasks[place].followers = followers;
        }
    }

    /// Makes a waiting step ready when nothing holds it any more, and says where it should stand.
    fn settle(&mut self, place: usize) -> Phase {
        let task = &self.tasks[place];
        if task.waits_for > 0 {
            return Phase::Waiting;
        }
        let succeeded = |other: &usize| self.tasks[*other].phase == Phase::Succeeded;
        if task.finally && task.is_doomed {
            // There is something to finish when a needed step was begun and all that it refers to is there.
            let was_begun = task
                .needs
                .iter()
                .any(|other| self.tasks[*other].phase != Phase::NotStarted);
            if !was_begun || !task.references.iter().all(succeeded) {
                return Phase::NotStarted;
            }
        }
        let rank = self.rank(place);
        let task = &mut self.tasks[place];
        task.phase = Phase::Ready;
        self.lanes[task.lane].ready.insert(rank);
        Phase::Ready
    }
}

/// The lane of a step, made when it is the first of its kind.
fn lane_of(step: &PlannedStep, limits: &Limits, lanes: &mut Vec<Lane>) -> usize {
    let provider = step.action.provider();
    let takes_slot = !step.asks;
    let is_its = |lane: &Lane| lane.provider == provider && lane.takes_slot == takes_slot;
    lanes.iter().position(is_its).unwrap_or_else(|| {
        lanes.push(Lane {
            provider: provider.to_owned(),
            takes_slot,
            limit: limits.providers.get(provider).copied(),
            running: 0,
            ready: BTreeSet::new(),
        });
        lanes.len() - 1
    })
}

fn task_of(step: &PlannedStep, lane: usize, place: &impl Fn(&StepName) -> usize) -> Task {
    let own = step
        .predicted
        .as_ref()
        .map_or(UNPREDICTED, |predicted| predicted.length.duration());
    // Only a step that finishes others asks what it refers to, and templates are long to read.
    let references = if step.finally {
        step.references().iter().map(place).collect()
    } else {
        Vec::new()
    };
    Task {
        phase: Phase::Waiting,
        waits_for: step.needs.len() + step.after.len(),
        is_doomed: false,
        finally: step.finally,
        needs: step.needs.iter().map(place).collect(),
        references,
        followers: Vec::new(),
        lane,
        targets: step.writes.clone(),
        own,
        remaining_ms: own.as_millis(),
    }
}

fn milliseconds(number: u128) -> Duration {
    Duration::from_millis(u64::try_from(number).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
