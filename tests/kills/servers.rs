//! The servers that all cases share: PostgreSQL, and an object store behind a proxy that counts.
//!
//! A case keeps apart by a database and a prefix of its own, so a server is started once a test.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use salvor_testbed::Postgres;
use salvor_testbed::PostgresVersion;
use salvor_testbed::Versitygw;
use salvor_testbed::require;
use tempfile::TempDir;

use crate::proxy::Proxy;

/// How many objects are synced.
pub const OBJECTS: usize = 200;

/// Brings the objects of a folder into the bucket `source`.
const SEED: &str = r#"
format = 1
[plan]
name = "seed"
title = "Fill the source"
[inputs]
endpoint = { type = "url" }
folder   = { type = "string" }
key      = { type = "secret" }
secret   = { type = "secret" }
[providers.objects]
endpoint   = "{{inputs.endpoint}}"
access-key = "{{inputs.key}}"
secret-key = "{{inputs.secret}}"
[steps.fill]
uses = "objects.sync"
with = { source = "{{inputs.folder}}", target = "s3://source/photos/" }
[scenarios.fill]
goal = ["fill"]
rpo  = "24h"
"#;

/// Servers with what was backed up before the disaster.
pub struct Servers {
    /// Where databases are restored; it logs every statement.
    pub postgres: Postgres,
    /// The object store.
    pub store: Versitygw,
    /// What stands before it.
    pub proxy: Proxy,
    /// Dumps, cases.
    pub home: TempDir,
}

impl Servers {
    /// Starts and fills them; nothing where a part cannot be had on this machine.
    pub fn start() -> Option<Self> {
        let postgres = Postgres::builder(PostgresVersion::V15).setting("log_statement", "all");
        let postgres = require(postgres.start())?;
        let store = require(Versitygw::start())?;
        let proxy = Proxy::start(store.port());
        let servers = Self {
            postgres,
            store,
            proxy,
            home: tempfile::tempdir().expect("a folder"),
        };
        servers.dump();
        servers.fill();
        Some(servers)
    }

    /// The folder of the dumps.
    pub fn dumps(&self) -> PathBuf {
        self.home.path().join("dumps")
    }

    /// The address to give to salvor, which leads through the proxy.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.proxy.port())
    }

    fn dump(&self) {
        let tables = "create table orders(id int primary key, what text); \
            insert into orders select g, md5(g::text) from generate_series(1, 500) g; \
            create index on orders(what); create view big as select * from orders where id > 400";
        self.postgres
            .psql("postgres", "create database shop")
            .expect("a database");
        self.postgres.psql("shop", tables).expect("tables");
        fs::create_dir(self.dumps()).expect("a folder");
        let status = self
            .postgres
            .client("pg_dump")
            .args(["-Fc", "-d", "shop", "-f"])
            .arg(self.dumps().join("shop.dump"))
            .status()
            .expect("pg_dump can be started");
        assert!(status.success(), "pg_dump: {status}");
    }

    fn fill(&self) {
        for bucket in ["source", "target"] {
            self.store.create_bucket(bucket).expect("a bucket");
        }
        let folder = self.home.path().join("seed");
        let photos = folder.join("photos");
        fs::create_dir_all(&photos).expect("a folder");
        for number in 0..OBJECTS {
            let bytes = format!("photo {number}\n").repeat(1 + number % 40);
            fs::write(photos.join(format!("{number:03}.jpg")), bytes).expect("a photo");
        }
        fs::write(folder.join("plan.toml"), SEED).expect("a plan");
        let output = Command::new(env!("CARGO_BIN_EXE_salvor"))
            .current_dir(&folder)
            .args(["apply", ".", "--no-input"])
            .env("SALVOR_INPUT_ENDPOINT", self.store.endpoint())
            .env(
                "SALVOR_INPUT_FOLDER",
                format!("file://{}/", photos.display()),
            )
            .env("SALVOR_INPUT_KEY", "env:KILLS_KEY")
            .env("SALVOR_INPUT_SECRET", "env:KILLS_SECRET")
            .env("KILLS_KEY", self.store.access_key())
            .env("KILLS_SECRET", self.store.secret_key())
            .output()
            .expect("salvor can be started");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}
