//! Streams into objects of a bucket, whole or in parts, with bounded memory.
//!
//! A stream that ends within its first part is one `PutObject`; a longer one is a multipart upload,
//! which becomes an object only by its last request. So nobody ever sees half an object.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ChecksumAlgorithm;
use aws_sdk_s3::types::ChecksumType;
use aws_sdk_s3::types::CompletedMultipartUpload;
use aws_sdk_s3::types::CompletedPart;
use bytes::Bytes;
use salvor_contract::Error;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinSet;

use crate::bucket::Bucket;
use crate::bucket::missing_is_none;
use crate::client::MEMORY_KIB;
use crate::config::Checksums;
use crate::config::Payload;
use crate::failure::of_request;
use crate::parts::PARTS_MAX;
use crate::parts::Parts;
use crate::parts::part_size;
use crate::place::Put;
use crate::tags::FileState;

/// How many parts of one object are under way at once.
const PARTS_AT_ONCE: usize = 3;

/// A multipart upload that was begun.
struct Upload<'a> {
    bucket: &'a Bucket,
    key: &'a str,
    id: String,
    /// True when the service will keep a checksum of the whole object, which whoever reads it can check.
    is_whole: bool,
}

/// What was written.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    /// The number of bytes.
    pub(crate) size: u64,
    /// The entity tag that the service gave.
    pub(crate) etag: Option<String>,
    /// The state of the file that it was written from.
    pub(crate) state: Option<FileState>,
}

impl Bucket {
    /// Writes a file or a stream to an object.
    pub(crate) async fn put(
        &self,
        key: &str,
        mut parts: Parts<'_>,
        put: &Put,
    ) -> Result<Written, Error> {
        let length = part_length(part_size(put.size, 0), key)?;
        let permit = self.permit(put.size.map_or(length, |size| {
            length.min(usize::try_from(size).unwrap_or(length))
        }));
        let permit = permit.await;
        let first = parts.next(length, put.size).await?;
        if first.len() < length {
            let size = first.len() as u64;
            check_size(self, key, put, size)?;
            let etag = self.put_whole(key, first, put).await?;
            drop(permit);
            return Ok(Written {
                size,
                etag,
                state: parts.state(),
            });
        }
        self.abort_uploads(key).await?;
        let upload = self.begin(key, put).await?;
        match upload.send(parts, first, permit, put).await {
            Ok(done) => Ok(done),
            Err(error) => {
                // What is left behind costs money and is found again by the next upload of this key.
                upload.abort().await.ok();
                Err(error)
            }
        }
    }

    async fn permit(&self, bytes: usize) -> OwnedSemaphorePermit {
        let kib = u32::try_from(bytes / 1024 + 1).unwrap_or(MEMORY_KIB);
        self.service
            .memory
            .0
            .clone()
            .acquire_many_owned(kib.min(MEMORY_KIB))
            .await
            .expect("the semaphore is never closed")
    }

    async fn put_whole(&self, key: &str, body: Bytes, put: &Put) -> Result<Option<String>, Error> {
        let mut request = self
            .service
            .client
            .put_object()
            .bucket(&self.name)
            .key(self.full(key))
            .set_content_type(put.content_type.clone())
            .set_metadata(Some(put.metadata.clone().into_iter().collect()))
            .body(ByteStream::from(body));
        if put.if_absent {
            request = request.if_none_match("*");
        }
        let mut request = request.customize();
        if self.service.payload == Payload::IsCovered {
            request = request.disable_payload_signing();
        }
        let doing = format!("write {}", self.address(key));
        match request.send().await {
            Ok(answer) => Ok(answer.e_tag().map(crate::bucket::unquoted)),
            Err(error) => {
                let failure = of_request(&doing, error);
                if failure.is_precondition() {
                    return Err(exists(self, key));
                }
                Err(failure.error)
            }
        }
    }

