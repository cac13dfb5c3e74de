//! Judges a `SELECT` of a dump: one call of a function that `pg_dump` calls, and nothing behind it.

/// The functions that `pg_dump` and `pg_restore` write calls of. By far not all of `lo_*`: `lo_import` and `lo_export`
/// read and write files of the server.
const CALLED: [&str; 10] = [
    "LO_CLOSE",
    "LO_CREATE",
    "LO_OPEN",
    "LO_UNLINK",
    "LOWRITE",
    "PG_RESTORE_ATTRIBUTE_STATS",
    "PG_RESTORE_EXTENDED_STATS",
    "PG_RESTORE_RELATION_STATS",
    "SET_CONFIG",
    "SETVAL",
];

/// Whether these words of a statement are such a call: its arguments are values, or one more such call.
pub fn is_call_of_dump(words: &[&str]) -> bool {
    let call = match words {
        ["SELECT", "*", "FROM", call @ ..] | ["SELECT", call @ ..] => call,
        _ => return false,
    };
    // Which words stand before a parenthesis says what is called: nothing else may open one.
    let opens_call = |at: usize| {
        let before = call[..at].iter().rev();
        matches!(
            before.copied().take(3).collect::<Vec<_>>()[..],
            [function, ".", "PG_CATALOG"] if CALLED.contains(&function)
        )
    };
    if call.get(3) != Some(&"(") {
        return false;
    }
    let mut depth = 0;
    for (at, word) in call.iter().enumerate().skip(3) {
        match *word {
            "(" if opens_call(at) => depth += 1,
            ")" if depth == 1 => return is_end(&call[at + 1..]),
            ")" => depth -= 1,
            // Texts in dollars and comments may hide what the server sees; pg_dump writes neither here.
            "(" | "$" | "/" | ";" => return false,
            "-" if call[at - 1] == "-" => return false,
            _ => {}
        }
    }
    false
}

/// Nothing, or what `pg_dump --clean --if-exists` writes behind `lo_unlink(oid)`.
fn is_end(words: &[&str]) -> bool {
    matches!(
        words,
        [] | [
            "FROM",
            "PG_CATALOG",
            ".",
            "PG_LARGEOBJECT_METADATA",
            "WHERE",
            "OID",
            "=",
            _
        ]
    )
}
