//! One object from one place to another, by the shortest way that there is.
//!
//! Within one service the service copies. Else the bytes are streamed through this machine: checked
//! when they are read (checksum or MD5), counted, and checked by the other side when they are written.

use salvor_contract::Error;

use crate::bucket::Bucket;
use crate::entry::Entry;
use crate::parts::PART_MIN;
use crate::parts::Parts;
use crate::place::Held;
use crate::place::Place;
use crate::place::Put;
use crate::server_copy::SOURCE_TAG;
use crate::tags::Origin;
use crate::tree::Tree;
use crate::tree_write::Durable;

/// The metadata by which a single object is known as made by a run.
pub(crate) const RUN_MARK: &str = "salvor-run";

/// The metadata by which a large object is known as written from a file: the file's time of change, in nanoseconds
/// since 1970. To look at it costs one request, and to compute the tag of the file the reading of all its bytes.
pub(crate) const SOURCE_TIME: &str = "salvor-source-modified";

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
        (Held::Tree(source), Held::Bucket(target)) => {
            return upload(source, target, entry, key, run).await;
        }
        (Held::Tree(source), Held::Tree(_)) => source.get_as_listed(entry).await?,
        (Held::Bucket(source), _) => source.get(entry).await?,
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
    mark(&mut put, run);
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
            target.put(key, Parts::of(content.body), &put).await?;
        }
    }
    Ok(())
}

/// A file into a bucket. The tag that the service gives it is remembered, so the file need not be read again to
/// see that the object is the same.
async fn upload(
    source: &Tree,
    target: &Bucket,
    entry: &Entry,
    key: &str,
    run: Option<&str>,
) -> Result<(), Error> {
    let mut put = Put {
        size: Some(entry.size),
        ..Put::default()
    };
    if entry.size >= PART_MIN {
        let modified = entry.modified.as_nanosecond().to_string();
        put.metadata.insert(SOURCE_TIME.to_owned(), modified);
    }
    mark(&mut put, run);
    let written = target.put(key, Parts::of_file(source, entry), &put).await?;
    if let (Some(state), Some(etag)) = (written.state, &written.etag) {
        source.tags.note(state, etag, Origin::Service);
    }
    Ok(())
}

fn mark(put: &mut Put, run: Option<&str>) {
    if let Some(run) = run {
        put.metadata.insert(RUN_MARK.to_owned(), run.to_owned());
    }
}
