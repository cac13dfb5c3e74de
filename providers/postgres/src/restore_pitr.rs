//! The action `postgres.restore-pitr`: a new server, brought to one moment, opened only when it was reached.
//!
//! ```text
//! nothing ─▶ copying ─▶ recovering ─▶ verified ─▶ ready
//!            WAL that     no socket     stopped     its own port,
//!            is needed,   lets anybody  once        archive_mode
//!            base backup  in                        off
//! ```
//!
//! The data directory holds a mark that names the operation and the stage; it is written before anything
//! else and replaced whole. Files are checked against the backup's manifest while they are copied and get
//! their name afterwards, so an interrupted copy goes on where it was. The server is a daemon: it
//! outlives salvor, and is found again by its data directory. It never archives, whatever the
//! production's settings say.

pub mod copy;
pub mod data_directory;
pub mod fetch;
pub mod inputs;
pub mod log;
pub mod mark;
pub mod recovery;
pub mod server_process;
pub mod settings;

use salvor_contract::Call;
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
use crate::restore_pitr::data_directory::DataDirectory;
use crate::restore_pitr::data_directory::Found;
use crate::restore_pitr::inputs::RestorePitrInputs;
use crate::restore_pitr::inputs::Target;
use crate::restore_pitr::mark::Mark;
use crate::restore_pitr::mark::Reached;
use crate::restore_pitr::mark::Stage;
use crate::restore_pitr::server_process::Server;

/// What would change.
pub async fn preview(
    operation: &Operation,
    config: &Config,
    call: &Call<'_>,
) -> Result<Preview, Error> {
    let inputs = RestorePitrInputs::parse(&operation.with)?;
    let target = Target::of(operation)?;
    let directory = DataDirectory::new(&inputs, call)?;
    match directory.look()? {
        Found::Foreign(what) => return Err(in_the_way(&directory, &what)),
        // What this very run made is gone on with; before there is a run, what another one made is in the way.
        Found::Ours(mark) if mark.run != operation.run.as_str() => {
            return Err(of_other_run(&directory, &mark));
        }
        Found::Ours(_) | Found::Nothing => {}
    }
    let program = programs::server_folder(config, target.details.major)?.join("postgres");
    programs::run_as(config)?;
    inputs.demand_free_port()?;
    fetch::way(&target, config, call).await?;
    let size = operation
        .point
        .as_ref()
        .and_then(|chosen| chosen.point.size);
    let mut preview = Preview::new(
        Effect::Create,
        format!(
            "server {}:{} in {}: PostgreSQL {} as of {}",
            inputs.host(),
            inputs.port,
            directory.path().display(),
            target.details.major,
            target.at
        ),
    );
    preview.counts.created = Some(1);
    preview.counts.bytes = size.or(Some(Size(0)));
    preview.facts = Values::new()
        .with("manifest", target.details.manifest.clone())
        .with(
            "system-identifier",
            target.details.system_identifier.clone(),
        )
        .with("timeline", target.details.timeline.0)
        .with("program", programs::fact(&program, call).await?);
    preview.known = known(&inputs, &directory);
    Ok(preview)
}

/// Does it, from whatever stage is found.
pub async fn perform(
    operation: &Operation,
    config: &Config,
    call: &Call<'_>,
) -> Result<Outcome, Error> {
    let inputs = RestorePitrInputs::parse(&operation.with)?;
    let target = Target::of(operation)?;
    let directory = DataDirectory::new(&inputs, call)?;
    let server = Server::new(
        directory.path(),
        programs::server_folder(config, target.details.major)?,
        programs::run_as(config)?,
    );
    let mark = match directory.look()? {
        Found::Foreign(what) => return Err(in_the_way(&directory, &what)),
        Found::Ours(mark) if mark.operation != operation.mark.as_str() => {
            return Err(in_the_way(&directory, &mark.describe()));
        }
        Found::Ours(mark) => mark,
        Found::Nothing => {
            // A gap, a foreign timeline or a target out of reach is found before anything is made.
            fetch::way(&target, config, call).await?;
            inputs.demand_free_port()?;
            let mark = Mark::new(operation);
            directory.make(&mark, server.user())?;
            mark
        }
    };
    let _lock = directory.lock(call).await?;
    call.progress
        .named(&directory.path().display().to_string())
        .await?;
    let done = go_on(mark, &inputs, &target, &directory, &server, config, call).await;
    if let Err(Error::Refused { .. }) = &done
        && let Found::Ours(mark) = directory.look()?
        && matches!(mark.stage, Stage::Copying | Stage::Recovering)
    {
        // It will never be what was asked for, and nobody was let in. What was verified once is kept whatever
        // happens: its users may have written to it.
        server.stop(call).await?;
        directory.remove().await?;
    }
    let mark = done?;
    Ok(outcome(&inputs, &directory, &target, &mark))
}

