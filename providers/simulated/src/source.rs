//! Where an operation's data come from: its store, its recovery point, and what that holds.

use jiff::Timestamp;
use salvor_contract::ChosenPoint;
use salvor_contract::Error;
use salvor_contract::Operation;
use salvor_contract::StoreRequest;

use crate::inputs;
use crate::world::Content;
use crate::world::ContentState;
use crate::world::Mark;
use crate::world::Shelf;
use crate::world::World;

/// The id of the recovery point that stands for the whole window of a database.
pub(crate) const WINDOW: &str = "window";

/// Where a backup is listed, and its id.
pub(crate) fn backup_key(operation: &Operation) -> Result<(String, String), Error> {
    let (shelf, name) = source(operation)?;
    let id = operation.with.parse::<inputs::TakeBackup>()?.name;
    Ok((
        shelf.key(&name),
        id.unwrap_or_else(|| operation.mark.to_string()),
    ))
}

/// The shelf and the name of an operation's store.
pub(crate) fn source(operation: &Operation) -> Result<(Shelf, String), Error> {
    let store = operation.store.as_ref().ok_or_else(|| {
        Error::refused_with(
            format!("`{}` has no store", operation.action),
            "write the step with `restore`, `backup` or `verify` and the name of a store",
        )
    })?;
    shelf_of(store)
}

/// The shelf and the name of a store.
pub(crate) fn shelf_of(store: &StoreRequest) -> Result<(Shelf, String), Error> {
    let shelf = match store.kind.as_str() {
        "simulated.database" => Shelf::Databases,
        "simulated.objects" => Shelf::Objects,
        "simulated.index" => Shelf::Indices,
        other => {
            return Err(Error::refused(format!(
                "`{other}` is not a store of this provider"
            )));
        }
    };
    Ok((shelf, store.with.parse::<inputs::Store>()?.name))
}

/// The chosen point of an operation.
pub(crate) fn point(operation: &Operation) -> Result<&ChosenPoint, Error> {
    operation
        .point
        .as_ref()
        .ok_or_else(|| Error::refused(format!("`{}` has no recovery point", operation.action)))
}

/// A content that is there and not lost.
pub(crate) fn present<'a>(
    world: &'a World,
    shelf: Shelf,
    name: &str,
) -> Result<&'a Content, Error> {
    world
        .shelf(shelf)
        .get(name)
        .filter(|content| content.state == ContentState::Available)
        .ok_or_else(|| Error::refused(format!("{} {name} is not there to be read", shelf.word())))
}

/// What a restore of the operation's point would bring.
pub(crate) fn restored(
    world: &World,
    operation: &Operation,
    now: Timestamp,
) -> Result<Content, Error> {
    let (shelf, name) = source(operation)?;
    let chosen = point(operation)?;
    let id = chosen.point.id.as_str();
    let gone = || {
        Error::refused_with(
            format!(
                "the recovery point {id} of {} is no longer there",
                shelf.key(&name)
            ),
            "plan again: the survey will show what is left",
        )
    };
    let (rows, bytes, data_until) = if id == WINDOW {
        let origin = world.shelf(shelf).get(&name).ok_or_else(gone)?;
        let from = origin.pitr_from.ok_or_else(gone)?;
        if chosen.at < from || chosen.at > origin.data_until {
            return Err(Error::refused(format!(
                "{} is outside the window of {name}, {from} to {}",
                chosen.at, origin.data_until
            )));
        }
        (origin.rows_at(chosen.at), origin.bytes, chosen.at)
    } else {
        let backups = world
            .backups
            .get(&shelf.key(&name))
            .map(Vec::as_slice)
            .unwrap_or_default();
        let backup = backups
            .iter()
            .find(|backup| backup.id == id)
            .ok_or_else(gone)?;
        (backup.rows, backup.bytes, backup.at)
    };
    Ok(Content {
        rows,
        bytes,
        data_until,
        rows_per_hour: 0,
        created: now,
        pitr_from: None,
        state: ContentState::Available,
        mark: Some(Mark::of(operation)),
    })
}
