//! The action `postgres.dump`: `pg_dump` of one database into a store of dumps.
//!
//! A small file beside the dump, `KEY.salvor.json`, is written first and only when there is none: it says
//! which operation the key belongs to. The dump itself appears whole or not at all, and only after `pg_dump`
//! has ended well, so a dump that is there with its file is done.

mod program;

use salvor_contract::Call;
use salvor_contract::Effect;
use salvor_contract::Error;
use salvor_contract::Operation;
use salvor_contract::Outcome;
use salvor_contract::Preview;
use salvor_contract::Probe;
use salvor_contract::Removal;
use salvor_contract::Secret;
use salvor_contract::Values;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::config::Config;
use crate::dump::program::dump;
use crate::dump::program::server_major;
use crate::dump_name::Format;
use crate::dumps::DumpsInputs;
use crate::findings::finding;
use crate::place::Place;
use crate::programs;
use crate::server::Server;
use crate::server::Tls;
use crate::server::within;

const RECORD_BYTES_MAX: usize = 64 * 1024;
/// What `with` of `postgres.dump` takes.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DumpInputs {
    /// The server's host name or address, or the folder of its socket.
    pub host: String,
    /// The server's port.
    #[serde(default = "crate::query::default_port")]
    pub port: u16,
    /// The role: it must be allowed to read everything in the database.
    pub user: String,
    /// Its password.
    pub password: Option<Secret>,
    /// Whether the connection is encrypted. Left out: verified, but not used on this machine.
    pub tls: Option<Tls>,
    /// A file with the certificates that signed the server's. Left out: the system's.
    pub ca: Option<String>,
    /// The database.
    pub database: String,
    /// The key of the dump in the store. Its end tells the format: .dump (custom), .sql, .sql.gz.
    pub key: String,
}

/// To whom a key belongs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    run: String,
    operation: String,
    database: String,
}

/// What is at a key.
enum Found {
    Nothing,
    Begun,
    Done { bytes: u64 },
    Foreign(String),
}

struct Job {
    inputs: DumpInputs,
    format: Format,
    place: Place,
    record_key: String,
}

impl Job {
    async fn of(operation: &Operation, config: &Config, call: &Call<'_>) -> Result<Self, Error> {
        let inputs: DumpInputs = operation.with.parse()?;
        let format = Format::of_name(&inputs.key)
            .filter(|format| matches!(format, Format::Plain | Format::PlainGzip | Format::Custom))
            .ok_or_else(|| {
                Error::refused_with(
                    format!(
                        "key: `{}` does not end in .dump, .sql or .sql.gz",
                        inputs.key
                    ),
                    "end the key with the format that the dump shall have",
                )
            })?;
        let store = operation.store.as_ref().ok_or_else(|| {
            Error::refused("postgres.dump backs up a store of kind postgres.dumps")
        })?;
        let place = Place::open(&DumpsInputs::parse(&store.with)?.url, config, call).await?;
        Ok(Self {
            record_key: format!("{}.salvor.json", inputs.key),
            inputs,
            format,
            place,
        })
    }

    fn server(&self) -> Server {
        Server {
            host: self.inputs.host.clone(),
            port: self.inputs.port,
            user: self.inputs.user.clone(),
            password: self.inputs.password.clone(),
            tls: self.inputs.tls,
            ca: self.inputs.ca.clone(),
        }
    }

    async fn record(&self) -> Result<Option<Record>, Error> {
        if self.place.look(&self.record_key).await?.is_none() {
            return Ok(None);
        }
        let bytes = self
            .place
            .read_small(&self.record_key, RECORD_BYTES_MAX)
            .await?;
        let name = self.place.name(&self.record_key);
        serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|error| Error::refused(format!("{name}: {error}")))
    }

    async fn look(&self, operation: &Operation) -> Result<Found, Error> {
        let dump = self.place.look(&self.inputs.key).await?;
        let name = self.place.name(&self.inputs.key);
        Ok(match (self.record().await?, dump) {
            (None, None) => Found::Nothing,
            (None, Some(_)) => Found::Foreign(format!("{name}, which salvor did not write")),
            (Some(record), _) if record.operation != operation.mark.as_str() => {
                Found::Foreign(format!("{name} of operation {}", record.operation))
            }
            (Some(_), None) => Found::Begun,
            (Some(_), Some(entry)) => Found::Done { bytes: entry.size },
        })
    }

    fn outcome(&self, bytes: u64) -> Outcome {
        Outcome {
            outputs: Values::new()
                .with("key", self.inputs.key.clone())
                .with("bytes", bytes),
            findings: vec![finding(
                format!("dump {}", self.inputs.key),
                "whole, and not empty",
                format!("{bytes} bytes"),
                bytes > 0,
            )],
        }
    }
}

