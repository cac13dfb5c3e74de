//! Fixed clocks, counted randomness and short bodies for this room's own tests.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use salvor_contract::Class;
use salvor_contract::Clock;
use salvor_contract::Outcome;

use crate::digest::Digest;
use crate::journal::body::Body;
use crate::journal::lock::Holder;
use crate::journal::writer::Source;
use crate::surroundings::Randomness;

/// Counts up: every token differs, and every run of a test gives the same ones.
pub(super) struct Counting(AtomicU64);

impl Counting {
    pub(super) fn from(start: u64) -> Self {
        Self(AtomicU64::new(start))
    }
}

impl Randomness for Counting {
    fn bits(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

/// SplitMix64, for tests that print their seed.
pub(super) struct Seeded(Mutex<u64>);

impl Seeded {
    pub(super) fn from(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }

    /// A number below `limit`.
    pub(super) fn below(&self, limit: u64) -> u64 {
        self.bits() % limit
    }
}

impl Randomness for Seeded {
    fn bits(&self) -> u64 {
        let mut state = self
            .0
            .lock()
            .expect("nothing panics while it holds this lock");
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// A clock that goes on by a millisecond whenever it is asked, and by the whole length when one sleeps.
#[derive(Default)]
pub(super) struct Ticking(AtomicU64);

#[async_trait]
impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        let start: Timestamp = "2026-04-06T02:00:00Z".parse().expect("a time");
        start + self.elapsed()
    }

    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.0.fetch_add(1, Ordering::Relaxed))
    }

    async fn sleep(&self, length: Duration) {
        let length = u64::try_from(length.as_millis()).expect("short");
        self.0.fetch_add(length, Ordering::Relaxed);
        tokio::task::yield_now().await;
    }
}

pub(super) fn source() -> Source {
    Source {
        clock: Arc::new(Ticking::default()),
        randomness: Arc::new(Counting::from(0)),
    }
}

pub(super) fn holder() -> Holder {
    Holder {
        by: "j.doe".to_owned(),
        host: "ops-1".to_owned(),
        boot: "boot".to_owned(),
        pid: 123,
        started: 456,
    }
}

pub(super) fn opened(lineage: &str) -> Body {
    Body::Opened {
        lineage: lineage.to_owned(),
        plan: "calabi".to_owned(),
        scenario: "pitr".to_owned(),
        change_set: Digest::of_bytes(b"change set"),
        approval: "approval".to_owned(),
        goal: "2026-04-06T01:30:00Z".parse().expect("a time"),
        tool: "0.1.0".to_owned(),
        holder: holder(),
        confirmed: vec!["app/9f27".to_owned()],
        adopts: false,
    }
}

pub(super) fn intent(step: &str, attempt: u32) -> Body {
    Body::Intent {
        step: step.into(),
        attempt,
        op: format!("{step}-{attempt}").as_str().into(),
        class: Class::Named,
        inputs: Digest::of_bytes(b"inputs"),
    }
}

pub(super) fn succeeded(step: &str, attempt: u32) -> Body {
    Body::Succeeded {
        step: step.into(),
        op: format!("{step}-{attempt}").as_str().into(),
        outcome: Outcome::default(),
        adopted: false,
        took_ms: 5,
    }
}
