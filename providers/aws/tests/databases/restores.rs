//! Restores: every setting of the original, failures, and what is left alone.

use std::collections::BTreeMap;

use salvor_contract::Error;
use salvor_contract::Judgement;
use salvor_contract::Probe;
use salvor_contract::Provider as _;
use salvor_contract::Removal;
use salvor_fakes::Course;
use salvor_fakes::Phase;
use salvor_fakes::rds::Instance;
use salvor_fakes::rds::Origin;
use serde_json::json;

use crate::support::World;
use crate::support::at;

#[tokio::test]
async fn a_restored_instance_has_every_setting_of_the_original() {
    let world = World::new();
    for (point, target) in [
        ("rds:prod-2026-11-21", "of-snapshot"),
        ("pitr:db-PROD", "of-moment"),
    ] {
        let operation = world
            .restore(
                json!({"instance": "prod"}),
                point,
                json!({"target": target}),
            )
            .await;
        let call = world.surroundings.call();
        let outcome = world
            .provider
            .perform(&operation, &call)
            .await
            .expect("restored");
        assert_eq!(outcome.findings, []);
        let endpoint = outcome.outputs.text("endpoint").expect("an endpoint");
        assert!(endpoint.starts_with(target), "{endpoint}");
        world.aws.rds(|rds| {
            let (old, new) = (&rds.instances["prod"], &rds.instances[target]);
            assert_eq!(new.class, old.class);
            assert_eq!(new.multi_az, old.multi_az);
            assert_eq!(new.subnet_group, old.subnet_group);
            assert_eq!(new.security_groups, old.security_groups);
            assert_eq!(new.parameter_group, old.parameter_group);
            assert_eq!(new.option_group, old.option_group);
            assert_eq!(new.storage_type, old.storage_type);
            assert_eq!(new.kms_key, old.kms_key);
            assert_eq!(new.has_deletion_protection, old.has_deletion_protection);
            assert_eq!(new.copies_tags_to_snapshots, old.copies_tags_to_snapshots);
            assert_eq!(new.tags["team"], "data");
        });
        let findings = world
            .provider
            .observe(&operation, &outcome, &call)
            .await
            .expect("seen");
        let failed: Vec<_> = findings
            .iter()
            .filter(|it| it.judgement != Judgement::Passed)
            .collect();
        assert!(failed.is_empty(), "{failed:#?}");
    }
    let origin = world
        .aws
        .rds(|rds| rds.instances["of-moment"].origin.clone());
    assert_eq!(origin, Some(Origin::Moment("prod".to_owned(), at())));
}

#[tokio::test]
async fn a_plan_overrides_the_original_and_a_preview_shows_it() {
    let world = World::new();
    let with = json!({"target": "small", "settings": {"class": "db.t4g.medium", "multi-az": false, "deletion-protection": false}});
    let operation = world
        .restore(json!({"instance": "prod"}), "rds:prod-2026-11-21", with)
        .await;
    let call = world.surroundings.call();
    let preview = world
        .provider
        .preview(&operation, &call)
        .await
        .expect("a preview");
    let after = preview.text[0].after.as_deref().unwrap_or_default();
    assert!(after.contains("class = \"db.t4g.medium\""), "{after}");
    assert_eq!(preview.known.text("target"), Some("small"));
    world
        .provider
        .perform(&operation, &call)
        .await
        .expect("restored");
    world.aws.rds(|rds| {
        let small = &rds.instances["small"];
        assert_eq!(small.class, "db.t4g.medium");
        assert!(!small.multi_az && !small.has_deletion_protection);
        assert_eq!(small.security_groups, ["sg-prod"]);
    });
}

#[tokio::test]
async fn defaults_that_nobody_named_are_said_before() {
    let world = World::new();
    world.aws.rds(|rds| rds.instances.remove("prod"));
    let operation = world
        .restore(
            json!({"instance": "prod"}),
            "rds:prod-2026-11-21",
            json!({"target": "back"}),
        )
        .await;
    let call = world.surroundings.call();
    let preview = world
        .provider
        .preview(&operation, &call)
        .await
        .expect("a preview");
    let unknown = preview.unknown.join("\n");
    for setting in [
        "subnet-group",
        "security-groups",
        "parameter-group",
        "class",
        "multi-az",
    ] {
        assert!(
            unknown.contains(&format!("`{setting}` is named nowhere")),
            "{unknown}"
        );
    }
}

