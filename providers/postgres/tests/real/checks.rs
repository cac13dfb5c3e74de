//! Queries, baselines and the check of archiving, on a real server.

use salvor_conformance::Case;
use salvor_conformance::Surroundings;
use salvor_conformance::check_action;
use salvor_conformance::operation;
use salvor_contract::Finding;
use salvor_contract::Judgement;
use salvor_contract::Provider as _;
use salvor_contract::Values;
use salvor_postgres::Postgres as Provided;
use salvor_testbed::Postgres;
use salvor_testbed::PostgresVersion;
use salvor_testbed::require;
use serde_json::json;

use crate::support::at;
use crate::support::refusal;
use crate::support::run;

fn server() -> Option<Postgres> {
    let server = require(Postgres::builder(PostgresVersion::V15).archive().start())?;
    server
        .psql(
            "postgres",
            "create table t(id int primary key, at timestamptz); \
             insert into t select g, '2026-04-06 01:29:58+00' from generate_series(1, 100) g; create table u(a float8); create sequence s",
        )
        .expect("tables");
    Some(server)
}

fn failed(findings: &[Finding]) -> Vec<&str> {
    findings
        .iter()
        .filter(|finding| finding.judgement != Judgement::Passed)
        .map(|finding| finding.subject.as_str())
        .collect()
}

#[test]
fn a_query_is_judged_and_cannot_write() {
    let Some(server) = server() else {
        return;
    };
    run(async {
        let surroundings = Surroundings::real_time();
        let provider = Provided::new();
        let ask = async |sql: &str, expect: serde_json::Value| {
            let with = at(&server, "postgres")
                .with("sql", sql)
                .with("expect", expect);
            provider
                .perform(&operation("postgres.query", with), &surroundings.call())
                .await
        };
        let outcome = ask("select count(*) from t", json!({"at-least": 100.0}))
            .await
            .expect("an answer");
        assert_eq!(outcome.outputs.text("value"), Some("100"));
        assert!(failed(&outcome.findings).is_empty());
        let outcome = ask(
            "select max(at) from t",
            json!({"newer-than": "2026-04-06T01:29:59Z"}),
        );
        assert_eq!(failed(&outcome.await.expect("an answer").findings).len(), 1);
        for sql in [
            "delete from t",
            "select 1; commit; delete from t",
            "select nextval('s')",
            "select 1 from no_such_table",
        ] {
            refusal(ask(sql, json!({})).await);
        }
        assert_eq!(
            server
                .psql("postgres", "select count(*) from t")
                .expect("rows"),
            "100"
        );
        let with = at(&server, "postgres")
            .with("sql", "select pg_sleep(60)")
            .with("time-limit", "200ms");
        let slow = operation("postgres.query", with);
        let what = refusal(provider.perform(&slow, &surroundings.call()).await);
        assert!(what.contains("57014"), "{what}");
    });
}

#[test]
fn a_baseline_finds_a_changed_row() {
    let Some(server) = server() else {
        return;
    };
    run(async {
        let surroundings = Surroundings::real_time();
        let provider = Provided::new();
        let take = operation(
            "postgres.baseline",
            at(&server, "postgres").with("write-to", "baseline.json"),
        );
        let outcome = provider
            .perform(&take, &surroundings.call())
            .await
            .expect("a baseline");
        assert_eq!(outcome.outputs.get("rows"), Some(&100.into()));
        let with = at(&server, "postgres").with("baseline", "baseline.json");
        let compare = operation("postgres.compare", with.clone());
        let by_rows = operation(
            "postgres.compare",
            with.with("by", "rows").with("rows-differ-max", 2.0),
        );
        let differences = async |operation| {
            let outcome = provider
                .perform(operation, &surroundings.call())
                .await
                .expect("a comparison");
            failed(&outcome.findings).join(" ")
        };
        assert_eq!(differences(&compare).await, "");
        server
            .psql("postgres", "update t set at = now() where id = 7")
            .expect("a change");
        assert_eq!(differences(&compare).await, "table public.t");
        assert_eq!(differences(&by_rows).await, "");
        server
            .psql("postgres", "delete from t where id < 4; drop table u")
            .expect("a change");
        assert_eq!(differences(&by_rows).await, "table public.t table public.u");
    });
}

#[test]
fn a_baseline_conforms() {
    let Some(server) = server() else {
        return;
    };
    run(async {
        let surroundings = Surroundings::real_time();
        let file = surroundings.plan_dir().join("baseline.json");
        let with = at(&server, "postgres").with("write-to", "baseline.json");
        let case = Case::new(
            operation("postgres.baseline", with),
            async || u64::from(file.exists()),
            async || {
                if file.exists() {
                    std::fs::remove_file(&file).expect("the file goes");
                }
            },
        )
        .output_varies("sha256")
        .on_a_shared_target()
        .cut_at_most(8);
        check_action(&Provided::new(), &surroundings, case)
            .await
            .expect("it conforms");
    });
}

#[test]
fn archiving_that_fails_is_found() {
    let Some(server) = server() else {
        return;
    };
    run(async {
        let surroundings = Surroundings::real_time();
        let provider = Provided::new();
        let look = async |more: Values| {
            let mut with = at(&server, "postgres");
            for (name, value) in more.iter() {
                with.set(name, value.clone());
            }
            let operation = operation("postgres.archiving", with);
            provider
                .perform(&operation, &surroundings.call())
                .await
                .expect("a look")
                .findings
        };
        server.archive_all().expect("something is archived");
        assert_eq!(failed(&look(Values::new()).await), Vec::<&str>::new());
        let rpo = look(Values::new().with("rpo", "5m")).await;
        assert!(
            rpo.iter()
                .any(|finding| finding.subject == "archive_timeout"),
            "{rpo:?}"
        );
        let folder = server.archive_dir().expect("an archive").to_owned();
        std::fs::rename(&folder, folder.with_extension("away")).expect("the archive goes");
        server
            .psql(
                "postgres",
                "insert into u values (1); select pg_switch_wal()",
            )
            .expect("a change");
        let mut looks = 0;
        while !failed(&look(Values::new()).await).contains(&"last attempt to archive") {
            looks += 1;
            assert!(looks < 200, "the server notices that it cannot archive");
            server
                .psql("postgres", "select pg_sleep(0.1)")
                .expect("a pause");
        }
    });
}
