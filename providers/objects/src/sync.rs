//! Brings the objects of one place to another, so that the other holds the same.
//!
//! A sync is convergent: it compares the two sides and sends what is missing or different, so after a
//! crash the same call goes on where the other ended, object by object. Nothing is written before every
//! key of the source was looked at; nothing is deleted before everything was written. Both sides are
//! read as streams; memory does not grow with the number of objects.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use futures::StreamExt;
use futures::TryStreamExt;
use futures::stream::BoxStream;
use salvor_contract::Call;
use salvor_contract::Error;
use salvor_contract::Unit;
use salvor_contract::Update;

use crate::bucket::DELETE_MAX;
use crate::compare::Pair;
use crate::compare::Sameness;
use crate::compare::by_content;
use crate::compare::by_listing;
use crate::compare::merge;
use crate::entry::Entry;
use crate::entry::ListingDigest;
use crate::key::Holder;
use crate::key::check;
use crate::place::Held;
use crate::place::Place;
use crate::source::Scope;
use crate::source::Source;
use crate::source::list_target;
use crate::transfer::transfer;

/// Two places and what is to be done with what only the target has.
#[derive(Clone, Debug)]
pub(crate) struct Sync {
    pub(crate) source: Source,
    pub(crate) target: Place,
    pub(crate) surplus: Surplus,
    /// How many objects are looked at or transferred at once.
    pub(crate) concurrency: usize,
}

/// What happens with objects that only the target has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Surplus {
    Stays,
    IsDeleted,
}

/// How closely objects of the same size are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    /// By their listings alone: some stay open.
    Listing,
    /// By their contents, where the listings do not tell.
    Content,
}

/// What a sync has to do for one key.
#[derive(Clone, Debug)]
pub(crate) enum Difference {
    Missing(Entry),
    Other(Entry),
    Open(Entry),
    Same,
    Surplus(Entry),
}

/// The numbers of a whole comparison.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) created: u64,
    pub(crate) overwritten: u64,
    /// Those of which the listings do not tell whether they are the same.
    pub(crate) open: u64,
    pub(crate) unchanged: u64,
    pub(crate) surplus: u64,
    pub(crate) surplus_bytes: u64,
    pub(crate) overwritten_bytes: u64,
    /// Bytes to write.
    pub(crate) bytes: u64,
    /// The digest of the source, with its numbers.
    pub(crate) source: Digested,
    /// The digest of the target.
    pub(crate) target: Digested,
}

/// A listing in three words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Digested {
    pub(crate) objects: u64,
    pub(crate) bytes: u64,
    pub(crate) digest: String,
}

impl From<ListingDigest> for Digested {
    fn from(listing: ListingDigest) -> Self {
        Self {
            objects: listing.objects,
            bytes: listing.bytes,
            digest: listing.finish(),
        }
    }
}

/// What was done so far, for progress and for the message of an error.
#[derive(Debug, Default)]
struct Done {
    objects: u64,
    bytes: u64,
    begun: u64,
}

impl Sync {
    /// Compares both sides and changes nothing. Refuses keys that must not be written.
    pub(crate) async fn tally(&self, depth: Depth) -> Result<Tally, Error> {
        let mut tally = Tally::default();
        // Behind a lock that is never contended: the digests see each entry as it passes by.
        let digests = Mutex::new((ListingDigest::default(), ListingDigest::default()));
        let mut differences = self.differences(depth, Some(&digests)).await?;
        while let Some(difference) = differences.try_next().await? {
            match difference {
                Difference::Missing(entry) => {
                    tally.created += 1;
                    tally.bytes += entry.size;
                }
                Difference::Other(entry) => {
                    tally.overwritten += 1;
                    tally.overwritten_bytes += entry.size;
                    tally.bytes += entry.size;
                }
                Difference::Open(entry) => {
                    tally.open += 1;
                    tally.bytes += entry.size;
                }
                Difference::Same => tally.unchanged += 1,
                Difference::Surplus(entry) => {
                    tally.surplus += 1;
                    tally.surplus_bytes += entry.size;
                }
            }
        }
        drop(differences);
        let (source, target) = digests.into_inner().unwrap_or_else(PoisonError::into_inner);
        (tally.source, tally.target) = (source.into(), target.into());
        Ok(tally)
    }

