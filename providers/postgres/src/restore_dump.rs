//! The action `postgres.restore-dump`: a dump into a new database, which gets its name at the very end.
//!
//! ```text
//! nothing ──create──▶ loading ──one transaction──▶ loaded ──rename──▶ placed ──▶ (old one dropped)
//!                        │                            │
//!                        └── killed: dropped, again   └── replace: connections are shut off, then both
//!                                                         renames are one transaction
//! ```
//!
//! The database that is loaded carries the operation's mark in its name, and in its comment what was
//! loaded. The comment is written in the transaction of the load and goes along with the rename, so
//! every state above can be told by looking. `psql` is never run.

pub mod inputs;
pub mod load;
pub mod mark;
pub mod source;
pub mod stage;
pub mod swap;

use salvor_contract::Call;
use salvor_contract::Counts;
use salvor_contract::Destroyed;
use salvor_contract::Effect;
use salvor_contract::Error;
use salvor_contract::Finding;
use salvor_contract::Operation;
use salvor_contract::Outcome;
use salvor_contract::Preview;
use salvor_contract::Probe;
use salvor_contract::Removal;
use salvor_contract::Size;
use salvor_contract::Values;

use crate::config::Config;
use crate::findings::finding;
use crate::programs;
use crate::restore_dump::inputs::RestoreDumpInputs;
use crate::restore_dump::mark::Loaded;
use crate::restore_dump::stage::Names;
use crate::restore_dump::stage::Stage;
use crate::server::quoted;
use crate::server::read_error;

/// What would change.
pub async fn preview(
    operation: &Operation,
    config: &Config,
    call: &Call<'_>,
) -> Result<Preview, Error> {
    let inputs = RestoreDumpInputs::parse(&operation.with)?;
    let server = inputs.server();
    let client = server.connect(&inputs.maintenance_database, call).await?;
    let facts = stage::server_facts(&client).await?;
    let target = stage::database(&client, &inputs.database).await?;
    let place = format!("database {} on {}", inputs.database, server.name());
    let size = operation
        .point
        .as_ref()
        .and_then(|chosen| chosen.point.size);
    let title = operation.point.as_ref().map_or_else(String::new, |chosen| {
        format!(" from {}", chosen.point.title)
    });
    let mut known = Values::new();
    known.set("database", inputs.database.clone());
    known.set("host", inputs.host.clone());
    known.set("port", inputs.port);
    let mut preview = match target {
        None => Preview::new(Effect::Create, format!("{place}{title}")),
        Some(_) if !inputs.replaces() => {
            return Err(Error::refused_with(
                format!("{place} exists"),
                "give another name, or `as = \"replace\"` to put the dump in its place",
            ));
        }
        Some(target) => {
            let tables = stage::tables(&server, &inputs.database, call).await?;
            let lost = format!("{place}: {tables} tables, {}", Size(target.bytes));
            let mut preview = Preview::new(
                Effect::Replace,
                format!("{lost} go, those of the dump come{title}"),
            );
            preview.counts.overwritten = Some(tables);
            preview.destroys.push(Destroyed {
                what: if inputs.keep_old {
                    format!("{lost} (kept under another name, no longer used)")
                } else {
                    lost
                },
                fingerprint: format!("{}/{}", inputs.database, facts.digits_of(target.oid)),
            });
            preview.unknown.push(
                "settings and grants of the database itself are in no dump: they are as in a new database"
                    .into(),
            );
            preview.facts.set("oid", target.oid);
            preview
        }
    };
    preview.counts = Counts {
        created: preview.counts.overwritten.is_none().then_some(1),
        bytes: size,
        ..preview.counts
    };
    preview.facts.set("server", facts.system_identifier.clone());
    preview
        .facts
        .set("exists", preview.effect == Effect::Replace);
    if let Some(program) = source::program_of(operation, config)? {
        preview
            .facts
            .set("program", programs::fact(&program, call).await?);
    }
    preview.known = known;
    if facts.is_superuser {
        preview.unknown.push(format!(
            "{} is a superuser: what functions in the dump do when the restore calls them is not limited",
            inputs.user
        ));
    }
    Ok(preview)
}

/// Does it, from whatever stage is found.
pub async fn perform(
    operation: &Operation,
    config: &Config,
    call: &Call<'_>,
) -> Result<Outcome, Error> {
    let inputs = RestoreDumpInputs::parse(&operation.with)?;
    let server = inputs.server();
    let names = Names::new(&inputs.database, &operation.mark);
    let client = server.connect(&inputs.maintenance_database, call).await?;
    stage::lock(&client, operation, call).await?;
    call.progress.named(&names.loading).await?;

    let mut at = stage::find(&client, &names, operation).await?;
    if let Stage::Nothing { target: Some(_) } = &at
        && !inputs.replaces()
    {
        return Err(Error::refused_with(
            format!("database {} on {} exists", inputs.database, server.name()),
            "give another name, or `as = \"replace\"` to put the dump in its place",
        ));
    }
    if matches!(at, Stage::Nothing { .. } | Stage::Loading) {
        // Refused before anything is made: a dump that changed, a place that does not answer.
        let source = source::open(operation, &inputs, config, call).await?;
        swap::make_empty(&client, &names, &inputs, &at).await?;
        if let Err(error) = load::load(&server, &names, &inputs, operation, source, call).await {
            if let Error::Refused { .. } = error {
                // Its transaction was rolled back, so it is empty: nothing is worth keeping.
                swap::drop_database(&client, &names.loading).await?;
            }
            return Err(error);
        }
        at = stage::find(&client, &names, operation).await?;
    }
    if let Stage::Loaded(_) = &at {
        swap::place(&client, &names, &inputs, call).await?;
        at = stage::find(&client, &names, operation).await?;
    }
    match at {
        Stage::Placed { loaded, old } => {
            if old.is_some() && !inputs.keep_old {
                swap::drop_old(&client, &names).await?;
            }
            let kept = old.filter(|_| inputs.keep_old);
            Ok(outcome(&inputs, &loaded, kept))
        }
        Stage::Nothing { .. } | Stage::Loading | Stage::Loaded(_) => Err(Error::unknown(format!(
            "database {} is not in its place after the renames",
            inputs.database
        ))),
    }
}

