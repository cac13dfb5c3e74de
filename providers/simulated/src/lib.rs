//! A world in a file or in memory, with scripted latencies and faults: rehearsals without infrastructure.
//!
//! [`World`] is what there is: databases, object sets, indices, deployments, values, backups, and what
//! is under way. Work at the "service" goes on while nobody looks: it is done when the time that the call's
//! clock gives has come. [`Fault`]s are a script, not chance: the same calls meet the same faults.
//!
//! It deliberately has no randomness, no time of its own, and no knowledge of plans and runs beyond the
//! marks that operations carry.

pub mod fault;
pub mod inputs;
pub mod world;

mod begin;
mod description;
mod facts;
mod place;
mod previewing;
mod provider;
mod removing;
mod source;
mod surveying;
mod working;

pub use crate::fault::Fault;
pub use crate::fault::Rule;
pub use crate::fault::Verb;
pub use crate::provider::Simulated;
pub use crate::world::World;
