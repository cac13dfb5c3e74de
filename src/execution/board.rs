//! Keeps which steps wait, may start, run and have ended, and hands out the next one.
//!
//! Pure bookkeeping: what happened is told to it, nothing is read or written. Longest remaining path
//! first, within the limits. Every change costs the edges that it touches, so a plan of ten thousand
//! steps costs no more per step than one of ten.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

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
    /// The steps whose outputs its inputs refer to.
    references: Vec<usize>,
    followers: Vec<(usize, Tie)>,
    provider: String,
    targets: Vec<Identity>,
    takes_slot: bool,
    remaining_ms: u128,
}

/// The steps of one run, as one process sees them.
pub struct Board {
    names: Vec<StepName>,
    index: BTreeMap<StepName, usize>,
    tasks: Vec<Task>,
    ready: BTreeSet<(Reverse<u128>, usize)>,
    limits: Limits,
    mode: Mode,
    slots: usize,
    by_provider: BTreeMap<String, usize>,
    by_target: BTreeMap<Identity, usize>,
}

/// What a step without a prediction is taken to last, so that longer chains still go first.
const UNPREDICTED_MS: u128 = 1_000;

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
        let mut tasks: Vec<Task> = change_set
            .steps
            .iter()
            .map(|step| task_of(step, &place))
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
            ready: BTreeSet::new(),
            limits: change_set.limits.clone(),
            mode: Mode::Forward,
            slots: 0,
            by_provider: BTreeMap::new(),
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
    pub fn take(&mut self) -> Option<StepName> {
        if self.mode == Mode::Stopping {
            return None;
        }
        let place = self
            .ready
            .iter()
            .map(|(_, place)| *place)
            .find(|place| self.fits(*place))?;
        self.begin(place);
        Some(self.names[place].clone())
    }

    /// Puts every step where earlier processes left it. What runs was begun by one of them, so the limits are not
    /// asked.
    ///
    /// All are placed before anything follows from one of them: after a retry, a step that is done may need one
    /// that has failed since, and must not be taken for one that cannot start.
    pub fn take_over(&mut self, stands: &[(&StepName, Phase)]) {
        for (name, phase) in stands {
            let place = self.index[*name];
            if *phase == Phase::Running {
                self.begin(place);
            } else {
                self.ready
                    .remove(&(Reverse(self.tasks[place].remaining_ms), place));
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

    /// Milliseconds left along the longest path of steps that have not ended, as predicted.
    pub fn critical_path_left_ms(&self) -> u128 {
        let open =
            |task: &&Task| matches!(task.phase, Phase::Waiting | Phase::Ready | Phase::Running);
        self.tasks
            .iter()
            .filter(open)
            .map(|task| task.remaining_ms)
            .max()
            .unwrap_or(0)
    }

    fn begin(&mut self, place: usize) {
        let task = &mut self.tasks[place];
        self.ready.remove(&(Reverse(task.remaining_ms), place));
        task.phase = Phase::Running;
        if task.takes_slot {
            self.slots += 1;
            *self.by_provider.entry(task.provider.clone()).or_default() += 1;
        }
        for target in &task.targets {
            *self.by_target.entry(target.clone()).or_default() += 1;
        }
    }

    fn give_back(&mut self, place: usize) {
        let task = &self.tasks[place];
        if task.takes_slot {
            self.slots -= 1;
            if let Some(count) = self.by_provider.get_mut(&task.provider) {
                *count -= 1;
            }
        }
        for target in &task.targets {
            if let Some(count) = self.by_target.get_mut(target) {
                *count -= 1;
            }
        }
    }

    fn fits(&self, place: usize) -> bool {
        let task = &self.tasks[place];
        let provider_has_room = self
            .limits
            .providers
            .get(&task.provider)
            .is_none_or(|limit| {
                self.by_provider.get(&task.provider).copied().unwrap_or(0) < *limit
            });
        let target_is_free = task
            .targets
            .iter()
            .all(|target| self.by_target.get(target).copied().unwrap_or(0) < self.limits.target);
        (!task.takes_slot || (self.slots < self.limits.parallel && provider_has_room))
            && target_is_free
    }

    /// Ends a step, and with it every step that can no longer start.
    fn end(&mut self, place: usize, phase: Phase) {
        let mut open = vec![(place, phase)];
        while let Some((place, phase)) = open.pop() {
            self.ready
                .remove(&(Reverse(self.tasks[place].remaining_ms), place));
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
        let task = &mut self.tasks[place];
        task.phase = Phase::Ready;
        self.ready.insert((Reverse(task.remaining_ms), place));
        Phase::Ready
    }
}

fn task_of(step: &PlannedStep, place: &impl Fn(&StepName) -> usize) -> Task {
    let needs: Vec<usize> = step.needs.iter().map(place).collect();
    Task {
        phase: Phase::Waiting,
        waits_for: step.needs.len() + step.after.len(),
        is_doomed: false,
        finally: step.finally,
        needs,
        references: step.references().iter().map(place).collect(),
        followers: Vec::new(),
        provider: step.action.provider().to_owned(),
        targets: step.writes.clone(),
        takes_slot: !step.asks,
        remaining_ms: step
            .predicted
            .as_ref()
            .map_or(UNPREDICTED_MS, |p| p.length.duration().as_millis()),
    }
}

#[cfg(test)]
mod tests {
    use salvor_contract::Identity;
    use salvor_contract::StepName;
    use serde_json::json;

    use super::Board;
    use super::Phase;
    use crate::change_set::PlannedStep;
    use crate::execution::sample::change_set;
    use crate::execution::sample::lasting;
    use crate::execution::sample::step;

    fn board(steps: Vec<PlannedStep>) -> Board {
        Board::new(&change_set(steps))
    }

    /// Takes what may start, all of it.
    fn taken(board: &mut Board) -> Vec<String> {
        std::iter::from_fn(|| board.take())
            .map(|name| name.to_string())
            .collect()
    }

    fn name(text: &str) -> StepName {
        StepName::new(text)
    }

    #[test]
    fn a_step_starts_when_all_that_it_needs_has_succeeded() {
        let mut board = board(vec![step("a", &[]), step("b", &[]), step("c", &["a", "b"])]);
        assert_eq!(taken(&mut board), ["a", "b"]);
        board.ended(&name("a"), Phase::Succeeded);
        assert!(taken(&mut board).is_empty());
        board.ended(&name("b"), Phase::Succeeded);
        assert_eq!(taken(&mut board), ["c"]);
    }

    #[test]
    fn the_longest_path_goes_first() {
        let mut board = board(vec![
            lasting(step("short", &[]), 1),
            lasting(step("long", &[]), 2),
            lasting(step("tail", &["long"]), 100),
        ]);
        assert_eq!(taken(&mut board), ["long", "short"]);
        assert_eq!(board.critical_path_left_ms(), 102_000);
    }

    #[test]
    fn a_failed_need_is_never_started_and_an_after_is() {
        let mut late = step("late", &[]);
        late.after = vec![name("broken")];
        let mut board = board(vec![step("broken", &[]), step("child", &["broken"]), late]);
        assert_eq!(taken(&mut board), ["broken"]);
        board.ended(&name("broken"), Phase::Failed);
        assert_eq!(taken(&mut board), ["late"]);
        assert_eq!(board.phase(&name("child")), Phase::NotStarted);
    }

    #[test]
    fn limits_hold_for_all_for_providers_and_for_targets() {
        let mut steps: Vec<PlannedStep> = ["a", "b", "c", "d"].map(|name| step(name, &[])).into();
        steps[0].writes = vec![Identity::new("file", "x")];
        steps[1].writes = vec![Identity::new("file", "x")];
        let mut set = change_set(steps);
        set.limits.parallel = 3;
        let mut board = Board::new(&set);
        assert_eq!(taken(&mut board), ["a", "c", "d"]);
        board.ended(&name("c"), Phase::Succeeded);
        assert!(
            taken(&mut board).is_empty(),
            "the target of b is still written"
        );
        board.ended(&name("a"), Phase::Succeeded);
        assert_eq!(taken(&mut board), ["b"]);

        set.limits.providers.insert("simulated".to_owned(), 1);
        assert_eq!(taken(&mut Board::new(&set)), ["a"]);
    }

    #[test]
    fn a_step_that_asks_takes_no_slot() {
        let mut asking = step("ask", &[]);
        asking.asks = true;
        let mut set = change_set(vec![asking, step("work", &[])]);
        set.limits.parallel = 1;
        assert_eq!(taken(&mut Board::new(&set)), ["ask", "work"]);
    }

    fn with_finally() -> Vec<PlannedStep> {
        let mut start = step("start", &["stop", "load"]);
        start.finally = true;
        start
            .with
            .set("replicas", json!({"$template": "{{steps.stop.previous}}"}));
        vec![
            step("stop", &[]),
            step("load", &["stop"]),
            start,
            step("smoke", &["start"]),
        ]
    }

    #[test]
    fn finally_runs_after_a_failure_when_what_it_refers_to_is_there() {
        let mut board = board(with_finally());
        assert_eq!(taken(&mut board), ["stop"]);
        board.ended(&name("stop"), Phase::Succeeded);
        assert_eq!(taken(&mut board), ["load"]);
        board.ended(&name("load"), Phase::Failed);
        board.wind_down();
        assert_eq!(taken(&mut board), ["start"]);
        board.ended(&name("start"), Phase::Succeeded);
        assert_eq!(board.phase(&name("smoke")), Phase::NotStarted);
    }

    #[test]
    fn finally_does_not_run_when_there_is_nothing_to_finish() {
        let mut board = board(with_finally());
        assert_eq!(taken(&mut board), ["stop"]);
        board.ended(&name("stop"), Phase::Failed);
        board.wind_down();
        assert!(taken(&mut board).is_empty());
        assert_eq!(board.phase(&name("start")), Phase::NotStarted);
    }

    #[test]
    fn finally_does_not_run_while_an_outcome_is_unknown() {
        let mut board = board(with_finally());
        assert_eq!(taken(&mut board), ["stop"]);
        board.ended(&name("stop"), Phase::Succeeded);
        assert_eq!(taken(&mut board), ["load"]);
        board.ended(&name("load"), Phase::Unknown);
        board.wind_down();
        assert!(taken(&mut board).is_empty());
    }

    #[test]
    fn a_step_that_is_done_keeps_its_place_when_what_it_needs_failed_since() {
        let mut board = board(vec![
            step("a", &[]),
            step("b", &["a"]),
            step("c", &["b"]),
            step("d", &["c"]),
        ]);
        let names = ["a", "b", "c"].map(name);
        let phases = [Phase::Failed, Phase::Succeeded, Phase::Running];
        let stands: Vec<(&StepName, Phase)> = names.iter().zip(phases).collect();
        board.take_over(&stands);
        assert_eq!(board.phase(&name("b")), Phase::Succeeded);
        assert_eq!(board.phase(&name("d")), Phase::Waiting);
        board.ended(&name("c"), Phase::Succeeded);
        assert_eq!(taken(&mut board), ["d"]);
    }

    #[test]
    fn nothing_starts_after_a_stop() {
        let mut board = board(with_finally());
        board.stop();
        assert!(taken(&mut board).is_empty());
    }
}