    /// Writes what is missing or different, then deletes what is too much, if it is to be deleted.
    pub(crate) async fn run(&self, tally: &Tally, call: &Call<'_>) -> Result<(), Error> {
        let done = Mutex::new(Done::default());
        let result = self.write(tally, call, &done).await;
        let result = match result {
            Ok(()) if self.surplus == Surplus::IsDeleted && tally.surplus > 0 => {
                self.delete(call, &done).await
            }
            other => other,
        };
        let result = match (result, &self.target.holder) {
            (Ok(()), Held::Tree(tree)) => tree.sync().await,
            (other, _) => other,
        };
        let done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        result.map_err(|error| honest(error, &done, &self.target))
    }

    async fn write(&self, tally: &Tally, call: &Call<'_>, done: &Mutex<Done>) -> Result<(), Error> {
        if tally.created + tally.overwritten + tally.open == 0 {
            return Ok(());
        }
        self.differences(Depth::Content, None)
            .await?
            .try_for_each_concurrent(self.concurrency, |difference| async move {
                match difference {
                    Difference::Missing(entry) | Difference::Other(entry) => {
                        still_allowed(call)?;
                        update(done, |done| done.begun += 1);
                        self.transfer_patiently(&entry, call).await?;
                        self.tell(done, entry.size, tally, call);
                    }
                    Difference::Open(_) | Difference::Same | Difference::Surplus(_) => {}
                }
                Ok(())
            })
            .await
    }

    fn tell(&self, done: &Mutex<Done>, bytes: u64, tally: &Tally, call: &Call<'_>) {
        let (objects, sum) = update(done, |done| {
            done.objects += 1;
            done.bytes += bytes;
            (done.objects, done.bytes)
        });
        call.progress.update(Update {
            done: sum,
            // What was open may turn out to be there already, so the total is an upper bound.
            total: Some(tally.bytes.max(sum)),
            unit: Unit::Bytes,
            says: Some(format!("{objects} objects")),
        });
    }

    async fn delete(&self, call: &Call<'_>, done: &Mutex<Done>) -> Result<(), Error> {
        let batches = self
            .differences(Depth::Listing, None)
            .await?
            .try_filter_map(|difference| {
                std::future::ready(Ok(match difference {
                    Difference::Surplus(entry) => Some(entry.key),
                    Difference::Missing(_)
                    | Difference::Other(_)
                    | Difference::Open(_)
                    | Difference::Same => None,
                }))
            })
            .try_chunks(DELETE_MAX);
        let mut batches = std::pin::pin!(batches);
        while let Some(batch) = batches.next().await {
            let batch = batch.map_err(|error| error.1)?;
            still_allowed(call)?;
            update(done, |done| done.begun += batch.len() as u64);
            delete_all(&self.target, &batch).await?;
            update(done, |done| done.objects += batch.len() as u64);
        }
        Ok(())
    }

