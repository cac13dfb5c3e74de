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

/// The member that stands in place of a body that went to a blob.
const SPILLED: &str = "$blob";

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
    Whole(Record),
    /// The body is in the blob of this digest: fetch it and give it to [`Unfetched::with_body`].
    Spilled(Digest, Unfetched),
}

/// A record whose body is in a blob.
#[derive(Clone, Debug, PartialEq)]
pub struct Unfetched(Members);

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
struct Members {
    v: u64,
    seq: u64,
    prev: Digest,
    run: RunId,
    epoch: u64,
    nonce: String,
    mono_ms: u64,
    wall: Timestamp,
    r#type: String,
    body: Value,
}

/// The members of a line, apart from the hash at its end; `type` and `body` as [`Body`] has them.
pub fn members_schema(generator: &mut SchemaGenerator) -> Schema {
    Members::json_schema(generator)
}

#[derive(Serialize)]
struct Tagged {
    r#type: String,
    body: Value,
}

impl Record {
    /// The record's line, and its body when that is too long for a line.
    pub fn line(&self) -> (Line, Option<Spill>) {
        let tagged = serde_json::to_value(&self.body).expect("our own types serialise to JSON");
        let kind = tagged["type"]
            .as_str()
            .expect("the enum is tagged")
            .to_owned();
        let mut body = tagged["body"].clone();
        let bytes = serde_json::to_vec(&body).expect("a JSON value serialises");
        let mut spill = None;
        if bytes.len() > BODY_MAX {
            let digest = Digest::of_bytes(&bytes);
            body = serde_json::json!({ SPILLED: digest });
            spill = Some(Spill { digest, bytes });
        }
        let members = Members {
            v: FORMAT,
            seq: self.seq,
            prev: self.prev.clone(),
            run: self.run.clone(),
            epoch: self.epoch,
            nonce: self.nonce.clone(),
            mono_ms: self.mono_ms,
            wall: self.wall,
            r#type: kind,
            body,
        };
        let text = serde_json::to_string(&members).expect("our own types serialise to JSON");
        (Line::seal(self.seq, &self.prev, &text), spill)
    }
}

impl Line {
    /// Closes an object that has no hash yet.
    fn seal(seq: u64, prev: &Digest, unsealed: &str) -> Self {
        let hash = hash(prev, unsealed);
        let open = unsealed.strip_suffix('}').expect("it is an object");
        Self {
            seq,
            text: format!("{open},\"hash\":\"{hash}\"}}"),
            hash,
        }
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
        let not_understood = |error: serde_json::Error| BadLine::NotUnderstood {
            why: error.to_string(),
        };
        let value: Value = serde_json::from_str(&unsealed).map_err(not_understood)?;
        match value.get("v").and_then(Value::as_u64) {
            Some(v) if v > FORMAT => return Err(BadLine::Newer { found: v }),
            Some(_) | None => {}
        }
        let members: Members = serde_json::from_value(value).map_err(not_understood)?;
        let line = Self {
            seq: members.seq,
            text: text.to_owned(),
            hash: found,
        };
        let spilled = match &members.body {
            Value::Object(body) if body.len() == 1 => body.get(SPILLED).and_then(Value::as_str),
            Value::Object(_)
            | Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_) => None,
        };
        if let Some(digest) = spilled {
            let digest = Digest::parse(digest).ok_or_else(|| BadLine::NotUnderstood {
                why: format!("blob `{digest}`"),
            })?;
            return Ok((line, Parsed::Spilled(digest, Unfetched(members))));
        }
        let record = members.record()?;
        Ok((line, Parsed::Whole(record)))
    }
}

impl Unfetched {
    /// The record with the body that these bytes of the blob `digest` are.
    ///
    /// # Errors
    /// [`BadLine::BlobMismatch`], or that the body is not understood.
    pub fn with_body(mut self, digest: &Digest, bytes: &[u8]) -> Result<Record, BadLine> {
        if Digest::of_bytes(bytes) != *digest {
            return Err(BadLine::BlobMismatch {
                digest: digest.clone(),
            });
        }
        self.0.body = serde_json::from_slice(bytes).map_err(|error| BadLine::NotUnderstood {
            why: error.to_string(),
        })?;
        self.0.record()
    }
}

impl Members {
    fn record(self) -> Result<Record, BadLine> {
        let Self {
            v: _,
            seq,
            prev,
            run,
            epoch,
            nonce,
            mono_ms,
            wall,
            r#type,
            body,
        } = self;
        let tagged = serde_json::to_value(Tagged { r#type, body })
            .expect("a text and a JSON value serialise");
        let body = serde_json::from_value(tagged).map_err(|error| BadLine::NotUnderstood {
            why: error.to_string(),
        })?;
        Ok(Record {
            seq,
            prev,
            run,
            epoch,
            nonce,
            mono_ms,
            wall,
            body,
        })
    }
}

fn hash(prev: &Digest, unsealed: &str) -> Digest {
    let mut bytes = Vec::with_capacity(64 + unsealed.len());
    bytes.extend_from_slice(prev.as_str().as_bytes());
    bytes.extend_from_slice(unsealed.as_bytes());
    Digest::of_bytes(&bytes)
}

/// The hash of the record before it, as the line claims it.
fn prev(unsealed: &str) -> Option<Digest> {
    const MEMBER: &str = ",\"prev\":\"";
    let start = unsealed.find(MEMBER)? + MEMBER.len();
    Digest::parse(unsealed.get(start..start + 64)?)
}

/// The object without its last member, and that member.
fn unseal(text: &str) -> Option<(String, Digest)> {
    const MEMBER: &str = ",\"hash\":\"";
    let body = text.strip_suffix("\"}")?;
    let start = body.len().checked_sub(64)?;
    let found = Digest::parse(body.get(start..)?)?;
    let open = body.get(..start)?.strip_suffix(MEMBER)?;
    Some((format!("{open}}}"), found))
}

#[cfg(test)]
mod tests;
