//! The versions of a bucket's objects: the state as of a time, and how far back it can be known.
//!
//! A delete marker is a version too: as of a time before it, the object is there.

use aws_sdk_s3::operation::list_object_versions::ListObjectVersionsOutput;
use aws_sdk_s3::types::BucketVersioningStatus;
use aws_sdk_s3::types::EncodingType;
use aws_sdk_s3::types::ExpirationStatus;
use futures::StreamExt;
use futures::stream;
use futures::stream::BoxStream;
use jiff::Timestamp;
use salvor_contract::Error;
use serde::Deserialize;
use serde::Serialize;

use crate::bucket::Bucket;
use crate::bucket::decoded;
use crate::bucket::moment;
use crate::bucket::size_of;
use crate::bucket::unquoted;
use crate::entry::Entry;
use crate::entry::Listing;
use crate::failure::of_request;
use crate::failure::one_line;

/// One version of an object, or one delete marker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) entry: Entry,
    pub(crate) is_latest: bool,
    pub(crate) is_marker: bool,
}

/// Whether a bucket keeps old versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Versioning {
    /// It does.
    Enabled,
    /// It did: what was written since has no history.
    Suspended,
    /// It never did.
    Off,
}

impl Bucket {
    /// Whether the bucket keeps old versions.
    pub(crate) async fn versioning(&self) -> Result<Versioning, Error> {
        let doing = format!("read the versioning of s3://{}", self.name);
        let answer = self
            .service
            .client
            .get_bucket_versioning()
            .bucket(&self.name)
            .send()
            .await
            .map_err(|error| of_request(&doing, error));
        match answer {
            Ok(answer) => match answer.status() {
                Some(BucketVersioningStatus::Enabled) => Ok(Versioning::Enabled),
                Some(BucketVersioningStatus::Suspended) => Ok(Versioning::Suspended),
                None => Ok(Versioning::Off),
                Some(other) => Err(Error::refused(format!(
                    "failed to {doing}: the status {other} is not known"
                ))),
            },
            Err(failure)
                if failure.is_not_offered()
                    || failure.code.as_deref() == Some("VersioningNotConfigured") =>
            {
                Ok(Versioning::Off)
            }
            Err(failure) => Err(failure.error),
        }
    }

    /// After how many days old versions are removed, where the bucket has such a rule. `Err` when it cannot
    /// be read.
    pub(crate) async fn noncurrent_days(&self) -> Result<Option<i32>, Error> {
        let doing = format!("read the lifecycle of s3://{}", self.name);
        let answer = self
            .service
            .client
            .get_bucket_lifecycle_configuration()
            .bucket(&self.name)
            .send()
            .await
            .map_err(|error| of_request(&doing, error));
        let answer = match answer {
            Ok(answer) => answer,
            Err(failure)
                if failure.code.as_deref() == Some("NoSuchLifecycleConfiguration")
                    || failure.is_missing()
                    // A service without such rules removes nothing by them.
                    || failure.is_not_offered() =>
            {
                return Ok(None);
            }
            Err(failure) => return Err(failure.error),
        };
        // Rules for other prefixes or tags are counted as well: too short a window loses nothing.
        Ok(answer
            .rules()
            .iter()
            .filter(|rule| rule.status() == &ExpirationStatus::Enabled)
            .filter_map(|rule| rule.noncurrent_version_expiration()?.noncurrent_days())
            .min())
    }

    /// All versions below the prefix: by key, the newest first.
    pub(crate) fn versions(&self) -> BoxStream<'static, Result<Version, Error>> {
        let pages = Pages {
            bucket: self.clone(),
            next: Some((String::new(), String::new())),
        };
        stream::unfold(Some(pages), |pages| async move {
            let mut pages = pages?;
            match pages.turn().await {
                Ok(Some(page)) => Some((stream::iter(page).map(Ok).left_stream(), Some(pages))),
                Ok(None) => None,
                Err(error) => Some((stream::iter([Err(error)]).right_stream(), None)),
            }
        })
        .flatten()
        .boxed()
    }

    /// The objects as they were at a moment, in key order, each with its version.
    pub(crate) fn as_of(&self, at: Timestamp) -> Listing<'static> {
        let place = self.address("");
        self.versions()
            .scan(AsOf::new(at), move |state, version| {
                let step = match version {
                    Ok(version) => state.step(version, &place),
                    Err(error) => Err(error),
                };
                std::future::ready(Some(step.transpose()))
            })
            .filter_map(std::future::ready)
            .boxed()
    }
}

/// Chooses one version of each key as they pass by.
struct AsOf {
    at: Timestamp,
    /// The key whose state is known; its older versions do not count.
    settled: Option<String>,
    last: Option<String>,
}

impl AsOf {
    fn new(at: Timestamp) -> Self {
        Self {
            at,
            settled: None,
            last: None,
        }
    }

    fn step(&mut self, version: Version, place: &str) -> Result<Option<Entry>, Error> {
        let key = &version.entry.key;
        if self.last.as_ref().is_some_and(|last| last > key) {
            return Err(Error::refused(format!(
                "the versions of {place} are not listed in the order of their keys"
            )));
        }
        if self.last.as_ref() == Some(key) && version.is_latest {
            return Err(Error::refused_with(
                format!(
                    "the latest version of {} is not the newest by its time: this service does not tell when \
                     versions were written",
                    one_line(key)
                ),
                "Restore from another store; the versions' times cannot be trusted.",
            ));
        }
        if self.last.as_ref() != Some(key) {
            self.last = Some(key.clone());
        }
        if self.settled.as_ref() == Some(key) || version.entry.modified > self.at {
            return Ok(None);
        }
        self.settled = Some(key.clone());
        Ok((!version.is_marker).then_some(version.entry))
    }
}

