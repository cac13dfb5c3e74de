//! Makes the change set: what every step of a run would do, from the selection and the providers' previews.
//!
//! What can be decided without asking a provider is in pure functions; `compute` asks, level by level. Nothing
//! here changes the world, and nothing here writes a file.

mod commission;
mod compute;
mod draft;
mod facts;
mod forecast;
mod guard;
mod stale;
mod warnings;

pub use crate::diff::commission::Commission;
pub use crate::diff::commission::Computed;
pub use crate::diff::commission::DiffProblem;
pub use crate::diff::commission::Since;
pub use crate::diff::commission::Subject;
pub use crate::diff::commission::VALID;
pub use crate::diff::compute::compute;
pub use crate::diff::draft::with_defaults;
pub use crate::diff::facts::plan_facts;
pub use crate::diff::facts::point_facts;
pub use crate::diff::stale::Delta;
pub use crate::diff::stale::changed;
pub use crate::diff::stale::changed_files;
pub use crate::diff::stale::stale;
