//! Journals whose bytes were changed: each is refused, or is the beginning of one that was written, with a torn
//! record behind it at most.

use std::path::Path;
use std::sync::OnceLock;

use salvor::journal::chain;
use salvor::journal::memory::Shelf;
use salvor_contract::RunId;

use super::Bound;
use super::Target;
use super::done;
use super::journal_record::WORDS;

/// Files that were written; `besides` names the same.
const WRITTEN: [&str; 2] = [
    "tests/golden/journal/v1.jsonl",
    "tests/golden/journal/v1-probed.jsonl",
];

/// Journals, byte by byte.
pub const TARGET: Target = Target {
    name: "journal_changed",
    check,
    besides: &WRITTEN,
    words: WORDS,
    count: 1_500,
    size_max: 48 * 1024,
    memory: Bound {
        base: 64 << 10,
        per_byte: 40,
    },
    work: Bound {
        base: 1_000,
        per_byte: 4,
    },
};

fn check(input: &[u8]) -> bool {
    let shelf = Shelf::new();
    shelf.replace(input);
    let read = done(chain::read(&shelf.open(), &RunId::new("run")));
    let Ok(chain) = read else {
        return false;
    };
    let whole = input.len() - usize::try_from(chain.torn_bytes).expect("a length");
    let is_beginning = written()
        .iter()
        .any(|journal| journal.starts_with(&input[..whole]));
    assert!(is_beginning, "a journal was read that nobody wrote");
    assert_eq!(
        input[..whole].iter().filter(|byte| **byte == b'\n').count(),
        chain.records.len()
    );
    true
}

fn written() -> &'static Vec<Vec<u8>> {
    static READ: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    READ.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let read = |path| std::fs::read(root.join(path)).expect("a golden journal");
        WRITTEN.iter().map(read).collect()
    })
}
