//! What comes in from outside and is lent to everything that reads or changes the world.
//!
//! `cli/` makes the real ones, tests make fixed ones, the simulation makes virtual ones. No other module
//! asks for the time, for randomness, for a secret or for a folder.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use salvor_contract::Call;
use salvor_contract::Clock;
use salvor_contract::Error;
use salvor_contract::Launcher;
use salvor_contract::Progress;
use salvor_contract::Secrets;
use salvor_contract::Update;
use tokio_util::sync::CancellationToken;

/// Clock, secrets, randomness, programs and folders.
#[derive(Clone)]
pub struct Surroundings {
    /// The only clock.
    pub clock: Arc<dyn Clock>,
    /// The only way to a secret's value.
    pub secrets: Arc<dyn Secrets>,
    /// The only source of randomness.
    pub randomness: Arc<dyn Randomness>,
    /// How programs are started.
    pub launcher: Launcher,
    /// The folder of the plan.
    pub plan_dir: PathBuf,
}

/// Randomness, from outside.
pub trait Randomness: Send + Sync {
    /// The next 64 random bits.
    fn bits(&self) -> u64;

    /// 128 random bits as 32 hexadecimal digits: for nonces and lineages.
    fn token(&self) -> String {
        format!("{:016x}{:016x}", self.bits(), self.bits())
    }

    /// A number from 0 up to and without 1.
    fn fraction(&self) -> f64 {
        // The 53 bits that a float can hold exactly.
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

impl Surroundings {
    /// A call that may take this long. `scratch` is where its operation may put files.
    pub fn call<'a>(
        &'a self,
        progress: &'a dyn Progress,
        stop: CancellationToken,
        length: Duration,
        scratch: &'a Path,
    ) -> Call<'a> {
        Call {
            clock: self.clock.as_ref(),
            secrets: self.secrets.as_ref(),
            progress,
            launcher: &self.launcher,
            stop,
            deadline: self.clock.elapsed().saturating_add(length),
            plan_dir: &self.plan_dir,
            scratch_dir: scratch,
        }
    }
}

/// Progress that nobody looks at: for surveys, previews and probes.
pub struct Unwatched;

#[async_trait]
impl Progress for Unwatched {
    fn update(&self, _: Update) {}

    async fn named(&self, _: &str) -> Result<(), Error> {
        Ok(())
    }
}
