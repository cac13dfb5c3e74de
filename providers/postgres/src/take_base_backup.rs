//! The action `postgres.base-backup`: `pg_basebackup` of a server that archives, into a store of moments.
//!
//! The folder gets its name when the backup is whole; until then it is a folder of another name, which an
//! interrupted backup leaves and the next try removes. The backup's own label names run and operation.
//! It is taken to this machine only: an object store is filled from there.

use std::path::PathBuf;
use std::process::Stdio;

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

use crate::base_backup::Label;
use crate::base_backup::Manifest;
use crate::client_program::password_file;
use crate::client_program::speak_to;
use crate::config::Config;
use crate::findings::finding;
use crate::pitr::PitrInputs;
use crate::pitr::base::PART_PREFIX;
use crate::place::Place;
use crate::place::blocking;
use crate::programs;
use crate::server::Server;
use crate::server::Tls;
use crate::server::read_error;
use crate::server::within;

/// What `with` of `postgres.base-backup` takes.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct BaseBackupInputs {
    /// The server's host name or address, or the folder of its socket.
    pub host: String,
    /// The server's port.
    #[serde(default = "crate::query::default_port")]
    pub port: u16,
    /// The role: it needs REPLICATION.
    pub user: String,
    /// Its password.
    pub password: Option<Secret>,
    /// Whether the connection is encrypted. Left out: verified, but not used on this machine.
    pub tls: Option<Tls>,
    /// A file with the certificates that signed the server's. Left out: the system's.
    pub ca: Option<String>,
    /// The database to connect to, to ask whether the server archives.
    #[serde(default = "postgres")]
    pub database: String,
    /// The name of the new folder in the store's `base`.
    pub name: String,
}

fn postgres() -> String {
    "postgres".into()
}

struct Job {
    inputs: BaseBackupInputs,
    /// The folder of the backup.
    folder: PathBuf,
    /// The folder until it is whole.
    part: PathBuf,
    label: String,
}

/// What is there.
enum Found {
    Nothing,
    Begun,
    Done(Outcome),
    Foreign(String),
}

