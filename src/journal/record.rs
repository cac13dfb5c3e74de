//! One record as one line of canonical JSON, chained to the one before it by its hash.
//!
//! Writes lines and reads them back; whether a record may follow another is [`crate::journal::state`]'s
//! business. Reading is strict: unknown members, unknown types and newer formats are refused, since a record
//! that is not understood cannot be acted upon.

use jiff::Timestamp;
use salvor_contract::RunId;
use schemars::JsonSchema;
use schemars::Schema;
use schemars::SchemaGenerator;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;

use crate::digest::Digest;
use crate::journal::body::Body;

/// The format that this version writes, and the highest that it reads.
pub const FORMAT: u64 = 1;

/// Bodies longer than this on the line go to a blob; the line then holds its digest.
pub const BODY_MAX: usize = 64 * 1024;

/// What stands in place of a body that went to a blob, up to the blob's digest.
const SPILLED: &str = "{\"$blob\":\"";

/// What stands before the hash at the end of a line.
const HASH: &str = ",\"hash\":\"";

/// One record of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Its place, from 0 without gaps; for an intent, also the token of the operation.
    pub seq: u64,
    /// The hash of the record before it, zeros for the first.
    pub prev: Digest,
    /// The run.
    pub run: RunId,
    /// Which process of the run wrote it, from 1.
    pub epoch: u64,
    /// Random: tells one's own record from another process's of the same place.
    pub nonce: String,
    /// Milliseconds on the writer's monotonic clock; comparable within one epoch only.
    pub mono_ms: u64,
    /// The writer's time of day. For people, and to bridge the time between two epochs.
    pub wall: Timestamp,
    /// What it says.
    pub body: Body,
}

/// A record as its line, without the line break.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The place that the line claims.
    pub seq: u64,
    /// The text.
    pub text: String,
    /// The hash at its end.
    pub hash: Digest,
}

/// A body that is stored beside the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spill {
    /// The blob's name.
    pub digest: Digest,
    /// Its bytes: the JSON of the body.
    pub bytes: Vec<u8>,
}

/// A line that was read, whose body may have to be fetched.
#[derive(Clone, Debug, PartialEq)]
pub enum Parsed {
    /// The whole record.
    Whole(Box<Record>),
    /// The body is in the blob of this digest: fetch it and give it to [`Unfetched::with_body`].
    Spilled(Digest, Unfetched),
}

/// A record whose body is in a blob.
#[derive(Clone, Debug, PartialEq)]
pub struct Unfetched {
    head: Head,
    /// `type` as it stands on the line, up to its body.
    open: String,
}

/// Why a text is not a record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadLine {
    /// It is not UTF-8.
    #[error("it is not text")]
    NotText,
    /// It does not end in a hash.
    #[error("it does not end in a hash")]
    NoHash,
    /// Its bytes are not those that were hashed.
    #[error("its bytes do not have the hash at its end")]
    HashMismatch,
    /// It was written by a newer version.
    #[error("it has format {found}, and this version reads up to {FORMAT}")]
    Newer {
        /// The format of the record.
        found: u64,
    },
    /// The hash fits and this version does not understand it.
    #[error("it is not understood: {why}")]
    NotUnderstood {
        /// What serde says.
        why: String,
    },
    /// The blob that holds its body has other bytes than were recorded.
    #[error("the blob {digest} that holds its body has other bytes")]
    BlobMismatch {
        /// The recorded digest.
        digest: Digest,
    },
}

// The order of these members is the order on the line, and so part of the format.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Head {
    v: u64,
    seq: u64,
    prev: Digest,
    run: RunId,
    epoch: u64,
    nonce: String,
    mono_ms: u64,
    wall: Timestamp,
}

/// The members of a line before its `type` and `body`, which are as [`Body`] has them.
pub fn head_schema(generator: &mut SchemaGenerator) -> Schema {
    Head::json_schema(generator)
}

/// What stands on the line where the body would be, when that went to a blob.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Spilled {
    #[serde(rename = "$blob")]
    blob: Digest,
}

impl Record {
    /// The record's line, and its body when that is too long for a line.
    pub fn line(&self) -> (Line, Option<Spill>) {
        let head = Head {
            v: FORMAT,
            seq: self.seq,
            prev: self.prev.clone(),
            run: self.run.clone(),
            epoch: self.epoch,
            nonce: self.nonce.clone(),
            mono_ms: self.mono_ms,
            wall: self.wall,
        };
        let mut text = json(&head);
        let tagged = json(&self.body);
        // The two objects become one.
        text.pop();
        text.push(',');
        let (open, body) = split_body(&tagged).expect("the enum is tagged");
        text.push_str(open);
        let mut spill = None;
        if body.len() > BODY_MAX {
            let bytes = body.as_bytes().to_vec();
            let digest = Digest::of_bytes(&bytes);
            text.push_str(&format!("{SPILLED}{digest}\"}}"));
            spill = Some(Spill { digest, bytes });
        } else {
            text.push_str(body);
        }
        text.push('}');
        (Line::seal(self.seq, &self.prev, text), spill)
    }
}

