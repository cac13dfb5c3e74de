//! Turns wishes into a cluster: a new one by `initdb`, or one on a data folder that is there already.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;

use crate::account::Account;
use crate::command;
use crate::home::Home;
use crate::install::install;
use crate::port::Port;
use crate::postgres::Postgres;
use crate::postgres::PostgresVersion;
use crate::postgres::SUPERUSER;
use crate::postgres::configuration::Configuration;
use crate::postgres::configuration::make_private_folder;
use crate::process::DeathSignal;

/// The longest path of a socket that Linux takes is 107 bytes; PostgreSQL adds `/.s.PGSQL.NNNNN`.
const SOCKET_DIR_BYTES_MAX: usize = 107 - "/.s.PGSQL.65535".len();

/// Where a cluster archives its WAL.
#[derive(Clone, Debug)]
enum Archive {
    No,
    Own,
    Into(PathBuf),
}

/// How to start a cluster. Nothing set: a temporary folder, any free port, no archiving, WAL segments of 16 MiB.
#[derive(Clone, Debug)]
#[must_use]
pub struct PostgresBuilder {
    version: PostgresVersion,
    directory: Option<PathBuf>,
    existing_data: Option<PathBuf>,
    port: Option<u16>,
    archive: Archive,
    wal_segment_mebibytes: u16,
    settings: BTreeMap<String, String>,
    ends_in_order: bool,
}

impl PostgresBuilder {
    pub(super) fn new(version: PostgresVersion) -> PostgresBuilder {
        PostgresBuilder {
            version,
            directory: None,
            existing_data: None,
            port: None,
            archive: Archive::No,
            wal_segment_mebibytes: 16,
            settings: BTreeMap::new(),
            ends_in_order: false,
        }
    }

    /// Archives WAL into the folder `archive` of the cluster's own: copied under another name, then renamed, so
    /// that a file with its final name is whole. A file that is there already is accepted when it is the same.
    pub fn archive(mut self) -> Self {
        self.archive = Archive::Own;
        self
    }

    /// Archives WAL as [`archive`](PostgresBuilder::archive) does, into this folder. It is created where it is not
    /// there; else the account of the server must be able to write to it.
    pub fn archive_into(mut self, path: impl Into<PathBuf>) -> Self {
        self.archive = Archive::Into(path.into());
        self
    }

    /// Sets a parameter of `postgresql.conf`, over any default of the test bed. The value is written without
    /// quotes here.
    pub fn setting(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.insert(name.into(), value.into());
        self
    }

    /// Sets the size of a WAL segment: a power of two up to 1024. With 1, a cluster takes 29 MB of disk, not 103.
    pub fn wal_segment_mebibytes(mut self, size: u16) -> Self {
        self.wal_segment_mebibytes = size;
        self
    }

    /// Keeps everything below this folder, which stays when the server ends. A cluster that is there already is
    /// started as it is.
    pub fn directory(mut self, path: impl Into<PathBuf>) -> Self {
        self.directory = Some(path.into());
        self
    }

    /// Starts on a data folder that is there, such as a restored one, and runs no `initdb`. Nothing in it is
    /// changed by the test bed: port, socket and settings are given as arguments, and it archives nowhere
    /// unless told to. The folder must belong to the account of the server.
    pub fn existing_data(mut self, path: impl Into<PathBuf>) -> Self {
        self.existing_data = Some(path.into());
        self
    }

    /// Listens on this port, and fails when it is taken.
    pub fn port(mut self, number: u16) -> Self {
        self.port = Some(number);
        self
    }

    /// Has the server write its last checkpoint when this process ends without dropping it. Without, it ends at
    /// once and recovers at its next start, which suits a cluster that is thrown away.
    pub fn ends_in_order(mut self) -> Self {
        self.ends_in_order = true;
        self
    }

    /// Installs PostgreSQL where it is not there, makes the cluster, starts it, and waits until it takes
    /// connections: 1 to 2 s on a quiet machine, nearly all of it `initdb`.
    ///
    /// # Errors
    /// [`Missing`](crate::Missing) when this version cannot be had; else the folder cannot be used, or `initdb` or
    /// the server failed, and the error quotes what they said.
    pub fn start(self) -> Result<Postgres> {
        let PostgresBuilder {
            version,
            directory,
            existing_data,
            port,
            archive,
            wal_segment_mebibytes,
            settings,
            ends_in_order,
        } = self;
        let installed = install(version.part())?;
        let account = Account::for_servers()?;
        let home = match &directory {
            Some(path) => Home::kept(path)?,
            None => Home::temporary()?,
        };
        let socket = home.folder("socket")?;
        if socket.as_os_str().as_bytes().len() > SOCKET_DIR_BYTES_MAX {
            bail!(
                "{} is too long for a socket: choose a folder with a path of fewer letters",
                socket.display()
            );
        }
        if let Some(account) = &account {
            account.check_reaches(&socket)?;
            account.check_reaches(&installed.program("postgres"))?;
            account.own(&socket)?;
        }
        let archive = match archive {
            Archive::No => None,
            Archive::Own => Some(home.path().join("archive")),
            Archive::Into(path) => Some(path),
        };
        if let Some(path) = &archive
            && !path.is_dir()
        {
            make_private_folder(path, account.as_ref())?;
        }
        let (data, is_foreign) = match existing_data {
            Some(path) => (path, true),
            None => (home.path().join("data"), false),
        };
        let configuration = Configuration::new(archive, settings, is_foreign);
        let mut server = Postgres {
            process: None,
            version,
            installed,
            account,
            configuration,
            port: port.map_or_else(Port::reserve, Port::fixed)?,
            may_change_port: port.is_none(),
            death_signal: match ends_in_order {
                true => DeathSignal::Interrupt,
                false => DeathSignal::Quit,
            },
            data,
            socket,
            home,
        };
        if !is_foreign && !server.data.join("PG_VERSION").is_file() {
            server.init(wal_segment_mebibytes)?;
        }
        server.start()?;
        Ok(server)
    }
}

impl Postgres {
    /// Makes the cluster under another name and renames it, so that one that was interrupted is never started.
    fn init(&self, wal_segment_mebibytes: u16) -> Result<()> {
        let partial = self.home.path().join("data.partial");
        if partial.exists() {
            std::fs::remove_dir_all(&partial)
                .with_context(|| format!("remove {}", partial.display()))?;
        }
        self.make_directory(&partial)?;
        let mut initdb = self.program_as_account("initdb");
        initdb
            .arg("-D")
            .arg(&partial)
            .args(["-U", SUPERUSER, "-A", "trust", "--no-sync", "-E", "UTF8"])
            .args(["--locale=C", "--data-checksums"])
            .arg(format!("--wal-segsize={wal_segment_mebibytes}"));
        command::run(&mut self.with_connection(initdb))?;
        include_configuration(&partial)?;
        std::fs::rename(&partial, &self.data)
            .with_context(|| format!("put {} in place", self.data.display()))
    }
}

fn include_configuration(data: &Path) -> Result<()> {
    use std::io::Write as _;
    let path = data.join("postgresql.conf");
    let mut file = std::fs::File::options()
        .append(true)
        .open(&path)
        .with_context(|| format!("open {}", path.display()))?;
    file.write_all(Configuration::INCLUDE_LINE.as_bytes())
        .with_context(|| format!("append to {}", path.display()))
}
