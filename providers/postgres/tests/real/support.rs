//! A real server with an archive, the operations that tests ask for, and a way to look at the results.

use std::future::Future;
use std::path::Path;
use std::path::PathBuf;

use jiff::Timestamp;
use salvor_conformance::Surroundings;
use salvor_conformance::operation;
use salvor_conformance::store;
use salvor_contract::ChosenPoint;
use salvor_contract::Error;
use salvor_contract::Operation;
use salvor_contract::OperationId;
use salvor_contract::PointState;
use salvor_contract::Provider;
use salvor_contract::Reach;
use salvor_contract::RecoveryPoint;
use salvor_contract::StoreRequest;
use salvor_contract::Values;
use salvor_postgres::Postgres as Provided;
use salvor_testbed::Port;
use salvor_testbed::Postgres;
use salvor_testbed::PostgresVersion;
use salvor_testbed::WalInBackup;
use salvor_testbed::require;
use serde_json::json;

/// A runtime for one test: servers are started outside of it.
pub fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime can be made")
        .block_on(future)
}

/// The provider's configuration for the programs of this server.
pub fn config(server: &Postgres) -> Values {
    let config = Values::new().with("bin", server.bin_dir().display().to_string());
    match server.account() {
        Some(account) => config.with("run-as", account.name()),
        None => config,
    }
}

/// The inputs that every action on a database takes.
pub fn at(server: &Postgres, database: &str) -> Values {
    Values::new()
        .with("host", "127.0.0.1")
        .with("port", server.port())
        .with("user", salvor_testbed::SUPERUSER)
        .with("database", database)
}

/// The points of a store.
pub async fn points(request: &StoreRequest, surroundings: &Surroundings) -> Vec<RecoveryPoint> {
    let provider = Provided::new();
    let seen = provider
        .survey(request, &surroundings.call())
        .await
        .expect("the store can be looked at");
    provider
        .recovery_points(request, &seen)
        .expect("the points of what was seen")
}

/// What a refusal says; panics on everything else.
pub fn refusal<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    match result {
        Err(Error::Refused { what, .. }) => what,
        other => panic!("a refusal was expected, not {other:?}"),
    }
}

/// A store of dumps in the server's folder.
pub struct Dumps {
    pub folder: PathBuf,
    pub request: StoreRequest,
}

impl Dumps {
    pub fn new(server: &Postgres) -> Self {
        let folder = server.directory().join("dumps");
        std::fs::create_dir_all(&folder).expect("a folder for dumps");
        let with = Values::new().with("url", format!("file://{}", folder.display()));
        let request = StoreRequest {
            config: config(server),
            ..store("postgres.dumps", with)
        };
        Self { folder, request }
    }

    /// Writes a dump as it is.
    pub fn write(&self, name: &str, text: &[u8]) {
        std::fs::write(self.folder.join(name), text).expect("a dump is written");
    }

    /// Takes a dump by `pg_dump`.
    pub fn take(&self, server: &Postgres, database: &str, name: &str, arguments: &[&str]) {
        let output = server
            .client("pg_dump")
            .args(arguments)
            .arg("--file")
            .arg(self.folder.join(name))
            .arg(database)
            .output()
            .expect("pg_dump starts");
        assert!(output.status.success(), "{output:?}");
    }

    /// The operation that restores one of the dumps.
    pub async fn restore(
        &self,
        server: &Postgres,
        name: &str,
        database: &str,
        surroundings: &Surroundings,
    ) -> Operation {
        let point = points(&self.request, surroundings)
            .await
            .into_iter()
            .find(|point| point.id.as_str() == name)
            .expect("the dump is a point");
        Operation {
            store: Some(self.request.clone()),
            config: self.request.config.clone(),
            point: Some(ChosenPoint {
                at: point.reach.latest(),
                point,
            }),
            ..operation("postgres.restore-dump", at(server, database))
        }
    }
}

/// The same operation with other inputs.
pub fn with(
    mut operation: Operation,
    name: &str,
    value: impl Into<serde_json::Value>,
) -> Operation {
    operation.with.set(name, value);
    operation
}

/// The same operation under another id.
pub fn named(operation: Operation, id: &str) -> Operation {
    Operation {
        id: OperationId::from(id),
        mark: OperationId::from(id),
        ..operation
    }
}

/// The step tried again after this operation failed.
pub fn next_attempt(operation: &Operation) -> Operation {
    Operation {
        id: OperationId::from("n23456789bcdefghijklmnopqr"),
        attempt: operation.attempt + 1,
        ..operation.clone()
    }
}

/// A cluster that archives, with a base backup and rows before and after a moment.
pub struct Archived {
    pub server: Postgres,
    pub store: StoreRequest,
    /// Between two transactions: `kept` rows are before it, `lost` rows after.
    pub moment: Timestamp,
    pub base: PathBuf,
}

