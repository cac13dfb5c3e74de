//! Clients of S3 services, one for each configuration, and the memory that transfers share.
//!
//! A client holds connections and credentials and no state of ours, so it is kept and used again; the
//! cache is keyed by a hash over the configuration and the resolved secrets, so a secret that was
//! exchanged makes a new client.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::Credentials;
use aws_sdk_s3::config::Region;
use aws_sdk_s3::config::RequestChecksumCalculation;
use aws_sdk_s3::config::ResponseChecksumValidation;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use salvor_contract::Call;
use salvor_contract::Error;
use salvor_contract::Secret;
use salvor_contract::secret::ExposeSecret;
use sha2::Digest;
use sha2::Sha256;
use tokio::sync::Mutex;
use tokio::sync::Semaphore;

use crate::config::Checksums;
use crate::config::Config;
use crate::config::Payload;
use crate::entry::hex;
use crate::tags::Tags;

/// A client and what belongs to it.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    pub(crate) client: Client,
    /// Names the service in comparisons: server-side copies are possible within one service only.
    pub(crate) endpoint: String,
    pub(crate) checksums: Checksums,
    pub(crate) payload: Payload,
    pub(crate) memory: Memory,
}

/// The memory for parts of uploads, in KiB, shared by all transfers of one client.
#[derive(Clone, Debug)]
pub(crate) struct Memory(pub(crate) Arc<Semaphore>);

/// What uploads may hold at once. With it a sync stays below 64 MiB.
pub(crate) const MEMORY_KIB: u32 = 32 * 1024;

impl Default for Memory {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MEMORY_KIB as usize)))
    }
}

/// A cache of clients by configuration.
#[derive(Debug, Default)]
pub struct Clients {
    known: Mutex<BTreeMap<String, Service>>,
    /// The tags of the files of all trees that were opened with it.
    pub(crate) tags: Tags,
}

impl Clients {
    /// No clients yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The client for this configuration, made on first use.
    pub(crate) async fn service(&self, config: &Config, call: &Call<'_>) -> Result<Service, Error> {
        config.check()?;
        let keys = Keys::resolve(config, call).await?;
        let id = keys.fingerprint(config);
        let mut known = self.known.lock().await;
        if let Some(service) = known.get(&id) {
            return Ok(service.clone());
        }
        let service = connect(config, keys).await;
        known.insert(id, service.clone());
        Ok(service)
    }
}

/// Resolved credentials. They go into the SDK and nowhere else.
struct Keys {
    access: Option<String>,
    secret: Option<String>,
    session: Option<String>,
}

impl Keys {
    async fn resolve(config: &Config, call: &Call<'_>) -> Result<Self, Error> {
        Ok(Self {
            access: value(config.access_key.as_ref(), call).await?,
            secret: value(config.secret_key.as_ref(), call).await?,
            session: value(config.session_token.as_ref(), call).await?,
        })
    }

    fn fingerprint(&self, config: &Config) -> String {
        let mut hash = Sha256::new();
        hash.update(serde_json::to_vec(config).expect("a configuration of plain values"));
        for part in [&self.access, &self.secret, &self.session] {
            hash.update([0]);
            hash.update(part.as_deref().unwrap_or_default());
        }
        hex(&hash.finalize())
    }
}

async fn value(secret: Option<&Secret>, call: &Call<'_>) -> Result<Option<String>, Error> {
    match secret {
        None => Ok(None),
        Some(secret) => Ok(Some(call.resolve(secret).await?.expose_secret().to_owned())),
    }
}

async fn connect(config: &Config, keys: Keys) -> Service {
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .retry_config(RetryConfig::standard().with_max_attempts(3))
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(Duration::from_millis(3_100))
                .read_timeout(Duration::from_secs(30))
                // A part of an upload on a slow line takes its time; a silent one is found by the read timeout.
                .operation_attempt_timeout(Duration::from_secs(15 * 60))
                .build(),
        );
    // With an own endpoint the SDK must not look for a region on the machine or in the cloud.
    let region = config
        .region
        .clone()
        .or_else(|| config.endpoint.as_ref().map(|_| "us-east-1".to_owned()));
    if let Some(region) = region {
        loader = loader.region(Region::new(region));
    }
    if let (Some(access), Some(secret)) = (keys.access, keys.secret) {
        let credentials = Credentials::new(access, secret, keys.session, None, "salvor");
        loader = loader.credentials_provider(credentials);
    }
    let shared = loader.load().await;
    let checksums = config.checksums.unwrap_or(Checksums::Always);
    let mut builder = aws_sdk_s3::config::Builder::from(&shared)
        .force_path_style(config.force_path_style.unwrap_or(config.endpoint.is_some()));
    if checksums == Checksums::WhenRequired {
        builder = builder
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
    }
    builder.set_endpoint_url(config.endpoint.clone());
    let region = shared.region().map(|region| region.as_ref().to_owned());
    Service {
        client: Client::from_conf(builder.build()),
        endpoint: config
            .endpoint
            .clone()
            .unwrap_or_else(|| format!("aws {}", region.unwrap_or_default())),
        checksums,
        payload: config.payload(),
        memory: Memory::default(),
    }
}
