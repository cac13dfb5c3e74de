//! The store `postgres.dumps`: dumps in a folder or bucket, one recovery point each.
//!
//! Whether a dump can be restored is not seen here: only that it is there and is not empty.

use jiff::Timestamp;
use salvor_contract::Call;
use salvor_contract::Error;
use salvor_contract::InputRefusal;
use salvor_contract::PointId;
use salvor_contract::PointState;
use salvor_contract::Reach;
use salvor_contract::RecoveryPoint;
use salvor_contract::Size;
use salvor_contract::StoreRequest;
use salvor_contract::Survey;
use salvor_contract::Values;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::config::Config;
use crate::dump_name::Format;
use crate::dump_name::Pattern;
use crate::dump_name::time;
use crate::place::Entry;
use crate::place::Place;

/// An empty text in gzip has 20 bytes, in zstd 13: nothing that small holds a dump.
const EMPTY_BYTES_MAX: u64 = 20;

/// What `with` of `postgres.dumps` takes.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DumpsInputs {
    /// Where the dumps are: `s3://bucket/prefix/` or `file:///folder/`.
    pub url: String,
    /// Which keys are dumps and where their moment stands: text, `*`, `{date}`, `{time}`, `{timestamp}`, all in UTC.
    /// Left out: every file that ends in .sql, .sql.gz, .sql.zst, .dump, and every folder with a toc.dat.
    pub pattern: Option<String>,
    /// The time of day (UTC) at which the dumps are begun, for patterns that tell only the date.
    pub time: Option<String>,
}

/// What a survey keeps of one dump; also what a recovery point's details hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Dump {
    /// The key of the file, or of the folder.
    pub key: String,
    /// The form.
    pub format: Format,
    /// Bytes as stored.
    pub size: u64,
    /// The number of files.
    pub files: u64,
    /// When it was last written.
    pub modified: Timestamp,
    /// The service's entity tag of the file.
    pub etag: Option<String>,
}

impl Dump {
    /// The dump that a recovery point's details tell of, which name its place too.
    ///
    /// # Errors
    /// [`Error::Refused`] for details of another kind of store.
    pub fn of_details(details: &Values) -> Result<Self, Error> {
        let kept: Values = details
            .iter()
            .filter(|(name, _)| *name != "url")
            .map(|(name, value)| (name.to_owned(), value.clone()))
            .collect();
        kept.parse()
    }
}

impl DumpsInputs {
    /// Checks what the planner cannot: the pattern and the time of day.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub fn parse(with: &Values) -> Result<Self, Error> {
        let inputs: Self = with.parse()?;
        inputs.parsed_pattern()?;
        inputs.time_of_day()?;
        Ok(inputs)
    }

    fn parsed_pattern(&self) -> Result<Option<Pattern>, Error> {
        self.pattern.as_deref().map(pattern_of).transpose()
    }

    fn time_of_day(&self) -> Result<Option<jiff::civil::Time>, Error> {
        self.time.as_deref().map(time_of).transpose()
    }
}

fn pattern_of(text: &str) -> Result<Pattern, Error> {
    Pattern::parse(text).map_err(|error| Error::refused(format!("pattern: {error}")))
}

fn time_of(text: &str) -> Result<jiff::civil::Time, Error> {
    time(text).ok_or_else(|| {
        Error::refused_with(
            format!("time: `{text}` is not a time of day"),
            "write hours and minutes in UTC, such as 02:00",
        )
    })
}

/// What no listing could make good.
pub fn refusals(with: &Values) -> Vec<InputRefusal> {
    let pattern = InputRefusal::of_text(with, "pattern", pattern_of);
    let time = InputRefusal::of_text(with, "time", time_of);
    pattern.into_iter().chain(time).collect()
}

/// Lists the dumps.
pub async fn survey(
    store: &StoreRequest,
    config: &Config,
    call: &Call<'_>,
) -> Result<Survey, Error> {
    let inputs = DumpsInputs::parse(&store.with)?;
    let pattern = inputs.parsed_pattern()?;
    let place = Place::open(&inputs.url, config, call).await?;
    let entries = place.told(call, place.list("")).await?;
    let dumps: Vec<Dump> = dumps_in(&entries)
        .into_iter()
        .filter(|dump| pattern.as_ref().is_none_or(|p| p.read(&dump.key).is_some()))
        .collect();
    serde_json::to_value(&dumps)
        .map(Survey)
        .map_err(|error| Error::refused(format!("the survey has no form: {error}")))
}

