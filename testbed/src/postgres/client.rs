//! Turns SQL and tools of PostgreSQL into runs against a cluster, free of the settings of the caller.

use std::process::Command;

use anyhow::Context as _;
use anyhow::Result;

use crate::command;
use crate::postgres::Postgres;
use crate::postgres::SUPERUSER;
use crate::surroundings;

impl Postgres {
    /// Runs SQL by `psql` as the superuser and returns what it prints: unaligned, no headers, columns divided by
    /// `|`. Each statement is a transaction of its own unless the text says otherwise.
    ///
    /// # Errors
    /// A statement fails, and none after it is run; or there is no connection.
    pub fn psql(&self, database: &str, sql: &str) -> Result<String> {
        let mut psql = self.client("psql");
        psql.args([
            "-X",
            "-qAt",
            "-v",
            "ON_ERROR_STOP=1",
            "-d",
            database,
            "-f",
            "-",
        ]);
        let text = command::run_with_input(&mut psql, sql)
            .with_context(|| format!("run SQL in {database}: {sql}"))?;
        Ok(text.trim_end_matches('\n').to_owned())
    }

    /// Returns a client tool that connects as the superuser, without any setting of the caller's environment. It
    /// runs as the caller: see [`run_as`](Postgres::run_as) for one that writes what the server must read.
    pub fn client(&self, tool: &str) -> Command {
        self.with_connection(Command::new(self.program(tool)))
    }

    /// Returns a command, as the account of the server, of one of PostgreSQL's programs.
    pub(super) fn program_as_account(&self, name: &str) -> Command {
        let mut words = self.run_as().into_iter();
        match words.next() {
            Some(first) => {
                let mut command = Command::new(first);
                command.args(words).arg(self.program(name));
                command
            }
            None => Command::new(self.program(name)),
        }
    }

    pub(super) fn with_connection(&self, mut command: Command) -> Command {
        command
            .env_clear()
            .env("PATH", surroundings::variable("PATH").unwrap_or_default())
            .env("LC_ALL", "C")
            .env("PGHOST", &self.socket)
            .env("PGPORT", self.port.number().to_string())
            .env("PGUSER", SUPERUSER)
            .env("PGCONNECT_TIMEOUT", "30")
            .current_dir("/");
        command
    }
}
