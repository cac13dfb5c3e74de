//! One case: a blow, as many resumptions as it takes, and everything that must hold afterwards.

use std::collections::BTreeSet;
use std::fs;

use crate::deciding::decide;
use crate::deciding::unknown;
use crate::processes::alive;
use crate::processes::wait_until;
use crate::supervisor::finish;
use crate::supervisor::strike;
use crate::tracer::Blow;
use crate::tracer::Traced;
use crate::world::Content;
use crate::world::World;
use crate::world::differences;
use crate::world::said;

/// How often a fresh process may be needed after the blow: one that goes on, one after a person's decision.
const PROCESSES_MAX: usize = 3;

/// Applies the change set, lets the blow fall, resumes until the run is over, and looks at everything.
pub fn recover(world: &World<'_>, blow: Blow) -> Traced {
    let ending = strike(world, &applying(world), blow);
    wait_until("the children to end", || alive(&world.folder).is_empty());
    if ending.struck.is_some() {
        go_on(world);
    } else {
        let words = words(world);
        assert!(ending.status.success(), "{blow:?}: {ending:?}\n{words}");
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
            None => finish(world, &applying(world)),
        };
        match status.code() {
            Some(0) => return,
            Some(5) => decide_unkeyed(world),
            code => panic!("exit {code:?}\n{}", words(world)),
        }
    }
    panic!("not over after {PROCESSES_MAX} processes\n{}", words(world));
}

/// The words that apply the change set.
fn applying<'w>(world: &'w World<'_>) -> Vec<&'w str> {
    [
        &["apply", "change-set", "--no-input"],
        world.place().confirms(),
    ]
    .concat()
}

fn is_over(world: &World<'_>) -> bool {
    world
        .records()
        .last()
        .is_some_and(|record| record["type"] == "finished")
}

/// Lets a person decide about the step that has no key. Nothing else may be open.
fn decide_unkeyed(world: &World<'_>) {
    let unkeyed = world.place().unkeyed();
    assert_eq!(
        unknown(world),
        unkeyed,
        "a person is asked\n{}",
        words(world)
    );
    assert_eq!(decide(world).code(), Some(0), "{}", words(world));
}

/// Effects, counted where they happen; and no answer was wanted twice.
pub fn no_effect_is_repeated(world: &World<'_>) {
    let repeated = world.place().repeated();
    assert!(repeated.is_empty(), "{repeated:?}\n{}", words(world));
    let mut answered = BTreeSet::new();
    for record in world.records() {
        if record["type"] == "answered" {
            let step = record["body"]["step"].to_string();
            assert!(
                answered.insert(step),
                "answered again: {record}\n{}",
                words(world)
            );
        }
    }
}

/// The run is over, its journal is whole, and no process of it lives.
pub fn nothing_is_left(world: &World<'_>) {
    wait_until("all processes to end", || alive(&world.folder).is_empty());
    let run = world.run_id().expect("a run");
    let check = world.run(&["journal", "check", &run]);
    assert!(check.status.success(), "{}", said(&check));
    let again = world.run(&["resume", &run, "--no-input"]);
    assert_eq!(again.status.code(), Some(4), "{}", said(&again));
}

/// Compares with the recovery that nobody disturbed.
pub fn same(world: &World<'_>, undisturbed: &Content, what: &str) {
    let differences = differences(&world.place().content(), undisturbed);
    assert!(
        differences.is_empty(),
        "{what}: {differences}\n{}",
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
