//! Bytes that nobody would write, for every format that salvor reads: each input is taken or refused, without a
//! panic, in bounded memory and work, and what is taken means the same after it was written and read again.
//!
//! Each target tries the inputs that are kept in `corpus/TARGET`, then inputs that are made from them: bytes
//! changed, lines of several put together, words of the format in any order. Count and seed are constants here.
//! `SALVOR_FUZZ=n` sets how many are made for each target, `SALVOR_SEED=n` from which seed.
//! An input that breaks something is made as short as can be and kept in a file;
//! `SALVOR_FUZZ_INPUT=FILE cargo test --test fuzz TARGET` tries that file alone.
//!
//! `targets` needs nothing of the rest, so that an engine which is guided by coverage can call it too.

mod corpus;
mod engine;
mod inputs;
mod targets;
mod watch;

use crate::engine::fuzz;

#[test]
fn plan() {
    fuzz(&targets::plan::TARGET);
}

#[test]
fn template() {
    fuzz(&targets::template::TARGET);
}

#[test]
fn change_set() {
    fuzz(&targets::change_set::TARGET);
}

#[test]
fn journal_record() {
    fuzz(&targets::journal_record::TARGET);
}

#[test]
fn journal_chained() {
    fuzz(&targets::journal_chained::TARGET);
}

#[test]
fn journal_changed() {
    fuzz(&targets::journal_changed::TARGET);
}

#[test]
fn state_folder() {
    fuzz(&targets::state_folder::TARGET);
}

#[test]
fn answer() {
    fuzz(&targets::answer::TARGET);
}

#[test]
fn import() {
    fuzz(&targets::import::TARGET);
}

#[test]
fn inputs_file() {
    fuzz(&targets::inputs_file::TARGET);
}
