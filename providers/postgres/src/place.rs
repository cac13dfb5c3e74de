//! A folder of backups as streams: what this crate needs of [`salvor_objects::Place`], and no more.

use std::path::PathBuf;

use futures::TryStreamExt as _;
use futures::future::BoxFuture;
use salvor_contract::Call;
use salvor_contract::Error;
use salvor_objects::Put;
use tokio::io::AsyncRead;
use tokio_util::io::StreamReader;

use crate::config::Config;

pub use salvor_objects::Entry;

/// A stream of bytes of one file. It counts as whole only when it ended without an error.
pub type Bytes = Box<dyn AsyncRead + Send + Unpin>;

/// A folder of backups.
#[derive(Clone, Debug)]
pub struct Place {
    objects: salvor_objects::Place,
    folder: Option<PathBuf>,
}

impl Place {
    /// The place of an address: `s3://bucket/prefix/`, `file:///folder/`, `file://folder/` below the plan's folder.
    ///
    /// # Errors
    /// [`Error::Refused`] for an address or a configuration that is wrong.
    pub async fn open(url: &str, config: &Config, call: &Call<'_>) -> Result<Self, Error> {
        Ok(Self {
            objects: salvor_objects::Place::open(url, &config.objects, call).await?,
            folder: url.strip_prefix("file://").map(|path| call.path(path)),
        })
    }

    /// Every file whose key begins with `under`, in the order of the keys.
    ///
    /// # Errors
    /// When anything could not be looked at.
    pub async fn list(&self, under: &str) -> Result<Vec<Entry>, Error> {
        self.objects.list(under).try_collect().await
    }

    /// Waits for a look at this place, and tells that it goes on.
    pub fn told<'a, T: Send + 'a>(
        &'a self,
        call: &'a Call<'_>,
        look: impl Future<Output = T> + Send + 'a,
    ) -> BoxFuture<'a, T> {
        self.objects.told(call, look)
    }

    /// One file; `None` when there is none.
    ///
    /// # Errors
    /// When it could not be looked at.
    pub async fn look(&self, key: &str) -> Result<Option<Entry>, Error> {
        self.objects.head(key).await
    }

    /// The bytes of a file.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub async fn read(&self, key: &str) -> Result<Bytes, Error> {
        let content = self.objects.get(key).await?;
        let body = content.body.map_err(std::io::Error::other);
        Ok(Box::new(StreamReader::new(body)))
    }

    /// The whole of a small file.
    ///
    /// # Errors
    /// When it cannot be read or has more than `most` bytes.
    pub async fn read_small(&self, key: &str, most: usize) -> Result<Vec<u8>, Error> {
        self.objects.read(key, most).await
    }

    /// Writes a stream to a key that must not be taken; gives the number of bytes. It appears whole or not at all.
    ///
    /// # Errors
    /// What the stream or the service refused.
    pub async fn put_new(&self, key: &str, body: salvor_objects::Body<'_>) -> Result<u64, Error> {
        let put = Put {
            if_absent: true,
            ..Put::default()
        };
        self.objects.put(key, body, &put).await
    }

    /// Writes a small file to a key that must not be taken.
    ///
    /// # Errors
    /// What the service refused.
    pub async fn write_new(&self, key: &str, bytes: Vec<u8>) -> Result<(), Error> {
        let put = Put {
            if_absent: true,
            ..Put::default()
        };
        self.objects.write(key, bytes.into(), &put).await.map(drop)
    }

    /// Removes a file. That it is not there is as good.
    ///
    /// # Errors
    /// When that cannot be done.
    pub async fn delete(&self, key: &str) -> Result<(), Error> {
        self.objects.delete(key).await
    }

    /// The path of a file, where the place is a folder of this machine.
    pub fn local(&self, key: &str) -> Option<PathBuf> {
        self.folder.as_ref().map(|folder| folder.join(key))
    }

    /// How a file is named to people.
    pub fn name(&self, key: &str) -> String {
        self.objects.address(key)
    }
}

/// Runs what blocks beside the runtime's own threads.
///
/// # Errors
/// What the work gives.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(Error::unknown(format!("a thread ended early: {error}"))),
    }
}
