//! The database of 1 GB that is restored, and what its benchmarks share.

use std::process::Command;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::ensure;
use salvor_testbed::Postgres;
use salvor_testbed::PostgresBuilder;
use salvor_testbed::SUPERUSER;

/// Of pgbench: 15 MB each.
const SCALE: u32 = 68;

/// A cluster with the database `source`, as durable as one in production.
pub fn cluster(builder: PostgresBuilder) -> Result<Postgres> {
    let server = builder
        .setting("fsync", "on")
        .setting("shared_buffers", "512MB")
        .setting("max_wal_size", "4GB")
        .start()?;
    server.psql("postgres", "create database source")?;
    let mut pgbench = server.client("pgbench");
    done(pgbench.args(["-q", "-i", "-s", &SCALE.to_string(), "source"]))?;
    server.psql("postgres", "checkpoint")?;
    Ok(server)
}

/// The table of the plan that says where the programs of the server are.
pub fn provider(server: &Postgres) -> String {
    let bin = server.bin_dir().display();
    let run_as = server
        .account()
        .map(|account| format!("run-as = \"{}\"\n", account.name()));
    format!(
        "[providers.postgres]\nbin = \"{bin}\"\n{}",
        run_as.unwrap_or_default()
    )
}

/// A command that finds the server by its environment.
pub fn with_connection(server: &Postgres, mut command: Command) -> Command {
    command
        .env("LC_ALL", "C")
        .env("PGHOST", server.socket_dir())
        .env("PGPORT", server.port().to_string())
        .env("PGUSER", SUPERUSER);
    command
}

/// Runs a command that must succeed.
pub fn done(command: &mut Command) -> Result<()> {
    let output = command
        .output()
        .with_context(|| format!("start {command:?}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "{command:?} ended with {}: {said}",
        output.status
    );
    Ok(())
}
