//! The action `aws.rds.copy-snapshot`: a snapshot in another region, under another key, or kept when the original goes.
//!
//! Class `Named`, as a snapshot is. The copy is asked for in the region where it is to be, by the ARN of the original.

use std::collections::BTreeMap;

use salvor_aws_client::Failure;
use salvor_aws_client::of_request;
use salvor_contract::Call;
use salvor_contract::Counts;
use salvor_contract::Effect;
use salvor_contract::Error;
use salvor_contract::Finding;
use salvor_contract::InputRefusal;
use salvor_contract::Judgement;
use salvor_contract::Operation;
use salvor_contract::Outcome;
use salvor_contract::Preview;
use salvor_contract::Probe;
use salvor_contract::Removal;
use salvor_contract::Size;
use salvor_contract::Values;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::client::Clients;
use crate::client::Service;
use crate::config::Config;
use crate::made;
use crate::made::Looks;
use crate::made::Made as _;
use crate::made::Makes;
use crate::made::make;
use crate::mark::Mark;
use crate::removal::remove_snapshot;
use crate::snapshot::is_free;
use crate::snapshot::outcome;
use crate::snapshot::taken;
use crate::snapshots;
use crate::snapshots::Snapshot;
use crate::state::State;
use crate::subject::Kind;
use crate::subject::SNAPSHOT_MAX;
use crate::subject::Subject;
use crate::subject::check_identifier;

/// The name of the action.
pub(crate) const NAME: &str = "aws.rds.copy-snapshot";

/// `with` of the action.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct CopySnapshot {
    /// The snapshot: its identifier, or the ARN of one that another account shares.
    pub snapshot: String,
    /// The identifier of the copy.
    pub target: String,
    /// True for a snapshot of a cluster.
    #[serde(default)]
    pub of_cluster: bool,
    /// The region in which the snapshot is. Left out, it is that of the configuration.
    pub from: Option<String>,
    /// The region in which the copy is to be. Left out, it is that of the configuration.
    pub region: Option<String>,
    /// The KMS key of the copy, of the region in which it is to be. An encrypted snapshot needs one in another region.
    pub kms_key: Option<String>,
    /// The option group of the copy, where the snapshot's is not a default one and the copy is in another region.
    pub option_group: Option<String>,
    /// Tags of the copy, beside those of the snapshot.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// What of its inputs no world could make good.
pub(crate) fn refusals(with: &Values) -> Vec<InputRefusal> {
    InputRefusal::of_text(with, "target", |text| match text.contains("{{") {
        true => Ok(()),
        false => check_identifier(text, SNAPSHOT_MAX),
    })
    .into_iter()
    .collect()
}

struct Plan {
    /// Where the snapshot is.
    from: Service,
    /// Where the copy is to be.
    to: Service,
    source: Subject,
    target: Subject,
    inputs: CopySnapshot,
    mark: Mark,
}

impl Plan {
    async fn of(clients: &Clients, operation: &Operation, call: &Call<'_>) -> Result<Self, Error> {
        let inputs: CopySnapshot = operation.with.parse()?;
        check_identifier(&inputs.target, SNAPSHOT_MAX)?;
        let config: Config = operation.config.parse()?;
        let from = config.clone().in_region(inputs.from.as_deref());
        let to = config.in_region(inputs.region.as_deref());
        let kind = match inputs.of_cluster {
            true => Kind::Cluster,
            false => Kind::Instance,
        };
        let source = Subject {
            kind,
            name: inputs.snapshot.clone(),
        };
        Ok(Self {
            from: clients.service(&from, call).await?,
            to: clients.service(&to, call).await?,
            target: source.named(&inputs.target),
            mark: Mark::new(operation, &source.name),
            source,
            inputs,
        })
    }

    /// The snapshot, which must be whole.
    async fn original(&self) -> Result<Snapshot, Error> {
        let name = &self.source.name;
        let found = snapshots::look(&self.from, &self.source).await?;
        let found = found.ok_or_else(|| {
            Error::refused_with(
                format!("there is no snapshot {name} in {}", self.from.region),
                "Check its identifier and its region.",
            )
        })?;
        if found.state() != State::Ready {
            return Err(Error::refused_with(
                format!("the snapshot {name} is `{}`", found.status),
                "Copy it when it is available.",
            ));
        }
        let is_elsewhere = self.from.region != self.to.region;
        if found.is_encrypted && is_elsewhere && self.inputs.kms_key.is_none() {
            return Err(Error::refused_with(
                format!(
                    "the snapshot {name} is encrypted, and its key is of {}",
                    self.from.region
                ),
                format!("Give `kms-key`, a key of {}.", self.to.region),
            ));
        }
        Ok(found)
    }

