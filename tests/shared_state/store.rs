//! An object store with a bucket for state, and the ways to it: for a plan, for salvor's library, for a child process.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::BehaviorVersion;
use aws_sdk_s3::config::Credentials;
use aws_sdk_s3::config::Region;
use salvor::builtin_providers::registry;
use salvor::cli::surroundings::real;
use salvor::journal::Environment;
use salvor::journal::Place;
use salvor::journal::SharedPlace;
use salvor::journal::lock::LeaseLock;
use salvor::journal::lock::lease::Terms;
use salvor::journal::shared::SharedObject;
use salvor::surroundings::Unwatched;
use salvor_contract::SharedStore;
use salvor_contract::Values;
use salvor_testbed::Minio;
use salvor_testbed::Versitygw;
use salvor_testbed::require;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

/// The bucket in which all state is.
const BUCKET: &str = "state";

/// What a process must know to reach the store. The keys are those of every server of the testbed.
#[derive(Clone, Debug)]
pub struct Reach {
    /// The address of the server, or of what stands before it.
    pub endpoint: String,
    /// The access key.
    pub access_key: String,
    /// The secret key.
    pub secret_key: String,
}

#[expect(dead_code, reason = "they are held so that they run on")]
enum Server {
    Minio(Minio),
    Versitygw(Versitygw),
}

/// A running object store with an empty bucket.
pub struct Store {
    reach: Reach,
    client: Client,
    runtime: Runtime,
    _server: Server,
}

impl Store {
    /// A MinIO; nothing where it cannot be had.
    pub fn minio() -> Option<Self> {
        let server = require(Minio::start())?;
        let reach = Reach {
            endpoint: server.endpoint(),
            access_key: server.access_key().to_owned(),
            secret_key: server.secret_key().to_owned(),
        };
        Some(Self::new(reach, Server::Minio(server)))
    }

    /// A versitygw; nothing where it cannot be had.
    pub fn versitygw() -> Option<Self> {
        let server = require(Versitygw::start())?;
        let reach = Reach {
            endpoint: server.endpoint(),
            access_key: server.access_key().to_owned(),
            secret_key: server.secret_key().to_owned(),
        };
        Some(Self::new(reach, Server::Versitygw(server)))
    }

    fn new(reach: Reach, server: Server) -> Self {
        let keys = Credentials::new(&reach.access_key, &reach.secret_key, None, None, "test");
        let config = aws_sdk_s3::config::Builder::new()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .endpoint_url(&reach.endpoint)
            .region(Region::new("us-east-1"))
            .force_path_style(true)
            .credentials_provider(keys)
            .build();
        let store = Self {
            reach,
            client: Client::from_conf(config),
            runtime: runtime(),
            _server: server,
        };
        let made = store.client.create_bucket().bucket(BUCKET).send();
        store.runtime.block_on(made).expect("a bucket");
        store
    }

    /// How the store is reached.
    pub fn reach(&self) -> &Reach {
        &self.reach
    }

    /// Lets everybody do everything with the bucket, without a signature.
    pub fn open_to_all(&self) {
        let policy = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":["*"]}},
            "Action":["s3:ListBucket","s3:GetObject","s3:PutObject","s3:DeleteObject"],
            "Resource":["arn:aws:s3:::{BUCKET}","arn:aws:s3:::{BUCKET}/*"]}}]}}"#
        );
        let request = self.client.put_bucket_policy().bucket(BUCKET);
        let put = request.policy(policy).send();
        self.runtime.block_on(put).expect("a policy");
    }

    /// The keys below a prefix of the bucket, in order.
    pub fn keys(&self, prefix: &str) -> Vec<String> {
        let list = self.client.list_objects_v2().bucket(BUCKET).prefix(prefix);
        let listed = self.runtime.block_on(list.send()).expect("a listing");
        let keys = listed.contents().iter().filter_map(|object| object.key());
        keys.map(str::to_owned).collect()
    }
}

