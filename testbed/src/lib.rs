//! Installs, starts and stops the real parts that tests, benchmarks and the quickstart use.
//!
//! A bare machine (Debian 12, root, a Rust toolchain) goes in; running servers come out, each in a folder
//! and on a loopback port of its own. Versions are pinned in `parts.rs` and nowhere else. What is built or
//! unpacked is kept in a cache folder outside the checkout, so that it is paid for once a machine.
//!
//! ```no_run
//! use salvor_testbed::Postgres;
//! use salvor_testbed::PostgresVersion;
//! use salvor_testbed::require;
//!
//! # fn main() -> anyhow::Result<()> {
//! let Some(mut server) = require(Postgres::builder(PostgresVersion::V15).archive().start()) else {
//!     return Ok(());
//! };
//! server.psql("postgres", "create table t(id int)")?;
//! let segment = server.switch_wal()?;
//! server.wait_until_archived(&segment)?;
//! server.kill()?; // as if the machine had lost its process table
//! server.start()?;
//! # Ok(())
//! # }
//! ```
//!
//! No server outlives the process that started it, however that process ends: see `process.rs`.
//! Not here: fault injection, and clients of the servers (a test brings its own).

mod account;
mod boto3;
mod cache;
mod command;
mod health;
mod home;
mod install;
mod minio;
mod missing;
mod moto;
mod parts;
mod port;
mod postgres;
mod process;
pub mod story;
mod surroundings;
mod versitygw;

pub use account::Account;
pub use boto3::Boto3;
pub use install::Installed;
pub use install::Origin;
pub use install::find;
pub use install::install;
pub use minio::Minio;
pub use missing::MISSING_FILE_VARIABLE;
pub use missing::Missing;
pub use missing::MissingRecord;
pub use missing::missing_records;
pub use missing::require;
pub use moto::Moto;
pub use parts::Part;
pub use port::Port;
pub use postgres::Postgres;
pub use postgres::PostgresBuilder;
pub use postgres::PostgresVersion;
pub use postgres::SUPERUSER;
pub use postgres::WalInBackup;
pub use story::Story;
pub use versitygw::Versitygw;
pub use versitygw::VersitygwBuilder;
