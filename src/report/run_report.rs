//! The report of a run: what was done, what was proved and what not, what was lost, how long it took.
//!
//! Made from the change set and the journal alone, so anyone can make it again later.

use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;
use salvor_contract::Period;
use salvor_contract::RunId;
use salvor_contract::StepName;
use schemars::JsonSchema;
use serde::Serialize;

use crate::change_set::ChangeSet;
use crate::change_set::Choice;
use crate::digest::Digest;
use crate::execution::telling::Told;
use crate::execution::telling::told;
use crate::journal::chain::Chain;
use crate::recovery_points::length_words;
use crate::recovery_points::moment_words;
use crate::report::runs::found_words;
use crate::report::runs::phase_words;
use crate::report::runs::status_word;
use crate::verification::Assessment;
use crate::verification::assess;

/// The format that this version writes.
pub const FORMAT: u32 = 1;

/// A report.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Report {
    /// The format, [`FORMAT`].
    pub format: u32,
    /// The run.
    pub run: RunId,
    /// The plan.
    pub plan: String,
    /// The scenario.
    pub scenario: String,
    /// The digest of the change set.
    pub change_set: Digest,
    /// The hash of the journal's last record: it stands for the whole journal.
    pub journal_head: Digest,
    /// When it was opened.
    pub opened: Timestamp,
    /// When its last record was written.
    pub last: Timestamp,
    /// The moment to which the stores were brought.
    pub goal: Timestamp,
    /// Where it stands, in words.
    pub stands: String,
    /// The judgement and what it rests on.
    pub assessment: Assessment,
    /// What was brought back from where.
    pub stores: Vec<StoreLine>,
    /// The steps in their order.
    pub steps: Vec<StepLine>,
    /// Who was told of what, in the order in which it happened.
    pub told: Vec<Told>,
}

/// What was done with one store.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct StoreLine {
    /// The store's title.
    pub store: String,
    /// From where, or that it was left.
    pub from: String,
    /// What is lost of it, counted back from the survey.
    pub loses: Option<Period>,
    /// Why.
    pub why: String,
}

/// How one step went.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct StepLine {
    /// The step.
    pub step: StepName,
    /// Its title.
    pub title: String,
    /// How it stands.
    pub status: &'static str,
    /// When it began.
    pub began: Option<Timestamp>,
    /// How long it took, in milliseconds.
    pub took_ms: Option<u64>,
    /// How many operations were intended for it.
    pub attempts: usize,
    /// What was found of its last operation after an interruption, before it was sent again.
    pub looked: Option<String>,
    /// What a person answered, and who.
    pub answer: Option<String>,
}

impl Report {
    /// The report of a run as its journal stands.
    pub fn of(change_set: &ChangeSet, chain: &Chain) -> Self {
        let state = &chain.state;
        let stores = change_set.selections.iter().map(|selection| StoreLine {
            store: match selection.title.as_str() {
                "" => selection.store.to_string(),
                title => title.to_owned(),
            },
            from: match &selection.choice {
                Choice::Restore(chosen) => {
                    format!("{} as of {}", chosen.point.title, moment_words(chosen.at))
                }
                Choice::Later(rule) => match state.chosen.get(&selection.store) {
                    Some(chosen) => {
                        let point = &chosen.point;
                        format!("{} as of {}", point.point.title, moment_words(point.at))
                    }
                    None => format!("not chosen: known after {}", rule.after),
                },
                Choice::Leave => "not restored".to_owned(),
                Choice::Impossible => "nothing usable".to_owned(),
            },
            loses: selection.loses,
            why: selection.reason.clone(),
        });
        let steps = change_set.steps.iter().map(|planned| {
            let step = state.step(&planned.name);
            StepLine {
                step: planned.name.clone(),
                title: planned.title.clone(),
                status: status_word(step.status),
                began: step.began.map(|moment| moment.wall),
                took_ms: step.length_ms(state.last),
                attempts: step.attempts.len(),
                looked: step
                    .current()
                    .and_then(|last| last.found.as_ref())
                    .map(found_words),
                answer: step
                    .answer
                    .map(|answer| format!("{} ({})", answer.text, answer.by)),
            }
        });
        Self {
            format: FORMAT,
            run: state.run.clone(),
            plan: state.opening.plan.clone(),
            scenario: state.opening.scenario.clone(),
            change_set: state.opening.change_set.clone(),
            journal_head: state.head.hash.clone(),
            opened: state.opening.at,
            last: state.last.wall,
            goal: state.opening.goal,
            stands: phase_words(state),
            assessment: assess(change_set, state, state.last),
            stores: stores.collect(),
            steps: steps.collect(),
            told: told(state),
        }
    }

