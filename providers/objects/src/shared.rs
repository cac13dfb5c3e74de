//! A prefix of a bucket as a shared store: single requests under conditions, on which locks and journals rest.
//!
//! The conditions are `If-None-Match: *` and `If-Match`. Neither is ever put on a delete: some services ignore it
//! there. The client's own retries are off and its time-outs short, since whoever waits for an answer may hold a lock
//! that has to be renewed.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_s3::config::Builder;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::EncodingType;
use salvor_contract::Call;
use salvor_contract::Error;
use salvor_contract::SharedError;
use salvor_contract::SharedStore;
use salvor_contract::StoredObject;
use salvor_contract::VersionTag;

use crate::bucket::Bucket;
use crate::bucket::decoded;
use crate::client::Clients;
use crate::config::Config;
use crate::config::Payload;
use crate::failure::Failure;
use crate::failure::of_request;
use crate::failure::one_line;
use crate::location::Location;
use crate::pace::Pace;

/// How long a request may go without an answer, beside the time that its bytes take.
const SILENCE_MAX: Duration = Duration::from_secs(5);

/// A line is taken to carry at least so many bytes a second.
const BYTES_PER_SECOND: u64 = 100_000;

/// No object of a state is longer: a longer one is somebody else's.
const OBJECT_MAX: u64 = 256 * 1024 * 1024;

/// A prefix of a bucket.
pub(crate) struct Shared(Bucket);

/// Whether an address is one of a bucket, and whether it is a good one.
pub(crate) fn keeps_state(address: &str) -> Option<Result<(), Error>> {
    address.starts_with("s3://").then(|| {
        let elsewhere = std::path::Path::new("/");
        Location::parse(address, elsewhere).map(drop)
    })
}

impl Shared {
    /// The prefix at this address.
    pub(crate) async fn open(
        clients: &Clients,
        address: &str,
        config: &Config,
        call: &Call<'_>,
    ) -> Result<Self, Error> {
        match Location::parse(address, call.plan_dir)? {
            Location::Bucket { bucket, prefix } => Ok(Self(Bucket {
                service: clients.service(config, call).await?,
                name: bucket,
                prefix,
                pace: Pace::default(),
            })),
            Location::Tree { .. } => Err(Error::refused(format!(
                "{} is not the address of a bucket",
                one_line(address)
            ))),
        }
    }

    async fn put(
        &self,
        key: &str,
        bytes: Vec<u8>,
        tag: Option<&VersionTag>,
    ) -> Result<VersionTag, SharedError> {
        let Self(bucket) = self;
        let length = bytes.len() as u64;
        let mut request = bucket
            .service
            .client
            .put_object()
            .bucket(&bucket.name)
            .key(bucket.full(key))
            .body(ByteStream::from(bytes));
        request = match tag {
            None => request.if_none_match("*"),
            Some(VersionTag(tag)) => request.if_match(tag),
        };
        let mut request = request.customize().config_override(patience(length));
        if bucket.service.payload == Payload::IsCovered {
            request = request.disable_payload_signing();
        }
        let doing = format!("write {}", bucket.address(key));
        let answer = request.send().await.map_err(|error| {
            let failure = of_request(&doing, error);
            // A replace finds that the object is gone.
            if failure.is_precondition() || (tag.is_some() && failure.is_missing()) {
                return SharedError::Conflict;
            }
            shared(failure)
        })?;
        tag_of(answer.e_tag(), &bucket.address(key))
    }
}

#[async_trait]
impl SharedStore for Shared {
    fn address(&self, key: &str) -> String {
        self.0.address(key)
    }

