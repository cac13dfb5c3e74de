//! Turns a version into a running PostgreSQL cluster that a test may write to, archive from, crash and throw away.
//!
//! `postgres` runs in the foreground as our child and not by `pg_ctl`, which would put it out of our reach: a
//! server must not outlive its test. Everybody who reaches its loopback port is let in as the superuser.

mod backup;
mod builder;
mod client;
mod configuration;
mod version;

use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use anyhow::bail;
use rustix::process::Pid;
use rustix::process::Signal;

use crate::account::Account;
use crate::home::Home;
use crate::install::Installed;
use crate::port::Port;
use crate::postgres::configuration::Configuration;
use crate::process;
use crate::process::DeathSignal;
use crate::process::Launch;
use crate::process::ServerProcess;
use crate::process::Startup;

pub use crate::postgres::backup::WalInBackup;
pub use crate::postgres::builder::PostgresBuilder;
pub use crate::postgres::version::PostgresVersion;

/// The database user that owns everything. Connections need no password.
pub const SUPERUSER: &str = "postgres";

/// How long a start may take, crash recovery and the replay of a test's WAL included.
const START_TIMEOUT: Duration = Duration::from_secs(90);

/// How often another port is tried.
const START_ATTEMPTS: usize = 5;

/// How long an ordered end may take: a checkpoint, and the archiving of what is left.
const STOP_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a server that was told to end at once may take. It ends its own children hard after five seconds.
const QUIT_TIMEOUT: Duration = Duration::from_secs(8);

/// How long the server of an earlier process, which was told to end with it, may still run in the folder.
const PREVIOUS_TIMEOUT: Duration = Duration::from_secs(20);

/// A PostgreSQL cluster. Its server ends when this value is dropped; a temporary folder goes with it.
#[derive(Debug)]
pub struct Postgres {
    // Before `home`: the server ends before its folder goes. Nothing while it is stopped.
    process: Option<ServerProcess>,
    version: PostgresVersion,
    installed: Installed,
    account: Option<Account>,
    configuration: Configuration,
    port: Port,
    may_change_port: bool,
    death_signal: DeathSignal,
    data: PathBuf,
    socket: PathBuf,
    home: Home,
}

impl Postgres {
    /// Returns a builder for a cluster of this version.
    pub fn builder(version: PostgresVersion) -> PostgresBuilder {
        PostgresBuilder::new(version)
    }

    /// Starts the server, also again after [`stop`](Postgres::stop) or [`kill`](Postgres::kill), and waits until it
    /// accepts connections. A server that runs is left as it is. While it waits for its first start a cluster
    /// on any free port moves to another one when something took its port; later it keeps the port.
    ///
    /// # Errors
    /// It does not start; the error quotes its log.
    pub fn start(&mut self) -> Result<()> {
        if self.is_running()? {
            return Ok(());
        }
        self.wait_for_previous();
        for _ in 0..START_ATTEMPTS {
            self.configuration
                .write(&self.data, &self.socket, self.port.number())?;
            if let Some(account) = &self.account {
                self.configuration.own(&self.data, account)?;
            }
            let mut process = self.launch()?;
            let status_file = self.data.join("postmaster.pid");
            let id = process.id();
            match process.wait_until_ready(START_TIMEOUT, || says_ready(&status_file, id))? {
                Startup::Ready => {
                    self.process = Some(process);
                    self.may_change_port = false;
                    return Ok(());
                }
                Startup::PortInUse if self.may_change_port => self.port = Port::reserve()?,
                Startup::PortInUse => bail!("port {} is in use", self.port.number()),
            }
        }
        bail!("PostgreSQL found its port in use {START_ATTEMPTS} times")
    }

    fn launch(&self) -> Result<ServerProcess> {
        let mut arguments = vec!["-D".into(), self.data.clone().into()];
        arguments.extend(
            self.configuration
                .arguments(&self.socket, self.port.number())?,
        );
        ServerProcess::start(Launch {
            name: "PostgreSQL",
            program: self.program("postgres"),
            arguments,
            environment: vec![("LC_ALL", "C".into()), ("TZ", "UTC".into())],
            account: self.account.as_ref(),
            death_signal: self.death_signal,
            log: self.log_file(),
        })
    }

