//! Every fault at every call of a restore: one instance in the end, and no error that says less than is true.

use salvor_contract::Error;
use salvor_contract::Probe;
use salvor_contract::Provider as _;
use salvor_fakes::Effect;
use salvor_fakes::Fault;
use serde_json::json;

use crate::support::World;

/// The faults that end by themselves: those that hold a call need a test that lets go.
fn faults() -> impl Iterator<Item = (&'static str, Effect)> {
    Effect::all()
        .into_iter()
        .filter(|(_, effect)| !matches!(effect, Effect::HeldBefore | Effect::HeldAfter))
}

/// Performs until it is done, as the engine does: a look decides what an error left open.
async fn until_done(world: &World, operation: &salvor_contract::Operation, what: &str) {
    for _ in 0..6 {
        let call = world.surroundings.call();
        match world.provider.perform(operation, &call).await {
            Ok(outcome) => {
                assert_eq!(outcome.findings, [], "{what}");
                return;
            }
            Err(error @ (Error::Refused { .. } | Error::Transient { .. })) => {
                let is_nothing = world.new_instances() == 0;
                assert!(
                    is_nothing,
                    "{what}: `{error}` says that nothing was changed"
                );
            }
            Err(Error::Unknown { .. }) => {
                let found = world
                    .provider
                    .probe(operation, &world.surroundings.call())
                    .await;
                if let Ok(Probe::Absent) = found {
                    assert_eq!(world.new_instances(), 0, "{what}: it is not absent");
                }
            }
        }
    }
    panic!("{what}: it is never done");
}

#[tokio::test]
async fn an_answer_that_is_lost_late_or_false_leaves_one_instance() {
    let world = World::new();
    for (source, action) in [
        ("rds:prod-2026-11-21", "RestoreDBInstanceFromDBSnapshot"),
        ("pitr:db-PROD", "RestoreDBInstanceToPointInTime"),
    ] {
        for call in [action, "DescribeDBInstances"] {
            for (name, effect) in faults() {
                for number in 1..=3 {
                    let what = format!("{name} at call {number} of {call}");
                    world.reset();
                    let operation = world
                        .restore(
                            json!({"instance": "prod"}),
                            source,
                            json!({"target": "back"}),
                        )
                        .await;
                    world
                        .aws
                        .script()
                        .fault(Fault::on(call, effect.clone()).call(number));
                    until_done(&world, &operation, &what).await;
                    assert_eq!(world.new_instances(), 1, "{what}");
                }
            }
        }
    }
}

#[tokio::test]
async fn credentials_that_end_during_the_wait_leave_it_running() {
    let world = World::new();
    let operation = world
        .restore(
            json!({"instance": "prod"}),
            "pitr:db-PROD",
            json!({"target": "back"}),
        )
        .await;
    let expired = Fault::on("DescribeDBInstances", Effect::TokenExpired)
        .call(3)
        .always();
    world.aws.script().fault(expired);
    let call = world.surroundings.call();
    let error = world
        .provider
        .perform(&operation, &call)
        .await
        .expect_err("no more looks");
    assert!(matches!(error, Error::Unknown { .. }), "{error:?}");
    assert_eq!(world.new_instances(), 1);
    world.aws.script().clear_faults();
    until_done(&world, &operation, "after a login").await;
    assert_eq!(world.new_instances(), 1);
}