/// What would come into being.
pub async fn preview(
    operation: &Operation,
    config: &Config,
    call: &Call<'_>,
) -> Result<Preview, Error> {
    let job = Job::of(operation, config, call).await?;
    if let Found::Foreign(found) = job.look(operation).await? {
        return Err(taken(&found));
    }
    let mut preview = Preview::new(
        Effect::Create,
        format!(
            "{}: a dump of database {} on {}",
            job.place.name(&job.inputs.key),
            job.inputs.database,
            job.server().name()
        ),
    );
    preview.counts.created = Some(1);
    preview.known = Values::new().with("key", job.inputs.key);
    Ok(preview)
}

/// Takes the dump.
pub async fn perform(
    operation: &Operation,
    config: &Config,
    call: &Call<'_>,
) -> Result<Outcome, Error> {
    let job = Job::of(operation, config, call).await?;
    match job.look(operation).await? {
        Found::Foreign(found) => return Err(taken(&found)),
        Found::Done { bytes } => return Ok(job.outcome(bytes)),
        Found::Begun => {}
        Found::Nothing => {
            // A database that is not there, or a wrong password, is refused before anything is written.
            let major = server_major(&job, call).await?;
            programs::folder(config, Some(major))?;
            let record = Record {
                run: operation.run.to_string(),
                operation: operation.mark.to_string(),
                database: job.inputs.database.clone(),
            };
            let bytes = serde_json::to_vec(&record).expect("a struct of plain values serialises");
            if let Err(error) = job.place.write_new(&job.record_key, bytes).await {
                // An earlier try of this very operation, given up at its deadline, may have landed late.
                match job.look(operation).await? {
                    Found::Nothing => return Err(error),
                    Found::Foreign(found) => return Err(taken(&found)),
                    Found::Done { bytes } => return Ok(job.outcome(bytes)),
                    Found::Begun => {}
                }
            }
        }
    }
    call.progress
        .named(&job.place.name(&job.inputs.key))
        .await?;
    let writing = dump(&job, config, call);
    let written = match within(call, "pg_dump", writing).await {
        Ok(written) => written,
        // pg_dump was ended with the future, so nothing goes on and no dump appears.
        Err(error) => Err(error),
    };
    if let Err(Error::Refused { .. }) = &written {
        // The same late landing, of the dump itself: it is whole, because it appears whole or not at all.
        if let Found::Done { bytes } = job.look(operation).await? {
            return Ok(job.outcome(bytes));
        }
        job.place.delete(&job.record_key).await?;
    }
    Ok(job.outcome(written?))
}

/// What became of it.
pub async fn probe(
    operation: &Operation,
    config: &Config,
    call: &Call<'_>,
) -> Result<Probe, Error> {
    let job = Job::of(operation, config, call).await?;
    Ok(match job.look(operation).await? {
        Found::Nothing => Probe::Absent,
        Found::Begun => Probe::InFlight { name: None },
        Found::Done { bytes } => Probe::Done(job.outcome(bytes)),
        Found::Foreign(found) => Probe::Conflict { found },
    })
}

/// Removes the dump, when this run took it.
pub async fn remove(
    operation: &Operation,
    config: &Config,
    call: &Call<'_>,
) -> Result<Removal, Error> {
    let job = Job::of(operation, config, call).await?;
    let name = job.place.name(&job.inputs.key);
    match job.record().await? {
        None if job.place.look(&job.inputs.key).await?.is_none() => Ok(Removal::NothingThere),
        None => Ok(Removal::NotOurs(name)),
        Some(record) if record.run != operation.run.as_str() => Ok(Removal::NotOurs(name)),
        Some(_) => {
            job.place.delete(&job.inputs.key).await?;
            job.place.delete(&job.record_key).await?;
            Ok(Removal::Removed(name))
        }
    }
}

fn taken(found: &str) -> Error {
    Error::refused_with(
        format!("the key is taken: {found}"),
        "give a key that tells the moment, such as {{run.started}} in it",
    )
}
