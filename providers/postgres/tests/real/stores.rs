//! Dumps and moments in an object store, and what is packed, forked and quiet in an archive.

use std::path::Path;

use salvor_conformance::Case;
use salvor_conformance::Surroundings;
use salvor_conformance::check_action;
use salvor_conformance::operation;
use salvor_contract::Operation;
use salvor_contract::PointState;
use salvor_contract::Probe;
use salvor_contract::Provider as _;
use salvor_contract::Reach;
use salvor_objects::Place;
use salvor_objects::Put;
use salvor_postgres::Postgres as Provided;
use salvor_testbed::Postgres;
use salvor_testbed::PostgresVersion;
use salvor_testbed::Versitygw;
use salvor_testbed::WalInBackup;
use salvor_testbed::require;
use serde_json::json;

use crate::support::Archived;
use crate::support::Dumps;
use crate::support::ask;
use crate::support::at;
use crate::support::named;
use crate::support::points;
use crate::support::refusal;
use crate::support::run;

const KEPT: &str = "select count(*) || ' ' || count(*) filter (where word = 'lost') from t";

fn objects(service: &Versitygw) -> serde_json::Value {
    json!({
        "endpoint": service.endpoint(),
        "region": service.region(),
        "access-key": "env:ACCESS",
        "secret-key": "env:SECRET",
    })
}

fn surroundings(service: &Versitygw) -> Surroundings {
    Surroundings::real_time()
        .secret("env:ACCESS", service.access_key())
        .secret("env:SECRET", service.secret_key())
}

/// Copies a folder into a bucket.
async fn upload(folder: &Path, url: &str, service: &Versitygw, surroundings: &Surroundings) {
    let config = serde_json::from_value(objects(service)).expect("a configuration");
    let call = surroundings.call();
    let place = Place::open(url, &config, &call).await.expect("a place");
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for item in std::fs::read_dir(&next).expect("a folder") {
            let path = item.expect("an item").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let key = path
                .strip_prefix(folder)
                .expect("below")
                .to_str()
                .expect("a name");
            let bytes = std::fs::read(&path).expect("a file");
            place
                .write(key, bytes.into(), &Put::default())
                .await
                .expect("an upload");
        }
    }
}

#[test]
fn dumps_and_moments_come_back_from_an_object_store() {
    let Some(archived) = require(Archived::start(PostgresVersion::V15)) else {
        return;
    };
    let Some(service) = require(Versitygw::shared()) else {
        return;
    };
    service.create_bucket("postgres-stores").expect("a bucket");
    let server = &archived.server;
    let dumps = Dumps::new(server);
    dumps.take(server, "postgres", "a.sql.gz", &["--compress=6"]);
    dumps.take(server, "postgres", "b.dump", &["--format=custom"]);
    dumps.take(server, "postgres", "c", &["--format=directory"]);
    run(async {
        let surroundings = surroundings(&service);
        let provider = Provided::new();
        let call = surroundings.call();
        let bases = archived.base.parent().expect("a folder").to_owned();
        for (folder, name) in [
            (dumps.folder.as_path(), "dumps"),
            (bases.as_path(), "bases"),
            (archived.archive(), "wal"),
        ] {
            upload(
                folder,
                &format!("s3://postgres-stores/{name}/"),
                &service,
                &surroundings,
            )
            .await;
        }
        let config = archived
            .store
            .config
            .clone()
            .with("objects", objects(&service));
        let mut store = dumps.request.clone();
        store.with.set("url", "s3://postgres-stores/dumps/");
        store.config = config.clone();
        let remote = Dumps {
            folder: dumps.folder.clone(),
            request: store,
        };
        for (number, name) in ["a.sql.gz", "b.dump", "c"].iter().enumerate() {
            let operation = remote
                .restore(server, name, &format!("remote{number}"), &surroundings)
                .await;
            let operation = named(operation, &format!("s{number}3456789bcdefghijklmnopqr"));
            provider.perform(&operation, &call).await.expect(name);
            let rows = server.psql(&format!("remote{number}"), "select count(*) from t");
            assert_eq!(rows.expect("rows"), "1001", "{name}");
        }
        let mut archived_there = archived.store.clone();
        archived_there
            .with
            .set("base", "s3://postgres-stores/bases/");
        archived_there.with.set("wal", "s3://postgres-stores/wal/");
        archived_there.config = config.clone();
        let found = points(&archived_there, &surroundings).await;
        assert_eq!(found[0].state, PointState::Usable, "{found:?}");
        let (operation, port) = archived.restore(&found[0], archived.moment, "remote");
        let operation = Operation {
            store: Some(archived_there),
            config,
            ..operation
        };
        provider
            .perform(&operation, &call)
            .await
            .expect("a restore");
        assert_eq!(ask(port.number(), "postgres", KEPT).await, "3000 0");
        provider.remove(&operation, &call).await.expect("a removal");
    });
}

