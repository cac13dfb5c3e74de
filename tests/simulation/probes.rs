//! Counts how often rare branches were taken, so that a simulation that never meets them is found out.

use std::collections::BTreeMap;

/// How often each branch was taken.
#[derive(Clone, Debug, Default)]
pub struct Probes {
    counts: BTreeMap<&'static str, u64>,
}

/// The branches that every large range of seeds must take.
pub const REQUIRED: &[&str] = &[
    "adopted",
    "answered by a person",
    "attached after a look",
    "begun after a failure",
    "cleaned up after a failure",
    "conflict",
    "crash",
    "decided by a person",
    "deposed",
    "failed",
    "failed in preparation",
    "given up",
    "late request arrived",
    "late write arrived",
    "lock found held",
    "lock lost",
    "lock of a dead holder taken over",
    "no space left",
    "paused beyond the lease",
    "sent again after a look",
    "stale look",
    "stopped by the operator",
    "storage broken",
    "torn tail cut",
    "transient error tried again",
    "unknown",
];

impl Probes {
    /// A branch was taken.
    pub fn hit(&mut self, branch: &'static str) {
        *self.counts.entry(branch).or_default() += 1;
    }

    /// Adds those of another schedule.
    pub fn add(&mut self, other: &Self) {
        for (branch, count) in &other.counts {
            *self.counts.entry(branch).or_default() += count;
        }
    }

    /// The required branches that were never taken.
    pub fn missing(&self) -> Vec<&'static str> {
        let is_missing = |branch: &&&'static str| !self.counts.contains_key(**branch);
        REQUIRED.iter().filter(is_missing).copied().collect()
    }

    /// All counts, one a line.
    pub fn text(&self) -> String {
        let line = |(branch, count): (&&str, &u64)| format!("{count:>9}  {branch}\n");
        self.counts.iter().map(line).collect()
    }
}
