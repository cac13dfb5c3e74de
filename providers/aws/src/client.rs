//! Clients of RDS, one for each account and region.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_rds::Client;
use aws_sdk_rds::config::retry::RetryConfig;
use salvor_contract::Call;
use salvor_contract::Error;
use tokio::sync::Mutex;

use crate::config::Config;

/// A look of RDS answers within seconds; what does not is asked again.
const ATTEMPT_MAX: Duration = Duration::from_secs(60);

/// RDS in one region.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    /// For what only reads: asked up to three times.
    pub reads: Client,
    /// For what changes something: sent once. A second try could be refused for what the first one did, and the first
    /// one's lost answer would not be known of.
    pub changes: Client,
    /// The region.
    pub region: String,
}

/// A cache of clients by configuration, keys and region.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    known: Mutex<BTreeMap<String, Service>>,
}

impl Clients {
    /// RDS as this configuration reaches it.
    ///
    /// # Errors
    /// [`Error::Refused`] when the configuration cannot hold, a secret is missing, or no region is known.
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
        let shared = account.load(keys, ATTEMPT_MAX).await;
        let Some(region) = shared.region().map(|region| region.as_ref().to_owned()) else {
            return Err(Error::refused_with(
                "no region is known",
                "Set `region` in `[providers.aws]`.",
            ));
        };
        let mut builder = aws_sdk_rds::config::Builder::from(&shared);
        // Left out, the SDK's own environment and profiles say where a service is.
        if let Some(endpoint) = &config.endpoint {
            builder.set_endpoint_url(Some(endpoint.clone()));
        }
        let once = builder.clone().retry_config(RetryConfig::disabled());
        let service = Service {
            reads: Client::from_conf(builder.build()),
            changes: Client::from_conf(once.build()),
            region,
        };
        known.insert(id, service.clone());
        Ok(service)
    }
}
