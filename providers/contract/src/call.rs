//! What a provider is lent for the length of a call: clock, secrets, progress, stop signal.
//!
//! A provider takes these from the call and from nowhere else, so that the same code runs under a
//! real clock, in a simulation and in a drill.

use std::ffi::OsStr;
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use secrecy::ExposeSecret;
use secrecy::SecretString;
use serde::Deserialize;
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::secret::Secret;
use crate::secret::SecretPart;
use crate::secret::SecretReference;

/// What a provider may use while it works.
#[derive(Clone)]
pub struct Call<'a> {
    /// The only clock.
    pub clock: &'a dyn Clock,
    /// The only way to a secret's value.
    pub secrets: &'a dyn Secrets,
    /// Where progress goes.
    pub progress: &'a dyn Progress,
    /// How programs are started.
    pub launcher: &'a Launcher,
    /// Set when the operator wants to stop: leave work that goes on by itself running, return
    /// [`Error::Unknown`] for it, and begin nothing new.
    pub stop: CancellationToken,
    /// The reading of [`Clock::elapsed`] at which to give up. Work that goes on is [`Error::Unknown`].
    pub deadline: Duration,
    /// The folder of the plan: relative paths in inputs are below it.
    pub plan_dir: &'a Path,
    /// A folder of this operation's own, made on first use, kept over a resume and for the next attempt with the
    /// same inputs, removed when the run ends.
    pub scratch_dir: &'a Path,
}

impl Call<'_> {
    /// Time left until the deadline.
    pub fn time_left(&self) -> Duration {
        self.deadline.saturating_sub(self.clock.elapsed())
    }

    /// Nothing new begins after a stop or the deadline: ask this first in `perform`, whatever the action.
    ///
    /// # Errors
    /// [`Error::Transient`] when either has come, since nothing was changed.
    pub fn may_begin(&self) -> Result<(), Error> {
        if self.stop.is_cancelled() {
            return Err(Error::transient("stopped before it began"));
        }
        if self.time_left().is_zero() {
            return Err(Error::transient("the deadline passed before it began"));
        }
        Ok(())
    }

    /// Waits, unless the deadline or a stop comes first.
    ///
    /// # Errors
    /// [`Error::Unknown`] with `waiting_for` when either came first. An action that only looks gives it on
    /// by [`Error::of_reading`]: nothing is unknown about a look.
    pub async fn pause(&self, length: Duration, waiting_for: &str) -> Result<(), Error> {
        let left = self.time_left();
        if left.is_zero() {
            return Err(Error::unknown(format!(
                "the deadline passed while waiting for {waiting_for}"
            )));
        }
        tokio::select! {
            biased;
            () = self.stop.cancelled() => {
                Err(Error::unknown(format!("stopped while waiting for {waiting_for}; it goes on")))
            }
            () = self.clock.sleep(length.min(left)) => Ok(()),
        }
    }

    /// The value of a secret, composed of its parts.
    pub async fn resolve(&self, secret: &Secret) -> Result<SecretString, Error> {
        let mut value = Zeroizing::new(String::new());
        for part in secret.parts() {
            match part {
                SecretPart::Text(text) => value.push_str(text),
                SecretPart::From(reference) => {
                    value.push_str(self.secrets.resolve(reference).await?.expose_secret());
                }
            }
        }
        Ok(SecretString::from(value.as_str()))
    }

    /// A path from an input: relative ones are below the plan's folder.
    pub fn path(&self, text: &str) -> std::path::PathBuf {
        self.plan_dir.join(text)
    }
}

/// Time, from outside.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The time of day. For people and for services, never for measuring.
    fn now(&self) -> Timestamp;

    /// Time since some fixed moment; never goes back, goes on while the machine sleeps.
    fn elapsed(&self) -> Duration;

    /// Returns when this much time has passed.
    async fn sleep(&self, length: Duration);
}

/// The values of secrets, from outside.
#[async_trait]
pub trait Secrets: Send + Sync {
    /// The value that a reference names now. It is not kept.
    ///
    /// # Errors
    /// [`Error::Refused`] when there is none.
    async fn resolve(&self, reference: &SecretReference) -> Result<SecretString, Error>;
}

/// Where an operation tells how far it is.
#[async_trait]
pub trait Progress: Send + Sync {
    /// Tells how far the operation is. Cheap; may be called for every object.
    fn update(&self, update: Update);

    /// Records the service's own name of the operation, durably, before this returns. Call it as soon as
    /// the name is known: after a crash it is what the probe looks for first.
    ///
    /// # Errors
    /// [`Error::Unknown`] when it could not be recorded: return it, the run is over.
    async fn named(&self, operation: &str) -> Result<(), Error>;
}

/// How far an operation is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Update {
    /// How much is done.
    pub done: u64,
    /// How much there is, where known.
    pub total: Option<u64>,
    /// What is counted.
    pub unit: Unit,
    /// What the service or the program says of itself: `creating`, `table orders`.
    pub says: Option<String>,
}

/// What an [`Update`] counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Objects, rows, tables, files.
    Things,
    /// Hundredths of the whole.
    Percent,
}

/// How programs are started, so that none outlives salvor.
///
/// With a shim, `salvor` itself is started first and runs the program below it: when salvor ends, it ends
/// the program and what that started in its process group. Without one (tests of a provider) the program is started plainly.
#[derive(Clone, Debug, Default)]
pub struct Launcher {
    shim: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
}

impl Launcher {
    /// Starts programs with this environment, through the argument vector `shim` when it is not empty,
    /// which takes the program and its arguments after its own.
    pub fn new(shim: Vec<OsString>, environment: Vec<(OsString, OsString)>) -> Self {
        Self { shim, environment }
    }

    /// A command for this program: the launcher's environment and nothing else, no standard input, output
    /// and errors captured, killed when dropped, in a process group of its own. Arguments and further
    /// variables are the caller's.
    pub fn command(&self, program: impl AsRef<OsStr>) -> tokio::process::Command {
        let mut command = match self.shim.split_first() {
            Some((first, rest)) => {
                let mut command = tokio::process::Command::new(first);
                command.args(rest).arg(program);
                command
            }
            None => tokio::process::Command::new(program),
        };
        command
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .kill_on_drop(true)
            .process_group(0);
        command
    }
}
