//! `objects.check` and `objects.verify`: what is there, against what is expected. Both only read.

use std::collections::BTreeMap;

use futures::StreamExt;
use futures::TryStreamExt;
use futures::stream;
use jiff::SignedDuration;
use jiff::Timestamp;
use salvor_contract::Call;
use salvor_contract::Error;
use salvor_contract::Finding;
use salvor_contract::Judgement;
use salvor_contract::Operation;
use salvor_contract::Outcome;
use salvor_contract::Period;
use salvor_contract::Size;
use salvor_contract::Unit;
use salvor_contract::Update;
use salvor_contract::Values;
use schemars::JsonSchema;
use serde::Deserialize;
use sha2::Digest;
use sha2::Sha256;

use crate::actions::grouped;
use crate::actions::of_point;
use crate::client::Clients;
use crate::config::Config;
use crate::entry::Entry;
use crate::entry::ListingDigest;
use crate::entry::hex;
use crate::failure::one_line;
use crate::place::Held;
use crate::place::Place;
use crate::source::Scope;
use crate::source::Source;
use crate::sync::still_allowed;

/// The inputs of `objects.check`. Each one that is given is one thing that is looked at.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct CheckInputs {
    /// The objects: s3://bucket/prefix/ or file:///folder/.
    pub(crate) url: String,
    /// At least this many objects. Left out together with all others, 1.
    pub(crate) min_objects: Option<u64>,
    /// At most this many objects.
    pub(crate) max_objects: Option<u64>,
    /// At least this many bytes in all.
    pub(crate) min_size: Option<Size>,
    /// The newest object is at most this old.
    pub(crate) max_age: Option<Period>,
    /// Objects that are there and not empty.
    #[serde(default)]
    pub(crate) objects: Vec<String>,
    /// An object with lines `SHA-256  key`, as sha256sum writes them: every one is read and compared.
    pub(crate) manifest: Option<String>,
}

/// The inputs of `objects.verify`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct VerifyInputs {
    /// Reads every object to its end, so that its checksum is compared. Left out, the listing is compared.
    #[serde(default)]
    pub(crate) read: bool,
}

/// The longest manifest that is read.
const MANIFEST_MAX: usize = 64 * 1024 * 1024;
/// How many objects that are wrong are named one by one.
const NAMED_MAX: usize = 20;

/// What a listing adds up to.
#[derive(Default)]
struct Sum {
    digest: ListingDigest,
    newest: Option<Timestamp>,
    sizes: BTreeMap<String, u64>,
}

impl Sum {
    async fn of(place: &Place, named: &[String]) -> Result<Self, Error> {
        let whole = Source {
            place: place.clone(),
            scope: Scope::All,
        };
        let mut sum = Self::default();
        let mut listing = whole.list();
        while let Some(entry) = listing.try_next().await? {
            if entry.is_folder_marker() {
                continue;
            }
            sum.digest.take(&entry);
            sum.newest = sum.newest.max(Some(entry.modified));
            if named.contains(&entry.key) {
                sum.sizes.insert(entry.key, entry.size);
            }
        }
        Ok(sum)
    }
}

/// Looks at a place and compares.
pub(crate) async fn check(
    clients: &Clients,
    operation: &Operation,
    call: &Call<'_>,
) -> Result<Outcome, Error> {
    still_allowed(call)?;
    let config: Config = operation.config.parse()?;
    let mut inputs: CheckInputs = operation.with.parse()?;
    let place = Place::open_with(clients, &inputs.url, &config, call).await?;
    let asks_nothing = inputs.min_objects.is_none()
        && inputs.max_objects.is_none()
        && inputs.min_size.is_none()
        && inputs.max_age.is_none()
        && inputs.objects.is_empty()
        && inputs.manifest.is_none();
    if asks_nothing {
        inputs.min_objects = Some(1);
    }
    let sum = Sum::of(&place, &inputs.objects).await?;
    let mut findings = of_numbers(&place, &inputs, &sum, call);
    for key in &inputs.objects {
        let size = sum.sizes.get(key).copied();
        findings.push(finding(
            place.address(key),
            "there and not empty".to_owned(),
            size.map_or("not there".to_owned(), |size| format!("{}", Size(size))),
            size.is_some_and(|size| size > 0),
        ));
    }
    if let Some(manifest) = &inputs.manifest {
        findings.extend(of_manifest(&place, manifest, config.concurrency(), call).await?);
    }
    let outputs = Values::new()
        .with("objects", sum.digest.objects)
        .with("bytes", sum.digest.bytes)
        .with("digest", sum.digest.finish());
    Ok(Outcome { outputs, findings })
}

