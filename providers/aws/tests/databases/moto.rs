//! A second opinion of the wire format: what moto makes of the same calls.

use anyhow::Result;
use salvor_conformance::Surroundings;
use salvor_conformance::operation;
use salvor_conformance::store;
use salvor_contract::Operation;
use salvor_contract::Provider as _;
use salvor_contract::Removal;
use salvor_testbed::Moto;
use salvor_testbed::require;
use serde_json::json;

use crate::support::chosen;
use crate::support::config;
use crate::support::values;

async fn with_production(endpoint: &str) -> aws_sdk_rds::Client {
    let config = aws_sdk_rds::Config::builder()
        .behavior_version(aws_sdk_rds::config::BehaviorVersion::v2026_01_12())
        .endpoint_url(endpoint)
        .region(aws_sdk_rds::config::Region::new("us-east-1"))
        .credentials_provider(aws_sdk_rds::config::Credentials::new(
            "a", "b", None, None, "test",
        ))
        .build();
    let client = aws_sdk_rds::Client::from_conf(config);
    client
        .create_db_instance()
        .db_instance_identifier("prod")
        .engine("postgres")
        .engine_version("16.4")
        .db_instance_class("db.m5.large")
        .allocated_storage(100)
        .master_username("owner")
        .master_user_password("not-a-real-one")
        .backup_retention_period(7)
        .send()
        .await
        .expect("moto makes an instance");
    client
}

#[tokio::test]
async fn a_snapshot_and_both_restores_on_moto() -> Result<()> {
    let Some(moto) = require(Moto::start()) else {
        return Ok(());
    };
    let client = with_production(&moto.endpoint()).await;
    let provider = salvor_aws::Aws::new();
    let surroundings = Surroundings::virtual_time()
        .secret("env:ACCESS", moto.access_key())
        .secret("env:SECRET", moto.secret_key());
    let call = surroundings.call();
    let config = config(&moto.endpoint());

    let take = Operation {
        config: config.clone(),
        ..operation(
            "aws.rds.snapshot",
            values(json!({"snapshot": "before", "instance": "prod", "tags": {"why": "test"}})),
        )
    };
    let taken = provider.perform(&take, &call).await?;
    assert_eq!(taken.outputs.text("snapshot"), Some("before"));

    let mut of_prod = store("aws.rds", values(json!({"instance": "prod"})));
    of_prod.config = config.clone();
    let seen = provider.survey(&of_prod, &call).await?;
    let points = provider.recovery_points(&of_prod, &seen)?;
    for (target, from) in [("of-moment", "pitr"), ("of-snapshot", "snapshot")] {
        let point = points
            .iter()
            .find(|point| point.details.text("from") == Some(from))
            .unwrap_or_else(|| panic!("no {from} in {points:#?}"));
        let mut chosen = chosen(point);
        chosen.at = point.reach.latest();
        let restore = Operation {
            config: config.clone(),
            store: Some(of_prod.clone()),
            point: Some(chosen),
            ..operation("aws.rds.restore", values(json!({"target": target})))
        };
        let outcome = provider.perform(&restore, &call).await?;
        assert_eq!(outcome.findings, []);
        assert!(
            outcome
                .outputs
                .text("endpoint")
                .is_some_and(|it| it.starts_with(target))
        );
        let again = provider.perform(&restore, &call).await?;
        assert_eq!(again, outcome);
        assert!(matches!(
            provider.remove(&restore, &call).await?,
            Removal::Removed(_)
        ));
    }
    let left = client.describe_db_instances().send().await?;
    assert_eq!(left.db_instances().len(), 1);
    Ok(())
}
