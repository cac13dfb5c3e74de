//! Polls a future a number of times and then drops it, as a crash at that await would.

use std::future::Future;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

/// What came of a future that was to be cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cut<T> {
    /// It was done before.
    Done(T),
    /// It was dropped while it waited.
    Dropped,
}

/// Polls `future` up to `polls` times and drops it when it is to be polled once more.
///
/// Between two polls it is waited for the future's own wake-up, so the drop comes when the answer that
/// the future waits for is there and has not been read: with 0, before anything; with 1, after the first
/// request went out and was answered; and so on.
pub async fn cut<T>(future: impl Future<Output = T>, polls: usize) -> Cut<T> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|task| {
        if left == 0 {
            return Poll::Ready(Cut::Dropped);
        }
        left -= 1;
        future.as_mut().poll(task).map(Cut::Done)
    })
    .await
}

/// Polls `future` up to `polls` times and drops it at once after the last, while its request is still on the
/// way: the service may have the effect only after the drop.
pub async fn cut_at_once<T>(future: impl Future<Output = T>, polls: usize) -> Cut<T> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|task| {
        if left == 0 {
            return Poll::Ready(Cut::Dropped);
        }
        left -= 1;
        match future.as_mut().poll(task) {
            Poll::Pending if left == 0 => Poll::Ready(Cut::Dropped),
            polled @ (Poll::Ready(_) | Poll::Pending) => polled.map(Cut::Done),
        }
    })
    .await
}

/// Runs `future` to its end and counts how often it was polled.
pub async fn counted<T>(future: impl Future<Output = T>) -> (T, usize) {
    let mut future = pin!(future);
    let mut polls = 0;
    let value = poll_fn(|task| {
        polls += 1;
        future.as_mut().poll(task)
    })
    .await;
    (value, polls)
}

/// At most `at_most` numbers from `0..=polls - 1`, the first and the last among them, evenly spread.
pub(crate) fn spread(polls: usize, at_most: usize) -> Vec<usize> {
    if polls <= at_most || at_most < 2 {
        return (0..polls).collect();
    }
    (0..at_most)
        .map(|index| index * (polls - 1) / (at_most - 1))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::Cut;
    use super::cut;
    use super::cut_at_once;
    use super::spread;

    async fn three_awaits() -> u8 {
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
        7
    }

    #[tokio::test]
    async fn a_future_is_dropped_before_the_next_poll() {
        assert_eq!(cut(three_awaits(), 3).await, Cut::Dropped);
        assert_eq!(cut(three_awaits(), 4).await, Cut::Done(7));
    }

    #[tokio::test]
    async fn a_future_is_dropped_right_after_its_last_poll() {
        assert_eq!(cut_at_once(three_awaits(), 0).await, Cut::Dropped);
        assert_eq!(cut_at_once(three_awaits(), 3).await, Cut::Dropped);
        assert_eq!(cut_at_once(three_awaits(), 4).await, Cut::Done(7));
        // Nothing ever wakes it.
        assert_eq!(
            cut_at_once(std::future::pending::<u8>(), 1).await,
            Cut::Dropped
        );
    }

    #[test]
    fn cuts_are_spread_over_the_whole() {
        assert_eq!(spread(3, 10), [0, 1, 2]);
        assert_eq!(spread(101, 5), [0, 25, 50, 75, 100]);
    }
}