struct Pages {
    bucket: Bucket,
    next: Option<(String, String)>,
}

impl Pages {
    async fn turn(&mut self) -> Result<Option<Vec<Version>>, Error> {
        let Some((key, version)) = self.next.take() else {
            return Ok(None);
        };
        let bucket = &self.bucket;
        let place = bucket.address("");
        let mut request = bucket
            .service
            .client
            .list_object_versions()
            .bucket(&bucket.name)
            .prefix(&bucket.prefix)
            .encoding_type(EncodingType::Url);
        if !key.is_empty() {
            request = request.key_marker(&key);
        }
        if !version.is_empty() {
            request = request.version_id_marker(&version);
        }
        let answer = request.send().await.map_err(|error| {
            Error::from(of_request(&format!("list the versions of {place}"), error))
        })?;
        bucket.pace.step();
        let page = self.page(&answer, &place)?;
        if answer.is_truncated() == Some(true) {
            let is_encoded = answer.encoding_type() == Some(&EncodingType::Url);
            let next = (
                decoded(answer.next_key_marker().unwrap_or_default(), is_encoded),
                answer
                    .next_version_id_marker()
                    .unwrap_or_default()
                    .to_owned(),
            );
            // A page that leads to itself would be read for ever.
            if next.0.is_empty() || next == (key, version) {
                return Err(Error::refused(format!(
                    "the listing of versions of {place} does not come to an end: its pages repeat"
                )));
            }
            self.next = Some(next);
        }
        Ok(Some(page))
    }

    fn page(&self, answer: &ListObjectVersionsOutput, place: &str) -> Result<Vec<Version>, Error> {
        let is_encoded = answer.encoding_type() == Some(&EncodingType::Url);
        let prefix = &self.bucket.prefix;
        let relative = |key: Option<&str>| {
            let full = decoded(key.unwrap_or_default(), is_encoded);
            full.strip_prefix(prefix.as_str())
                .map(str::to_owned)
                .ok_or_else(|| {
                    Error::refused(format!(
                        "the listing of {place} leaves its prefix: {}",
                        one_line(&full)
                    ))
                })
        };
        let mut page = Vec::with_capacity(answer.versions().len() + answer.delete_markers().len());
        for version in answer.versions() {
            page.push(Version {
                entry: Entry {
                    key: relative(version.key())?,
                    size: size_of(version.size(), place)?,
                    modified: moment(version.last_modified(), place)?,
                    etag: version.e_tag().map(unquoted),
                    version: version.version_id().map(str::to_owned),
                    file: None,
                },
                is_latest: version.is_latest() == Some(true),
                is_marker: false,
            });
        }
        for marker in answer.delete_markers() {
            page.push(Version {
                entry: Entry {
                    key: relative(marker.key())?,
                    size: 0,
                    modified: moment(marker.last_modified(), place)?,
                    etag: None,
                    version: marker.version_id().map(str::to_owned),
                    file: None,
                },
                is_latest: marker.is_latest() == Some(true),
                is_marker: true,
            });
        }
        page.retain(|version| !version.entry.key.is_empty());
        // Versions and markers come in two lists, so their order among each other is lost where their times
        // are equal. The latest is marked; else the version goes first, since bringing back one object too
        // many loses nothing.
        page.sort_by(|one, two| {
            one.entry
                .key
                .cmp(&two.entry.key)
                .then_with(|| two.entry.modified.cmp(&one.entry.modified))
                .then_with(|| two.is_latest.cmp(&one.is_latest))
                .then_with(|| one.is_marker.cmp(&two.is_marker))
        });
        Ok(page)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use jiff::Timestamp;

    use super::AsOf;
    use super::Version;
    use crate::entry::Entry;

    pub(crate) fn version(key: &str, second: i64, is_marker: bool) -> Version {
        Version {
            entry: Entry {
                key: key.to_owned(),
                size: 1,
                modified: Timestamp::new(second, 0).expect("a moment"),
                etag: None,
                version: Some(format!("v{second}")),
                file: None,
            },
            is_latest: false,
            is_marker,
        }
    }

    fn check(at: i64, expected: &[&str]) {
        let history = [
            version("a", 30, false),
            version("a", 20, true),
            version("a", 10, false),
            version("b", 25, true),
            version("b", 15, false),
            version("c", 40, false),
        ];
        let mut state = AsOf::new(Timestamp::new(at, 0).expect("a moment"));
        let found: Vec<String> = history
            .into_iter()
            .filter_map(|version| state.step(version, "s3://b/").expect("in order"))
            .map(|entry| format!("{} {}", entry.key, entry.version.unwrap_or_default()))
            .collect();
        assert_eq!(found, expected, "as of {at}");
    }

    #[test]
    fn each_key_has_the_version_that_was_current() {
        check(9, &[]);
        check(10, &["a v10"]);
        check(15, &["a v10", "b v15"]);
        check(20, &["b v15"]);
        check(25, &[]);
        check(30, &["a v30"]);
        check(99, &["a v30", "c v40"]);
    }
}
