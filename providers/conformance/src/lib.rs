//! The suite that every provider must pass, run from the provider's own tests.
//!
//! [`check_description`] judges what a provider tells, [`check_store`] its surveys, [`check_action`] one
//! operation: done, done twice, cut off at each of its awaits, stopped, late, tried again, removed. The provider's
//! test brings the world: an operation, a way to count the effects in that world and a way to put it back.
//!
//! `tests/mutants.rs` of this crate shows the use, on a provider of a hundred lines. A test of a provider on
//! a real server takes [`Surroundings::real_time`] and counts in that server.
//!
//! What it deliberately does not do: start servers, and know any provider. A check that cannot be made
//! from outside (a lost answer, a throttled call) stays with the provider's own tests.

pub mod action;
pub mod case;
pub mod clock;
pub mod description;
mod interrupted;
pub mod interruption;
mod removed;
pub mod report;
mod retried;
pub mod store;
pub mod surroundings;
mod typing;

pub use crate::action::check_action;
pub use crate::case::Case;
pub use crate::case::operation;
pub use crate::case::store;
pub use crate::clock::RealClock;
pub use crate::clock::VirtualClock;
pub use crate::description::check_description;
pub use crate::interruption::Cut;
pub use crate::interruption::cut;
pub use crate::interruption::cut_at_once;
pub use crate::report::Report;
pub use crate::store::check_store;
pub use crate::surroundings::MapSecrets;
pub use crate::surroundings::RecordingProgress;
pub use crate::surroundings::Surroundings;
