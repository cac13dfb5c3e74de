//! From stored bytes to a proven chain of records, or to the place where it is broken.
//!
//! A tail without a line break is what a crash in the middle of a write leaves, and was acknowledged to
//! nobody: it is told, not refused. Everything else that is wrong names the record and is refused.

use salvor_contract::RunId;

use crate::digest::Digest;
use crate::journal::record::BadLine;
use crate::journal::record::Line;
use crate::journal::record::Parsed;
use crate::journal::record::Record;
use crate::journal::state::Head;
use crate::journal::state::RunState;
use crate::journal::storage::Loaded;
use crate::journal::storage::Storage;
use crate::journal::storage::StorageError;
use crate::journal::transition::Illegal;

/// What is said of a record that was seen before, when another one is in its place.
pub(super) const NOT_AS_SEEN: &str = "it is not the record that was seen before";

/// What is said of a record that was seen before, when there is none.
pub(super) const SEEN_AND_GONE: &str = "it was seen before and is gone";

/// The records of a journal and what they add up to.
#[derive(Clone, Debug, PartialEq)]
pub struct Chain {
    /// The records, first to last.
    pub records: Vec<Record>,
    /// The state of the run.
    pub state: RunState,
    /// Bytes of a torn record after the last one, which nobody was told to be durable.
    pub torn_bytes: u64,
}

