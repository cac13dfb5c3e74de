//! What moves while a person is asked to confirm, or before the lock is held, is not acted on.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::OFlags;
use rustix::io::Errno;
use serde_json::json;

use crate::support::Folder;
use crate::support::ended;
use crate::typing::Terminal;

/// Stops a deployment, asks, and destroys.
const STEPS: &str = r#"
[steps.stop]
uses = "simulated.scale"
with = { deployment = "web", replicas = 0 }
[steps.seen]
uses = "manual"
needs = ["stop"]
with = { ask = "Is it seen?" }
[steps.clear]
uses = "exec"
needs = ["seen"]
destroys = "the cache"
with = { argv = ["/bin/touch", "cleared"], class = "convergent" }
"#;

fn shop(replicas: u32) -> Folder {
    let world = json!({ "deployments": { "web": { "replicas": replicas } } });
    Folder::of_steps(STEPS, &["clear"], &world)
}

/// The fingerprint that a plan asks for.
fn fingerprint(plan: &str) -> &str {
    let (_, rest) = plan.split_once("to be confirmed by typing ").expect(plan);
    rest.split_whitespace().next().expect("a word")
}

#[track_caller]
fn moves_while_it_is_asked(arguments: &str, is_moved: impl Fn(&Folder)) {
    let folder = shop(3);
    let plan = folder
        .salvor(&["plan", "--out", "a.changeset"])
        .ends_with(0);
    let mut terminal = Terminal::start(&folder, "dumb", arguments);
    terminal.until("Type its fingerprint to go on");
    is_moved(&folder);
    let before = folder.world()["effects"].clone();
    terminal.types(fingerprint(&plan.stdout));
    terminal.until("the world is not what ");
    terminal.until("Make a new one");
    terminal.ends();
    assert_eq!(folder.world()["effects"], before);
    assert_eq!(folder.run_ids(), Vec::<String>::new());
    let heads = std::fs::read_dir(folder.path().join(".salvor/heads")).expect("a folder");
    assert_eq!(heads.count(), 0, "a head of a run that is not");
    // The lock was given back, and does not have to be taken over.
    let locks = std::fs::read_dir(folder.path().join(".salvor/locks")).expect("a folder");
    for lock in locks {
        let claim = lock.and_then(|lock| lock.metadata()).expect("a lock");
        assert_eq!(claim.len(), 0, "a claim stands in the lock");
    }
}

#[test]
fn a_world_that_moves_while_a_person_types_is_not_acted_on() {
    let scaled = |folder: &Folder| {
        let mut world = folder.world();
        world["deployments"]["web"]["replicas"] = json!(7);
        folder.write("world.json", &world.to_string());
    };
    moves_while_it_is_asked("apply a.changeset", scaled);
    moves_while_it_is_asked("apply", scaled);
}

#[test]
fn a_plan_that_is_edited_while_a_person_types_is_not_acted_on() {
    moves_while_it_is_asked("apply a.changeset", |folder| {
        let text = folder.read("plan.toml");
        folder.write("plan.toml", &text.replace("replicas = 0", "replicas = 1"));
    });
}

/// The difference that the other run made would say no more than that the world moved.
#[test]
fn who_comes_second_hears_of_the_run_that_holds_the_lock() {
    let folder = shop(3);
    let plan = folder
        .salvor(&["plan", "--out", "a.changeset"])
        .ends_with(0);
    folder
        .salvor(&["plan", "--out", "b.changeset"])
        .ends_with(0);
    let confirm = ["--confirm", fingerprint(&plan.stdout)];
    let mut first = Terminal::start(
        &folder,
        "dumb",
        &format!("apply a.changeset {}", confirm.join(" ")),
    );
    first.until("answer to seen > ");
    let second = ["apply", "b.changeset", "--no-input", confirm[0], confirm[1]];
    folder
        .salvor(&second)
        .ends_with(4)
        .says("the environment is locked: run ");
    let run = folder.run_id();
    folder
        .salvor(&["plan"])
        .says(&format!("note: run {run} is open"));
    first.types("yes");
    first.until(": GREEN in ");
    first.ends();
}

/// A crash right after the first record forgets no confirmation.
#[test]
fn a_run_is_never_without_what_was_confirmed() {
    let folder = shop(3);
    let plan = folder
        .salvor(&["plan", "--out", "a.changeset"])
        .ends_with(0);
    let typed = fingerprint(&plan.stdout);
    let child = folder.start(&["apply", "a.changeset", "--no-input", "--confirm", typed]);
    folder.wait_for("asked");
    assert_eq!(folder.records()[0]["body"]["confirmed"], json!([typed]));
    let run = folder.run_id();
    folder
        .salvor(&["answer", &run, "--text", "yes"])
        .ends_with(0);
    ended(child).ends_with(0);
}

/// The second preview of the plan reads a template, which is a pipe: it waits there until the test has written.
const LOOKS_LONG: &str = r#"
[steps.stop]
uses = "simulated.scale"
with = { deployment = "web", replicas = 0 }
[steps.config]
uses = "render"
needs = ["stop"]
with = { template = "config.hbs", target = "config", values = {} }
"#;

/// Opens a pipe for writing as soon as somebody reads it.
fn once_read(pipe: &Path) -> File {
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    loop {
        match File::options().write(true).custom_flags(flags).open(pipe) {
            Err(error) if error.raw_os_error() == Some(Errno::NXIO.raw_os_error()) => {
                std::thread::yield_now();
            }
            opened => return opened.expect("a pipe can be opened"),
        }
    }
}

#[test]
fn what_another_run_did_between_the_look_and_the_lock_is_found() {
    let world = json!({ "deployments": { "web": { "replicas": 3 } } });
    let folder = Folder::of_steps(LOOKS_LONG, &["config"], &world);
    let other = folder
        .read("plan.toml")
        .replace("replicas = 0", "replicas = 7");
    folder.write(
        "other.toml",
        &other.replace("goal = [\"config\"]", "goal = [\"stop\"]"),
    );
    let pipe = folder.path().join("config.hbs");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("mkfifo starts").success());

    let first = folder.start(&["apply", "--no-input"]);
    let mut writer = once_read(&pipe);
    folder
        .salvor(&["apply", "other.toml", "--no-input"])
        .ends_with(0);
    std::fs::remove_file(&pipe).expect("the folder is the test's");
    folder.write("config.hbs", "port = 80\n");
    writer.write_all(b"port = 80\n").expect("it is read");
    drop(writer);

    ended(first)
        .ends_with(4)
        .says("the world is not what the change set above was made from");
    assert_eq!(folder.effects(), ["stop"]);
    assert_eq!(folder.world()["deployments"]["web"]["replicas"], 7);
    assert_eq!(folder.run_ids().len(), 1);
}
