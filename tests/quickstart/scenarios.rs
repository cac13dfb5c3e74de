//! The scenarios that restore less than everything, and the step that is done also when a restore fails.

use std::fs;

use salvor_testbed::story::ARTIFACT_BUCKET;
use salvor_testbed::story::BACKUP_BUCKET;

use crate::quickstart::objects_below;
use crate::quickstart::stop_restored;
use crate::world::PLAN;
use crate::world::World;

#[test]
fn each_scenario_restores_what_it_names_and_nothing_else() {
    let Some(world) = World::make() else { return };
    let values = platform(&world, "values.yaml");

    world.plan("pitr", "pitr.changeset");
    world.must(&format!("salvor apply {PLAN}/pitr.changeset --no-input"));
    assert_eq!(
        world.psql("calabi", "select count(*), max(id) from charts"),
        "1500|1500"
    );
    assert_eq!(world.psql("calabi", PIPELINES_DATABASES), "0");
    assert_eq!(platform(&world, "scheduler"), "replicas 2\n");

    stop_restored(world.story.directory());
    let restored = world.story.directory().join("restored");
    fs::remove_dir_all(restored).expect("the restored cluster can be removed");
    world.plan("pipelines", "pipelines.changeset");
    world.must(&format!(
        "salvor apply {PLAN}/pipelines.changeset --no-input"
    ));
    assert_eq!(
        world.psql("calabi_pipelines", "select count(*), max(id) from dag_run"),
        "400|400"
    );
    assert_eq!(platform(&world, "scheduler").trim(), "replicas 2");

    assert_eq!(platform(&world, "values.yaml"), values);
    assert!(objects_below(&world.bucket(ARTIFACT_BUCKET)).is_empty());
}

/// The dump breaks off: the database is not put in its place, and the scheduler is started again all the same.
#[test]
fn the_scheduler_is_started_again_when_the_restore_fails() {
    let Some(world) = World::make() else { return };
    let backups = world.bucket(BACKUP_BUCKET).join("pipelines");
    let days = fs::read_dir(backups).expect("the backups are there");
    let newest = days.map(|day| day.expect("a backup").path()).max();
    let dump = newest
        .expect("there are backups")
        .join("pipelines_db.sql.gz");
    let bytes = fs::read(&dump).expect("the dump can be read");
    fs::write(&dump, &bytes[..bytes.len() / 2]).expect("the dump can be cut");

    world.plan("pipelines", "pipelines.changeset");
    let said = world.run(&format!(
        "salvor apply {PLAN}/pipelines.changeset --no-input"
    ));
    assert_eq!(said.exit, 5, "{}", said.text);
    assert_eq!(
        platform(&world, "scheduler").trim(),
        "replicas 2",
        "{}",
        said.text
    );
    assert_eq!(
        world.psql("calabi", PIPELINES_DATABASES),
        "0",
        "{}",
        said.text
    );
}

const PIPELINES_DATABASES: &str =
    "select count(*) from pg_database where datname = 'calabi_pipelines'";

fn platform(world: &World, file: &str) -> String {
    let path = world.story.directory().join("platform").join(file);
    fs::read_to_string(path).expect("a file of the platform")
}