/// Why a journal is not read.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// It could not be read.
    #[error("the journal cannot be read")]
    Storage(#[from] StorageError),
    /// A record is damaged, missing or out of place.
    #[error("the journal is damaged at record {seq}: {what}")]
    Damaged {
        /// The place where the chain breaks.
        seq: u64,
        /// What is wrong there.
        what: String,
    },
    /// A newer version wrote it.
    #[error("record {seq} has format {found}, which this version does not read")]
    Newer {
        /// The place.
        seq: u64,
        /// The format of the record.
        found: u64,
    },
    /// The chain is whole and its records contradict each other.
    #[error("the journal contradicts itself")]
    Illegal(#[from] Illegal),
    /// It belongs to another run or environment.
    #[error("the journal belongs to {found}, not to {expected}")]
    Foreign {
        /// What was expected.
        expected: String,
        /// What was found.
        found: String,
    },
    /// There is no record at all.
    #[error("the journal is empty: the run was never opened")]
    Empty,
}

/// Reads a whole journal and proves it.
///
/// # Errors
/// The first thing that is wrong with it.
pub async fn read(storage: &dyn Storage, run: &RunId) -> Result<Chain, ChainError> {
    let mut records = Vec::new();
    let Fold { state, torn_bytes } = fold(storage, run, |record| records.push(record)).await?;
    Ok(Chain {
        records,
        state,
        torn_bytes,
    })
}

/// What the records of a journal add up to, without them.
pub(super) struct Fold {
    pub(super) state: RunState,
    pub(super) torn_bytes: u64,
}

/// Reads a whole journal, proves it, and hands out its records one after the other.
pub(super) async fn fold(
    storage: &dyn Storage,
    run: &RunId,
    mut record_read: impl FnMut(Record),
) -> Result<Fold, ChainError> {
    let Loaded { lines, tail } = storage.load(0).await?;
    let mut state: Option<RunState> = None;
    for (seq, bytes) in (0_u64..).zip(&lines) {
        let (record, hash) = read_line(storage, seq, bytes).await?;
        in_place(seq, &record, state.as_ref().map(|state| &state.head))?;
        match &mut state {
            None => state = Some(begin(run, &record, &hash)?),
            Some(state) => state.apply(&record, &hash)?,
        }
        record_read(record);
    }
    refuse_damaged_tail(lines.len() as u64, &tail)?;
    let state = state.ok_or(ChainError::Empty)?;
    Ok(Fold {
        state,
        torn_bytes: tail.len() as u64,
    })
}

/// The state after the first record of a journal, which tells what the run is of and when it was opened. The rest
/// is not read, and nothing is known of it.
///
/// # Errors
/// As [`read`], for the first record.
pub(super) async fn read_first(storage: &dyn Storage, run: &RunId) -> Result<RunState, ChainError> {
    let bytes = storage.first_line().await?.ok_or(ChainError::Empty)?;
    let (record, hash) = read_line(storage, 0, &bytes).await?;
    in_place(0, &record, None)?;
    begin(run, &record, &hash)
}

/// True when the last whole record of a journal says that the run is over. It alone is read: nothing is known of
/// what stands before it.
pub(super) async fn is_closed(storage: &dyn Storage) -> bool {
    let Ok(Some(bytes)) = storage.last_line().await else {
        return false;
    };
    match Line::parse(&bytes) {
        Ok((_, Parsed::Whole(record))) => record.body.ends_the_run(),
        Ok((_, Parsed::Spilled(..))) | Err(_) => false,
    }
}

fn begin(run: &RunId, record: &Record, hash: &Digest) -> Result<RunState, ChainError> {
    if record.run != *run {
        return Err(ChainError::Foreign {
            expected: format!("run {run}"),
            found: format!("run {}", record.run),
        });
    }
    Ok(RunState::begin(record, hash)?)
}

async fn read_line(
    storage: &dyn Storage,
    seq: u64,
    bytes: &[u8],
) -> Result<(Record, Digest), ChainError> {
    let bad = |bad: BadLine| bad_line(seq, &bad);
    let (line, parsed) = Line::parse(bytes).map_err(bad)?;
    let record = match parsed {
        Parsed::Whole(record) => *record,
        Parsed::Spilled(digest, unfetched) => {
            let bytes = storage.get_blob(&digest).await?;
            unfetched.with_body(&digest, &bytes).map_err(bad)?
        }
    };
    Ok((record, line.hash))
}

fn bad_line(seq: u64, bad: &BadLine) -> ChainError {
    match bad {
        BadLine::Newer { found } => ChainError::Newer { seq, found: *found },
        BadLine::NotText
        | BadLine::NoHash
        | BadLine::HashMismatch
        | BadLine::NotUnderstood { .. }
        | BadLine::BlobMismatch { .. } => ChainError::Damaged {
            seq,
            what: bad.to_string(),
        },
    }
}

/// Whether a whole record stands where it belongs.
fn in_place(seq: u64, record: &Record, head: Option<&Head>) -> Result<(), ChainError> {
    let zero = Digest::zero();
    let before = head.map_or(&zero, |head| &head.hash);
    let what = if record.seq != seq {
        format!("record {} stands in its place", record.seq)
    } else if record.prev != *before {
        "it does not follow the record before it".to_owned()
    } else {
        return Ok(());
    };
    Err(ChainError::Damaged { seq, what })
}

/// A torn write leaves the beginning of a line, perhaps with zeros after it where a page was lost. A whole
/// record followed by anything else was written in full and acknowledged, and is damaged.
fn refuse_damaged_tail(seq: u64, tail: &[u8]) -> Result<(), ChainError> {
    let written = tail
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |last| last + 1);
    let is_whole_and_more = (1..written).any(|end| {
        tail.get(..end)
            .is_some_and(|begin| begin.ends_with(b"\"}") && Line::parse(begin).is_ok())
    });
    if is_whole_and_more {
        let what = "its line break is damaged".to_owned();
        return Err(ChainError::Damaged { seq, what });
    }
    Ok(())
}

/// What `salvor journal check` prints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// How many records are whole and in place, counted from the first.
    pub records: u64,
    /// The last of them.
    pub head: Option<Head>,
    /// Bytes of a torn record after the last line.
    pub torn_bytes: u64,
    /// What is wrong, by place.
    pub problems: Vec<Problem>,
}

