//! One object from one place to another, by the shortest way that there is.
//!
//! Within one service the service copies. Else the bytes are streamed through this machine: checked
//! when they are read (checksum or MD5), counted, and checked by the other side when they are written.

use salvor_contract::Error;

use crate::entry::Entry;
use crate::parts::PART_MIN;
use crate::place::Held;
use crate::place::Place;
use crate::place::Put;
use crate::server_copy::SOURCE_TAG;
use crate::tree_write::Durable;

/// The metadata by which a single object is known as made by a run.
pub(crate) const RUN_MARK: &str = "salvor-run";

/// Brings the object that `entry` names, and no other state of it, to `key` of the target.
///
/// With `run` the new object is marked as made by it. A file's name is on the disk only after [`crate::tree::Tree::sync`].
pub(crate) async fn transfer(
    from: &Place,
    to: &Place,
    entry: &Entry,
    key: &str,
    run: Option<&str>,
) -> Result<(), Error> {
    let content = match (&from.holder, &to.holder) {
        (Held::Bucket(source), Held::Bucket(target)) if target.is_same_service(source) => {
            return target.copy_from(key, source, entry, run).await;
        }
        (Held::Bucket(source), _) => source.get(entry).await?,
        (Held::Tree(source), _) => {
            let content = source.get(&entry.key).await?;
            if (content.entry.size, content.entry.modified) != (entry.size, entry.modified) {
                return Err(Error::refused_with(
                    format!(
                        "{} was changed after it was listed",
                        from.address(&entry.key)
                    ),
                    "Plan again when nobody writes to the source.",
                ));
            }
            content
        }
    };
    let mut put = Put {
        size: Some(entry.size),
        content_type: content.content_type,
        metadata: content.metadata,
        modified: Some(entry.modified),
        ..Put::default()
    };
    if let Held::Tree(_) = &to.holder {
        // Attributes of files are for our own marks, not for a bucket's metadata.
        put.metadata.clear();
    }
    if let Some(run) = run {
        put.metadata.insert(RUN_MARK.to_owned(), run.to_owned());
    }
    match &to.holder {
        Held::Tree(target) => {
            target
                .put(key, content.body, &put, Durable::WithTheRest)
                .await?;
        }
        Held::Bucket(target) => {
            if let Some(etag) = &entry.etag
                && (entry.md5().is_none() || entry.size >= PART_MIN)
            {
                put.metadata.insert(SOURCE_TAG.to_owned(), etag.clone());
            }
            target.put(key, content.body, &put).await?;
        }
    }
    Ok(())
}
