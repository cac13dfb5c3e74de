//! Swaps: two renames, each once, wherever one is interrupted.

use salvor_contract::Error;
use salvor_contract::Probe;
use salvor_contract::Provider as _;
use salvor_fakes::Effect;
use salvor_fakes::Fault;
use salvor_fakes::rds::Instance;
use serde_json::json;

use crate::support::World;

fn world() -> World {
    let mut world = World::new();
    world.before = world.aws.rds(|rds| {
        rds.add_instance(Instance::new("prod-restore"));
        rds.clone()
    });
    world
}

fn names(world: &World) -> Vec<(String, String)> {
    world.aws.rds(|rds| {
        let all = rds
            .instances
            .values()
            .filter(|it| it.id.starts_with("prod"));
        all.map(|it| (it.id.clone(), it.resource_id.clone()))
            .collect()
    })
}

fn swapped() -> Vec<(String, String)> {
    let pair = |name: &str, id: &str| (name.to_owned(), id.to_owned());
    vec![pair("prod", "db-PRODRESTORE"), pair("prod-old", "db-PROD")]
}

#[tokio::test]
async fn the_name_goes_to_the_restored_one_and_the_old_one_is_kept() {
    let world = world();
    let operation = world.operation(
        "aws.rds.swap",
        json!({"name": "prod", "new": "prod-restore", "old": "prod-old"}),
    );
    let call = world.surroundings.call();
    let preview = world
        .provider
        .preview(&operation, &call)
        .await
        .expect("a preview");
    assert_eq!(preview.destroys.len(), 1);
    let outcome = world
        .provider
        .perform(&operation, &call)
        .await
        .expect("swapped");
    assert_eq!(names(&world), swapped());
    assert!(
        outcome
            .outputs
            .text("endpoint")
            .is_some_and(|it| it.starts_with("prod."))
    );
}

#[tokio::test]
async fn a_name_that_is_taken_is_not_given_away() {
    let world = world();
    world
        .aws
        .rds(|rds| rds.add_instance(Instance::new("prod-old")));
    let operation = world.operation(
        "aws.rds.swap",
        json!({"name": "prod", "new": "prod-restore", "old": "prod-old"}),
    );
    let before = names(&world);
    let call = world.surroundings.call();
    let error = world
        .provider
        .perform(&operation, &call)
        .await
        .expect_err("prod-old is there");
    assert!(matches!(error, Error::Refused { .. }), "{error:?}");
    assert_eq!(names(&world), before);
}

#[tokio::test]
async fn a_rename_whose_answer_is_lost_is_not_made_twice() {
    let world = world();
    let operation = world.operation(
        "aws.rds.swap",
        json!({"name": "prod", "new": "prod-restore", "old": "prod-old"}),
    );
    for (name, effect) in Effect::all() {
        if matches!(effect, Effect::HeldBefore | Effect::HeldAfter) {
            continue;
        }
        for (action, number) in [
            ("ModifyDBInstance", 1),
            ("ModifyDBInstance", 2),
            ("AddTagsToResource", 1),
        ] {
            world.reset();
            world
                .aws
                .script()
                .fault(Fault::on(action, effect.clone()).call(number));
            let what = format!("{name} at {action} {number}");
            let mut tries = 0;
            loop {
                tries += 1;
                assert!(tries < 6, "{what}: it is never done");
                let call = world.surroundings.call();
                match world.provider.perform(&operation, &call).await {
                    Ok(_) => break,
                    Err(Error::Refused { .. } | Error::Transient { .. }) => {
                        let renamed = names(&world).iter().any(|(name, _)| name == "prod-old");
                        assert!(!renamed, "{what}: something was changed");
                    }
                    Err(Error::Unknown { .. }) => {
                        let found = world
                            .provider
                            .probe(&operation, &call)
                            .await
                            .expect("a look");
                        assert!(
                            !matches!(found, Probe::Conflict { .. }),
                            "{what}: {found:?}"
                        );
                    }
                }
            }
            assert_eq!(names(&world), swapped(), "{what}");
        }
    }
}