#[tokio::test]
async fn a_setting_that_is_otherwise_afterwards_is_a_finding() {
    let world = World::new();
    let operation = world
        .restore(
            json!({"instance": "prod"}),
            "pitr:db-PROD",
            json!({"target": "back"}),
        )
        .await;
    let call = world.surroundings.call();
    let outcome = world
        .provider
        .perform(&operation, &call)
        .await
        .expect("restored");
    world.aws.rds(|rds| {
        let back = rds.instances.get_mut("back").expect("it is there");
        back.security_groups = vec!["sg-default".to_owned()];
        back.multi_az = false;
    });
    let findings = world
        .provider
        .observe(&operation, &outcome, &call)
        .await
        .expect("seen");
    let failed: Vec<&str> = findings
        .iter()
        .filter(|finding| finding.judgement == Judgement::Failed)
        .map(|finding| finding.subject.as_str())
        .collect();
    assert_eq!(
        failed,
        [
            "settings of instance back",
            "security-groups of instance back",
            "multi-az of instance back"
        ]
    );
}

#[tokio::test]
async fn a_restore_that_fails_at_the_service_is_a_finding_and_removes_nothing() {
    let world = World::new();
    world.aws.rds(|rds| {
        let course = Course::of([
            Phase::of("creating").readings(3),
            Phase::of("incompatible-network"),
        ]);
        rds.expect("back", course);
    });
    let operation = world
        .restore(
            json!({"instance": "prod"}),
            "pitr:db-PROD",
            json!({"target": "back"}),
        )
        .await;
    let call = world.surroundings.call();
    let outcome = world
        .provider
        .perform(&operation, &call)
        .await
        .expect("an outcome");
    assert_eq!(outcome.findings[0].observed, "incompatible-network");
    assert_eq!(outcome.findings[0].judgement, Judgement::Failed);
    assert!(world.aws.rds(|rds| rds.instances.contains_key("back")));
}

#[tokio::test]
async fn a_deadline_or_an_unknown_state_is_unknown_and_removes_nothing() {
    for status in ["creating", "a-state-of-next-year"] {
        let world = World::new();
        world.aws.rds(|rds| rds.expect("back", Course::at(status)));
        let operation = world
            .restore(
                json!({"instance": "prod"}),
                "pitr:db-PROD",
                json!({"target": "back"}),
            )
            .await;
        let call = world.surroundings.call();
        let error = world
            .provider
            .perform(&operation, &call)
            .await
            .expect_err("it never ends");
        assert!(matches!(error, Error::Unknown { .. }), "{error:?}");
        assert!(error.to_string().contains(status), "{error}");
        let found = world
            .provider
            .probe(&operation, &world.surroundings.call())
            .await;
        assert!(matches!(found, Ok(Probe::InFlight { .. })), "{found:?}");
    }
}

#[tokio::test]
async fn what_another_made_under_the_name_is_left_alone() {
    let world = World::new();
    world.aws.rds(|rds| {
        rds.add_instance(Instance {
            tags: BTreeMap::from([("salvor:operation".to_owned(), "another".to_owned())]),
            ..Instance::new("back")
        });
    });
    let operation = world
        .restore(
            json!({"instance": "prod"}),
            "pitr:db-PROD",
            json!({"target": "back"}),
        )
        .await;
    let call = world.surroundings.call();
    let provider = &world.provider;
    assert!(matches!(
        provider.preview(&operation, &call).await,
        Err(Error::Refused { .. })
    ));
    assert!(matches!(
        provider.perform(&operation, &call).await,
        Err(Error::Refused { .. })
    ));
    assert!(matches!(
        provider.probe(&operation, &call).await,
        Ok(Probe::Conflict { .. })
    ));
    assert!(matches!(
        provider.remove(&operation, &call).await,
        Ok(Removal::NotOurs(_))
    ));
    assert!(world.aws.rds(|rds| rds.instances.contains_key("back")));
}

#[tokio::test]
async fn a_cluster_comes_with_its_instances() {
    let world = World::new();
    let operation = world
        .restore(
            json!({"cluster": "aurora"}),
            "rds:aurora-2026-11-21",
            json!({"target": "back"}),
        )
        .await;
    let call = world.surroundings.call();
    let outcome = world
        .provider
        .perform(&operation, &call)
        .await
        .expect("restored");
    assert_eq!(outcome.findings, []);
    let members: Vec<(String, String)> = world.aws.rds(|rds| {
        let members = rds
            .instances
            .values()
            .filter(|it| it.cluster.as_deref() == Some("back"));
        members
            .map(|it| (it.id.clone(), it.class.clone()))
            .collect()
    });
    let class = "db.r6g.large".to_owned();
    assert_eq!(
        members,
        [
            ("back-1".to_owned(), class.clone()),
            ("back-2".to_owned(), class)
        ]
    );
}