impl Archived {
    /// Starts it; the archive holds everything when this returns.
    pub fn start(version: PostgresVersion) -> anyhow::Result<Self> {
        let server = Postgres::builder(version)
            .archive()
            .wal_segment_mebibytes(1)
            .start()?;
        let bases = server.directory().join("bases");
        let base = bases.join("first");
        server.psql("postgres", "create table t(id int primary key, word text)")?;
        server.psql(
            "postgres",
            "insert into t select g, 'before' from generate_series(1, 1000) g",
        )?;
        server.base_backup(&base, WalInBackup::Excluded)?;
        server.psql(
            "postgres",
            "insert into t select g, 'kept' from generate_series(1001, 2000) g",
        )?;
        server.switch_wal()?;
        server.psql(
            "postgres",
            "insert into t select g, 'kept' from generate_series(2001, 3000) g",
        )?;
        // The backup's end is known to the second, and the window begins one second later.
        server.psql("postgres", "select pg_sleep(1.1)")?;
        let moment = now(&server)?;
        server.psql("postgres", "delete from t where word = 'kept'")?;
        server.psql("postgres", "insert into t values (-1, 'lost')")?;
        server.archive_all()?;
        let archive = server
            .archive_dir()
            .expect("the cluster archives")
            .to_owned();
        let with = Values::new()
            .with("base", format!("file://{}", bases.display()))
            .with("wal", format!("file://{}", archive.display()));
        let store = StoreRequest {
            config: config(&server),
            ..store("postgres.pitr", with)
        };
        Ok(Self {
            server,
            store,
            moment,
            base,
        })
    }

    /// The folder of the archive.
    pub fn archive(&self) -> &Path {
        self.server.archive_dir().expect("the cluster archives")
    }

    /// The names of the segments in the archive, in order.
    pub fn segments(&self) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(self.archive())
            .expect("the archive is there")
            .filter_map(|item| item.ok()?.file_name().into_string().ok())
            .filter(|name| name.len() == 24)
            .collect();
        names.sort();
        names
    }

    /// The operation that brings one point to one moment, in a folder of this name.
    pub fn restore(
        &self,
        point: &RecoveryPoint,
        moment: Timestamp,
        name: &str,
    ) -> (Operation, Port) {
        let port = Port::reserve().expect("a free port");
        let with = Values::new()
            .with(
                "data",
                self.server.directory().join(name).display().to_string(),
            )
            .with("port", port.number())
            .with(
                "settings",
                json!({"shared_buffers": "16MB", "fsync": "off"}),
            );
        let operation = Operation {
            store: Some(self.store.clone()),
            config: self.store.config.clone(),
            point: Some(ChosenPoint {
                point: point.clone(),
                at: moment,
            }),
            ..operation("postgres.restore-pitr", with)
        };
        (operation, port)
    }
}

/// The server's time.
pub fn now(server: &Postgres) -> anyhow::Result<Timestamp> {
    let text = server.psql(
        "postgres",
        "select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')",
    )?;
    Ok(text.parse()?)
}

/// One value of a database of another server, over loopback.
pub async fn ask(port: u16, database: &str, sql: &str) -> String {
    let mut config = tokio_postgres::Config::new();
    config
        .host("127.0.0.1")
        .port(port)
        .user(salvor_testbed::SUPERUSER)
        .dbname(database);
    let (client, connection) = config
        .connect(tokio_postgres::NoTls)
        .await
        .expect("the server lets in");
    drop(tokio::spawn(connection));
    let messages = client.simple_query(sql).await.expect("the query works");
    for message in &messages {
        if let tokio_postgres::SimpleQueryMessage::Row(row) = message {
            return row.get(0).unwrap_or_default().to_owned();
        }
    }
    String::new()
}

/// How many rows there are, and how many of them are after the moment.
pub const KEPT: &str = "select count(*) || ' ' || count(*) filter (where word = 'lost') from t";

/// A cluster with an archive.
pub fn archived(version: PostgresVersion) -> Option<Archived> {
    require(Archived::start(version))
}

/// The only point, which must be a window.
pub async fn window(archived: &Archived, surroundings: &Surroundings) -> RecoveryPoint {
    let mut points = points(&archived.store, surroundings).await;
    assert_eq!(points.len(), 1, "{points:?}");
    let point = points.remove(0);
    assert_eq!(point.state, PointState::Usable, "{point:?}");
    assert!(matches!(point.reach, Reach::Window { .. }), "{point:?}");
    point
}

/// Names, texts and bodies that a bad reader of dumps stumbles over.
const SOURCE: &str = "create schema s; create table s.\"odd \"\" name\"(id int primary key, text text); \
    insert into s.\"odd \"\" name\" select g, E'row\\t' || g || E'\\\\.\\n;' from generate_series(1, 500) g; \
    create table empty(a int, b bytea); \
    create function f() returns int language plpgsql as $x$ begin return 1; /* ; */ end $x$; \
    create function g() returns int begin atomic select case when true then 1 end; end; \
    create view v as select 'a;b\\' as x; select lo_from_bytea(0, '\\x00ff'); \
    create table p(a int) partition by range (a); create table p1 partition of p for values from (0) to (9); \
    insert into p select generate_series(0, 8)";

/// A server with a database `source`.
pub fn source(version: PostgresVersion) -> Option<Postgres> {
    let server = require(Postgres::builder(version).start())?;
    server
        .psql("postgres", "create database source")
        .expect("a database");
    server.psql("source", SOURCE).expect("tables");
    Some(server)
}

/// The databases, in the order of their names.
pub fn databases(server: &Postgres) -> String {
    server
        .psql(
            "postgres",
            "select string_agg(datname, ' ' order by datname) from pg_database where not datistemplate",
        )
        .expect("the list of databases")
}
