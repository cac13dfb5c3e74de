//! The store `postgres.pitr`: base backups and an archive of WAL, and the moments that they reach together.
//!
//! A window ends just before the last transaction whose end is in the archive without a gap: to a later
//! moment PostgreSQL does not recover ("recovery ended before configured recovery target was reached").
//! That time is read from the last segments themselves; everything else comes from names and labels.

pub mod base;
pub mod points;
pub mod segments;

use std::collections::BTreeMap;

use jiff::Timestamp;
use salvor_contract::Call;
use salvor_contract::Error;
use salvor_contract::StoreRequest;
use salvor_contract::Survey;
use salvor_contract::Values;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::config::Config;
use crate::pitr::base::SeenBase;
use crate::place::Place;
use crate::wal::archive::Archive;
use crate::wal::archive::Way;
use crate::wal::segment::Segment;
use crate::wal::segment::Timeline;

/// How many segments are read backwards for the end of a transaction.
const QUIET_SEGMENTS_MAX: usize = 64;

/// What `with` of `postgres.pitr` takes.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PitrInputs {
    /// Where the base backups are, each a folder made by `pg_basebackup --format=plain`: `s3://…` or `file://…`.
    pub base: String,
    /// Where `archive_command` puts the WAL: segments as they are, or with .gz or .zst.
    pub wal: String,
    /// The timeline to follow: `latest`, `current` (that of the base backup), or its number. Needed when the archive
    /// was forked, which a restored server that goes on archiving does.
    #[serde(default = "latest")]
    pub timeline: String,
}

fn latest() -> String {
    "latest".into()
}

/// Which timeline is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follow {
    /// The one that descends from all others.
    Latest,
    /// That of the base backup.
    Current,
    /// This one.
    Number(Timeline),
}

/// What a survey keeps.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// The base backups.
    pub bases: Vec<SeenBase>,
    /// The ways of the log from them.
    pub ways: Vec<SeenWay>,
}

/// How far the log goes from one base backup on one timeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeenWay {
    /// The base backup's folder.
    pub base: String,
    /// The timeline at its end.
    pub timeline: Timeline,
    /// Timelines that fork from it and that nobody chose between; empty when the way is clear.
    pub rivals: Vec<Timeline>,
    /// Why there is no way at all.
    pub problem: Option<String>,
    /// The last segment before a gap or the end.
    pub last: Option<String>,
    /// When the last transaction in it ended.
    pub last_end: Option<Timestamp>,
    /// The first missing segment, when later ones are there.
    pub gap: Option<String>,
    /// When the last segment after the gap came into the archive.
    pub after_gap: Option<Timestamp>,
}

impl PitrInputs {
    /// The inputs, with the checks that types cannot do.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub fn parse(with: &Values) -> Result<(Self, Follow), Error> {
        let inputs: Self = with.parse()?;
        let follow = match inputs.timeline.as_str() {
            "latest" => Follow::Latest,
            "current" => Follow::Current,
            number => Follow::Number(Timeline(number.parse().map_err(|_| {
                Error::refused(format!(
                    "timeline: `{number}` is not `latest`, `current` or a number"
                ))
            })?)),
        };
        Ok((inputs, follow))
    }
}

/// Looks at the base backups and the archive.
pub async fn survey(
    store: &StoreRequest,
    config: &Config,
    call: &Call<'_>,
) -> Result<Survey, Error> {
    let (inputs, follow) = PitrInputs::parse(&store.with)?;
    let bases_place = Place::open(&inputs.base, config, call).await?;
    let wal = Place::open(&inputs.wal, config, call).await?;
    let look = look(&bases_place, &wal, follow);
    let seen = wal.told(call, bases_place.told(call, look)).await?;
    serde_json::to_value(seen)
        .map(Survey)
        .map_err(|error| Error::refused(format!("the survey has no form: {error}")))
}

async fn look(bases_place: &Place, wal: &Place, follow: Follow) -> Result<Seen, Error> {
    let (archive, labels) = segments::archive(wal).await?;
    let bases = base::survey(bases_place, &labels).await?;
    let mut ways = Vec::new();
    let mut ends = BTreeMap::new();
    for base in bases.iter().filter(|base| base.problem.is_none()) {
        let Some(archive) = &archive else {
            ways.push(no_way(base, "the WAL archive holds no segment".into()));
            continue;
        };
        let tips = match follow {
            Follow::Latest => archive.tips(base.range()),
            Follow::Current => vec![base.timeline],
            Follow::Number(timeline) => vec![timeline],
        };
        let orphans = match follow {
            Follow::Latest => archive.orphans(base.range()),
            Follow::Current | Follow::Number(_) => Vec::new(),
        };
        for orphan in orphans {
            if let Err(error) = archive.way(base.range(), orphan) {
                ways.push(SeenWay {
                    timeline: orphan,
                    ..no_way(base, error.to_string())
                });
            }
        }
        for tip in &tips {
            let rivals = tips.iter().copied().filter(|other| other != tip).collect();
            let seen = match archive.way(base.range(), *tip) {
                Err(error) => SeenWay {
                    timeline: *tip,
                    ..no_way(base, error.to_string())
                },
                Ok(way) => look_along(wal, archive, base, *tip, &way, &mut ends).await?,
            };
            ways.push(SeenWay { rivals, ..seen });
        }
    }
    Ok(Seen { bases, ways })
}

fn no_way(base: &SeenBase, problem: String) -> SeenWay {
    SeenWay {
        base: base.key.clone(),
        timeline: base.timeline,
        rivals: Vec::new(),
        problem: Some(problem),
        last: None,
        last_end: None,
        gap: None,
        after_gap: None,
    }
}

async fn look_along(
    wal: &Place,
    archive: &Archive,
    base: &SeenBase,
    tip: Timeline,
    way: &Way,
    ends: &mut BTreeMap<Segment, Option<Timestamp>>,
) -> Result<SeenWay, Error> {
    let mut last_end = None;
    let mut damage = None;
    for segment in way.segments.iter().rev().take(QUIET_SEGMENTS_MAX) {
        if let Some(known) = ends.get(segment) {
            last_end = *known;
        } else {
            let (_, scan) = segments::scan(wal, archive, *segment).await?;
            damage = damage.or(scan.damage.map(|why| {
                format!(
                    "WAL segment {} is damaged: {why}",
                    segment.name(archive.size)
                )
            }));
            last_end = scan.last_end;
            ends.insert(*segment, last_end);
        }
        if last_end.is_some() {
            break;
        }
    }
    let mut seen = no_way(base, String::new());
    seen.problem = damage;
    seen.timeline = tip;
    seen.last = way
        .segments
        .last()
        .map(|segment| segment.name(archive.size));
    seen.last_end = last_end;
    if let Some(gap) = way.gap {
        seen.gap = Some(gap.name(archive.size));
        let after = archive
            .segments
            .iter()
            .filter(|(segment, _)| segment.number > gap.number && segment.timeline >= gap.timeline);
        seen.after_gap = after.map(|(_, stored)| stored.modified).max();
    }
    Ok(seen)
}
