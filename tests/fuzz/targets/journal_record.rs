//! One record of a journal: a line whose hash is wrong is refused; one whose hash is right is read, or is not
//! understood, and what is read says the same when it was written and read again.

use salvor::digest::Digest;
use salvor::journal::Record;
use salvor::journal::record::Line;
use salvor::journal::record::Parsed;

use super::Bound;
use super::Target;

/// Words of journals.
pub const WORDS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\"",
    "null",
    "true",
    "false",
    "{}",
    "[]",
    "\"\"",
    "\"v\":1",
    "\"v\":2",
    "\"seq\":0",
    "\"seq\":1",
    "\"epoch\":2",
    "\"$blob\":\"",
    "{\"$blob\":\"",
    "\"type\":\"",
    "\"body\":",
    ",\"type\":",
    ",\"body\":",
    ",\"hash\":\"",
    ",\"prev\":\"",
    "opened",
    "intended",
    "answered",
    "closed",
    "failed",
    "\"step\":\"a\"",
    "\"attempt\":1",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "\\u0000",
    "\\ud800",
    "é",
    " ",
    "\n",
    "\0",
    "2026-04-06T02:00:00Z",
    "-9999-01-01T00:00:00Z",
    "9999-12-30T22:00:00Z",
];

/// Records: a line as it is, and with the hash that its bytes have.
pub const TARGET: Target = Target {
    name: "journal_record",
    check,
    besides: &[
        "tests/golden/journal/v1.jsonl",
        "tests/golden/journal/v1-probed.jsonl",
    ],
    words: WORDS,
    count: 1_000,
    size_max: 32 * 1024,
    memory: Bound {
        base: 64 << 10,
        per_byte: 40,
    },
    work: Bound {
        base: 500,
        per_byte: 4,
    },
};

fn check(input: &[u8]) -> bool {
    let mut is_taken = false;
    for line in input.split(|byte| *byte == b'\n').take(40) {
        is_taken |= demand_stable(line);
        if let Ok(text) = str::from_utf8(line)
            && let Some((sealed, _)) = sealed(text, None)
        {
            is_taken |= demand_stable(sealed.as_bytes());
        }
    }
    is_taken
}

fn demand_stable(line: &[u8]) -> bool {
    let Ok((read, parsed)) = Line::parse(line) else {
        return false;
    };
    assert!(read.text.as_bytes() == line, "the line is another");
    let Parsed::Whole(record) = parsed else {
        return true;
    };
    assert_eq!(read.seq, record.seq);
    assert_eq!(reread(&record), *record, "written and read again");
    true
}

/// The record, written and read again.
fn reread(record: &Record) -> Record {
    let (written, spill) = record.line();
    let (_, parsed) = Line::parse(written.text.as_bytes()).expect("what was written is read");
    match (parsed, spill) {
        (Parsed::Whole(again), None) => *again,
        (Parsed::Spilled(digest, unfetched), Some(spill)) => {
            let again = unfetched.with_body(&digest, &spill.bytes);
            again.expect("what was written is read")
        }
        (Parsed::Whole(_), Some(_)) | (Parsed::Spilled(..), None) => {
            panic!("a body is on the line or in a blob, not both")
        }
    }
}

/// A line with the hash that its bytes have, and that hash; `prev` is put where the line names the one before it.
/// An old hash at its end is left out.
pub fn sealed(line: &str, prev: Option<&Digest>) -> Option<(String, Digest)> {
    const HASH: &str = ",\"hash\":\"";
    const PREV: &str = ",\"prev\":\"";
    let open = match line.rfind(HASH) {
        Some(at) if line.len() == at + HASH.len() + 66 => &line[..at],
        Some(_) | None => line.strip_suffix('}')?,
    };
    let mut unsealed = format!("{open}}}");
    let start = unsealed.find(PREV)? + PREV.len();
    let claimed = unsealed.get(start..start + 64)?.to_owned();
    let before = match prev {
        Some(prev) => prev.clone(),
        None => Digest::parse(&claimed)?,
    };
    unsealed.replace_range(start..start + 64, before.as_str());
    let hash = Digest::of_joined(&[before.as_str().as_bytes(), unsealed.as_bytes()]);
    let open = unsealed.strip_suffix('}')?;
    Some((format!("{open}{HASH}{hash}\"}}"), hash))
}
