//! One HTTP request with a limit on time, size and address.
//!
//! Redirects are not followed: they would lead around the rule on addresses and hide a broken service
//! behind a login page that answers 200. Proxies of the environment are not used.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::net::IpAddr;
use std::time::Duration;

use reqwest::Method;
use reqwest::Url;
use reqwest::header::HeaderMap;
use reqwest::header::HeaderName;
use reqwest::header::HeaderValue;
use salvor_contract::Call;
use salvor_contract::Error;
use salvor_contract::Secret;
use salvor_contract::secret::ExposeSecret;

use crate::address::Denied;
use crate::address::GuardedNames;
use crate::address::allow;

/// More of an answer is not read.
const BODY_MAX: usize = 1024 * 1024;

/// A request that is ready to be sent, as often as needed. It holds secrets and has no `Debug`.
pub(crate) struct Request {
    client: reqwest::Client,
    request: reqwest::Request,
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The first [`BODY_MAX`] bytes, as text.
    pub(crate) body: String,
    /// The header `Retry-After` in seconds, where it is one.
    pub(crate) retry_after_seconds: Option<u64>,
}

/// Why no answer came.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoAnswer {
    /// No connection was made: the request did not leave.
    #[error("no connection: {0}")]
    NotSent(String),
    /// The request may have arrived.
    #[error("no answer: {0}")]
    Lost(String),
    /// No answer in time; it may have arrived.
    #[error("no answer within {0:?}")]
    Late(Duration),
    /// The operator stops.
    #[error("stopped while waiting for an answer")]
    Stopped,
    /// It must not be sent.
    #[error(transparent)]
    Denied(#[from] Denied),
}

/// What to send.
pub(crate) struct Draft<'a> {
    pub(crate) url: &'a str,
    pub(crate) method: Method,
    pub(crate) headers: &'a BTreeMap<String, String>,
    pub(crate) secret_headers: &'a BTreeMap<String, Secret>,
    pub(crate) body: Option<String>,
    /// The URL itself is a secret: no error shows it.
    pub(crate) is_url_secret: bool,
}

/// A URL that can be asked. `shown` stands for it in errors.
///
/// # Errors
/// [`Error::Refused`] for what is none.
pub(crate) fn url_of(text: &str, shown: &str) -> Result<Url, Error> {
    let url: Url = text
        .parse()
        .map_err(|error| Error::refused(format!("{shown} is not a URL: {error}")))?;
    let has_host = url.host_str().is_some_and(|host| !host.is_empty());
    if !matches!(url.scheme(), "http" | "https") || !has_host {
        return Err(Error::refused(format!(
            "{shown} is not an http or https URL with a host"
        )));
    }
    Ok(url)
}

impl Request {
    /// Builds a request; resolves its secrets.
    ///
    /// # Errors
    /// [`Error::Refused`] for a URL or header that is not one, and for a secret that would go out in the clear.
    pub(crate) async fn new(draft: Draft<'_>, call: &Call<'_>) -> Result<Self, Error> {
        let url = match draft.is_url_secret {
            true => url_of(draft.url, "the secret URL")?,
            false => url_of(draft.url, draft.url)?,
        };
        let host = url.host_str().unwrap_or_default().to_owned();
        let literal = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .parse::<IpAddr>();
        let is_loopback = literal
            .as_ref()
            .map_or(host == "localhost", IpAddr::is_loopback);
        let has_secrets = draft.is_url_secret || !draft.secret_headers.is_empty();
        if url.scheme() == "http" && has_secrets && !is_loopback {
            return Err(Error::refused_with(
                format!("a secret would go to {host} in the clear"),
                "use https",
            ));
        }
        if let Ok(address) = literal {
            allow(&host, address).map_err(|denied| Error::refused(denied.to_string()))?;
        }
        let mut request = reqwest::Request::new(draft.method, url);
        let headers = request.headers_mut();
        for (name, value) in draft.headers {
            add(headers, name, value, false)?;
        }
        for (name, secret) in draft.secret_headers {
            let value = call.resolve(secret).await?;
            add(headers, name, value.expose_secret(), true)?;
        }
        if let Some(body) = draft.body {
            *request.body_mut() = Some(body.into());
        }
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .dns_resolver(GuardedNames)
            .no_proxy()
            .user_agent(concat!("salvor/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| Error::refused(format!("no HTTP client: {}", words(error))))?;
        Ok(Self { client, request })
    }

    /// Sends it and reads the answer, within `timeout` and the call's deadline.
    pub(crate) async fn send(
        &self,
        timeout: Duration,
        call: &Call<'_>,
    ) -> Result<Answer, NoAnswer> {
        let request = self
            .request
            .try_clone()
            .ok_or_else(|| NoAnswer::NotSent("the request cannot be sent again".to_owned()))?;
        let timeout = timeout.min(call.time_left());
        tokio::select! {
            biased;
            () = call.stop.cancelled() => Err(NoAnswer::Stopped),
            answer = self.exchange(request) => answer,
            () = call.clock.sleep(timeout) => Err(NoAnswer::Late(timeout)),
        }
    }

    async fn exchange(&self, request: reqwest::Request) -> Result<Answer, NoAnswer> {
        let mut response = self.client.execute(request).await.map_err(|error| {
            if let Some(denied) = denied(&error) {
                return NoAnswer::Denied(denied);
            }
            if error.is_connect() {
                NoAnswer::NotSent(words(error))
            } else {
                NoAnswer::Lost(words(error))
            }
        })?;
        let retry_after_seconds = response
            .headers()
            .get(reqwest::header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .and_then(|text| text.parse().ok());
        let status = response.status().as_u16();
        let mut body = Vec::new();
        while body.len() < BODY_MAX {
            match response.chunk().await {
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => break,
                Err(error) => return Err(NoAnswer::Lost(words(error))),
            }
        }
        body.truncate(BODY_MAX);
        Ok(Answer {
            status,
            body: String::from_utf8_lossy(&body).into_owned(),
            retry_after_seconds,
        })
    }
}

fn add(headers: &mut HeaderMap, name: &str, value: &str, is_secret: bool) -> Result<(), Error> {
    let key = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| Error::refused(format!("`{name}` is not the name of a header")))?;
    let mut value = HeaderValue::from_str(value)
        .map_err(|_| Error::refused(format!("the value of the header `{name}` is not one")))?;
    value.set_sensitive(is_secret);
    headers.insert(key, value);
    Ok(())
}

fn denied(error: &reqwest::Error) -> Option<Denied> {
    let mut source = error.source();
    while let Some(current) = source {
        if let Some(denied) = current.downcast_ref::<Denied>() {
            return Some(denied.clone());
        }
        source = current.source();
    }
    None
}

/// An error in words, its innermost cause alone: the outer layers repeat the URL, which may be secret.
fn words(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut innermost: &dyn std::error::Error = &error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
