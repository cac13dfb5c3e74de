//! Amazon RDS: DB instances and Aurora clusters, their snapshots and point-in-time recovery.
//!
//! A restore always makes a new database: RDS knows no other. What it is made of and every setting of it are asked for
//! by name, since what is not named falls back to a default of the account, and are compared afterwards. What this
//! provider makes carries the operation's mark in its tags from the call that makes it.

mod by_hand;
mod client;
mod config;
mod copy_snapshot;
mod database;
mod declared;
mod description;
mod fingerprint;
mod made;
mod mark;
mod moment;
mod points;
mod provider;
mod removal;
mod requests;
mod restore;
mod retention;
mod settings;
mod snapshot;
mod snapshots;
mod state;
mod store;
mod subject;
mod swap;

pub use crate::provider::Aws;
