//! A report as lists of lines under headings: for a terminal, and as Markdown.

use std::fmt::Write as _;
use std::time::Duration;

use salvor_contract::Period;

use crate::journal::Status;
use crate::recovery_points::length_words;
use crate::recovery_points::moment_words;
use crate::report::change_set_markdown::escaped;
use crate::report::layout::one_line;
use crate::report::run_report::Happened;
use crate::report::run_report::Pause;
use crate::report::run_report::Report;
use crate::report::run_report::StepLine;
use crate::report::run_report::StoreLine;
use crate::report::run_report::StoreStands;
use crate::report::runs::status_word;
use crate::verification::DataObjective;
use crate::verification::Standing;

/// A heading and what stands under it, a line each.
struct Section {
    heading: &'static str,
    lines: Vec<String>,
}

impl Report {
    /// For a terminal.
    pub fn text(&self) -> String {
        let mut text = format!(
            "{}\n{}\n",
            one_line(&self.subject()),
            one_line(&self.headline())
        );
        for Section { heading, lines } in self.sections() {
            let _ = writeln!(text, "\n{heading}");
            for line in lines {
                let _ = writeln!(text, "  {}", one_line(&line).trim_end());
            }
        }
        let _ = writeln!(text, "\n{}", one_line(&self.digests()));
        text
    }

    /// For a ticket or a wiki.
    pub fn markdown(&self) -> String {
        let mut text = format!(
            "# {}\n\n**{}**\n",
            escaped(&self.subject()),
            escaped(&self.headline())
        );
        for Section { heading, lines } in self.sections() {
            let _ = writeln!(text, "\n## {heading}\n");
            for line in lines {
                let _ = writeln!(text, "- {}", escaped(line.trim_end()));
            }
        }
        let _ = writeln!(text, "\n{}", escaped(&self.digests()));
        text
    }

    /// What the report is about.
    pub(super) fn subject(&self) -> String {
        format!("run {} · {} · {}", self.run, self.plan, self.scenario)
    }

    /// Where the run stands and how it is judged.
    pub(super) fn headline(&self) -> String {
        let word = self.assessment.verdict.word();
        match self.recorded {
            Some(verdict) if verdict == self.assessment.verdict => self.stands.clone(),
            Some(_) => format!("{} (judged now: {word})", self.stands),
            None if self.is_over => format!("{word}; {}", self.stands),
            None => format!("{word} so far; {}", self.stands),
        }
    }

    /// What the report was made from.
    pub(super) fn digests(&self) -> String {
        format!(
            "journal head {} ({} records) · change set {} · salvor {}",
            self.journal_head, self.records, self.change_set, self.tool
        )
    }

    fn sections(&self) -> Vec<Section> {
        let mut sections = vec![
            section("In plain words", self.note.clone(), ""),
            section("Objectives", self.objectives(), ""),
            section("Data", self.stores.iter().map(data).collect(), "no stores"),
            section("Proved", self.proved(), "nothing"),
            section(
                "Not proved",
                self.assessment.not_proved.clone(),
                "nothing is left open",
            ),
            section("Steps", self.step_lines(), ""),
            section(
                "Timeline",
                self.events.iter().map(Happened::line).collect(),
                "",
            ),
        ];
        if !self.told.is_empty() {
            let told = self.told.iter();
            let told = told.map(|told| format!("{}: {}", told.what(), told.stands()));
            sections.push(section("Told", told.collect(), ""));
        }
        sections
    }

    fn objectives(&self) -> Vec<String> {
        let rto = self.assessment.rto;
        let took = length_words(rto.actual.duration());
        let so_far = if self.is_over { "" } else { " so far" };
        let time = match rto.objective {
            None => format!("time: {took}{so_far} (no RTO is set)"),
            Some(objective) => {
                let met = self.time_standing();
                format!("RTO {}: {took}{so_far} ({met})", words(objective))
            }
        };
        std::iter::once(time)
            .chain(self.assessment.rpo.iter().map(data_objective))
            .collect()
    }

    /// How the time objective stands.
    pub(super) fn time_standing(&self) -> &'static str {
        match (self.assessment.rto.is_met(), self.is_over) {
            (true, true) => "met",
            (true, false) => "not missed yet",
            (false, _) => "MISSED",
        }
    }

    fn proved(&self) -> Vec<String> {
        let proved = self.assessment.proved.iter().map(|proved| {
            let finding = &proved.finding;
            format!(
                "{} ({}): {}",
                finding.subject, proved.step, finding.observed
            )
        });
        proved.collect()
    }

    fn step_lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.steps.iter().map(StepLine::line).collect();
        lines.extend(self.path_words().map(|words| format!("* {words}")));
        lines.extend(self.pauses.iter().map(Pause::words));
        lines
    }

    /// What decided the end; `None` when nothing was begun.
    pub(super) fn path_words(&self) -> Option<String> {
        let names: Vec<&str> = self.deciding.iter().map(|name| name.as_str()).collect();
        (!names.is_empty()).then(|| format!("{}: {}", self.path_name(), names.join(" → ")))
    }

    /// What the path is called.
    pub(super) fn path_name(&self) -> &'static str {
        if self.is_over {
            "decided the end"
        } else {
            "decides the end so far"
        }
    }
}

