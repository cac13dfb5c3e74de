//! A dump of 1 GB that is restored.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Context as _;
use anyhow::Result;
use salvor_testbed::Postgres;
use salvor_testbed::PostgresVersion;
use salvor_testbed::SUPERUSER;

use crate::database::cluster;
use crate::database::done;
use crate::database::provider;
use crate::database::with_connection;
use crate::measure::Contender;
use crate::measure::in_turn;
use crate::measure::measured;
use crate::peer::Peers;
use crate::plan_folder::PlanFolder;
use crate::table;

/// The name of what the restores make.
const RESTORED: &str = "restored";

/// Restores a dump, against `pg_restore -j2` of the same dump, and `gunzip | psql` of a plain one.
pub fn restore(_: &Peers) -> Result<()> {
    let server = cluster(Postgres::builder(PostgresVersion::V15))?;
    let dumps = server.directory().join("dumps");
    fs::create_dir(&dumps).context("make a folder")?;
    let custom = dumps.join("2026-01-01.dump");
    let plain = dumps.join("2026-01-01.sql.gz");
    let mut dump = server.client("pg_dump");
    done(
        dump.args(["--format=custom", "--dbname=source", "--file"])
            .arg(&custom),
    )?;
    let script = "\"$1\" --dbname=source | gzip -1 > \"$2\"";
    let mut dump = with_connection(&server, Command::new("sh"));
    done(
        dump.args(["-c", script, "sh"])
            .arg(server.program("pg_dump"))
            .arg(&plain),
    )?;

    let of_custom = PlanFolder::with(&[("plan.toml", &dump_plan(&server, &dumps, "{date}.dump"))])?;
    let of_plain =
        PlanFolder::with(&[("plan.toml", &dump_plan(&server, &dumps, "{date}.sql.gz"))])?;
    let fresh = |makes: bool| -> Result<()> {
        server.psql("postgres", &format!("drop database if exists {RESTORED}"))?;
        if makes {
            server.psql("postgres", &format!("create database {RESTORED}"))?;
        }
        server.psql("postgres", "checkpoint").map(drop)
    };
    let contenders = vec![
        Contender::new("salvor apply, custom dump", || {
            fresh(false)?;
            of_custom.fresh_apply()
        }),
        Contender::new("salvor apply, .sql.gz", || {
            fresh(false)?;
            of_plain.fresh_apply()
        }),
        Contender::new("pg_restore -j2", || {
            fresh(true)?;
            let mut command = with_connection(&server, measured(server.program("pg_restore")));
            command.args(["-j2", "--dbname", RESTORED]).arg(&custom);
            Ok(command)
        }),
        Contender::new("gunzip | psql", || {
            fresh(true)?;
            let script = "gunzip < \"$2\" | \"$1\" -q -v ON_ERROR_STOP=1 -d restored";
            let mut command = with_connection(&server, measured("sh"));
            command
                .args(["-c", script, "sh"])
                .arg(server.program("psql"))
                .arg(&plain);
            Ok(command)
        }),
    ];
    table::heading("logical restore of a database of 1 GB; CPU without the server's");
    let all = in_turn(contenders, 0, 3)?;
    table::contenders(&all);
    table::aim(
        "custom dump, wall over that of pg_restore",
        0.6,
        table::wall(&all[0]) / table::wall(&all[2]),
    );
    Ok(())
}

fn dump_plan(server: &Postgres, dumps: &Path, pattern: &str) -> String {
    format!(
        "format = 1\n[plan]\nname = \"restore\"\ntitle = \"Restore\"\n{}\
         [stores.app]\nkind = \"postgres.dumps\"\nclass = \"authoritative\"\n\
         with = {{ url = \"file://{}/\", pattern = \"{pattern}\", time = \"00:00\" }}\n\
         [steps.app]\nrestore = \"app\"\n\
         with = {{ host = \"{}\", port = {}, user = \"{SUPERUSER}\", database = \"{RESTORED}\" }}\n\
         [scenarios.full]\ngoal = [\"app\"]\n",
        provider(server),
        dumps.display(),
        server.socket_dir().display(),
        server.port(),
    )
}
