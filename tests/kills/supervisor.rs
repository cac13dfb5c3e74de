//! Runs one salvor until it ends or is killed at a chosen moment, and answers what it asks meanwhile.

use std::collections::BTreeSet;
use std::fs::File;
use std::process::Child;
use std::process::Command;
use std::process::ExitStatus;
use std::process::Stdio;
use std::time::Duration;

use crate::tracer::Blow;
use crate::tracer::Traced;
use crate::tracer::report;
use crate::tracer::under_tracer;
use crate::world::World;

/// How often it is looked whether something is asked.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Longer than any run takes on a loaded machine, in looks.
const LOOKS_MAX: u32 = 60_000;

/// Runs `apply` or `resume` until the blow.
pub fn strike(world: &World<'_>, arguments: &[&str], blow: Blow) -> Traced {
    let path = world.folder.join("traced");
    let mut command = under_tracer(env!("CARGO_BIN_EXE_salvor"), blow, &path);
    command.args(arguments);
    let status = attend(world, start(world, world.with_environment(command)));
    assert!(status.success(), "the tracer: {status}");
    report(&path)
}

/// Runs salvor undisturbed to its own end.
pub fn finish(world: &World<'_>, arguments: &[&str]) -> ExitStatus {
    let mut command = world.salvor();
    command.args(arguments);
    attend(world, start(world, command))
}

/// Starts a command whose words go to the file `said`.
pub fn start(world: &World<'_>, mut command: Command) -> Child {
    let path = world.folder.join("said");
    let said = File::options()
        .append(true)
        .create(true)
        .open(path)
        .expect("a file");
    command
        .stdin(Stdio::null())
        .stdout(said.try_clone().expect("a file"))
        .stderr(said)
        .spawn()
        .expect("it can be started")
}

/// Answers what is asked until the process is over.
fn attend(world: &World<'_>, mut child: Child) -> ExitStatus {
    let mut answered = BTreeSet::new();
    let mut children = Vec::new();
    let mut length = 0;
    for look in 0.. {
        assert!(look < LOOKS_MAX, "it goes on for ever: {:?}", world.folder);
        if let Some(status) = child.try_wait().expect("our child") {
            for mut child in children {
                Child::wait(&mut child).expect("our child");
            }
            return status;
        }
        let bytes = world.journal().and_then(|path| path.metadata().ok());
        let bytes = bytes.map_or(0, |metadata| metadata.len());
        if bytes != length {
            length = bytes;
            for step in asked(world) {
                if answered.insert(step.clone()) {
                    children.push(answer(world, &step));
                }
            }
        }
        std::thread::sleep(LOOK_EVERY);
    }
    unreachable!("the loop ends by return")
}

/// Whether a question waits for an answer that nobody has left yet.
pub fn is_asked(world: &World<'_>) -> bool {
    !asked(world).is_empty()
}

/// The steps whose questions wait for an answer that nobody has left yet.
fn asked(world: &World<'_>) -> BTreeSet<String> {
    let mut open = BTreeSet::new();
    for record in world.records() {
        let step = record["body"]["step"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        match record["type"].as_str() {
            Some("asked") => open.insert(step),
            Some("answered") => open.remove(&step),
            Some(_) | None => false,
        };
    }
    let inbox = world.journal().map(|path| path.with_file_name("inbox"));
    open.retain(|step| {
        inbox
            .as_ref()
            .is_some_and(|inbox| !inbox.join(format!("{step}.json")).exists())
    });
    open
}

fn answer(world: &World<'_>, step: &str) -> Child {
    let run = world.run_id().expect("a run that asks");
    let text = world
        .place()
        .answers()
        .iter()
        .find(|(name, _)| *name == step);
    let (_, text) = text.unwrap_or_else(|| panic!("`{step}` asks, and nobody has an answer"));
    let mut command = world.salvor();
    command.args(["answer", &run, step, "--text", text]);
    start(world, command)
}
