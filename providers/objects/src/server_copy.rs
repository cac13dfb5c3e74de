//! Copies within one service: the bytes never pass through this machine.
//!
//! Up to 5 GiB it is one request, above that the parts are copied one by one. A plain object keeps its
//! metadata by itself; one that was uploaded in parts is looked at first, so that the copy can carry its
//! source's entity tag besides the metadata.

use std::collections::HashMap;

use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::types::CompletedMultipartUpload;
use aws_sdk_s3::types::CompletedPart;
use aws_sdk_s3::types::MetadataDirective;
use futures::StreamExt;
use futures::TryStreamExt;
use futures::stream;
use percent_encoding::AsciiSet;
use percent_encoding::NON_ALPHANUMERIC;
use percent_encoding::utf8_percent_encode;
use salvor_contract::Error;

use crate::bucket::Bucket;
use crate::bucket::unquoted;
use crate::entry::Entry;
use crate::failure::Failure;
use crate::failure::of_request;
use crate::transfer::RUN_MARK;

/// The largest object that S3 copies in one request.
const WHOLE_MAX: u64 = 5 * 1024 * 1024 * 1024;
/// The size of the parts of larger ones.
const PART: u64 = 1024 * 1024 * 1024;
/// Metadata by which a copy in parts is known again: the entity tag of its source, which its own is not.
pub(crate) const SOURCE_TAG: &str = "salvor-source-etag";

/// What stays as it is in the header that names the source of a copy.
const SOURCE_SAFE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

impl Bucket {
    /// Copies an object of the same service to `key`: the version or the entity tag that `entry` names, and
    /// nothing else.
    pub(crate) async fn copy_from(
        &self,
        key: &str,
        source: &Self,
        entry: &Entry,
        run: Option<&str>,
    ) -> Result<(), Error> {
        if entry.size <= WHOLE_MAX {
            self.copy_whole(key, source, entry, run).await
        } else {
            self.copy_in_parts(key, source, entry, (PART, run)).await
        }
    }

    async fn copy_whole(
        &self,
        key: &str,
        source: &Self,
        entry: &Entry,
        run: Option<&str>,
    ) -> Result<(), Error> {
        let mut request = self
            .service
            .client
            .copy_object()
            .bucket(&self.name)
            .key(self.full(key))
            .copy_source(source_of(source, entry));
        if entry.version.is_none()
            && let Some(etag) = &entry.etag
        {
            request = request.copy_source_if_match(format!("\"{etag}\""));
        }
        if run.is_some() || entry.md5().is_none() {
            // A mark means new metadata as a whole, so all of it is taken over by hand. An object that was
            // uploaded in parts gets another entity tag as a copy, and would never be known again without one.
            let origin = source.origin(entry).await?;
            request = request
                .metadata_directive(MetadataDirective::Replace)
                .set_content_type(origin.content_type().map(str::to_owned))
                .set_content_encoding(origin.content_encoding().map(str::to_owned))
                .set_content_disposition(origin.content_disposition().map(str::to_owned))
                .set_content_language(origin.content_language().map(str::to_owned))
                .set_cache_control(origin.cache_control().map(str::to_owned))
                .set_metadata(Some(marked(&origin, entry, run)));
        }
        let answer = request.send().await.map_err(|error| {
            self.copy_failure(key, source, entry, |doing| of_request(doing, error))
        })?;
        let copied = answer
            .copy_object_result()
            .and_then(|result| result.e_tag());
        let encrypted =
            answer.ssekms_key_id().is_some() || answer.sse_customer_algorithm().is_some();
        // Both tags are the MD5 of the content when both have that form, unless KMS or a customer's key is
        // in it; the source's encryption is not told here, so a difference is looked at more closely.
        if let (Some(copied), Some(expected), false) =
            (copied.map(unquoted), entry.md5(), encrypted)
            && copied.len() == 32
            && copied != expected
        {
            self.compare_heads(key, source, entry).await?;
        }
        Ok(())
    }

    /// What a copy takes over from this object.
    async fn origin(&self, entry: &Entry) -> Result<HeadObjectOutput, Error> {
        self.service
            .client
            .head_object()
            .bucket(&self.name)
            .key(self.full(&entry.key))
            .set_version_id(entry.version.clone())
            .send()
            .await
            .map_err(|error| {
                let doing = format!("look at {}", self.address(&entry.key));
                Error::from(of_request(&doing, error))
            })
    }

