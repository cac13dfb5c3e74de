//! A plan for a person without the tool: each step in its order, with what it does, the commands that do it, and
//! what has to be written down for later steps. Nothing is contacted; of the plan's folder only templates are read.

mod before;
mod build;
mod by_hand;
mod expressions;
mod html;
mod markdown;
mod shell;
mod variables;

use salvor_contract::Period;

pub use crate::report::runbook::build::RunbookError;
pub use crate::report::runbook::html::runbook_html;
pub(in crate::report) use crate::report::runbook::markdown::block;
pub use crate::report::runbook::markdown::runbook_markdown;

/// One scenario of a plan as a person works through it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runbook {
    /// The plan's title.
    pub title: String,
    /// The plan and its scenario.
    pub scenario: String,
    /// How much may be lost.
    pub rpo: Option<Period>,
    /// How long it may take.
    pub rto: Option<Period>,
    /// The plan's inputs and their values; secrets as references.
    pub inputs: Vec<(String, String)>,
    /// What can be lost.
    pub stores: Vec<RunbookStore>,
    /// What is set before the first step: all that commands take and that no step gives.
    pub before: Vec<Assignment>,
    /// The variables that hold secrets, and what each is. They are in the environment already.
    pub secrets: Vec<(String, String)>,
    /// What is done, in an order that keeps every need.
    pub steps: Vec<RunbookStep>,
}

/// A shell variable and what it is set to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The variable.
    pub variable: String,
    /// What it is set to, as the shell reads it; nothing where the reader has to look it up.
    pub value: String,
    /// What it holds.
    pub help: String,
}

/// A store as a runbook names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunbookStore {
    /// Its name.
    pub name: String,
    /// Its title.
    pub title: String,
    /// Its class, with the reason where it is not restored.
    pub class: String,
    /// Where its backups are, as its kind identifies it.
    pub place: String,
    /// The steps that bring it back, by number.
    pub restored_by: Vec<usize>,
}

/// A step as a person does it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunbookStep {
    /// Its place in the order, from 1.
    pub number: usize,
    /// Its name in the plan.
    pub name: String,
    /// What it is about.
    pub title: String,
    /// What the action does.
    pub summary: String,
    /// Steps that must be done before, by number.
    pub needs: Vec<usize>,
    /// Steps that only go first, by number.
    pub after: Vec<usize>,
    /// It is done also when the recovery fails.
    pub finally: bool,
    /// What it destroys.
    pub destroys: Option<String>,
    /// How long it may take.
    pub timeout: Option<Period>,
    /// How long it usually takes.
    pub expect: Option<Period>,
    /// What to do or to answer, in words.
    pub notes: Vec<String>,
    /// What is typed, one command each.
    pub commands: Vec<String>,
    /// Shell variables that later steps use and that its commands do not set.
    pub tells: Vec<Assignment>,
}
