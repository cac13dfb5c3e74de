//! What a service answered, as one of the contract's three errors.
//!
//! Messages carry the service's code and its one-line message, never a raw response.

use std::error::Error as StdError;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use salvor_contract::Error;

/// The error of a request, without its SDK types.
#[derive(Debug)]
pub struct Failure {
    /// The HTTP status, where there was an answer.
    pub status: Option<u16>,
    /// The service's code of the error, where it gave one.
    pub code: Option<String>,
    /// What the contract makes of it.
    pub error: Error,
}

impl Failure {
    /// True when the service says that the object, version or upload is not there. A bucket that is not
    /// there is something else.
    pub fn is_missing(&self) -> bool {
        match self.code.as_deref() {
            Some("NoSuchKey" | "NoSuchVersion" | "NotFound" | "NoSuchUpload") => true,
            // A code that is not known says something else: a key id that does not exist, for one.
            Some(_) => false,
            None => self.status == Some(404),
        }
    }

    /// True when this is the service's code of the error.
    pub fn is(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }

    /// The same failure of a request that changes something and was sent once: what may have been done although the
    /// answer says nothing of it is [`Error::Unknown`].
    pub fn of_change(self) -> Error {
        let is_throttled = matches!(
            self.code.as_deref(),
            Some("SlowDown" | "Throttling" | "ThrottlingException" | "RequestLimitExceeded")
        );
        match self.error {
            Error::Transient { what, .. } if !is_throttled => Error::unknown(what),
            error @ (Error::Transient { .. } | Error::Refused { .. } | Error::Unknown { .. }) => {
                error
            }
        }
    }

    /// True when a condition of the request (`If-Match`, `If-None-Match`) did not hold.
    pub fn is_precondition(&self) -> bool {
        self.status == Some(412) || self.code.as_deref() == Some("PreconditionFailed")
    }

    /// True when the service does not know the request at all.
    pub fn is_not_offered(&self) -> bool {
        matches!(self.status, Some(405 | 501)) || self.code.as_deref() == Some("NotImplemented")
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

/// What a failed request means. `doing` fits after "failed to": `list s3://bucket/prefix/`.
pub fn of_request<E>(doing: &str, error: SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + StdError + 'static,
{
    let status = error.raw_response().map(|raw| raw.status().as_u16());
    let plain = |error: Error| Failure {
        status,
        code: None,
        error,
    };
    match &error {
        SdkError::ServiceError(service) => {
            let code = service.err().code().map(str::to_owned);
            let message = service.err().message().map(one_line);
            Failure {
                status,
                error: of_answer(doing, status, code.as_deref(), message.as_deref()),
                code,
            }
        }
        SdkError::ConstructionFailure(_) => plain(Error::refused(format!(
            "failed to {doing}: {}",
            root_of(&error)
        ))),
        SdkError::DispatchFailure(failure) if failure.is_io() || failure.is_timeout() => {
            plain(Error::transient(format!(
                "failed to {doing}: the service cannot be reached: {}",
                root_of(&error)
            )))
        }
        SdkError::DispatchFailure(failure) if failure.is_user() => plain(Error::refused_with(
            format!("failed to {doing}: {}", root_of(&error)),
            "Check the endpoint and the region of the provider in the plan.",
        )),
        SdkError::DispatchFailure(_) => {
            let root = root_of(&error);
            if root.contains("credential") {
                plain(Error::refused_with(
                    format!("failed to {doing}: no credentials: {root}"),
                    "Give `access-key` and `secret-key`, or log in for the AWS SDK.",
                ))
            } else {
                plain(Error::transient(format!("failed to {doing}: {root}")))
            }
        }
        SdkError::TimeoutError(_) => plain(Error::transient(format!(
            "failed to {doing}: the service did not answer in time"
        ))),
        SdkError::ResponseError(_) => plain(Error::transient(format!(
            "failed to {doing}: the answer could not be read: {}",
            root_of(&error)
        ))),
        other => plain(Error::transient(format!(
            "failed to {doing}: {}",
            root_of(other)
        ))),
    }
}

fn of_answer(doing: &str, status: Option<u16>, code: Option<&str>, message: Option<&str>) -> Error {
    let status_text = status.map_or_else(|| "no status".to_owned(), |s| format!("status {s}"));
    let code_text = code.unwrap_or(&status_text);
    let what = match message {
        Some(message) => format!("failed to {doing}: {code_text}: {message}"),
        None => format!("failed to {doing}: {code_text}"),
    };
    match code {
        // The last is how versitygw says the first.
        Some(
            "InvalidAccessKeyId"
            | "SignatureDoesNotMatch"
            | "AuthorizationHeaderMalformed"
            | "XAdminUserNotFound",
        ) => {
            return Error::refused_with(
                what,
                "Check the access key, the secret key and the region.",
            );
        }
        Some("ExpiredToken" | "TokenRefreshRequired" | "InvalidToken") => {
            return Error::refused_with(what, "Log in again: the credentials have expired.");
        }
        Some("AccessDenied") => {
            return Error::refused_with(what, "Grant the permission to these credentials.");
        }
        Some("NoSuchBucket") => {
            return Error::refused_with(what, "Check the bucket's name and the endpoint.");
        }
        Some("PermanentRedirect" | "IncorrectEndpoint") => {
            return Error::refused_with(what, "Set `region` to the region of the bucket.");
        }
        Some("RequestTimeTooSkewed") => {
            return Error::refused_with(what, "Set the clock of this machine.");
        }
        Some(
            "SlowDown"
            | "Throttling"
            | "ThrottlingException"
            | "RequestLimitExceeded"
            | "RequestTimeout"
            | "InternalError"
            | "ServiceUnavailable"
            | "OperationAborted"
            | "ConditionalRequestConflict",
        ) => return Error::transient(what),
        Some(_) | None => {}
    }
    match status {
        Some(405 | 501) => Error::refused_with(what, "This service does not offer the request."),
        Some(401 | 403) => Error::refused_with(what, "Check the credentials and what they may do."),
        Some(408 | 409 | 429 | 500..=599) => Error::transient(what),
        Some(_) | None => Error::refused(what),
    }
}

/// A key or a message as it may be shown: control characters escaped, one line, bounded.
pub fn one_line(text: &str) -> String {
    text.chars()
        .take(300)
        .flat_map(|c| {
            let escaped =
                c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            let (plain, hidden) = if escaped {
                (None, Some(c.escape_default()))
            } else {
                (Some(c), None)
            };
            plain.into_iter().chain(hidden.into_iter().flatten())
        })
        .collect()
}

/// The innermost cause, which is the one that says something.
fn root_of(error: &(dyn StdError + 'static)) -> String {
    let mut root = error;
    while let Some(source) = root.source() {
        root = source;
    }
    one_line(&root.to_string())
}
