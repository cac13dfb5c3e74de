//! Turns the records of a run into a verdict that says what it rests on, and what it does not prove.
//!
//! Pure. A verdict with nothing checked is not green, and what could not be found out is never proof.

use std::time::Duration;

use salvor_contract::Finding;
use salvor_contract::Judgement;
use salvor_contract::Period;
use salvor_contract::StepName;
use salvor_contract::StoreName;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::change_set::ChangeSet;
use crate::change_set::Choice;
use crate::change_set::PlannedStep;
use crate::journal::FailureKind;
use crate::journal::RunState;
use crate::journal::Status;
use crate::journal::StepState;
use crate::journal::Verdict;
use crate::journal::state::Failure;
use crate::journal::state::Moment;
use crate::recovery_points::between;
use crate::recovery_points::length_words;

/// The judgement of a run and what it rests on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Assessment {
    /// The verdict.
    pub verdict: Verdict,
    /// Steps by how they stand.
    pub steps: StepCounts,
    /// What the checks came to.
    pub findings: FindingCounts,
    /// Findings that are as expected, by step.
    pub proved: Vec<StepFinding>,
    /// What is not proved, a sentence each: failed and inconclusive findings, steps that did not run, objectives
    /// that were missed.
    pub not_proved: Vec<String>,
    /// The time objective.
    pub rto: TimeObjective,
    /// The data objectives, by store.
    pub rpo: Vec<DataObjective>,
}

/// How many steps stand where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct StepCounts {
    /// All steps of the change set.
    pub all: usize,
    /// Succeeded.
    pub done: usize,
    /// Failed.
    pub failed: usize,
    /// Not known what became of them.
    pub unknown: usize,
    /// Begun at their service, and no end of it was seen yet.
    pub under_way: usize,
    /// Begun, and waiting for an answer or for its next try.
    pub begun: usize,
    /// Not begun.
    pub not_started: usize,
}

/// What the checks of a run came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FindingCounts {
    /// As expected.
    pub passed: usize,
    /// Not as expected.
    pub failed: usize,
    /// What could not be found out.
    pub inconclusive: usize,
}

impl FindingCounts {
    /// How many there are.
    pub fn all(self) -> usize {
        self.passed + self.failed + self.inconclusive
    }
}

/// A finding and the step that made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StepFinding {
    /// The step.
    pub step: StepName,
    /// What it found.
    pub finding: Finding,
}

/// How long the run took, against what was allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TimeObjective {
    /// What the scenario allows.
    pub objective: Option<Period>,
    /// From the first record to this moment; waits for people and for a resume included.
    pub actual: Period,
}

/// How much data of a store is lost, against what was allowed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DataObjective {
    /// The store.
    pub store: StoreName,
    /// What is allowed.
    pub objective: Option<Period>,
    /// How far the moment of its point lies before the goal; `None` when no point is chosen yet.
    pub actual: Option<Period>,
    /// Every step that brings it back is done.
    pub is_restored: bool,
}

/// How an objective stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// There is none.
    NotSet,
    /// It was met.
    Met,
    /// It was missed.
    Missed,
    /// It cannot be said yet, and why.
    Open(&'static str),
}

impl TimeObjective {
    /// True unless the objective was missed.
    pub fn is_met(&self) -> bool {
        self.objective
            .is_none_or(|objective| self.actual <= objective)
    }
}

impl DataObjective {
    /// How it stands. A point that lies too far back misses it whatever comes; one that does not meets it only
    /// once the store is there.
    pub fn standing(&self) -> Standing {
        match (self.objective, self.actual) {
            (None, _) => Standing::NotSet,
            (Some(_), None) => Standing::Open("its recovery point was not chosen"),
            (Some(objective), Some(actual)) if actual > objective => Standing::Missed,
            (Some(_), Some(_)) if self.is_restored => Standing::Met,
            (Some(_), Some(_)) => Standing::Open("it is not restored"),
        }
    }
}

/// Judges a run as its records have it at this moment.
pub fn assess(change_set: &ChangeSet, state: &RunState, now: Moment) -> Assessment {
    let mut seen = Seen::default();
    for planned in &change_set.steps {
        seen.step(planned, &state.step(&planned.name));
    }
    let Seen {
        steps,
        findings,
        proved,
        mut not_proved,
    } = seen;
    let actual = Period::from(Duration::from_millis(now.run_ms));
    let rto = TimeObjective {
        objective: change_set.scenario.rto,
        actual,
    };
    if !rto.is_met() {
        let objective = length_words(rto.objective.unwrap_or_default().duration());
        let took = length_words(actual.duration());
        not_proved.push(format!("the RTO was missed: {took} of {objective}"));
    }
    let rpo = data_objectives(change_set, state);
    not_proved.extend(rpo.iter().filter_map(unmet));
    let verdict = if steps.failed > 0 || findings.failed > 0 {
        Verdict::Red
    } else if steps.done < steps.all || !not_proved.is_empty() || proved.is_empty() {
        Verdict::Amber
    } else {
        Verdict::Green
    };
    if findings.all() == 0 {
        not_proved.push("nothing was checked".to_owned());
    }
    Assessment {
        verdict,
        steps,
        findings,
        proved,
        not_proved,
        rto,
        rpo,
    }
}

