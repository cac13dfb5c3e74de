//! A world with a production database, and the operations on it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use salvor_aws::Aws as Provided;
use salvor_conformance::Surroundings;
use salvor_conformance::operation;
use salvor_conformance::store;
use salvor_contract::ChosenPoint;
use salvor_contract::Operation;
use salvor_contract::Provider as _;
use salvor_contract::Reach;
use salvor_contract::RecoveryPoint;
use salvor_contract::StoreRequest;
use salvor_contract::Values;
use salvor_fakes::Aws;
use salvor_fakes::rds::Cluster;
use salvor_fakes::rds::ClusterSnapshot;
use salvor_fakes::rds::Instance;
use salvor_fakes::rds::Rds;
use salvor_fakes::rds::Snapshot;
use serde_json::json;

/// A moment in the window of the fake's continuous backups.
pub const AT: &str = "2026-11-21T12:00:00Z";

/// The world: a fake with production in it, and what it was.
pub struct World {
    pub aws: Aws,
    pub before: Rds,
    pub provider: Provided,
    pub surroundings: Surroundings,
}

/// An instance of which no setting is a default.
pub fn production() -> Instance {
    Instance {
        class: "db.r6g.xlarge".to_owned(),
        multi_az: true,
        has_deletion_protection: true,
        copies_tags_to_snapshots: true,
        kms_key: Some("arn:aws:kms:us-east-1:123456789012:key/production".to_owned()),
        tags: BTreeMap::from([("team".to_owned(), "data".to_owned())]),
        ..Instance::new("prod")
    }
}

impl World {
    pub fn new() -> Self {
        let aws = Aws::start().expect("a port");
        let before = aws.rds(|rds| {
            let prod = production();
            rds.add_snapshot(Snapshot::new("rds:prod-2026-11-21", &prod, at()));
            rds.add_instance(prod);
            let aurora = Cluster {
                has_deletion_protection: true,
                ..Cluster::new("aurora")
            };
            rds.add_cluster_snapshot(ClusterSnapshot::new("rds:aurora-2026-11-21", &aurora, at()));
            rds.add_cluster(aurora.clone());
            for number in ["1", "2"] {
                rds.add_instance(Instance {
                    cluster: Some("aurora".to_owned()),
                    engine: aurora.engine.clone(),
                    class: "db.r6g.large".to_owned(),
                    ..Instance::new(&format!("aurora-{number}"))
                });
            }
            rds.clone()
        });
        Self {
            aws,
            before,
            provider: Provided::new(),
            surroundings: Surroundings::virtual_time()
                .allowing(std::time::Duration::from_secs(12 * 3600))
                .secret("env:ACCESS", "AKIAIOSFODNN7EXAMPLE")
                .secret("env:SECRET", "wJalrXUtnFEMI-EXAMPLEKEY"),
        }
    }

    /// Puts the world back as it was.
    pub fn reset(&self) {
        self.aws.script().clear_faults();
        self.aws.rds(|rds| *rds = self.before.clone());
    }

    pub fn config(&self) -> Values {
        config(&self.aws.endpoint())
    }

    pub fn store(&self, with: serde_json::Value) -> StoreRequest {
        StoreRequest {
            config: self.config(),
            ..store("aws.rds", values(with))
        }
    }

    pub fn operation(&self, action: &str, with: serde_json::Value) -> Operation {
        Operation {
            config: self.config(),
            ..operation(action, values(with))
        }
    }

    /// The points of a store.
    pub async fn points(&self, store: &StoreRequest) -> Vec<RecoveryPoint> {
        let call = self.surroundings.call();
        let seen = self.provider.survey(store, &call).await.expect("a survey");
        self.provider.recovery_points(store, &seen).expect("points")
    }

    /// The restore of this point of a store.
    pub async fn restore(
        &self,
        of: serde_json::Value,
        point: &str,
        with: serde_json::Value,
    ) -> Operation {
        let store = self.store(of);
        let points = self.points(&store).await;
        let point = points
            .iter()
            .find(|known| known.id.as_str() == point)
            .unwrap_or_else(|| panic!("no point {point} in {points:#?}"));
        Operation {
            point: Some(chosen(point)),
            store: Some(store),
            ..self.operation("aws.rds.restore", with)
        }
    }

    /// How many instances there are that were not there at first.
    pub fn new_instances(&self) -> u64 {
        let new = self.aws.rds(|rds| {
            let is_new = |name: &&String| !self.before.instances.contains_key(*name);
            rds.instances.keys().filter(is_new).count()
        });
        u64::try_from(new).expect("few")
    }
}

pub fn at() -> Timestamp {
    AT.parse().expect("a moment")
}

pub fn chosen(point: &RecoveryPoint) -> ChosenPoint {
    ChosenPoint {
        point: point.clone(),
        at: match point.reach {
            Reach::Moment(moment) => moment,
            Reach::Window { .. } => at(),
        },
    }
}

pub fn config(endpoint: &str) -> Values {
    values(json!({
        "endpoint": endpoint, "region": "us-east-1", "access-key": "env:ACCESS", "secret-key": "env:SECRET",
    }))
}

pub fn values(object: serde_json::Value) -> Values {
    serde_json::from_value(object).expect("an object")
}
