//! What `[providers.objects]` takes, and which of it is refused before a connection is opened.
//!
//! The struct is public because other providers keep their bytes in object stores too: they put a
//! field of this type into their own configuration and give it to [`crate::Place::open`].

use std::net::IpAddr;

use salvor_contract::Error;
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

    /// Refuses what can be refused without asking anybody.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match (&self.access_key, &self.secret_key) {
            (Some(_), None) | (None, Some(_)) => {
                return Err(Error::refused_with(
                    "of `access-key` and `secret-key` only one is given",
                    "Give both, or neither to use the SDK's own credentials.",
                ));
            }
            (Some(_), Some(_)) | (None, None) => {}
        }
        let Some(endpoint) = &self.endpoint else {
            return Ok(());
        };
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
            "http" if self.allow_http || is_loopback(rest) => Ok(()),
            "http" => Err(Error::refused_with(
                format!("the endpoint `{endpoint}` is plain http and not on this machine"),
                "Use https, or set `allow-http = true` to send data and signatures unencrypted.",
            )),
            other => Err(Error::refused(format!(
                "an endpoint is http or https, not `{other}`"
            ))),
        }
    }
}

fn is_loopback(authority: &str) -> bool {
    let authority = authority.split('/').next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::Config;

    fn check(endpoint: &str, allow_http: bool) -> bool {
        let config = Config {
            endpoint: Some(endpoint.to_owned()),
            allow_http,
            ..Config::default()
        };
        config.check().is_ok()
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
        let config: Config = serde_json::from_value(serde_json::json!({"access-key": "env:KEY"}))
            .expect("a good configuration");
        assert!(config.check().is_err());
    }
}