    /// For a terminal.
    pub fn text(&self) -> String {
        self.written("", "  ", "")
    }

    /// For a ticket or a wiki.
    pub fn markdown(&self) -> String {
        self.written("## ", "- ", "\n")
    }

    fn written(&self, heading: &str, item: &str, gap: &str) -> String {
        let mut text = String::new();
        let assessment = &self.assessment;
        let _ = writeln!(
            text,
            "{heading}run {} · {} · {}{gap}",
            self.run, self.plan, self.scenario
        );
        let word = assessment.verdict.word();
        let _ = writeln!(
            text,
            "{word} so far as the journal goes; it stands: {}{gap}",
            self.stands
        );
        let _ = writeln!(text, "\n{heading}Objectives{gap}");
        let rto = assessment.rto;
        let objective = |period: Option<Period>| {
            period.map_or_else(|| "none set".to_owned(), |p| length_words(p.duration()))
        };
        let met = |is_met: bool| if is_met { "met" } else { "MISSED" };
        let _ = writeln!(
            text,
            "{item}RTO {}: {} ({})",
            objective(rto.objective),
            length_words(rto.actual.duration()),
            met(rto.is_met())
        );
        for rpo in &assessment.rpo {
            let actual = rpo
                .actual
                .map_or_else(|| "not known".to_owned(), |p| length_words(p.duration()));
            let _ = writeln!(
                text,
                "{item}RPO {} of {}: {actual} before the goal ({})",
                objective(rpo.objective),
                rpo.store,
                met(rpo.is_met())
            );
        }
        let _ = writeln!(text, "\n{heading}Data{gap}");
        for store in &self.stores {
            let loses = store
                .loses
                .map(|loses| format!(", loses {}", length_words(loses.duration())))
                .unwrap_or_default();
            let _ = writeln!(
                text,
                "{item}{}: {}{loses}; {}",
                store.store, store.from, store.why
            );
        }
        let _ = writeln!(text, "\n{heading}Proved{gap}");
        if assessment.proved.is_empty() {
            let _ = writeln!(text, "{item}nothing");
        }
        for proved in &assessment.proved {
            let finding = &proved.finding;
            let _ = writeln!(
                text,
                "{item}{} ({}): {}",
                finding.subject, proved.step, finding.observed
            );
        }
        let _ = writeln!(text, "\n{heading}Not proved{gap}");
        if assessment.not_proved.is_empty() {
            let _ = writeln!(text, "{item}nothing is left open");
        }
        for not_proved in &assessment.not_proved {
            let _ = writeln!(text, "{item}{not_proved}");
        }
        let _ = writeln!(text, "\n{heading}Timeline{gap}");
        for step in &self.steps {
            let began = step
                .began
                .map(|at| at.strftime("%H:%M:%SZ").to_string())
                .unwrap_or_default();
            let took = step
                .took_ms
                .map(|ms| length_words(Duration::from_millis(ms)))
                .unwrap_or_default();
            let answer = step
                .answer
                .as_ref()
                .map(|answer| format!(": {answer}"))
                .unwrap_or_default();
            let looked = step
                .looked
                .as_ref()
                .map(|looked| format!(" ({looked})"))
                .unwrap_or_default();
            let line = format!(
                "{item}{began:<9} {:<9} {took:>8}  {}{looked}{answer}",
                step.status, step.step
            );
            let _ = writeln!(text, "{}", line.trim_end());
        }
        if !self.told.is_empty() {
            let _ = writeln!(text, "\n{heading}Told{gap}");
        }
        for told in &self.told {
            let not = if told.is_sent == Some(true) {
                ""
            } else {
                "NOT "
            };
            let _ = writeln!(text, "{item}{not}{}", told.words());
        }
        let _ = writeln!(
            text,
            "\njournal head {} · change set {}",
            self.journal_head, self.change_set
        );
        text
    }
}
