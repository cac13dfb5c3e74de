//! When a process starts, crashes, is stopped or paused, how wrong its clocks are, and what its disk and its lock meet.

use salvor::journal::memory::Fault as DiskFault;

use crate::random::Random;
use crate::schedule::Medium;
use crate::schedule::Process;
use crate::schedule::RegisterFault;
use crate::time::SECOND;

/// Draws one process.
pub fn process(random: &mut Random, is_first: bool, medium: Medium) -> Process {
    let mut process = Process {
        starts: if random.chance(40) {
            random.below(SECOND)
        } else {
            random.below(60 * SECOND)
        },
        is_first,
        decides: random.chance(50),
        gives_up: random.chance(2),
        ..Process::default()
    };
    if random.chance(60) {
        process.crash = Some(random.log_uniform(9));
    }
    for _ in 0..random.pick(&[0, 0, 0, 1, 1, 2]) {
        let length = random.pick(&[2, 20, 40, 100, 300]) * SECOND;
        process.pauses.insert(random.log_uniform(9), length);
    }
    if random.chance(15) {
        // While it opens the journal nobody watches the lease: the journal alone holds it off.
        let length = random.pick(&[40, 100, 300]) * SECOND;
        process.stalls.insert(random.pick(&[0, 0, 0, 1, 5]), length);
    }
    if random.chance(8) {
        process.stop = Some(random.log_uniform(26));
    }
    if random.chance(50) {
        process.skew.drift = random.between(0, 40) as i64 - 20;
        for number in 0..random.below(3) {
            let day = 24 * 3600;
            let off = random.between(0, 2 * day) as i64 - day as i64;
            let from = if number == 0 {
                0
            } else {
                random.below(100 * SECOND)
            };
            process.skew.jumps.push((from, off));
        }
        process.skew.jumps.sort_unstable();
    }
    if random.chance(50) {
        for _ in 0..random.between(1, 4) {
            let bytes = random.index(900);
            let fault = match medium {
                Medium::File => random.pick(&[
                    DiskFault::Full,
                    DiskFault::Broken(bytes),
                    DiskFault::Dies(bytes),
                ]),
                Medium::Objects => random.pick(&[
                    DiskFault::LostAnswer,
                    DiskFault::LostAnswer,
                    DiskFault::LostRequest,
                    DiskFault::Late,
                ]),
            };
            let nth = random.log_uniform(6) as usize;
            let times = random.pick(&[1, 1, 1, 6]);
            for nth in nth..nth + times {
                process.disk.insert(nth, fault.clone());
            }
        }
    }
    if random.chance(40) {
        for _ in 0..random.between(1, 4) {
            let fault = random.pick(&[
                RegisterFault::LostAnswer,
                RegisterFault::LostRequest,
                RegisterFault::Late,
            ]);
            let nth = random.log_uniform(5);
            for nth in nth..nth + random.pick(&[1, 1, 2, 15]) {
                process.register.insert(nth, fault);
            }
        }
    }
    process
}