    async fn send(&self) -> Result<(), Failure> {
        let plain = |error: Error| Failure {
            status: None,
            code: None,
            error,
        };
        let original = self.original().await.map_err(plain)?;
        let mut tags = original.tags.clone();
        tags.retain(|key, _| !key.starts_with("salvor:") && !key.starts_with("aws:"));
        tags.extend(self.inputs.tags.clone());
        // Given tags stand in the place of the original's: the service does not join the two.
        let tags = Some(self.mark.with(&tags));
        let doing = format!("copy the snapshot {}", self.source.name);
        let changes = &self.to.changes;
        match self.source.kind {
            Kind::Instance => changes
                .copy_db_snapshot()
                .source_db_snapshot_identifier(&original.arn)
                .target_db_snapshot_identifier(&self.target.name)
                .set_kms_key_id(self.inputs.kms_key.clone())
                .set_option_group_name(self.inputs.option_group.clone())
                .set_tags(tags)
                .send()
                .await
                .map(|_| ())
                .map_err(|error| of_request(&doing, error)),
            Kind::Cluster => changes
                .copy_db_cluster_snapshot()
                .source_db_cluster_snapshot_identifier(&original.arn)
                .target_db_cluster_snapshot_identifier(&self.target.name)
                .set_kms_key_id(self.inputs.kms_key.clone())
                .set_tags(tags)
                .send()
                .await
                .map(|_| ())
                .map_err(|error| of_request(&doing, error)),
        }
    }
}

impl Looks for Plan {
    type Thing = Snapshot;

    fn what(&self) -> String {
        format!("snapshot {}", self.target.name)
    }

    async fn look(&self) -> Result<Option<Snapshot>, Failure> {
        snapshots::look(&self.to, &self.target).await
    }
}

impl Makes for Plan {
    fn mark(&self) -> &Mark {
        &self.mark
    }

    fn taken(&self) -> &'static str {
        taken(self.target.kind)
    }

    async fn begin(&self) -> Result<(), Failure> {
        self.send().await
    }
}

/// What would be made.
pub(crate) async fn preview(
    clients: &Clients,
    operation: &Operation,
    call: &Call<'_>,
) -> Result<Preview, Error> {
    let plan = Plan::of(clients, operation, call).await?;
    is_free(&plan.to, &plan.target, &plan.mark).await?;
    let original = plan.original().await?;
    Ok(Preview {
        counts: Counts {
            created: Some(1),
            bytes: original.bytes.map(Size),
            ..Counts::default()
        },
        facts: Values::new()
            .with("target", "absent")
            .with("source", original.arn),
        known: Values::new().with("snapshot", plan.target.name.clone()),
        ..Preview::new(
            Effect::Create,
            format!(
                "{} in {}: a copy of {} in {}",
                plan.what(),
                plan.to.region,
                plan.source.name,
                plan.from.region
            ),
        )
    })
}

/// Copies it, once, and waits for it.
pub(crate) async fn perform(
    clients: &Clients,
    operation: &Operation,
    call: &Call<'_>,
) -> Result<Outcome, Error> {
    let plan = Plan::of(clients, operation, call).await?;
    let found = make(&plan, operation, call).await?;
    Ok(outcome(&plan.what(), &found))
}

/// What became of it.
pub(crate) async fn probe(
    clients: &Clients,
    operation: &Operation,
    call: &Call<'_>,
) -> Result<Probe, Error> {
    let plan = Plan::of(clients, operation, call).await?;
    made::probe(&plan, |found| Probe::Done(outcome(&plan.what(), found))).await
}

/// Whether the copy is under the key that was asked for.
pub(crate) async fn observe(
    clients: &Clients,
    operation: &Operation,
    call: &Call<'_>,
) -> Result<Vec<Finding>, Error> {
    let plan = Plan::of(clients, operation, call).await?;
    let Some(found) = snapshots::look(&plan.to, &plan.target).await? else {
        return Err(Error::refused(format!(
            "{} is not there any more",
            plan.what()
        )));
    };
    let Some(expected) = plan.inputs.kms_key else {
        return Ok(Vec::new());
    };
    let observed = found.kms_key.unwrap_or_default();
    let is_alias = expected.contains("alias/");
    let holds = observed == expected || observed.rsplit('/').next() == Some(&expected);
    Ok(vec![Finding {
        subject: format!("key of {}", format_args!("snapshot {}", plan.target.name)),
        judgement: match is_alias {
            // Only the key service can say what an alias stands for.
            true => Judgement::Inconclusive,
            false => Judgement::of(holds),
        },
        expected,
        observed,
    }])
}

/// Removes what it made.
pub(crate) async fn remove(
    clients: &Clients,
    operation: &Operation,
    call: &Call<'_>,
) -> Result<Removal, Error> {
    let plan = Plan::of(clients, operation, call).await?;
    remove_snapshot(&plan.to, &plan.target, &plan.mark, call).await
}
