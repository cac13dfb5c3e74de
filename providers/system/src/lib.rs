//! Programs, HTTP checks, rendered files, people, notifications, waits: what a recovery needs beside its stores.
//!
//! One module a kind, each with its inputs, what it tells of itself, and what it does. Its one kind of store is what
//! an operator states. It deliberately has no shell: a program is an argument vector.

mod address;
mod captured;
mod exec;
mod expectation;
mod expression;
mod http;
mod http_check;
mod manual;
mod notify;
mod open_secret;
mod process;
mod programs;
mod provider;
mod redaction;
mod render;
mod sha256;
mod stated;
mod wait;

pub use crate::provider::System;
