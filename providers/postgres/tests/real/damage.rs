//! Archives and backups that are not whole, and what is in the way: found, named, left alone.

use salvor_conformance::Surroundings;
use salvor_contract::Judgement;
use salvor_contract::PointState;
use salvor_contract::Provider as _;
use salvor_contract::Removal;
use salvor_postgres::Postgres as Provided;
use salvor_testbed::PostgresVersion;

use crate::support::KEPT;
use crate::support::archived;
use crate::support::ask;
use crate::support::points;
use crate::support::refusal;
use crate::support::run;
use crate::support::window;

#[test]
fn a_missing_segment_is_named_by_the_survey() {
    let Some(archived) = archived(PostgresVersion::V15) else {
        return;
    };
    run(async {
        let surroundings = Surroundings::real_time();
        let whole = window(&archived, &surroundings).await;
        let needed: Vec<String> = archived.segments();
        let first = needed
            .iter()
            .position(|name| {
                let label = std::fs::read_to_string(archived.base.join("backup_label"));
                label.expect("a label").contains(name.as_str())
            })
            .expect("the first segment of the backup");
        for name in &needed[first..needed.len() - 1] {
            let path = archived.archive().join(name);
            let away = archived.server.directory().join("away");
            std::fs::rename(&path, &away).expect("a segment goes");
            let points = points(&archived.store, &surroundings).await;
            let says_so = points.iter().any(
                |point| matches!(&point.state, PointState::Failed(why) if why.contains(name.as_str())),
            );
            assert!(says_so, "{name}: {points:?}");
            for point in points
                .iter()
                .filter(|point| point.state == PointState::Usable)
            {
                assert!(point.reach.latest() < whole.reach.latest(), "{name}");
            }
            // Somebody restores the old choice all the same: never green, nothing left.
            let (operation, _port) = archived.restore(&whole, archived.moment, "gap");
            let result = Provided::new()
                .perform(&operation, &surroundings.call())
                .await;
            if let Ok(outcome) = &result {
                assert_eq!(outcome.findings[0].judgement, Judgement::Passed);
                let removed = Provided::new()
                    .remove(&operation, &surroundings.call())
                    .await;
                assert!(matches!(removed, Ok(Removal::Removed(_))), "{removed:?}");
            } else {
                let what = refusal(result);
                assert!(what.contains(name.as_str()), "{name}: {what}");
            }
            assert!(!archived.server.directory().join("gap").exists());
            std::fs::rename(&away, &path).expect("the segment comes back");
        }
        assert_eq!(window(&archived, &surroundings).await, whole);
    });
}

#[test]
fn one_changed_byte_of_the_log_or_the_backup_is_found() {
    let Some(archived) = archived(PostgresVersion::V15) else {
        return;
    };
    run(async {
        let surroundings = Surroundings::real_time();
        let point = window(&archived, &surroundings).await;
        let all = archived.segments();
        let label = std::fs::read_to_string(archived.base.join("backup_label")).expect("a label");
        let first = all
            .iter()
            .position(|name| label.contains(name.as_str()))
            .expect("a segment");
        let mut files: Vec<(std::path::PathBuf, usize)> = all[first..all.len() - 1]
            .iter()
            .map(|name| (archived.archive().join(name), 200))
            .collect();
        files.push((archived.base.join("global/pg_control"), 100));
        files.push((archived.base.join("PG_VERSION"), 0));
        for (path, at) in files {
            let good = std::fs::read(&path).expect("a file");
            let mut bad = good.clone();
            bad[at] ^= 1;
            std::fs::write(&path, &bad).expect("a changed file");
            let (operation, _port) = archived.restore(&point, archived.moment, "damaged");
            let what = refusal(
                Provided::new()
                    .perform(&operation, &surroundings.call())
                    .await,
            );
            assert!(
                what.contains("damaged") || what.contains("checksum"),
                "{what}"
            );
            assert!(!archived.server.directory().join("damaged").exists());
            std::fs::write(&path, &good).expect("the file as it was");
        }
        let manifest = archived.base.join("backup_manifest");
        let good = std::fs::read_to_string(&manifest).expect("a manifest");
        std::fs::write(&manifest, good.replacen("\"Size\": 3", "\"Size\": 4", 1))
            .expect("a changed manifest");
        let points = points(&archived.store, &surroundings).await;
        assert!(
            matches!(&points[0].state, PointState::Failed(why) if why.contains("damaged")),
            "{points:?}"
        );
    });
}

#[test]
fn a_fork_is_not_chosen_by_itself() {
    let Some(archived) = archived(PostgresVersion::V15) else {
        return;
    };
    let lsn = archived
        .server
        .psql("postgres", "select pg_current_wal_lsn()")
        .expect("a position");
    for timeline in ["00000002", "00000003"] {
        let path = archived.archive().join(format!("{timeline}.history"));
        std::fs::write(path, format!("1\t{lsn}\ta drill that archived\n")).expect("a history");
    }
    run(async {
        let surroundings = Surroundings::real_time();
        let found = points(&archived.store, &surroundings).await;
        assert!(!found.is_empty());
        for point in &found {
            assert_ne!(point.state, PointState::Usable, "{point:?}");
        }
        let mut current = archived.store.clone();
        current.with.set("timeline", "current");
        let found = points(&current, &surroundings).await;
        assert_eq!(found[0].state, PointState::Usable, "{found:?}");
        let (operation, port) = archived.restore(&found[0], archived.moment, "first");
        let call = surroundings.call();
        let outcome = Provided::new()
            .perform(&operation, &call)
            .await
            .expect("a restore");
        // Numbers that others have are not given again.
        assert_eq!(outcome.outputs.get("timeline"), Some(&4.into()));
        assert_eq!(ask(port.number(), "postgres", KEPT).await, "3000 0");
        Provided::new()
            .remove(&operation, &call)
            .await
            .expect("a removal");
    });
}

#[test]
fn a_directory_that_is_not_ours_is_left_alone() {
    let Some(archived) = archived(PostgresVersion::V15) else {
        return;
    };
    let folder = archived.server.directory().join("theirs");
    std::fs::create_dir(&folder).expect("a folder");
    std::fs::write(folder.join("notes.txt"), "theirs").expect("a file");
    run(async {
        let surroundings = Surroundings::real_time();
        let provider = Provided::new();
        let call = surroundings.call();
        let point = window(&archived, &surroundings).await;
        let (operation, _port) = archived.restore(&point, archived.moment, "theirs");
        refusal(provider.preview(&operation, &call).await);
        refusal(provider.perform(&operation, &call).await);
        assert!(matches!(
            provider.remove(&operation, &call).await,
            Ok(Removal::NotOurs(_))
        ));
    });
    assert_eq!(
        std::fs::read_to_string(folder.join("notes.txt")).expect("a file"),
        "theirs"
    );
}