    /// Ends uploads of exactly this key that somebody began and did not finish.
    ///
    /// A listing of uploads carries no mark, so an own one cannot be told from a stranger's. The key is about
    /// to be overwritten and the engine holds the lock of the target, so a stranger's upload of it would only
    /// put back what the restore replaces.
    pub(crate) async fn abort_uploads(&self, key: &str) -> Result<(), Error> {
        let full = self.full(key);
        let doing = format!("list unfinished uploads of {}", self.address(key));
        let answer = self
            .service
            .client
            .list_multipart_uploads()
            .bucket(&self.name)
            .prefix(&full)
            .send()
            .await
            .map_err(|error| of_request(&doing, error));
        let answer = match answer {
            Ok(answer) => answer,
            // Not every service lists them, and not every identity may.
            Err(failure) if failure.is_not_offered() || failure.status == Some(403) => {
                return Ok(());
            }
            Err(failure) => {
                return missing_is_none(Err::<(), _>(failure)).map(|_| ());
            }
        };
        for upload in answer.uploads() {
            if upload.key() == Some(full.as_str())
                && let Some(id) = upload.upload_id()
            {
                let upload = Upload {
                    bucket: self,
                    key,
                    id: id.to_owned(),
                    is_whole: false,
                };
                upload.abort().await?;
            }
        }
        Ok(())
    }

    async fn begin<'a>(&'a self, key: &'a str, put: &Put) -> Result<Upload<'a>, Error> {
        let mut request = self
            .service
            .client
            .create_multipart_upload()
            .bucket(&self.name)
            .key(self.full(key))
            .set_content_type(put.content_type.clone())
            .set_metadata(Some(put.metadata.clone().into_iter().collect()));
        if self.service.checksums == Checksums::Always {
            // Else it would be a checksum of the parts' checksums, which nobody can check who reads the object.
            request = request
                .checksum_algorithm(ChecksumAlgorithm::Crc32)
                .checksum_type(ChecksumType::FullObject);
        }
        let doing = format!("begin the upload of {}", self.address(key));
        let answer = request
            .send()
            .await
            .map_err(|error| Error::from(of_request(&doing, error)))?;
        let id = answer
            .upload_id()
            .ok_or_else(|| Error::refused(format!("failed to {doing}: the service gave no id")))?;
        Ok(Upload {
            bucket: self,
            key,
            id: id.to_owned(),
            // Not every service knows this type.
            is_whole: answer.checksum_type() == Some(&ChecksumType::FullObject),
        })
    }
}