/// The dumps among files: each file with a dump's name, each folder with a table of contents.
fn dumps_in(entries: &[Entry]) -> Vec<Dump> {
    entries
        .iter()
        .filter_map(|entry| {
            let format = Format::of_name(&entry.key)?;
            if format != Format::Directory {
                return Some(Dump {
                    key: entry.key.clone(),
                    format,
                    size: entry.size,
                    files: 1,
                    modified: entry.modified,
                    etag: entry.etag.clone(),
                });
            }
            let folder = entry.key.strip_suffix("/toc.dat")?;
            let prefix = format!("{folder}/");
            let inside = entries
                .iter()
                .filter(|other| other.key.starts_with(&prefix));
            let (files, size) = inside.fold((0, 0), |(files, size), other| {
                (files + 1, size + other.size)
            });
            Some(Dump {
                key: folder.to_owned(),
                format,
                size,
                files,
                modified: entry.modified,
                etag: entry.etag.clone(),
            })
        })
        .collect()
}

/// The recovery points among the dumps that were seen.
pub fn recovery_points(store: &StoreRequest, seen: &Survey) -> Result<Vec<RecoveryPoint>, Error> {
    let inputs = DumpsInputs::parse(&store.with)?;
    let pattern = inputs.parsed_pattern()?;
    let time = inputs.time_of_day()?;
    let dumps: Vec<Dump> = serde_json::from_value(seen.0.clone())
        .map_err(|error| Error::refused(format!("the survey is of another version: {error}")))?;
    let points = dumps.into_iter().map(|dump| {
        let told = pattern
            .as_ref()
            .and_then(|pattern| pattern.read(&dump.key))
            .and_then(|told| told.moment(time));
        RecoveryPoint {
            id: PointId::new(dump.key.clone()),
            reach: Reach::Moment(told.unwrap_or(dump.modified)),
            state: if dump.size <= EMPTY_BYTES_MAX {
                PointState::Failed(format!("it has {} bytes: no dump is that small", dump.size))
            } else {
                PointState::Usable
            },
            size: Some(Size(dump.size)),
            objects: None,
            expires: None,
            set: None,
            title: format!("dump {}", dump.key),
            details: Values::of(&dump).with("url", inputs.url.clone()),
        }
    });
    Ok(points.collect())
}

/// The dump that a recovery point names, after a look that it still is the one that was surveyed.
///
/// # Errors
/// [`Error::Refused`] when it is gone or was changed.
pub async fn find(place: &Place, details: &Values) -> Result<Dump, Error> {
    let dump = Dump::of_details(details)?;
    let changed = |what: String| {
        Error::refused_with(what, "plan again: the recovery point is not what it was")
    };
    let key = match dump.format {
        Format::Directory => format!("{}/toc.dat", dump.key),
        Format::Plain | Format::PlainGzip | Format::PlainZstd | Format::Custom => dump.key.clone(),
    };
    let Some(entry) = place.look(&key).await? else {
        return Err(changed(format!("{} is gone", place.name(&key))));
    };
    let is_same = match (&entry.etag, &dump.etag) {
        (Some(now), Some(then)) => now == then,
        (None, _) | (_, None) => entry.modified == dump.modified,
    };
    let has_size = dump.format == Format::Directory || entry.size == dump.size;
    if !is_same || !has_size {
        return Err(changed(format!(
            "{} was changed after the survey",
            place.name(&key)
        )));
    }
    Ok(dump)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use salvor_contract::PointState;
    use salvor_contract::StoreRequest;
    use salvor_contract::Survey;
    use salvor_contract::Values;

    use super::dumps_in;
    use super::recovery_points;
    use crate::place::Entry;

    fn entry(key: &str, size: u64) -> Entry {
        Entry {
            key: key.into(),
            size,
            modified: Timestamp::UNIX_EPOCH,
            etag: None,
            version: None,
            file: None,
        }
    }

    #[test]
    fn each_dump_is_a_point_at_the_moment_in_its_name() {
        let entries = [
            entry("2026-04-04/db.sql.gz", 20),
            entry("2026-04-05/db.sql.gz", 4000),
            entry("2026-04-06/toc.dat", 100),
            entry("2026-04-06/3001.dat.gz", 900),
            entry("readme.txt", 9),
        ];
        let store = StoreRequest {
            store: "pipelines".into(),
            kind: "postgres.dumps".into(),
            with: Values::new()
                .with("url", "file:///d")
                .with("pattern", "{date}/*")
                .with("time", "02:00"),
            config: Values::new(),
        };
        let dumps = dumps_in(&entries);
        assert_eq!(dumps.len(), 3);
        assert_eq!(
            (dumps[2].key.as_str(), dumps[2].size, dumps[2].files),
            ("2026-04-06", 1000, 2)
        );
        let seen = Survey(serde_json::to_value(&dumps[..2]).expect("plain values"));
        let points = recovery_points(&store, &seen).expect("points");
        assert_eq!(points[1].reach.latest().to_string(), "2026-04-05T02:00:00Z");
        assert_eq!(points[1].state, PointState::Usable);
        assert!(matches!(points[0].state, PointState::Failed(_)));
    }
}
