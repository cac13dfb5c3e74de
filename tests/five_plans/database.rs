//! A real PostgreSQL cluster: the live one, and the one that stands for what a cloud restores.

use std::fs;
use std::path::Path;
use std::process::Command;

use salvor_testbed::Postgres;
use salvor_testbed::PostgresVersion;
use salvor_testbed::WalInBackup;
use salvor_testbed::require;

/// Ends by itself when it is dropped.
pub struct Database {
    server: Postgres,
}

impl Database {
    /// A cluster that archives its WAL, with this role; nothing when it cannot be had on this machine.
    pub fn start(role: &str) -> Option<Self> {
        let builder = Postgres::builder(PostgresVersion::V15);
        let builder = builder.archive().wal_segment_mebibytes(1);
        let builder = builder.setting("archive_timeout", "60");
        let server = require(builder.start())?;
        let database = Self { server };
        database.sql(
            "postgres",
            &format!(
                "create role {role} login createdb; grant pg_monitor, pg_read_all_data to {role}"
            ),
        );
        Some(database)
    }

    /// The port, on loopback.
    pub fn port(&self) -> String {
        self.server.port().to_string()
    }

    /// Runs SQL as the superuser, and returns what it prints.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        let printed = self.server.psql(database, sql);
        printed.unwrap_or_else(|error| panic!("{error:#}"))
    }

    /// Makes a database of this owner and runs SQL in it as that.
    pub fn create(&self, database: &str, owner: &str, sql: &str) {
        self.sql(
            "postgres",
            &format!("create database {database} owner {owner}"),
        );
        self.sql(database, &format!("set role {owner}; {sql}"));
    }

    /// A dump of a database, by these options of `pg_dump`.
    pub fn dump(&self, database: &str, options: &[&str]) -> Vec<u8> {
        let mut dump = self.server.client("pg_dump");
        let output = dump
            .args(options)
            .arg(database)
            .output()
            .expect("it starts");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        output.stdout
    }

    /// Takes a base backup and copies it and the archived WAL into folders, which are made. Empty folders stay out, as
    /// they do where they are copied into a bucket.
    pub fn back_up(&self, base: &Path, wal: &Path) {
        let folder = self.server.directory().join("base");
        let taken = self.server.base_backup(&folder, WalInBackup::Excluded);
        taken.expect("a base backup is taken");
        copy_files(&folder, base);
        self.copy_wal(wal);
    }

    /// Copies what is archived up to now.
    pub fn copy_wal(&self, wal: &Path) {
        self.server.archive_all().expect("it archives");
        let archive = self.server.archive_dir().expect("it archives");
        copy_files(archive, wal);
    }

    /// Runs a script by psql as a person does: in this folder, as one transaction.
    pub fn run(&self, database: &str, folder: &Path, script: &str) {
        let mut psql = self.server.client("psql");
        psql.args([
            "-X",
            "--set",
            "ON_ERROR_STOP=1",
            "--single-transaction",
            "--dbname",
            database,
        ]);
        let output = psql.args(["--file", script]).current_dir(folder).output();
        let output = output.expect("it starts");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{script}: {errors}");
    }

    /// Ends the server of a data directory that salvor restored, and left running.
    pub fn stop_restored(&self, data: &Path) {
        let pg_ctl = self.server.program("pg_ctl").display().to_string();
        let mut words = self.server.run_as();
        words.push(pg_ctl);
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).arg("-D").arg(data);
        // One that was never started is not to be stopped.
        let _ = command.args(["-m", "immediate", "stop"]).output();
    }

    /// Asks another server, by its port.
    pub fn ask(&self, port: &str, role: &str, database: &str, sql: &str) -> String {
        let mut psql = Command::new(self.server.program("psql"));
        psql.args([
            "-X",
            "-h",
            "127.0.0.1",
            "-p",
            port,
            "-U",
            role,
            "-d",
            database,
            "-Atc",
            sql,
        ]);
        let output = psql.output().expect("it starts");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{sql}: {errors}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}

fn copy_files(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("a folder of the server") {
        let entry = entry.expect("an entry of it");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_files(&entry.path(), &target);
        } else {
            fs::create_dir_all(to).expect("a folder of the bucket");
            fs::copy(entry.path(), target).expect("a file is copied");
        }
    }
}
