//! What a test lends a provider in place of the engine: clock, secrets, progress, folders.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use salvor_contract::Call;
use salvor_contract::Clock;
use salvor_contract::Error;
use salvor_contract::Launcher;
use salvor_contract::Progress;
use salvor_contract::SecretReference;
use salvor_contract::Secrets;
use salvor_contract::Update;
use secrecy::ExposeSecret;
use secrecy::SecretString;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::clock::RealClock;
use crate::clock::VirtualClock;

/// All that a [`Call`] borrows, owned by the test. Its folders are removed when it is dropped.
pub struct Surroundings {
    /// The clock of every call.
    pub clock: Box<dyn Clock>,
    /// The secrets that calls can resolve.
    pub secrets: MapSecrets,
    /// What calls told of their progress.
    pub progress: RecordingProgress,
    /// How calls start programs: plainly, with a `PATH` of the usual folders and nothing else.
    pub launcher: Launcher,
    /// The time that each call has, from its making.
    pub allowed: Duration,
    plan_dir: PathBuf,
    scratch_dir: PathBuf,
    // Held for its folder's sake.
    _folder: TempDir,
}

impl Surroundings {
    /// Virtual time, beginning at 2026-04-06T02:00:00Z: for what needs no real server.
    pub fn virtual_time() -> Self {
        let begin: Timestamp = "2026-04-06T02:00:00Z".parse().expect("a moment");
        Self::with_clock(Box::new(VirtualClock::at(begin)))
    }

    /// The runtime's clock: for real servers and programs. Inside a runtime only.
    pub fn real_time() -> Self {
        Self::with_clock(Box::new(RealClock::new()))
    }

    /// Any other clock.
    ///
    /// # Panics
    /// When no temporary folder can be made.
    pub fn with_clock(clock: Box<dyn Clock>) -> Self {
        let folder = TempDir::new().expect("a temporary folder can be made");
        let plan_dir = folder.path().join("plan");
        std::fs::create_dir(&plan_dir).expect("a new folder takes a folder");
        Self {
            clock,
            secrets: MapSecrets::default(),
            progress: RecordingProgress::default(),
            launcher: Launcher::new(
                Vec::new(),
                vec![(OsString::from("PATH"), OsString::from(PROGRAMS))],
            ),
            allowed: Duration::from_secs(3600),
            plan_dir,
            scratch_dir: folder.path().join("scratch"),
            _folder: folder,
        }
    }

    /// Adds a secret under a reference such as `env:PASSWORD`. `check_action` looks for its value in all that the
    /// provider tells, so give it one that stands nowhere else: `hunter2`, not `postgres`.
    #[must_use]
    pub fn secret(mut self, reference: &str, value: &str) -> Self {
        self.secrets = self.secrets.with(reference, value);
        self
    }

    /// Starts programs in another way.
    #[must_use]
    pub fn launcher(mut self, launcher: Launcher) -> Self {
        self.launcher = launcher;
        self
    }

    /// Gives each call this much time.
    #[must_use]
    pub fn allowing(mut self, allowed: Duration) -> Self {
        self.allowed = allowed;
        self
    }

    /// A call with its own stop signal and the whole time.
    pub fn call(&self) -> Call<'_> {
        Call {
            clock: self.clock.as_ref(),
            secrets: &self.secrets,
            progress: &self.progress,
            launcher: &self.launcher,
            stop: CancellationToken::new(),
            deadline: self.clock.elapsed().saturating_add(self.allowed),
            plan_dir: &self.plan_dir,
            scratch_dir: &self.scratch_dir,
        }
    }

    /// The folder of the plan; it exists and is empty at first.
    pub fn plan_dir(&self) -> &Path {
        &self.plan_dir
    }

    /// The operation's own folder. It does not exist before a provider makes it.
    pub fn scratch_dir(&self) -> &Path {
        &self.scratch_dir
    }
}

const PROGRAMS: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Secrets from a table.
#[derive(Default)]
pub struct MapSecrets(BTreeMap<SecretReference, SecretString>);

impl MapSecrets {
    /// Adds a secret under a reference such as `env:PASSWORD`.
    ///
    /// # Panics
    /// When the reference is not one.
    #[must_use]
    pub fn with(mut self, reference: &str, value: &str) -> Self {
        let reference = reference.parse().expect("a secret reference");
        self.0.insert(reference, SecretString::from(value));
        self
    }
}

impl MapSecrets {
    /// The reference of the first secret whose value stands in this text.
    pub(crate) fn found_in(&self, text: &str) -> Option<&SecretReference> {
        let mut known = self.0.iter();
        known
            .find(|(_, value)| text.contains(value.expose_secret()))
            .map(|(reference, _)| reference)
    }
}

#[async_trait]
impl Secrets for MapSecrets {
    async fn resolve(&self, reference: &SecretReference) -> Result<SecretString, Error> {
        self.0
            .get(reference)
            .cloned()
            .ok_or_else(|| Error::refused(format!("there is no secret {reference}")))
    }
}

/// Keeps what was told, for a test to look at.
#[derive(Debug, Default)]
pub struct RecordingProgress {
    told: Mutex<Told>,
}

#[derive(Debug, Default)]
struct Told {
    updates: Vec<Update>,
    names: Vec<String>,
    refuses_names: bool,
}

impl RecordingProgress {
    /// The updates so far, in their order.
    pub fn updates(&self) -> Vec<Update> {
        self.lock().updates.clone()
    }

    /// The names that services gave to operations, in the order in which they became known.
    pub fn names(&self) -> Vec<String> {
        self.lock().names.clone()
    }

    /// Lets [`Progress::named`] fail from now on, as a journal does that cannot be written. Names are still
    /// kept in [`Self::names`], for the test to see that there was one.
    pub fn refuse_names(&self, refuses: bool) {
        self.lock().refuses_names = refuses;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Progress for RecordingProgress {
    fn update(&self, update: Update) {
        self.lock().updates.push(update);
    }

    // It yields, as writing to a journal does: an operation can be cut off here.
    async fn named(&self, operation: &str) -> Result<(), Error> {
        tokio::task::yield_now().await;
        let mut told = self.lock();
        told.names.push(operation.to_owned());
        if told.refuses_names {
            return Err(Error::unknown("the journal cannot be written"));
        }
        Ok(())
    }
}
