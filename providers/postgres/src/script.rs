//! A plain SQL dump, cut into statements and `COPY` rows, and judged statement by statement.
//!
//! `psql` is not used for dumps: its meta-commands run programs on the machine that restores
//! (`\!`, `\copy … program`), and its `\restrict` guard was broken once (CVE-2026-18408). Here a
//! backslash command is text that is refused, whatever it says.

pub mod call_of_dump;
pub mod piece;
pub mod splitter;
pub mod statement;
