//! A runbook as one HTML file: readable on a phone, printable, no network.

use crate::recovery_points::length_words;
use crate::report::html::Table;
use crate::report::html::commands;
use crate::report::html::escape;
use crate::report::html::page;
use crate::report::html::section;
use crate::report::runbook::Runbook;
use crate::report::runbook::RunbookStep;
use crate::report::runbook::markdown::BEFORE;
use crate::report::runbook::markdown::numbers;

/// The whole runbook as a page.
pub fn runbook_html(runbook: &Runbook) -> String {
    let mut body = format!(
        "<h1>{}</h1><p>{}</p>",
        escape(&runbook.title),
        escape(&runbook.scenario)
    );
    let objectives = [("RPO", runbook.rpo), ("RTO", runbook.rto)];
    for (name, length) in objectives {
        if let Some(length) = length {
            body.push_str(&format!(
                "<span class=\"chip\">{name} {}</span>",
                length_words(length.duration())
            ));
        }
    }
    body.push_str(
        "<p>Steps are in an order that keeps what each needs. Commands are for one POSIX shell in the \
         plan's folder; a command with a variable that is not set yet ends with an error and does nothing. Go on only \
         when a command ended well. What can be lost, and the values that \
         the commands were made with, stand at the end.</p>",
    );
    let before = runbook.set_before();
    if !before.is_empty() {
        let html = format!("<p>{}</p>{}", escape(BEFORE), commands(&before));
        body.push_str(&section("Before you begin, set", &html));
    }
    for step in &runbook.steps {
        body.push_str(&step_html(step));
    }
    body.push_str(&reference(runbook));
    page(&runbook.title, &body)
}

/// What is looked up while the steps are done. It stands behind them: who opens the page on a phone begins with a step.
fn reference(runbook: &Runbook) -> String {
    let mut html = String::new();
    if !runbook.stores.is_empty() {
        let mut table = Table::new(&["store", "where", "class", "step"]);
        for store in &runbook.stores {
            table.row([
                format!(
                    "{}<br><small>{}</small>",
                    escape(&store.name),
                    escape(&store.title)
                ),
                escape(&store.place),
                escape(&store.class),
                numbers(&store.restored_by),
            ]);
        }
        html.push_str(&section("What can be lost", &table.html()));
    }
    if !runbook.inputs.is_empty() {
        let mut table = Table::new(&["input", "value"]);
        for (name, value) in &runbook.inputs {
            table.row([escape(name), escape(value)]);
        }
        html.push_str(&section("Values", &table.html()));
    }
    html
}

fn step_html(step: &RunbookStep) -> String {
    let mut html = format!(
        "<section class=\"step\"><h2><label><input type=\"checkbox\"> Step {}: {}</label></h2><p><code>{}</code> {}</p>",
        step.number,
        escape(&step.title),
        escape(&step.name),
        escape(&step.summary)
    );
    let facts: String = step
        .facts()
        .iter()
        .map(|fact| format!("<li>{}</li>", escape(fact)))
        .collect();
    html.push_str(&format!("<ul>{facts}</ul>"));
    for note in &step.notes {
        html.push_str(&format!("<p class=\"note\">{}</p>", escape(note)));
    }
    let typed = step.typed();
    if !typed.is_empty() {
        html.push_str(&commands(&typed));
    }
    html.push_str("</section>");
    html
}
