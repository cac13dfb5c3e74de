//! A thread beside each input that ends the process when the input takes minutes. Work is bounded by counting, see
//! [`crate::engine`]; this is for what does not come to an end at all.

use std::path::Path;
use std::sync::mpsc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

/// How long an input may be tried.
const PATIENCE: Duration = Duration::from_mins(3);

/// Tries an input that is in this file. The process ends when that takes too long.
#[expect(
    clippy::print_stderr,
    reason = "nobody else can tell: the process ends here"
)]
pub fn watched<T>(target: &str, file: &Path, trying: impl FnOnce() -> T) -> T {
    let (ended, is_over) = mpsc::channel::<()>();
    std::thread::scope(|threads| {
        threads.spawn(move || {
            if is_over.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                eprintln!("{target}: no end of {}", file.display());
                std::process::abort();
            }
        });
        let tried = trying();
        drop(ended);
        tried
    })
}