impl Upload<'_> {
    async fn send(
        &self,
        mut parts: Parts<'_>,
        first: Bytes,
        permit: OwnedSemaphorePermit,
        put: &Put,
    ) -> Result<Written, Error> {
        let mut size = 0;
        let mut number: u64 = 0;
        let mut next = (first, permit);
        // Tasks, so that parts go on while this one waits for memory; they end when the set is dropped.
        let mut under_way: JoinSet<Result<CompletedPart, Error>> = JoinSet::new();
        let mut done: Vec<CompletedPart> = Vec::new();
        while !next.0.is_empty() {
            if number == PARTS_MAX {
                return Err(Error::refused_with(
                    format!(
                        "{} has more than 10,000 parts",
                        self.bucket.address(self.key)
                    ),
                    "Give the size of the stream, or split it.",
                ));
            }
            size += next.0.len() as u64;
            number += 1;
            under_way.spawn(self.part(number, next.0, next.1)?);
            while under_way.len() >= PARTS_AT_ONCE {
                done.extend(joined(under_way.join_next().await)?);
            }
            let length = part_length(part_size(put.size, number), self.key)?;
            let permit = self.bucket.permit(length).await;
            next = (parts.next(length, None).await?, permit);
        }
        drop(next);
        while !under_way.is_empty() {
            done.extend(joined(under_way.join_next().await)?);
        }
        check_size(self.bucket, self.key, put, size)?;
        done.sort_by_key(CompletedPart::part_number);
        let etag = self.complete(done, put.if_absent).await?;
        Ok(Written {
            size,
            etag,
            state: parts.state(),
        })
    }

    fn part(
        &self,
        number: u64,
        body: Bytes,
        permit: OwnedSemaphorePermit,
    ) -> Result<impl Future<Output = Result<CompletedPart, Error>> + Send + 'static, Error> {
        let number = i32::try_from(number).map_err(|_| Error::refused("too many parts"))?;
        let mut request = self
            .bucket
            .service
            .client
            .upload_part()
            .bucket(&self.bucket.name)
            .key(self.bucket.full(self.key))
            .upload_id(&self.id)
            .part_number(number)
            .body(ByteStream::from(body));
        if self.bucket.service.checksums == Checksums::Always {
            request = request.checksum_algorithm(ChecksumAlgorithm::Crc32);
        }
        let mut request = request.customize();
        if self.bucket.service.payload == Payload::IsCovered {
            request = request.disable_payload_signing();
        }
        let doing = format!("write part {number} of {}", self.bucket.address(self.key));
        Ok(async move {
            let answer = request
                .send()
                .await
                .map_err(|error| Error::from(of_request(&doing, error)))?;
            drop(permit);
            Ok(CompletedPart::builder()
                .part_number(number)
                .set_e_tag(answer.e_tag().map(str::to_owned))
                .set_checksum_crc32(answer.checksum_crc32().map(str::to_owned))
                .build())
        })
    }

    async fn complete(
        &self,
        parts: Vec<CompletedPart>,
        if_absent: bool,
    ) -> Result<Option<String>, Error> {
        let mut request = self
            .bucket
            .service
            .client
            .complete_multipart_upload()
            .bucket(&self.bucket.name)
            .key(self.bucket.full(self.key))
            .upload_id(&self.id)
            .multipart_upload(
                CompletedMultipartUpload::builder()
                    .set_parts(Some(parts))
                    .build(),
            );
        if self.is_whole {
            request = request.checksum_type(ChecksumType::FullObject);
        }
        if if_absent {
            request = request.if_none_match("*");
        }
        let doing = format!("complete {}", self.bucket.address(self.key));
        match request.send().await {
            Ok(answer) => Ok(answer.e_tag().map(crate::bucket::unquoted)),
            Err(error) => {
                let failure = of_request(&doing, error);
                if failure.is_precondition() {
                    return Err(exists(self.bucket, self.key));
                }
                Err(failure.error)
            }
        }
    }

    async fn abort(&self) -> Result<(), Error> {
        let doing = format!("abort the upload of {}", self.bucket.address(self.key));
        let result = self
            .bucket
            .service
            .client
            .abort_multipart_upload()
            .bucket(&self.bucket.name)
            .key(self.bucket.full(self.key))
            .upload_id(&self.id)
            .send()
            .await
            .map_err(|error| of_request(&doing, error));
        missing_is_none(result).map(|_| ())
    }
}

fn joined(
    part: Option<Result<Result<CompletedPart, Error>, tokio::task::JoinError>>,
) -> Result<Option<CompletedPart>, Error> {
    match part {
        None => Ok(None),
        Some(Ok(result)) => result.map(Some),
        Some(Err(_)) => Err(Error::unknown(
            "the upload of a part ended without an answer",
        )),
    }
}

fn part_length(size: u64, key: &str) -> Result<usize, Error> {
    usize::try_from(size)
        .map_err(|_| Error::refused(format!("{key} is too large for this machine")))
}

fn check_size(bucket: &Bucket, key: &str, put: &Put, size: u64) -> Result<(), Error> {
    match put.size {
        Some(expected) if expected != size => Err(Error::refused_with(
            format!(
                "{}: {size} bytes came where {expected} were expected",
                bucket.address(key)
            ),
            "Plan again when nobody writes to the source.",
        )),
        Some(_) | None => Ok(()),
    }
}

fn exists(bucket: &Bucket, key: &str) -> Error {
    Error::refused(format!("{} exists already", bucket.address(key)))
}
