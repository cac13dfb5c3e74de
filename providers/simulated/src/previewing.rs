//! What an operation would change in a world. Reads only.

use jiff::Timestamp;
use salvor_contract::Class;
use salvor_contract::Counts;
use salvor_contract::Destroyed;
use salvor_contract::Effect;
use salvor_contract::Error;
use salvor_contract::Operation;
use salvor_contract::Preview;
use salvor_contract::Size;
use salvor_contract::Values;
use sha2::Digest;
use sha2::Sha256;

use crate::begin::class_of;
use crate::begin::conflict;
use crate::begin::order;
use crate::inputs;
use crate::source;
use crate::world::Content;
use crate::world::ContentState;
use crate::world::Deed;
use crate::world::Shelf;
use crate::world::World;

/// The preview of an operation.
pub(crate) fn preview(
    world: &World,
    operation: &Operation,
    now: Timestamp,
) -> Result<Preview, Error> {
    if class_of(operation)? == Class::Read {
        let summary = match operation.action.as_str() {
            "simulated.verify" => {
                let (shelf, name) = source::source(operation)?;
                let chosen = source::point(operation)?;
                format!("looks at {} of {}", chosen.point.title, shelf.key(&name))
            }
            _ => format!(
                "looks at {}",
                operation.with.text("fact").unwrap_or("the world")
            ),
        };
        return Ok(Preview::new(Effect::Read, summary));
    }
    if let Some(found) = conflict(world, operation)? {
        return Err(Error::refused_with(found, "choose another name"));
    }
    let order = order(world, operation, now)?;
    match order.deed {
        Deed::Content(shelf, target, content) => {
            content_preview(world, operation, shelf, &target, &content)
        }
        Deed::Replicas(name, replicas) => {
            let previous = world
                .deployments
                .get(&name)
                .map_or(0, |found| found.replicas);
            let (effect, summary) = if previous == replicas {
                (
                    Effect::Nothing,
                    format!("deployment {name} has {replicas} replicas already"),
                )
            } else {
                (
                    Effect::Change,
                    format!("deployment {name}: {previous} → {replicas} replicas"),
                )
            };
            Ok(Preview {
                facts: Values::new().with("replicas", previous),
                known: order.outputs,
                ..Preview::new(effect, summary)
            })
        }
        Deed::Value(name, value) => Ok(Preview {
            facts: Values::new().with("target", name.clone()),
            known: order.outputs,
            ..Preview::new(Effect::Run, format!("sets {name} to {value}"))
        }),
        Deed::Backup(key, backup) => Ok(Preview {
            counts: Counts {
                created: Some(1),
                bytes: Some(Size(backup.bytes)),
                ..Counts::default()
            },
            unknown: vec!["the moment that the backup will hold".to_owned()],
            facts: Values::new().with("store", key.clone()),
            ..Preview::new(Effect::Create, format!("snapshot of {key}"))
        }),
    }
}

fn content_preview(
    world: &World,
    operation: &Operation,
    shelf: Shelf,
    target: &str,
    content: &Content,
) -> Result<Preview, Error> {
    let title = &source::point(operation)?.point.title;
    let word = shelf.word();
    let facts = Values::new().with("rows", content.rows);
    // What is lost already cannot be destroyed.
    let found = world
        .shelf(shelf)
        .get(target)
        .filter(|found| found.state != ContentState::Lost);
    let Some(found) = found.filter(|_| operation.action.as_str() == "simulated.overwrite") else {
        return Ok(Preview {
            counts: Counts {
                created: Some(content.rows),
                bytes: Some(Size(content.bytes)),
                ..Counts::default()
            },
            unknown: vec![format!("the endpoint of {target}")],
            facts: facts.with("target", "absent"),
            ..Preview::new(
                Effect::Create,
                format!("{word} {target}: {} rows come from {title}", content.rows),
            )
        });
    };
    let fingerprint = fingerprint(shelf, target, found);
    Ok(Preview {
        counts: Counts {
            overwritten: Some(found.rows),
            created: Some(content.rows),
            bytes: Some(Size(content.bytes)),
            ..Counts::default()
        },
        destroys: vec![Destroyed {
            what: format!(
                "{word} {target}: {} rows, {}",
                found.rows,
                Size(found.bytes)
            ),
            fingerprint: fingerprint.clone(),
        }],
        facts: facts.with("target", fingerprint),
        ..Preview::new(
            Effect::Replace,
            format!(
                "{word} {target}: {} rows go, {} rows come from {title}",
                found.rows, content.rows
            ),
        )
    })
}

/// The name and four digits that depend on shelf, name and the moment of its making.
fn fingerprint(shelf: Shelf, name: &str, content: &Content) -> String {
    let digest = Sha256::digest(format!("{}\n{}", shelf.key(name), content.created));
    let short = name.rsplit('/').next().unwrap_or(name);
    format!("{short}/{:02x}{:02x}", digest[0], digest[1])
}

/// The world as `simulated.check` and `simulated.wait` see it: a path into its JSON.
pub(crate) fn fact(world: &World, path: &str) -> Result<Option<serde_json::Value>, Error> {
    let json = serde_json::to_value(world)
        .map_err(|error| Error::refused(format!("the world cannot be written: {error}")))?;
    let pointer = format!("/{}", path.trim_start_matches('/'));
    Ok(json.pointer(&pointer).cloned())
}

/// The declared numbers of a check, in words.
pub(crate) fn expectation(check: &inputs::Check) -> String {
    let mut parts = Vec::new();
    if let Some(value) = &check.equals {
        parts.push(value.to_string());
    }
    if let Some(least) = check.at_least {
        parts.push(format!("at least {least}"));
    }
    if let Some(most) = check.at_most {
        parts.push(format!("at most {most}"));
    }
    if parts.is_empty() {
        "any value".to_owned()
    } else {
        parts.join(", ")
    }
}
