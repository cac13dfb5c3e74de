//! The three kinds of stores: what a survey sees of them, and the recovery points in that.
//!
//! A survey lists everything below the store's address once, page by page, and keeps one line a dated
//! backup, not one an object.

use std::collections::BTreeMap;

use futures::TryStreamExt;
use jiff::SignedDuration;
use jiff::Timestamp;
use jiff::civil::Time;
use salvor_contract::Call;
use salvor_contract::Error;
use salvor_contract::InputRefusal;
use salvor_contract::PointId;
use salvor_contract::PointState;
use salvor_contract::Reach;
use salvor_contract::RecoveryPoint;
use salvor_contract::Size;
use salvor_contract::Survey;
use salvor_contract::Values;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::entry::Entry;
use crate::entry::ListingDigest;
use crate::failure::one_line;
use crate::history::History;
use crate::pattern::Pattern;
use crate::place::Held;
use crate::place::Place;
use crate::source::Scope;
use crate::source::Source;
use crate::versions::Versioning;

/// The inputs of `objects.dated`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Dated {
    /// The folder of the dated backups: s3://bucket/prefix/ or file:///folder/.
    pub(crate) url: String,
    /// How a backup is named below it: `{date}/` is a folder a backup, `db-{date}.dump` a file. `{date}` takes
    /// 2026-04-05, 20260405, 20260405T013000Z and the like; {year}, {month}, {day}, {hour}, {minute} and
    /// {second} are there for other orders.
    #[serde(default = "default_pattern")]
    pub(crate) pattern: String,
    /// The time of day (UTC) at which the backup of a day is taken: 02:00. Left out, 00:00.
    pub(crate) time: Option<String>,
    /// An object that is written last: a backup without it is not complete.
    pub(crate) complete: Option<String>,
    /// The one object of a dated folder that is the backup.
    pub(crate) file: Option<String>,
}

/// The inputs of `objects.versions` and `objects.prefix`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Whole {
    /// The objects: s3://bucket/prefix/, or for a plain copy also file:///folder/.
    pub(crate) url: String,
}

/// What no listing of dated backups could make good.
pub(crate) fn refusals_of_dated(with: &Values) -> Vec<InputRefusal> {
    Vec::from_iter(InputRefusal::of_text(with, "pattern", Pattern::parse))
}

fn default_pattern() -> String {
    "{date}/".to_owned()
}

/// What a survey saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
enum Seen {
    Dated(Vec<Group>),
    Versions(Versions),
    Prefix(Group),
}

/// The objects of one backup.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    name: String,
    moment: Option<Timestamp>,
    /// The folder of the backup, below the store, and the one object of it where it is only one.
    folder: String,
    file: Option<String>,
    objects: u64,
    bytes: u64,
    digest: String,
    newest: Option<Timestamp>,
    is_marked: bool,
    keys: Vec<Key>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    key: String,
    size: u64,
    etag: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Versions {
    versioning: Versioning,
    history: History,
    nulls: Option<Timestamp>,
    /// Days after which old versions go; `Err` holds why it is not known.
    kept_days: Option<i32>,
    kept_unknown: Option<String>,
    now: Timestamp,
}

/// How many objects of a point are named one by one; above that there is only the digest.
const KEYS_NAMED: usize = 20;

/// A group that objects are added to.
struct Growing {
    group: Group,
    digest: ListingDigest,
}

impl Growing {
    fn new(name: String) -> Self {
        Self {
            group: Group {
                name,
                ..Group::default()
            },
            digest: ListingDigest::default(),
        }
    }

    fn take(&mut self, entry: &Entry) {
        self.digest.take(entry);
        if !entry.is_folder_marker() {
            self.group.objects += 1;
            self.group.newest = self.group.newest.max(Some(entry.modified));
        }
        if self.group.keys.len() <= KEYS_NAMED {
            self.group.keys.push(Key {
                key: entry.key.clone(),
                size: entry.size,
                etag: entry.etag.clone(),
            });
        }
    }

    fn finish(mut self) -> Group {
        self.group.bytes = self.digest.bytes;
        self.group.digest = self.digest.finish();
        if self.group.keys.len() > KEYS_NAMED {
            self.group.keys.clear();
        }
        self.group
    }
}

