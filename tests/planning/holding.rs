//! A change set is good for as long as what it was derived from holds, and as it was written.

use salvor::change_set::ChangeSet;
use salvor::change_set::FileError;
use salvor::change_set::from_bytes;
use salvor::change_set::load;
use salvor::change_set::save;
use salvor::change_set::to_bytes;
use salvor::diff::stale;
use salvor::recovery_points::Request;
use salvor_simulated::World;

use crate::calabi::calabi;
use crate::calabi::goal;
use crate::setting::time;

async fn approved() -> ChangeSet {
    calabi()
        .plan("full", goal())
        .await
        .applicable()
        .expect("a good plan")
}

/// The differences that apply sees half a day later, after `change`.
async fn deltas(change: impl FnOnce(&mut World)) -> Vec<String> {
    let setting = calabi();
    let approved = setting
        .plan("full", goal())
        .await
        .applicable()
        .expect("a good plan");
    setting.change(change);
    let setting = setting.at("2026-04-06T14:00:00Z");
    let now = setting.plan("full", Request::again(&approved)).await;
    stale(&approved, &now.change_set)
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[tokio::test]
async fn time_and_newer_backups_do_not_make_a_change_set_stale() {
    let changes = deltas(|world| {
        let acme = world.databases.get_mut("acme").expect("a database");
        acme.data_until = time("2026-04-06T13:59:00Z");
        acme.rows += 120;
        let shelf = world
            .backups
            .get_mut("databases/pipelines")
            .expect("backups");
        let mut newer = shelf[1].clone();
        newer.id = "2026-04-06-noon".into();
        newer.at = time("2026-04-06T12:00:00Z");
        shelf.push(newer);
    });
    assert_eq!(changes.await, [""; 0]);
}

#[tokio::test]
async fn a_backup_that_is_gone_is_named() {
    let changes = deltas(|world| {
        world
            .backups
            .get_mut("databases/pipelines")
            .expect("backups")
            .retain(|b| b.id != "2026-04-05");
    });
    assert_eq!(
        changes.await,
        [
            "destroyed by pipelines: pipelines/3116: to be confirmed → nothing",
            "preview of pipelines: replaces → not seen: (there is no recovery point of pipelines)",
            "preview of pipelines: rows: 40 → nothing",
            "preview of pipelines: target: pipelines/3116 → nothing",
            "recovery point of pipelines: 2026-04-05 at 2026-04-05T02:00Z (fea597b5105c) → the point 2026-04-05 is gone",
        ]
    );
}

#[tokio::test]
async fn another_victim_of_the_same_name_is_named() {
    let changes = deltas(|world| {
        world
            .databases
            .get_mut("pipelines")
            .expect("a database")
            .created = time("2026-04-06T03:00:00Z");
    });
    assert_eq!(
        changes.await,
        [
            "destroyed by pipelines: pipelines/3116: to be confirmed → nothing",
            "destroyed by pipelines: pipelines/e156: nothing → to be confirmed",
            "preview of pipelines: target: pipelines/3116 → pipelines/e156",
        ]
    );
}

#[tokio::test]
async fn a_changed_world_is_shown_fact_by_fact() {
    let changes = deltas(|world| {
        world
            .deployments
            .get_mut("scheduler")
            .expect("a deployment")
            .replicas = 5;
    });
    assert_eq!(changes.await, ["preview of stop: replicas: 2 → 5"]);
}

#[tokio::test]
async fn a_saved_change_set_is_read_back_and_refused_when_any_byte_differs() {
    let change_set = approved().await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("acme.changeset");
    save(&change_set, &path).expect("written");
    assert_eq!(load(&path).expect("as it was written"), change_set);
    let bytes = to_bytes(&change_set).expect("bytes");
    for index in 0..bytes.len() {
        let mut other = bytes.clone();
        other[index] ^= 1;
        assert!(from_bytes(&other).is_err(), "byte {index}");
    }
    for end in (0..bytes.len()).step_by(97) {
        assert!(from_bytes(&bytes[..end]).is_err(), "cut after {end} bytes");
    }
    let mut longer = bytes;
    longer.push(b'\n');
    assert!(matches!(from_bytes(&longer), Err(FileError::Foreign)));
}

#[tokio::test]
async fn a_newer_format_is_refused_by_its_number() {
    let mut change_set = approved().await;
    change_set.format = 2;
    let error = to_bytes(&change_set).expect_err("this version does not write format 2");
    assert_eq!(error.to_string(), "its format is 2; this version reads 1");
}
