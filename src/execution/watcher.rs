//! The two sides that look at a run from outside: who watches it, and who answers its questions.
//!
//! Both are traits because a terminal, a log, a test and a process elsewhere take these places.

use async_trait::async_trait;
use jiff::Timestamp;
use salvor_contract::Answer;
use salvor_contract::KindName;
use salvor_contract::StepName;
use salvor_contract::Update;

use crate::execution::board::Left;

/// Is told what happens in a run, as it happens. What it does with it cannot change the run.
pub trait Watcher: Send + Sync {
    /// Something happened.
    fn saw(&self, event: Event<'_>);
}

/// What happens in a run. Everything that matters later is in the journal; this is for the moment.
#[derive(Clone, Debug, PartialEq)]
pub enum Event<'a> {
    /// A step's operation is about to be sent.
    Started {
        /// The step.
        step: &'a StepName,
        /// Which try it is, from 1.
        attempt: u32,
    },
    /// A step that an earlier process had begun is looked for.
    Looking {
        /// The step.
        step: &'a StepName,
    },
    /// What a probe found of it.
    Found {
        /// The step.
        step: &'a StepName,
        /// In words.
        what: &'a str,
    },
    /// An operation tells how far it is.
    Progress {
        /// The step.
        step: &'a StepName,
        /// How far.
        update: &'a Update,
    },
    /// An error that passes, or an answer that never came; the same operation is sent again after a while.
    Retrying {
        /// The step.
        step: &'a StepName,
        /// What happened.
        error: &'a str,
        /// When, counted from now.
        after: std::time::Duration,
    },
    /// A person is asked.
    Asked {
        /// What is asked.
        question: &'a Question,
    },
    /// An answer will not do; the question stays open.
    NotAccepted {
        /// The step that asks.
        step: &'a StepName,
        /// Why.
        why: &'a str,
    },
    /// A step has ended.
    Ended {
        /// The step.
        step: &'a StepName,
        /// How.
        end: End,
        /// Why, where it did not succeed.
        why: &'a str,
    },
    /// Somebody was told of something, or could not be.
    Told {
        /// What of: `started`, `asked`, `failed`, `finished`.
        event: &'a str,
        /// The step that it is about.
        about: Option<&'a StepName>,
        /// The action that told it.
        by: &'a KindName,
        /// How the message ended.
        end: End,
        /// Why it was not sent, or why nobody can tell.
        why: &'a str,
    },
    /// What is left along the critical path, as predicted.
    Left {
        /// How long it takes.
        critical_path: Left,
    },
    /// The run begins to stop.
    Stopping {
        /// Why.
        why: &'a str,
    },
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It succeeded, by an operation of this process.
    Succeeded,
    /// It was found done.
    Adopted,
    /// It failed.
    Failed,
    /// What became of it is not known.
    Unknown,
    /// It goes on at the service; this process does not wait for it any longer.
    LeftRunning,
}

/// What a person is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The step that asks.
    pub step: StepName,
    /// What is asked.
    pub ask: String,
    /// In which role somebody is to answer.
    pub role: Option<String>,
    /// What must come with the answer: `text`, `file`, `confirm`.
    pub evidence: Option<String>,
    /// What a person would type to do what is asked.
    pub commands: Vec<String>,
    /// The step fails when nobody has answered by then.
    pub until: Timestamp,
}

/// Where answers come from: the terminal of this process, or the run's inbox that another one fills.
#[async_trait]
pub trait People: Send + Sync {
    /// Waits until somebody has answered. The engine drops the wait when the run stops.
    async fn answer(&self, question: &Question) -> Answer;

    /// The answer is in the journal, or was not accepted: where it came from may forget it.
    async fn recorded(&self, step: &StepName);
}
