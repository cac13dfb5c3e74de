//! Turns a runbook in Markdown into the draft of a plan, and a list of what it could not place.
//!
//! Headings become scenarios, the items of ordered lists, checklists and procedures become manual steps, the
//! commands of code blocks stand there for the person who does the step. A line that begins with a known program
//! and reads like a command is one, marks or not. Nothing is run, and nothing is guessed from prose. What comes out passes `check`, whatever document went in; its length is for the caller to hold against
//! the longest file of a plan.

mod commands;
mod draft;
mod flat;
mod outline;
mod write;

pub use crate::import::draft::Draft;
pub use crate::import::draft::Remark;
pub use crate::import::draft::draft;
pub use crate::import::write::write;

/// The longest document that is read, in bytes.
pub const DOCUMENT_MAX_BYTES: u64 = 256 * 1024;
