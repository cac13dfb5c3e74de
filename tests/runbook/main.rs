//! `salvor runbook`: what it says, and its commands as a person types them, on real servers.

mod pages;
#[path = "../support/quickstart.rs"]
mod quickstart;
mod restored;
mod tables;
mod told;
mod typed;
mod variables;
mod versions;
#[path = "../quickstart/world.rs"]
mod world;
