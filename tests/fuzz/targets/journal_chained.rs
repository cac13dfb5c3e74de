//! Journals whose hashes are right whatever they say: the records add up to a state, or the first that cannot be is
//! named; and `journal check` finds something wrong exactly when the journal is not read.

use salvor::digest::Digest;
use salvor::journal::chain;
use salvor::journal::memory::Shelf;
use salvor_contract::RunId;

use super::Bound;
use super::Target;
use super::done;
use super::journal_record::WORDS;
use super::journal_record::sealed;

/// Journals, each line chained to the one before it.
pub const TARGET: Target = Target {
    name: "journal_chained",
    check,
    besides: &[
        "tests/golden/journal/v1.jsonl",
        "tests/golden/journal/v1-probed.jsonl",
    ],
    words: WORDS,
    count: 800,
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
    let text = String::from_utf8_lossy(input);
    let mut last = Digest::zero();
    let mut chained = String::new();
    for line in text.lines() {
        match sealed(line, Some(&last)) {
            Some((sealed, hash)) => {
                chained.push_str(&sealed);
                last = hash;
            }
            None => chained.push_str(line),
        }
        chained.push('\n');
    }
    let shelf = Shelf::new();
    shelf.replace(chained.as_bytes());
    let storage = shelf.open();
    let run = run_of(&chained);
    let read = done(chain::read(&storage, &run));
    let checked = done(chain::check(&storage, None)).expect("a shelf can be read");
    match read {
        Ok(chain) => {
            assert_eq!(checked.problems, Vec::new(), "a journal that is read");
            assert_eq!(checked.records, chain.records.len() as u64);
            assert_eq!(checked.head.as_ref(), Some(&chain.state.head));
            true
        }
        Err(chain::ChainError::Empty) => false,
        Err(error) => {
            let is_told = !checked.problems.is_empty();
            assert!(is_told, "nothing is wrong, and it is refused: {error}");
            false
        }
    }
}

/// The run that the first line names.
fn run_of(journal: &str) -> RunId {
    let named = journal.split("\"run\":\"").nth(1);
    let named = named.and_then(|rest| rest.split('"').next());
    RunId::new(named.unwrap_or("run"))
}