#[test]
fn a_promoted_server_that_goes_on_archiving_is_followed() {
    let Some(archived) = require(Archived::start(PostgresVersion::V15)) else {
        return;
    };
    run(async {
        let surroundings = Surroundings::real_time();
        let provider = Provided::new();
        let call = surroundings.call();
        let found = points(&archived.store, &surroundings).await;
        let (operation, _port) = archived.restore(&found[0], archived.moment, "promoted");
        provider
            .perform(&operation, &call)
            .await
            .expect("a restore");
        // It becomes production: its operator stops it and gives it the archive.
        let data = archived.server.directory().join("promoted");
        let program = archived.server.program("pg_ctl").display().to_string();
        let mut words = archived.server.run_as();
        words.push(program);
        let output = std::process::Command::new(&words[0])
            .args(&words[1..])
            .args(["stop", "-w", "-D"])
            .arg(&data)
            .current_dir("/")
            .output();
        assert!(output.expect("pg_ctl starts").status.success());
        let promoted = Postgres::builder(PostgresVersion::V15)
            .existing_data(&data)
            .archive_into(archived.archive())
            .wal_segment_mebibytes(1)
            .start()
            .expect("the promoted server archives");
        promoted
            .psql("postgres", "insert into t values (-7, 'second')")
            .expect("a row");
        promoted
            .psql("postgres", "select pg_sleep(0.1)")
            .expect("a pause");
        let moment = crate::support::now(&promoted).expect("a time");
        promoted
            .psql("postgres", "select pg_sleep(0.1); delete from t")
            .expect("a mistake");
        promoted.archive_all().expect("it is archived");
        let found = points(&archived.store, &surroundings).await;
        let second = found
            .iter()
            .find(|point| point.id.as_str().ends_with("@2"))
            .expect("the second timeline");
        assert_eq!(second.state, PointState::Usable, "{found:?}");
        let (operation, port) = archived.restore(second, moment, "again");
        let operation = named(operation, "t23456789bcdefghijklmnopqr");
        let outcome = provider
            .perform(&operation, &call)
            .await
            .expect("a restore");
        assert_eq!(outcome.outputs.get("timeline"), Some(&3.into()));
        let rows = "select count(*) || ' ' || min(id) from t";
        assert_eq!(ask(port.number(), "postgres", rows).await, "3001 -7");
        provider.remove(&operation, &call).await.expect("a removal");
    });
}

#[test]
fn packed_segments_and_a_backup_without_later_transactions_are_restored() {
    let Some(archived) = require(Archived::start(PostgresVersion::V15)) else {
        return;
    };
    for name in archived.segments() {
        let path = archived.archive().join(name);
        let status = std::process::Command::new("gzip").arg(&path).status();
        assert!(status.expect("gzip starts").success());
    }
    let bases = archived.base.parent().expect("a folder").to_owned();
    archived
        .server
        .base_backup(&bases.join("last"), WalInBackup::Excluded)
        .expect("a backup");
    archived.server.archive_all().expect("it is archived");
    run(async {
        let surroundings = Surroundings::real_time();
        let provider = Provided::new();
        let call = surroundings.call();
        let found = points(&archived.store, &surroundings).await;
        for (id, rows) in [("first@1", "3000 0"), ("last@1", "1001 1")] {
            let point = found
                .iter()
                .find(|point| point.id.as_str() == id)
                .expect(id);
            assert_eq!(point.state, PointState::Usable, "{point:?}");
            let moment = match point.reach {
                Reach::Window { .. } => archived.moment,
                Reach::Moment(moment) => moment,
            };
            let (operation, port) = archived.restore(point, moment, id);
            provider.perform(&operation, &call).await.expect(id);
            assert_eq!(ask(port.number(), "postgres", KEPT).await, rows, "{id}");
            provider.remove(&operation, &call).await.expect("a removal");
        }
    });
}

#[test]
fn a_dump_is_taken_once_and_comes_back() {
    let Some(server) = require(Postgres::builder(PostgresVersion::V15).start()) else {
        return;
    };
    server
        .psql(
            "postgres",
            "create table t(i int); insert into t values (7)",
        )
        .expect("a table");
    let dumps = Dumps::new(&server);
    run(async {
        let surroundings = Surroundings::real_time().secret("env:PASSWORD", "a:b\\c");
        let provider = Provided::new();
        let take = |key: &str| Operation {
            store: Some(dumps.request.clone()),
            config: dumps.request.config.clone(),
            ..operation(
                "postgres.dump",
                at(&server, "postgres")
                    .with("key", key)
                    .with("password", "env:PASSWORD"),
            )
        };
        let path = dumps.folder.join("2026-04-05/db.dump");
        let case = Case::new(
            take("2026-04-05/db.dump"),
            async || u64::from(path.exists()),
            async || {
                if path.parent().is_some_and(Path::exists) {
                    std::fs::remove_dir_all(path.parent().expect("a folder")).expect("it goes");
                }
            },
        )
        .cut_at_most(8);
        check_action(&provider, &surroundings, case)
            .await
            .expect("it conforms");

        let call = surroundings.call();
        for key in ["a.dump", "b.sql", "c.sql.gz"] {
            provider
                .perform(
                    &named(
                        take(key),
                        &format!("{}23456789bcdefghijklmnopqrs", &key[..1]),
                    ),
                    &call,
                )
                .await
                .expect(key);
            let restore = dumps
                .restore(&server, key, &format!("back_{}", &key[..1]), &surroundings)
                .await;
            provider.perform(&restore, &call).await.expect(key);
            let rows = server.psql(&format!("back_{}", &key[..1]), "select i from t");
            assert_eq!(rows.expect("rows"), "7", "{key}");
        }
        assert!(!surroundings.scratch_dir().join("pgpass").exists());
        let missing = Operation {
            with: take("x.dump").with.with("database", "no such"),
            ..take("x.dump")
        };
        refusal(provider.perform(&missing, &call).await);
        assert_eq!(provider.probe(&missing, &call).await, Ok(Probe::Absent));
        refusal(provider.perform(&take("b.sql.zst"), &call).await);
    });
}
