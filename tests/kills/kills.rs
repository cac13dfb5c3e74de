//! Every record of the journal, and system calls drawn at random.

use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::sync::Mutex;
use std::sync::PoisonError;

use salvor_testbed::Part;
use salvor_testbed::install;
use salvor_testbed::require;

use crate::case::recover;
use crate::case::same;
use crate::servers::Servers;
use crate::supervisor::Blow;
use crate::world::World;

/// How many cases are under way at a time: they wait more than they work.
const AT_ONCE: usize = 3;

/// At how many system calls, unless SALVOR_KILLS says another number.
const KILLS: u64 = 20;

#[test]
fn a_recovery_killed_anywhere_ends_as_if_nobody_had_disturbed_it() {
    let Some(servers) = Servers::start() else {
        return;
    };
    if require(install(Part::Strace)).is_none() {
        return;
    }
    let world = World::new(&servers, "undisturbed");
    let ending = recover(&world, Blow::Never);
    let undisturbed = world.content();
    let records = world.length();
    println_now(&format!("{records} records, {} system calls", ending.calls));

    let seed = number("SALVOR_SEED").unwrap_or(1);
    let only = number("SALVOR_CASE");
    let kills = number("SALVOR_KILLS").unwrap_or(KILLS);
    let every = number("SALVOR_EVERY").unwrap_or(1);
    let mut random = Random(seed);
    let mut blows = Vec::new();
    for record in (1..=records).step_by(usize::try_from(every).expect("small")) {
        blows.extend([Blow::Written(record), Blow::Synced(record)]);
    }
    blows.extend((0..kills).map(|_| Blow::Calls(1 + random.next() % ending.calls)));
    let mut cases: Vec<(usize, Blow)> = blows.into_iter().enumerate().collect();
    if let Some(only) = only {
        cases.retain(|(case, _)| u64::try_from(*case) == Ok(only));
    }

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
                        let world = World::new(&servers, &format!("c{case}"));
                        let ending = recover(&world, blow);
                        same(&world, &undisturbed, &format!("{blow:?}"));
                        world.remove();
                        ending.was_killed
                    }));
                    match done {
                        Ok(was_killed) => {
                            *hits.lock().unwrap_or_else(PoisonError::into_inner) +=
                                usize::from(was_killed);
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
        "{} of {total} cases failed; again with SALVOR_SEED={seed} SALVOR_KILLS={kills} SALVOR_CASE=N: {failures:?}",
        failures.len()
    );
    assert!(hits * 10 >= total * 8, "only {hits} of {total} blows fell");
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
