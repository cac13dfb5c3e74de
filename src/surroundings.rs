//! What comes in from outside and is lent to everything that reads or changes the world.
//!
//! `cli/` makes the real ones, tests make fixed ones, the simulation makes virtual ones. No other module
//! asks for the time, for randomness, for a secret or for a folder.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
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

/// How long a look may go on without a word of progress: one that answers page by page for an hour is fine, one that
/// hangs is not.
pub const SILENCE_MAX: Duration = Duration::from_secs(120);

/// How long a look may take in all, whatever it tells.
pub const LOOK_MAX: Duration = Duration::from_secs(24 * 3600);

/// Progress of a look, which nobody sees: it is only heard that the look goes on.
pub struct Heard<'a> {
    clock: &'a dyn Clock,
    last: Mutex<Duration>,
}

impl<'a> Heard<'a> {
    /// Begins to listen.
    pub fn new(clock: &'a dyn Clock) -> Self {
        Self {
            last: Mutex::new(clock.elapsed()),
            clock,
        }
    }

    /// Ends when nothing was heard for this long.
    pub async fn silence(&self, length: Duration) {
        loop {
            let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
            let passed = self.clock.elapsed().saturating_sub(last);
            if passed >= length {
                return;
            }
            self.clock.sleep(length - passed).await;
        }
    }
}

#[async_trait]
impl Progress for Heard<'_> {
    fn update(&self, _: Update) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = self.clock.elapsed();
    }

    async fn named(&self, _: &str) -> Result<(), Error> {
        Ok(())
    }
}

/// Progress that nobody looks at.
pub struct Unwatched;

#[async_trait]
impl Progress for Unwatched {
    fn update(&self, _: Update) {}

    async fn named(&self, _: &str) -> Result<(), Error> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use async_trait::async_trait;
    use salvor_contract::Clock;
    use salvor_contract::Progress as _;
    use salvor_contract::Unit;
    use salvor_contract::Update;

    use super::Heard;
    use super::SILENCE_MAX;

    /// The runtime's clock, which is paused.
    struct Paused(tokio::time::Instant);

    #[async_trait]
    impl Clock for Paused {
        fn now(&self) -> jiff::Timestamp {
            jiff::Timestamp::UNIX_EPOCH
        }

        fn elapsed(&self) -> Duration {
            self.0.elapsed()
        }

        async fn sleep(&self, length: Duration) {
            tokio::time::sleep(length).await;
        }
    }

    /// A listing of an hour that tells of each page is not taken for one that hangs; the silence after it is.
    #[tokio::test(start_paused = true)]
    async fn a_look_ends_by_its_silence_and_not_by_its_length() {
        let clock = Paused(tokio::time::Instant::now());
        let heard = Heard::new(&clock);
        let pages = async {
            for page in 0..60 {
                clock.sleep(Duration::from_secs(60)).await;
                heard.update(Update {
                    done: page,
                    total: None,
                    unit: Unit::Things,
                    says: None,
                });
            }
        };
        tokio::select! {
            biased;
            () = pages => {}
            () = heard.silence(SILENCE_MAX) => panic!("it was ended after {:?}", clock.elapsed()),
        }
        heard.silence(SILENCE_MAX).await;
        assert_eq!(clock.elapsed(), Duration::from_secs(3600) + SILENCE_MAX);
    }
}