/// A runtime as salvor has one.
pub fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
}

impl Reach {
    /// The same through something that stands before the server.
    pub fn through(&self, port: u16) -> Self {
        Self {
            endpoint: format!("http://127.0.0.1:{port}"),
            ..self.clone()
        }
    }

    /// `state` of a plan whose state is below this prefix; its keys are in the environment.
    pub fn plan_line(&self, prefix: &str) -> String {
        let endpoint = &self.endpoint;
        format!(
            "state = {{ at = \"s3://{BUCKET}/{prefix}\", with = {{ endpoint = \"{endpoint}\", \
             access-key = \"env:STATE_KEY\", secret-key = \"env:STATE_SECRET\", checksums = \"when-required\" }} }}\n"
        )
    }

    /// The environment variables that such a plan names.
    pub fn variables(&self) -> [(&'static str, &str); 2] {
        [
            ("STATE_KEY", &self.access_key),
            ("STATE_SECRET", &self.secret_key),
        ]
    }

    /// The store itself, as salvor reaches it. The keys must be in files of this folder.
    async fn store(&self, prefix: &str, folder: &Path) -> Arc<dyn SharedStore> {
        std::fs::write(folder.join("key"), &self.access_key).expect("the test's folder");
        std::fs::write(folder.join("secret"), &self.secret_key).expect("the test's folder");
        let config = Values::new()
            .with("endpoint", self.endpoint.as_str())
            .with("access-key", "file:key")
            .with("secret-key", "file:secret");
        let around = real(folder.to_owned());
        let call = around.call(
            &Unwatched,
            CancellationToken::new(),
            std::time::Duration::from_secs(60),
            folder,
        );
        let registry = registry();
        let address = format!("s3://{BUCKET}/{prefix}");
        let keeper = registry
            .iter()
            .find(|provider| provider.keeps_state(&address).is_some())
            .expect("a provider keeps state in buckets");
        let opened = keeper.shared_store(&address, &config, &call).await;
        opened.expect("the store is reached")
    }

    /// The state below a prefix, as another machine sees it that has only this folder.
    pub async fn place(&self, prefix: &str, folder: &Path) -> Arc<dyn Place> {
        let around = real(folder.to_owned());
        Arc::new(SharedPlace::new(
            self.store(prefix, folder).await,
            folder.join("local"),
            around.clock,
            around.randomness,
        ))
    }

    /// The environment below a prefix; made when it is not there.
    pub async fn environment(&self, prefix: &str, folder: &Path) -> Environment {
        let randomness = real(folder.to_owned()).randomness;
        Environment::open(self.place(prefix, folder).await, randomness.as_ref())
            .await
            .expect("the store is fit")
    }

    /// Locks of short terms below a prefix, each by its key.
    pub async fn locks(&self, prefix: &str, folder: &Path) -> Locks {
        Locks {
            store: self.store(prefix, folder).await,
            folder: folder.to_owned(),
        }
    }
}

/// Locks of short terms.
pub struct Locks {
    store: Arc<dyn SharedStore>,
    folder: PathBuf,
}

impl Locks {
    /// The object at a key.
    pub fn object(&self, key: &str) -> SharedObject {
        SharedObject::new(Arc::clone(&self.store), key.to_owned())
    }

    /// The lock at a key.
    pub fn at(&self, key: &str) -> LeaseLock {
        let around = real(self.folder.clone());
        let object = Arc::new(self.object(key));
        LeaseLock::new(object, around.clock, around.randomness).with_terms(SHORT)
    }
}

/// A tenth of what salvor itself goes by, so that nobody waits for half a minute.
pub const SHORT: Terms = Terms {
    ttl: std::time::Duration::from_secs(3),
    renew: std::time::Duration::from_secs(1),
    margin: std::time::Duration::from_millis(500),
    poll: std::time::Duration::from_millis(200),
};
