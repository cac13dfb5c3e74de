//! What differs from run to run in what is printed, and what stands for it in golden files. The only list of it.

use regex::Regex;

/// Patterns and what stands for them, applied in this order.
const LIST: [(&str, &str); 9] = [
    // Moments of this run; those of a test's world lie in its own month.
    (
        r"20(?:2[7-9]|[3-9]\d|26-(?:0[5-9]|1[0-2]))[-0-9]*T[0-9:.]+Z",
        "TIME",
    ),
    (r"\b\d\d:\d\d:\d\dZ", "HH:MM:SSZ"),
    (r"\b\d+:\d\d(?::\d\d)?\b", "M:SS"),
    (r"(GREEN|AMBER|RED) in [^(]+\(", "$1 in LENGTH ("),
    (r"(RTO [^:\n]+): \d[^(\n]+\(", "$1: LENGTH ("),
    (r"stopped \d.+? ago", "stopped LENGTH ago"),
    (r"loses \d[^;]*;", "loses LENGTH;"),
    // A column of lengths, aligned to the right.
    (r"(?m) +\d+ (?:ms|s|min)(?: \d+ s)?(  |$)", " LENGTH$1"),
    (r"\b[0-9a-f]{12,64}\b", "DIGEST"),
];

/// A text without what differs from run to run.
pub fn redacted(text: &str, run: &str) -> String {
    let mut text = text.replace(run, "RUN");
    for (pattern, word) in LIST {
        let pattern = Regex::new(pattern).expect("the patterns are good");
        text = pattern.replace_all(&text, word).into_owned();
    }
    text
}
