//! A report as one HTML file: readable on a phone, printable, no network.

use std::fmt::Write as _;

use jiff::Timestamp;

use crate::recovery_points::length_words;
use crate::recovery_points::moment_words;
use crate::report::html::Table;
use crate::report::html::escape;
use crate::report::html::list;
use crate::report::html::page;
use crate::report::html::section;
use crate::report::run_report::Happened;
use crate::report::run_report::Report;
use crate::report::run_report::picture::legend;
use crate::report::run_report::picture::picture;
use crate::report::run_report::sections::behind_words;
use crate::report::run_report::sections::standing_words;
use crate::report::runs::status_word;
use crate::verification::Standing;

impl Report {
    /// As a page.
    pub fn html(&self) -> String {
        let title = format!("{}: run {}", self.title, self.run);
        let mut body = self.head();
        body.push_str(&section("In plain words", &list(&self.note)));
        body.push_str(&section("Objectives", &self.objective_table()));
        if !self.stores.is_empty() {
            body.push_str(&section("Data", &self.store_table()));
        }
        body.push_str(&section("Proved", &self.proved_table()));
        let open = if self.assessment.not_proved.is_empty() {
            "<p>Nothing is left open.</p>".to_owned()
        } else {
            list(&self.assessment.not_proved)
        };
        body.push_str(&section("Not proved", &open));
        body.push_str(&section("Steps", &self.course()));
        body.push_str(&section("Timeline", &self.timeline()));
        if !self.told.is_empty() {
            body.push_str(&section("Told", &self.told_table()));
        }
        let _ = write!(
            body,
            "<footer><p><small>Made from the journal: {}</small></p></footer>",
            escape(&self.digests())
        );
        page(&title, &body)
    }

    fn head(&self) -> String {
        let verdict = self.assessment.verdict.word();
        format!(
            "<header><h1>{}</h1><p class=\"verdict {}\">{}</p><p>{}<br>\
             Opened {}, last record {}, goal {}.</p></header>",
            escape(&self.title),
            verdict.to_lowercase(),
            escape(&self.headline()),
            escape(&self.subject()),
            time(self.opened, &moment_words(self.opened)),
            time(self.last, &moment_words(self.last)),
            time(self.goal, &moment_words(self.goal)),
        )
    }

    fn objective_table(&self) -> String {
        let mut table = Table::new(&["objective", "measured", "stands"]);
        let rto = self.assessment.rto;
        let so_far = if self.is_over { "" } else { " so far" };
        let took = format!("{}{so_far}", length_words(rto.actual.duration()));
        let (name, stands) = match rto.objective {
            Some(objective) => (
                format!("RTO {}", length_words(objective.duration())),
                self.time_standing().to_owned(),
            ),
            None => ("time".to_owned(), standing_words(Standing::NotSet)),
        };
        table.row([escape(&name), escape(&took), stands]);
        for rpo in &self.assessment.rpo {
            let objective = rpo
                .objective
                .map(|objective| format!("RPO {} of ", length_words(objective.duration())));
            table.row([
                format!(
                    "{}{}",
                    objective.unwrap_or_else(|| "data of ".to_owned()),
                    escape(rpo.store.as_str())
                ),
                behind_words(rpo),
                standing_words(rpo.standing()),
            ]);
        }
        table.html()
    }

    fn store_table(&self) -> String {
        let mut table = Table::new(&["store", "brought back from", "stands", "lost", "why"]);
        for store in &self.stores {
            let lost = store.loses.map(|loss| {
                format!(
                    "{}, from {} to {}",
                    length_words(loss.length.duration()),
                    time(loss.from, &moment_words(loss.from)),
                    time(loss.until, &moment_words(loss.until))
                )
            });
            table.row([
                escape(&store.title),
                escape(&store.from),
                escape(&store.stands_words().unwrap_or_else(|| "left".to_owned())),
                lost.unwrap_or_else(|| "-".to_owned()),
                escape(&store.why),
            ]);
        }
        table.html()
    }

    fn proved_table(&self) -> String {
        if self.assessment.proved.is_empty() {
            return "<p>Nothing.</p>".to_owned();
        }
        let mut table = Table::new(&["what", "expected", "found", "by"]);
        for proved in &self.assessment.proved {
            let finding = &proved.finding;
            table.row([
                escape(&finding.subject),
                escape(&finding.expected),
                escape(&finding.observed),
                format!("<code>{}</code>", escape(proved.step.as_str())),
            ]);
        }
        table.html()
    }

    /// The picture and the table that says the same.
    fn course(&self) -> String {
        let mut table = Table::new(&["step", "stands", "began", "ended", "took", "remarks"]);
        for step in &self.steps {
            let mark = if step.is_deciding { "◆ " } else { "" };
            let moment = |at: Option<Timestamp>| {
                at.map(|at| time(at, &at.strftime("%H:%M:%SZ").to_string()))
                    .unwrap_or_default()
            };
            table.row([
                format!(
                    "{mark}<code>{}</code><br><small>{}</small>",
                    escape(step.step.as_str()),
                    escape(&step.title)
                ),
                match step.is_bad() {
                    true => format!("<b class=\"bad\">{}</b>", status_word(step.status)),
                    false => status_word(step.status).to_owned(),
                },
                moment(step.began),
                moment(step.ended),
                step.took_words(),
                escape(step.remarks().trim_start_matches([':', ';', ' '])),
            ]);
        }
        let path = self.path_words();
        let path = path.map(|words| format!("<p>◆ {}</p>", escape(&words)));
        let path = path.unwrap_or_default();
        format!("{}{}{path}{}", picture(self), legend(self), table.html())
    }

    fn timeline(&self) -> String {
        let events: String = self.events.iter().map(Happened::item).collect();
        format!("<ol class=\"timeline\">{events}</ol>")
    }

    fn told_table(&self) -> String {
        let mut table = Table::new(&["of what", "sent"]);
        for told in &self.told {
            table.row([escape(&told.what()), escape(&told.stands())]);
        }
        table.html()
    }
}

impl Happened {
    fn item(&self) -> String {
        let step = self
            .step
            .as_ref()
            .map(|step| format!("<code>{}</code> ", escape(step.as_str())));
        let by = self.by.as_ref().map(|by| format!("<b>{}</b> ", escape(by)));
        format!(
            "<li>{} {}{}{} <small>record {} {}</small></li>",
            time(self.at, &self.at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()),
            step.unwrap_or_default(),
            by.unwrap_or_default(),
            escape(&self.what),
            self.record,
            self.hash.short()
        )
    }
}

/// A moment that a program can read too.
fn time(at: Timestamp, words: &str) -> String {
    format!("<time datetime=\"{at}\">{}</time>", escape(words))
}
