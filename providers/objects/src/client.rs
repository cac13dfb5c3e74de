//! Clients of S3 services, one for each configuration, and the memory that transfers share.
//!
//! A client holds connections and credentials and no state of ours, so it is kept and used again; the
//! cache is keyed by a hash over the configuration and the resolved secrets, so a secret that was
//! exchanged makes a new client.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::RequestChecksumCalculation;
use aws_sdk_s3::config::ResponseChecksumValidation;
use salvor_aws_client::Keys;
use salvor_contract::Call;
use salvor_contract::Error;
use tokio::sync::Mutex;
use tokio::sync::Semaphore;

use crate::config::Checksums;
use crate::config::Config;
use crate::config::Payload;
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
        let account = config.account();
        account.check()?;
        let keys = account.keys(call).await?;
        let plain = serde_json::to_vec(config).expect("a configuration of plain values");
        let id = keys.fingerprint(&plain);
        let mut known = self.known.lock().await;
        if let Some(service) = known.get(&id) {
            return Ok(service.clone());
        }
        let service = connect(config, keys).await;
        known.insert(id, service.clone());
        Ok(service)
    }
}

async fn connect(config: &Config, keys: Keys) -> Service {
    // A part of an upload on a slow line takes its time; a silent one is found by the read timeout.
    let shared = config
        .account()
        .load(keys, Duration::from_secs(15 * 60))
        .await;
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
