//! Recovery points of simulated stores: the window of a database, and the backups in the world.

use jiff::Timestamp;
use salvor_contract::Error;
use salvor_contract::PointId;
use salvor_contract::PointState;
use salvor_contract::Reach;
use salvor_contract::RecoveryPoint;
use salvor_contract::Size;
use salvor_contract::StoreRequest;
use salvor_contract::Survey;
use salvor_contract::Values;
use serde::Deserialize;
use serde::Serialize;

use crate::source::WINDOW;
use crate::source::shelf_of;
use crate::world::Backup;
use crate::world::Content;
use crate::world::ContentState;
use crate::world::World;

/// What a survey saw.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Seen {
    content: Option<Content>,
    backups: Vec<Backup>,
}

/// Looks at a store.
pub(crate) fn survey(world: &World, store: &StoreRequest, now: Timestamp) -> Result<Survey, Error> {
    let (shelf, name) = shelf_of(store)?;
    let key = shelf.key(&name);
    let content = world.shelf(shelf).get(&name).cloned();
    let backups: Vec<Backup> = world
        .backups
        .get(&key)
        .map(|backups| {
            let is_kept = |backup: &&Backup| backup.expires.is_none_or(|moment| moment > now);
            backups.iter().filter(is_kept).cloned().collect()
        })
        .unwrap_or_default();
    if content.is_none() && backups.is_empty() {
        return Err(Error::refused_with(
            format!(
                "the world has no {} {name} and no backup of one",
                shelf.word()
            ),
            "see `with.name` of the store and the file of the world",
        ));
    }
    let seen = Seen { content, backups };
    serde_json::to_value(seen).map(Survey).map_err(|error| {
        Error::refused(format!("what was seen of {key} cannot be written: {error}"))
    })
}

/// The recovery points in what was seen, oldest first, the window last.
pub(crate) fn recovery_points(
    store: &StoreRequest,
    seen: &Survey,
) -> Result<Vec<RecoveryPoint>, Error> {
    let (shelf, name) = shelf_of(store)?;
    let seen: Seen = serde_json::from_value(seen.0.clone())
        .map_err(|error| Error::refused(format!("not a survey of this provider: {error}")))?;
    let mut backups = seen.backups;
    backups.sort_by(|one, other| (one.at, &one.id).cmp(&(other.at, &other.id)));
    let mut points: Vec<RecoveryPoint> = backups
        .into_iter()
        .map(|backup| RecoveryPoint {
            title: format!("snapshot {} of {name}", backup.id),
            details: Values::new()
                .with("key", shelf.key(&name))
                .with("rows", backup.rows),
            id: PointId::new(backup.id),
            reach: Reach::Moment(backup.at),
            state: backup.state,
            size: Some(Size(backup.bytes)),
            objects: Some(backup.rows),
            expires: backup.expires,
            set: backup.set,
        })
        .collect();
    if let Some(content) = seen.content
        && let Some(from) = content.pitr_from
    {
        let state = match content.state {
            ContentState::Available | ContentState::Lost => PointState::Usable,
            ContentState::Creating => PointState::Pending,
            ContentState::Incomplete => PointState::Failed(format!("{name} is incomplete")),
        };
        points.push(RecoveryPoint {
            id: PointId::from(WINDOW),
            reach: Reach::Window {
                from,
                to: content.data_until,
            },
            state,
            size: Some(Size(content.bytes)),
            objects: None,
            expires: None,
            set: None,
            title: format!("PITR of {name}"),
            details: Values::new()
                .with("key", shelf.key(&name))
                .with("created", content.created.to_string()),
        });
    }
    Ok(points)
}
