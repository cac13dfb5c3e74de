//! Turns an empty folder into the world of the quickstart after its disaster: backups, and no database.
//!
//! A platform ran on one PostgreSQL cluster and one S3 server. A faulty release deleted rows at a known moment,
//! then the cluster's data folder was lost, and with it everything in the bucket of artifacts. What is left: a
//! base backup, archived WAL, dumps and dated prefixes in a bucket, and the values file that names the old
//! server. The rows, objects and numbers are the same each time; only the moments are not.
//!
//! Objects are put as files into the folder of the S3 server: to its POSIX back end they are the same, and 2,000 of
//! them take no time.

use std::fmt::Write as _;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use anyhow::Result;

use crate::command;
use crate::postgres::Postgres;
use crate::postgres::PostgresVersion;
use crate::postgres::WalInBackup;
use crate::versitygw::Versitygw;

/// The bucket of the backups.
pub const BACKUP_BUCKET: &str = "calabi-backups-acme";

/// The bucket of the artifacts, which the disaster emptied.
pub const ARTIFACT_BUCKET: &str = "calabi-acme-mlartifacts";

/// How many artifacts the newest backup holds.
pub const ARTIFACTS: usize = 2000;

/// How many artifacts the backup of the day before holds.
const ARTIFACTS_BEFORE: usize = 10;

/// What the platform's metadata is before the moment: 1,000 charts in the base backup, 500 after it.
const CHARTS: &str =
    "create table charts(id int primary key, title text not null, made timestamptz not null);
insert into charts select n, 'chart ' || n, clock_timestamp() from generate_series(1, 1000) n;";
const CHARTS_AFTER_BACKUP: &str = "insert into charts select n, 'chart ' || n, clock_timestamp() from generate_series(1001, 1500) n;";

/// What the faulty release did after the moment.
const FAULT: &str = "delete from charts where id > 700;
insert into charts select n, 'broken', clock_timestamp() from generate_series(9001, 9020) n;";

/// The state of the pipelines: in the dump of the day before it has 300 rows, in the newest 400.
const PIPELINES: &str =
    "create table dag_run(id int primary key, dag text not null, state text not null);
insert into dag_run select n, 'dag-' || n % 7, 'success' from generate_series(1, 300) n;";
const PIPELINES_NEXT_DAY: &str =
    "insert into dag_run select n, 'dag-' || n % 7, 'success' from generate_series(301, 400) n;";

const MOMENT_FILE: &str = "moment";

/// The world of the quickstart, and the S3 server that is left of it.
#[derive(Debug)]
pub struct Story {
    s3: Versitygw,
    directory: PathBuf,
    moment: String,
}

impl Story {
    /// Makes the world below this folder and breaks it, unless that was done already, and starts the S3 server: on
    /// this port, or on any free one.
    ///
    /// # Errors
    /// [`Missing`](crate::Missing) when PostgreSQL 15 or versitygw cannot be had; else a server did not start, or the
    /// folder cannot be written. A folder in which this broke off must be removed by the caller.
    pub fn start(directory: &Path, s3_port: Option<u16>) -> Result<Story> {
        let directory = std::path::absolute(directory)
            .with_context(|| format!("find {}", directory.display()))?;
        let mut builder = Versitygw::builder().directory(directory.join("s3"));
        if let Some(port) = s3_port {
            builder = builder.port(port);
        }
        let s3 = builder.start()?;
        let moment_file = directory.join(MOMENT_FILE);
        let source = Source {
            directory: &directory,
            s3: &s3,
        };
        if !moment_file.is_file() {
            let (moment, server) = source.live()?;
            source.write("environment", &environment(&directory, &s3, &server))?;
            source.break_down(server)?;
            // Last: a folder with this file is a finished one.
            source.write(MOMENT_FILE, &format!("{moment}\n"))?;
        }
        let moment = std::fs::read_to_string(&moment_file)
            .with_context(|| format!("read {}", moment_file.display()))?;
        Ok(Story {
            s3,
            moment: moment.trim().to_owned(),
            directory,
        })
    }

    /// Returns the moment before the fault, RFC 3339 in UTC.
    pub fn moment(&self) -> &str {
        &self.moment
    }

    /// Returns the folder of everything.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Returns the file of the variables that the plan of the quickstart reads, for a shell's `.`.
    pub fn environment_file(&self) -> PathBuf {
        self.directory.join("environment")
    }

    /// Returns the S3 server.
    pub fn s3(&self) -> &Versitygw {
        &self.s3
    }

    /// Returns whether the S3 server still runs.
    ///
    /// # Errors
    /// The kernel does not know the child, which is a bug.
    pub fn is_running(&mut self) -> Result<bool> {
        self.s3.is_running()
    }
}

/// Where the world is made.
struct Source<'a> {
    directory: &'a Path,
    s3: &'a Versitygw,
}

