//! The action `aws.rds.retention`: for how many days automated backups are kept, and so how far back every moment can
//! be reached.
//!
//! Class `Convergent`: it sets a state. Fewer days remove backups, so that is what it destroys.

use salvor_contract::Call;
use salvor_contract::Destroyed;
use salvor_contract::Effect;
use salvor_contract::Error;
use salvor_contract::Finding;
use salvor_contract::InputRefusal;
use salvor_contract::Judgement;
use salvor_contract::Operation;
use salvor_contract::Outcome;
use salvor_contract::Preview;
use salvor_contract::Probe;
use salvor_contract::TextChange;
use salvor_contract::Values;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::client::Clients;
use crate::client::Service;
use crate::config::Config;
use crate::database;
use crate::database::Database;
use crate::declared::differences;
use crate::fingerprint::fingerprint;
use crate::made::Made as _;
use crate::made::until;
use crate::requests::modify;
use crate::settings::Settings;
use crate::state::State;
use crate::subject::Subject;

/// The name of the action.
pub(crate) const NAME: &str = "aws.rds.retention";

/// `with` of the action.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Retention {
    /// The identifier of an instance.
    pub instance: Option<String>,
    /// The identifier of a cluster.
    pub cluster: Option<String>,
    /// The region. Left out, that of the configuration.
    pub region: Option<String>,
    /// Days for which automated backups are kept, 1 to 35. 0, which would turn them off, is not taken.
    pub days: i32,
    /// When they are taken: `02:00-02:30`, UTC. Left out, it stays.
    pub window: Option<String>,
}

/// What of its inputs no world could make good.
pub(crate) fn refusals(with: &Values) -> Vec<InputRefusal> {
    let days = with.get("days").and_then(serde_json::Value::as_i64);
    let error = days.and_then(|days| check(days).err());
    error
        .map(|error| InputRefusal::of("days", &error))
        .into_iter()
        .collect()
}

/// Amazon RDS API Reference, `ModifyDBInstance`, `BackupRetentionPeriod`.
fn check(days: i64) -> Result<(), Error> {
    match (1..=35).contains(&days) {
        true => Ok(()),
        false => Err(Error::refused_with(
            format!("automated backups are not kept for {days} days"),
            "Give 1 to 35 days; keep snapshots for longer.",
        )),
    }
}

struct Plan {
    service: Service,
    subject: Subject,
    days: i32,
    declared: Settings,
}

impl Plan {
    async fn of(clients: &Clients, operation: &Operation, call: &Call<'_>) -> Result<Self, Error> {
        let inputs: Retention = operation.with.parse()?;
        check(inputs.days.into())?;
        let config: Config = operation.config.parse()?;
        let config = config.in_region(inputs.region.as_deref());
        Ok(Self {
            service: clients.service(&config, call).await?,
            subject: Subject::of(inputs.instance.as_deref(), inputs.cluster.as_deref())?,
            days: inputs.days,
            declared: Settings {
                backup_retention_days: Some(inputs.days),
                backup_window: inputs.window,
                ..Settings::default()
            },
        })
    }

    fn is_so(&self, found: &Database) -> bool {
        differences(&self.declared, &found.settings).is_empty()
    }

    fn outcome(&self) -> Outcome {
        Outcome::of(Values::new().with("days", self.days))
    }
}

/// What would change.
pub(crate) async fn preview(
    clients: &Clients,
    operation: &Operation,
    call: &Call<'_>,
) -> Result<Preview, Error> {
    let plan = Plan::of(clients, operation, call).await?;
    let found = database::look_there(&plan.service, &plan.subject).await?;
    let days = found.settings.backup_retention_days.unwrap_or(0);
    let told = |days: i32, window: Option<&String>| {
        let window = window.map(|window| format!("backup-window = {window}\n"));
        Some(format!("days = {days}\n{}", window.unwrap_or_default()))
    };
    let window = found.settings.backup_window.as_ref();
    let effect = match plan.is_so(&found) {
        true => Effect::Nothing,
        false => Effect::Change,
    };
    let destroys = (plan.days < days).then(|| Destroyed {
        what: format!(
            "automated backups of the {} that are older than {} days; {days} are kept now",
            plan.subject, plan.days
        ),
        fingerprint: fingerprint(&plan.subject.name, &found.resource_id),
    });
    Ok(Preview {
        text: vec![TextChange {
            name: format!("automated backups of {}", plan.subject.name),
            before: told(days, window),
            after: told(plan.days, plan.declared.backup_window.as_ref().or(window)),
        }],
        destroys: destroys.into_iter().collect(),
        facts: Values::new()
            .with("resource-id", found.resource_id)
            .with("days", days),
        known: Values::new().with("days", plan.days),
        ..Preview::new(
            effect,
            format!(
                "{}: automated backups for {} days, {days} now",
                plan.subject, plan.days
            ),
        )
    })
}

/// Sets it and waits until it is so.
pub(crate) async fn perform(
    clients: &Clients,
    operation: &Operation,
    call: &Call<'_>,
) -> Result<Outcome, Error> {
    let plan = Plan::of(clients, operation, call).await?;
    let found = database::look_there(&plan.service, &plan.subject).await?;
    if plan.is_so(&found) {
        return Ok(plan.outcome());
    }
    call.may_begin()?;
    modify(&plan.service, &plan.subject, &plan.declared)
        .await
        .map_err(salvor_aws_client::Failure::of_change)?;
    let watched = database::Watched {
        service: &plan.service,
        subject: &plan.subject,
    };
    let found = until(&watched, |found| plan.is_so(found), None, call).await?;
    if plan.is_so(&found) {
        return Ok(plan.outcome());
    }
    Err(Error::unknown(format!(
        "the {} is `{}`",
        plan.subject, found.status
    )))
}

/// Whether it is so.
pub(crate) async fn probe(
    clients: &Clients,
    operation: &Operation,
    call: &Call<'_>,
) -> Result<Probe, Error> {
    let plan = Plan::of(clients, operation, call).await?;
    let found = database::look_there(&plan.service, &plan.subject).await?;
    Ok(match (plan.is_so(&found), found.state()) {
        (true, _) => Probe::Done(plan.outcome()),
        (false, State::Busy) if found.has_pending_changes => Probe::InFlight { name: None },
        (false, _) => Probe::Absent,
    })
}

/// Compares what was declared with what is there.
pub(crate) async fn observe(
    clients: &Clients,
    operation: &Operation,
    call: &Call<'_>,
) -> Result<Vec<Finding>, Error> {
    let plan = Plan::of(clients, operation, call).await?;
    let found = database::look_there(&plan.service, &plan.subject).await?;
    let days = found.settings.backup_retention_days.unwrap_or(0);
    Ok(vec![Finding {
        subject: format!("automated backups of the {}", plan.subject),
        expected: format!("kept for {} days", plan.days),
        observed: format!("kept for {days} days"),
        judgement: Judgement::of(plan.is_so(&found)),
    }])
}
