//! Runs a recovery to its end and judges it by what the server says; then opens the server.

use salvor_contract::Call;
use salvor_contract::Error;
use salvor_contract::Unit;
use salvor_contract::Update;

use crate::restore_pitr::data_directory::DataDirectory;
use crate::restore_pitr::data_directory::LOOK_EVERY;
use crate::restore_pitr::data_directory::WAL;
use crate::restore_pitr::inputs::Target;
use crate::restore_pitr::log;
use crate::restore_pitr::mark::Reached;
use crate::restore_pitr::server_process::Running;
use crate::restore_pitr::server_process::Server;

/// Replays to the target, or waits for a server that does.
///
/// # Errors
/// [`Error::Refused`] when the target was not reached.
pub async fn run(
    target: &Target,
    directory: &DataDirectory,
    server: &Server,
    call: &Call<'_>,
) -> Result<Reached, Error> {
    let total = std::fs::read_dir(directory.join(WAL)).map_or(0, Iterator::count) as u64;
    // One that a dead process started goes on by itself; one that ended has said why.
    let has_recovered = !directory.join("recovery.signal").exists();
    // What an earlier start died of, a kill perhaps, says nothing of this one.
    let mut said_before = 0;
    if server.running() == Running::No && !has_recovered {
        said_before = server.log().len();
        server.start(call).await?;
    }
    let mut was_seen = false;
    loop {
        let running = server.running();
        let log = server.log();
        let told = log::read(&log);
        let fatal = log::read(log.get(said_before..).unwrap_or_default()).fatal;
        call.progress.update(Update {
            done: told.segments.min(total),
            total: Some(total),
            unit: Unit::Things,
            says: Some("replaying WAL".into()),
        });
        let is_over = match running {
            Running::Ready => true,
            Running::NotReady => {
                was_seen = true;
                false
            }
            // pg_ctl does not wait: its file comes a moment later, unless the server ended already.
            Running::No => was_seen || has_recovered || fatal.is_some(),
        };
        if is_over {
            if told.ended_early {
                return Err(Error::refused_with(
                    format!(
                        "recovery ended before {} was reached; the last transaction ended at {}",
                        target.at,
                        told.last
                            .map_or("the base backup".to_owned(), |last| last.to_string())
                    ),
                    "choose a moment that is not after the last transaction",
                ));
            }
            if let (Running::No, Some(fatal)) = (running, &fatal) {
                return Err(Error::refused(format!(
                    "the server does not recover: {fatal}"
                )));
            }
            return told
                .reached(target.at, target.details.base_only)
                .map_err(|why| Error::refused(format!("the target was not proved: {why}")));
        }
        call.pause(LOOK_EVERY, "the server to replay WAL; it goes on")
            .await?;
    }
}

/// Starts the restored server for its users, or finds it running.
///
/// # Errors
/// [`Error::Transient`] when it does not start, with its own words.
pub async fn open(
    directory: &DataDirectory,
    server: &Server,
    call: &Call<'_>,
) -> Result<(), Error> {
    if server.running() == Running::No {
        let said_before = server.log().len();
        server.start(call).await?;
        let mut was_seen = false;
        loop {
            match server.running() {
                Running::Ready => return Ok(()),
                Running::NotReady => was_seen = true,
                Running::No => {
                    let log = server.log();
                    let said = log.get(said_before..).unwrap_or_default();
                    let told = log::read(said);
                    if was_seen || told.fatal.is_some() {
                        // The data are right and are kept; a port may become free.
                        return Err(Error::transient(format!(
                            "the restored server in {} is verified and does not start: {}",
                            directory.path().display(),
                            told.fatal
                                .unwrap_or_else(|| "it ended without a word".into())
                        )));
                    }
                }
            }
            call.pause(LOOK_EVERY, "the restored server to start")
                .await?;
        }
    }
    while server.running() == Running::NotReady {
        call.pause(LOOK_EVERY, "the restored server to start")
            .await?;
    }
    Ok(())
}
