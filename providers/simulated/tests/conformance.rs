//! The simulated provider against the suite that every provider must pass, in every class.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use salvor_conformance::Case;
use salvor_conformance::Report;
use salvor_conformance::Surroundings;
use salvor_conformance::check_action;
use salvor_conformance::check_description;
use salvor_conformance::check_store;
use salvor_conformance::operation;
use salvor_conformance::store;
use salvor_contract::ChosenPoint;
use salvor_contract::Class;
use salvor_contract::Operation;
use salvor_contract::Provider;
use salvor_contract::Values;
use salvor_simulated::Simulated;
use salvor_simulated::World;

const WORLD: &str = r#"{
    "databases": { "app": {
        "rows": 1000, "rows-per-hour": 10, "bytes": 5000,
        "data-until": "2026-04-06T01:58:00Z", "created": "2025-01-01T00:00:00Z",
        "pitr-from": "2026-04-01T00:00:00Z" } },
    "deployments": { "web": { "replicas": 3 } },
    "values": { "health": { "value": "green" } },
    "backups": { "databases/app": [
        { "id": "nightly", "at": "2026-04-05T02:00:00Z", "rows": 760, "bytes": 4000 }] }
}"#;

fn world() -> World {
    World::parse(WORLD).expect("a good world")
}

/// A world in memory and two providers on it: the one that is interrupted and the one that resumes.
struct Bench {
    world: Arc<Mutex<World>>,
    first: Simulated,
    second: Simulated,
    surroundings: Surroundings,
}

impl Bench {
    fn new() -> Self {
        let world = Arc::new(Mutex::new(world()));
        Self {
            first: Simulated::in_memory(Arc::clone(&world)),
            second: Simulated::in_memory(Arc::clone(&world)),
            surroundings: Surroundings::virtual_time(),
            world,
        }
    }

    fn now(&self) -> std::sync::MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn check(
        &self,
        operation: Operation,
        count: impl AsyncFn() -> u64,
    ) -> Result<(), Report> {
        let case = Case::new(operation, count, async || *self.now() = world());
        check_action(
            &self.first,
            &self.surroundings,
            case.resumed_by(&self.second),
        )
        .await
    }

    fn effects(&self) -> u64 {
        self.now().effects.len() as u64
    }

    /// The effects, or none when what they made was removed.
    fn effects_while(&self, is_there: impl Fn(&World) -> bool) -> u64 {
        let world = self.now();
        if is_there(&world) {
            world.effects.len() as u64
        } else {
            0
        }
    }

    /// An operation on the database `app`, from its newest recovery point of this id.
    async fn on_app(&self, action: &str, with: Values, point: &str) -> Operation {
        let request = store("simulated.database", Values::new().with("name", "app"));
        let seen = self.first.survey(&request, &self.surroundings.call()).await;
        let points = self
            .first
            .recovery_points(&request, &seen.expect("app is there"))
            .expect("its own survey");
        let point = points
            .into_iter()
            .find(|p| p.id.as_str() == point)
            .expect("a known point");
        let at = point.reach.latest();
        Operation {
            store: Some(request),
            point: Some(ChosenPoint { point, at }),
            ..operation(action, with)
        }
    }
}

#[test]
fn the_description_conforms() -> Result<(), Report> {
    check_description(&Simulated::new())
}

#[tokio::test]
async fn a_surveyed_database_conforms() -> Result<(), Report> {
    let bench = Bench::new();
    let request = store("simulated.database", Values::new().with("name", "app"));
    check_store(&bench.first, &bench.surroundings, &request).await
}

#[tokio::test]
async fn restoring_from_the_window_conforms() -> Result<(), Report> {
    let bench = Bench::new();
    let with = Values::new().with("target", "app-new").with("takes", "20m");
    let restore = bench.on_app("simulated.restore", with, "window").await;
    let is_there = |world: &World| world.databases.contains_key("app-new");
    bench
        .check(restore, async || bench.effects_while(is_there))
        .await
}

#[tokio::test]
async fn overwriting_from_a_snapshot_conforms() -> Result<(), Report> {
    let bench = Bench::new();
    let with = Values::new().with("target", "app").with("takes", "5m");
    let overwrite = bench.on_app("simulated.overwrite", with, "nightly").await;
    bench.check(overwrite, async || bench.effects()).await
}

#[tokio::test]
async fn a_backup_conforms() -> Result<(), Report> {
    let bench = Bench::new();
    let request = store("simulated.database", Values::new().with("name", "app"));
    let with = Values::new()
        .with("name", "pre-upgrade")
        .with("set", "s1")
        .with("takes", "1m");
    let backup = Operation {
        store: Some(request),
        ..operation("simulated.backup", with)
    };
    let is_there = |world: &World| {
        let is_running = world
            .work
            .values()
            .any(|work| work.mark.run.as_str() == "r7kq4m");
        is_running || world.backups["databases/app"].len() == 2
    };
    bench
        .check(backup, async || bench.effects_while(is_there))
        .await
}

#[tokio::test]
async fn scaling_conforms() -> Result<(), Report> {
    let bench = Bench::new();
    let with = Values::new()
        .with("deployment", "web")
        .with("replicas", 0)
        .with("takes", "30s");
    bench
        .check(operation("simulated.scale", with), async || bench.effects())
        .await
}

#[tokio::test]
async fn work_of_every_class_conforms() -> Result<(), Report> {
    for class in ["token", "named", "fenced", "convergent", "unkeyed"] {
        let bench = Bench::new();
        let with = Values::new()
            .with("target", "job")
            .with("class", class)
            .with("takes", "10s");
        bench
            .check(operation("simulated.run", with), async || bench.effects())
            .await?;
    }
    let bench = Bench::new();
    let with = Values::new().with("target", "job").with("class", "read");
    bench
        .check(operation("simulated.run", with), async || bench.effects())
        .await
}

#[tokio::test]
async fn looking_conforms() -> Result<(), Report> {
    let bench = Bench::new();
    let with = Values::new()
        .with("fact", "databases/app/rows")
        .with("at-least", 900);
    bench
        .check(operation("simulated.check", with), async || bench.effects())
        .await?;
    let with = Values::new()
        .with("fact", "values/health/value")
        .with("until", "green");
    bench
        .check(operation("simulated.wait", with), async || bench.effects())
        .await?;
    let verify = bench
        .on_app("simulated.verify", Values::new(), "nightly")
        .await;
    bench.check(verify, async || bench.effects()).await
}

#[tokio::test]
async fn work_without_a_key_does_not_pass_for_keyed_work() {
    let bench = Bench::new();
    let with = Values::new()
        .with("target", "job")
        .with("class", "unkeyed")
        .with("takes", "10s");
    let case = Case::new(
        operation("simulated.run", with),
        async || bench.effects(),
        async || *bench.now() = world(),
    );
    let report = check_action(
        &bench.first,
        &bench.surroundings,
        case.of_class(Class::Named),
    )
    .await
    .expect_err("a second effect for each repetition");
    let problems = report.to_string();
    for expected in [
        "after performing twice with one id: 1 effects expected, 2 counted",
        "after perform, probe of class Named finds CannotTell",
        "cut off at await 3",
    ] {
        assert!(problems.contains(expected), "{expected}\n{problems}");
    }
}
