//! The action `aws.rds.restore`: a new database of a recovery point.
//!
//! Class `Named`: the target's identifier is the plan's, and only one database can have it. It carries the operation's
//! mark and what it is made of in its tags, so a call whose answer was lost is found again, and what another made under
//! the name is left alone. An Aurora cluster comes without instances; they are made one by one, each under its name.

use salvor_aws_client::Failure;
use salvor_contract::Call;
use salvor_contract::ChosenPoint;
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
use salvor_contract::Reach;
use salvor_contract::Removal;
use salvor_contract::TextChange;
use salvor_contract::Values;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::client::Clients;
use crate::client::Service;
use crate::database;
use crate::database::Database;
use crate::declared::Difference;
use crate::declared::differences;
use crate::declared::findings;
use crate::made;
use crate::made::Looks;
use crate::made::Made as _;
use crate::made::Makes;
use crate::made::SETTLE;
use crate::made::failure;
use crate::made::in_flight;
use crate::made::make;
use crate::made::occupied;
use crate::made::until;
use crate::mark::Mark;
use crate::mark::Whose;
use crate::moment::seconds;
use crate::points::Details;
use crate::points::Source;
use crate::removal::remove_database;
use crate::requests::Request;
use crate::requests::can_be_modified;
use crate::requests::modify;
use crate::settings::Settings;
use crate::settings::object;
use crate::snapshots;
use crate::state::State;
use crate::state::of_database;
use crate::store::opened;
use crate::subject::DATABASE_MAX;
use crate::subject::Kind;
use crate::subject::Subject;
use crate::subject::check_identifier;

/// The name of the action.
pub(crate) const NAME: &str = "aws.rds.restore";

/// `with` of the action.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Restore {
    /// The identifier of the new instance or cluster. There must be none of this name.
    pub target: String,
    /// Settings that are to be other than the original's. What neither the original nor this tells, AWS chooses.
    pub settings: Option<Settings>,
}

/// What of its inputs no world could make good.
pub(crate) fn refusals(with: &Values) -> Vec<InputRefusal> {
    InputRefusal::of_text(with, "target", |text| match text.contains("{{") {
        true => Ok(()),
        false => check_identifier(text, DATABASE_MAX),
    })
    .into_iter()
    .collect()
}

/// A restore whose inputs and point are known.
struct Plan {
    service: Service,
    target: Subject,
    original: Subject,
    details: Details,
    title: String,
    at: jiff::Timestamp,
    declared: Settings,
    mark: Mark,
}

impl Plan {
    async fn of(clients: &Clients, operation: &Operation, call: &Call<'_>) -> Result<Self, Error> {
        let inputs: Restore = operation.with.parse()?;
        check_identifier(&inputs.target, DATABASE_MAX)?;
        let (Some(store), Some(chosen)) = (&operation.store, &operation.point) else {
            return Err(Error::refused("a restore needs a store and a point of it"));
        };
        let (rds, service) = opened(clients, store, call).await?;
        let original = rds.subject()?;
        let details: Details = chosen.point.details.parse()?;
        let own = inputs.settings.unwrap_or_default();
        if original.kind == Kind::Instance && own.kms_key.is_some() {
            return Err(Error::refused_with(
                "an instance is restored with the key of its snapshot or backups",
                "Copy the snapshot with the other key first, by `aws.rds.copy-snapshot`.",
            ));
        }
        let declared = own.over(&details.settings);
        let at = seconds(chosen.at);
        Ok(Self {
            target: original.named(&inputs.target),
            mark: Mark::new(operation, &made_of(chosen, &details, at)),
            title: chosen.point.title.clone(),
            service,
            original,
            details,
            at,
            declared,
        })
    }

