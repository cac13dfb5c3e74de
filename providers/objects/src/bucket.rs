//! One prefix of one bucket: listing, reading, deleting, and the state of versions as of a time.
//!
//! Writing is in [`crate::upload`], copies within one service are in [`crate::server_copy`].

use std::collections::VecDeque;

use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::ChecksumMode;
use aws_sdk_s3::types::Delete;
use aws_sdk_s3::types::EncodingType;
use aws_sdk_s3::types::ObjectIdentifier;
use futures::StreamExt;
use futures::stream;
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use salvor_contract::Error;

use crate::body::body_of;
use crate::body::checked;
use crate::client::Service;
use crate::config::Checksums;
use crate::entry::Entry;
use crate::entry::Listing;
use crate::failure::Failure;
use crate::failure::of_request;
use crate::failure::one_line;
use crate::pace::Pace;
use crate::place::Content;

/// A prefix in a bucket.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    pub(crate) service: Service,
    pub(crate) name: String,
    pub(crate) prefix: String,
    pub(crate) pace: Pace,
}

/// What a `HEAD` tells beyond a listing.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) entry: Entry,
    pub(crate) metadata: std::collections::BTreeMap<String, String>,
    /// The checksum over the whole object, with its algorithm, where the service has one.
    pub(crate) checksum: Option<String>,
}

/// How many keys one delete request takes.
pub(crate) const DELETE_MAX: usize = 1000;

impl Bucket {
    /// The full key of a relative one.
    pub(crate) fn full(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    /// The address of an object as it is shown.
    pub(crate) fn address(&self, key: &str) -> String {
        format!("s3://{}/{}", self.name, one_line(&self.full(key)))
    }

    /// True when both can take part in one server-side copy.
    pub(crate) fn is_same_service(&self, other: &Self) -> bool {
        self.service.endpoint == other.service.endpoint
    }

    /// All objects whose relative key begins with `under`, in key order.
    pub(crate) fn list(&self, under: &str) -> Listing<'static> {
        let pages = Pages {
            bucket: self.clone(),
            under: self.full(under),
            next: Some(String::new()),
            last_key: None,
        };
        stream::unfold(Some(pages), |pages| async move {
            let mut pages = pages?;
            match pages.turn().await {
                Ok(Some(page)) => Some((stream::iter(page).map(Ok).left_stream(), Some(pages))),
                Ok(None) => None,
                Err(error) => {
                    let failed = stream::iter([Err(error)]);
                    Some((failed.right_stream(), None))
                }
            }
        })
        .flatten()
        .boxed()
    }