fn of_numbers(place: &Place, inputs: &CheckInputs, sum: &Sum, call: &Call<'_>) -> Vec<Finding> {
    let (objects, bytes) = (sum.digest.objects, sum.digest.bytes);
    let mut findings = Vec::new();
    if let Some(least) = inputs.min_objects {
        findings.push(finding(
            format!("objects of {}", place.url()),
            format!("at least {}", grouped(least)),
            grouped(objects),
            objects >= least,
        ));
    }
    if let Some(most) = inputs.max_objects {
        findings.push(finding(
            format!("objects of {}", place.url()),
            format!("at most {}", grouped(most)),
            grouped(objects),
            objects <= most,
        ));
    }
    if let Some(least) = inputs.min_size {
        findings.push(finding(
            format!("bytes of {}", place.url()),
            format!("at least {least}"),
            Size(bytes).to_string(),
            bytes >= least.0,
        ));
    }
    if let Some(oldest) = inputs.max_age {
        let limit = SignedDuration::try_from(oldest.duration())
            .ok()
            .and_then(|age| call.clock.now().checked_sub(age).ok());
        findings.push(finding(
            format!("newest object of {}", place.url()),
            format!("at most {oldest} old"),
            sum.newest
                .map_or("no object".to_owned(), |newest| format!("of {newest}")),
            sum.newest
                .zip(limit)
                .is_some_and(|(newest, limit)| newest >= limit),
        ));
    }
    findings
}

async fn of_manifest(
    place: &Place,
    manifest: &str,
    concurrency: usize,
    call: &Call<'_>,
) -> Result<Vec<Finding>, Error> {
    let text = place.read(manifest, MANIFEST_MAX).await?;
    let text = String::from_utf8(text)
        .map_err(|_| Error::refused(format!("{} is not text", place.address(manifest))))?;
    let mut lines: Vec<(String, String)> = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let parts = line
            .split_once(' ')
            .map(|(hash, rest)| (hash, rest.trim_start_matches([' ', '*'])));
        let Some((hash, key)) = parts.filter(|(hash, _)| hash.len() == 64) else {
            return Err(Error::refused(format!(
                "{} has a line that is not `SHA-256  key`: {}",
                place.address(manifest),
                one_line(line)
            )));
        };
        let key = key.strip_prefix("./").unwrap_or(key);
        lines.push((hash.to_ascii_lowercase(), key.to_owned()));
    }
    let total = lines.len() as u64;
    // Each future owns what it reads: a stream of borrowing ones is too much for the compiler here.
    let wrong: Vec<Finding> = stream::iter(lines)
        .map(|(expected, key)| one_of_manifest(place.clone(), expected, key, call))
        .buffer_unordered(concurrency)
        .try_filter_map(|finding| std::future::ready(Ok(finding)))
        .try_collect()
        .await?;
    let mut findings = vec![finding(
        format!("checksums of {}", place.address(manifest)),
        format!("{} objects have theirs", grouped(total)),
        format!("{} have", grouped(total - wrong.len() as u64)),
        wrong.is_empty() && total > 0,
    )];
    findings.extend(wrong.into_iter().take(NAMED_MAX));
    Ok(findings)
}

async fn one_of_manifest(
    place: Place,
    expected: String,
    key: String,
    call: &Call<'_>,
) -> Result<Option<Finding>, Error> {
    still_allowed(call)?;
    let address = place.address(&key);
    let Some(_) = place.head(&key).await? else {
        return Ok(Some(finding(
            address,
            expected,
            "not there".to_owned(),
            false,
        )));
    };
    let mut content = place.get(&key).await?;
    let mut hash = Sha256::new();
    while let Some(chunk) = content.body.try_next().await? {
        hash.update(&chunk);
    }
    let found = hex(&hash.finalize());
    Ok((found != expected).then(|| finding(address, expected, found, false)))
}

