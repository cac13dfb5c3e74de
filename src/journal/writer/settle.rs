//! Writing through a connection that loses answers.

use salvor_contract::Clock;

use crate::journal::record::Line;
use crate::journal::storage::AppendError;
use crate::journal::storage::Storage;
use crate::journal::storage::StorageError;

/// Tries of one write whose answers are lost, before the journal is given up.
const TRIES: u32 = 5;

/// Wait before such a write is tried again; doubled each time.
const WAIT: std::time::Duration = std::time::Duration::from_millis(200);

/// Writes lines, and when the answer is lost looks whether they are there: a line of the same bytes carries
/// the same nonce and is therefore our own.
pub(super) async fn write(
    storage: &dyn Storage,
    clock: &dyn Clock,
    lines: &[Line],
) -> Result<(), AppendError> {
    let mut rest = lines;
    let mut wait = WAIT;
    let mut tries = 0;
    loop {
        let what = match storage.append(rest).await {
            Err(AppendError::Ambiguous { what }) => what,
            answer => return answer,
        };
        tries += 1;
        rest = match missing(storage, rest).await {
            Ok([]) => return Ok(()),
            Ok(missing) => missing,
            Err(Some(deposed)) => return Err(deposed),
            // Not even reading works: the next try tells more.
            Err(None) => rest,
        };
        if tries == TRIES {
            return Err(AppendError::Ambiguous { what });
        }
        clock.sleep(wait).await;
        wait *= 2;
    }
}

/// The lines that the storage does not hold yet.
async fn missing<'a>(
    storage: &dyn Storage,
    lines: &'a [Line],
) -> Result<&'a [Line], Option<AppendError>> {
    let Some(first) = lines.first() else {
        return Ok(lines);
    };
    let found = match storage.load(first.seq).await {
        Ok(loaded) => loaded.lines,
        Err(StorageError::Missing { .. }) => Vec::new(),
        Err(
            StorageError::Busy { .. }
            | StorageError::Unfit { .. }
            | StorageError::Unreachable { .. }
            | StorageError::Refused { .. }
            | StorageError::Io { .. },
        ) => return Err(None),
    };
    for (line, found) in lines.iter().zip(&found) {
        if line.text.as_bytes() != found.as_slice() {
            return Err(Some(AppendError::Deposed { seq: line.seq }));
        }
    }
    Ok(lines.get(found.len()..).unwrap_or_default())
}
