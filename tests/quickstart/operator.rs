//! Answers the questions of a run, as a person at another terminal does.

use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;

use crate::quickstart::ANSWERS;
use crate::world::PLAN;
use crate::world::Said;
use crate::world::World;

/// How often it is looked whether a question is asked.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// How often it is looked at most: far more than a loaded machine needs.
const LOOKS_MAX: usize = 600;

/// Starts a command that goes on beside the test; what it prints is kept.
pub fn start(mut command: Command) -> Child {
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("bash can be started")
}

/// Runs a command that applies, and answers what it asks.
pub fn apply(world: &World, command: &str) -> Said {
    let mut child = start(world.shell(command));
    let mut left = ANSWERS.to_vec();
    let mut looks = 0;
    while child.try_wait().expect("the child is ours").is_none() {
        looks += 1;
        assert!(looks < LOOKS_MAX, "the run does not end; open: {left:?}");
        if let Some(run) = newest_run(world) {
            left.retain(|(step, text)| {
                let answer =
                    format!("salvor answer {run} {step} --plan-dir {PLAN} --text '{text}'");
                world.run(&answer).exit != 0
            });
        }
        std::thread::sleep(LOOK_EVERY);
    }
    ended(child)
}

/// What a child said, once it ends.
pub fn ended(child: Child) -> Said {
    let output = child.wait_with_output().expect("the child is ours");
    Said {
        exit: output.status.code().unwrap_or(-1),
        text: String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr),
    }
}

/// The run that was opened last.
pub fn newest_run(world: &World) -> Option<String> {
    let listed = world.run(&format!("salvor runs {PLAN} --json"));
    let start = listed.text.find('[')?;
    let end = listed.text.rfind(']')?;
    let runs: serde_json::Value = serde_json::from_str(&listed.text[start..=end]).ok()?;
    let run = runs.as_array()?.last()?.get("run")?.as_str()?;
    Some(run.to_owned())
}
