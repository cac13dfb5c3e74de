//! The S3 server that the worlds of this program share, and a client of it that is not salvor's.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::BehaviorVersion;
use aws_sdk_s3::config::Credentials;
use aws_sdk_s3::config::Region;
use aws_sdk_s3::types::BucketVersioningStatus;
use aws_sdk_s3::types::VersioningConfiguration;
use salvor_testbed::Minio;
use salvor_testbed::Versitygw;
use salvor_testbed::require;
use tokio::runtime::Runtime;

use crate::world::World;

/// Numbers the names of buckets: worlds share the server.
static NAMES: AtomicU32 = AtomicU32::new(0);

/// A name that no other world of this process has.
pub fn fresh(name: &str) -> String {
    format!("{name}-{}", NAMES.fetch_add(1, Ordering::Relaxed))
}

#[expect(dead_code, reason = "MinIO is held so that it runs on")]
enum Server {
    Versitygw(Arc<Versitygw>),
    Minio(Minio),
}

/// A server and a client.
pub struct Storage {
    endpoint: String,
    region: String,
    keys: (&'static str, &'static str),
    client: Client,
    runtime: Runtime,
    server: Server,
}

impl Storage {
    /// The server that all share; nothing when it cannot be had on this machine.
    pub fn shared() -> Option<Self> {
        let server = require(Versitygw::shared())?;
        let keys = (server.access_key(), server.secret_key());
        let (endpoint, region) = (server.endpoint(), server.region());
        Some(Self::new(endpoint, region, keys, Server::Versitygw(server)))
    }

    /// A MinIO of one's own.
    pub fn minio() -> Option<Self> {
        let server = require(Minio::start())?;
        let keys = (server.access_key(), server.secret_key());
        let (endpoint, region) = (server.endpoint(), server.region());
        Some(Self::new(endpoint, region, keys, Server::Minio(server)))
    }

    fn new(
        endpoint: String,
        region: &str,
        keys: (&'static str, &'static str),
        server: Server,
    ) -> Self {
        let config = aws_sdk_s3::config::Builder::new()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .endpoint_url(&endpoint)
            .region(Region::new(region.to_owned()))
            .force_path_style(true)
            .credentials_provider(Credentials::new(keys.0, keys.1, None, None, "test"))
            .build();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build();
        Self {
            endpoint,
            region: region.to_owned(),
            keys,
            client: Client::from_conf(config),
            runtime: runtime.expect("a runtime"),
            server,
        }
    }

    /// The address of the server.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The region that requests are signed for.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The access key and the secret key.
    pub fn keys(&self) -> (&'static str, &'static str) {
        self.keys
    }

    /// Tells a world where the server is, and the AWS SDK who we are: by its environment.
    pub fn tell(&self, world: &mut World) {
        world.give("endpoint", &*self.endpoint);
        world.give("region", &*self.region);
        world.set("AWS_ACCESS_KEY_ID", self.keys.0);
        world.set("AWS_SECRET_ACCESS_KEY", self.keys.1);
    }

    /// Makes a bucket.
    pub fn bucket(&self, name: &str) {
        let made = self.client.create_bucket().bucket(name).send();
        self.runtime.block_on(made).expect("a bucket is made");
    }

    /// Makes a bucket that keeps versions.
    pub fn versioned(&self, name: &str) {
        self.bucket(name);
        self.keep_versions(name);
    }

    /// Has a bucket keep versions from now on.
    pub fn keep_versions(&self, name: &str) {
        let enabled = VersioningConfiguration::builder()
            .status(BucketVersioningStatus::Enabled)
            .build();
        let request = self
            .client
            .put_bucket_versioning()
            .bucket(name)
            .versioning_configuration(enabled);
        let kept = self.runtime.block_on(request.send());
        kept.expect("it keeps versions");
    }

    /// The folder whose files are the objects of a bucket: many are put faster so.
    pub fn folder(&self, bucket: &str) -> PathBuf {
        match &self.server {
            Server::Versitygw(server) => server.data_dir().join(bucket),
            Server::Minio(_) => panic!("a folder of MinIO is no bucket"),
        }
    }

    /// A moment after all that was put so far and before all that is put from now on. The moments of versions are
    /// told to the second by some servers, so it is the last one of a second that is over.
    pub fn moment(&self) -> String {
        let clock = fresh("clock");
        self.bucket(&clock);
        let second = || {
            self.put(&clock, "now", "");
            let head = self.client.head_object().bucket(&clock).key("now").send();
            let head = self.runtime.block_on(head).expect("it was put");
            head.last_modified().expect("it has a time").secs()
        };
        let over = second();
        while second() == over {}
        let last = jiff::Timestamp::from_millisecond(over * 1000 + 999);
        last.expect("a moment of our time").to_string()
    }

    /// Puts an object.
    pub fn put(&self, bucket: &str, key: &str, bytes: impl Into<Vec<u8>>) {
        let body = bytes.into().into();
        let put = self.client.put_object().bucket(bucket).key(key).body(body);
        let put = self.runtime.block_on(put.send());
        put.expect("an object is put");
    }

    /// Deletes an object; where versions are kept, it is hidden.
    pub fn delete(&self, bucket: &str, key: &str) {
        let delete = self.client.delete_object().bucket(bucket).key(key);
        let deleted = self.runtime.block_on(delete.send());
        deleted.expect("an object is deleted");
    }

    /// The texts of all objects of a bucket by key.
    pub fn texts(&self, bucket: &str) -> BTreeMap<String, String> {
        let listing = self.client.list_objects_v2().bucket(bucket).send();
        let listing = self.runtime.block_on(listing).expect("it is listed");
        assert_ne!(listing.is_truncated(), Some(true), "too many for one page");
        let keys = listing.contents().iter().filter_map(|object| object.key());
        keys.map(|key| (key.to_owned(), self.text(bucket, key)))
            .collect()
    }

    fn text(&self, bucket: &str, key: &str) -> String {
        let read = async {
            let object = self.client.get_object().bucket(bucket).key(key);
            let object = object.send().await.expect("it is there");
            let bytes = object.body.collect().await.expect("it is read");
            String::from_utf8_lossy(&bytes.into_bytes()).into_owned()
        };
        self.runtime.block_on(read)
    }
}