    fn request(&self) -> Request<'_> {
        Request {
            target: &self.target,
            original: &self.original.name,
            details: &self.details,
            at: self.at,
            declared: &self.declared,
            mark: &self.mark,
        }
    }

    /// The settings that can still be set, where they are not as declared.
    fn correctable(&self, found: &Database) -> Option<Settings> {
        let differing = differences(&self.declared, &found.settings);
        let named: serde_json::Map<_, _> = differing
            .into_iter()
            .filter(|difference| can_be_modified(self.target.kind, &difference.name))
            .map(|Difference { name, expected, .. }| (name, expected))
            .collect();
        (!named.is_empty()).then(|| {
            serde_json::from_value(named.into()).expect("some of the settings are settings")
        })
    }

    /// The instances of the cluster that are not there.
    fn missing<'m>(&'m self, found: &Database) -> Vec<&'m crate::settings::Member> {
        let declared = self.declared.members.iter().flatten();
        let is_missing = |member: &&crate::settings::Member| {
            let name = member.name_in(&self.target.name);
            !found.members.iter().any(|(there, _)| *there == name)
        };
        declared.filter(is_missing).collect()
    }

    /// Whether all instances of the cluster are there, and none of them is still being made.
    fn has_members(&self, found: &Database) -> bool {
        let mut members = found.members.iter();
        self.missing(found).is_empty()
            && members.all(|(_, status)| of_database(status) != State::Busy)
    }

    fn outcome(&self, found: &Database) -> Outcome {
        let what = self.target.to_string();
        Outcome {
            outputs: outputs(found),
            findings: failure(&what, found).into_iter().collect(),
        }
    }
}

impl Looks for Plan {
    type Thing = Database;

    fn what(&self) -> String {
        self.target.to_string()
    }

    async fn look(&self) -> Result<Option<Database>, Failure> {
        database::look(&self.service, &self.target).await
    }
}

impl Makes for Plan {
    fn mark(&self) -> &Mark {
        &self.mark
    }

    fn taken(&self) -> &'static str {
        match self.target.kind {
            Kind::Instance => "DBInstanceAlreadyExists",
            Kind::Cluster => "DBClusterAlreadyExistsFault",
        }
    }

    async fn begin(&self) -> Result<(), Failure> {
        self.request().send(&self.service).await
    }
}

/// Of what it is made, as its mark tells it.
fn made_of(chosen: &ChosenPoint, details: &Details, at: jiff::Timestamp) -> String {
    match (&details.snapshot, chosen.point.reach) {
        (Some(snapshot), _) => snapshot.clone(),
        (None, Reach::Window { .. } | Reach::Moment(_)) => format!("{}@{at}", details.resource_id),
    }
}

fn outputs(found: &Database) -> Values {
    Values::new()
        .with("target", found.subject.name.clone())
        .with("endpoint", found.endpoint.clone().unwrap_or_default())
        .with("port", found.port.unwrap_or_default())
        .with("arn", found.arn.clone())
        .with("resource-id", found.resource_id.clone())
        .with("engine-version", found.engine_version.clone())
}

/// What would be made.
pub(crate) async fn preview(
    clients: &Clients,
    operation: &Operation,
    call: &Call<'_>,
) -> Result<Preview, Error> {
    let plan = Plan::of(clients, operation, call).await?;
    let what = plan.target.to_string();
    if let Some(found) = plan.look().await? {
        let whose = match plan.mark.whose(&found.tags) {
            Whose::Ours => "made by this run".to_owned(),
            Whose::Others(whose) => whose,
        };
        return Err(occupied(&what, &whose));
    }
    plan.is_point_there().await?;
    let mut summary = format!("{what}: new, {}", plan.title);
    if plan.details.from != Source::Snapshot {
        summary = format!("{summary} at {}", plan.at);
    }
    if let Some(class) = &plan.declared.class {
        summary = format!("{summary}, {class}");
    }
    let members = plan.declared.members.as_ref().map_or(0, Vec::len);
    let declared = serde_json::Value::Object(object(&plan.declared));
    Ok(Preview {
        counts: Counts {
            created: Some(1 + u64::try_from(members).unwrap_or_default()),
            bytes: operation
                .point
                .as_ref()
                .and_then(|chosen| chosen.point.size),
            ..Counts::default()
        },
        text: settings_text(&plan),
        unknown: unknown(&plan),
        facts: Values::new()
            .with("target", "absent")
            .with("settings", declared),
        known: Values::new().with("target", plan.target.name.clone()),
        ..Preview::new(Effect::Create, summary)
    })
}

