//! Guards that do not tell what happened to the lock, and a clock that leases must not be measured by.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use salvor::journal::lock::Claim;
use salvor::journal::lock::Guard;
use salvor::journal::lock::LockError;
use salvor::journal::lock::Lost;
use salvor::journal::state::Head;
use salvor_contract::Clock;

use crate::time::ProcessClock;
use crate::time::SECOND;
use crate::time::Time;

/// Tells of a loss late or never.
pub struct Deaf {
    inner: Box<dyn Guard>,
    time: Time,
    late_seconds: Option<u64>,
}

impl Deaf {
    /// Tells so many seconds late, or never.
    pub fn new(inner: Box<dyn Guard>, time: Time, late_seconds: Option<u64>) -> Self {
        Self {
            inner,
            time,
            late_seconds,
        }
    }
}

#[async_trait]
impl Guard for Deaf {
    async fn keep(&self) -> Lost {
        let lost = self.inner.keep().await;
        match self.late_seconds {
            Some(seconds) => {
                self.time
                    .sleep_until(self.time.now() + seconds * SECOND)
                    .await
            }
            None => std::future::pending().await,
        }
        lost
    }

    async fn release(&self) -> Result<(), LockError> {
        self.inner.release().await
    }

    fn anchor(&self, head: Head) {
        self.inner.anchor(head);
    }

    fn former(&self) -> Option<&Claim> {
        self.inner.former()
    }
}

/// Measures by the time of day.
pub struct WallClock(pub Arc<ProcessClock>);

#[async_trait]
impl Clock for WallClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn elapsed(&self) -> Duration {
        let since = self.0.now().as_microsecond() - 1_700_000_000_000_000;
        Duration::from_micros(u64::try_from(since).expect("it is later than that"))
    }

    async fn sleep(&self, length: Duration) {
        self.0.sleep(length).await;
    }
}
