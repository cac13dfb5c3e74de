//! Base backups that the provider takes itself.

use salvor_conformance::Case;
use salvor_conformance::Surroundings;
use salvor_conformance::check_action;
use salvor_conformance::operation;
use salvor_contract::Operation;
use salvor_contract::PointState;
use salvor_contract::Provider as _;
use salvor_postgres::Postgres as Provided;
use salvor_testbed::Postgres;
use salvor_testbed::PostgresVersion;
use salvor_testbed::require;

use crate::support::KEPT;
use crate::support::archived;
use crate::support::ask;
use crate::support::at;
use crate::support::named;
use crate::support::points;
use crate::support::refusal;
use crate::support::run;

#[test]
fn a_base_backup_is_taken_once_and_restored() {
    let Some(archived) = archived(PostgresVersion::V15) else {
        return;
    };
    run(async {
        let surroundings = Surroundings::real_time();
        let provider = Provided::new();
        let take = |name: &str| Operation {
            store: Some(archived.store.clone()),
            config: archived.store.config.clone(),
            ..operation(
                "postgres.base-backup",
                at(&archived.server, "postgres").with("name", name),
            )
        };
        let folder = archived.base.with_file_name("second");
        let case = Case::new(
            take("second"),
            async || u64::from(folder.exists()),
            async || {
                provider
                    .remove(&take("second"), &surroundings.call())
                    .await
                    .expect("a removal");
            },
        )
        .output_varies("start")
        .output_varies("end")
        .output_varies("bytes")
        .cut_at_most(6);
        check_action(&provider, &surroundings, case)
            .await
            .expect("it conforms");

        let call = surroundings.call();
        let third = named(take("third"), "d23456789bcdefghijklmnopqr");
        provider
            .perform(&third, &call)
            .await
            .expect("a base backup");
        archived
            .server
            .psql("postgres", "select pg_sleep(1.1)")
            .expect("a pause");
        let moment = crate::support::now(&archived.server).expect("a time");
        archived
            .server
            .psql("postgres", "delete from t")
            .expect("a mistake");
        archived.server.archive_all().expect("it is archived");
        let found = points(&archived.store, &surroundings).await;
        let point = found
            .iter()
            .find(|point| point.id.as_str() == "third@1")
            .expect("a point");
        assert_eq!(point.state, PointState::Usable, "{point:?}");
        let (operation, port) = archived.restore(point, moment, "restored");
        provider
            .perform(&operation, &call)
            .await
            .expect("a restore");
        assert_eq!(ask(port.number(), "postgres", KEPT).await, "1001 1");
        provider.remove(&operation, &call).await.expect("a removal");
    });
}

#[test]
fn a_server_that_does_not_archive_is_refused() {
    let Some(archived) = archived(PostgresVersion::V15) else {
        return;
    };
    let Some(other) = require(Postgres::builder(PostgresVersion::V15).start()) else {
        return;
    };
    run(async {
        let surroundings = Surroundings::real_time();
        let take = Operation {
            store: Some(archived.store.clone()),
            config: archived.store.config.clone(),
            ..operation(
                "postgres.base-backup",
                at(&other, "postgres").with("name", "x"),
            )
        };
        let what = refusal(Provided::new().perform(&take, &surroundings.call()).await);
        assert!(what.contains("archive_mode is off"), "{what}");
        assert!(!archived.base.with_file_name("x").exists());
    });
}
