//! Point-in-time recovery of real clusters: reached and not passed, or refused.

use salvor_conformance::Case;
use salvor_conformance::Cut;
use salvor_conformance::Surroundings;
use salvor_conformance::check_action;
use salvor_conformance::check_store;
use salvor_conformance::cut;
use salvor_contract::Error;
use salvor_contract::Judgement;
use salvor_contract::Operation;
use salvor_contract::Probe;
use salvor_contract::Provider as _;
use salvor_contract::Reach;
use salvor_contract::Removal;
use salvor_postgres::Postgres as Provided;
use salvor_testbed::PostgresVersion;
use salvor_testbed::WalInBackup;
use serde_json::json;

use crate::support::KEPT;
use crate::support::archived;
use crate::support::ask;
use crate::support::named;
use crate::support::next_attempt;
use crate::support::points;
use crate::support::refusal;
use crate::support::run;
use crate::support::window;

#[test]
fn a_moment_between_two_transactions_is_brought_back() {
    for version in PostgresVersion::ALL {
        let Some(archived) = archived(version) else {
            continue;
        };
        let before = archived.segments();
        run(async {
            let surroundings = Surroundings::real_time();
            let provider = Provided::new();
            let point = window(&archived, &surroundings).await;
            assert!(point.reach.latest() > archived.moment);
            let (operation, port) = archived.restore(&point, archived.moment, "restored");
            let call = surroundings.call();
            assert_eq!(provider.probe(&operation, &call).await, Ok(Probe::Absent));
            let preview = provider
                .preview(&operation, &call)
                .await
                .expect("a preview");
            let program = preview.facts.text("program").expect("a fact");
            assert!(
                program.starts_with("postgres (PostgreSQL)") && program.contains("sha256 "),
                "{program}"
            );
            let outcome = provider
                .perform(&operation, &call)
                .await
                .expect("a restore");
            assert_eq!(outcome.findings[0].judgement, Judgement::Passed);
            let reached = outcome.outputs.text("reached").expect("a time");
            assert!(reached.parse::<jiff::Timestamp>().expect("a time") <= archived.moment);
            assert_eq!(outcome.outputs.get("timeline"), Some(&2.into()));
            assert_eq!(
                ask(port.number(), "postgres", KEPT).await,
                "3000 0",
                "{version:?}"
            );
            for (setting, value) in [
                ("archive_mode", "off"),
                ("restore_command", ""),
                ("recovery_target_time", ""),
                ("max_logical_replication_workers", "0"),
                ("shared_buffers", "16MB"),
            ] {
                let show = format!("show {setting}");
                assert_eq!(
                    ask(port.number(), "postgres", &show).await,
                    value,
                    "{setting}"
                );
            }
            // Production's archive is read, never written, also when the restored server goes on.
            ask(
                port.number(),
                "postgres",
                "insert into t values (-2, 'new'); select pg_switch_wal()",
            )
            .await;
            assert_eq!(archived.segments(), before);
            assert_eq!(
                provider.probe(&operation, &call).await,
                Ok(Probe::Done(outcome.clone()))
            );
            let seen = provider
                .observe(&operation, &outcome, &call)
                .await
                .expect("a look");
            assert!(
                seen.iter().all(|f| f.judgement == Judgement::Passed),
                "{seen:?}"
            );
            let other = named(operation.clone(), "z23456789bcdefghijklmnopqr");
            assert!(matches!(
                provider.probe(&other, &call).await,
                Ok(Probe::Conflict { .. })
            ));
            refusal(provider.perform(&other, &call).await);
            // The plan does not say "create" where `apply` must refuse.
            let planned = Operation {
                run: "preview".into(),
                ..named(operation.clone(), "preview")
            };
            let what = refusal(provider.preview(&planned, &call).await);
            assert!(what.contains("holds what run r7kq4m restored"), "{what}");
            assert!(matches!(
                provider.remove(&operation, &call).await,
                Ok(Removal::Removed(_))
            ));
            assert_eq!(provider.probe(&operation, &call).await, Ok(Probe::Absent));
            assert!(!archived.server.directory().join("restored").exists());
        });
    }
}

