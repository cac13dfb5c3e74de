//! Every record of the journal, and system calls drawn at random.

use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::sync::Mutex;
use std::sync::PoisonError;

use crate::case::recover;
use crate::case::same;
use crate::databases::Databases;
use crate::platform::Disaster;
use crate::servers::Servers;
use crate::tracer::Blow;
use crate::world::Setting;

/// How many cases are under way at a time: they wait more than they work.
const AT_ONCE: usize = 3;

/// How much is tried, unless the environment says something else.
struct Sample {
    /// At how many system calls.
    kills: u64,
    /// At every so manieth record.
    every: u64,
}

#[test]
fn a_recovery_killed_anywhere_ends_as_if_nobody_had_disturbed_it() {
    let Some(servers) = Servers::start() else {
        return;
    };
    sweep(
        &servers,
        &Sample {
            kills: 20,
            every: 1,
        },
    );
}

#[test]
fn the_quickstart_killed_anywhere_ends_as_if_nobody_had_disturbed_it() {
    let Some(disaster) = Disaster::make("full") else {
        return;
    };
    sweep(
        &disaster,
        &Sample {
            kills: 3,
            every: 30,
        },
    );
}

#[test]
fn databases_on_rds_killed_anywhere_end_as_if_nobody_had_disturbed_them() {
    sweep(&Databases::new(), &Sample { kills: 2, every: 3 });
}

fn sweep(setting: &dyn Setting, sample: &Sample) {
    let world = setting.world("undisturbed");
    let calls = recover(&world, Blow::Never).calls;
    let undisturbed = world.place().content();
    let records = world.length();
    let parts = undisturbed.len();
    println_now(&format!(
        "{records} records, {calls} system calls, {parts} parts to compare"
    ));
    world.remove();

    let seed = number("SALVOR_SEED").unwrap_or(1);
    let kills = number("SALVOR_KILLS").unwrap_or(sample.kills);
    let every = number("SALVOR_EVERY").unwrap_or(sample.every);
    let cases = cases(records, calls, &Sample { kills, every }, seed);
    let total = cases.len();
    let queue = Mutex::new(cases.into_iter());
    let failures = Mutex::new(Vec::new());
    let hits = Mutex::new(0);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
                    let Some((case, blow)) = next else { return };
                    let done = catch_unwind(AssertUnwindSafe(|| {
                        let world = setting.world(&format!("c{case}"));
                        let traced = recover(&world, blow);
                        same(&world, &undisturbed, &format!("{blow:?}"));
                        world.remove();
                        traced.struck
                    }));
                    match done {
                        Ok(struck) => {
                            *hits.lock().unwrap_or_else(PoisonError::into_inner) +=
                                usize::from(struck.is_some());
                            println_now(&format!(
                                "case {case}: {blow:?} at system call {struck:?}"
                            ));
                        }
                        Err(_) => failures
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .push((case, blow)),
                    }
                }
            });
        }
    });
    let failures = failures
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    let hits = hits.into_inner().unwrap_or_else(PoisonError::into_inner);
    println_now(&format!("{total} cases, {hits} of them killed"));
    assert!(
        failures.is_empty(),
        "{} of {total} cases failed; again with SALVOR_SEED={seed} SALVOR_KILLS={kills} SALVOR_EVERY={every} SALVOR_CASE=N: {failures:?}",
        failures.len()
    );
    assert!(hits * 10 >= total * 8, "only {hits} of {total} blows fell");
}

/// The blows by their numbers, or the one that the environment names.
fn cases(records: usize, calls: u64, sample: &Sample, seed: u64) -> Vec<(usize, Blow)> {
    let mut random = Random(seed);
    let mut blows = Vec::new();
    for record in (1..=records).step_by(usize::try_from(sample.every).expect("small")) {
        blows.extend([Blow::Written(record), Blow::Synced(record)]);
    }
    blows.extend((0..sample.kills).map(|_| Blow::Call(1 + random.next() % calls)));
    let only = number("SALVOR_CASE");
    let mut cases: Vec<(usize, Blow)> = blows.into_iter().enumerate().collect();
    cases.retain(|(case, _)| only.is_none_or(|only| u64::try_from(*case) == Ok(only)));
    cases
}

/// A number from the environment.
#[expect(
    clippy::disallowed_methods,
    reason = "a test that is replayed is told so from outside"
)]
fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[expect(
    clippy::print_stderr,
    reason = "seeds and counts belong into the test's output"
)]
fn println_now(line: &str) {
    eprintln!("{line}");
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
