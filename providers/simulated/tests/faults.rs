//! Each fault of the script: what the caller is told, and that going on ends with one effect.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use salvor_conformance::Cut;
use salvor_conformance::Surroundings;
use salvor_conformance::cut;
use salvor_conformance::operation;
use salvor_conformance::store;
use salvor_contract::Error;
use salvor_contract::Judgement;
use salvor_contract::Operation;
use salvor_contract::Outcome;
use salvor_contract::Period;
use salvor_contract::Probe;
use salvor_contract::Provider;
use salvor_contract::Values;
use salvor_simulated::Fault;
use salvor_simulated::Rule;
use salvor_simulated::Simulated;
use salvor_simulated::World;

struct Scripted {
    world: Arc<Mutex<World>>,
    provider: Simulated,
    surroundings: Surroundings,
    operation: Operation,
}

impl Scripted {
    /// Work of this class, one minute long, whose first call meets this fault.
    fn new(class: &str, fault: Fault) -> Self {
        let faults = vec![Rule::first("simulated.run", fault)];
        let world = Arc::new(Mutex::new(World {
            faults,
            ..World::default()
        }));
        let with = Values::new()
            .with("target", "job")
            .with("class", class)
            .with("takes", "1m");
        Self {
            provider: Simulated::in_memory(Arc::clone(&world)),
            surroundings: Surroundings::virtual_time(),
            operation: operation("simulated.run", with),
            world,
        }
    }

    async fn perform(&self) -> Result<Outcome, Error> {
        self.provider
            .perform(&self.operation, &self.surroundings.call())
            .await
    }

    async fn probe(&self) -> Probe {
        let call = self.surroundings.call();
        self.provider
            .probe(&self.operation, &call)
            .await
            .expect("the script leaves probes alone")
    }

    fn effects(&self) -> usize {
        self.world
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .effects
            .len()
    }
}

#[tokio::test]
async fn a_refusal_changes_nothing() {
    let scripted = Scripted::new("named", Fault::Refuse("quota exceeded".into()));
    let error = scripted.perform().await.expect_err("refused");
    assert_eq!(error, Error::refused("quota exceeded"));
    assert_eq!(scripted.probe().await, Probe::Absent);
    assert_eq!(scripted.effects(), 0);
}

#[tokio::test]
async fn a_busy_service_says_when_to_come_again() {
    let period = Period::from_seconds(7);
    let scripted = Scripted::new("named", Fault::Transient(Some(period)));
    let error = scripted.perform().await.expect_err("busy");
    assert!(matches!(error, Error::Transient { retry_after: Some(after), .. } if after == period));
    assert_eq!(scripted.effects(), 0);
    scripted
        .perform()
        .await
        .expect("the second call goes through");
    assert_eq!(scripted.effects(), 1);
}

#[tokio::test]
async fn a_lost_request_and_a_lost_answer_look_alike_until_probed() {
    for (fault, effects) in [(Fault::DropBefore, 0), (Fault::LoseAnswer, 1)] {
        let scripted = Scripted::new("named", fault);
        let error = scripted.perform().await.expect_err("no answer");
        assert_eq!(error, Error::unknown("no answer came to simulated.run"));
        let found = scripted.probe().await;
        match effects {
            0 => assert_eq!(found, Probe::Absent),
            _ => assert!(matches!(found, Probe::InFlight { .. }), "{found:?}"),
        }
        scripted
            .perform()
            .await
            .expect("the same operation goes on");
        assert_eq!(scripted.effects(), 1);
    }
}

#[tokio::test]
async fn a_request_that_arrives_twice_has_one_effect_only_with_a_key() {
    for (class, effects) in [("token", 1), ("named", 1), ("fenced", 1), ("unkeyed", 2)] {
        let scripted = Scripted::new(class, Fault::Duplicate);
        scripted.perform().await.expect("it is done");
        assert_eq!(scripted.effects(), effects, "{class}");
    }
}

#[tokio::test]
async fn a_delay_passes_on_the_given_clock() {
    let scripted = Scripted::new("named", Fault::Delay(Period::from_seconds(600)));
    scripted.perform().await.expect("late, but done");
    assert_eq!(
        scripted.surroundings.clock.elapsed(),
        Duration::from_secs(660)
    );
}

/// What failed half-way stands in nobody's way: the next attempt begins it anew.
#[tokio::test]
async fn work_that_failed_is_begun_anew_by_the_next_attempt() {
    let after = Period::from_seconds(10);
    let mut scripted = Scripted::new("named", Fault::FailAfter(after, "disk full".into()));
    let outcome = scripted.perform().await.expect("it came to an end");
    assert_eq!(outcome.findings[0].judgement, Judgement::Failed);
    scripted.operation.id = "n2345678bcdefghijklmnopqrs".into();
    scripted.operation.attempt = 2;
    assert_eq!(scripted.probe().await, Probe::Absent);
    let outcome = scripted.perform().await.expect("it is done");
    assert_eq!(outcome.findings, []);
    assert_eq!(scripted.probe().await, Probe::Done(outcome));
    assert_eq!(scripted.effects(), 2);
}

