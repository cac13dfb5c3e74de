//! What an operation asks of the world, and how the world takes it on: once for each key.
//!
//! Every function here is pure: a world, an operation and a moment in, a changed world out.

use jiff::Timestamp;
use salvor_contract::Class;
use salvor_contract::Error;
use salvor_contract::Operation;
use salvor_contract::OperationId;
use salvor_contract::Period;
use salvor_contract::Values;
use serde_json::Value;

use crate::inputs;
use crate::source::backup_key;
use crate::source::present;
use crate::source::restored;
use crate::source::source;
use crate::world::Backup;
use crate::world::Content;
use crate::world::ContentState;
use crate::world::Deed;
use crate::world::EffectRecord;
use crate::world::Mark;
use crate::world::Shelf;
use crate::world::Work;
use crate::world::WorkState;
use crate::world::World;

/// What an operation asks for.
pub(crate) struct Order {
    pub(crate) deed: Deed,
    pub(crate) lasts: Period,
    pub(crate) outputs: Values,
    /// `restore databases/app-new`.
    pub(crate) what: String,
}

/// The idempotency class of an operation.
pub(crate) fn class_of(operation: &Operation) -> Result<Class, Error> {
    Ok(match operation.action.as_str() {
        "simulated.restore" | "simulated.backup" => Class::Named,
        "simulated.overwrite" => Class::Token,
        "simulated.scale" => Class::Convergent,
        "simulated.run" => operation.with.parse::<inputs::Run>()?.class,
        _ => Class::Read,
    })
}

/// The name of an operation's work at its service. What has a name, or is a state, is the same for every attempt; a
/// token is another one for each.
pub(crate) fn work_name(operation: &Operation) -> Result<&OperationId, Error> {
    Ok(match class_of(operation)? {
        Class::Named | Class::Convergent => &operation.mark,
        Class::Read | Class::Token | Class::Fenced | Class::Unkeyed => &operation.id,
    })
}

/// The work of this name, unless an earlier attempt began it and it came to nothing: that is begun anew. Of a state that
/// nobody knows a person has decided by then.
pub(crate) fn known<'a>(world: &'a World, operation: &Operation, name: &str) -> Option<&'a Work> {
    let work = world.work.get(name)?;
    let has_failed = matches!(work.state, WorkState::Failed(_) | WorkState::Strange(_));
    (!has_failed || world.effects_of(&operation.id) > 0).then_some(work)
}

/// Takes an operation on, unless it is known already; gives the name of its work.
///
/// # Errors
/// [`Error::Refused`] when it cannot be done; then nothing has changed.
pub(crate) fn begin(
    world: &mut World,
    operation: &Operation,
    now: Timestamp,
    speed: u64,
) -> Result<String, Error> {
    let class = class_of(operation)?;
    let name = match class {
        // Nothing tells a repetition from a second request: each has its own work.
        Class::Unkeyed => format!("{}-{}", operation.id, world.effects_of(&operation.id) + 1),
        Class::Read | Class::Token | Class::Named | Class::Fenced | Class::Convergent => {
            work_name(operation)?.to_string()
        }
    };
    let known = known(world, operation, &name);
    if let Some(work) = known
        && (class != Class::Convergent || work.state != WorkState::Done || holds(world, work))
    {
        return Ok(name);
    }
    // A state that is set again keeps what it was before the first time.
    let first_outputs = known.map(|work| work.outputs.clone());
    if let Some(found) = conflict(world, operation)? {
        return Err(Error::refused_with(
            found,
            "choose another name, or remove what is there if it may go",
        ));
    }
    let mut order = order(world, operation, now)?;
    if let Some(outputs) = first_outputs {
        order.outputs = outputs;
    }
    if class == Class::Fenced {
        let highest = world.fences.entry(order.what.clone()).or_default();
        if operation.token < *highest {
            return Err(Error::refused(format!(
                "{} has seen token {highest}, this call carries {}",
                order.what, operation.token
            )));
        }
        *highest = operation.token;
    }
    if let Deed::Content(shelf, target, content) = &order.deed {
        let state = ContentState::Creating;
        let begun = Content {
            state,
            ..content.clone()
        };
        world.shelf_mut(*shelf).insert(target.clone(), begun);
    }
    world.effects.push(EffectRecord {
        operation: operation.id.clone(),
        step: operation.step.clone(),
        what: order.what,
    });
    let work = Work {
        mark: Mark {
            run: operation.run.clone(),
            operation: work_name(operation)?.clone(),
        },
        begun: now,
        lasts: Period::from(
            order.lasts.duration() / u32::try_from(speed.max(1)).unwrap_or(u32::MAX),
        ),
        deed: order.deed,
        outputs: order.outputs,
        state: WorkState::Running,
        fails: None,
    };
    world.work.insert(name.clone(), work);
    world.advance(now);
    Ok(name)
}

/// True when what a work made is still so.
pub(crate) fn holds(world: &World, work: &Work) -> bool {
    match &work.deed {
        Deed::Content(shelf, name, content) => world
            .shelf(*shelf)
            .get(name)
            .is_some_and(|found| found.mark == content.mark && found.created == content.created),
        Deed::Replicas(name, replicas) => world
            .deployments
            .get(name)
            .is_some_and(|found| found.replicas == *replicas),
        Deed::Value(name, value) => world
            .values
            .get(name)
            .is_some_and(|held| held.value == *value),
        Deed::Backup(key, backup) => world
            .backups
            .get(key)
            .is_some_and(|backups| backups.iter().any(|found| found.id == backup.id)),
    }
}

