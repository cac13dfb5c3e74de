//! Polls futures by hand: who is ready is known, who is not is not polled.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;
use std::task::Wake;
use std::task::Waker;

/// Whether a future asked to be polled again.
pub struct Flag(AtomicBool);

impl Flag {
    /// One that was asked: every future wants its first poll.
    pub fn raised() -> Arc<Self> {
        Arc::new(Self(AtomicBool::new(true)))
    }

    /// Whether it was asked.
    pub fn is_raised(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Forgets that it was asked.
    pub fn lower(&self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What a future gives that needs nobody else.
pub fn now_or_never<T>(future: impl Future<Output = T>) -> Option<T> {
    polled(future, 1)
}

/// What a future gives within so many polls; it is dropped after them.
pub fn polled<T>(future: impl Future<Output = T>, polls: usize) -> Option<T> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    (0..polls).find_map(|_| match future.as_mut().poll(&mut context) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    })
}