    /// What is known of one object, or of one version of it; `None` when it is not there.
    pub(crate) async fn head(
        &self,
        key: &str,
        version: Option<String>,
    ) -> Result<Option<Head>, Error> {
        let mut request = self
            .service
            .client
            .head_object()
            .bucket(&self.name)
            .key(self.full(key))
            .set_version_id(version);
        if self.service.checksums == Checksums::Always {
            request = request.checksum_mode(ChecksumMode::Enabled);
        }
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) => {
                let failure = of_request(&format!("look at {}", self.address(key)), error);
                return if failure.is_missing() {
                    Ok(None)
                } else {
                    Err(failure.error)
                };
            }
        };
        let checksum = checksum_of(&answer);
        Ok(Some(Head {
            entry: Entry {
                key: key.to_owned(),
                size: size_of(answer.content_length(), &self.address(key))?,
                modified: moment(answer.last_modified(), &self.address(key))?,
                etag: answer.e_tag().map(unquoted),
                version: answer.version_id().map(str::to_owned),
                file: None,
            },
            metadata: answer.metadata().into_iter().flatten().map(owned).collect(),
            checksum,
        }))
    }

    /// Opens an object for reading: exactly this version, or this entity tag, where the entry names one.
    pub(crate) async fn get(&self, entry: &Entry) -> Result<Content, Error> {
        let address = self.address(&entry.key);
        let mut request = self
            .service
            .client
            .get_object()
            .bucket(&self.name)
            .key(self.full(&entry.key))
            .set_version_id(entry.version.clone());
        if entry.version.is_none()
            && let Some(etag) = &entry.etag
        {
            request = request.if_match(format!("\"{etag}\""));
        }
        let answer = request.send().await.map_err(|error| {
            let failure = of_request(&format!("read {address}"), error);
            if failure.is_precondition() {
                Error::refused_with(
                    format!("{address} was changed after it was listed"),
                    "Plan again when nobody writes to the source.",
                )
            } else if failure.is_missing() {
                Error::refused(format!("{address} is not there"))
            } else {
                failure.error
            }
        })?;
        let found = Entry {
            key: entry.key.clone(),
            size: size_of(answer.content_length(), &address)?,
            modified: moment(answer.last_modified(), &address)?,
            etag: answer.e_tag().map(unquoted),
            version: answer.version_id().map(str::to_owned),
            file: None,
        };
        let is_checked = has_checksum(&answer) && self.service.checksums == Checksums::Always;
        let is_md5 = answer.ssekms_key_id().is_none()
            && answer.sse_customer_algorithm().is_none()
            && found.md5().is_some();
        Ok(Content {
            content_type: answer.content_type().map(str::to_owned),
            metadata: answer.metadata().into_iter().flatten().map(owned).collect(),
            body: match found.md5().filter(|_| is_md5 && !is_checked) {
                Some(md5) => checked(body_of(answer.body, address.clone()), md5, address),
                None => body_of(answer.body, address),
            },
            entry: found,
        })
    }

    /// Removes objects by their relative keys, or single versions of them, up to [`DELETE_MAX`] at once.
    pub(crate) async fn delete(&self, keys: &[(String, Option<String>)]) -> Result<(), Error> {
        let doing = format!("delete {} objects below {}", keys.len(), self.address(""));
        let mut objects = Vec::with_capacity(keys.len());
        for (key, version) in keys {
            let object = ObjectIdentifier::builder()
                .key(self.full(key))
                .set_version_id(version.clone())
                .build()
                .map_err(|error| Error::refused(format!("failed to {doing}: {error}")))?;
            objects.push(object);
        }
        let delete = Delete::builder()
            .set_objects(Some(objects))
            .quiet(true)
            .build()
            .map_err(|error| Error::refused(format!("failed to {doing}: {error}")))?;
        let answer = self
            .service
            .client
            .delete_objects()
            .bucket(&self.name)
            .delete(delete)
            .send()
            .await
            .map_err(|error| Error::from(of_request(&doing, error)))?;
        match answer.errors() {
            [] => Ok(()),
            [first, ..] => Err(Error::refused(format!(
                "failed to {doing}: {} of them were not deleted, the first {}: {}",
                answer.errors().len(),
                one_line(first.key().unwrap_or_default()),
                one_line(
                    first
                        .message()
                        .or(first.code())
                        .unwrap_or("no reason given")
                )
            ))),
        }
    }
}

/// The state of a paged listing.
struct Pages {
    bucket: Bucket,
    under: String,
    /// The token of the next page; empty for the first, `None` after the last.
    next: Option<String>,
    last_key: Option<String>,
}

