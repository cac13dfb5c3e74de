//! Whose credentials are used, and where they are sent: what is refused of it before anything is asked.

use std::net::IpAddr;
use std::time::Duration;

use aws_config::AppName;
use aws_config::BehaviorVersion;
use aws_config::Region;
use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_credential_types::Credentials;
use salvor_contract::Call;
use salvor_contract::Error;
use salvor_contract::Secret;
use salvor_contract::secret::ExposeSecret;
use sha2::Digest;
use sha2::Sha256;

/// What a provider's configuration says of an account. All of it may be left out: then it is AWS, with what the SDK
/// finds by itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Account<'a> {
    /// The address of a compatible service in place of AWS.
    pub endpoint: Option<&'a str>,
    /// The region.
    pub region: Option<&'a str>,
    /// The profile of the AWS configuration files.
    pub profile: Option<&'a str>,
    /// The access key id.
    pub access_key: Option<&'a Secret>,
    /// The secret access key.
    pub secret_key: Option<&'a Secret>,
    /// The session token of temporary credentials.
    pub session_token: Option<&'a Secret>,
    /// Allows an `http://` endpoint that is not on this machine.
    pub allow_http: bool,
}

/// Resolved credentials. They go into the SDK and nowhere else.
pub struct Keys {
    access: Option<String>,
    secret: Option<String>,
    session: Option<String>,
}

impl Keys {
    /// A digest over them and the configuration that they belong to: a key that was exchanged makes another one.
    pub fn fingerprint(&self, configuration: &[u8]) -> String {
        let mut hash = Sha256::new();
        hash.update(configuration);
        for part in [&self.access, &self.secret, &self.session] {
            hash.update([0]);
            hash.update(part.as_deref().unwrap_or_default());
        }
        hash.finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

impl Account<'_> {
    /// Refuses what can be refused without asking anybody.
    ///
    /// # Errors
    /// [`Error::Refused`] for half of a pair of keys, for an endpoint that is none, and for plain HTTP to another
    /// machine that was not allowed.
    pub fn check(&self) -> Result<(), Error> {
        match (self.access_key, self.secret_key) {
            (Some(_), None) | (None, Some(_)) => {
                return Err(Error::refused_with(
                    "of `access-key` and `secret-key` only one is given",
                    "Give both, or neither to use the SDK's own credentials.",
                ));
            }
            (Some(_), Some(_)) | (None, None) => {}
        }
        match self.endpoint {
            Some(endpoint) => check_endpoint(endpoint, self.allow_http),
            None => Ok(()),
        }
    }

    /// The values of the keys.
    ///
    /// # Errors
    /// [`Error::Refused`] when a secret is not there.
    pub async fn keys(&self, call: &Call<'_>) -> Result<Keys, Error> {
        Ok(Keys {
            access: value(self.access_key, call).await?,
            secret: value(self.secret_key, call).await?,
            session: value(self.session_token, call).await?,
        })
    }

    /// The configuration of a client: limits for tries and for time, the region, the credentials. The endpoint is left
    /// to the client: it holds for one service only.
    pub async fn load(&self, keys: Keys, attempt_max: Duration) -> SdkConfig {
        let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .app_name(AppName::new("salvor").expect("letters"))
            .retry_config(RetryConfig::standard().with_max_attempts(3))
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(Duration::from_millis(3_100))
                    .read_timeout(Duration::from_secs(30))
                    .operation_attempt_timeout(attempt_max)
                    .build(),
            );
        if let Some(profile) = self.profile {
            loader = loader.profile_name(profile);
        }
        // With an own endpoint the SDK must not look for a region on the machine or in the cloud.
        let region = self.region.or(self.endpoint.map(|_| "us-east-1"));
        if let Some(region) = region {
            loader = loader.region(Region::new(region.to_owned()));
        }
        if let (Some(access), Some(secret)) = (keys.access, keys.secret) {
            let credentials = Credentials::new(access, secret, keys.session, None, "salvor");
            loader = loader.credentials_provider(credentials);
        }
        loader.load().await
    }
}

async fn value(secret: Option<&Secret>, call: &Call<'_>) -> Result<Option<String>, Error> {
    match secret {
        None => Ok(None),
        Some(secret) => Ok(Some(call.resolve(secret).await?.expose_secret().to_owned())),
    }
}

fn check_endpoint(endpoint: &str, allow_http: bool) -> Result<(), Error> {
    let Some((scheme, rest)) = endpoint.split_once("://") else {
        return Err(Error::refused_with(
            format!("the endpoint `{endpoint}` has no scheme"),
            "Write it as https://host or https://host:port.",
        ));
    };
    if rest.contains('@') || rest.contains('?') || rest.contains('#') {
        return Err(Error::refused_with(
            "the endpoint has a user, a query or a fragment in it",
            "Write only scheme, host, port and path; give credentials by reference.",
        ));
    }
    match scheme {
        "https" => Ok(()),
        "http" if allow_http || is_loopback(rest) => Ok(()),
        "http" => Err(Error::refused_with(
            format!("the endpoint `{endpoint}` is plain http and not on this machine"),
            "Use https, or set `allow-http = true` to send data and signatures unencrypted.",
        )),
        other => Err(Error::refused(format!(
            "an endpoint is http or https, not `{other}`"
        ))),
    }
}

/// True when what stands behind `://` is an address of this machine.
pub fn is_loopback(authority: &str) -> bool {
    let authority = authority.split('/').next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use salvor_contract::Secret;

    use super::Account;

    fn check(endpoint: &str, allow_http: bool) -> bool {
        let account = Account {
            endpoint: Some(endpoint),
            allow_http,
            ..Account::default()
        };
        account.check().is_ok()
    }

    #[test]
    fn plain_http_is_for_this_machine_unless_it_is_allowed() {
        assert!(check("https://s3.example.com", false));
        assert!(check("http://127.0.0.1:9000", false));
        assert!(check("http://localhost:9000/path", false));
        assert!(check("http://[::1]:9000", false));
        assert!(!check("http://127.0.0.1.example.com:9000", false));
        assert!(!check("http://10.0.0.1:9000", false));
        assert!(check("http://10.0.0.1:9000", true));
        assert!(!check("ftp://127.0.0.1", true));
        assert!(!check("127.0.0.1:9000", true));
        assert!(!check("https://key:secret@host", true));
    }

    #[test]
    fn one_key_without_the_other_is_refused() {
        let key: Secret = serde_json::from_value("env:KEY".into()).expect("a reference");
        let account = Account {
            access_key: Some(&key),
            ..Account::default()
        };
        assert!(account.check().is_err());
    }
}
