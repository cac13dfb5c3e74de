//! The write-ahead log as an archive holds it: names, histories of timelines, and what is inside a segment.

pub mod archive;
pub mod history;
pub mod records;
pub mod segment;
