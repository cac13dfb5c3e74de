//! Dumps of every format, restored to a real server: whole, or nothing.

use salvor_conformance::Surroundings;
use salvor_conformance::check_description;
use salvor_contract::Effect;
use salvor_contract::Judgement;
use salvor_contract::PointState;
use salvor_contract::Probe;
use salvor_contract::Provider as _;
use salvor_postgres::Postgres as Provided;
use salvor_testbed::PostgresVersion;

use crate::support::Dumps;
use crate::support::databases;
use crate::support::named;
use crate::support::points;
use crate::support::refusal;
use crate::support::run;
use crate::support::source;
use crate::support::with;

#[test]
fn the_description_conforms() {
    check_description(&Provided::new()).expect("a description that conforms");
}

#[test]
fn every_format_comes_back_with_all_rows() {
    for version in PostgresVersion::ALL {
        let Some(server) = source(version) else {
            continue;
        };
        let dumps = Dumps::new(&server);
        dumps.take(&server, "source", "a.sql", &[]);
        dumps.take(&server, "source", "b.dump", &["--format=custom"]);
        dumps.take(&server, "source", "c", &["--format=directory"]);
        dumps.take(&server, "source", "d.sql.gz", &["--compress=6"]);
        dumps.take(
            &server,
            "source",
            "e.sql",
            &["--inserts", "--clean", "--if-exists"],
        );
        run(async {
            let surroundings = Surroundings::real_time();
            let provider = Provided::new();
            for (number, name) in ["a.sql", "b.dump", "c", "d.sql.gz", "e.sql"]
                .iter()
                .enumerate()
            {
                let database = format!("back{number}");
                let operation = dumps.restore(&server, name, &database, &surroundings).await;
                let operation = named(operation, &format!("m{number}3456789bcdefghijklmnopqr"));
                let call = surroundings.call();
                let preview = provider
                    .preview(&operation, &call)
                    .await
                    .expect("a preview");
                assert_eq!(preview.effect, Effect::Create);
                // A change set is stale when another program would read the dump.
                let program = preview.facts.text("program").unwrap_or_default();
                let is_read_by_program = matches!(*name, "b.dump" | "c");
                assert_eq!(
                    program.starts_with("pg_restore (PostgreSQL)") && program.contains("sha256 "),
                    is_read_by_program,
                    "{name}: {program}"
                );
                let outcome = provider.perform(&operation, &call).await.expect(name);
                // How far it is, is told by the bytes of the dump as it lies there.
                let last = surroundings.progress.updates().pop().expect("progress");
                let size = dumps.folder.join(name).metadata().expect("a dump").len();
                assert_eq!(last.total, (*name != "c").then_some(size), "{name}");
                assert!(
                    last.total.is_none_or(|total| last.done == total),
                    "{last:?}"
                );
                assert_eq!(
                    outcome.findings[0].judgement,
                    Judgement::Passed,
                    "{outcome:?}"
                );
                assert_eq!(
                    outcome.outputs.get("tables"),
                    Some(&4.into()),
                    "{outcome:?}"
                );
                if *name != "e.sql" {
                    assert_eq!(outcome.outputs.get("rows"), Some(&509.into()), "{name}");
                }
                assert_eq!(
                    provider.probe(&operation, &call).await,
                    Ok(Probe::Done(outcome.clone()))
                );
                let observed = provider
                    .observe(&operation, &outcome, &call)
                    .await
                    .expect("a look");
                assert_eq!(observed[0].judgement, Judgement::Passed);
                let digest =
                    "select md5(string_agg(t::text, '' order by id)) from s.\"odd \"\" name\" t";
                assert_eq!(
                    server.psql(&database, digest).expect("rows"),
                    server.psql("source", digest).expect("rows"),
                    "{name} on {version:?}"
                );
                let others = "select g() + f() + (select count(*) from p1) + (select count(*) from pg_largeobject)";
                assert_eq!(
                    server.psql(&database, others).expect("rows"),
                    "12",
                    "{name}"
                );
            }
        });
    }
}

