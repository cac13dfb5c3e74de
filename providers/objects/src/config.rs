//! What `[providers.objects]` takes, and which of it is refused before a connection is opened.
//!
//! The struct is public because other providers keep their bytes in object stores too: they put a
//! field of this type into their own configuration and give it to [`crate::Place::open`].

use salvor_aws_client::Account;
use salvor_aws_client::is_loopback;
use salvor_contract::Secret;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

/// How object stores are reached. All of it may be left out: then it is AWS S3 with the credentials
/// that the AWS SDK finds by itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// The address of an S3-compatible service, `https://host:port`. Left out, it is AWS S3.
    pub endpoint: Option<String>,
    /// The region. Left out, it is the SDK's own choice, and `us-east-1` with an endpoint.
    pub region: Option<String>,
    /// Buckets in the path instead of the host name. Left out, true when an endpoint is given.
    pub force_path_style: Option<bool>,
    /// The access key id, by reference. Left out, credentials come from the SDK's own chain.
    pub access_key: Option<Secret>,
    /// The secret access key, by reference.
    pub secret_key: Option<Secret>,
    /// The session token of temporary credentials, by reference.
    pub session_token: Option<Secret>,
    /// How many objects are transferred at once, 1 to 256. Left out, 16.
    pub concurrency: Option<u16>,
    /// When bytes carry a checksum. Left out, always.
    pub checksums: Option<Checksums>,
    /// Allows an `http://` endpoint that is not on this machine.
    #[serde(default)]
    pub allow_http: bool,
}

/// When requests carry a checksum and responses are checked against one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Checksums {
    /// With every upload and download: CRC32 where the service has nothing better.
    Always,
    /// Only where the service demands one: for servers that refuse checksum trailers.
    WhenRequired,
}

/// What keeps the bytes of an upload from being changed on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Payload {
    /// The signature of the request, which is over their SHA-256 too.
    IsSigned,
    /// TLS, or a line that does not leave this machine. The checksum that the service verifies is for accidents.
    IsCovered,
}

impl Config {
    /// What keeps the bytes of uploads from being changed on their way.
    ///
    /// A CRC32 is no proof against a person: other bytes are easily made to have it. So over plain HTTP to another
    /// machine the bytes are signed; they are as well where no checksum is sent.
    pub(crate) fn payload(&self) -> Payload {
        let is_safe = match self.endpoint.as_deref().map(|it| it.split_once("://")) {
            // AWS S3 is reached over TLS.
            None | Some(Some(("https", _))) => true,
            Some(Some((_, rest))) => is_loopback(rest),
            Some(None) => false,
        };
        match self.checksums.unwrap_or(Checksums::Always) {
            Checksums::Always if is_safe => Payload::IsCovered,
            Checksums::Always | Checksums::WhenRequired => Payload::IsSigned,
        }
    }

    /// How many transfers run at once.
    pub(crate) fn concurrency(&self) -> usize {
        usize::from(self.concurrency.unwrap_or(16).clamp(1, 256))
    }

    /// What of it is said of an account.
    pub(crate) fn account(&self) -> Account<'_> {
        Account {
            endpoint: self.endpoint.as_deref(),
            region: self.region.as_deref(),
            profile: None,
            access_key: self.access_key.as_ref(),
            secret_key: self.secret_key.as_ref(),
            session_token: self.session_token.as_ref(),
            allow_http: self.allow_http,
        }
    }
}
