//! State on real object stores: taken up from elsewhere, raced for, left by the killed and by the stopped, and refused
//! where a store ignores a condition.
//!
//! `SALVOR_RACES` says how many races for a lock there are; unset, it is a sample. All that is claimed, in minutes:
//!
//! ```sh
//! SALVOR_RACES=2000 cargo test --test shared_state races -- --nocapture
//! ```

mod child;
mod conditions;
mod elsewhere;
mod holders;
mod proxy;
mod races;
mod store;
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "its plans keep their state in folders")]
mod support;