async fn go_on(
    mut mark: Mark,
    inputs: &RestorePitrInputs,
    target: &Target,
    directory: &DataDirectory,
    server: &Server,
    config: &Config,
    call: &Call<'_>,
) -> Result<Mark, Error> {
    if mark.stage == Stage::Copying {
        fetch::wal(target, directory, server.user(), config, call).await?;
        copy::base(target, directory, server.user(), config, call).await?;
        settings::write_recovery(inputs, target, directory, server.user())?;
        server.demand_own_data(call).await?;
        mark.stage = Stage::Recovering;
        directory.write_mark(&mark)?;
    }
    if mark.stage == Stage::Recovering {
        let reached = recovery::run(target, directory, server, call).await?;
        mark.reached = Some(reached);
        mark.stage = Stage::Verified;
        directory.write_mark(&mark)?;
    }
    if mark.stage == Stage::Verified {
        server.stop(call).await?;
        settings::write_final(inputs, directory, server.user())?;
        if let Some(reached) = &mark.reached {
            settings::ask_for_history(reached.timeline, directory, server.user())?;
        }
        directory.remove_wal().await?;
        mark.stage = Stage::Ready;
        directory.write_mark(&mark)?;
    }
    recovery::open(directory, server, call).await?;
    Ok(mark)
}

/// What became of it.
pub async fn probe(
    operation: &Operation,
    config: &Config,
    call: &Call<'_>,
) -> Result<Probe, Error> {
    let inputs = RestorePitrInputs::parse(&operation.with)?;
    let target = Target::of(operation)?;
    let directory = DataDirectory::new(&inputs, call)?;
    let name = Some(directory.path().display().to_string());
    Ok(match directory.look()? {
        Found::Nothing => Probe::Absent,
        Found::Foreign(found) => Probe::Conflict { found },
        Found::Ours(mark) if mark.operation != operation.mark.as_str() => Probe::Conflict {
            found: mark.describe(),
        },
        Found::Ours(mark) => {
            let server = Server::new(
                directory.path(),
                programs::server_folder(config, target.details.major)?,
                None,
            );
            if mark.stage == Stage::Ready && server.is_ready() {
                Probe::Done(outcome(&inputs, &directory, &target, &mark))
            } else {
                Probe::InFlight { name }
            }
        }
    })
}

/// Looks whether the server still runs on the cluster that was restored.
pub fn observe(operation: &Operation, call: &Call<'_>) -> Result<Vec<Finding>, Error> {
    let inputs = RestorePitrInputs::parse(&operation.with)?;
    let target = Target::of(operation)?;
    let directory = DataDirectory::new(&inputs, call)?;
    let server = Server::new(directory.path(), std::path::PathBuf::new(), None);
    let system = directory.system_identifier().unwrap_or_default();
    Ok(vec![
        finding(
            format!("server in {}", directory.path().display()),
            "ready",
            if server.is_ready() {
                "ready"
            } else {
                "not running"
            },
            server.is_ready(),
        ),
        finding(
            "system identifier",
            target.details.system_identifier.clone(),
            system.clone(),
            system == target.details.system_identifier,
        ),
    ])
}

/// Stops the server and removes its data directory, when both are this run's.
pub async fn remove(
    operation: &Operation,
    config: &Config,
    call: &Call<'_>,
) -> Result<Removal, Error> {
    let inputs = RestorePitrInputs::parse(&operation.with)?;
    let target = Target::of(operation)?;
    let directory = DataDirectory::new(&inputs, call)?;
    match directory.look()? {
        Found::Nothing => Ok(Removal::NothingThere),
        Found::Foreign(what) => Ok(Removal::NotOurs(what)),
        Found::Ours(mark) if mark.run != operation.run.as_str() => {
            Ok(Removal::NotOurs(mark.describe()))
        }
        Found::Ours(_) => {
            let server = Server::new(
                directory.path(),
                programs::server_folder(config, target.details.major)?,
                programs::run_as(config)?,
            );
            server.stop(call).await?;
            directory.remove().await?;
            Ok(Removal::Removed(format!(
                "server in {}",
                directory.path().display()
            )))
        }
    }
}

fn in_the_way(directory: &DataDirectory, what: &str) -> Error {
    Error::refused_with(
        format!("{} is not empty: {what}", directory.path().display()),
        "give a data directory that does not exist",
    )
}

fn of_other_run(directory: &DataDirectory, mark: &Mark) -> Error {
    Error::refused_with(
        format!(
            "{} holds what run {} restored",
            directory.path().display(),
            mark.run
        ),
        format!(
            "go on with that run (`salvor resume {}`), or give a data directory that does not exist; what nobody \
             needs any more is stopped by `pg_ctl stop` and removed by hand",
            mark.run
        ),
    )
}

fn known(inputs: &RestorePitrInputs, directory: &DataDirectory) -> Values {
    Values::new()
        .with("host", inputs.host())
        .with("port", inputs.port)
        .with("data", directory.path().display().to_string())
}

fn outcome(
    inputs: &RestorePitrInputs,
    directory: &DataDirectory,
    target: &Target,
    mark: &Mark,
) -> Outcome {
    let Reached {
        last,
        stopped_before,
        timeline,
    } = mark.reached.clone().unwrap_or_default();
    let reached = last.clone().unwrap_or_else(|| target.ended.to_string());
    let outputs = known(inputs, directory)
        .with("timeline", timeline)
        .with("reached", reached)
        .with(
            "system-identifier",
            target.details.system_identifier.clone(),
        );
    let last = last.map_or("no transaction was replayed".to_owned(), |last| {
        format!("the last transaction taken ended at {last}")
    });
    Outcome {
        outputs,
        findings: vec![finding(
            "recovery target",
            format!("reached and not passed: {}", target.at),
            format!("stopped {stopped_before}; {last}"),
            !stopped_before.is_empty(),
        )],
    }
}