#[test]
fn the_ends_of_the_window_are_reached_and_what_lies_beyond_is_not() {
    let Some(archived) = archived(PostgresVersion::V15) else {
        return;
    };
    run(async {
        let surroundings = Surroundings::real_time();
        let provider = Provided::new();
        let call = surroundings.call();
        let point = window(&archived, &surroundings).await;
        let Reach::Window { from, to } = point.reach else {
            panic!("a window");
        };
        for (number, (moment, rows)) in [(from, "3000 0"), (to, "1000 0")].iter().enumerate() {
            let (operation, port) = archived.restore(&point, *moment, &format!("end{number}"));
            provider
                .perform(&operation, &call)
                .await
                .expect("a restore");
            let found = ask(port.number(), "postgres", KEPT).await;
            // The window begins a second after the backup, in which more may have been written.
            assert!(found == *rows || number == 0, "{found}");
            provider.remove(&operation, &call).await.expect("a removal");
        }
        let beyond = to + jiff::SignedDuration::from_micros(1);
        let (operation, _port) = archived.restore(&point, beyond, "beyond");
        let what = refusal(provider.perform(&operation, &call).await);
        assert!(
            what.contains("cannot be reached") && what.contains("ended at"),
            "{what}"
        );
        assert_eq!(provider.probe(&operation, &call).await, Ok(Probe::Absent));
        let (operation, _port) =
            archived.restore(&point, from - jiff::SignedDuration::from_secs(1), "before");
        refusal(provider.preview(&operation, &call).await);
        refusal(provider.perform(&operation, &call).await);
    });
}

#[test]
fn cut_off_at_any_await_one_server_comes_of_it() {
    let Some(archived) = archived(PostgresVersion::V15) else {
        return;
    };
    run(async {
        let surroundings = Surroundings::real_time();
        let provider = Provided::new();
        let call = surroundings.call();
        let point = window(&archived, &surroundings).await;
        let (operation, port) = archived.restore(&point, archived.moment, "cut");
        let mut polls = 0;
        let mut in_flight = 0;
        while cut(provider.perform(&operation, &call), polls).await == Cut::Dropped {
            match provider.probe(&operation, &call).await.expect("a probe") {
                Probe::InFlight { .. } => in_flight += 1,
                Probe::Absent | Probe::Done(_) => {}
                other @ (Probe::Conflict { .. } | Probe::CannotTell { .. }) => panic!("{other:?}"),
            }
            // Every third time it is also taken from where the last cut left it, not from the beginning.
            if polls % 3 == 0 {
                provider.remove(&operation, &call).await.expect("a removal");
            }
            polls = polls * 5 / 4 + 1;
        }
        let outcome = provider
            .perform(&operation, &call)
            .await
            .expect("a restore");
        assert_eq!(
            provider.probe(&operation, &call).await,
            Ok(Probe::Done(outcome))
        );
        assert_eq!(ask(port.number(), "postgres", KEPT).await, "3000 0");
        assert!(in_flight > 3, "{in_flight}");
        provider.remove(&operation, &call).await.expect("a removal");
    });
}

#[test]
fn what_was_verified_is_kept_when_it_cannot_be_opened() {
    let Some(archived) = archived(PostgresVersion::V15) else {
        return;
    };
    run(async {
        let surroundings = Surroundings::real_time();
        let provider = Provided::new();
        let call = surroundings.call();
        let point = window(&archived, &surroundings).await;
        let (mut operation, port) = archived.restore(&point, archived.moment, "kept");
        let listener = std::net::TcpListener::bind(("127.0.0.1", port.number())).expect("a port");
        let what = refusal(provider.perform(&operation, &call).await);
        assert!(what.contains("cannot be listened on"), "{what}");
        drop(listener);
        operation.with.set(
            "settings",
            json!({"fsync": "off", "shared_buffers": "16MB"}),
        );
        provider
            .perform(&operation, &call)
            .await
            .expect("a restore");
        ask(
            port.number(),
            "postgres",
            "insert into t values (-9, 'written since')",
        )
        .await;
        // Its server dies, and somebody else takes the port: nothing of it may be lost.
        let data = archived.server.directory().join("kept");
        let pid = std::fs::read_to_string(data.join("postmaster.pid")).expect("a server");
        let pid = pid.lines().next().expect("a number").to_owned();
        let status = std::process::Command::new("kill")
            .args(["-QUIT", &pid])
            .status();
        assert!(status.expect("kill starts").success());
        let listener = loop {
            match std::net::TcpListener::bind(("127.0.0.1", port.number())) {
                Ok(listener) => break listener,
                Err(_) => tokio::task::yield_now().await,
            }
        };
        while std::path::Path::new(&format!("/proc/{pid}/cwd")).exists() {
            tokio::task::yield_now().await;
        }
        assert!(matches!(
            provider.probe(&operation, &call).await,
            Ok(Probe::InFlight { .. })
        ));
        assert!(matches!(
            provider.perform(&operation, &call).await,
            Err(Error::Transient { .. })
        ));
        drop(listener);
        provider
            .perform(&operation, &call)
            .await
            .expect("it is opened again");
        let rows = "select count(*) from t where id = -9";
        assert_eq!(ask(port.number(), "postgres", rows).await, "1");
        provider.remove(&operation, &call).await.expect("a removal");
    });
}

