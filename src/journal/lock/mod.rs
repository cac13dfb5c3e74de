//! Who may write: one process for each environment, found alive by others.
//!
//! A lock is liveness, the journal is safety. The lock keeps two operators from starting beside each
//! other and tells the second one whom to call. A holder that lost it, or was paused and woke up, is
//! stopped by the journal: the next record can be made only once.

use std::fmt;

use async_trait::async_trait;
use jiff::Timestamp;
use salvor_contract::RunId;
use serde::Deserialize;
use serde::Serialize;

use crate::journal::state::Head;

pub mod file;
pub mod holder;
pub mod lease;
pub mod register;

pub use file::FileLock;
pub use holder::Holder;
pub use holder::Liveness;
pub use lease::LeaseLock;
pub use register::Register;

/// What a holder tells about itself to those who find the environment locked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// What it works on.
    pub run: RunId,
    /// The process.
    pub holder: Holder,
    /// When it took the lock, by its own time of day.
    pub since: Timestamp,
}

/// The lock of one environment.
#[async_trait]
pub trait EnvironmentLock: Send + Sync {
    /// Takes the lock. A dead holder's lock is taken over; finding out may take as long as its lease lasts.
    ///
    /// # Errors
    /// [`LockError::Held`] as soon as a living holder is seen.
    async fn acquire(&self, claim: Claim) -> Result<Box<dyn Guard>, LockError>;

    /// Who holds the lock, as far as one look can tell.
    ///
    /// # Errors
    /// When it cannot be looked at.
    async fn look(&self) -> Result<Option<Held>, LockError>;
}

/// A lock that is held.
#[async_trait]
pub trait Guard: Send + Sync {
    /// Keeps the lock and returns when it is lost: from then on no effect may be begun. To be polled beside the
    /// run; may be dropped and called again.
    async fn keep(&self) -> Lost;

    /// Gives the lock back. One that was lost meanwhile is left alone.
    ///
    /// # Errors
    /// When it cannot be given back; it then lapses by itself.
    async fn release(&self) -> Result<(), LockError>;

    /// The head of the journal, kept where others can compare it: at once, or when the lock is next renewed.
    fn anchor(&self, head: Head);

    /// The holder from whom the lock was taken over, when it had not given it back.
    fn former(&self) -> Option<&Claim>;
}

/// Why a lock is not held any more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the lock of the environment is lost: {why}")]
pub struct Lost {
    /// What happened.
    pub why: String,
}

/// A lock that somebody else holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// What the holder tells; `None` when it could not be read.
    pub claim: Option<Claim>,
    /// Whether its process lives, as far as it can be told from here.
    pub liveness: Liveness,
}

/// Why a lock was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LockError {
    /// Somebody else holds it.
    #[error("the environment is locked: {0}")]
    Held(Box<Held>),
    /// It could not be reached or understood.
    #[error("the lock of the environment cannot be used: {what}")]
    Unavailable {
        /// What happened.
        what: String,
    },
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.claim {
            Some(Claim { run, holder, since }) => {
                write!(f, "run {run} by {holder} since {since}")?;
            }
            None => f.write_str("by a process that has not told its name yet")?,
        }
        match self.liveness {
            Liveness::Stopped => f.write_str("; its process is stopped and may go on at any time"),
            Liveness::Alive | Liveness::Dead | Liveness::CannotTell => Ok(()),
        }
    }
}

impl LockError {
    /// What the operator can do, one imperative sentence. `at` is what a command needs to find the run from here:
    /// nothing, or ` --plan-dir FOLDER`.
    pub fn hint(&self, at: &str) -> Option<String> {
        let Self::Held(held) = self else {
            return None;
        };
        let Held {
            claim: Some(claim),
            liveness,
        } = held.as_ref()
        else {
            return None;
        };
        let Holder { host, pid, .. } = &claim.holder;
        Some(match liveness {
            Liveness::Stopped => {
                format!(
                    "continue it with `kill -CONT {pid}` or end it with `kill -KILL {pid}`, on {host}"
                )
            }
            Liveness::Alive | Liveness::Dead | Liveness::CannotTell => {
                format!(
                    "watch it with `salvor show {}{at}`, or talk to {}",
                    claim.run, claim.holder.by
                )
            }
        })
    }
}
