//! One file a verb: what it reads, what it does, what it prints.

pub mod answer;
pub mod apply;
pub mod check;
pub mod demo;
pub mod doctor;
pub mod graph;
pub mod import;
pub mod init;
pub mod journal;
pub mod kinds;
pub mod plan;
pub mod resume;
pub mod runbook;
pub mod runs;
pub mod schema;
