//! Clocks for tests: one whose time passes only by sleeping, one that follows the runtime.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use salvor_contract::Clock;
use tokio::time::Instant;

/// A clock whose time passes only when something sleeps by it: a sleep yields once, then the clock is
/// later by its length.
///
/// Sleeps of two tasks add up, so it is for tests with one task. Tests with several use [`RealClock`] on
/// a runtime with paused time (`#[tokio::test(start_paused = true)]`).
#[derive(Debug)]
pub struct VirtualClock {
    begin: Timestamp,
    elapsed: Mutex<Duration>,
}

impl VirtualClock {
    /// A clock that shows this moment now.
    pub fn at(begin: Timestamp) -> Self {
        Self {
            begin,
            elapsed: Mutex::new(Duration::ZERO),
        }
    }

    /// Lets time pass.
    pub fn advance(&self, length: Duration) {
        let mut elapsed = self.elapsed.lock().unwrap_or_else(PoisonError::into_inner);
        *elapsed = elapsed.saturating_add(length);
    }
}

#[async_trait]
impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        after(self.begin, self.elapsed())
    }

    fn elapsed(&self) -> Duration {
        *self.elapsed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn sleep(&self, length: Duration) {
        tokio::task::yield_now().await;
        self.advance(length);
    }
}

/// The runtime's clock: the real one, or the runtime's own virtual time when it is paused.
#[derive(Debug)]
pub struct RealClock {
    begin: Timestamp,
    start: Instant,
}

impl RealClock {
    /// The time of day of this machine. Inside a runtime only.
    #[expect(
        clippy::disallowed_methods,
        reason = "real servers judge by the real time of day, and a provider's tests have no cli"
    )]
    pub fn new() -> Self {
        Self::starting_at(Timestamp::now())
    }

    /// A time of day that begins with this moment. Inside a runtime only.
    pub fn starting_at(begin: Timestamp) -> Self {
        Self {
            begin,
            start: Instant::now(),
        }
    }
}

impl Default for RealClock {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Clock for RealClock {
    fn now(&self) -> Timestamp {
        after(self.begin, self.elapsed())
    }

    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    async fn sleep(&self, length: Duration) {
        tokio::time::sleep(length).await;
    }
}

fn after(begin: Timestamp, elapsed: Duration) -> Timestamp {
    begin.checked_add(elapsed).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;
    use salvor_contract::Clock;

    use super::VirtualClock;

    #[tokio::test]
    async fn virtual_time_passes_by_sleeping_only() {
        let clock = VirtualClock::at(Timestamp::UNIX_EPOCH);
        clock.sleep(Duration::from_secs(3600)).await;
        assert_eq!(clock.elapsed(), Duration::from_secs(3600));
        assert_eq!(clock.now().to_string(), "1970-01-01T01:00:00Z");
    }
}