/// Something that is wrong with a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The place.
    pub seq: u64,
    /// What is wrong there.
    pub what: String,
}

/// Looks at every line of a journal and lists all that is wrong with it.
///
/// `anchor` is a head that was kept elsewhere (evidence, a lock, a log): with it, records that were cut off the
/// end are found too, which the chain alone cannot show.
///
/// # Errors
/// Only when the storage cannot be read.
pub async fn check(storage: &dyn Storage, anchor: Option<&Head>) -> Result<Check, StorageError> {
    let Loaded { lines, tail } = storage.load(0).await?;
    let mut check = Check {
        records: 0,
        head: None,
        torn_bytes: tail.len() as u64,
        problems: Vec::new(),
    };
    // The head of what was read last, be it in place or not, so that one fault is told once.
    let mut last: Option<Head> = None;
    let mut state: Option<RunState> = None;
    for (seq, bytes) in (0_u64..).zip(&lines) {
        let before = last.clone();
        let (record, hash) = match read_line(storage, seq, bytes).await {
            Ok(read) => read,
            Err(error) => {
                check.problem(seq, &error);
                last = None;
                continue;
            }
        };
        last = Some(Head {
            seq: record.seq,
            hash: hash.clone(),
        });
        let expected = before.as_ref().map_or(seq, |head| head.seq + 1);
        if (before.is_some() || seq == 0)
            && let Err(error) = in_place(expected, &record, before.as_ref())
        {
            check.problem(expected, &error);
            continue;
        }
        if !check.problems.is_empty() {
            continue;
        }
        let folded = match &mut state {
            None => RunState::begin(&record, &hash).map(|begun| state = Some(begun)),
            Some(state) => state.apply(&record, &hash),
        };
        match folded {
            Ok(()) => {
                check.records = record.seq + 1;
                check.head.clone_from(&last);
            }
            Err(illegal) => check.problem(seq, &ChainError::Illegal(illegal)),
        }
    }
    if let Err(error) = refuse_damaged_tail(lines.len() as u64, &tail) {
        check.problem(lines.len() as u64, &error);
    }
    check.compare(anchor, &lines);
    Ok(check)
}

/// The place of the record whose hash begins so. Whoever has a head of a journal from a report or a log can tell
/// with it whether the journal still has that record.
///
/// # Errors
/// Only when the storage cannot be read.
pub async fn place_of(storage: &dyn Storage, hash: &str) -> Result<Option<u64>, StorageError> {
    let lines = storage.load(0).await?.lines;
    let mut places = (0_u64..).zip(&lines);
    let found = places.find(|(_, bytes)| {
        Line::parse(bytes).is_ok_and(|(line, _)| line.hash.as_str().starts_with(hash))
    });
    Ok(found.map(|(seq, _)| seq))
}

impl Check {
    fn problem(&mut self, seq: u64, error: &ChainError) {
        let what = match error {
            ChainError::Damaged { what, .. } => what.clone(),
            ChainError::Illegal(illegal) => illegal.why.clone(),
            ChainError::Storage(source) => source.to_string(),
            ChainError::Newer { .. } | ChainError::Foreign { .. } | ChainError::Empty => {
                error.to_string()
            }
        };
        self.problems.push(Problem { seq, what });
    }

    fn compare(&mut self, anchor: Option<&Head>, lines: &[Vec<u8>]) {
        let Some(anchor) = anchor else { return };
        let found = usize::try_from(anchor.seq)
            .ok()
            .and_then(|place| lines.get(place));
        let what = match found.map(|bytes| Line::parse(bytes)) {
            None => SEEN_AND_GONE,
            Some(Ok((line, _))) if line.hash == anchor.hash => return,
            Some(_) => NOT_AS_SEEN,
        };
        self.problems.push(Problem {
            seq: anchor.seq,
            what: what.to_owned(),
        });
    }
}

#[cfg(test)]
mod golden;
#[cfg(test)]
mod tests;
