//! Two listings into the differences between them, in one pass and with bounded memory.
//!
//! The same size alone never makes two objects the same. Between buckets it takes the same entity tag,
//! or the same checksum over the whole object, or a mark that the copy carries of its source. Between a
//! bucket and a file it takes the source's time of change to the second on the file (which a restore
//! sets), a mark on a large object of the file's time of change, or a file whose content has the entity
//! tag. Between files it takes the same time of change, or the same content. A file that this process read
//! or wrote to the bucket is known by its state, and not read again. What cannot be shown to be the same is
//! different, and is written again.

use std::cmp::Ordering;

use futures::StreamExt;
use futures::stream;
use futures::stream::BoxStream;
use salvor_contract::Error;

use crate::bucket::Bucket;
use crate::entry::Entry;
use crate::entry::Listing;
use crate::parts::PART_MIN;
use crate::place::Held;
use crate::place::Place;
use crate::server_copy::SOURCE_TAG;
use crate::tags::Origin;
use crate::transfer::SOURCE_TIME;

/// A key of one listing or of both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pair {
    /// Only the source has it.
    Source(Entry),
    /// Only the target has it.
    Target(Entry),
    /// Both have it: the source's, the target's.
    Both(Entry, Entry),
}

/// Whether two objects of one key have the same content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sameness {
    Same,
    Different,
    /// The listings do not tell.
    Open,
}

/// The keys of two listings side by side. Both must be in key order; the listings see to that.
pub(crate) fn merge<'a>(
    source: Listing<'a>,
    target: Listing<'a>,
) -> BoxStream<'a, Result<Pair, Error>> {
    let state = (source.peekable(), target.peekable());
    stream::try_unfold(state, |(mut source, mut target)| async move {
        let mut one = std::pin::Pin::new(&mut source);
        let mut two = std::pin::Pin::new(&mut target);
        let order = match (one.as_mut().peek().await, two.as_mut().peek().await) {
            (None, None) => return Ok(None),
            (Some(Ok(one)), Some(Ok(two))) => one.key.cmp(&two.key),
            (Some(_), None) | (Some(Err(_)), Some(_)) => Ordering::Less,
            (None, Some(_)) | (Some(Ok(_)), Some(Err(_))) => Ordering::Greater,
        };
        let pair = match order {
            Ordering::Less => one.next().await.transpose()?.map(Pair::Source),
            Ordering::Greater => two.next().await.transpose()?.map(Pair::Target),
            Ordering::Equal => {
                let source = one.next().await.transpose()?;
                let target = two.next().await.transpose()?;
                source.zip(target).map(|(one, two)| Pair::Both(one, two))
            }
        };
        Ok(pair.map(|pair| (pair, (source, target))))
    })
    .boxed()
}

/// What the listings alone tell.
pub(crate) fn by_listing(from: &Place, to: &Place, source: &Entry, target: &Entry) -> Sameness {
    if source.size != target.size {
        return Sameness::Different;
    }
    let is_same = match (&from.holder, &to.holder) {
        (Held::Bucket(_), Held::Bucket(_)) => source.etag.is_some() && source.etag == target.etag,
        (Held::Bucket(_), Held::Tree(_)) => {
            source.modified.as_second() == target.modified.as_second()
        }
        (Held::Tree(_), Held::Tree(_)) => source.modified == target.modified,
        (Held::Tree(tree), Held::Bucket(_)) => match (source.file, &target.etag) {
            (Some(state), Some(etag)) => match tree.tags.is(state, etag) {
                Some(false) => return Sameness::Different,
                known => known == Some(true),
            },
            (Some(_) | None, _) => false,
        },
    };
    if is_same {
        Sameness::Same
    } else {
        Sameness::Open
    }
}

