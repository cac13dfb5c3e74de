//! The action `aws.rds.swap`: a restored database takes the name, and so the endpoint, of the one that it replaces, which
//! is kept under another name.
//!
//! Two renames, in this order:
//!
//! ```text
//!            name      new       old
//! untouched  A         B         -         both are tagged with the mark first
//! half       -         B         A         nobody is reached by the name
//! done       B         -         A
//! ```
//!
//! Tags stay with a database when it is renamed, so whoever comes after a crash reads from them who is who, and goes on.
//! RDS refuses a name that is taken. A name is looked at before it is given all the same.

use salvor_aws_client::Failure;
use salvor_aws_client::of_request;
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
use salvor_contract::Removal;
use salvor_contract::Unit;
use salvor_contract::Update;
use salvor_contract::Values;
use schemars::JsonSchema;
use serde::Deserialize;
use std::time::Duration;

use aws_sdk_rds::types::Tag;

use crate::client::Clients;
use crate::client::Service;
use crate::config::Config;
use crate::database;
use crate::database::Database;
use crate::fingerprint::fingerprint;
use crate::made::Made as _;
use crate::state::State;
use crate::subject::DATABASE_MAX;
use crate::subject::Kind;
use crate::subject::Subject;
use crate::subject::check_identifier;

/// The name of the action.
pub(crate) const NAME: &str = "aws.rds.swap";

/// The database that goes out of the name, and the one that comes in.
const OUT: &str = "salvor:swapped-out";
const IN: &str = "salvor:swapped-in";

/// Between the first looks, and between later ones: a rename takes minutes.
const POLLS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(15));

/// `with` of the action.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Swap {
    /// The identifier that is reached by everybody.
    pub name: String,
    /// The identifier of the database that is to have it.
    pub new: String,
    /// The identifier under which the one that has it now is kept. There must be none of this name.
    pub old: String,
    /// True for clusters.
    #[serde(default)]
    pub of_cluster: bool,
    /// The region. Left out, that of the configuration.
    pub region: Option<String>,
}

/// What of its inputs no world could make good.
pub(crate) fn refusals(with: &Values) -> Vec<InputRefusal> {
    ["name", "new", "old"]
        .into_iter()
        .filter_map(|input| {
            InputRefusal::of_text(with, input, |text| match text.contains("{{") {
                true => Ok(()),
                false => check_identifier(text, DATABASE_MAX),
            })
        })
        .collect()
}

struct Plan {
    service: Service,
    name: Subject,
    new: Subject,
    old: Subject,
    mark: String,
}

/// How far it is.
enum Stage {
    /// Nothing was renamed.
    Untouched {
        out: Box<Database>,
        into: Option<Box<Database>>,
    },
    /// The name is free, and the one that had it is kept.
    Half { into: Database },
    /// A rename goes on.
    Busy(String),
    /// Both have their names.
    Done { now: Database },
    /// Something else stands there.
    Conflict(String),
}

impl Plan {
    async fn of(clients: &Clients, operation: &Operation, call: &Call<'_>) -> Result<Self, Error> {
        let inputs: Swap = operation.with.parse()?;
        for name in [&inputs.name, &inputs.new, &inputs.old] {
            check_identifier(name, DATABASE_MAX)?;
        }
        if inputs.name == inputs.new || inputs.name == inputs.old || inputs.new == inputs.old {
            return Err(Error::refused_with(
                "`name`, `new` and `old` are not three names",
                "Give each of the two databases a name of its own, before and after.",
            ));
        }
        let config: Config = operation.config.parse()?;
        let config = config.in_region(inputs.region.as_deref());
        let kind = match inputs.of_cluster {
            true => Kind::Cluster,
            false => Kind::Instance,
        };
        let name = Subject {
            kind,
            name: inputs.name,
        };
        Ok(Self {
            service: clients.service(&config, call).await?,
            new: name.named(&inputs.new),
            old: name.named(&inputs.old),
            name,
            mark: operation.mark.to_string(),
        })
    }

    fn carries(&self, found: &Database, tag: &str) -> bool {
        found.tags.get(tag) == Some(&self.mark)
    }

    async fn stage(&self) -> Result<Stage, Failure> {
        let named = database::look(&self.service, &self.name).await?;
        let new = database::look(&self.service, &self.new).await?;
        let old = database::look(&self.service, &self.old).await?;
        Ok(self.judged(named, new, old))
    }

