//! What happened, a record each, in words.
//!
//! Messages to people are told once they are sent or not; that they are about to be sent is left out.

use std::collections::BTreeSet;

use salvor_contract::Answer;
use salvor_contract::Finding;
use salvor_contract::Judgement;
use salvor_contract::Outcome;
use salvor_contract::Removal;
use salvor_contract::StepName;

use crate::journal::Body;
use crate::journal::Decision;
use crate::journal::lock::Holder;
use crate::journal::names::notification_of;
use crate::recovery_points::moment_words;
use crate::report::run_report::Happened;
use crate::report::run_report::course::Placed;
use crate::report::runs::found_words;

/// The events of a run in the order of its records.
pub(super) fn events(records: &[Placed<'_>]) -> Vec<Happened> {
    let mut of_roles = BTreeSet::new();
    for placed in records {
        if let Body::Asked {
            step,
            role: Some(_),
            ..
        } = &placed.record.body
        {
            of_roles.insert(step);
        }
    }
    let one = |placed: &Placed<'_>| {
        let body = &placed.record.body;
        let (by, step, what) = match body.step().filter(|step| notification_of(step).is_some()) {
            Some(message) => (None, None, message_words(body, message)?),
            None => (person(body), body.step().cloned(), words(body, &of_roles)),
        };
        Some(Happened {
            record: placed.record.seq,
            hash: placed.hash.clone(),
            at: placed.at.wall,
            by,
            step,
            what,
        })
    };
    records.iter().filter_map(one).collect()
}

/// Whose doing a record tells of.
fn person(body: &Body) -> Option<String> {
    match body {
        Body::Opened { holder, .. } | Body::Resumed { holder, .. } => Some(holder.by.clone()),
        Body::Answered { answer, .. } => Some(answer.by.clone()),
        Body::Decided { by, .. } | Body::Aborted { by, .. } => Some(by.clone()),
        Body::Intent { .. }
        | Body::Named { .. }
        | Body::Probed { .. }
        | Body::Chosen { .. }
        | Body::Asked { .. }
        | Body::Succeeded { .. }
        | Body::Failed { .. }
        | Body::Unknown { .. }
        | Body::Skipped { .. }
        | Body::Stopping { .. }
        | Body::Halted { .. }
        | Body::Removing { .. }
        | Body::Removed { .. }
        | Body::NotRemoved { .. }
        | Body::Finished { .. } => None,
    }
}

/// A record in words. `of_roles` are the steps whose questions are for a role.
fn words(body: &Body, of_roles: &BTreeSet<&StepName>) -> String {
    match body {
        Body::Opened {
            change_set,
            holder,
            confirmed,
            adopts,
            ..
        } => {
            let adopts = match adopts {
                false => "",
                true => "; the journal of an earlier run is lost, and what it did is taken up",
            };
            let confirmed = match confirmed.as_slice() {
                [] => String::new(),
                typed => format!("; confirmed: {}", typed.join(", ")),
            };
            let change_set = change_set.short();
            format!(
                "opened the run {}; change set {change_set}{confirmed}{adopts}",
                place(holder)
            )
        }
        Body::Resumed {
            holder,
            why,
            cut_bytes,
        } => {
            let cut = match cut_bytes {
                0 => String::new(),
                bytes => format!("; {bytes} bytes of a torn record were cut off"),
            };
            format!("took the run up {}: {why}{cut}", place(holder))
        }
        Body::Intent { attempt: 1, .. } => "begun".to_owned(),
        Body::Intent { attempt, .. } => format!("begun, try {attempt}"),
        Body::Named { name, .. } => format!("the service calls it {name}"),
        Body::Probed { found, .. } => format!("looked for: {}", found_words(found)),
        Body::Chosen {
            store,
            point,
            reason,
            ..
        } => format!(
            "chose the recovery point of {store}: {} as of {}; {reason}",
            point.point.title,
            moment_words(point.at)
        ),
        Body::Asked { question, role, .. } => match role {
            Some(role) => format!("asked {role}: {question}"),
            None => format!("asked: {question}"),
        },
        Body::Answered { step, answer } => answer_words(answer, of_roles.contains(step)),
        Body::Succeeded {
            outcome, adopted, ..
        } => {
            let word = if *adopted { "found done" } else { "done" };
            format!("{word}{}", findings_words(outcome))
        }
        Body::Failed {
            what, again: true, ..
        } => format!("failed and is tried again: {what}"),
        Body::Failed {
            what, again: false, ..
        } => format!("failed: {what}"),
        Body::Unknown { why, .. } => format!("what became of it is not known: {why}"),
        Body::Decided { decision, why, .. } => {
            let word = match decision {
                Decision::Succeeded(_) => "declared it done",
                Decision::Retry => "had it tried again",
                Decision::Failed => "declared it failed",
            };
            format!("{word}: {why}")
        }
        Body::Skipped { why, .. } => format!("not started: {why}"),
        Body::Stopping { detail, .. } => format!("no new step starts: {detail}"),
        Body::Halted { detail, .. } => format!("stopped: {detail}"),
        Body::Removing { .. } => "what it made is about to be removed".to_owned(),
        Body::Removed { removal, .. } => match removal {
            Removal::Removed(what) => format!("removed: {what}"),
            Removal::NothingThere => "nothing was there to remove".to_owned(),
            Removal::NotOurs(what) => format!("left alone, it is not of this run: {what}"),
        },
        Body::NotRemoved { what, .. } => format!("not removed: {what}"),
        Body::Finished { verdict, summary } => format!("over: {}, {summary}", verdict.word()),
        Body::Aborted { why, .. } => format!("gave the run up: {why}"),
    }
}