    /// The differences, key by key. Contents are compared several at once; the order is not kept.
    async fn differences<'a>(
        &'a self,
        depth: Depth,
        digests: Option<&'a Mutex<(ListingDigest, ListingDigest)>>,
    ) -> Result<BoxStream<'a, Result<Difference, Error>>, Error> {
        let with_tree =
            self.source.place.kind() == Holder::Tree || self.target.kind() == Holder::Tree;
        let note = move |entry: &Entry, is_source: bool| {
            if let Some(digests) = digests {
                let mut digests = digests.lock().unwrap_or_else(PoisonError::into_inner);
                if is_source {
                    digests.0.take(entry);
                } else {
                    digests.1.take(entry);
                }
            }
        };
        // Folders are not files: their markers stay behind where one side is a tree.
        let is_wanted = move |entry: &Entry| !(with_tree && entry.is_folder_marker());
        let source = self
            .source
            .list()
            .inspect_ok(move |entry| note(entry, true))
            .try_filter(move |entry| std::future::ready(is_wanted(entry)))
            .and_then(|entry| std::future::ready(self.checked(entry)))
            .boxed();
        let target = list_target(&self.target)
            .await?
            .inspect_ok(move |entry| note(entry, false))
            .try_filter(move |entry| std::future::ready(is_wanted(entry)))
            .boxed();
        Ok(merge(source, target)
            .map_ok(move |pair| self.difference(pair, depth))
            .try_buffer_unordered(self.concurrency)
            .try_filter_map(|difference| std::future::ready(Ok(difference)))
            .boxed())
    }

    async fn difference(&self, pair: Pair, depth: Depth) -> Result<Option<Difference>, Error> {
        let (from, to) = (&self.source.place, &self.target);
        Ok(match pair {
            Pair::Source(entry) => Some(Difference::Missing(entry)),
            // One object that is brought to a folder says nothing of the folder's other objects.
            Pair::Target(_) if matches!(self.source.scope, Scope::Only(_)) => None,
            Pair::Target(entry) => Some(Difference::Surplus(entry)),
            Pair::Both(source, target) => Some(match by_listing(from, to, &source, &target) {
                Sameness::Same => Difference::Same,
                Sameness::Different => Difference::Other(source),
                Sameness::Open if depth == Depth::Listing => Difference::Open(source),
                Sameness::Open => {
                    let is_same = by_content(from, to, &source, &target).await?;
                    to.pace.step();
                    if is_same {
                        Difference::Same
                    } else {
                        Difference::Other(source)
                    }
                }
            }),
        })
    }

    fn checked(&self, entry: Entry) -> Result<Entry, Error> {
        // A marker of a folder ends with a slash by nature; what is before it must be a key.
        let key = entry.key.trim_end_matches('/');
        let key = if entry.is_folder_marker() {
            key
        } else {
            &entry.key
        };
        match check(key, self.target.kind()) {
            Ok(()) => Ok(entry),
            Err(error) => Err(Error::refused_with(
                format!("{}: {error}; nothing was written", self.source.place.url()),
                "Find out who wrote this object, then rename or remove it; keys are never rewritten.",
            )),
        }
    }

    async fn transfer(&self, entry: &Entry) -> Result<(), Error> {
        transfer(&self.source.place, &self.target, entry, &entry.key, None).await
    }

    async fn transfer_patiently(&self, entry: &Entry, call: &Call<'_>) -> Result<(), Error> {
        for wait_seconds in [1, 4] {
            match self.transfer(entry).await {
                Err(Error::Transient { what, .. }) => {
                    call.pause(Duration::from_secs(wait_seconds), &what).await?;
                }
                other => return other,
            }
        }
        self.transfer(entry).await
    }
}

/// Removes objects, in a bucket up to [`DELETE_MAX`] with one request.
pub(crate) async fn delete_all(place: &Place, keys: &[String]) -> Result<(), Error> {
    for key in keys {
        let key = key.trim_end_matches('/');
        check(key, place.kind()).map_err(|error| {
            Error::refused(format!("{}: {error}; it is not deleted", place.url()))
        })?;
    }
    match &place.holder {
        Held::Bucket(bucket) => {
            let keys: Vec<_> = keys.iter().map(|key| (key.clone(), None)).collect();
            bucket.delete(&keys).await
        }
        Held::Tree(tree) => {
            for key in keys {
                tree.delete(key).await?;
            }
            Ok(())
        }
    }
}

/// Begins nothing new after a stop or the deadline.
pub(crate) fn still_allowed(call: &Call<'_>) -> Result<(), Error> {
    if call.stop.is_cancelled() {
        return Err(Error::transient("stopped before the next object"));
    }
    if call.time_left().is_zero() {
        return Err(Error::transient(
            "the deadline passed before the next object",
        ));
    }
    Ok(())
}

/// "Nothing was changed" is said only when nothing was.
fn honest(error: Error, done: &Done, target: &Place) -> Error {
    if done.begun == 0 {
        return error;
    }
    Error::unknown(format!(
        "{error}; {} objects were written to {} before, the same sync goes on with the rest",
        done.objects,
        target.url()
    ))
}

fn update<T>(done: &Mutex<Done>, change: impl FnOnce(&mut Done) -> T) -> T {
    change(&mut done.lock().unwrap_or_else(PoisonError::into_inner))
}