impl Dated {
    fn time(&self) -> Result<Time, Error> {
        let Some(text) = &self.time else {
            return Ok(Time::midnight());
        };
        text.parse().map_err(|_| {
            Error::refused_with(
                format!("`time` is `{}`, which is not a time of day", one_line(text)),
                "Write it as 02:00; it is in UTC.",
            )
        })
    }

    pub(crate) async fn survey(&self, place: &Place) -> Result<Survey, Error> {
        let pattern = Pattern::parse(&self.pattern)?;
        let time = self.time()?;
        let mut groups: BTreeMap<String, Growing> = BTreeMap::new();
        let mut listing = place.list_below_links(pattern.depth());
        while let Some(mut entry) = listing.try_next().await? {
            let Some(name) = pattern.name_of(&entry.key).map(str::to_owned) else {
                continue;
            };
            let Some(moment) = pattern.moment_of(&name, time) else {
                continue;
            };
            let growing = groups
                .entry(name.clone())
                .or_insert_with(|| Growing::new(name.clone()));
            growing.group.moment = Some(moment);
            if pattern.is_folder() {
                growing.group.folder.clone_from(&name);
                entry.key.drain(..name.len());
                growing.group.file.clone_from(&self.file);
            } else {
                let cut = name.rfind('/').map_or(0, |slash| slash + 1);
                growing.group.folder = name[..cut].to_owned();
                growing.group.file = Some(name[cut..].to_owned());
                entry.key.drain(..cut);
            }
            if self.complete.as_deref() == Some(entry.key.as_str()) {
                growing.group.is_marked = true;
            }
            let is_wanted = growing
                .group
                .file
                .as_ref()
                .is_none_or(|file| *file == entry.key);
            // The marker of the dated folder itself has no name left.
            if is_wanted && !entry.key.is_empty() {
                growing.take(&entry);
            }
        }
        let groups = groups.into_values().map(Growing::finish).collect();
        Ok(seen(&Seen::Dated(groups)))
    }

    fn state(&self, group: &Group) -> PointState {
        if let Some(marker) = &self.complete
            && !group.is_marked
        {
            return PointState::Partial(format!("`{marker}` is not there, so it is not complete"));
        }
        match (&self.file, group.objects, group.bytes) {
            (Some(file), 0, _) => PointState::Partial(format!("`{file}` is not there")),
            (None, 0, _) => PointState::Failed("it holds no object".to_owned()),
            (_, _, 0) => PointState::Failed("its objects have no bytes".to_owned()),
            (_, _, _) => PointState::Usable,
        }
    }

    pub(crate) fn points(&self, survey: &Survey) -> Result<Vec<RecoveryPoint>, Error> {
        let Seen::Dated(groups) = read(survey)? else {
            return Err(wrong_survey());
        };
        let points = groups.into_iter().filter_map(|group| {
            let moment = group.moment?;
            let state = self.state(&group);
            Some(point(&self.url, Reach::Moment(moment), state, group))
        });
        Ok(points.collect())
    }
}

impl Whole {
    pub(crate) async fn survey_prefix(&self, place: &Place) -> Result<Survey, Error> {
        let mut growing = Growing::new(String::new());
        let whole = Source {
            place: place.clone(),
            scope: Scope::All,
        };
        let mut listing = whole.list();
        while let Some(entry) = listing.try_next().await? {
            growing.take(&entry);
        }
        Ok(seen(&Seen::Prefix(growing.finish())))
    }

    /// One point: the copy as it is. Its moment is the newest time of change of an object in it, since that
    /// is the last moment at which it is known to have followed its original; deletions do not show.
    pub(crate) fn points_of_prefix(&self, survey: &Survey) -> Result<Vec<RecoveryPoint>, Error> {
        let Seen::Prefix(mut group) = read(survey)? else {
            return Err(wrong_survey());
        };
        let Some(moment) = group.newest else {
            return Ok(Vec::new());
        };
        group.name = format!("current-{}", &group.digest[..12]);
        let point = point(&self.url, Reach::Moment(moment), PointState::Usable, group);
        Ok(vec![point])
    }

