//! Virtual time: it stands still while anybody works and jumps to the next timer when all wait.
//!
//! Every process has clocks of its own: a monotonic one that may run a little fast or slow, and a time of
//! day that may be a day off and jump. Only the simulation knows the true time.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;
use std::time::Duration;

use async_trait::async_trait;
use jiff::SignedDuration;
use jiff::Timestamp;
use salvor_contract::Clock;

/// One second in the simulation's unit, the microsecond.
pub const SECOND: u64 = 1_000_000;

/// The true time, in microseconds since the schedule began. Clones are the same time.
#[derive(Clone, Default)]
pub struct Time(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    now: u64,
    timers: BTreeMap<(u64, u64), Waker>,
    timers_made: u64,
}

impl Time {
    /// The true time.
    pub fn now(&self) -> u64 {
        self.inner().now
    }

    /// The true time as a moment.
    pub fn moment(&self) -> Timestamp {
        moment(self.now(), 0)
    }

    /// When the next timer is due.
    pub fn next_timer(&self) -> Option<u64> {
        self.inner().timers.keys().next().map(|(at, _)| *at)
    }

    /// Lets time pass and wakes whose timer is due.
    pub fn advance_to(&self, at: u64) {
        let mut due = Vec::new();
        let mut inner = self.inner();
        inner.now = inner.now.max(at);
        while let Some(entry) = inner.timers.first_entry()
            && entry.key().0 <= at
        {
            due.push(entry.remove());
        }
        drop(inner);
        for waker in due {
            waker.wake();
        }
    }

    /// Returns at this true time.
    pub fn sleep_until(&self, until: u64) -> Sleep {
        Sleep {
            time: self.clone(),
            until,
            timer: None,
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().expect("nothing panics while it holds this")
    }
}

/// Waits for a true time.
pub struct Sleep {
    time: Time,
    until: u64,
    timer: Option<u64>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let time = self.time.clone();
        let mut inner = time.inner();
        if let Some(timer) = self.timer.take() {
            inner.timers.remove(&(self.until, timer));
        }
        if inner.now >= self.until {
            return Poll::Ready(());
        }
        inner.timers_made += 1;
        let timer = inner.timers_made;
        inner
            .timers
            .insert((self.until, timer), context.waker().clone());
        self.timer = Some(timer);
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(timer) = self.timer {
            self.time.inner().timers.remove(&(self.until, timer));
        }
    }
}

fn moment(now: u64, skew_seconds: i64) -> Timestamp {
    let start: i64 = 1_790_000_000;
    let micros = i64::try_from(now).expect("a schedule is short");
    let moment = Timestamp::from_second(start + skew_seconds).expect("in range");
    moment
        .checked_add(SignedDuration::from_micros(micros))
        .expect("in range")
}

/// How the clocks of one process go wrong.
#[derive(Clone, Debug, Default)]
pub struct Skew {
    /// From which true time on its time of day is how many seconds off.
    pub jumps: Vec<(u64, i64)>,
    /// By how many thousandths its monotonic clock is too fast.
    pub drift: i64,
}

/// The clocks of one process.
pub struct ProcessClock {
    /// The true time.
    pub time: Time,
    /// What is wrong with them.
    pub skew: Skew,
}

impl ProcessClock {
    fn rate(&self) -> u64 {
        u64::try_from(1000 + self.skew.drift).expect("clocks run forward")
    }
}

#[async_trait]
impl Clock for ProcessClock {
    fn now(&self) -> Timestamp {
        let now = self.time.now();
        let off = self.skew.jumps.iter().rfind(|(from, _)| *from <= now);
        moment(now, off.map_or(0, |(_, seconds)| *seconds))
    }

    fn elapsed(&self) -> Duration {
        Duration::from_micros(self.time.now() * self.rate() / 1000)
    }

    async fn sleep(&self, length: Duration) {
        let micros = u64::try_from(length.as_micros()).unwrap_or(u64::MAX / 4000);
        // Rounded up: a clock never wakes early.
        let until = self.time.now() + micros.min(u64::MAX / 4000) * 1000 / self.rate() + 2;
        self.time.sleep_until(until).await;
    }
}

/// The clock that calls to a service see: the service's own time of day, the process's own waits.
pub struct ServiceClock(pub Arc<ProcessClock>);

#[async_trait]
impl Clock for ServiceClock {
    fn now(&self) -> Timestamp {
        self.0.time.moment()
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    async fn sleep(&self, length: Duration) {
        self.0.sleep(length).await;
    }
}