    /// Waits for the server of an earlier process, which the kernel told to end with it.
    fn wait_for_previous(&self) {
        let id = std::fs::read_to_string(self.data.join("postmaster.pid"))
            .ok()
            .and_then(|text| text.lines().next()?.trim().parse().ok())
            .and_then(Pid::from_raw);
        if let Some(id) = id {
            // A file that a crash left names no process, or by bad luck a foreign one: PostgreSQL decides.
            process::wait_for_foreign_end(id, PREVIOUS_TIMEOUT);
        }
    }

    /// Ends the server in order (`fast`): connections are cut, a checkpoint is written, WAL is archived.
    ///
    /// # Errors
    /// It still runs after a minute.
    pub fn stop(&mut self) -> Result<()> {
        if let Some(mut process) = self.process.take()
            && process.try_wait()?.is_none()
        {
            process.signal(Signal::INT)?;
            process.wait_for_end(STOP_TIMEOUT)?;
        }
        Ok(())
    }

    /// Ends all processes of the server at the same moment by SIGKILL, as a crash would, and returns when they are
    /// gone. What the operating system holds is not lost: this is not a power cut.
    ///
    /// # Errors
    /// A process stays after ten seconds.
    pub fn kill(&mut self) -> Result<()> {
        self.process
            .take()
            .map_or(Ok(()), |mut process| process.kill())
    }

    /// Returns whether the server runs.
    ///
    /// # Errors
    /// The kernel does not know the child, which is a bug.
    pub fn is_running(&mut self) -> Result<bool> {
        match &mut self.process {
            Some(process) => Ok(process.try_wait()?.is_none()),
            None => Ok(false),
        }
    }

    /// Creates a folder of mode 700 that belongs to the account of the server: a place for a restored cluster.
    /// The folders above it are made with mode 755.
    ///
    /// # Errors
    /// It exists, or cannot be made.
    pub fn make_directory(&self, path: &Path) -> Result<()> {
        configuration::make_private_folder(path, self.account.as_ref())
    }

    /// Returns the version.
    pub fn version(&self) -> PostgresVersion {
        self.version
    }

    /// Returns the folder of the programs.
    pub fn bin_dir(&self) -> &Path {
        self.installed.programs()
    }

    /// Returns the path of one of the programs.
    pub fn program(&self, name: &str) -> PathBuf {
        self.installed.program(name)
    }

    /// Returns the folder with all that is the cluster's own. A test may put more there.
    pub fn directory(&self) -> &Path {
        self.home.path()
    }

    /// Returns the data folder.
    pub fn data_dir(&self) -> &Path {
        &self.data
    }

    /// Returns the folder into which WAL is archived, where the cluster archives.
    pub fn archive_dir(&self) -> Option<&Path> {
        self.configuration.archive()
    }

    /// Returns the folder of the socket.
    pub fn socket_dir(&self) -> &Path {
        &self.socket
    }

    /// Returns the file of what the server said since its last start.
    pub fn log_file(&self) -> PathBuf {
        self.home.path().join("postgres.log")
    }

    /// Returns the port, on loopback and in the name of the socket.
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// Returns the URL of a database for the superuser, over loopback. The name must not need percent encoding.
    pub fn url(&self, database: &str) -> String {
        format!(
            "postgres://{SUPERUSER}@127.0.0.1:{}/{database}",
            self.port.number()
        )
    }

    /// Returns the account that the server runs as; nothing when that is the caller's own.
    pub fn account(&self) -> Option<&Account> {
        self.account.as_ref()
    }

    /// Returns the arguments to put before a command that must run as the account of the server: empty unless
    /// the caller is root.
    pub fn run_as(&self) -> Vec<String> {
        self.account
            .as_ref()
            .map(Account::run_as)
            .unwrap_or_default()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Told to end at once, it frees its shared memory, which SIGKILL would leave in the kernel.
        if let Some(process) = &mut self.process
            && matches!(process.try_wait(), Ok(None))
            && process.signal(Signal::QUIT).is_ok()
        {
            // What does not end by itself is killed when the process is dropped.
            let _ = process.wait_for_end(QUIT_TIMEOUT);
        }
    }
}

/// Returns whether the status file is of this process and says that it takes connections. `pg_ctl` asks the same:
/// the first line is the process, the eighth the status.
fn says_ready(status_file: &Path, id: u32) -> bool {
    let Ok(text) = std::fs::read_to_string(status_file) else {
        return false;
    };
    let mut lines = text.lines();
    let is_ours = lines
        .next()
        .is_some_and(|line| line.trim() == id.to_string());
    is_ours
        && lines
            .nth(6)
            .is_some_and(|line| matches!(line.trim(), "ready" | "standby"))
}
