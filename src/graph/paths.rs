//! Longest paths through a graph, given how long each step takes.

use std::time::Duration;

use salvor_contract::StepName;

use crate::graph::order::Graph;

/// The steps that decide how long a run takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CriticalPath {
    /// The steps, in their order.
    pub steps: Vec<StepName>,
    /// The sum of their lengths.
    pub length: Duration,
}

impl Graph {
    /// For each step, in the order of the run, the time from its start to the end of the longest path that
    /// begins with it.
    pub fn remaining(&self, takes: impl Fn(&StepName) -> Duration) -> Vec<Duration> {
        let mut remaining = vec![Duration::ZERO; self.len()];
        for position in (0..self.len()).rev() {
            let rest = self
                .followers_of(position)
                .iter()
                .map(|next| remaining[*next])
                .max();
            remaining[position] = takes(&self.steps()[position]) + rest.unwrap_or_default();
        }
        remaining
    }

    /// The longest path. Of two equally long ones, the one with more steps, then the one that is earlier in
    /// the order of the run: steps of unknown length count as nothing and still stand on it.
    pub fn critical_path(&self, takes: impl Fn(&StepName) -> Duration) -> CriticalPath {
        let takes: Vec<Duration> = self.steps().iter().map(takes).collect();
        // Longest rest and number of steps on it, from each step on.
        let mut best: Vec<(Duration, usize)> = vec![(Duration::ZERO, 0); self.len()];
        let mut next: Vec<Option<usize>> = vec![None; self.len()];
        for position in (0..self.len()).rev() {
            next[position] = first_of_the_best(self.followers_of(position).iter().copied(), &best);
            let (rest, steps) = next[position].map_or((Duration::ZERO, 0), |other| best[other]);
            best[position] = (takes[position] + rest, steps + 1);
        }
        let mut at = first_of_the_best(0..self.len(), &best);
        let length = at.map_or(Duration::ZERO, |start| best[start].0);
        let mut steps = Vec::new();
        while let Some(position) = at {
            steps.push(self.steps()[position].clone());
            at = next[position];
        }
        CriticalPath { steps, length }
    }
}

fn first_of_the_best(
    positions: impl Iterator<Item = usize>,
    best: &[(Duration, usize)],
) -> Option<usize> {
    positions.reduce(|one, other| if best[other] > best[one] { other } else { one })
}
