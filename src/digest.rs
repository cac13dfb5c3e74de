//! SHA-256 over bytes and over values, as the one kind of digest in the project.

use std::fmt;
use std::io;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::de::Error as _;
use sha2::Digest as _;
use sha2::Sha256;

/// A SHA-256 digest; printed and stored as 64 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Digest(String);

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("a digest is 64 hexadecimal digits"))
    }
}

impl Digest {
    /// The digest of bytes.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(hex(&Sha256::digest(bytes)))
    }

    /// The digest of parts as of one piece of bytes.
    pub fn of_joined(parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update(part);
        }
        Self(hex(&hash.finalize()))
    }

    /// The digest of parts, each preceded by its length, so that no two lists of parts collide.
    pub fn of_parts(parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self(hex(&hash.finalize()))
    }

    /// The digest of a value's JSON. Equal values have equal digests, since our types keep an order.
    pub fn of_value<T: Serialize>(value: &T) -> Self {
        let mut hash = Hashing(Sha256::new());
        serde_json::to_writer(&mut hash, value).expect("our own types serialise to JSON");
        Self(hex(&hash.0.finalize()))
    }

    /// The digest that these 64 lower-case hexadecimal digits are, if they are.
    pub fn parse(text: &str) -> Option<Self> {
        let is_digest =
            text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        is_digest.then(|| Self(text.to_owned()))
    }

    /// The digest of nothing before: what the first record of a chain follows.
    pub fn zero() -> Self {
        Self("0".repeat(64))
    }

    /// All 64 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first digits, for people: `7c1e9a…`.
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

/// Digests what is written to it, so that the text of a large value is never held whole.
struct Hashing(Sha256);

impl io::Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// Bytes of a digest as lower-case base 32 of RFC 4648 without padding, the first `length` characters, the
/// first of them a letter: fit for names of cloud resources.
pub fn name_of(digest: &Digest, length: usize) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let nibbles = digest.0.bytes().filter_map(|c| char::from(c).to_digit(16));
    let mut bits: u32 = 0;
    let mut held = 0;
    let mut name = String::with_capacity(length);
    for nibble in nibbles {
        bits = (bits << 4) | nibble;
        held += 4;
        if held >= 5 {
            held -= 5;
            let mut index = (bits >> held) & 31;
            bits &= (1 << held) - 1;
            if name.is_empty() {
                index %= 26;
            }
            name.push(char::from(LETTERS[index as usize]));
            if name.len() == length {
                break;
            }
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::Digest;
    use super::name_of;

    #[test]
    fn a_name_is_lower_case_and_begins_with_a_letter() {
        for seed in 0..200_u32 {
            let name = name_of(&Digest::of_bytes(&seed.to_be_bytes()), 26);
            assert_eq!(name.len(), 26);
            assert!(name.starts_with(|c: char| c.is_ascii_lowercase()), "{name}");
            assert!(
                name.chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
            );
        }
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(
            Digest::of_parts(&[b"ab", b"c"]),
            Digest::of_parts(&[b"a", b"bc"])
        );
    }
}