impl Pages {
    async fn turn(&mut self) -> Result<Option<VecDeque<Entry>>, Error> {
        let Some(token) = self.next.take() else {
            return Ok(None);
        };
        let bucket = &self.bucket;
        let place = format!("s3://{}/{}", bucket.name, one_line(&self.under));
        let mut request = bucket
            .service
            .client
            .list_objects_v2()
            .bucket(&bucket.name)
            .prefix(&self.under)
            // Keys may hold characters that XML cannot.
            .encoding_type(EncodingType::Url);
        if !token.is_empty() {
            request = request.continuation_token(&token);
        }
        let answer = request
            .send()
            .await
            .map_err(|error| Error::from(of_request(&format!("list {place}"), error)))?;
        bucket.pace.step();
        let is_encoded = answer.encoding_type() == Some(&EncodingType::Url);
        let mut page = VecDeque::with_capacity(answer.contents().len());
        for object in answer.contents() {
            let full = decoded(object.key().unwrap_or_default(), is_encoded);
            if self.last_key.as_ref().is_some_and(|last| *last >= full) {
                return Err(Error::refused_with(
                    format!(
                        "{place} is not listed in the order of its keys, near {}",
                        one_line(&full)
                    ),
                    "Directory buckets and some servers list like this; they cannot be compared.",
                ));
            }
            let Some(key) = full.strip_prefix(&bucket.prefix) else {
                return Err(Error::refused(format!(
                    "the listing of {place} leaves its prefix"
                )));
            };
            // The marker of the place itself has no name in it.
            if !key.is_empty() {
                page.push_back(Entry {
                    key: key.to_owned(),
                    size: size_of(object.size(), &place)?,
                    modified: moment(object.last_modified(), &place)?,
                    etag: object.e_tag().map(unquoted),
                    version: None,
                    file: None,
                });
            }
            self.last_key = Some(full);
        }
        if answer.is_truncated() == Some(true) {
            let next = answer.next_continuation_token().unwrap_or_default();
            // A page that leads to itself would be read for ever.
            if next.is_empty() || next == token {
                return Err(Error::refused(format!(
                    "the listing of {place} does not come to an end: its pages repeat"
                )));
            }
            self.next = Some(next.to_owned());
        }
        Ok(Some(page))
    }
}

/// A key as it is, when the listing was asked to encode it.
pub(crate) fn decoded(key: &str, is_encoded: bool) -> String {
    if !is_encoded {
        return key.to_owned();
    }
    let spaced = key.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

/// A time from the service.
pub(crate) fn moment(time: Option<&DateTime>, what: &str) -> Result<Timestamp, Error> {
    time.and_then(|time| {
        let nanosecond = i32::try_from(time.subsec_nanos()).ok()?;
        Timestamp::new(time.secs(), nanosecond).ok()
    })
    .ok_or_else(|| Error::refused(format!("{what}: the service tells no time of change")))
}

/// A size from the service.
pub(crate) fn size_of(size: Option<i64>, what: &str) -> Result<u64, Error> {
    size.and_then(|size| u64::try_from(size).ok())
        .ok_or_else(|| Error::refused(format!("{what}: the service tells no size")))
}

/// An entity tag without its quotes.
pub(crate) fn unquoted(etag: &str) -> String {
    etag.trim_matches('"').to_owned()
}

fn owned((name, value): (&String, &String)) -> (String, String) {
    (name.clone(), value.clone())
}

fn checksum_of(head: &aws_sdk_s3::operation::head_object::HeadObjectOutput) -> Option<String> {
    use aws_sdk_s3::types::ChecksumType;
    // A composite checksum depends on the parts, as the entity tag does.
    if head.checksum_type() == Some(&ChecksumType::Composite) {
        return None;
    }
    [
        ("sha256", head.checksum_sha256()),
        ("crc64nvme", head.checksum_crc64_nvme()),
        ("crc32c", head.checksum_crc32_c()),
        ("crc32", head.checksum_crc32()),
        ("sha1", head.checksum_sha1()),
    ]
    .into_iter()
    .find_map(|(name, value)| value.map(|value| format!("{name}:{value}")))
    .filter(|text| !text.rsplit(':').next().unwrap_or_default().contains('-'))
}

fn has_checksum(answer: &GetObjectOutput) -> bool {
    [
        answer.checksum_crc32(),
        answer.checksum_crc32_c(),
        answer.checksum_crc64_nvme(),
        answer.checksum_sha1(),
        answer.checksum_sha256(),
    ]
    .iter()
    // A composite checksum (with a dash) is not checked by the SDK.
    .any(|value| value.is_some_and(|value| !value.contains('-')))
}

/// Where a request says "not there", that is an answer and not an error.
pub(crate) fn missing_is_none<T>(result: Result<T, Failure>) -> Result<Option<T>, Error> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(failure) if failure.is_missing() => Ok(None),
        Err(failure) => Err(failure.error),
    }
}