/// Looks whether a recovery point is still what it was when it was surveyed.
pub(crate) async fn verify(
    clients: &Clients,
    operation: &Operation,
    call: &Call<'_>,
) -> Result<Outcome, Error> {
    still_allowed(call)?;
    let inputs: VerifyInputs = operation.with.parse()?;
    let config: Config = operation.config.parse()?;
    let source = of_point(clients, operation, call).await?;
    let mut digest = ListingDigest::default();
    let mut listing = source.list();
    while let Some(entry) = listing.try_next().await? {
        digest.take(&entry);
    }
    let (objects, bytes) = (digest.objects, digest.bytes);
    let digest = digest.finish();
    let url = source.place.url();
    let mut findings = Vec::new();
    let promised = operation
        .point
        .as_ref()
        .and_then(|chosen| chosen.point.details.text("digest"));
    match promised {
        Some(promised) => findings.push(finding(
            format!("listing of {url}"),
            format!("digest {promised}"),
            format!(
                "digest {digest}, {} objects, {}",
                grouped(objects),
                Size(bytes)
            ),
            promised == digest,
        )),
        None => findings.push(finding(
            format!("objects of {url} as of the chosen time"),
            "at least 1".to_owned(),
            grouped(objects),
            objects > 0,
        )),
    }
    if inputs.read {
        let wrong = read_all(&source, bytes, config.concurrency(), call).await?;
        findings.push(finding(
            format!("contents of {url}"),
            format!("{} objects can be read to their end", grouped(objects)),
            format!("{} can", grouped(objects - wrong.len() as u64)),
            wrong.is_empty(),
        ));
        findings.extend(wrong.into_iter().take(NAMED_MAX));
    }
    let outputs = Values::new()
        .with("objects", objects)
        .with("bytes", bytes)
        .with("digest", digest);
    Ok(Outcome { outputs, findings })
}

async fn read_all(
    source: &Source,
    total: u64,
    concurrency: usize,
    call: &Call<'_>,
) -> Result<Vec<Finding>, Error> {
    let mut wrong = Vec::new();
    let mut done = 0;
    let mut results = source
        .list()
        .map_ok(|entry| read_one(source.place.clone(), entry, call))
        .try_buffer_unordered(concurrency);
    while let Some((bytes, found)) = results.try_next().await? {
        done += bytes;
        wrong.extend(found);
        call.progress.update(Update {
            done,
            total: Some(total),
            unit: Unit::Bytes,
            says: None,
        });
    }
    Ok(wrong)
}

async fn read_one(
    place: Place,
    entry: Entry,
    call: &Call<'_>,
) -> Result<(u64, Option<Finding>), Error> {
    still_allowed(call)?;
    let read = async {
        let mut content = match &place.holder {
            Held::Bucket(bucket) => bucket.get(&entry).await?,
            Held::Tree(tree) => tree.get(&entry.key).await?,
        };
        let mut size = 0;
        while let Some(chunk) = content.body.try_next().await? {
            size += chunk.len() as u64;
        }
        Ok::<u64, Error>(size)
    };
    let expected = Size(entry.size).to_string();
    match read.await {
        Ok(size) if size == entry.size => Ok((size, None)),
        Ok(size) => {
            let found = finding(
                place.address(&entry.key),
                expected,
                Size(size).to_string(),
                false,
            );
            Ok((size, Some(found)))
        }
        Err(error @ Error::Refused { .. }) => {
            let found = finding(
                place.address(&entry.key),
                expected,
                error.to_string(),
                false,
            );
            Ok((entry.size, Some(found)))
        }
        Err(error @ (Error::Transient { .. } | Error::Unknown { .. })) => Err(error),
    }
}

fn finding(subject: String, expected: String, observed: String, is_good: bool) -> Finding {
    Finding {
        subject,
        expected,
        observed,
        judgement: Judgement::of(is_good),
    }
}