/// Looks at the objects themselves where the listings do not tell.
pub(crate) async fn by_content(
    from: &Place,
    to: &Place,
    source: &Entry,
    target: &Entry,
) -> Result<bool, Error> {
    match (&from.holder, &to.holder) {
        (Held::Bucket(one), Held::Bucket(two)) => {
            let Some(copy) = two.head(&target.key, None).await? else {
                return Ok(false);
            };
            let mark = copy.metadata.get(SOURCE_TAG);
            if mark.is_some() && mark == source.etag.as_ref() {
                return Ok(true);
            }
            if copy.checksum.is_none() {
                return Ok(false);
            }
            let origin = one.head(&source.key, source.version.clone()).await?;
            Ok(origin.is_some_and(|origin| origin.checksum == copy.checksum))
        }
        (Held::Bucket(_), Held::Tree(tree)) => {
            Ok(source.etag.as_deref() == Some(tree.etag(target).await?.as_str()))
        }
        (Held::Tree(tree), Held::Bucket(bucket)) => {
            if source.size >= PART_MIN && is_written_from(bucket, source, target).await? {
                if let (Some(state), Some(etag)) = (source.file, &target.etag) {
                    tree.tags.note(state, etag, Origin::Service);
                }
                return Ok(true);
            }
            Ok(target.etag.as_deref() == Some(tree.etag(source).await?.as_str()))
        }
        (Held::Tree(one), Held::Tree(two)) => {
            Ok(one.etag(source).await? == two.etag(target).await?)
        }
    }
}

/// Whether a large object says that it was written from a file of this time of change.
async fn is_written_from(bucket: &Bucket, source: &Entry, target: &Entry) -> Result<bool, Error> {
    let Some(head) = bucket.head(&target.key, None).await? else {
        return Ok(false);
    };
    let time = source.modified.as_nanosecond().to_string();
    // The object may have been written again since it was listed.
    let is_listed = (head.entry.size, &head.entry.etag) == (source.size, &target.etag);
    Ok(is_listed && head.metadata.get(SOURCE_TIME) == Some(&time))
}

#[cfg(test)]
mod tests {
    use futures::StreamExt;
    use futures::TryStreamExt;
    use futures::stream;
    use jiff::Timestamp;
    use salvor_contract::Error;

    use super::Pair;
    use super::merge;
    use crate::entry::Entry;
    use crate::entry::Listing;

    fn listing(keys: &[&str]) -> Listing<'static> {
        let entries: Vec<Result<Entry, Error>> = keys.iter().map(|key| Ok(entry(key))).collect();
        stream::iter(entries).boxed()
    }

    fn entry(key: &str) -> Entry {
        Entry {
            key: key.to_owned(),
            size: 0,
            modified: Timestamp::UNIX_EPOCH,
            etag: None,
            version: None,
            file: None,
        }
    }

    async fn check(source: &[&str], target: &[&str], expected: &[&str]) {
        let found: Vec<Pair> = merge(listing(source), listing(target))
            .try_collect()
            .await
            .expect("no listing fails");
        let found: Vec<String> = found
            .into_iter()
            .map(|pair| match pair {
                Pair::Source(entry) => format!("+{}", entry.key),
                Pair::Target(entry) => format!("-{}", entry.key),
                Pair::Both(entry, _) => format!("={}", entry.key),
            })
            .collect();
        assert_eq!(found, expected);
    }

    #[tokio::test]
    async fn two_listings_are_merged_key_by_key() {
        check(&[], &[], &[]).await;
        check(&["a", "b"], &[], &["+a", "+b"]).await;
        check(&[], &["a", "b"], &["-a", "-b"]).await;
        check(
            &["a", "c", "d"],
            &["b", "c", "e"],
            &["+a", "-b", "=c", "+d", "-e"],
        )
        .await;
        check(&["a.txt", "a/b"], &["a.txt", "a/b"], &["=a.txt", "=a/b"]).await;
    }

    #[tokio::test]
    async fn a_listing_that_fails_is_not_taken_for_its_end() {
        let broken = stream::iter([Ok(entry("a")), Err(Error::transient("gone"))]).boxed();
        let result: Result<Vec<Pair>, Error> =
            merge(listing(&["a", "b"]), broken).try_collect().await;
        assert_eq!(result, Err(Error::transient("gone")));
    }
}
