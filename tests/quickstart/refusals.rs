//! What `apply` refuses: what was altered, what the world overtook, and what somebody else is at.

use std::time::Duration;

use salvor_testbed::story::BACKUP_BUCKET;

use crate::operator;
use crate::world::PLAN;
use crate::world::World;

const FILE: &str = "first.changeset";

#[test]
fn a_change_set_applies_only_as_reviewed_and_while_nobody_else_applies() {
    let Some(world) = World::make() else { return };
    world.plan("full", FILE);
    an_altered_byte_is_refused(&world);
    a_world_that_moved_is_refused(&world);
    a_second_operator_is_refused(&world);
}

fn an_altered_byte_is_refused(world: &World) {
    let saved = std::fs::read_to_string(world.plan_file(FILE)).expect("the change set was saved");
    let altered = saved.replacen("calabi-acme-mlartifacts", "calabi-acmf-mlartifacts", 1);
    assert_ne!(saved, altered);
    std::fs::write(world.plan_file("altered.changeset"), altered).expect("it can be written");
    let said = world.run(&format!("salvor apply {PLAN}/altered.changeset --no-input"));
    assert_eq!(said.exit, 4, "{}", said.text);
    assert!(said.text.contains("it was altered"), "{}", said.text);
}

/// A new object in the prefix that was reviewed: the delta names the store.
fn a_world_that_moved_is_refused(world: &World) {
    let backups = world.bucket(BACKUP_BUCKET).join("ml-artifacts");
    let newest = std::fs::read_dir(backups)
        .expect("the backups are there")
        .map(|day| day.expect("the backups can be read").path())
        .max()
        .expect("there are backups");
    let late = newest.join("run-00/late.bin");
    std::fs::write(&late, b"late").expect("an object can be put");
    let said = world.run(&format!("salvor apply {PLAN}/{FILE} --no-input"));
    assert_eq!(said.exit, 4, "{}", said.text);
    assert!(said.text.contains("the world is not what"), "{}", said.text);
    let delta = said.text.lines().find(|line| line.starts_with("  "));
    assert!(
        delta.is_some_and(|line| line.contains("artifacts")),
        "the delta does not name the store:\n{}",
        said.text
    );
    std::fs::remove_file(late).expect("the object can be removed");
    assert_eq!(operator::newest_run(world), None, "nothing may have begun");
}

/// The first run waits for its first answer; the second is told who holds the environment.
fn a_second_operator_is_refused(world: &World) {
    world.plan("pipelines", "second.changeset");
    let mut first = operator::start(world.shell(&format!("exec salvor apply {PLAN}/{FILE}")));
    let mut looks = 0;
    let run = loop {
        if let Some(run) = operator::newest_run(world) {
            break run;
        }
        let ended = first.try_wait().expect("the child is ours");
        assert!(ended.is_none() && looks < 600, "no run began: {ended:?}");
        looks += 1;
        std::thread::sleep(Duration::from_millis(100));
    };
    let mut other = world.shell(&format!("salvor apply {PLAN}/second.changeset --no-input"));
    let output = other
        .env("SALVOR_OPERATOR", "a.miller")
        .output()
        .expect("bash can be started");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains("the environment is locked"), "{said}");
    assert!(said.contains("j.doe") && said.contains(&run), "{said}");

    let id = i32::try_from(first.id()).expect("a process id fits");
    let id = rustix::process::Pid::from_raw(id).expect("a child has an id");
    rustix::process::kill_process(id, rustix::process::Signal::INT).expect("the child is ours");
    let stopped = operator::ended(first);
    assert_eq!(stopped.exit, 130, "{}", stopped.text);
    let said = world.run(&format!("salvor abort {run} --plan-dir {PLAN}"));
    assert_eq!(said.exit, 0, "{}", said.text);
    let said = world.run(&format!("salvor journal check {run} --plan-dir {PLAN}"));
    assert_eq!(said.exit, 0, "{}", said.text);
}
