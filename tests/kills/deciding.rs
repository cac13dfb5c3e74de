//! What a person decides who is asked about steps of which nobody else can tell.

use std::process::ExitStatus;

use crate::case::words;
use crate::supervisor::finish;
use crate::world::World;

/// The steps of which nobody but a person can tell, in the order of the journal.
pub fn unknown(world: &World<'_>) -> Vec<String> {
    let mut unknown: Vec<String> = Vec::new();
    for record in world.records() {
        let step = record["body"]["step"].as_str().unwrap_or_default();
        match record["type"].as_str() {
            Some("unknown") => unknown.push(step.to_owned()),
            Some("succeeded" | "decided") => unknown.retain(|open| open != step),
            Some("failed") => panic!("{step} failed\n{}", words(world)),
            _ => {}
        }
    }
    unknown
}

/// Decides all of them after a look at the place, and lets the run go on.
pub fn decide(world: &World<'_>) -> ExitStatus {
    let run = world.run_id().expect("a run");
    let mut arguments: Vec<String> = ["resume", &run, "--no-input", "--why", "I looked"]
        .map(str::to_owned)
        .to_vec();
    for step in unknown(world) {
        let seen = world.place().seen(&step);
        let seen = seen.unwrap_or_else(|| panic!("{step} is open\n{}", words(world)));
        let decision = match seen.is_done {
            true => "--succeeded",
            false => "--retry",
        };
        arguments.extend([decision.to_owned(), step.clone()]);
        for (output, value) in seen.outputs {
            arguments.extend(["--output".to_owned(), format!("{step}.{output}={value}")]);
        }
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    finish(world, &arguments)
}