impl Plan {
    /// A snapshot that was removed since the survey cannot be restored.
    async fn is_point_there(&self) -> Result<(), Error> {
        let Some(name) = &self.details.snapshot else {
            return Ok(());
        };
        let found = snapshots::look(&self.service, &self.original.named(name)).await?;
        match found {
            Some(found) if found.state() == State::Ready => Ok(()),
            Some(found) => Err(Error::refused_with(
                format!("the snapshot {name} is `{}`", found.status),
                "Plan again: another recovery point is chosen.",
            )),
            None => Err(Error::refused_with(
                format!("the snapshot {name} is not there any more"),
                "Plan again: another recovery point is chosen.",
            )),
        }
    }
}

/// The original's settings and those of the target, a line each.
fn settings_text(plan: &Plan) -> Vec<TextChange> {
    let lines = |settings: &Settings| -> String {
        let object = object(settings);
        let lines = object
            .iter()
            .map(|(name, value)| format!("{name} = {value}\n"));
        lines.collect()
    };
    let (before, after) = (lines(&plan.details.settings), lines(&plan.declared));
    if before == after {
        return Vec::new();
    }
    vec![TextChange {
        name: format!("settings of {}", plan.target.name),
        before: Some(before),
        after: Some(after),
    }]
}

/// What nobody named, and AWS therefore chooses.
fn unknown(plan: &Plan) -> Vec<String> {
    let mut unknown = vec![format!("the endpoint of {}", plan.target.name)];
    let chosen = object(&plan.declared);
    for (setting, falls_back) in [
        ("subnet-group", "the default subnet group, and its VPC"),
        ("security-groups", "the default security group of the VPC"),
        (
            "parameter-group",
            "the default parameter group of the engine",
        ),
        ("option-group", "the default option group of the engine"),
        ("class", "a class of its own choice"),
        ("deletion-protection", "no deletion protection"),
    ] {
        let is_of_cluster = plan.target.kind == Kind::Cluster;
        let is_moot = is_of_cluster && matches!(setting, "class" | "option-group");
        if !chosen.contains_key(setting) && !is_moot {
            unknown.push(format!(
                "`{setting}` is named nowhere: AWS takes {falls_back}"
            ));
        }
    }
    if plan.target.kind == Kind::Instance && !chosen.contains_key("multi-az") {
        unknown.push("`multi-az` is named nowhere: AWS makes one zone of it".to_owned());
    }
    if plan.target.kind == Kind::Cluster
        && plan.details.engine.starts_with("aurora")
        && plan.declared.members.as_ref().is_none_or(Vec::is_empty)
    {
        unknown.push(
            "`members` are named nowhere: the cluster has no instance to reach it by".to_owned(),
        );
    }
    unknown
}

/// Makes it, once, and waits for it.
pub(crate) async fn perform(
    clients: &Clients,
    operation: &Operation,
    call: &Call<'_>,
) -> Result<Outcome, Error> {
    let plan = Plan::of(clients, operation, call).await?;
    let mut found = make(&plan, operation, call).await?;
    if found.state() == State::Ready {
        found = plan.with_members(found, call).await?;
    }
    if found.state() == State::Ready {
        found = plan.corrected(found, call).await?;
    }
    Ok(plan.outcome(&found))
}

impl Plan {
    /// Makes the instances of a cluster that are not there, and waits for all of them.
    async fn with_members(&self, found: Database, call: &Call<'_>) -> Result<Database, Error> {
        let request = self.request();
        for member in self.missing(&found) {
            match request.send_member(member, &self.service).await {
                Ok(()) => {}
                Err(failure) if failure.is("DBInstanceAlreadyExists") => {
                    self.is_of_target(&member.name_in(&self.target.name))
                        .await?;
                }
                // The cluster is there: nothing that happens now is "nothing was changed".
                Err(failure) => {
                    return Err(Error::unknown(format!(
                        "{} is there; {}",
                        self.target, failure.error
                    )));
                }
            }
        }
        until(self, |found| self.has_members(found), Some(found), call).await
    }

