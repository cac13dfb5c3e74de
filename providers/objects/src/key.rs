//! Keys that may be read and written, and those that are refused.
//!
//! A backup is data that someone else may have written (or may have changed), so its keys are hostile
//! until they were looked at. A bad key is refused and never rewritten: a rewritten key would land
//! somewhere that nobody asked for.

use crate::failure::one_line;

/// Where a key is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// Into a tree of files: every segment becomes a name in a folder.
    Tree,
    /// Into a bucket, where a key is a text.
    Bucket,
}

/// Why a key is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key \"{shown}\" is refused: {why}")]
pub struct KeyError {
    shown: String,
    why: &'static str,
}

/// The longest key that S3 takes, in bytes.
const KEY_MAX: usize = 1024;
/// The longest name in a folder that Linux takes, in bytes.
const SEGMENT_MAX: usize = 255;
/// Names that this provider gives to files that are not yet whole.
pub(crate) const PART_PREFIX: &str = ".salvor-part-";
/// The object by which a run claims an empty target, so that it can be removed again.
pub(crate) const CLAIM: &str = ".salvor-claim.json";

/// Refuses a key, relative to its place, that must not be read from or written to a place of this kind.
///
/// # Errors
/// What is wrong with the key.
pub fn check(key: &str, holder: Holder) -> Result<(), KeyError> {
    match fault(key, holder) {
        None => Ok(()),
        Some(why) => Err(KeyError {
            shown: one_line(key),
            why,
        }),
    }
}

fn fault(key: &str, holder: Holder) -> Option<&'static str> {
    if key.is_empty() {
        return Some("it is empty");
    }
    if key.len() > KEY_MAX {
        return Some("it is longer than 1024 bytes");
    }
    if key.chars().any(char::is_control) {
        return Some("it has a control character");
    }
    if key.contains('\u{fffd}') {
        return Some("it is not UTF-8");
    }
    if key
        .split('/')
        .any(|segment| segment == ".." || segment == ".")
    {
        return Some("it has a `.` or `..` segment");
    }
    match holder {
        Holder::Bucket => None,
        Holder::Tree => tree_fault(key),
    }
}

fn tree_fault(key: &str) -> Option<&'static str> {
    if key.starts_with('/') {
        return Some("it is absolute");
    }
    if key.contains('\\') {
        return Some("it has a backslash");
    }
    let bytes = key.as_bytes();
    if bytes.len() >= 2 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':' {
        return Some("it begins with a drive letter");
    }
    for segment in key.split('/') {
        if segment.is_empty() {
            return Some("it has an empty segment");
        }
        if segment.len() > SEGMENT_MAX {
            return Some("a segment is longer than 255 bytes");
        }
        if segment.starts_with(PART_PREFIX) {
            return Some("the name is kept for unfinished files");
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::Holder;
    use super::check;

    #[test]
    fn keys_that_could_leave_their_place_are_refused_everywhere() {
        let hostile = [
            "",
            ".",
            "..",
            "./a",
            "../a",
            "a/..",
            "a/../b",
            "a/./b",
            "a/.",
            "../../etc/passwd",
            "a/b/../../../c",
            "..//a",
            "/..",
            "/../a",
            "a\0b",
            "\0",
            "a\nb",
            "a\rb",
            "a\tb",
            "a\u{1b}[31mb",
            "a\u{7f}",
            "\u{85}",
            "a\u{9b}31m",
            "a\u{fffd}b",
            "x/../",
            "a/b/c/d/..",
            "..\n",
            "\u{1}",
            "a/\u{0}/b",
            "a\u{b}b",
        ];
        for key in hostile {
            assert!(check(key, Holder::Tree).is_err(), "tree {key:?}");
            assert!(check(key, Holder::Bucket).is_err(), "bucket {key:?}");
        }
        let long = "a".repeat(1025);
        assert!(check(&long, Holder::Bucket).is_err());
    }

    #[test]
    fn keys_that_are_no_relative_path_are_refused_for_files_only() {
        let long = format!("a/{}/b", "x".repeat(256));
        let not_a_path = [
            "/",
            "/a",
            "//a",
            "a//b",
            "a/",
            "a/b/",
            "a//",
            "a\\b",
            "..\\a",
            "\\a",
            "\\\\host\\share",
            "C:",
            "C:a",
            "a:b",
            "C:\\a",
            "c:/a",
            "z:",
            "a/b\\..\\c",
            ".salvor-part-0",
            "a/.salvor-part-1",
            "a/.salvor-part-1/b",
            "/etc/passwd",
            "///",
            "a///b",
            long.as_str(),
        ];
        for key in not_a_path {
            assert!(check(key, Holder::Tree).is_err(), "tree {key:?}");
            assert!(check(key, Holder::Bucket).is_ok(), "bucket {key:?}");
        }
    }

    #[test]
    fn plain_keys_are_taken() {
        let long = format!("{}/{}", "x".repeat(255), "y".repeat(255));
        let good = [
            "a",
            "a/b",
            "a.b",
            "a/b.c/d",
            "...",
            "a/...",
            "..a",
            "a..",
            ".a",
            "a b",
            "a/ b",
            "ä/ö/ü",
            "日本/語",
            "ab:c",
            "a/C:",
            "%2e%2e/a",
            "a%00b",
            "~/a",
            "$HOME/a",
            "-rf",
            "a*b",
            "a?b",
            "a&b",
            "a'b",
            "a\"b",
            "a;b",
            "a|b",
            "a<b>c",
            "con",
            "nul",
            "2026-04-05/x.sql.gz",
            "🦀",
            long.as_str(),
        ];
        for key in good {
            assert_eq!(check(key, Holder::Tree), Ok(()), "tree {key:?}");
            assert_eq!(check(key, Holder::Bucket), Ok(()), "bucket {key:?}");
        }
    }

    #[test]
    fn a_refusal_shows_the_key_without_its_control_characters() {
        let error = check("a\u{1b}[2Jb", Holder::Bucket).expect_err("a control character");
        assert_eq!(
            error.to_string(),
            "the key \"a\\u{1b}[2Jb\" is refused: it has a control character"
        );
    }
}
