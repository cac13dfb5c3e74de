//! Performs a change set: each operation intended before it is sent, and found again after a crash.
//!
//! What it deliberately does not do: decide anything that the change set leaves open, print, or remember
//! something that the journal does not hold.

pub mod asking;
mod begin;
pub mod board;
pub mod engine;
mod facts;
mod lost;
mod operate;
pub mod reopen;
#[cfg(test)]
pub(crate) mod sample;
mod send;
mod step;
pub mod telling;
pub mod unfinished;
pub mod watcher;

pub use crate::execution::engine::Engine;
pub use crate::execution::engine::Stopped;
pub use crate::execution::watcher::End;
pub use crate::execution::watcher::Event;
pub use crate::execution::watcher::People;
pub use crate::execution::watcher::Question;
pub use crate::execution::watcher::Watcher;