impl Job {
    async fn of(operation: &Operation, config: &Config, call: &Call<'_>) -> Result<Self, Error> {
        let inputs: BaseBackupInputs = operation.with.parse()?;
        let is_name = !inputs.name.is_empty()
            && !inputs.name.starts_with('.')
            && !inputs.name.contains(['/', '\0']);
        if !is_name {
            return Err(Error::refused(format!(
                "name: `{}` is not the name of a folder",
                inputs.name
            )));
        }
        let store = operation.store.as_ref().ok_or_else(|| {
            Error::refused("postgres.base-backup backs up a store of kind postgres.pitr")
        })?;
        let (pitr, _) = PitrInputs::parse(&store.with)?;
        let place = Place::open(&pitr.base, config, call).await?;
        let local = |name: &str| {
            place.local(name).ok_or_else(|| {
                Error::refused_with(
                    format!("{} is not a folder of this machine", pitr.base),
                    "take the base backup into a file:// store and copy it from there",
                )
            })
        };
        Ok(Self {
            folder: local(&inputs.name)?,
            part: local(&format!("{PART_PREFIX}{}", operation.mark))?,
            label: format!("salvor {} {}", operation.run, operation.mark),
            inputs,
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

    fn look(&self) -> Result<Found, Error> {
        if !self.folder.exists() {
            return Ok(if self.part.exists() {
                Found::Begun
            } else {
                Found::Nothing
            });
        }
        let name = self.folder.display().to_string();
        let label = self.label_there();
        if label.as_deref() != Some(self.label.as_str()) {
            return Ok(Found::Foreign(format!(
                "{name}, a backup called `{}`",
                label.unwrap_or_default()
            )));
        }
        let bytes = std::fs::read(self.folder.join("backup_manifest"))
            .map_err(|error| Error::refused(format!("{name}: backup_manifest: {error}")))?;
        let manifest =
            Manifest::parse(&bytes).map_err(|error| Error::refused(format!("{name}: {error}")))?;
        let outputs = Values::new()
            .with("name", self.inputs.name.clone())
            .with("bytes", manifest.bytes())
            .with("start", manifest.range.start.to_string())
            .with("end", manifest.range.end.to_string());
        Ok(Found::Done(Outcome {
            outputs,
            findings: vec![finding(
                format!("base backup {}", self.inputs.name),
                "a manifest that is whole, with files",
                format!("{} files, {} bytes", manifest.files.len(), manifest.bytes()),
                !manifest.files.is_empty(),
            )],
        }))
    }

    fn label_there(&self) -> Option<String> {
        let text = std::fs::read_to_string(self.folder.join("backup_label")).ok()?;
        Label::parse(&text).ok().map(|label| label.label)
    }

    async fn remove_part(&self) -> Result<(), Error> {
        let part = self.part.clone();
        blocking(move || match std::fs::remove_dir_all(&part) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(Error::refused(format!(
                "removing {}: {error}",
                part.display()
            ))),
        })
        .await
    }

    /// The server's major version; a server that does not archive is refused, for its backup is of no use alone.
    async fn demand_archiving(&self, call: &Call<'_>) -> Result<u32, Error> {
        let client = self.server().connect(&self.inputs.database, call).await?;
        let row = client
            .query_one(
                "select current_setting('archive_mode'), current_setting('server_version_num')::int4",
                &[],
            )
            .await
            .map_err(|error| read_error("asking whether the server archives", &error))?;
        if row.get::<_, &str>(0) == "off" {
            return Err(Error::refused_with(
                format!(
                    "{} does not archive its WAL (archive_mode is off)",
                    self.server().name()
                ),
                "set up archiving first: a base backup without WAL cannot be restored",
            ));
        }
        Ok(row.get::<_, i32>(1).unsigned_abs() / 10_000)
    }

    async fn take(&self, config: &Config, call: &Call<'_>) -> Result<(), Error> {
        let major = self.demand_archiving(call).await?;
        let program = programs::folder(config, Some(major))?.join("pg_basebackup");
        let server = self.server();
        let passwords = password_file(&server, call).await?;
        let mut command = call.launcher.command(&program);
        command
            .env("LC_ALL", "C")
            .args(["--format=plain", "--checkpoint=fast", "--wal-method=none"])
            .arg("--manifest-checksums=SHA256")
            .arg(format!("--label={}", self.label))
            .arg("--pgdata")
            .arg(&self.part)
            .stdout(Stdio::null());
        speak_to(&mut command, &server, passwords.as_ref(), call);
        let failed = |why: String| Error::refused(format!("pg_basebackup: {why}"));
        let output = command
            .output()
            .await
            .map_err(|error| failed(format!("{}: {error}", program.display())))?;
        drop(passwords);
        if !output.status.success() {
            return Err(failed(format!(
                "{}: {}",
                output.status,
                programs::last_words(&output.stderr)
            )));
        }
        let (part, folder) = (self.part.clone(), self.folder.clone());
        blocking(move || {
            std::fs::rename(&part, &folder)
                .and_then(|()| match folder.parent() {
                    Some(parent) => std::fs::File::open(parent)?.sync_all(),
                    None => Ok(()),
                })
                .map_err(|error| Error::refused(format!("naming {}: {error}", folder.display())))
        })
        .await
    }
}

/// What would come into being.
pub async fn preview(
    operation: &Operation,
    config: &Config,
    call: &Call<'_>,
) -> Result<Preview, Error> {
    let job = Job::of(operation, config, call).await?;
    if let Found::Foreign(found) = job.look()? {
        return Err(taken(&found));
    }
    job.demand_archiving(call).await?;
    let mut preview = Preview::new(
        Effect::Create,
        format!(
            "{}: a base backup of {}",
            job.folder.display(),
            job.server().name()
        ),
    );
    preview.counts.created = Some(1);
    preview.known = Values::new().with("name", job.inputs.name);
    Ok(preview)
}

/// Takes the backup.
pub async fn perform(
    operation: &Operation,
    config: &Config,
    call: &Call<'_>,
) -> Result<Outcome, Error> {
    let job = Job::of(operation, config, call).await?;
    match job.look()? {
        Found::Foreign(found) => return Err(taken(&found)),
        Found::Done(outcome) => return Ok(outcome),
        // pg_basebackup ended together with the process that started it.
        Found::Begun => job.remove_part().await?,
        Found::Nothing => {}
    }
    call.progress
        .named(&job.folder.display().to_string())
        .await?;
    let taken_well = within(call, "pg_basebackup", job.take(config, call)).await?;
    if let Err(Error::Refused { .. }) = &taken_well {
        job.remove_part().await?;
    }
    taken_well?;
    match job.look()? {
        Found::Done(outcome) => Ok(outcome),
        Found::Nothing | Found::Begun | Found::Foreign(_) => Err(Error::unknown(format!(
            "{} is not there after it was taken",
            job.folder.display()
        ))),
    }
}

/// What became of it.
pub async fn probe(
    operation: &Operation,
    config: &Config,
    call: &Call<'_>,
) -> Result<Probe, Error> {
    let job = Job::of(operation, config, call).await?;
    Ok(match job.look()? {
        Found::Nothing => Probe::Absent,
        Found::Begun => Probe::InFlight { name: None },
        Found::Done(outcome) => Probe::Done(outcome),
        Found::Foreign(found) => Probe::Conflict { found },
    })
}

/// Removes the backup, when this run took it.
pub async fn remove(
    operation: &Operation,
    config: &Config,
    call: &Call<'_>,
) -> Result<Removal, Error> {
    let job = Job::of(operation, config, call).await?;
    let name = job.folder.display().to_string();
    let was_begun = job.part.exists();
    job.remove_part().await?;
    if !job.folder.exists() {
        return Ok(if was_begun {
            Removal::Removed(name)
        } else {
            Removal::NothingThere
        });
    }
    let of_run = format!("salvor {} ", operation.run);
    if !job
        .label_there()
        .is_some_and(|label| label.starts_with(&of_run))
    {
        return Ok(Removal::NotOurs(name));
    }
    let folder = job.folder.clone();
    blocking(move || {
        std::fs::remove_dir_all(&folder)
            .map_err(|error| Error::refused(format!("removing {}: {error}", folder.display())))
    })
    .await?;
    Ok(Removal::Removed(name))
}

fn taken(found: &str) -> Error {
    Error::refused_with(
        format!("the name is taken: {found}"),
        "give a name that tells the moment",
    )
}