fn section(heading: &'static str, lines: Vec<String>, when_empty: &str) -> Section {
    let lines = if lines.is_empty() && !when_empty.is_empty() {
        vec![when_empty.to_owned()]
    } else {
        lines
    };
    Section { heading, lines }
}

fn data_objective(rpo: &DataObjective) -> String {
    let store = &rpo.store;
    let behind = behind_words(rpo);
    match rpo.objective {
        None => format!("data of {store}: {behind} (no RPO is set)"),
        Some(objective) => format!(
            "RPO {} of {store}: {behind} ({})",
            words(objective),
            standing_words(rpo.standing())
        ),
    }
}

/// How far a store's point lies before the goal.
pub(super) fn behind_words(rpo: &DataObjective) -> String {
    rpo.actual.map_or_else(
        || "no point yet".to_owned(),
        |actual| format!("{} before the goal", words(actual)),
    )
}

/// How an objective stands.
pub(super) fn standing_words(standing: Standing) -> String {
    match standing {
        Standing::NotSet => "not set".to_owned(),
        Standing::Met => "met".to_owned(),
        Standing::Missed => "MISSED".to_owned(),
        Standing::Open(why) => format!("open: {why}"),
    }
}

fn data(store: &StoreLine) -> String {
    let stands = store.stands_words();
    let stands = stands.map(|words| format!("; {words}")).unwrap_or_default();
    let loses = store.loses.map(|loss| {
        format!(
            "; loses {}, from {} to {}",
            words(loss.length),
            moment_words(loss.from),
            moment_words(loss.until)
        )
    });
    format!(
        "{}: {}{stands}{}; {}",
        store.title,
        store.from,
        loses.unwrap_or_default(),
        store.why
    )
}

impl StoreLine {
    /// Whether it is back; `None` when that is not asked of it.
    pub(super) fn stands_words(&self) -> Option<String> {
        match &self.stands {
            StoreStands::Back => Some(match self.back {
                Some(back) => format!("back since {}", moment_words(back)),
                None => "back".to_owned(),
            }),
            StoreStands::NotBack(steps) => Some(format!("NOT BACK: {}", steps.join(", "))),
            StoreStands::LookedAt => Some("looked at, not restored".to_owned()),
            StoreStands::Left => None,
        }
    }
}

impl StepLine {
    fn line(&self) -> String {
        let began = self.began.map(|at| at.strftime("%H:%M:%SZ").to_string());
        let mark = if self.is_deciding { "*" } else { " " };
        format!(
            "{mark}{:<9} {:<9} {:>8}  {}{}",
            began.unwrap_or_default(),
            status_word(self.status),
            self.took_words(),
            self.step,
            self.remarks()
        )
    }

    /// It failed, or nobody knows what became of it.
    pub(super) fn is_bad(&self) -> bool {
        match self.status {
            Status::Failed | Status::Unknown => true,
            Status::Pending
            | Status::Asked
            | Status::Answered
            | Status::Intended
            | Status::Retrying
            | Status::Succeeded
            | Status::Skipped => false,
        }
    }

    /// How long it took, or nothing when it was not begun.
    pub(super) fn took_words(&self) -> String {
        self.took_ms
            .map(|ms| length_words(Duration::from_millis(ms)))
            .unwrap_or_default()
    }

    /// What else there is to say of it.
    pub(super) fn remarks(&self) -> String {
        let tries = (self.attempts > 1).then(|| format!(" ({} tries)", self.attempts));
        let looked = self.looked.as_ref().map(|looked| format!(" ({looked})"));
        let answer = self.answer.as_ref().map(|answer| format!(": {answer}"));
        let note = self.note.as_ref().map(|note| format!("; {note}"));
        [tries, looked, answer, note]
            .into_iter()
            .flatten()
            .collect()
    }
}

impl Happened {
    fn line(&self) -> String {
        let by = self.by.as_ref().map(|by| format!("{by} "));
        let step = self.step.as_ref().map(|step| format!("{step}: "));
        format!(
            "{}  {}{}{} [record {} {}]",
            self.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            step.unwrap_or_default(),
            by.unwrap_or_default(),
            self.what,
            self.record,
            self.hash.short()
        )
    }
}

impl Pause {
    /// Who was missing from when to when.
    pub(super) fn words(&self) -> String {
        let length = Duration::from_millis(self.until_ms.saturating_sub(self.from_ms));
        let why = if self.is_orderly {
            "it had been stopped"
        } else {
            "the process was gone"
        };
        format!(
            "no process worked on it from {} for {} ({why}); taken up by {}",
            moment_words(self.from),
            length_words(length),
            self.taken_up_by
        )
    }
}

fn words(period: Period) -> String {
    length_words(period.duration())
}
