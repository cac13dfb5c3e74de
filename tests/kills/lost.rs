//! The machine is lost with the journal that it wrote, and the reviewed change set is taken up without one.

use std::fs;

use crate::case::no_effect_is_repeated;
use crate::case::nothing_is_left;
use crate::case::words;
use crate::deciding::decide;
use crate::platform::Disaster;
use crate::processes::alive;
use crate::processes::wait_until;
use crate::servers::Servers;
use crate::supervisor::finish;
use crate::supervisor::strike;
use crate::tracer::Blow;
use crate::world::Content;
use crate::world::Setting;
use crate::world::World;
use crate::world::differences;

/// At how many records the machine is lost, spread over the run.
const LOSSES: usize = 4;

/// The steps that set a state.
const REPEATABLE: [&str; 2] = ["pause", "unpause"];

/// How often a person may have to decide: each time everything that is open.
const DECISIONS_MAX: usize = 4;

#[test]
fn a_recovery_that_lost_its_journal_anywhere_ends_as_if_nobody_had_disturbed_it() {
    let Some(servers) = Servers::start() else {
        return;
    };
    lose(&servers);
}

#[test]
fn the_quickstart_that_lost_its_journal_anywhere_ends_as_if_nobody_had_disturbed_it() {
    let Some(disaster) = Disaster::make("full") else {
        return;
    };
    lose(&disaster);
}

fn lose(setting: &dyn Setting) {
    let world = setting.world("undisturbed");
    assert!(finish(&world, &["apply", "change-set", "--no-input"]).success());
    let undisturbed = without_repeatable(world.place().content());
    let records = world.length();
    world.remove();
    for loss in 1..=LOSSES {
        // Not the last record: that run is over.
        let record = loss * (records - 1) / LOSSES;
        let world = setting.world(&format!("l{record}"));
        let blow = Blow::Synced(record);
        let ending = strike(&world, &["apply", "change-set", "--no-input"], blow);
        assert!(ending.struck.is_some(), "{record}: {ending:?}");
        wait_until("the children to end", || alive(&world.folder).is_empty());
        let run = world.run_id().expect("a run that was written down");
        fs::remove_dir_all(world.folder.join(".salvor")).expect("the state");

        adopt(&world, &run);
        assert_eq!(world.run_id().as_ref(), Some(&run), "the same ids");
        no_effect_is_repeated(&world);
        nothing_is_left(&world);
        let recovered = without_repeatable(world.place().content());
        let differences = differences(&recovered, &undisturbed);
        assert!(
            differences.is_empty(),
            "lost after {record}: {differences}\n{}",
            words(&world)
        );
        world.remove();
    }
}

/// What a recovery made, without how often a state was set: setting it again is what its class allows.
fn without_repeatable(mut content: Content) -> Content {
    content.retain(|name, _| {
        !REPEATABLE
            .iter()
            .any(|step| name.starts_with(&format!("effects of {step}:")))
    });
    content
}

/// Takes the run up, and decides what it leaves to a person.
fn adopt(world: &World<'_>, run: &str) {
    let adopted = ["apply", "change-set", "--no-input", "--adopt", run];
    let mut status = finish(world, &adopted);
    for _ in 0..DECISIONS_MAX {
        match status.code() {
            Some(0) => return,
            Some(5) => status = decide(world),
            code => panic!("exit {code:?}\n{}", words(world)),
        }
    }
    panic!("not over after {DECISIONS_MAX} decisions\n{}", words(world));
}
