//! Databases by hand: one that is replaced, one whose replacement fails, baselines and their comparison.

use std::path::Path;
use std::process::Command;

use salvor_testbed::Postgres;
use salvor_testbed::PostgresVersion;
use salvor_testbed::SUPERUSER;
use salvor_testbed::require;

use crate::typed::Printed;
use crate::typed::must;
use crate::typed::paste;
use crate::typed::shell_in;
use crate::typed::typed;

fn plan(server: &Postgres, dumps: &Path) -> String {
    let at = format!(
        "host = \"127.0.0.1\", port = {}, user = \"{SUPERUSER}\", database = \"shop\"",
        server.port()
    );
    format!(
        r#"
format = 1
plan   = {{ name = "shop", title = "Bring the shop back" }}
[providers.postgres]
bin = "{bin}"
[stores.shop]
kind = "postgres.dumps"
with = {{ url = "file://{dumps}/", pattern = "{{date}}.sql.gz" }}
[steps.shop]
restore  = "shop"
destroys = "orders since the dump"
with     = {{ {at}, as = "replace" }}
[steps.baseline]
uses = "postgres.baseline"
with = {{ {at}, write-to = "by-hand.json" }}
[steps.compare]
uses = "postgres.compare"
with = {{ {at}, baseline = "by-hand.json" }}
[scenarios.replace]
goal = ["shop"]
[scenarios.baseline]
goal = ["baseline"]
[scenarios.compare]
goal = ["compare"]
"#,
        bin = server.bin_dir().display(),
        dumps = dumps.display(),
    )
}

/// A server with a shop, a dump of it, and orders that came after.
struct World {
    server: Postgres,
    folder: tempfile::TempDir,
}

impl World {
    fn make() -> Option<Self> {
        let server = require(Postgres::builder(PostgresVersion::V15).start())?;
        let folder = tempfile::tempdir().expect("a folder");
        let world = Self { server, folder };
        world.psql("postgres", "create database shop");
        world.psql(
            "shop",
            "create table orders(id int primary key, what text); \
             insert into orders select n, 'it''s ' || n from generate_series(1, 20) n",
        );
        world.typed("mkdir dumps && \"$BIN/pg_dump\" -h 127.0.0.1 -p $PORT -U $ROLE -Fp -Z6 -f dumps/2026-04-05.sql.gz shop");
        world.psql("shop", "insert into orders values (21, 'late')");
        let text = plan(&world.server, &world.folder.path().join("dumps"));
        std::fs::write(world.folder.path().join("plan.toml"), text).expect("written");
        Some(world)
    }

    fn psql(&self, database: &str, sql: &str) -> String {
        self.server.psql(database, sql).expect("the server answers")
    }

    fn shell(&self, script: &str) -> Command {
        let salvor = Path::new(env!("CARGO_BIN_EXE_salvor"));
        let programs = salvor.parent().expect("the binary lies in a folder");
        let mut shell = shell_in(self.folder.path(), programs, script);
        shell
            .env("BIN", self.server.bin_dir())
            .env("PORT", self.server.port().to_string())
            .env("ROLE", SUPERUSER);
        shell
    }

    fn typed(&self, script: &str) -> String {
        must(self.shell(script))
    }

    fn by_hand(&self, scenario: &str, key: &str) -> Printed {
        let markdown = self.typed(&format!("salvor runbook --scenario {scenario}"));
        let asked = "SHOP_POINT_KEY=";
        let markdown = markdown.replacen(asked, &format!("{asked}{key}"), 1);
        let blocks = typed(&markdown);
        let mut printed = paste(&blocks.iter().collect::<Vec<_>>(), |script| {
            self.shell(script)
        });
        printed.pop().expect("a step")
    }
}

#[test]
fn a_database_is_replaced_by_its_dump_and_kept() {
    let Some(world) = World::make() else { return };
    let said = world.by_hand("replace", "2026-04-05.sql.gz");
    assert_eq!(said.exit, 0, "{}", said.text);
    let orders = "select count(*) from orders";
    assert_eq!(world.psql("shop", orders), "20");
    assert_eq!(world.psql("shop_old", orders), "21");
    let again = world.by_hand("replace", "2026-04-05.sql.gz");
    assert_ne!(
        again.exit, 0,
        "the name of the old one is taken:\n{}",
        again.text
    );
    assert_eq!(world.psql("shop", orders), "20", "and people are let in");
}

#[test]
fn a_dump_that_breaks_off_leaves_the_live_database_alone() {
    let Some(world) = World::make() else { return };
    let dump = world.folder.path().join("dumps/2026-04-05.sql.gz");
    let bytes = std::fs::read(&dump).expect("a dump");
    std::fs::write(&dump, &bytes[..bytes.len() / 2]).expect("cut");
    let said = world.by_hand("replace", "2026-04-05.sql.gz");
    assert_ne!(said.exit, 0, "{}", said.text);
    assert_eq!(world.psql("shop", "select count(*) from orders"), "21");
    let others = "select count(*) from pg_database where datname = 'shop_old'";
    assert_eq!(world.psql("postgres", others), "0");
}

#[test]
fn a_baseline_by_hand_is_one_that_salvor_reads() {
    let Some(world) = World::make() else { return };
    let said = world.by_hand("baseline", "");
    assert_eq!(said.exit, 0, "{}", said.text);
    world.typed("salvor apply . --scenario compare --no-input");
    let same = world.by_hand("compare", "");
    assert_eq!((same.exit, same.text.as_str()), (0, ""));
    world.psql("shop", "update orders set what = 'x' where id = 1");
    let other = world.by_hand("compare", "");
    assert!(
        other.text.starts_with("public.orders|21|"),
        "{}",
        other.text
    );
}
