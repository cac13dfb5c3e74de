//! Objects under `file://` and `s3://` addresses: dated prefixes, versions, sync.
//!
//! Other providers use [`Place`]: one folder of objects with list, head, get, put and delete, the same
//! for both kinds of address.

mod actions;
mod body;
mod bucket;
mod by_hand;
mod check;
mod claim;
mod client;
mod compare;
mod config;
mod copy;
mod description;
mod entry;
mod failure;
mod history;
pub mod key;
mod location;
mod pace;
mod parts;
mod pattern;
mod place;
mod provider;
mod server_copy;
mod shared;
mod source;
mod store;
mod sync;
mod tags;
mod transfer;
mod tree;
mod tree_tag;
mod tree_walk;
mod tree_write;
mod upload;
mod versions;

pub use crate::client::Clients;
pub use crate::config::Checksums;
pub use crate::config::Config;
pub use crate::entry::Entry;
pub use crate::entry::Listing;
pub use crate::entry::ListingDigest;
pub use crate::place::Body;
pub use crate::place::Content;
pub use crate::place::Place;
pub use crate::place::Put;
pub use crate::provider::Objects;
pub use crate::provider::provider;
pub use crate::tags::FileState;