/// Ready but for the folder of its socket: `resume --retry` is another attempt, and opens what the first one made.
#[test]
fn the_next_attempt_opens_what_the_last_one_verified() {
    let Some(archived) = archived(PostgresVersion::V15) else {
        return;
    };
    run(async {
        let surroundings = Surroundings::real_time();
        let provider = Provided::new();
        let call = surroundings.call();
        let point = window(&archived, &surroundings).await;
        let (mut operation, port) = archived.restore(&point, archived.moment, "retried");
        let socket = archived.server.directory().join("sockets");
        operation
            .with
            .set("socket-dir", socket.display().to_string());
        let failed = provider.perform(&operation, &call).await;
        assert!(matches!(failed, Err(Error::Transient { .. })), "{failed:?}");
        std::fs::create_dir(&socket).expect("a folder");
        std::fs::set_permissions(&socket, std::os::unix::fs::PermissionsExt::from_mode(0o777))
            .expect("everybody may write");
        let copied = archived.server.directory().join("retried/PG_VERSION");
        let inode = || std::os::unix::fs::MetadataExt::ino(&copied.metadata().expect("a file"));
        let before = inode();
        let next = next_attempt(&operation);
        assert!(matches!(
            provider.probe(&next, &call).await,
            Ok(Probe::InFlight { .. })
        ));
        provider.perform(&next, &call).await.expect("it is opened");
        assert_eq!(inode(), before, "it was copied again");
        assert_eq!(ask(port.number(), "postgres", KEPT).await, "3000 0");
        provider.remove(&next, &call).await.expect("a removal");
    });
}

/// Settings in an included file would make the server open production's data directory.
#[test]
fn a_backup_whose_included_settings_name_another_data_directory_is_refused() {
    let Some(archived) = archived(PostgresVersion::V15) else {
        return;
    };
    let production = archived.server.data_dir();
    let settings = production.join("postgresql.conf");
    let text = std::fs::read_to_string(&settings).expect("settings");
    std::fs::write(&settings, format!("{text}\ninclude_dir 'conf.d'\n")).expect("settings");
    std::fs::create_dir(production.join("conf.d")).expect("a folder");
    let named = format!("data_directory = '{}'\n", production.display());
    std::fs::write(production.join("conf.d/production.conf"), &named).expect("settings");
    let bases = archived.base.parent().expect("a folder");
    archived
        .server
        .base_backup(&bases.join("second"), WalInBackup::Excluded)
        .expect("a backup");
    archived.server.archive_all().expect("it is archived");
    run(async {
        let surroundings = Surroundings::real_time();
        let call = surroundings.call();
        let found = points(&archived.store, &surroundings).await;
        let second = found
            .iter()
            .find(|point| point.id.as_str() == "second@1")
            .expect("the second backup");
        let (operation, _port) = archived.restore(second, second.reach.latest(), "other");
        let what = refusal(Provided::new().perform(&operation, &call).await);
        assert!(what.contains(named.trim()), "{what}");
        assert!(!archived.server.directory().join("other").exists());
    });
}

#[test]
fn store_and_restore_conform() {
    let Some(archived) = archived(PostgresVersion::V15) else {
        return;
    };
    run(async {
        let surroundings = Surroundings::real_time();
        let provider = Provided::new();
        check_store(&provider, &surroundings, &archived.store)
            .await
            .expect("it conforms");
        let point = window(&archived, &surroundings).await;
        let (operation, port) = archived.restore(&point, archived.moment, "conforming");
        let data = archived.server.directory().join("conforming");
        let case = Case::new(
            operation.clone(),
            async || u64::from(data.join("global").exists()),
            async || {
                let call = surroundings.call();
                provider.remove(&operation, &call).await.expect("a removal");
            },
        )
        .cut_at_most(6);
        check_action(&provider, &surroundings, case)
            .await
            .expect("it conforms");
        drop(port);
    });
}
