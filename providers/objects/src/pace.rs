//! How far a look at places came: counted where answers arrive, told where a call is at hand.
//!
//! A look at millions of versions takes its time, and the engine ends one of which nothing is heard. It deliberately
//! tells no total: a listing has none before its end.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use salvor_contract::Call;
use salvor_contract::Unit;
use salvor_contract::Update;

/// The answers that came to the questions about one place: pages of listings, looks at single objects.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pace(Arc<AtomicU64>);

impl Pace {
    /// One more answer came.
    pub(crate) fn step(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn steps(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Waits for a look, and tells of each answer that it got meanwhile.
pub(crate) async fn told<T>(paces: &[&Pace], call: &Call<'_>, look: impl Future<Output = T>) -> T {
    let mut look = pin!(look);
    let mut told = 0;
    poll_fn(|task| {
        let polled = look.as_mut().poll(task);
        let steps = paces.iter().map(|pace| pace.steps()).sum();
        if steps != told {
            told = steps;
            call.progress.update(Update {
                done: steps,
                total: None,
                unit: Unit::Things,
                says: Some("answers about what is there".to_owned()),
            });
        }
        polled
    })
    .await
}
