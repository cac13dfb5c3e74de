//! Several operations at once under the runtime's virtual time, as the engine's own tests use this provider.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use salvor_conformance::RealClock;
use salvor_conformance::Surroundings;
use salvor_conformance::operation;
use salvor_contract::Operation;
use salvor_contract::Provider;
use salvor_contract::Values;
use salvor_simulated::Simulated;
use salvor_simulated::World;

fn job(name: &str, takes: &str) -> Operation {
    let with = Values::new()
        .with("target", name)
        .with("class", "named")
        .with("takes", takes);
    Operation {
        id: name.into(),
        mark: name.into(),
        ..operation("simulated.run", with)
    }
}

#[tokio::test(start_paused = true)]
async fn work_that_goes_on_at_once_takes_as_long_as_the_longest() {
    let begin = "2026-04-06T02:00:00Z".parse().expect("a moment");
    let surroundings = Surroundings::with_clock(Box::new(RealClock::starting_at(begin)));
    let provider = Simulated::in_memory(Arc::new(Mutex::new(World::default())));
    let (short, long) = (job("short", "5m"), job("long", "20m"));
    let (one, other) = (surroundings.call(), surroundings.call());
    let begun = surroundings.clock.elapsed();
    let (short, long) = tokio::join!(
        provider.perform(&short, &one),
        provider.perform(&long, &other)
    );
    short.expect("done");
    long.expect("done");
    let took = surroundings.clock.elapsed() - begun;
    assert!(
        took >= Duration::from_secs(1200) && took < Duration::from_secs(1210),
        "{took:?}"
    );
}
