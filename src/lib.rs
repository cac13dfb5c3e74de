//! Disaster recovery that is planned, rehearsed and proved.
//!
//! The modules stand in the order in which data flows through them: a module imports what stands
//! above it and nothing below. `tests/architecture.rs` enforces that.
//!
//! ```text
//! plan.toml ─▶ plan_file ─▶ model ─▶ graph ─▶ survey ─▶ recovery_points ─▶ diff ─▶ journal ─▶ execution ─▶ verification ─▶ report
//! ```

pub mod digest;
pub mod registry;
pub mod surroundings;
pub mod template;
pub mod plan_file;
pub mod model;
pub mod import;
pub mod change_set;
pub mod graph;
pub mod survey;
pub mod recovery_points;
pub mod diff;
pub mod journal;
pub mod execution;
pub mod verification;
pub mod conduct;
pub mod report;
pub mod schema;
pub mod builtin_providers;
pub mod cli;
