//! Databases that are replaced by a dump, cut off at every await.

use salvor_conformance::Case;
use salvor_conformance::Cut;
use salvor_conformance::Surroundings;
use salvor_conformance::check_action;
use salvor_conformance::cut;
use salvor_contract::Effect;
use salvor_contract::Error;
use salvor_contract::Probe;
use salvor_contract::Provider as _;
use salvor_contract::Removal;
use salvor_postgres::Postgres as Provided;
use salvor_testbed::Postgres;
use salvor_testbed::PostgresVersion;
use salvor_testbed::require;

use crate::support::Dumps;
use crate::support::databases;
use crate::support::next_attempt;
use crate::support::refusal;
use crate::support::run;
use crate::support::source;
use crate::support::with;

#[test]
fn a_replaced_database_is_kept_and_comes_back() {
    let Some(server) = source(PostgresVersion::V15) else {
        return;
    };
    let dumps = Dumps::new(&server);
    dumps.take(&server, "source", "a.sql", &[]);
    server
        .psql("source", "drop table empty; create table later(i int)")
        .expect("a change");
    let before = databases(&server);
    run(async {
        let surroundings = Surroundings::real_time();
        let provider = Provided::new();
        let call = surroundings.call();
        let operation = dumps
            .restore(&server, "a.sql", "source", &surroundings)
            .await;
        let what = refusal(provider.preview(&operation, &call).await);
        assert!(what.contains("exists"), "{what}");
        assert!(matches!(
            provider.probe(&operation, &call).await,
            Ok(Probe::Conflict { .. })
        ));
        let operation = with(operation, "as", "replace");
        let preview = provider
            .preview(&operation, &call)
            .await
            .expect("a preview");
        assert_eq!(preview.effect, Effect::Replace);
        assert!(preview.destroys[0].what.contains("4 tables"), "{preview:?}");
        assert!(preview.destroys[0].fingerprint.starts_with("source/"));
        // Somebody is connected: they are shut out, not waited for.
        let holder = crate::support::ask(server.port(), "source", "select pg_backend_pid()");
        assert!(!holder.await.is_empty());
        let outcome = provider
            .perform(&operation, &call)
            .await
            .expect("a restore");
        let kept = outcome
            .outputs
            .text("kept")
            .expect("the old one is kept")
            .to_owned();
        assert_eq!(
            server
                .psql(&kept, "select count(*) from later")
                .expect("rows"),
            "0"
        );
        assert_eq!(
            server
                .psql("source", "select count(*) from empty")
                .expect("rows"),
            "0"
        );
        assert_eq!(
            provider.probe(&operation, &call).await,
            Ok(Probe::Done(outcome))
        );
        assert!(matches!(
            provider.remove(&operation, &call).await,
            Ok(Removal::Removed(_))
        ));
        assert_eq!(
            provider.remove(&operation, &call).await,
            Ok(Removal::NothingThere)
        );
    });
    assert_eq!(databases(&server), before);
    assert_eq!(
        server
            .psql("source", "select count(*) from later")
            .expect("rows"),
        "0"
    );
}