fn place(holder: &Holder) -> String {
    format!("on {}, process {}", holder.host, holder.pid)
}

fn answer_words(answer: &Answer, is_of_role: bool) -> String {
    let mut words = String::from("answered");
    match &answer.role {
        Some(role) => words.push_str(&format!(" as {role}")),
        None if is_of_role => words.push_str(", role not said"),
        None => {}
    }
    if !answer.text.is_empty() {
        words.push_str(&format!(": {}", answer.text));
    }
    if let Some((digest, name)) = &answer.file {
        words.push_str(&format!("; evidence {name}, SHA-256 {digest}"));
    }
    words
}

fn findings_words(outcome: &Outcome) -> String {
    let passed = |finding: &&Finding| finding.judgement == Judgement::Passed;
    let all = outcome.findings.len();
    let passed = outcome.findings.iter().filter(passed).count();
    match (all, all - passed) {
        (0, _) => String::new(),
        (1, 0) => "; 1 finding as expected".to_owned(),
        (all, 0) => format!("; {all} findings as expected"),
        (all, open) => format!("; {open} of {all} findings not as expected"),
    }
}

/// What became of a message; `None` for records that do not tell it.
fn message_words(body: &Body, message: &StepName) -> Option<String> {
    let (event, about) = notification_of(message)?;
    let about = about.map(|step| format!(" {step}")).unwrap_or_default();
    let subject = format!("message of “{event}{about}”");
    match body {
        Body::Succeeded { outcome, .. } => {
            let is_passed = |finding: &Finding| finding.judgement == Judgement::Passed;
            match outcome.findings.iter().find(|finding| !is_passed(finding)) {
                None => Some(format!("{subject} sent")),
                Some(finding) => Some(format!("{subject} NOT sent: {}", finding.observed)),
            }
        }
        Body::Failed {
            what, again: false, ..
        } => Some(format!("{subject} NOT sent: {what}")),
        Body::Unknown { why, .. } => {
            Some(format!("whether {subject} was sent is not known: {why}"))
        }
        Body::Failed { again: true, .. }
        | Body::Intent { .. }
        | Body::Named { .. }
        | Body::Probed { .. }
        | Body::Chosen { .. }
        | Body::Asked { .. }
        | Body::Answered { .. }
        | Body::Decided { .. }
        | Body::Skipped { .. }
        | Body::Removing { .. }
        | Body::Removed { .. }
        | Body::NotRemoved { .. }
        | Body::Opened { .. }
        | Body::Resumed { .. }
        | Body::Stopping { .. }
        | Body::Halted { .. }
        | Body::Finished { .. }
        | Body::Aborted { .. } => None,
    }
}
