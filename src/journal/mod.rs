//! The journal: what happens to a run, as durable records, and from them the state of the run.
//!
//! Nothing is done before the journal says that it is about to be done, and nothing counts as done before
//! the journal says so. `docs/journal-format.md` has the format, the write order and what a crash leaves.

pub mod body;
pub mod chain;
pub mod environment;
pub mod file;
pub mod folder;
pub mod heads;
pub mod lock;
pub mod memory;
pub mod names;
pub mod place;
pub mod record;
pub mod shared;
pub mod state;
mod step_transition;
pub mod storage;
pub mod transition;
#[cfg(test)]
mod trial;
pub mod writer;

pub use body::Body;
pub use body::Decision;
pub use body::FailureKind;
pub use body::Found;
pub use body::StopReason;
pub use body::Verdict;
pub use environment::Environment;
pub use file::FileStorage;
pub use folder::StateFolder;
pub use place::Examined;
pub use place::Place;
pub use record::Record;
pub use shared::SharedPlace;
pub use state::Phase;
pub use state::RunState;
pub use state::Status;
pub use state::StepState;
pub use storage::Storage;
pub use transition::Illegal;
pub use writer::Journal;
pub use writer::JournalError;
pub use writer::OpenError;
pub use writer::Proved;
pub use writer::Source;
