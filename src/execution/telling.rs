//! Tells people what happens in a run, as the plan's `[[notify]]` asks.
//!
//! A message is an operation like that of a step, under a name that no step can have: intended before it is
//! sent, found again after a crash, and not sent twice where its class says so. Which messages are due is read
//! from the journal, so what happened just before a crash is told by the next process. None of them can fail
//! the run, hold a step back, or keep the run open.

use std::collections::BTreeSet;

use salvor_contract::Error;
use salvor_contract::Judgement;
use salvor_contract::StepName;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::change_set::Change;
use crate::change_set::PlannedStep;
use crate::change_set::PointSource;
use crate::execution::engine::Engine;
use crate::execution::watcher::End;
use crate::execution::watcher::Event;
use crate::execution::watcher::Watcher;
use crate::journal::FailureKind;
use crate::journal::JournalError;
use crate::journal::RunState;
use crate::journal::Status;
use crate::journal::names::notification_name;
use crate::journal::names::notification_of;
use crate::journal::state::StepState;
use crate::model::instance::Notification;
use crate::model::instance::OnFailure;
use crate::model::instance::Retry;
use crate::template;

/// How often a message is tried when its receiver says that it is busy.
const TRIES: u32 = 3;

/// Something of which the plan's notifications can tell.
struct Happening<'a> {
    event: &'static str,
    about: Option<&'a StepName>,
    /// Tells it from the same thing happening again.
    since: u64,
    says: String,
    /// False when it has passed: nobody is told any more, but a message that was begun is looked for.
    is_now: bool,
}

/// A message that is to be sent, or looked for.
pub(super) struct Message<'a> {
    pub(super) name: StepName,
    notification: &'a Notification,
    about: Option<StepName>,
    event: &'static str,
    says: String,
}

/// How one message stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Told {
    /// The event: `started`, `asked`, `failed`, `finished`.
    pub event: String,
    /// The step that it is about.
    pub about: Option<StepName>,
    /// Whether it was sent; `None` when nobody can tell.
    pub is_sent: Option<bool>,
    /// Why it was not sent, or why nobody can tell.
    pub why: String,
}

impl Told {
    /// What of: `asked review`.
    pub fn what(&self) -> String {
        let about = self.about.as_ref().map(|step| format!(" {step}"));
        format!("{}{}", self.event, about.unwrap_or_default())
    }

    /// Whether it was sent, and why not: `NOT sent: answered 500`.
    pub fn stands(&self) -> String {
        match self.is_sent {
            Some(true) => "sent".to_owned(),
            Some(false) => format!("NOT sent: {}", self.why),
            None => format!("nobody can tell; {}", self.why),
        }
    }

    /// What of, and what kept it from being sent: `asked review: answered 500`.
    pub fn words(&self) -> String {
        let what = self.what();
        match self.is_sent {
            Some(true) => what,
            Some(false) => format!("{what}: {}", self.why),
            None => format!("{what}: {}", self.stands()),
        }
    }
}

/// The messages of a run, as its journal has them.
pub fn told(state: &RunState) -> Vec<Told> {
    let one = |(name, step): (&StepName, &StepState)| {
        let (event, about) = notification_of(name)?;
        let (is_sent, why) = came_of(step);
        Some(Told {
            event: event.to_owned(),
            about: about.map(StepName::new),
            is_sent,
            why,
        })
    };
    let mut all: Vec<(Option<u64>, Told)> = state
        .steps
        .iter()
        .filter_map(|entry| Some((entry.1.began.map(|at| at.run_ms), one(entry)?)))
        .collect();
    all.sort_by_key(|(began, _)| *began);
    all.into_iter().map(|(_, told)| told).collect()
}

/// Whether a message was sent, and why not. A provider that lets no failure of a message pass as its own says
/// so by a finding.
fn came_of(step: &StepState) -> (Option<bool>, String) {
    match step.status {
        Status::Succeeded => {
            let findings = step.outcome.iter().flat_map(|outcome| &outcome.findings);
            let mut missed = findings.filter(|finding| finding.judgement != Judgement::Passed);
            match missed.next() {
                None => (Some(true), String::new()),
                Some(finding) => (Some(false), finding.observed.clone()),
            }
        }
        Status::Failed => {
            let what = step.failure.as_ref().map(|failure| failure.what.clone());
            (Some(false), what.unwrap_or_default())
        }
        Status::Pending
        | Status::Asked
        | Status::Answered
        | Status::Intended
        | Status::Retrying
        | Status::Unknown
        | Status::Skipped => {
            let why = "salvor was stopped while it was sent";
            (None, step.note.clone().unwrap_or_else(|| why.to_owned()))
        }
    }
}