    fn judged(
        &self,
        named: Option<Database>,
        new: Option<Database>,
        old: Option<Database>,
    ) -> Stage {
        let busy =
            |found: &Database| Stage::Busy(format!("{} is `{}`", found.subject, found.status));
        match (named, old) {
            (_, Some(old)) if !self.carries(&old, OUT) => Stage::Conflict(format!(
                "there is a {} that this operation did not name",
                old.subject
            )),
            (Some(now), Some(old)) if self.carries(&now, IN) => {
                // The one before may be as broken as it was.
                match (now.state(), old.state()) {
                    (State::Ready, State::Busy) => busy(&old),
                    (State::Ready, _) => Stage::Done { now },
                    _ => busy(&now),
                }
            }
            // The list may still tell the one that was renamed by both of its names.
            (Some(named), Some(_)) if self.carries(&named, OUT) => busy(&named),
            (Some(named), Some(_)) => Stage::Conflict(format!(
                "there is a {} that this operation did not name, and the one before is {}",
                named.subject, self.old.name
            )),
            (None, Some(old)) => match new {
                _ if old.state() == State::Busy => busy(&old),
                Some(into) if into.state() == State::Ready => Stage::Half { into },
                Some(into) => busy(&into),
                // Between its two names a database can be told by neither.
                None => Stage::Busy(format!("{} has no name that is told", self.new)),
            },
            (Some(out), None) => match new {
                _ if out.state() == State::Busy => busy(&out),
                Some(into) if into.state() == State::Busy => busy(&into),
                into => Stage::Untouched {
                    out: Box::new(out),
                    into: into.map(Box::new),
                },
            },
            (None, None) => match new {
                Some(into) if self.carries(&into, IN) => {
                    Stage::Busy(format!("the {} is told by no name", self.name))
                }
                Some(_) | None => Stage::Conflict(format!("there is no {}", self.name)),
            },
        }
    }

    fn outcome(&self, now: &Database) -> Outcome {
        Outcome::of(
            Values::new()
                .with("endpoint", now.endpoint.clone().unwrap_or_default())
                .with("port", now.port.unwrap_or_default())
                .with("resource-id", now.resource_id.clone())
                .with("old", self.old.name.clone()),
        )
    }

    async fn tag(&self, found: &Database, tag: &str) -> Result<(), Failure> {
        if self.carries(found, tag) {
            return Ok(());
        }
        let tag = Tag::builder().key(tag).value(&self.mark).build();
        self.service
            .changes
            .add_tags_to_resource()
            .resource_name(&found.arn)
            .tags(tag)
            .send()
            .await
            .map(|_| ())
            .map_err(|error| of_request(&format!("tag the {}", found.subject), error))
    }

    async fn rename(&self, from: &Subject, to: &Subject) -> Result<(), Failure> {
        let doing = format!("rename the {from} to {}", to.name);
        let changes = &self.service.changes;
        match from.kind {
            Kind::Instance => changes
                .modify_db_instance()
                .db_instance_identifier(&from.name)
                .new_db_instance_identifier(&to.name)
                .apply_immediately(true)
                .send()
                .await
                .map(|_| ())
                .map_err(|error| of_request(&doing, error)),
            Kind::Cluster => changes
                .modify_db_cluster()
                .db_cluster_identifier(&from.name)
                .new_db_cluster_identifier(&to.name)
                .apply_immediately(true)
                .send()
                .await
                .map(|_| ())
                .map_err(|error| of_request(&doing, error)),
        }
    }
}

/// What would be renamed.
pub(crate) async fn preview(
    clients: &Clients,
    operation: &Operation,
    call: &Call<'_>,
) -> Result<Preview, Error> {
    let plan = Plan::of(clients, operation, call).await?;
    let mut unknown = Vec::new();
    let out = match plan.stage().await? {
        Stage::Untouched { out, into } => {
            if into.is_none() {
                unknown.push(format!("the {}, which is not there yet", plan.new));
            }
            out
        }
        Stage::Busy(why) => return Err(Error::transient(why)),
        Stage::Conflict(why) => {
            return Err(Error::refused_with(
                why,
                "Give `name` the identifier that is in use, and `old` one that is free.",
            ));
        }
        Stage::Half { .. } | Stage::Done { .. } => {
            return Err(Error::refused("this operation has begun already"));
        }
    };
    let id = &out.resource_id;
    Ok(Preview {
        destroys: vec![Destroyed {
            what: format!(
                "{} ({id}) is no longer reached by its name: it is kept as {}",
                plan.name, plan.old.name
            ),
            fingerprint: fingerprint(&plan.name.name, id),
        }],
        unknown,
        facts: Values::new()
            .with("resource-id", id.clone())
            .with("old", "absent"),
        known: Values::new().with("old", plan.old.name.clone()),
        ..Preview::new(
            Effect::Replace,
            format!(
                "{}: becomes {}, and {} takes its name",
                plan.name, plan.old.name, plan.new.name
            ),
        )
    })
}