/// What stands where this operation would make something, when another one put it there.
pub(crate) fn conflict(world: &World, operation: &Operation) -> Result<Option<String>, Error> {
    let is_foreign = |mark: &Option<Mark>| {
        mark.as_ref()
            .is_none_or(|mark| mark.operation != operation.mark)
    };
    Ok(match operation.action.as_str() {
        "simulated.restore" => {
            let (shelf, _) = source(operation)?;
            let target = operation.with.parse::<inputs::Restore>()?.target;
            let found = world.shelf(shelf).get(&target);
            // A lost one does not stand in the way of its own restore.
            found
                .filter(|found| found.state != ContentState::Lost && is_foreign(&found.mark))
                .map(|found| {
                    format!(
                        "{} {target} is there already, with {} rows",
                        shelf.word(),
                        found.rows
                    )
                })
        }
        "simulated.backup" => {
            let (key, id) = backup_key(operation)?;
            let backups = world
                .backups
                .get(&key)
                .map(Vec::as_slice)
                .unwrap_or_default();
            backups
                .iter()
                .find(|backup| backup.id == id && is_foreign(&backup.mark))
                .map(|backup| {
                    format!(
                        "the backup {id} of {key} is there already, of {}",
                        backup.at
                    )
                })
        }
        "simulated.run" if class_of(operation)? == Class::Named => {
            let target = operation.with.parse::<inputs::Run>()?.target;
            world
                .values
                .get(&target)
                .filter(|held| is_foreign(&held.mark))
                .map(|held| format!("the value {target} is there already: {}", held.value))
        }
        _ => None,
    })
}

/// What this operation asks for in this world.
pub(crate) fn order(world: &World, operation: &Operation, now: Timestamp) -> Result<Order, Error> {
    match operation.action.as_str() {
        "simulated.restore" => {
            let inputs::Restore { target, takes } = operation.with.parse()?;
            let content = restored(world, operation, now)?;
            Ok(content_order(
                "restore",
                source(operation)?.0,
                target,
                content,
                takes,
            ))
        }
        "simulated.overwrite" => {
            let inputs::Overwrite { target, takes } = operation.with.parse()?;
            let shelf = source(operation)?.0;
            let mut content = restored(world, operation, now)?;
            if let Some(found) = world.shelf(shelf).get(&target) {
                content.created = found.created;
                content.pitr_from = found.pitr_from;
            }
            Ok(content_order("overwrite", shelf, target, content, takes))
        }
        "simulated.scale" => {
            let inputs::Scale {
                deployment,
                replicas,
                takes,
            } = operation.with.parse()?;
            let found = world.deployments.get(&deployment).ok_or_else(|| {
                Error::refused(format!("the deployment {deployment} is not there"))
            })?;
            Ok(Order {
                outputs: Values::new()
                    .with("previous", found.replicas)
                    .with("replicas", replicas),
                what: format!("scale deployments/{deployment} to {replicas}"),
                deed: Deed::Replicas(deployment, replicas),
                lasts: takes,
            })
        }
        "simulated.run" => {
            let inputs::Run {
                target,
                value,
                takes,
                class: _,
            } = operation.with.parse()?;
            let value = if value.is_null() {
                Value::Bool(true)
            } else {
                value
            };
            Ok(Order {
                outputs: Values::new().with("value", value.clone()),
                what: format!("set values/{target}"),
                deed: Deed::Value(target, value),
                lasts: takes,
            })
        }
        "simulated.backup" => backup_order(world, operation, now),
        _ => Err(operation.of_no_action()),
    }
}

fn content_order(
    verb: &str,
    shelf: Shelf,
    target: String,
    content: Content,
    lasts: Period,
) -> Order {
    Order {
        outputs: Values::new()
            .with("endpoint", format!("{target}.simulated"))
            .with("port", 5432)
            .with("rows", content.rows)
            .with("data-until", content.data_until.to_string()),
        what: format!("{verb} {}", shelf.key(&target)),
        deed: Deed::Content(shelf, target, content),
        lasts,
    }
}

fn backup_order(world: &World, operation: &Operation, now: Timestamp) -> Result<Order, Error> {
    let (key, id) = backup_key(operation)?;
    let inputs::TakeBackup {
        name: _,
        set,
        expires,
        takes,
    } = operation.with.parse()?;
    let (shelf, name) = source(operation)?;
    let content = present(world, shelf, &name)?;
    let backup = Backup {
        id: id.clone(),
        at: content.data_until.min(now),
        rows: content.rows,
        bytes: content.bytes,
        state: salvor_contract::PointState::Usable,
        expires,
        set,
        mark: Some(Mark::of(operation)),
    };
    Ok(Order {
        outputs: Values::new()
            .with("backup", id)
            .with("at", backup.at.to_string())
            .with("rows", backup.rows)
            .with("bytes", backup.bytes),
        what: format!("backup {key}"),
        deed: Deed::Backup(key, backup),
        lasts: takes,
    })
}
