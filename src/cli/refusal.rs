//! Why a command ended without doing what was asked: an exit code, what, and what to do.

use salvor_contract::RunId;

use crate::cli::confirm::ConfirmError;
use crate::cli::exit::Exit;
use crate::conduct::ConductError;
use crate::journal::JournalError;
use crate::journal::OpenError;
use crate::journal::storage::AppendError;
use crate::journal::storage::StorageError;

/// A command's refusal. Anything else that fails is an unexpected error with its chain of causes.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct Refusal {
    /// The exit code.
    pub exit: Exit,
    /// What was refused and why.
    pub what: String,
    /// What to do, one sentence.
    pub hint: Option<String>,
}

impl Refusal {
    /// A refusal with this code.
    pub fn new(exit: Exit, what: impl Into<String>) -> Self {
        Self {
            exit,
            what: what.into(),
            hint: None,
        }
    }

    /// The same with what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// The journal of a run cannot be read or trusted; the cause says why.
#[derive(Debug, thiserror::Error)]
#[error("the journal of run {run} is not trusted")]
pub struct Distrusted {
    /// The run.
    pub run: RunId,
    /// The option that names the folder of its plan, with a blank before it; empty when that is here.
    pub at: String,
}

/// The exit code of an error, and what to do about it.
pub fn judge(error: &anyhow::Error) -> (Exit, Option<String>) {
    // A context around a cause is found by anyhow alone, not by looking at the chain.
    if let Some(Distrusted { run, at }) = error.downcast_ref::<Distrusted>() {
        let hint = format!("`salvor journal check {run}{at}` lists every record that is wrong.");
        return (Exit::Refused, Some(hint));
    }
    for cause in error.chain() {
        if let Some(refusal) = cause.downcast_ref::<Refusal>() {
            return (refusal.exit, refusal.hint.clone());
        }
        if let Some(OpenError::Journal(error)) = cause.downcast_ref::<OpenError>() {
            return (Exit::Refused, Some(unopened(is_full(error)).to_owned()));
        }
        if let Some(error) = cause.downcast_ref::<AppendError>() {
            let is_full = matches!(error, AppendError::Full);
            return (Exit::Refused, Some(unopened(is_full).to_owned()));
        }
        if let Some(unfit) = cause.downcast_ref::<StorageError>() {
            return (Exit::Refused, Some(hint_of(unfit)));
        }
        if cause.downcast_ref::<ConductError>().is_some() {
            let hint = "Nothing more was begun. Remove the cause, then resume the run.";
            return (Exit::StepFailed, Some(hint.to_owned()));
        }
        if cause.downcast_ref::<ConfirmError>().is_some() {
            let hint = "Give each fingerprint with --confirm, or type it at a terminal.";
            return (Exit::Refused, Some(hint.to_owned()));
        }
    }
    (Exit::Bug, None)
}

fn is_full(error: &JournalError) -> bool {
    match error {
        JournalError::Full => true,
        JournalError::Illegal(_) | JournalError::Deposed { .. } | JournalError::Poisoned { .. } => {
            false
        }
    }
}

/// What to do when a run could not be opened.
fn unopened(is_full: bool) -> &'static str {
    if is_full {
        "Nothing was begun. Make space for the state folder, then do the same again."
    } else {
        "Nothing was begun. See to the disk or the store of the state, or name another place with `state` in the plan, \
         then do the same again."
    }
}

/// What to do about a state folder that cannot be used. It is opened before anything is begun.
fn hint_of(error: &StorageError) -> String {
    let hint = match error {
        StorageError::Unreachable { .. } => {
            "See that the store of the state can be reached from here, then do the same again."
        }
        StorageError::Refused { hint, .. } => hint
            .as_deref()
            .unwrap_or("Correct that at the store of the state, then do the same again."),
        StorageError::Missing { .. } => "Name the folder of the plan, here or with --plan-dir.",
        StorageError::Busy { .. } => "Wait until that process has ended, or end it.",
        StorageError::Unfit { .. } => "Correct that, then do the same again: nothing was begun.",
        StorageError::Io { .. } => {
            "Make the state folder yours, writable, and with 20 MB free on a local disk, or name another \
             one with `state` in the plan: nothing was begun."
        }
    };
    hint.to_owned()
}
