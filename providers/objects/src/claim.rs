//! The mark by which a run owns a target that was empty: one small object in it, as long as the sync goes on.
//!
//! Objects of a bucket cannot be marked for nothing: a server-side copy keeps the metadata of its
//! source. So a sync into an empty target puts `.salvor-claim.json` there first, has the journal record
//! that it did, and takes it away when the target is whole: nobody finds an object there that the source
//! does not have. Removing (the clean-up of a drill) takes away all of a target that was claimed by its
//! own run, by the claim or by the record, and nothing else. A target that held something before is never
//! claimed and never emptied.
//!
//! ```text
//! claim ─▶ record ─▶ sync ─▶ release
//!   a crash before `release` leaves the claim: a probe does not find it done, and the next try comes here again
//! ```

use bytes::Bytes;
use futures::StreamExt;
use futures::TryStreamExt;
use jiff::Timestamp;
use salvor_contract::Call;
use salvor_contract::Error;
use salvor_contract::Finding;
use salvor_contract::Judgement;
use salvor_contract::Operation;
use salvor_contract::Removal;
use serde::Deserialize;
use serde::Serialize;

use crate::bucket::DELETE_MAX;
use crate::key::CLAIM;
use crate::place::Held;
use crate::place::Place;
use crate::place::Put;
use crate::source::list_target;
use crate::sync::delete_all;
use crate::versions::Versioning;

/// What the claim holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claim {
    format: u32,
    run: String,
    operation: String,
}

/// Claims an empty target for this operation's run. A claim that is there already is left alone.
pub(crate) async fn claim(target: &Place, operation: &Operation) -> Result<(), Error> {
    if target.head(CLAIM).await?.is_some() {
        return Ok(());
    }
    let claim = Claim {
        format: 1,
        run: operation.run.as_str().to_owned(),
        operation: operation.id.as_str().to_owned(),
    };
    let bytes = serde_json::to_vec(&claim).expect("three plain fields");
    let put = Put {
        content_type: Some("application/json".to_owned()),
        ..Put::default()
    };
    target.write(CLAIM, Bytes::from(bytes), &put).await?;
    Ok(())
}

/// What the journal keeps of a claim: when it was made, by the clock of the target.
fn record_of(target: &Place, at: Timestamp) -> String {
    format!("{}{at}", record_head(target))
}

fn record_head(target: &Place) -> String {
    format!("{}, claimed when it was empty, at ", target.url())
}

/// Records that the target is claimed, when it is, by this operation's run.
pub(crate) async fn record(
    target: &Place,
    operation: &Operation,
    call: &Call<'_>,
) -> Result<(), Error> {
    match found(target).await? {
        Some((at, claim)) if claim.run == operation.run.as_str() => {
            call.progress.named(&record_of(target, at)).await
        }
        Some(_) | None => Ok(()),
    }
}

/// Whether a claim is left in the target.
pub(crate) async fn is_there(target: &Place) -> Result<bool, Error> {
    if let Held::Tree(tree) = &target.holder
        && !tree.exists().await?
    {
        return Ok(false);
    }
    Ok(target.head(CLAIM).await?.is_some())
}

/// Takes the claim out of a target that is whole, whoever's it is: nobody may empty the target by it any more.
///
/// Gives what is to be told when that cannot be done. It fails no restore: all objects are there.
pub(crate) async fn release(target: &Place) -> Option<Finding> {
    let error = delete(target).await.err()?;
    Some(Finding {
        subject: target.address(CLAIM),
        expected: "taken away after the sync".to_owned(),
        observed: error.to_string(),
        judgement: Judgement::Inconclusive,
    })
}

async fn delete(target: &Place) -> Result<(), Error> {
    if !is_there(target).await? {
        return Ok(());
    }
    match &target.holder {
        Held::Bucket(bucket) => {
            // The version itself: deleting by key would leave it below a delete marker.
            let head = bucket.head(CLAIM, None).await?;
            let version = head.and_then(|head| head.entry.version);
            bucket.delete(&[(CLAIM.to_owned(), version)]).await
        }
        Held::Tree(_) => target.delete(CLAIM).await,
    }
}

/// The claim in a target, and when it was made.
async fn found(target: &Place) -> Result<Option<(Timestamp, Claim)>, Error> {
    let Some(entry) = target.head(CLAIM).await? else {
        return Ok(None);
    };
    let bytes = target.read(CLAIM, 4096).await?;
    let claim = serde_json::from_slice(&bytes)
        .map_err(|_| Error::refused(format!("{} is not a claim", target.address(CLAIM))))?;
    Ok(Some((entry.modified, claim)))
}

/// When this operation's run claimed the target, or what else is there.
async fn claimed_at(
    target: &Place,
    operation: &Operation,
) -> Result<Result<Timestamp, Removal>, Error> {
    if let Some((at, claim)) = found(target).await? {
        return Ok(if claim.run == operation.run.as_str() {
            Ok(at)
        } else {
            Err(Removal::NotOurs(format!(
                "{} was made by run {}",
                target.url(),
                claim.run
            )))
        });
    }
    let is_empty = list_target(target)
        .await?
        .next()
        .await
        .transpose()?
        .is_none();
    if is_empty {
        return Ok(Err(Removal::NothingThere));
    }
    let recorded = operation
        .service_name
        .as_deref()
        .and_then(|name| name.strip_prefix(&record_head(target))?.parse().ok());
    Ok(recorded.ok_or_else(|| Removal::NotOurs(format!("{} was not empty before", target.url()))))
}

/// Removes all that is in a target that this operation's run claimed.
pub(crate) async fn remove(target: &Place, operation: &Operation) -> Result<Removal, Error> {
    if let Held::Tree(tree) = &target.holder
        && !tree.exists().await?
    {
        return Ok(Removal::NothingThere);
    }
    let at = match claimed_at(target, operation).await? {
        Ok(at) => at,
        Err(removal) => return Ok(removal),
    };
    let mut count = 0;
    match &target.holder {
        Held::Bucket(bucket) if bucket.versioning().await? != Versioning::Off => {
            // Deleting by key would only hide them. Older versions were not made by this run.
            let ours = bucket
                .versions()
                .try_filter(|version| {
                    let is_ours = version.entry.modified >= at && version.entry.key != CLAIM;
                    std::future::ready(is_ours)
                })
                .try_chunks(DELETE_MAX);
            let mut ours = std::pin::pin!(ours);
            while let Some(batch) = ours.next().await {
                let batch = batch.map_err(|error| error.1)?;
                let keys: Vec<_> = batch
                    .into_iter()
                    .map(|version| (version.entry.key, version.entry.version))
                    .collect();
                bucket.delete(&keys).await?;
                count += keys.len();
            }
            delete(target).await?;
        }
        Held::Bucket(_) | Held::Tree(_) => {
            let keys = list_target(target)
                .await?
                .map_ok(|entry| entry.key)
                .try_chunks(DELETE_MAX);
            let mut keys = std::pin::pin!(keys);
            while let Some(batch) = keys.next().await {
                let batch = batch.map_err(|error| error.1)?;
                delete_all(target, &batch).await?;
                count += batch.len();
            }
            delete(target).await?;
            if let Held::Tree(tree) = &target.holder {
                tree.remove_empty_folders().await?;
            }
        }
    }
    Ok(Removal::Removed(format!(
        "{}: {count} objects",
        target.url()
    )))
}