#[test]
fn cut_off_at_any_await_a_replacement_is_told_and_finished() {
    let Some(server) = source(PostgresVersion::V15) else {
        return;
    };
    let dumps = Dumps::new(&server);
    dumps.write(
        "a.sql",
        b"create table restored(i int);\nCOPY restored FROM stdin;\n1\n\\.\n",
    );
    run(async {
        let surroundings = Surroundings::real_time();
        let provider = Provided::new();
        let mut polls = 0;
        let mut states = std::collections::BTreeSet::new();
        loop {
            server
                .psql("postgres", "create database victim")
                .expect("a database");
            server
                .psql("victim", "create table original(i int)")
                .expect("a table");
            let operation = dumps
                .restore(&server, "a.sql", "victim", &surroundings)
                .await;
            let operation = with(with(operation, "as", "replace"), "keep-old", false);
            let call = surroundings.call();
            let was_cut = cut(provider.perform(&operation, &call), polls).await == Cut::Dropped;
            let probe = provider.probe(&operation, &call).await.expect("a probe");
            states.insert(match &probe {
                Probe::Absent => "absent",
                Probe::InFlight { .. } => "in flight",
                Probe::Done(_) => "done",
                Probe::Conflict { .. } | Probe::CannotTell { .. } => panic!("{probe:?}"),
            });
            // Whoever looks now sees the old one whole, the new one whole, or is shut out.
            let tables = server.psql(
                "victim",
                "select string_agg(relname, ' ') from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace",
            );
            if let Ok(tables) = tables {
                assert!(
                    matches!(tables.as_str(), "original" | "restored"),
                    "{tables}"
                );
            }
            let outcome = provider
                .perform(&operation, &call)
                .await
                .expect("the second try");
            assert_eq!(
                provider.probe(&operation, &call).await,
                Ok(Probe::Done(outcome))
            );
            assert_eq!(
                server
                    .psql("victim", "select i from restored")
                    .expect("rows"),
                "1"
            );
            assert_eq!(
                databases(&server),
                "postgres source victim",
                "after {polls} polls"
            );
            server
                .psql("postgres", "drop database victim")
                .expect("an end");
            if !was_cut {
                break;
            }
            polls += 1;
        }
        assert_eq!(
            states.into_iter().collect::<Vec<_>>(),
            ["absent", "done", "in flight"]
        );
        assert!(polls > 10, "{polls} awaits");
    });
}

#[test]
fn a_restore_conforms() {
    let Some(server) = source(PostgresVersion::V15) else {
        return;
    };
    let dumps = Dumps::new(&server);
    dumps.take(&server, "source", "a.dump", &["--format=custom"]);
    run(async {
        let surroundings = Surroundings::real_time();
        let operation = dumps
            .restore(&server, "a.dump", "conforming", &surroundings)
            .await;
        let list = "select count(*) from pg_database where datname like 'conforming%'";
        let case = Case::new(
            operation,
            async || server.psql("postgres", list).expect("a count").parse().expect("a number"),
            async || {
                let drops = "select format('drop database %I with (force);', datname) from pg_database \
                             where datname like 'conforming%'";
                let drops = server.psql("postgres", drops).expect("a list");
                for drop in drops.lines() {
                    server.psql("postgres", drop).expect("a database goes");
                }
            },
        )
        .cut_at_most(8);
        check_action(&Provided::new(), &surroundings, case)
            .await
            .expect("it conforms");
    });
}

#[test]
fn a_database_that_cannot_be_renamed_is_let_in_again() {
    let builder = Postgres::builder(PostgresVersion::V15).setting("max_prepared_transactions", "4");
    let Some(server) = require(builder.start()) else {
        return;
    };
    server
        .psql("postgres", "create database victim")
        .expect("a database");
    // A prepared transaction outlives its session, and no rename goes past it.
    let held = "begin; create table original(i int); prepare transaction 'held'";
    server.psql("victim", held).expect("a prepared transaction");
    let dumps = Dumps::new(&server);
    dumps.write("a.sql", b"create table restored(i int);\n");
    run(async {
        let surroundings = Surroundings::real_time();
        let provider = Provided::new();
        let call = surroundings.call();
        let operation = dumps
            .restore(&server, "a.sql", "victim", &surroundings)
            .await;
        let operation = with(operation, "as", "replace");
        let result = provider.perform(&operation, &call).await;
        assert!(matches!(result, Err(Error::Transient { .. })), "{result:?}");
        server
            .psql("victim", "rollback prepared 'held'")
            .expect("it lets in");
        // What was loaded is not loaded again.
        assert!(matches!(
            provider.probe(&operation, &call).await,
            Ok(Probe::InFlight { .. })
        ));
        let next = next_attempt(&operation);
        provider
            .perform(&next, &call)
            .await
            .expect("the next attempt");
        assert_eq!(
            server
                .psql("victim", "select count(*) from restored")
                .expect("rows"),
            "0"
        );
        // The load of the first attempt is the one that got the name: nothing is left beside it.
        assert_eq!(
            databases(&server),
            format!("postgres victim victim_old_{}", operation.id)
        );
    });
}