    /// An instance whose name is taken may be ours, made by a call whose answer was lost.
    async fn is_of_target(&self, name: &str) -> Result<(), Error> {
        let instance = Subject {
            kind: Kind::Instance,
            name: name.to_owned(),
        };
        match database::look(&self.service, &instance).await? {
            Some(found) if found.cluster.as_deref() != Some(&self.target.name) => {
                Err(Error::unknown(format!(
                    "{} is there without its {instance}: another one has that name",
                    self.target
                )))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Sets what the restore did not take, or could not be asked for, and waits until it is so.
    ///
    /// What stays otherwise although the service has nothing left to do is a finding of [`observe`].
    async fn corrected(&self, found: Database, call: &Call<'_>) -> Result<Database, Error> {
        let Some(to) = self.correctable(&found) else {
            return Ok(found);
        };
        match modify(&self.service, &self.target, &to).await {
            Ok(()) => {}
            // Something else goes on; the next look of the engine begins here again.
            Err(failure) => {
                return Err(Error::unknown(format!(
                    "{} is there; {}",
                    self.target, failure.error
                )));
            }
        }
        let asked = call.clock.elapsed();
        let is_over = |found: &Database| {
            let is_idle = found.state() == State::Ready && !found.has_pending_changes;
            is_idle && (self.correctable(found).is_none() || call.clock.elapsed() - asked > SETTLE)
        };
        until(self, is_over, None, call).await
    }
}

/// What became of it.
pub(crate) async fn probe(
    clients: &Clients,
    operation: &Operation,
    call: &Call<'_>,
) -> Result<Probe, Error> {
    let plan = Plan::of(clients, operation, call).await?;
    made::probe(&plan, |found| {
        let is_whole = plan.has_members(found) && plan.correctable(found).is_none();
        match found.state() {
            // `perform` makes what is missing.
            State::Ready if !is_whole => in_flight(found),
            State::Ready | State::Failed | State::Going | State::Busy | State::Unknown => {
                Probe::Done(plan.outcome(found))
            }
        }
    })
    .await
}

/// Compares what was declared with what is there.
pub(crate) async fn observe(
    clients: &Clients,
    operation: &Operation,
    call: &Call<'_>,
) -> Result<Vec<Finding>, Error> {
    let plan = Plan::of(clients, operation, call).await?;
    let found = database::look_there(&plan.service, &plan.target).await?;
    let what = plan.target.to_string();
    let mut all = findings(&what, &plan.declared, &found.settings);
    let engine = |engine: &str, version: &str| format!("{engine} {version}").trim().to_owned();
    let expected = engine(&plan.details.engine, &plan.details.engine_version);
    let observed = engine(&found.engine, &found.engine_version);
    if !plan.details.engine_version.is_empty() {
        all.push(Finding {
            subject: format!("engine of {what}"),
            judgement: Judgement::of(expected == observed),
            expected,
            observed,
        });
    }
    if let Some(key) = plan
        .details
        .kms_key
        .as_ref()
        .filter(|_| plan.declared.kms_key.is_none())
    {
        let observed = found.settings.kms_key.clone().unwrap_or_default();
        all.push(Finding {
            subject: format!("key of {what}"),
            expected: key.clone(),
            judgement: Judgement::of(observed == *key),
            observed,
        });
    }
    Ok(all)
}

/// Removes what it made.
pub(crate) async fn remove(
    clients: &Clients,
    operation: &Operation,
    call: &Call<'_>,
) -> Result<Removal, Error> {
    let plan = Plan::of(clients, operation, call).await?;
    remove_database(&plan.service, &plan.target, &plan.mark, call).await
}
