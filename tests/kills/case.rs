//! One case: a blow, as many resumptions as it takes, and everything that must hold afterwards.

use std::fs;

use crate::processes::alive;
use crate::processes::wait_until;
use crate::supervisor::Blow;
use crate::supervisor::Ending;
use crate::supervisor::finish;
use crate::supervisor::strike;
use crate::world::Content;
use crate::world::World;
use crate::world::said;

/// How often a fresh process may be needed after the blow: one that goes on, one after a person's decision.
const PROCESSES_MAX: usize = 3;

/// Applies the change set, lets the blow fall, resumes until the run is over, and looks at everything.
pub fn recover(world: &World<'_>, blow: Blow) -> Ending {
    let ending = strike(world, &["apply", "change-set", "--no-input"], blow);
    wait_until("the children to end", || alive(&world.folder).is_empty());
    if ending.was_killed {
        go_on(world);
    } else {
        assert!(
            ending.status.success(),
            "{:?}: {ending:?}\n{}",
            blow,
            words(world)
        );
    }
    no_effect_is_repeated(world);
    nothing_is_left(world);
    ending
}

/// Takes the run up by fresh processes until it is over. A person decides only about what has no key.
pub fn go_on(world: &World<'_>) {
    for _ in 0..PROCESSES_MAX {
        let run = world.run_id();
        let status = match &run {
            Some(run) if is_over(world) => {
                assert!(world.run(&["report", run]).status.success());
                return;
            }
            Some(run) => finish(world, &["resume", run, "--no-input"]),
            None => finish(world, &["apply", "change-set", "--no-input"]),
        };
        match status.code() {
            Some(0) => return,
            Some(5) => decide(world),
            code => panic!("exit {code:?}\n{}", words(world)),
        }
    }
    panic!("not over after {PROCESSES_MAX} processes\n{}", words(world));
}

fn is_over(world: &World<'_>) -> bool {
    world
        .records()
        .last()
        .is_some_and(|record| record["type"] == "finished")
}

/// What a person does about the step that has no key, after a look at its mark. Nothing else may be open.
fn decide(world: &World<'_>) {
    let mut unknown: Vec<String> = Vec::new();
    for record in world.records() {
        let step = record["body"]["step"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        match record["type"].as_str() {
            Some("unknown") => unknown.push(step),
            Some("failed") => panic!("{step} failed\n{}", words(world)),
            _ => {}
        }
    }
    assert_eq!(unknown, ["unkeyed"], "a person is asked\n{}", words(world));
    let run = world.run_id().expect("a run");
    let decision = if world.lines("unkeyed") == 1 {
        "--succeeded"
    } else {
        "--retry"
    };
    let status = finish(
        world,
        &[
            "resume",
            &run,
            "--no-input",
            decision,
            "unkeyed",
            "--why",
            "I looked",
        ],
    );
    assert_eq!(status.code(), Some(0), "{decision}\n{}", words(world));
}

/// Effects, counted where they happen.
pub fn no_effect_is_repeated(world: &World<'_>) {
    for (key, written) in world.servers.proxy.written(&world.name) {
        assert_eq!(written.repeated, 0, "{key} {written:?}\n{}", words(world));
    }
    let log = fs::read_to_string(world.servers.postgres.log_file()).expect("the server's log");
    let database = format!("shop-{}\"", world.name);
    let renames = log
        .lines()
        .filter(|line| line.contains("RENAME TO") || line.contains("rename to"))
        .filter(|line| line.contains("statement:") || line.contains("execute"))
        .filter(|line| line.contains(&database))
        .count();
    assert_eq!(renames, 1, "databases put in place\n{}", words(world));
}

fn nothing_is_left(world: &World<'_>) {
    wait_until("all processes to end", || alive(&world.folder).is_empty());
    let run = world.run_id().expect("a run");
    let check = world.run(&["journal", "check", &run]);
    assert!(check.status.success(), "{}", said(&check));
    let again = world.run(&["resume", &run, "--no-input"]);
    assert_eq!(again.status.code(), Some(4), "{}", said(&again));
}

/// Compares with the recovery that nobody disturbed.
pub fn same(world: &World<'_>, undisturbed: &Content, what: &str) {
    let content = world.content();
    assert!(
        content == *undisturbed,
        "{what}: {}\n{}",
        content.differences(undisturbed),
        words(world)
    );
}

/// What the processes said, and the journal in short.
pub fn words(world: &World<'_>) -> String {
    let said = fs::read_to_string(world.folder.join("said")).unwrap_or_default();
    let records = world.records();
    let records = records.iter().map(|record| {
        let body = record["body"].to_string();
        let short: String = body.chars().take(200).collect();
        format!("{} {} {short}\n", record["seq"], record["type"])
    });
    format!("{said}\n{}", records.collect::<String>())
}