#[tokio::test]
async fn a_strange_state_is_never_success_or_failure() {
    let scripted = Scripted::new("named", Fault::Strange("hibernating".into()));
    let error = scripted
        .perform()
        .await
        .expect_err("nobody knows this state");
    assert!(
        matches!(&error, Error::Unknown { what } if what.contains("`hibernating`")),
        "{error}"
    );
    assert!(matches!(scripted.probe().await, Probe::CannotTell { .. }));
}

#[tokio::test]
async fn work_that_fails_half_way_is_done_with_a_failed_finding() {
    let fault = Fault::FailAfter(Period::from_seconds(30), "storage full".into());
    let scripted = Scripted::new("named", fault);
    let outcome = scripted.perform().await.expect("the work came to an end");
    let [finding] = outcome.findings.as_slice() else {
        panic!("one finding expected: {outcome:?}");
    };
    assert_eq!(finding.judgement, Judgement::Failed);
    assert_eq!(finding.observed, "failed: storage full");
    assert_eq!(scripted.probe().await, Probe::Done(outcome));
}

#[tokio::test]
async fn a_fenced_target_refuses_a_token_that_is_too_old() {
    let scripted = Scripted::new("fenced", Fault::Delay(Period::ZERO));
    scripted.perform().await.expect("the first call");
    let late = Operation {
        id: "zombie".into(),
        token: 3,
        ..scripted.operation.clone()
    };
    let error = scripted
        .provider
        .perform(&late, &scripted.surroundings.call())
        .await;
    let error = error.expect_err("token 17 was seen");
    assert_eq!(
        error.to_string(),
        "set values/job has seen token 17, this call carries 3"
    );
    assert_eq!(scripted.effects(), 1);
}

#[tokio::test]
async fn work_goes_on_in_the_file_while_its_caller_is_dead() {
    let surroundings = Surroundings::virtual_time();
    std::fs::write(surroundings.plan_dir().join("world.json"), "{}").expect("a new file");
    let with = Values::new()
        .with("target", "job")
        .with("class", "named")
        .with("takes", "1h");
    let run = Operation {
        config: Values::new().with("speed", 60),
        ..operation("simulated.run", with)
    };
    let begun = cut(Simulated::new().perform(&run, &surroundings.call()), 4).await;
    assert_eq!(begun, Cut::Dropped);
    let probe = async || {
        let provider = Simulated::new();
        provider
            .probe(&run, &surroundings.call())
            .await
            .expect("the file is there")
    };
    assert!(matches!(probe().await, Probe::InFlight { .. }));
    surroundings.clock.sleep(Duration::from_secs(60)).await;
    let done = Outcome::of(Values::new().with("value", true));
    assert_eq!(probe().await, Probe::Done(done));
}

#[tokio::test]
async fn a_missing_world_is_refused_with_what_to_do() {
    let surroundings = Surroundings::virtual_time();
    let check = operation("simulated.check", Values::new().with("fact", "values"));
    let error = Simulated::new().perform(&check, &surroundings.call()).await;
    let error = error.expect_err("there is no file");
    assert!(
        error.to_string().ends_with("world.json is not there"),
        "{error}"
    );
    assert!(error.hint().is_some());
}

#[tokio::test]
async fn a_store_that_cannot_be_reached_is_an_error_and_not_an_empty_survey() {
    let world = World::parse(
        r#"{
            "databases": { "app": { "rows": 1, "data-until": "2026-04-06T01:58:00Z",
                                    "created": "2025-01-01T00:00:00Z", "state": "lost" } },
            "faults": [{ "call": "survey", "action": "simulated.database", "fault": { "transient": null } }]
        }"#,
    );
    let world = Arc::new(Mutex::new(world.expect("a good world")));
    let provider = Simulated::in_memory(world);
    let surroundings = Surroundings::virtual_time();
    let app = store("simulated.database", Values::new().with("name", "app"));
    let error = provider
        .survey(&app, &surroundings.call())
        .await
        .expect_err("the script says so");
    assert_eq!(error, Error::transient("the service is busy"));
    let seen = provider
        .survey(&app, &surroundings.call())
        .await
        .expect("the second time");
    assert!(
        provider
            .recovery_points(&app, &seen)
            .expect("its own survey")
            .is_empty()
    );
}