    async fn compare_heads(&self, key: &str, source: &Self, entry: &Entry) -> Result<(), Error> {
        let (copy, origin) = (
            self.head(key, None).await?,
            source.head(&entry.key, entry.version.clone()).await?,
        );
        let (Some(copy), Some(origin)) = (copy, origin) else {
            return Err(Error::unknown(format!(
                "{} is gone right after it was written",
                self.address(key)
            )));
        };
        let same = copy.entry.size == entry.size
            && (copy.checksum.is_none()
                || origin.checksum.is_none()
                || copy.checksum == origin.checksum);
        if same {
            Ok(())
        } else {
            Err(Error::refused(format!(
                "the copy {} differs from its source {}",
                self.address(key),
                source.address(&entry.key)
            )))
        }
    }

    /// Copies in parts of `part` bytes, at least 5 MiB.
    async fn copy_in_parts(
        &self,
        key: &str,
        source: &Self,
        entry: &Entry,
        (part, run): (u64, Option<&str>),
    ) -> Result<(), Error> {
        self.abort_uploads(key).await?;
        let origin = source.origin(entry).await?;
        let begun = self
            .service
            .client
            .create_multipart_upload()
            .bucket(&self.name)
            .key(self.full(key))
            .set_content_type(origin.content_type().map(str::to_owned))
            .set_content_encoding(origin.content_encoding().map(str::to_owned))
            .set_content_disposition(origin.content_disposition().map(str::to_owned))
            .set_content_language(origin.content_language().map(str::to_owned))
            .set_cache_control(origin.cache_control().map(str::to_owned))
            .set_metadata(Some(marked(&origin, entry, run)))
            .send()
            .await
            .map_err(|error| {
                self.copy_failure(key, source, entry, |doing| of_request(doing, error))
            })?;
        let id = begun.upload_id().unwrap_or_default().to_owned();
        let copied = self.copy_parts(key, source, entry, part, &id).await;
        if copied.is_err() {
            // Left behind it costs money; the next copy of this key finds it.
            self.abort_uploads(key).await.ok();
        }
        copied
    }

    async fn copy_parts(
        &self,
        key: &str,
        source: &Self,
        entry: &Entry,
        part: u64,
        id: &str,
    ) -> Result<(), Error> {
        let count = i32::try_from(entry.size.div_ceil(part))
            .map_err(|_| Error::refused("too many parts"))?;
        let parts: Vec<CompletedPart> = stream::iter(1..=count)
            .map(|number| self.copy_part(key, source, entry, id, (number, part)))
            .buffered(4)
            .try_collect()
            .await?;
        self.service
            .client
            .complete_multipart_upload()
            .bucket(&self.name)
            .key(self.full(key))
            .upload_id(id)
            .multipart_upload(
                CompletedMultipartUpload::builder()
                    .set_parts(Some(parts))
                    .build(),
            )
            .send()
            .await
            .map_err(|error| {
                self.copy_failure(key, source, entry, |doing| of_request(doing, error))
            })?;
        Ok(())
    }

    async fn copy_part(
        &self,
        key: &str,
        source: &Self,
        entry: &Entry,
        id: &str,
        (number, part): (i32, u64),
    ) -> Result<CompletedPart, Error> {
        let from = u64::from(number.unsigned_abs() - 1) * part;
        let to = (from + part).min(entry.size) - 1;
        let mut request = self
            .service
            .client
            .upload_part_copy()
            .bucket(&self.name)
            .key(self.full(key))
            .upload_id(id)
            .part_number(number)
            .copy_source(source_of(source, entry))
            .copy_source_range(format!("bytes={from}-{to}"));
        if entry.version.is_none()
            && let Some(etag) = &entry.etag
        {
            request = request.copy_source_if_match(format!("\"{etag}\""));
        }
        let answer = request.send().await.map_err(|error| {
            self.copy_failure(key, source, entry, |doing| of_request(doing, error))
        })?;
        let copied = answer.copy_part_result();
        Ok(CompletedPart::builder()
            .part_number(number)
            .set_e_tag(copied.and_then(|part| part.e_tag()).map(str::to_owned))
            .set_checksum_crc32(
                copied
                    .and_then(|part| part.checksum_crc32())
                    .map(str::to_owned),
            )
            .set_checksum_crc64_nvme(
                copied
                    .and_then(|part| part.checksum_crc64_nvme())
                    .map(str::to_owned),
            )
            .build())
    }

