//! The mark by which a run owns a target that was empty: one small object in it.
//!
//! Objects of a bucket cannot be marked for nothing: a server-side copy keeps the metadata of its
//! source. So a sync into an empty target puts `.salvor-claim.json` there first, and removing (the
//! clean-up of a drill) takes away all of a target that carries the claim of its own run, and nothing
//! else. A target that held something before is never claimed and never emptied.

use bytes::Bytes;
use futures::StreamExt;
use futures::TryStreamExt;
use salvor_contract::Error;
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

/// Removes all that is in a target that this operation's run claimed.
pub(crate) async fn remove(target: &Place, operation: &Operation) -> Result<Removal, Error> {
    if let Held::Tree(tree) = &target.holder
        && !tree.exists().await?
    {
        return Ok(Removal::NothingThere);
    }
    let Some(found) = target.head(CLAIM).await? else {
        let is_empty = list_target(target)
            .await?
            .next()
            .await
            .transpose()?
            .is_none();
        return Ok(if is_empty {
            Removal::NothingThere
        } else {
            Removal::NotOurs(format!("{} was not empty before", target.url()))
        });
    };
    let bytes = target.read(CLAIM, 4096).await?;
    let claim: Claim = serde_json::from_slice(&bytes)
        .map_err(|_| Error::refused(format!("{} is not a claim", target.address(CLAIM))))?;
    if claim.run != operation.run.as_str() {
        return Ok(Removal::NotOurs(format!(
            "{} was made by run {}",
            target.url(),
            claim.run
        )));
    }
    let mut count = 0;
    match &target.holder {
        Held::Bucket(bucket) if bucket.versioning().await? != Versioning::Off => {
            // Deleting by key would only hide them. Older versions were not made by this run.
            let ours = bucket
                .versions()
                .try_filter(|version| {
                    let is_ours =
                        version.entry.modified >= found.modified && version.entry.key != CLAIM;
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
            let head = bucket.head(CLAIM, None).await?;
            let version = head.and_then(|head| head.entry.version);
            bucket.delete(&[(CLAIM.to_owned(), version)]).await?;
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
            target.delete(CLAIM).await?;
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