/// What became of it.
pub async fn probe(operation: &Operation, call: &Call<'_>) -> Result<Probe, Error> {
    let inputs = RestoreDumpInputs::parse(&operation.with)?;
    let server = inputs.server();
    let names = Names::new(&inputs.database, &operation.mark);
    let client = server.connect(&inputs.maintenance_database, call).await?;
    Ok(match stage::find(&client, &names, operation).await? {
        Stage::Nothing { target: Some(_) } if !inputs.replaces() => Probe::Conflict {
            found: format!(
                "database {} on {}, which this operation did not make",
                inputs.database,
                server.name()
            ),
        },
        Stage::Nothing { .. } => Probe::Absent,
        Stage::Loading | Stage::Loaded(_) => Probe::InFlight {
            name: Some(names.loading),
        },
        Stage::Placed { old: Some(_), .. } if !inputs.keep_old => Probe::InFlight {
            name: Some(names.old),
        },
        Stage::Placed { loaded, old } => {
            Probe::Done(outcome(&inputs, &loaded, old.filter(|_| inputs.keep_old)))
        }
    })
}

/// Looks at the database under its name.
pub async fn observe(
    operation: &Operation,
    outcome: &Outcome,
    call: &Call<'_>,
) -> Result<Vec<Finding>, Error> {
    let inputs = RestoreDumpInputs::parse(&operation.with)?;
    let expected = outcome
        .outputs
        .get("tables")
        .and_then(serde_json::Value::as_u64)
        .unwrap_or(0);
    let tables = stage::tables(&inputs.server(), &inputs.database, call).await?;
    Ok(vec![finding(
        format!("tables of {}", inputs.database),
        expected.to_string(),
        tables.to_string(),
        tables == expected,
    )])
}

/// Takes it back: the database goes, the one that it replaced gets its name again.
pub async fn remove(operation: &Operation, call: &Call<'_>) -> Result<Removal, Error> {
    let inputs = RestoreDumpInputs::parse(&operation.with)?;
    let names = Names::new(&inputs.database, &operation.mark);
    let client = inputs
        .server()
        .connect(&inputs.maintenance_database, call)
        .await?;
    stage::lock(&client, operation, call).await?;
    let place = format!("on {}", inputs.server().name());
    match stage::find(&client, &names, operation).await? {
        Stage::Nothing { target: None } => Ok(Removal::NothingThere),
        Stage::Nothing { target: Some(_) } if inputs.replaces() => Ok(Removal::NothingThere),
        Stage::Nothing { target: Some(_) } => Ok(Removal::NotOurs(format!(
            "database {} {place}",
            inputs.database
        ))),
        Stage::Loading | Stage::Loaded(_) => {
            swap::drop_database(&client, &names.loading).await?;
            if inputs.replaces() {
                swap::let_in(&client, &inputs.database).await?;
            }
            Ok(Removal::Removed(format!(
                "database {} {place}",
                names.loading
            )))
        }
        Stage::Placed { old, .. } => {
            swap::drop_database(&client, &inputs.database).await?;
            if old.is_some() {
                let back = format!(
                    "ALTER DATABASE {} RENAME TO {}",
                    quoted(&names.old),
                    quoted(&inputs.database)
                );
                client
                    .batch_execute(&back)
                    .await
                    .map_err(|error| read_error("giving the old database its name back", &error))?;
            }
            Ok(Removal::Removed(format!(
                "database {} {place}",
                inputs.database
            )))
        }
    }
}

fn outcome(inputs: &RestoreDumpInputs, loaded: &Loaded, kept: Option<String>) -> Outcome {
    let mut outputs = Values::new()
        .with("database", inputs.database.clone())
        .with("host", inputs.host.clone())
        .with("port", inputs.port)
        .with("tables", loaded.tables)
        .with("rows", loaded.rows)
        .with("bytes", loaded.bytes);
    outputs.set("kept", kept.unwrap_or_default());
    Outcome {
        outputs,
        findings: vec![finding(
            format!("tables of {}", inputs.database),
            format!("{} as in the dump, at least 1", loaded.declared),
            loaded.tables.to_string(),
            loaded.tables == loaded.declared && loaded.tables > 0,
        )],
    }
}
