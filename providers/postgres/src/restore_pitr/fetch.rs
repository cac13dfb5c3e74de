//! The WAL that a target needs: from the base backup's first segment to the one in which the target is passed.
//!
//! Every record of every segment is checked on its way, so that damage is found here and not as a recovery
//! that ends early.

use salvor_contract::Call;
use salvor_contract::Error;
use salvor_contract::Unit;
use salvor_contract::Update;

use crate::config::Config;
use crate::pitr::segments;
use crate::place::Place;
use crate::place::blocking;
use crate::programs::SystemUser;
use crate::restore_pitr::data_directory::DataDirectory;
use crate::restore_pitr::data_directory::WAL;
use crate::restore_pitr::data_directory::give;
use crate::restore_pitr::inputs::Target;
use crate::wal::archive::Archive;
use crate::wal::archive::Range;
use crate::wal::archive::Way;
use crate::wal::records;
use crate::wal::records::Scan;
use crate::wal::segment::Lsn;
use crate::wal::segment::Segment;

/// The archive as it is now, and the way through it from the base backup.
pub struct Along {
    wal: Place,
    archive: Archive,
    way: Way,
}

/// Finds the way again.
///
/// # Errors
/// [`Error::Refused`] when there is none any more.
pub async fn way(target: &Target, config: &Config, call: &Call<'_>) -> Result<Along, Error> {
    let wal = Place::open(&target.details.wal_url, config, call).await?;
    let (archive, _) = wal.told(call, segments::archive(&wal)).await?;
    let archive = archive.ok_or_else(|| Error::refused("the WAL archive holds no segment"))?;
    let range = Range {
        timeline: target.details.base_timeline,
        start: target.details.start,
        end: target.details.end,
    };
    let way = archive
        .way(range, target.details.timeline)
        .map_err(|error| Error::refused(error.to_string()))?;
    Ok(Along { wal, archive, way })
}

/// Fetches the segments that are needed and all histories into the data directory.
///
/// # Errors
/// [`Error::Refused`] for damaged segments, those of another cluster, and a target that is out of reach; the
/// nearest moment in reach is named then.
pub async fn wal(
    target: &Target,
    directory: &DataDirectory,
    owner: Option<&SystemUser>,
    config: &Config,
    call: &Call<'_>,
) -> Result<(), Error> {
    let Along { wal, archive, way } = way(target, config, call).await?;
    let folder = directory.join(WAL);
    let failed = |error: std::io::Error| directory.failed("fetching WAL into", &error);
    std::fs::create_dir_all(&folder).map_err(failed)?;
    give(&folder, owner).map_err(failed)?;
    // All of them, also those of rivals: the server takes the first timeline that has no history.
    for (timeline, history) in &archive.histories {
        let text: String = history
            .0
            .iter()
            .map(|ancestor| format!("{}\t{}\tkept\n", ancestor.timeline, ancestor.left_at))
            .collect();
        let name = format!("{WAL}/{:08X}.history", timeline.0);
        directory
            .write(&name, text.as_bytes(), owner)
            .map_err(failed)?;
    }
    let consistent = Lsn(target.details.end.0.saturating_sub(1)).0 / archive.size.bytes();
    let mut last_end = None;
    let mut continues = None;
    for (done, segment) in way.segments.iter().enumerate() {
        let scan = one(
            &wal, &archive, *segment, target, directory, owner, continues,
        )
        .await?;
        continues = Some(scan.continues);
        last_end = last_end.max(scan.last_end);
        call.progress.update(Update {
            done: done as u64 + 1,
            total: None,
            unit: Unit::Things,
            says: Some(format!("WAL segment {}", segment.name(archive.size))),
        });
        let is_passed = last_end.is_some_and(|end| end > target.at);
        if segment.number >= consistent && (is_passed || target.details.base_only) {
            return Ok(());
        }
        if call.stop.is_cancelled() || call.time_left().is_zero() {
            return Err(Error::unknown("stopped while fetching WAL"));
        }
    }
    let nearest = last_end.map_or_else(
        || "no transaction ended after the base backup".to_owned(),
        |end| format!("the last transaction in reach ended at {end}: a target must be before that"),
    );
    let gap = way.gap.map_or_else(String::new, |gap| {
        format!("; WAL segment {} is missing", gap.name(archive.size))
    });
    Err(Error::refused_with(
        format!("{} cannot be reached: {nearest}{gap}", target.at),
        "choose a moment in reach, or wait until more WAL is archived",
    ))
}

async fn one(
    wal: &Place,
    archive: &Archive,
    segment: Segment,
    target: &Target,
    directory: &DataDirectory,
    owner: Option<&SystemUser>,
    continues: Option<u64>,
) -> Result<Scan, Error> {
    let name = segment.name(archive.size);
    let start = segment.start(archive.size);
    let bytes = segments::read(wal, archive, segment).await?;
    let system = target.details.system_identifier.clone();
    let (directory, owner) = (directory.clone(), owner.cloned());
    blocking(move || {
        let damaged = |why: String| Error::refused(format!("WAL segment {name} is damaged: {why}"));
        let head = records::head(&bytes).ok_or_else(|| damaged("it has no head".into()))?;
        if head.system_identifier.to_string() != system {
            return Err(Error::refused(format!(
                "WAL segment {name} is of another cluster ({}, not {system})",
                head.system_identifier
            )));
        }
        if head.start != start || head.timeline > segment.timeline {
            return Err(damaged(format!(
                "it holds timeline {} from {}",
                head.timeline, head.start
            )));
        }
        if continues.is_some_and(|expected| expected != head.continued) {
            return Err(damaged(
                "it does not go on where the one before ends".into(),
            ));
        }
        let scan = records::scan(&bytes, start);
        if let Some(why) = scan.damage {
            return Err(damaged(format!("{why}, after {} bytes", scan.whole_bytes)));
        }
        directory
            .write(&format!("{WAL}/{name}"), &bytes, owner.as_ref())
            .map_err(|error| directory.failed("writing WAL into", &error))?;
        Ok(scan)
    })
    .await
}
