//! A folder of objects, in a bucket or in the file system, behind one small interface.
//!
//! This is what other providers use: dumps and logs are listed, read and written here, the same for
//! `s3://` and `file://`. A place writes nothing but what it is told, object by object; syncing two
//! places is [`crate::sync`].

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use jiff::Timestamp;
use salvor_contract::Call;
use salvor_contract::Error;

use crate::bucket::Bucket;
use crate::client::Clients;
use crate::config::Config;
use crate::entry::Entry;
use crate::entry::Listing;
use crate::key::Holder;
use crate::key::check;
use crate::location::Location;
use crate::pace::Pace;
use crate::pace::told;
use crate::parts::Parts;
use crate::tree::Tree;
use crate::tree_write::Durable;

/// The bytes of an object, chunk by chunk. An error ends it; what came before is not the whole object.
pub type Body<'a> = BoxStream<'a, Result<Bytes, Error>>;

/// A folder of objects.
#[derive(Clone, Debug)]
pub struct Place {
    pub(crate) location: Location,
    pub(crate) holder: Held,
    pub(crate) pace: Pace,
}

/// Where the objects of a place are.
#[derive(Clone, Debug)]
pub(crate) enum Held {
    Tree(Tree),
    Bucket(Bucket),
}

/// An object that was opened for reading.
pub struct Content {
    /// What is known of it.
    pub entry: Entry,
    /// Its content type, where it has one.
    pub content_type: Option<String>,
    /// Its metadata; none for files.
    pub metadata: BTreeMap<String, String>,
    /// Its bytes. They are checked at the end of the stream, against the service's checksum or, where the
    /// object has none, against an entity tag that is an MD5: bytes count only when the stream ended without
    /// an error.
    pub body: Body<'static>,
}

/// How an object is written. The default is right for a stream of unknown length.
#[derive(Clone, Debug, Default)]
pub struct Put {
    /// The number of bytes, where known: another number is refused, and parts are chosen by it. Without it a
    /// stream to a bucket can have 484 GiB.
    pub size: Option<u64>,
    /// The content type, for buckets.
    pub content_type: Option<String>,
    /// Metadata; for files it is kept in extended attributes where the file system has them.
    pub metadata: BTreeMap<String, String>,
    /// Refuses when the object exists.
    pub if_absent: bool,
    /// The time of change that a file gets; objects have their own.
    pub modified: Option<Timestamp>,
}

impl Place {
    /// Opens the folder at `url` (`s3://bucket/prefix/`, `file:///folder/`, or `file://folder/` below the
    /// plan's folder). No request is made yet, and the folder need not exist.
    ///
    /// Each call makes a client of its own; [`Place::open_with`] shares them.
    ///
    /// # Errors
    /// [`Error::Refused`] for an address or a configuration that is wrong, or a secret that is not there.
    pub async fn open(url: &str, config: &Config, call: &Call<'_>) -> Result<Self, Error> {
        Self::open_with(&Clients::new(), url, config, call).await
    }

    /// Opens the folder at `url` with a client from a cache.
    ///
    /// # Errors
    /// As [`Place::open`].
    pub async fn open_with(
        clients: &Clients,
        url: &str,
        config: &Config,
        call: &Call<'_>,
    ) -> Result<Self, Error> {
        let location = Location::parse(url, call.plan_dir)?;
        let pace = Pace::default();
        let holder = match &location {
            Location::Tree { path } => Held::Tree(Tree {
                path: Arc::new(path.clone()),
                tags: clients.tags.clone(),
                pace: pace.clone(),
            }),
            Location::Bucket { bucket, prefix } => Held::Bucket(Bucket {
                service: clients.service(config, call).await?,
                name: bucket.clone(),
                prefix: prefix.clone(),
                pace: pace.clone(),
            }),
        };
        Ok(Self {
            location,
            holder,
            pace,
        })
    }

    /// The address, with a slash at its end.
    pub fn url(&self) -> String {
        self.location.url()
    }

    /// The address of one object of this place, as it is shown.
    pub fn address(&self, key: &str) -> String {
        match &self.holder {
            Held::Tree(tree) => tree.address(key),
            Held::Bucket(bucket) => bucket.address(key),
        }
    }