    pub(crate) async fn survey_versions(
        &self,
        place: &Place,
        call: &Call<'_>,
    ) -> Result<Survey, Error> {
        let Held::Bucket(bucket) = &place.holder else {
            return Err(Error::refused_with(
                format!(
                    "{} is a folder of files, which has no versions",
                    place.url()
                ),
                "Use objects.dated or objects.prefix for files.",
            ));
        };
        let versioning = bucket.versioning().await?;
        if versioning == Versioning::Off {
            return Err(Error::refused_with(
                format!("the bucket of {} keeps no versions", place.url()),
                "Enable versioning, or use objects.dated or objects.prefix.",
            ));
        }
        let (kept_days, kept_unknown) = match bucket.noncurrent_days().await {
            Ok(days) => (days, None),
            Err(error @ Error::Refused { .. }) => (None, Some(error.to_string())),
            Err(error @ (Error::Transient { .. } | Error::Unknown { .. })) => return Err(error),
        };
        let (mut history, mut nulls) = (History::default(), None);
        let mut versions = bucket.versions();
        let mut newer = None;
        while let Some(version) = versions.try_next().await? {
            history.take(&version, newer.as_ref(), &mut nulls);
            newer = Some(version);
        }
        Ok(seen(&Seen::Versions(Versions {
            versioning,
            history,
            nulls,
            kept_days,
            kept_unknown,
            now: call.clock.now(),
        })))
    }

    pub(crate) fn points_of_versions(&self, survey: &Survey) -> Result<Vec<RecoveryPoint>, Error> {
        let Seen::Versions(seen) = read(survey)? else {
            return Err(wrong_survey());
        };
        let (Some(oldest), Some(newest)) = (seen.history.from, seen.history.newest) else {
            return Ok(Vec::new());
        };
        let kept = seen.kept_days.and_then(|days| {
            seen.now
                .checked_sub(SignedDuration::from_hours(24 * i64::from(days)))
                .ok()
        });
        let from = seen.nulls.unwrap_or(oldest).max(kept.unwrap_or(oldest));
        // The service's clock may be ahead of ours.
        let to = seen.now.max(newest);
        let address = self.url.strip_prefix("s3://").unwrap_or(&self.url);
        let (bucket, prefix) = address.split_once('/').unwrap_or((address, ""));
        let mut details = Values::new()
            .with("versioning", "enabled")
            .with("bucket", bucket)
            .with("prefix", prefix);
        if seen.versioning == Versioning::Suspended {
            details.set("versioning", "suspended");
        }
        details.set("kept-days", seen.kept_days);
        if seen.kept_unknown.is_some() {
            details.set("kept-days", "unknown");
        }
        Ok(vec![RecoveryPoint {
            id: PointId::from("versions"),
            reach: Reach::Window {
                from: from.min(to),
                to,
            },
            state: match seen.history.doubt() {
                None => PointState::Usable,
                Some(why) => PointState::Unknown(why),
            },
            size: None,
            objects: None,
            expires: None,
            set: None,
            title: format!("versions of {}", self.url),
            details,
        }])
    }
}

fn point(url: &str, reach: Reach, state: PointState, group: Group) -> RecoveryPoint {
    let bare = url.trim_end_matches('/');
    let last = bare.rsplit('/').next().unwrap_or(bare);
    let file = group.file.as_deref().unwrap_or_default();
    let mut details = Values::new()
        .with("url", format!("{bare}/{}{file}", group.folder))
        .with("folder", group.folder)
        .with("digest", group.digest)
        .with("objects", group.objects)
        .with("bytes", group.bytes);
    if let Some(file) = group.file {
        details.set("file", file);
    }
    if !group.keys.is_empty() {
        let keys = serde_json::to_value(&group.keys).expect("plain fields");
        details.set("keys", keys);
    }
    RecoveryPoint {
        title: format!("{last}/{}", group.name.trim_end_matches('/')),
        id: PointId::new(group.name),
        reach,
        state,
        size: Some(Size(group.bytes)),
        objects: Some(group.objects),
        expires: None,
        set: None,
        details,
    }
}

fn seen(seen: &Seen) -> Survey {
    Survey(serde_json::to_value(seen).expect("plain fields"))
}

fn read(survey: &Survey) -> Result<Seen, Error> {
    serde_json::from_value(survey.0.clone()).map_err(|_| wrong_survey())
}

fn wrong_survey() -> Error {
    Error::refused("the survey is not one of this kind of store")
}