impl Source<'_> {
    /// The days before the disaster. Returns the moment before the fault, and the server.
    fn live(&self) -> Result<(String, Postgres)> {
        let home = self.directory.join("postgres");
        if home.exists() {
            std::fs::remove_dir_all(&home).with_context(|| format!("remove {}", home.display()))?;
        }
        let server = Postgres::builder(PostgresVersion::V15)
            .directory(&home)
            .archive()
            .wal_segment_mebibytes(1)
            .setting("log_statement", "ddl")
            .start()?;
        server.psql("postgres", "create role calabi login createdb")?;
        server.psql("postgres", "create database calabi owner calabi")?;
        self.pipelines(&server)?;
        self.artifacts(&server)?;
        self.platform(&server)?;
        self.s3.create_bucket(ARTIFACT_BUCKET)?;

        server.psql("calabi", &format!("set role calabi; {CHARTS}"))?;
        let base = home.join("base").join(day(&server, 0)?);
        server.base_backup(&base, WalInBackup::Excluded)?;
        server.psql("calabi", &format!("set role calabi; {CHARTS_AFTER_BACKUP}"))?;
        // The end of a backup is known to the second: its window begins one second later.
        server.psql("postgres", "select pg_sleep(1.1)")?;
        let moment = server.psql(
            "postgres",
            "select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')",
        )?;
        server.psql("calabi", &format!("set role calabi; {FAULT}"))?;
        server.archive_all()?;
        Ok((moment, server))
    }

    /// Two days of dumps of a database that then lives elsewhere: the restored cluster does not have it.
    fn pipelines(&self, server: &Postgres) -> Result<()> {
        server.psql("postgres", "create database calabi_pipelines owner calabi")?;
        for (age, sql) in [(1, PIPELINES), (0, PIPELINES_NEXT_DAY)] {
            server.psql("calabi_pipelines", &format!("set role calabi; {sql}"))?;
            let folder = self.backups(&format!("pipelines/{}", day(server, age)?))?;
            let mut dump = server.client("pg_dump");
            dump.args(["--format=plain", "--compress=6", "--file"])
                .arg(folder.join("pipelines_db.sql.gz"))
                .arg("calabi_pipelines");
            command::run(&mut dump)?;
        }
        server.psql("postgres", "drop database calabi_pipelines")?;
        Ok(())
    }

    /// Two days of artifacts.
    fn artifacts(&self, server: &Postgres) -> Result<()> {
        for (age, count) in [(1, ARTIFACTS_BEFORE), (0, ARTIFACTS)] {
            let day = day(server, age)?;
            for number in 0..count {
                let folder = self.backups(&format!("ml-artifacts/{day}/run-{:02}", number % 20))?;
                let file = folder.join(format!("artifact-{number:04}.bin"));
                write(&file, &artifact(number))?;
            }
        }
        Ok(())
    }

    /// What the platform is configured by.
    fn platform(&self, server: &Postgres) -> Result<()> {
        let values = format!(
            "# Values of the platform, as deployed.\ndatabase:\n  external:\n    host: \"127.0.0.1\"\n    port: {}\n    \
             name: calabi\npipelines:\n  database:\n    host: \"127.0.0.1\"\n    port: {}\n    name: calabi_pipelines\n",
            server.port(),
            server.port(),
        );
        self.write("platform/values.yaml", &values)?;
        self.write("platform/scheduler", "replicas 2\n")
    }

    /// The cluster's machine is gone, and with it the data folder.
    fn break_down(&self, mut server: Postgres) -> Result<()> {
        server.stop()?;
        let data = server.data_dir().to_owned();
        std::fs::remove_dir_all(&data).with_context(|| format!("remove {}", data.display()))
    }

    /// A folder in the bucket of backups.
    fn backups(&self, prefix: &str) -> Result<PathBuf> {
        let folder = self.s3.data_dir().join(BACKUP_BUCKET).join(prefix);
        std::fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
        Ok(folder)
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.directory.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)
                .with_context(|| format!("create {}", parent.display()))?;
        }
        write(&path, text.as_bytes())
    }
}

/// Returns the bytes of an artifact: no two are the same.
pub fn artifact(number: usize) -> Vec<u8> {
    format!("artifact {number}\n")
        .repeat(1 + number % 13)
        .into_bytes()
}

/// Returns the day of the newest nightly backup (03:00 UTC), or that many days before it.
fn day(server: &Postgres, age: u32) -> Result<String> {
    server.psql(
        "postgres",
        &format!(
            "select to_char((now() - interval '3 hours') at time zone 'UTC' - interval '{age} days', 'YYYY-MM-DD')"
        ),
    )
}

/// Returns the variables that the plan of the quickstart reads, as a shell takes them.
fn environment(directory: &Path, s3: &Versitygw, server: &Postgres) -> String {
    let mut text = String::new();
    let mut export = |name: &str, value: &str| {
        let value = value.replace('\'', "'\\''");
        let _ = writeln!(text, "export {name}='{value}'");
    };
    export("AWS_ACCESS_KEY_ID", s3.access_key());
    export("AWS_SECRET_ACCESS_KEY", s3.secret_key());
    export("SALVOR_INPUT_WORLD", &directory.display().to_string());
    export("SALVOR_INPUT_ENDPOINT", &s3.endpoint());
    export(
        "SALVOR_INPUT_POSTGRES_BIN",
        &server.bin_dir().display().to_string(),
    );
    if let Some(account) = server.account() {
        export("SALVOR_INPUT_RUN_AS", account.name());
    }
    text
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    std::fs::write(path, bytes).with_context(|| format!("write {}", path.display()))
}