/// What the steps that were looked at say.
#[derive(Default)]
struct Seen {
    steps: StepCounts,
    findings: FindingCounts,
    proved: Vec<StepFinding>,
    not_proved: Vec<String>,
}

impl Seen {
    fn step(&mut self, planned: &PlannedStep, step: &StepState) {
        let name = &planned.name;
        self.steps.all += 1;
        match step.status {
            Status::Succeeded => {
                self.steps.done += 1;
                // Only a person's decision leaves a note on a step that is done.
                if let Some(word) = &step.note {
                    self.not_proved
                        .push(format!("{name} was declared done ({word})"));
                }
                let findings = step.outcome.iter().flat_map(|outcome| &outcome.findings);
                findings.for_each(|finding| self.finding(name, finding, false));
            }
            Status::Failed => {
                self.steps.failed += 1;
                let what = step.failure.as_ref().map_or("", |failure| &failure.what);
                self.not_proved.push(format!("{name} failed: {what}"));
                self.failure(name, step.failure.as_ref());
            }
            Status::Unknown => {
                self.steps.unknown += 1;
                self.not_proved
                    .push(format!("what became of {name} is not known"));
            }
            Status::Intended => {
                self.steps.under_way += 1;
                self.not_proved
                    .push(format!("{name} was under way when it was last seen"));
            }
            Status::Asked | Status::Answered | Status::Retrying => {
                self.steps.begun += 1;
                self.not_proved
                    .push(format!("{name} was begun and is not done"));
            }
            Status::Pending | Status::Skipped => {
                self.steps.not_started += 1;
                self.not_proved.push(format!("{name} was not done"));
            }
        }
    }

    /// The findings of a step that failed. Where a finding is why it failed, the first is, and was said with the step.
    fn failure(&mut self, step: &StepName, failure: Option<&Failure>) {
        let mut is_said = failure.is_some_and(|failure| failure.kind == FailureKind::Finding);
        for finding in failure.iter().flat_map(|failure| &failure.findings) {
            let is_reason = finding.judgement == Judgement::Failed && is_said;
            is_said &= !is_reason;
            self.finding(step, finding, is_reason);
        }
    }

    fn finding(&mut self, step: &StepName, finding: &Finding, is_said: bool) {
        let Finding {
            subject,
            expected,
            observed,
            judgement,
        } = finding;
        match judgement {
            Judgement::Passed => {
                self.findings.passed += 1;
                self.proved.push(StepFinding {
                    step: step.clone(),
                    finding: finding.clone(),
                });
            }
            Judgement::Failed => {
                self.findings.failed += 1;
                if !is_said {
                    self.not_proved.push(format!(
                        "{step}: {subject}: expected {expected}, found {observed}"
                    ));
                }
            }
            Judgement::Inconclusive => {
                self.findings.inconclusive += 1;
                self.not_proved.push(format!(
                    "{step}: {subject} could not be found out: {observed}"
                ));
            }
        }
    }
}

/// Why a data objective is not met, in a sentence; `None` when it is, or when there is none.
fn unmet(rpo: &DataObjective) -> Option<String> {
    let store = &rpo.store;
    match rpo.standing() {
        Standing::NotSet | Standing::Met => None,
        Standing::Missed => Some(format!(
            "the RPO of {store} was missed: {} of {}",
            length_words(rpo.actual.unwrap_or_default().duration()),
            length_words(rpo.objective.unwrap_or_default().duration())
        )),
        Standing::Open(why) => Some(format!("the RPO of {store} is open: {why}")),
    }
}

/// The stores that the run brings back, with what is lost of each; points that were chosen during the run included.
fn data_objectives(change_set: &ChangeSet, state: &RunState) -> Vec<DataObjective> {
    let restored = change_set.selections.iter().filter_map(|selection| {
        let actual = match &selection.choice {
            Choice::Restore(_) => selection.behind_goal,
            Choice::Later(_) => state
                .chosen
                .get(&selection.store)
                .map(|chosen| between(chosen.point.at, change_set.goal)),
            Choice::Leave | Choice::Impossible => return None,
        };
        let restoring = change_set.restoring(&selection.store);
        if restoring.is_empty() {
            return None;
        }
        let is_done = |step: &&PlannedStep| state.status(&step.name) == Status::Succeeded;
        Some(DataObjective {
            store: selection.store.clone(),
            objective: selection.rpo,
            actual,
            is_restored: restoring.iter().all(is_done),
        })
    });
    restored.collect()
}

impl Assessment {
    /// One sentence: what the verdict rests on.
    pub fn summary(&self) -> String {
        let StepCounts {
            all,
            done,
            failed,
            unknown,
            under_way,
            begun,
            not_started,
        } = self.steps;
        let mut parts = vec![format!("{done} of {all} steps done")];
        for (count, word) in [
            (failed, "failed"),
            (unknown, "unknown"),
            (under_way, "under way"),
            (begun, "begun"),
            (not_started, "not started"),
        ] {
            if count > 0 {
                parts.push(format!("{count} {word}"));
            }
        }
        parts.push(match self.findings.passed {
            0 => "nothing proved".to_owned(),
            1 => "1 finding as expected".to_owned(),
            more => format!("{more} findings as expected"),
        });
        parts.join(", ")
    }
}
