//! What `[providers.aws]` takes.

use salvor_aws_client::Account;
use salvor_contract::Secret;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

/// How AWS is reached. All of it may be left out: then it is what the AWS SDK finds by itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Config {
    /// The region of what names none of its own. Left out, it is the SDK's own choice, and `us-east-1` with an endpoint.
    pub region: Option<String>,
    /// The profile of the AWS configuration files.
    pub profile: Option<String>,
    /// The access key id, by reference. Left out, credentials come from the SDK's own chain.
    pub access_key: Option<Secret>,
    /// The secret access key, by reference.
    pub secret_key: Option<Secret>,
    /// The session token of temporary credentials, by reference.
    pub session_token: Option<Secret>,
    /// The address of a compatible service in place of AWS, `https://host:port`.
    pub endpoint: Option<String>,
    /// Allows an `http://` endpoint that is not on this machine.
    #[serde(default)]
    pub allow_http: bool,
}

impl Config {
    /// What of it is said of an account.
    pub(crate) fn account(&self) -> Account<'_> {
        Account {
            endpoint: self.endpoint.as_deref(),
            region: self.region.as_deref(),
            profile: self.profile.as_deref(),
            access_key: self.access_key.as_ref(),
            secret_key: self.secret_key.as_ref(),
            session_token: self.session_token.as_ref(),
            allow_http: self.allow_http,
        }
    }

    /// The same account in another region; `None` leaves it where it is.
    pub(crate) fn in_region(mut self, region: Option<&str>) -> Self {
        if let Some(region) = region {
            self.region = Some(region.to_owned());
        }
        self
    }
}