impl<'a> Engine<'a> {
    /// The messages that are due now, without those of `begun`, which this process has taken up already.
    pub(super) fn due(&self, begun: &BTreeSet<StepName>) -> Vec<Message<'a>> {
        if self.change_set.notify.is_empty() || self.stop.is_cancelled() {
            return Vec::new();
        }
        self.journal
            .with_state(|state| self.due_of(state, &self.happened(state), begun))
    }

    /// Tells how the run ends, before that is recorded: nothing may be recorded after it.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn tell_end(&self, says: &str) -> Result<(), JournalError> {
        let end = Happening {
            event: "finished",
            about: None,
            since: 0,
            says: says.to_owned(),
            is_now: true,
        };
        let begun = BTreeSet::new();
        let messages = self
            .journal
            .with_state(|state| self.due_of(state, &[end], &begun));
        let sent = messages.into_iter().map(|message| self.tell(message));
        futures::future::try_join_all(sent).await?;
        Ok(())
    }

    fn due_of(
        &self,
        state: &RunState,
        happened: &[Happening<'_>],
        begun: &BTreeSet<StepName>,
    ) -> Vec<Message<'a>> {
        let mut due = Vec::new();
        for (place, notification) in self.change_set.notify.iter().enumerate() {
            for happening in happened
                .iter()
                .filter(|happening| notification.on.iter().any(|on| on == happening.event))
            {
                let Happening {
                    event,
                    about,
                    since,
                    says,
                    is_now,
                } = happening;
                let name = notification_name(place, event, *about, *since);
                let is_due = match state.status(&name) {
                    Status::Pending => *is_now,
                    Status::Intended | Status::Unknown => true,
                    Status::Asked
                    | Status::Answered
                    | Status::Retrying
                    | Status::Succeeded
                    | Status::Failed
                    | Status::Skipped => false,
                };
                if is_due && !begun.contains(&name) {
                    due.push(Message {
                        name,
                        notification,
                        about: about.cloned(),
                        event,
                        says: says.clone(),
                    });
                }
            }
        }
        due
    }

    /// All that has happened in the run so far, except its end.
    fn happened(&self, state: &RunState) -> Vec<Happening<'a>> {
        let change_set = self.change_set;
        let mut happened = vec![Happening {
            event: "started",
            about: None,
            since: 0,
            says: format!("{}: {} steps", change_set.title, change_set.steps.len()),
            is_now: true,
        }];
        for planned in &change_set.steps {
            let Some(step) = state.steps.get(&planned.name) else {
                continue;
            };
            let about = Some(&planned.name);
            if let Some(question) = &step.question {
                happened.push(Happening {
                    event: "asked",
                    about,
                    since: question.asked.run_ms,
                    says: question.text.clone(),
                    is_now: step.status == Status::Asked,
                });
            }
            if let Some(failure) = &step.failure {
                happened.push(Happening {
                    event: "failed",
                    about,
                    since: failure.at.run_ms,
                    says: failure.what.clone(),
                    is_now: step.status == Status::Failed,
                });
            }
            if step.status == Status::Unknown {
                let note = step.note.as_deref().unwrap_or_default();
                happened.push(Happening {
                    event: "failed",
                    about,
                    // The attempt, and not the moment: every process that finds it unknown records it anew.
                    since: u64::from(step.next_attempt()),
                    says: format!("what became of it is not known: {note}"),
                    is_now: true,
                });
            }
        }
        happened
    }

    /// Sends a message, or finds out what became of it, and says so.
    pub(super) async fn tell(&self, message: Message<'a>) -> Result<(), JournalError> {
        let unseen = Engine {
            watcher: &Unseen,
            stop: self.stop.clone(),
            scratch_root: self.scratch_root.clone(),
            choosing: self.choosing.clone(),
            ..*self
        };
        let is_open = self
            .journal
            .with_state(|state| state.step(&message.name).current().is_some());
        let end = match self.performed_as(&message) {
            Ok(step) => unseen.step(&step).await.1?,
            Err(_) if is_open => End::Unknown,
            Err(error) => {
                let kind = FailureKind::Preparation;
                unseen.not_begun(&message.name, kind, &error).await?
            }
        };
        let (is_sent, why) = self
            .journal
            .with_state(|state| came_of(&state.step(&message.name)));
        let end = match (end, is_sent) {
            (End::Succeeded | End::Adopted, Some(false)) => End::Failed,
            (end, _) => end,
        };
        self.watcher.saw(Event::Told {
            event: message.event,
            about: message.about.as_ref(),
            by: &message.notification.action,
            end,
            why: &why,
        });
        Ok(())
    }

    /// The step that sends a message: nothing waits for it, and it is sent also when the run fails.
    fn performed_as(&self, message: &Message<'_>) -> Result<PlannedStep, Error> {
        let Message {
            name, notification, ..
        } = message;
        let action = &notification.action;
        let kind = self
            .registry
            .action(action)
            .ok_or_else(|| Error::refused(format!("no provider here performs {action}")))?;
        let with = template::render_values(&notification.with, &kind.with, &self.facts_of(message))
            .map_err(|error| Error::refused(format!("cannot render it: {error}")))?;
        Ok(PlannedStep {
            name: name.clone(),
            title: name.to_string(),
            action: action.clone(),
            class: kind.idempotency.class(&with),
            asks: false,
            store: None,
            role: None,
            point: PointSource::None,
            config: notification.config.clone(),
            with,
            needs: Vec::new(),
            after: Vec::new(),
            finally: true,
            deadline: kind.deadline,
            settle: kind.settle,
            retry: Retry {
                attempts: TRIES,
                ..Retry::default()
            },
            on_failure: OnFailure::Continue,
            files: Default::default(),
            writes: Vec::new(),
            change: Change::Unseen {
                effect: kind.effect,
                why: String::new(),
            },
            confirm: Vec::new(),
            predicted: None,
        })
    }

    fn facts_of(&self, message: &Message<'_>) -> Value {
        let mut facts = self.facts(&BTreeSet::new());
        facts["run"]["event"] = Value::from(message.event);
        facts["run"]["step"] = Value::from(message.about.as_ref().map_or("", StepName::as_str));
        facts["run"]["says"] = Value::from(message.says.as_str());
        facts
    }
}

/// Watches nothing: a message is told of once it has ended.
struct Unseen;

impl Watcher for Unseen {
    fn saw(&self, _: Event<'_>) {}
}
