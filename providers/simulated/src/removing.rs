//! Takes away what an operation made, when it carries the mark of the operation's run.

use salvor_contract::Error;
use salvor_contract::Operation;
use salvor_contract::Removal;

use crate::begin::work_name;
use crate::inputs;
use crate::source::backup_key;
use crate::source::source;
use crate::world::Mark;
use crate::world::World;

/// Removes what the operation made.
pub(crate) fn remove(world: &mut World, operation: &Operation) -> Result<Removal, Error> {
    let is_ours = |mark: &Option<Mark>| mark.as_ref().is_some_and(|mark| mark.run == operation.run);
    let removal = match operation.action.as_str() {
        "simulated.restore" => {
            let (shelf, _) = source(operation)?;
            let target = operation.with.parse::<inputs::Restore>()?.target;
            let contents = world.shelf_mut(shelf);
            let what = format!("{} {target}", shelf.word());
            match contents.get(&target).map(|content| is_ours(&content.mark)) {
                None => Removal::NothingThere,
                Some(false) => Removal::NotOurs(what),
                Some(true) => {
                    contents.remove(&target);
                    Removal::Removed(what)
                }
            }
        }
        "simulated.backup" => {
            let (key, id) = backup_key(operation)?;
            let backups = world.backups.entry(key.clone()).or_default();
            let found = backups.iter().find(|backup| backup.id == id);
            match found.map(|backup| is_ours(&backup.mark)) {
                None => Removal::NothingThere,
                Some(false) => Removal::NotOurs(format!("backup {id} of {key}")),
                Some(true) => {
                    backups.retain(|backup| backup.id != id);
                    Removal::Removed(format!("backup {id} of {key}"))
                }
            }
        }
        "simulated.run" => {
            let target = operation.with.parse::<inputs::Run>()?.target;
            match world.values.get(&target).map(|held| is_ours(&held.mark)) {
                None => Removal::NothingThere,
                Some(false) => Removal::NotOurs(format!("value {target}")),
                Some(true) => {
                    world.values.remove(&target);
                    Removal::Removed(format!("value {target}"))
                }
            }
        }
        // What was overwritten or scaled was there before: there is nothing of ours to remove.
        _ => Removal::NothingThere,
    };
    // Work that is still under way ends with what it makes.
    if matches!(removal, Removal::Removed(_)) {
        let name = work_name(operation)?;
        world.work.retain(|_, work| work.mark.operation != *name);
    }
    Ok(removal)
}
