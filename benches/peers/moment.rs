//! A cluster of 1 GB that is brought back to a moment.

use std::ffi::OsStr;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Context as _;
use anyhow::Result;
use salvor_testbed::Part;
use salvor_testbed::Port;
use salvor_testbed::Postgres;
use salvor_testbed::PostgresVersion;
use salvor_testbed::SUPERUSER;
use salvor_testbed::WalInBackup;
use tempfile::TempDir;

use crate::database::cluster;
use crate::database::done;
use crate::database::provider;
use crate::measure::Contender;
use crate::measure::in_turn;
use crate::measure::measured;
use crate::peer::Peers;
use crate::plan_folder::PlanFolder;
use crate::table;

/// WAL between the base backup and the moment, in MiB.
const WAL_MEBIBYTES: u64 = 763;

/// Brings a cluster back to a moment from a base backup and 800 MB of WAL, against pgBackRest.
pub fn pitr(peers: &Peers) -> Result<()> {
    let pgbackrest = peers.get(Part::Pgbackrest, "pgbackrest", &["version"]);
    let world = World::new(pgbackrest.is_some())?;
    let (moment, mebibytes) = world.history()?;
    let plan = PlanFolder::with(&[("plan.toml", &world.plan())])?;
    let mut contenders = vec![Contender::new("salvor apply", || {
        world.again()?;
        let mut command = plan.fresh_apply()?;
        command.args(["--at", &moment]);
        Ok(command)
    })];
    if let Some(peer) = &pgbackrest {
        contenders.push(Contender::new(peer.version.clone(), || {
            world.again()?;
            world.server.make_directory(&world.restored)?;
            let mut command = world.as_account("sh", true);
            command
                .args(["-c", PGBACKREST_SCRIPT, "sh"])
                .arg(&world.config)
                .arg(&world.restored)
                .arg(world.server.bin_dir())
                .arg(world.port.number().to_string())
                // Its own form of a time.
                .arg(moment.replace('T', " ").replace('Z', "+00"));
            Ok(command)
        }));
    }
    table::heading(&format!(
        "PITR of a cluster of 1 GB and {mebibytes} MiB of WAL; CPU without the server's"
    ));
    let all = in_turn(contenders, 0, 3);
    world.again()?;
    let all = all?;
    table::contenders(&all);
    if let [salvor, peer] = all.as_slice() {
        let ratio = table::wall(salvor) / table::wall(peer);
        table::aim("wall over that of pgBackRest", 0.25, ratio);
    }
    Ok(())
}

/// A cluster, what was backed up of it by both tools, and where it is restored.
struct World {
    // Before the folder: the server archives into it.
    server: Postgres,
    folder: TempDir,
    config: PathBuf,
    restored: PathBuf,
    port: Port,
}

impl World {
    fn new(has_pgbackrest: bool) -> Result<World> {
        let folder = tempfile::Builder::new()
            .permissions(fs::Permissions::from_mode(0o755))
            .tempdir()
            .context("make a folder")?;
        let path = |name: &str| folder.path().join(name);
        let config = path("pgbackrest.conf");
        let mut builder = Postgres::builder(PostgresVersion::V15).archive_into(path("archive"));
        if has_pgbackrest {
            // Both archives get every segment, so that both tools restore the same cluster.
            let to = path("archive");
            let to = to.display();
            builder = builder.setting(
                "archive_command",
                format!(
                    "pgbackrest --config={} --stanza=main archive-push %p && \
                     {{ test -f {to}/%f || {{ cp %p {to}/%f.partial && mv {to}/%f.partial {to}/%f; }}; }}",
                    config.display()
                ),
            );
        }
        // What is archived before the configuration is there fails and is tried again.
        let server = cluster(builder)?;
        let world = World {
            config,
            restored: path("restored"),
            port: Port::reserve()?,
            server,
            folder,
        };
        if has_pgbackrest {
            world.take_pgbackrest()?;
        }
        let base = world.folder.path().join("base");
        fs::create_dir(&base).context("make a folder")?;
        world
            .server
            .base_backup(&base.join("first"), WalInBackup::Excluded)?;
        Ok(world)
    }