    /// All objects whose key begins with `under` (empty: all), in the byte order of their keys, paged to the
    /// end. Keys are not checked: check them before they are used as anything but a key of this place.
    ///
    /// A folder that does not exist is an error, for an answer "nothing is there" would be a guess. In a tree
    /// symbolic links and special files are errors too.
    pub fn list(&self, under: &str) -> Listing<'static> {
        match &self.holder {
            Held::Tree(tree) => tree.list(under, 0),
            Held::Bucket(bucket) => bucket.list(under),
        }
    }

    /// Waits for a look at this place, and tells of each answer that it got meanwhile: what goes on is not taken for
    /// something that hangs.
    ///
    /// In a box, since a look is made of many layers and each caller would hold all of them once more.
    pub fn told<'a, T: Send + 'a>(
        &'a self,
        call: &'a Call<'_>,
        look: impl Future<Output = T> + Send + 'a,
    ) -> BoxFuture<'a, T> {
        Box::pin(async move { told(&[&self.pace], call, look).await })
    }

    /// All objects, passing over the links `latest -> 2026-04-05` that people put beside dated backups: those
    /// in folders above this depth.
    pub(crate) fn list_below_links(&self, depth: usize) -> Listing<'static> {
        match &self.holder {
            Held::Tree(tree) => tree.list("", depth),
            Held::Bucket(bucket) => bucket.list(""),
        }
    }

    /// What is known of one object; `None` when the service or the file system says that it is not there.
    ///
    /// # Errors
    /// When it cannot be found out.
    pub async fn head(&self, key: &str) -> Result<Option<Entry>, Error> {
        self.check(key)?;
        let found = match &self.holder {
            Held::Tree(tree) => tree.head(key).await,
            Held::Bucket(bucket) => Ok(bucket.head(key, None).await?.map(|head| head.entry)),
        };
        self.pace.step();
        found
    }

    /// Opens an object for reading. A missing object is refused.
    ///
    /// # Errors
    /// The service's refusals and failures; later ones come out of the stream.
    pub async fn get(&self, key: &str) -> Result<Content, Error> {
        self.check(key)?;
        self.pace.step();
        match &self.holder {
            Held::Tree(tree) => tree.get(key).await,
            Held::Bucket(bucket) => {
                let entry = Entry {
                    key: key.to_owned(),
                    size: 0,
                    modified: Timestamp::UNIX_EPOCH,
                    etag: None,
                    version: None,
                    file: None,
                };
                bucket.get(&entry).await
            }
        }
    }

    /// Reads a small object whole.
    ///
    /// # Errors
    /// As [`Place::get`], and a refusal when it has more than `limit` bytes.
    pub async fn read(&self, key: &str, limit: usize) -> Result<Vec<u8>, Error> {
        let mut content = self.get(key).await?;
        let mut bytes = Vec::new();
        while let Some(chunk) = content.body.try_next().await? {
            if bytes.len() + chunk.len() > limit {
                return Err(Error::refused(format!(
                    "{} has more than {limit} bytes",
                    self.address(key)
                )));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    /// Writes a stream to one object and gives the number of bytes. The object appears whole or not at all;
    /// memory stays below 64 MiB for all uploads of one client.
    ///
    /// After an error the object may still have been written when the answer was lost: it is whole then.
    ///
    /// # Errors
    /// What the stream, the service or the file system refused; [`Error::Transient`] where sending again is of
    /// use, with a new stream.
    pub async fn put(&self, key: &str, body: Body<'_>, put: &Put) -> Result<u64, Error> {
        self.check(key)?;
        match &self.holder {
            Held::Tree(tree) => tree.put(key, body, put, Durable::Now).await,
            Held::Bucket(bucket) => Ok(bucket.put(key, Parts::of(body), put).await?.size),
        }
    }

    /// Writes one small object whole.
    ///
    /// # Errors
    /// As [`Place::put`].
    pub async fn write(&self, key: &str, bytes: Bytes, put: &Put) -> Result<u64, Error> {
        self.put(key, crate::tree::once(bytes), put).await
    }

    /// Removes one object. That it is not there is as good.
    ///
    /// # Errors
    /// When the service or the file system refuses or cannot be reached.
    pub async fn delete(&self, key: &str) -> Result<(), Error> {
        self.check(key)?;
        match &self.holder {
            Held::Tree(tree) => tree.delete(key).await,
            Held::Bucket(bucket) => bucket.delete(&[(key.to_owned(), None)]).await,
        }
    }

    /// The folder of this name below this one.
    ///
    /// # Errors
    /// When the name is no key.
    pub fn below(&self, name: &str) -> Result<Self, Error> {
        let name = name.trim_end_matches('/');
        self.check(name)?;
        let mut below = self.clone();
        match (&mut below.location, &mut below.holder) {
            (Location::Tree { path }, Held::Tree(tree)) => {
                path.push(name);
                tree.path = Arc::new(path.clone());
            }
            (Location::Bucket { prefix, .. }, Held::Bucket(bucket)) => {
                prefix.push_str(name);
                prefix.push('/');
                bucket.prefix.clone_from(prefix);
            }
            (Location::Tree { .. }, Held::Bucket(_)) | (Location::Bucket { .. }, Held::Tree(_)) => {
                unreachable!("a place holds what its address says")
            }
        }
        Ok(below)
    }

    /// Where the keys of this place are names: in folders or in a bucket.
    pub(crate) fn kind(&self) -> Holder {
        match &self.holder {
            Held::Tree(_) => Holder::Tree,
            Held::Bucket(_) => Holder::Bucket,
        }
    }

    fn check(&self, key: &str) -> Result<(), Error> {
        check(key, self.kind()).map_err(|error| {
            Error::refused_with(
                format!("{}: {error}", self.url()),
                "Rename the object at its source; keys are never rewritten.",
            )
        })
    }
}