impl Line {
    /// Closes an object that has no hash yet.
    fn seal(seq: u64, prev: &Digest, unsealed: String) -> Self {
        let hash = hash(prev, &unsealed);
        let mut text = unsealed;
        text.pop();
        text.push_str(HASH);
        text.push_str(hash.as_str());
        text.push_str("\"}");
        Self { seq, text, hash }
    }

    /// Reads a line. That it follows the line before it is the caller's to compare.
    ///
    /// # Errors
    /// [`BadLine`]: its bytes are not what was hashed, or it is not understood.
    pub fn parse(bytes: &[u8]) -> Result<(Self, Parsed), BadLine> {
        let text = std::str::from_utf8(bytes).map_err(|_| BadLine::NotText)?;
        let (unsealed, found) = unseal(text).ok_or(BadLine::NoHash)?;
        let prev = prev(&unsealed).ok_or(BadLine::HashMismatch)?;
        if hash(&prev, &unsealed) != found {
            return Err(BadLine::HashMismatch);
        }
        // A newer format may have other members, so that is looked at before them.
        let (head, tagged) = members(&unsealed).map_err(|bad| newer(&unsealed).unwrap_or(bad))?;
        if head.v > FORMAT {
            return Err(BadLine::Newer { found: head.v });
        }
        let line = Self {
            seq: head.seq,
            text: text.to_owned(),
            hash: found,
        };
        let (open, body) = split_body(&tagged).ok_or_else(|| BadLine::NotUnderstood {
            why: "`body` does not follow `type`".to_owned(),
        })?;
        if body.starts_with(SPILLED) {
            let Spilled { blob } = serde_json::from_str(body).map_err(not_understood)?;
            let open = open.to_owned();
            return Ok((line, Parsed::Spilled(blob, Unfetched { head, open })));
        }
        let body = serde_json::from_str(&tagged).map_err(not_understood)?;
        Ok((line, Parsed::Whole(Box::new(head.with(body)))))
    }
}

impl Unfetched {
    /// The record with the body that these bytes of the blob `digest` are.
    ///
    /// # Errors
    /// [`BadLine::BlobMismatch`], or that the body is not understood.
    pub fn with_body(self, digest: &Digest, bytes: &[u8]) -> Result<Record, BadLine> {
        if Digest::of_bytes(bytes) != *digest {
            return Err(BadLine::BlobMismatch {
                digest: digest.clone(),
            });
        }
        let tagged = [b"{", self.open.as_bytes(), bytes, b"}"].concat();
        let body = serde_json::from_slice(&tagged).map_err(not_understood)?;
        Ok(self.head.with(body))
    }
}

impl Head {
    fn with(self, body: Body) -> Record {
        let Self {
            v: _,
            seq,
            prev,
            run,
            epoch,
            nonce,
            mono_ms,
            wall,
        } = self;
        Record {
            seq,
            prev,
            run,
            epoch,
            nonce,
            mono_ms,
            wall,
            body,
        }
    }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("our own types serialise to JSON")
}

fn not_understood(error: serde_json::Error) -> BadLine {
    BadLine::NotUnderstood {
        why: error.to_string(),
    }
}

/// The members before `type`, and an object of `type` and what follows it.
///
/// A quotation mark inside a text is escaped, so the first `,"type":` ends the members before it: no member before
/// it holds an object.
fn members(unsealed: &str) -> Result<(Head, String), BadLine> {
    const TYPE: &str = ",\"type\":";
    let place = unsealed.find(TYPE).ok_or_else(|| BadLine::NotUnderstood {
        why: "it has no `type`".to_owned(),
    })?;
    let (head, rest) = unsealed.split_at(place);
    let head = format!("{head}}}");
    let head = serde_json::from_str(&head).map_err(not_understood)?;
    Ok((head, format!("{{{}", rest.trim_start_matches(','))))
}

/// Whether it is not understood because a newer version wrote it.
fn newer(unsealed: &str) -> Option<BadLine> {
    let value: Value = serde_json::from_str(unsealed).ok()?;
    let found = value.get("v")?.as_u64()?;
    (found > FORMAT).then_some(BadLine::Newer { found })
}

/// An object of `type` and `body` without its braces: all before the body, and the body.
fn split_body(tagged: &str) -> Option<(&str, &str)> {
    const BODY: &str = ",\"body\":";
    let inside = tagged.strip_prefix('{')?.strip_suffix('}')?;
    let place = inside.find(BODY)? + BODY.len();
    Some(inside.split_at(place))
}

fn hash(prev: &Digest, unsealed: &str) -> Digest {
    Digest::of_joined(&[prev.as_str().as_bytes(), unsealed.as_bytes()])
}

/// The hash of the record before it, as the line claims it.
fn prev(unsealed: &str) -> Option<Digest> {
    const MEMBER: &str = ",\"prev\":\"";
    let start = unsealed.find(MEMBER)? + MEMBER.len();
    Digest::parse(unsealed.get(start..start + 64)?)
}

/// The object without its last member, and that member.
fn unseal(text: &str) -> Option<(String, Digest)> {
    let body = text.strip_suffix("\"}")?;
    let start = body.len().checked_sub(64)?;
    let found = Digest::parse(body.get(start..)?)?;
    let open = body.get(..start)?.strip_suffix(HASH)?;
    Some((format!("{open}}}"), found))
}

#[cfg(test)]
mod tests;