#[test]
fn a_dump_that_would_run_programs_is_refused_and_leaves_nothing() {
    let Some(server) = source(PostgresVersion::V15) else {
        return;
    };
    let dumps = Dumps::new(&server);
    let proof = server.directory().join("proof");
    let shell = format!("touch {}", proof.display());
    let hostile = [
        format!("create table a(i int);\n\\! {shell}\n"),
        format!("create table a(i int);\n\\copy a from program '{shell}'\n"),
        format!("create table a(i int);\ncopy a from program '{shell}';\n"),
        format!("create table a(i int);\ncopy a to program '{shell}';\n"),
        format!("create table a(i int);\ndo $$ begin copy a from program '{shell}'; end $$;\n"),
        "create table a(i int);\nalter system set archive_command = 'x';\n".to_owned(),
        "create role evil superuser;\n".to_owned(),
        "create table a(i int);\ncommit;\ndrop database source;\n".to_owned(),
    ];
    let before = databases(&server);
    run(async {
        let surroundings = Surroundings::real_time();
        for (number, text) in hostile.iter().enumerate() {
            let name = format!("h{number}.sql");
            dumps.write(&name, text.as_bytes());
            let operation = dumps.restore(&server, &name, "victim", &surroundings).await;
            let call = surroundings.call();
            let what = refusal(Provided::new().perform(&operation, &call).await);
            assert!(what.contains("line "), "{what}");
            assert_eq!(
                Provided::new().probe(&operation, &call).await,
                Ok(Probe::Absent)
            );
            assert_eq!(databases(&server), before, "{text}");
        }
    });
    assert!(!proof.exists());
}

#[test]
fn a_failure_in_the_middle_leaves_the_old_database_as_it_was() {
    let Some(server) = source(PostgresVersion::V15) else {
        return;
    };
    let dumps = Dumps::new(&server);
    let before = databases(&server);
    let cases = [
        (
            "create table a(i int primary key);\nCOPY a FROM stdin;\n1\n1\n\\.\n",
            "SQLSTATE 23505",
        ),
        ("create table a(i int);\ncreate index on b(i);\n", "line 2"),
        ("create table a(i int);\nCOPY a FROM stdin;\n1\n", "cut off"),
        (
            "--\n-- PostgreSQL database dump\n--\ncreate table a(i int);\n",
            "cut off",
        ),
    ];
    run(async {
        let surroundings = Surroundings::real_time();
        for (number, (text, expected)) in cases.iter().enumerate() {
            let name = format!("f{number}.sql");
            dumps.write(&name, text.as_bytes());
            let operation = dumps.restore(&server, &name, "source", &surroundings).await;
            let operation = with(operation, "as", "replace");
            let what = refusal(
                Provided::new()
                    .perform(&operation, &surroundings.call())
                    .await,
            );
            assert!(what.contains(expected), "{what}");
            assert_eq!(databases(&server), before);
        }
    });
    assert_eq!(
        server
            .psql("source", "select count(*) from s.\"odd \"\" name\"")
            .expect("rows"),
        "500"
    );
}

#[test]
fn a_damaged_dump_is_refused() {
    let Some(server) = source(PostgresVersion::V15) else {
        return;
    };
    let dumps = Dumps::new(&server);
    dumps.take(&server, "source", "a.dump", &["--format=custom"]);
    dumps.take(&server, "source", "b.sql.gz", &["--compress=6"]);
    for name in ["a.dump", "b.sql.gz"] {
        let path = dumps.folder.join(name);
        let bytes = std::fs::read(&path).expect("a dump");
        std::fs::write(&path, &bytes[..bytes.len() * 2 / 3]).expect("a dump that was cut off");
    }
    dumps.write("c.sql.gz", &[0; 20]);
    dumps.write("bomb.sql", &vec![b'\n'; 1 << 20]);
    let before = databases(&server);
    run(async {
        let surroundings = Surroundings::real_time();
        for name in ["a.dump", "b.sql.gz"] {
            let operation = dumps.restore(&server, name, "back", &surroundings).await;
            refusal(
                Provided::new()
                    .perform(&operation, &surroundings.call())
                    .await,
            );
            assert_eq!(databases(&server), before);
        }
        let operation = dumps
            .restore(&server, "bomb.sql", "back", &surroundings)
            .await;
        let operation = with(operation, "unpacked-max", "64KiB");
        let what = refusal(
            Provided::new()
                .perform(&operation, &surroundings.call())
                .await,
        );
        assert!(what.contains("unpacks to more than"), "{what}");
        let all = points(&dumps.request, &surroundings).await;
        let empty = all
            .iter()
            .find(|point| point.id.as_str() == "c.sql.gz")
            .expect("a point");
        assert!(matches!(empty.state, PointState::Failed(_)), "{empty:?}");
    });
}
