//! What differs from run to run in what is printed, and what stands for it in golden files. The only list of it.

use regex::Regex;

/// Patterns and what stands for them, applied in this order.
const LIST: [(&str, &str); 15] = [
    // Moments of this run; those of a test's world lie in its own month.
    (
        r"20(?:2[7-9]|[3-9]\d|26-(?:0[5-9]|1[0-2]))[-0-9]*T[0-9:.]+Z",
        "TIME",
    ),
    // The same in sentences, with the length that ends there.
    (
        r"20(?:2[7-9]|[3-9]\d|26-(?:0[5-9]|1[0-2]))[-0-9]* at [0-9:]+ UTC(?: \([^)]*\))?",
        "MOMENT",
    ),
    (r"\b\d\d:\d\d:\d\dZ", "HH:MM:SSZ"),
    (r"\b\d+:\d\d(?::\d\d)?\b", "M:SS"),
    (r"(GREEN|AMBER|RED) in [^(]+\(", "$1 in LENGTH ("),
    (r"(RTO [^:\n]+|time): \d[^(\n]+\(", "$1: LENGTH ("),
    (r"It took \d[^;.\n]*;", "It took LENGTH;"),
    (r"stopped \d.+? ago", "stopped LENGTH ago"),
    (r"loses \d[^;]*;", "loses LENGTH;"),
    (r" on \S+, process \d+", " on HOST, process N"),
    (
        r"for \d+ \S+(?: \d+ \S+)? \((the process was|it had been)",
        "for LENGTH ($1",
    ),
    (r"taken up by (\S+) on \S+", "taken up by $1 on HOST"),
    // The service of the simulated world names an operation as salvor does.
    (r"calls it [a-z0-9]{26}", "calls it NAME"),
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