    fn copy_failure(
        &self,
        key: &str,
        source: &Self,
        entry: &Entry,
        failure: impl FnOnce(&str) -> Failure,
    ) -> Error {
        let origin = source.address(&entry.key);
        let failure = failure(&format!("copy {origin} to {}", self.address(key)));
        if failure.is_precondition() {
            return Error::refused_with(
                format!("{origin} was changed after it was listed"),
                "Plan again when nobody writes to the source.",
            );
        }
        failure.error
    }
}

fn marked(origin: &HeadObjectOutput, entry: &Entry, run: Option<&str>) -> HashMap<String, String> {
    let mut metadata = origin.metadata().cloned().unwrap_or_default();
    if let Some(etag) = entry.etag.as_ref().filter(|_| entry.md5().is_none()) {
        metadata.insert(SOURCE_TAG.to_owned(), etag.clone());
    }
    if let Some(run) = run {
        metadata.insert(RUN_MARK.to_owned(), run.to_owned());
    }
    metadata
}

fn source_of(source: &Bucket, entry: &Entry) -> String {
    let path = format!("{}/{}", source.name, source.full(&entry.key));
    let encoded = utf8_percent_encode(&path, SOURCE_SAFE).to_string();
    match &entry.version {
        None => encoded,
        Some(version) => format!(
            "{encoded}?versionId={}",
            utf8_percent_encode(version, NON_ALPHANUMERIC)
        ),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use salvor_conformance::Surroundings;
    use salvor_testbed::Versitygw;
    use salvor_testbed::require;

    use super::SOURCE_TAG;
    use crate::config::Config;
    use crate::place::Held;
    use crate::place::Place;
    use crate::place::Put;

    #[tokio::test]
    async fn a_copy_in_parts_has_the_bytes_and_the_metadata_of_its_source() {
        let Some(server) = require(Versitygw::start()) else {
            return;
        };
        server.create_bucket("parts").expect("a new bucket");
        let config = Config {
            endpoint: Some(server.endpoint()),
            region: Some(server.region().to_owned()),
            access_key: serde_json::from_str("\"env:ACCESS\"").expect("a reference"),
            secret_key: serde_json::from_str("\"env:SECRET\"").expect("a reference"),
            ..Config::default()
        };
        let surroundings = Surroundings::real_time()
            .secret("env:ACCESS", server.access_key())
            .secret("env:SECRET", server.secret_key());
        let place = Place::open("s3://parts/x/", &config, &surroundings.call())
            .await
            .expect("a good address");
        let Held::Bucket(bucket) = &place.holder else {
            panic!("s3:// is a bucket");
        };
        // Two parts of 5 MiB, the smallest that S3 takes, and a rest.
        let part = 5 * 1024 * 1024;
        let bytes: Vec<u8> = (0..2 * part + 17).map(|n| (n / 3 % 253) as u8).collect();
        let put = Put {
            metadata: [("owner".to_owned(), "ml".to_owned())].into(),
            ..Put::default()
        };
        let written = place.write("from", Bytes::from(bytes.clone()), &put).await;
        assert_eq!(written, Ok(bytes.len() as u64));
        let entry = place
            .head("from")
            .await
            .expect("an answer")
            .expect("it is there");
        bucket
            .copy_in_parts("to", bucket, &entry, (part as u64, Some("r1")))
            .await
            .expect("a copy");
        let copied = place.read("to", bytes.len()).await.expect("it is there");
        assert!(copied == bytes, "the bytes are the same");
        let head = bucket
            .head("to", None)
            .await
            .expect("an answer")
            .expect("it is there");
        assert_eq!(head.metadata.get("owner").map(String::as_str), Some("ml"));
        assert_eq!(
            head.metadata.get("salvor-run").map(String::as_str),
            Some("r1")
        );
        assert_eq!(head.metadata.get(SOURCE_TAG), entry.etag.as_ref());
    }
}
