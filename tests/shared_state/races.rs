//! Many processes that want one lock at once.

use jiff::Timestamp;
use salvor::journal::lock::Claim;
use salvor::journal::lock::EnvironmentLock as _;
use salvor::journal::lock::Holder;
use salvor::journal::lock::LockError;

use crate::child::Child;
use crate::child::say;
use crate::child::told;
use crate::child::variable;
use crate::store::Reach;
use crate::store::Store;
use crate::store::runtime;

/// How many races there are when nobody says it: each takes some twenty requests.
const RACES: usize = 500;

const RACERS: usize = 8;

/// The part of one that races: it takes each lock that it is told and keeps it.
pub fn race(reach: &Reach) {
    let folder = tempfile::tempdir().expect("a folder");
    let runtime = runtime();
    let locks = runtime.block_on(reach.locks("races", folder.path()));
    let mut kept = Vec::new();
    for key in told() {
        let claim = Claim {
            run: "run".into(),
            holder: Holder::of_this_process("racer"),
            since: Timestamp::UNIX_EPOCH,
        };
        match runtime.block_on(locks.at(&key).acquire(claim)) {
            Ok(guard) => {
                kept.push(guard);
                say("won");
            }
            Err(LockError::Held(held)) => {
                let claim = held.claim.expect("a lease tells its holder");
                say(&format!("held by {}", claim.holder.pid));
            }
            Err(error) => say(&error.to_string()),
        }
    }
}

#[test]
fn of_eight_processes_that_race_for_a_lock_one_wins() {
    let Some(store) = Store::minio() else { return };
    let races = variable("SALVOR_RACES").map_or(RACES, |races| races.parse().expect("a number"));
    let start = |_| Child::start("race", store.reach());
    let mut racers: Vec<Child> = (0..RACERS).map(start).collect();
    let mut wins = [0; RACERS];
    for race in 0..races {
        for racer in &mut racers {
            racer.tell(&format!("lock-{race}"));
        }
        let said: Vec<String> = racers.iter_mut().map(Child::hear).collect();
        let winners: Vec<usize> = (0..RACERS).filter(|racer| said[*racer] == "won").collect();
        let [winner] = winners.as_slice() else {
            panic!("race {race}: {said:?}");
        };
        let others = said.iter().filter(|said| said.starts_with("held by "));
        assert_eq!(others.count(), RACERS - 1, "race {race}: {said:?}");
        wins[*winner] += 1;
    }
    // They met: it was not one of them that came first each time.
    assert!(
        wins.iter().filter(|wins| **wins > 0).count() > 1,
        "{wins:?}"
    );
}
