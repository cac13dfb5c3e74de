//! The steps of a run with their edges, in an order in which each comes after all that it waits for.
//!
//! The order is the same for the same plan: of the steps that could come next, the first by name comes.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::BinaryHeap;

use salvor_contract::StepName;

use crate::model::instance::Instance;
use crate::model::members::members;

/// The graph of one scenario. Immutable; positions are places in the topological order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Graph {
    names: Vec<StepName>,
    positions: BTreeMap<StepName, usize>,
    needs: Vec<Vec<usize>>,
    after: Vec<Vec<usize>>,
    followers: Vec<Vec<usize>>,
    levels: Vec<usize>,
}

/// Why a plan has no graph.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    /// Steps that wait for each other.
    #[error("these steps wait for each other: {}", arrows(.path))]
    Cycle {
        /// Each step waits for the next; the last is the first again.
        path: Vec<StepName>,
    },
    /// A step uses the output of a step that is not in the run.
    #[error("step `{step}` uses an output of `{of}`, which is not part of this run")]
    OutputOfAbsent {
        /// The step that refers to it.
        step: StepName,
        /// The step that is not there: its condition does not hold.
        of: StepName,
    },
    /// The scenario has nothing to do.
    #[error(
        "scenario `{scenario}` has no step to run: the conditions of all its goals do not hold"
    )]
    Empty {
        /// The scenario.
        scenario: String,
    },
}

fn arrows(path: &[StepName]) -> String {
    let names: Vec<&str> = path.iter().map(StepName::as_str).collect();
    names.join(" → ")
}

impl Graph {
    /// The graph of the plan's scenario.
    ///
    /// # Errors
    /// When steps wait for each other, when an output of a step outside the run is used, or when no step is
    /// left to run.
    pub fn of(plan: &Instance) -> Result<Self, GraphError> {
        let members = members(&plan.steps, plan.scenario.goal.iter());
        if members.is_empty() {
            return Err(GraphError::Empty {
                scenario: plan.scenario.name.clone(),
            });
        }
        for (name, step) in plan
            .steps
            .iter()
            .filter(|(name, _)| members.contains(*name))
        {
            if let Some(of) = step
                .references
                .iter()
                .find(|other| !members.contains(*other))
            {
                return Err(GraphError::OutputOfAbsent {
                    step: name.clone(),
                    of: of.clone(),
                });
            }
        }
        let edges = members.iter().map(|name| {
            let step = &plan.steps[name];
            let needs: BTreeSet<&StepName> = step
                .needs
                .iter()
                .chain(&step.references)
                .filter(|n| members.contains(*n))
                .collect();
            let after = step
                .after
                .iter()
                .filter(|n| members.contains(*n) && !needs.contains(n));
            let after: Vec<StepName> = after.cloned().collect();
            (name.clone(), needs.into_iter().cloned().collect(), after)
        });
        Self::of_edges(edges.collect())
    }

    /// The graph of steps given in the order of their names, each with what it needs and what it only goes
    /// after. Both lists name steps of the graph.
    fn of_edges(steps: Vec<(StepName, Vec<StepName>, Vec<StepName>)>) -> Result<Self, GraphError> {
        let by_name: BTreeMap<&StepName, usize> = steps
            .iter()
            .enumerate()
            .map(|(index, (name, ..))| (name, index))
            .collect();
        let indices =
            |names: &[StepName]| -> Vec<usize> { names.iter().map(|name| by_name[name]).collect() };
        let needs: Vec<Vec<usize>> = steps.iter().map(|(_, needs, _)| indices(needs)).collect();
        let after: Vec<Vec<usize>> = steps.iter().map(|(.., after)| indices(after)).collect();
        let mut followers = vec![Vec::new(); steps.len()];
        let mut open = vec![0_usize; steps.len()];
        for step in 0..steps.len() {
            for before in needs[step].iter().chain(&after[step]) {
                followers[*before].push(step);
                open[step] += 1;
            }
        }
        let order = sorted(&followers, open.clone());
        if order.len() < steps.len() {
            let path = cycle(&needs, &after, &order);
            let path = path.into_iter().map(|step| steps[step].0.clone()).collect();
            return Err(GraphError::Cycle { path });
        }
        let mut position = vec![0; steps.len()];
        for (place, step) in order.iter().enumerate() {
            position[*step] = place;
        }
        let moved = |lists: &[Vec<usize>]| -> Vec<Vec<usize>> {
            let lists = order.iter().map(|step| {
                let mut list: Vec<usize> =
                    lists[*step].iter().map(|other| position[*other]).collect();
                list.sort_unstable();
                list
            });
            lists.collect()
        };
        let (needs, after, followers) = (moved(&needs), moved(&after), moved(&followers));
        let mut levels: Vec<usize> = vec![0; steps.len()];
        for step in 0..steps.len() {
            let before = needs[step].iter().chain(&after[step]);
            levels[step] = before.map(|other| levels[*other] + 1).max().unwrap_or(0);
        }
        let names: Vec<StepName> = order.iter().map(|step| steps[*step].0.clone()).collect();
        let positions = names
            .iter()
            .cloned()
            .enumerate()
            .map(|(place, name)| (name, place))
            .collect();
        Ok(Self {
            names,
            positions,
            needs,
            after,
            followers,
            levels,
        })
    }