/// Renames both, each once.
pub(crate) async fn perform(
    clients: &Clients,
    operation: &Operation,
    call: &Call<'_>,
) -> Result<Outcome, Error> {
    let plan = Plan::of(clients, operation, call).await?;
    // A rename that was sent and is not told of yet is not sent again by this call.
    let (mut is_out_sent, mut is_in_sent) = (false, false);
    let mut poll = POLLS.0;
    loop {
        let waiting = match plan.stage().await {
            Ok(Stage::Done { now }) => return Ok(plan.outcome(&now)),
            Ok(Stage::Conflict(why)) => {
                return Err(match is_out_sent || is_in_sent {
                    true => Error::unknown(why),
                    false => Error::refused(why),
                });
            }
            Ok(Stage::Untouched { out, into }) if !is_out_sent => {
                let into = ready(&plan, into)?;
                call.may_begin()?;
                plan.tag(&into, IN).await.map_err(Failure::of_change)?;
                plan.tag(&out, OUT).await.map_err(Failure::of_change)?;
                sent(plan.rename(&plan.name, &plan.old).await)?;
                is_out_sent = true;
                format!("the {} to be {}", plan.name, plan.old.name)
            }
            Ok(Stage::Half { into }) if !is_in_sent => {
                plan.tag(&into, IN).await.map_err(begun)?;
                sent(plan.rename(&plan.new, &plan.name).await).map_err(|error| match error {
                    Error::Unknown { .. } => error,
                    Error::Refused { what, .. } | Error::Transient { what, .. } => {
                        Error::unknown(format!("nothing is reached as {}: {what}", plan.name.name))
                    }
                })?;
                is_in_sent = true;
                format!("the {} to be {}", plan.new, plan.name.name)
            }
            Ok(Stage::Untouched { .. }) => format!("the {} to be renamed", plan.name),
            Ok(Stage::Half { .. }) => format!("the {} to be renamed", plan.new),
            Ok(Stage::Busy(what)) => what,
            Err(failure) => match failure.error {
                Error::Transient { what, .. } => what,
                error @ Error::Refused { .. } if !(is_out_sent || is_in_sent) => return Err(error),
                Error::Refused { what, .. } | Error::Unknown { what } => {
                    return Err(Error::unknown(what));
                }
            },
        };
        call.progress.update(Update {
            done: u64::from(is_out_sent) + u64::from(is_in_sent),
            total: Some(2),
            unit: Unit::Things,
            says: Some(waiting.clone()),
        });
        call.pause(poll, &waiting).await?;
        poll = (poll * 2).min(POLLS.1);
    }
}

/// The one that comes in must be whole; the one that goes out may be what was lost.
fn ready(plan: &Plan, into: Option<Box<Database>>) -> Result<Box<Database>, Error> {
    let into = into.ok_or_else(|| Error::refused(format!("there is no {}", plan.new)))?;
    if into.state() != State::Ready {
        return Err(Error::refused_with(
            format!("the {} is `{}`", into.subject, into.status),
            "Swap when it is available.",
        ));
    }
    Ok(into)
}

/// A rename that was asked for. Where the service is busy with one, or the name is not free yet, a look tells more.
fn sent(answer: Result<(), Failure>) -> Result<(), Error> {
    match answer {
        Err(failure)
            if failure.is("InvalidDBInstanceState") || failure.is("InvalidDBClusterStateFault") =>
        {
            Ok(())
        }
        answer => answer.map_err(Failure::of_change),
    }
}

/// After the first rename nothing is "nothing was changed".
fn begun(failure: Failure) -> Error {
    Error::unknown(failure.error.to_string())
}

/// How far it is.
pub(crate) async fn probe(
    clients: &Clients,
    operation: &Operation,
    call: &Call<'_>,
) -> Result<Probe, Error> {
    let plan = Plan::of(clients, operation, call).await?;
    Ok(match plan.stage().await? {
        Stage::Untouched { .. } => Probe::Absent,
        Stage::Half { .. } | Stage::Busy(_) => Probe::InFlight { name: None },
        Stage::Done { now } => Probe::Done(plan.outcome(&now)),
        Stage::Conflict(found) => Probe::Conflict { found },
    })
}

/// Who is reached by the name now.
pub(crate) async fn observe(
    clients: &Clients,
    operation: &Operation,
    call: &Call<'_>,
) -> Result<Vec<Finding>, Error> {
    let plan = Plan::of(clients, operation, call).await?;
    let is_done = matches!(plan.stage().await?, Stage::Done { .. });
    Ok(vec![Finding {
        subject: plan.name.to_string(),
        expected: format!(
            "what was {}, and the one before is {}",
            plan.new.name, plan.old.name
        ),
        observed: match is_done {
            true => "it is".to_owned(),
            false => "it is not".to_owned(),
        },
        judgement: Judgement::of(is_done),
    }])
}

/// Nothing of it was made here: both databases were there before.
pub(crate) async fn remove(
    clients: &Clients,
    operation: &Operation,
    call: &Call<'_>,
) -> Result<Removal, Error> {
    let plan = Plan::of(clients, operation, call).await?;
    Ok(match plan.stage().await? {
        Stage::Untouched { .. } => Removal::NothingThere,
        Stage::Half { .. } | Stage::Busy(_) | Stage::Done { .. } | Stage::Conflict(_) => {
            Removal::NotOurs(format!(
                "{} and {}, which were there before",
                plan.name, plan.old.name
            ))
        }
    })
}