    async fn get(&self, key: &str) -> Result<Option<StoredObject>, SharedError> {
        let Self(bucket) = self;
        let address = bucket.address(key);
        let doing = format!("read {address}");
        let request = bucket
            .service
            .client
            .get_object()
            .bucket(&bucket.name)
            .key(bucket.full(key))
            .customize()
            .config_override(patience(0));
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) => {
                let failure = of_request(&doing, error);
                return match failure.is_missing() {
                    true => Ok(None),
                    false => Err(shared(failure)),
                };
            }
        };
        let length = u64::try_from(answer.content_length().unwrap_or_default()).unwrap_or(u64::MAX);
        if length > OBJECT_MAX {
            return Err(SharedError::Refused {
                what: format!("{address} has {length} bytes: it is not of a state"),
                hint: None,
            });
        }
        let tag = tag_of(answer.e_tag(), &address)?;
        let unread = |what: String| SharedError::Unavailable {
            what: format!("failed to {doing}: {}", one_line(&what)),
        };
        let longest = SILENCE_MAX + Duration::from_secs(length / BYTES_PER_SECOND);
        let body = tokio::time::timeout(longest, answer.body.collect()).await;
        let body = body.map_err(|_| unread("its bytes stopped coming".to_owned()))?;
        let body = body.map_err(|error| unread(error.to_string()))?;
        Ok(Some(StoredObject {
            bytes: body.to_vec(),
            tag,
        }))
    }

    async fn create(&self, key: &str, bytes: Vec<u8>) -> Result<VersionTag, SharedError> {
        self.put(key, bytes, None).await
    }

    async fn replace(
        &self,
        key: &str,
        bytes: Vec<u8>,
        tag: &VersionTag,
    ) -> Result<VersionTag, SharedError> {
        self.put(key, bytes, Some(tag)).await
    }

    async fn list(&self, folder: &str) -> Result<Vec<String>, SharedError> {
        let Self(bucket) = self;
        let under = bucket.full(folder);
        let doing = format!("list {}", bucket.address(folder));
        let mut names = Vec::new();
        let mut next: Option<String> = None;
        loop {
            let request = bucket
                .service
                .client
                .list_objects_v2()
                .bucket(&bucket.name)
                .prefix(&under)
                .delimiter("/")
                .encoding_type(EncodingType::Url)
                .set_continuation_token(next.clone())
                .customize()
                .config_override(patience(0));
            let answer = request.send().await;
            let answer = answer.map_err(|error| shared(of_request(&doing, error)))?;
            let is_encoded = answer.encoding_type() == Some(&EncodingType::Url);
            let objects = answer.contents().iter().filter_map(|object| object.key());
            let folders = answer.common_prefixes().iter().filter_map(|it| it.prefix());
            for key in objects.chain(folders) {
                let key = decoded(key, is_encoded);
                // The marker of the folder itself has no name in it.
                names.extend(
                    key.strip_prefix(&under)
                        .filter(|name| !name.is_empty())
                        .map(str::to_owned),
                );
            }
            let further = answer.next_continuation_token().map(str::to_owned);
            if answer.is_truncated() != Some(true) {
                return Ok(names);
            }
            // A page that leads to itself would be read for ever.
            if further.is_none() || further == next {
                return Err(SharedError::Refused {
                    what: format!("failed to {doing}: its pages repeat"),
                    hint: None,
                });
            }
            next = further;
        }
    }

    async fn delete(&self, key: &str) -> Result<(), SharedError> {
        let Self(bucket) = self;
        let doing = format!("delete {}", bucket.address(key));
        let request = bucket
            .service
            .client
            .delete_object()
            .bucket(&bucket.name)
            .key(bucket.full(key))
            .customize()
            .config_override(patience(0));
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) => {
                let failure = of_request(&doing, error);
                match failure.is_missing() {
                    true => Ok(()),
                    false => Err(shared(failure)),
                }
            }
        }
    }
}

/// How long a request with so many bytes is waited for; it is sent once.
fn patience(bytes: u64) -> Builder {
    let longest = SILENCE_MAX + Duration::from_secs(bytes / BYTES_PER_SECOND);
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_millis(3_100))
        .read_timeout(longest)
        .operation_attempt_timeout(longest)
        .build();
    Builder::new()
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts)
}

/// A lost answer and one that says to come again are the same here: the caller looks what became of it.
fn shared(failure: Failure) -> SharedError {
    match failure.error {
        Error::Refused { what, hint } => SharedError::Refused { what, hint },
        Error::Transient { what, .. } | Error::Unknown { what } => {
            SharedError::Unavailable { what }
        }
    }
}

fn tag_of(etag: Option<&str>, address: &str) -> Result<VersionTag, SharedError> {
    match etag {
        Some(etag) => Ok(VersionTag(etag.to_owned())),
        None => Err(SharedError::Refused {
            what: format!("{address}: the service tells no entity tag"),
            hint: None,
        }),
    }
}
