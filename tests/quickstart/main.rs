//! The README's quickstart on a real PostgreSQL and a real S3 server, and what is refused there.

mod operator;
#[path = "../support/quickstart.rs"]
mod quickstart;
mod readme;
mod refusals;
mod scenarios;
mod story;
mod world;