    /// Makes a backup by pgBackRest, with its defaults and both processors.
    fn take_pgbackrest(&self) -> Result<()> {
        let repository = self.folder.path().join("repository");
        self.server.make_directory(&repository)?;
        let at = repository.display();
        let text = format!(
            "[global]\nrepo1-path={at}\nprocess-max=2\nstart-fast=y\nlog-level-console=error\n\
             log-level-file=off\nlock-path={at}/lock\nspool-path={at}/spool\n\
             [main]\npg1-path={}\npg1-port={}\npg1-socket-path={}\npg1-user={SUPERUSER}\n",
            self.server.data_dir().display(),
            self.server.port(),
            self.server.socket_dir().display(),
        );
        fs::write(&self.config, text).context("write the configuration of pgBackRest")?;
        for verb in ["stanza-create", "backup"] {
            let mut command = self.as_account("pgbackrest", false);
            command.arg(format!("--config={}", self.config.display()));
            done(command.args(["--stanza=main", verb]))?;
        }
        Ok(())
    }

    /// Writes WAL, and returns a moment after it, and how many MiB it is.
    fn history(&self) -> Result<(String, u64)> {
        let ask = |sql: &str| self.server.psql("source", sql);
        let begin = ask("select pg_current_wal_lsn()")?;
        let written = || -> Result<u64> {
            let sql = format!("select div(pg_current_wal_lsn() - '{begin}'::pg_lsn, 1048576)");
            ask(&sql)?.parse().context("read the size of the WAL")
        };
        let mut turn = 0;
        while written()? < WAL_MEBIBYTES {
            let rows = turn % 20;
            ask(&format!(
                "update pgbench_accounts set abalance = abalance + 1 where aid % 20 = {rows}"
            ))?;
            turn += 1;
        }
        let mebibytes = written()?;
        let form = "YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"";
        let moment = ask(&format!(
            "select to_char(clock_timestamp() at time zone 'UTC', '{form}')"
        ))?;
        // Recovery stops before the first transaction after the moment, so there must be one.
        ask("create table after_the_moment()")?;
        self.server.archive_all()?;
        Ok((moment, mebibytes))
    }

    /// Ends the restored server of the run before and removes its cluster.
    fn again(&self) -> Result<()> {
        if self.restored.exists() {
            let mut stop = self.as_account(self.server.program("pg_ctl"), false);
            stop.arg("-D").arg(&self.restored);
            // It fails where the server does not run.
            let _ = stop.args(["-m", "immediate", "-w", "stop"]).output();
            fs::remove_dir_all(&self.restored).context("remove what was restored before")?;
        }
        Ok(())
    }

    fn plan(&self) -> String {
        format!(
            "format = 1\n[plan]\nname = \"pitr\"\ntitle = \"PITR\"\n{}\
             [stores.cluster]\nkind = \"postgres.pitr\"\nclass = \"authoritative\"\n\
             with = {{ base = \"file://{1}/base\", wal = \"file://{1}/archive\" }}\n\
             [steps.restored]\nrestore = \"cluster\"\nwith = {{ data = \"{2}\", port = {3} }}\n\
             [scenarios.full]\ngoal = [\"restored\"]\n",
            provider(&self.server),
            self.folder.path().display(),
            self.restored.display(),
            self.port.number(),
        )
    }

    /// A command as the account of the server.
    fn as_account(&self, program: impl AsRef<OsStr>, is_measured: bool) -> Command {
        let mut words: Vec<OsString> = self.server.run_as().into_iter().map(Into::into).collect();
        words.push(program.as_ref().to_owned());
        let first = words.remove(0);
        let mut command = match is_measured {
            true => measured(first),
            false => Command::new(first),
        };
        command.args(words).current_dir("/").env("LC_ALL", "C");
        command
    }
}

/// Restores, starts the server, and waits until it takes writes: what salvor's step does.
const PGBACKREST_SCRIPT: &str = r#"set -eu
pgbackrest --config="$1" --stanza=main --pg1-path="$2" --type=time --target="$5" --target-action=promote restore
"$3/pg_ctl" -D "$2" -w -t 600 -l "$2/log" -o "-p $4 -c archive_mode=off -c unix_socket_directories=$2" start >&2
until test "$("$3/psql" -h 127.0.0.1 -p "$4" -U postgres -Atc 'select pg_is_in_recovery()' postgres)" = f
do sleep 0.02; done
"#;