    /// The steps, each after all that it waits for.
    pub fn steps(&self) -> &[StepName] {
        &self.names
    }

    /// How many steps there are; never zero.
    #[expect(clippy::len_without_is_empty, reason = "a graph is never empty")]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// True when the step is part of the run.
    pub fn contains(&self, step: &StepName) -> bool {
        self.positions.contains_key(step)
    }

    /// The steps that must have succeeded before this one, in the order of the run.
    pub fn needs(&self, step: &StepName) -> Vec<&StepName> {
        self.listed(step, &self.needs)
    }

    /// The steps that must have ended before this one and are not needed, in the order of the run.
    pub fn after(&self, step: &StepName) -> Vec<&StepName> {
        self.listed(step, &self.after)
    }

    /// The steps that wait for this one, in the order of the run.
    pub fn followers(&self, step: &StepName) -> Vec<&StepName> {
        self.listed(step, &self.followers)
    }

    /// The steps by level: those of one level wait only for steps of the levels before it.
    pub fn levels(&self) -> Vec<Vec<&StepName>> {
        let depth = self.levels.iter().max().map_or(0, |level| level + 1);
        let mut levels = vec![Vec::new(); depth];
        for (name, level) in self.names.iter().zip(&self.levels) {
            levels[*level].push(name);
        }
        levels
    }

    /// True when `later` waits for `earlier`, directly or through others.
    pub fn is_before(&self, earlier: &StepName, later: &StepName) -> bool {
        let (Some(earlier), Some(later)) = (self.position(earlier), self.position(later)) else {
            return false;
        };
        let mut seen = BTreeSet::new();
        let mut open = vec![later];
        while let Some(step) = open.pop() {
            for before in self.needs[step].iter().chain(&self.after[step]) {
                if *before == earlier {
                    return true;
                }
                // Whatever stands before `earlier` in the order cannot wait for it.
                if *before > earlier && seen.insert(*before) {
                    open.push(*before);
                }
            }
        }
        false
    }

    pub(super) fn level(&self, position: usize) -> usize {
        self.levels[position]
    }

    pub(super) fn position(&self, step: &StepName) -> Option<usize> {
        self.positions.get(step).copied()
    }

    pub(super) fn needs_of(&self, position: usize) -> &[usize] {
        &self.needs[position]
    }

    pub(super) fn after_of(&self, position: usize) -> &[usize] {
        &self.after[position]
    }

    pub(super) fn followers_of(&self, position: usize) -> &[usize] {
        &self.followers[position]
    }

    fn listed(&self, step: &StepName, lists: &[Vec<usize>]) -> Vec<&StepName> {
        match self.position(step) {
            Some(position) => lists[position]
                .iter()
                .map(|other| &self.names[*other])
                .collect(),
            None => Vec::new(),
        }
    }
}

/// The steps that can be put in order, in that order; fewer than there are when some wait for each other.
fn sorted(followers: &[Vec<usize>], mut open: Vec<usize>) -> Vec<usize> {
    let mut ready: BinaryHeap<Reverse<usize>> = open
        .iter()
        .enumerate()
        .filter(|(_, n)| **n == 0)
        .map(|(step, _)| Reverse(step))
        .collect();
    let mut order = Vec::with_capacity(open.len());
    while let Some(Reverse(step)) = ready.pop() {
        order.push(step);
        for follower in &followers[step] {
            open[*follower] -= 1;
            if open[*follower] == 0 {
                ready.push(Reverse(*follower));
            }
        }
    }
    order
}

/// One cycle among the steps that `order` could not place. Each of these waits for another of them, so
/// walking along what a step waits for must come back to a step that was passed.
fn cycle(needs: &[Vec<usize>], after: &[Vec<usize>], order: &[usize]) -> Vec<usize> {
    let mut is_placed = vec![false; needs.len()];
    for step in order {
        is_placed[*step] = true;
    }
    let mut path: Vec<usize> = Vec::new();
    let mut place = vec![None; needs.len()];
    let mut step = is_placed.iter().position(|placed| !placed).unwrap_or(0);
    while place[step].is_none() {
        place[step] = Some(path.len());
        path.push(step);
        let before = needs[step]
            .iter()
            .chain(&after[step])
            .find(|other| !is_placed[**other]);
        step = *before.expect("a step that could not be placed waits for another such step");
    }
    let mut path = path.split_off(place[step].unwrap_or(0));
    path.push(step);
    path
}
