//! The provider: finds the world and gives each call to the module of its kind.

use std::sync::Arc;
use std::sync::Mutex;

use async_trait::async_trait;
use salvor_contract::Call;
use salvor_contract::Class;
use salvor_contract::Description;
use salvor_contract::Error;
use salvor_contract::Finding;
use salvor_contract::Judgement;
use salvor_contract::Operation;
use salvor_contract::Outcome;
use salvor_contract::Preview;
use salvor_contract::Probe;
use salvor_contract::Provider;
use salvor_contract::RecoveryPoint;
use salvor_contract::Removal;
use salvor_contract::StoreRequest;
use salvor_contract::Survey;
use salvor_contract::Values;
use tokio::task::yield_now;

use crate::begin;
use crate::begin::class_of;
use crate::description::description;
use crate::facts;
use crate::fault::Verb;
use crate::inputs;
use crate::place::Place;
use crate::previewing;
use crate::removing;
use crate::surveying;
use crate::working::await_work;
use crate::working::meet_reading;
use crate::working::of;
use crate::working::outcome_of;
use crate::working::request;
use crate::working::strange;
use crate::world::Deed;
use crate::world::WorkState;
use crate::world::World;

/// The simulated provider.
pub struct Simulated {
    memory: Option<Arc<Mutex<World>>>,
    description: Description,
}

impl Default for Simulated {
    fn default() -> Self {
        Self::new()
    }
}

impl Simulated {
    /// Keeps each world in the file that the configuration names.
    pub fn new() -> Self {
        Self {
            memory: None,
            description: description(),
        }
    }

    /// Works on this world in memory, whatever the configuration names. Clones of the `Arc` see each change.
    pub fn in_memory(world: Arc<Mutex<World>>) -> Self {
        Self {
            memory: Some(world),
            description: description(),
        }
    }

    fn place(&self, config: &Values, call: &Call<'_>) -> Result<(Place, u64), Error> {
        let config: inputs::Config = config.parse()?;
        let place = match &self.memory {
            Some(world) => Place::Memory(Arc::clone(world)),
            None => Place::File(call.path(&config.world)),
        };
        Ok((place, config.speed))
    }
}

#[async_trait]
impl Provider for Simulated {
    fn description(&self) -> &Description {
        &self.description
    }

    async fn survey(&self, store: &StoreRequest, call: &Call<'_>) -> Result<Survey, Error> {
        let (place, _) = self.place(&store.config, call)?;
        let of = (&store.kind, store.store.as_str());
        meet_reading(&place, of, Verb::Survey, call).await?;
        let now = call.clock.now();
        surveying::survey(&place.look(now)?, store, now)
    }

    fn recovery_points(
        &self,
        store: &StoreRequest,
        seen: &Survey,
    ) -> Result<Vec<RecoveryPoint>, Error> {
        surveying::recovery_points(store, seen)
    }

    async fn preview(&self, operation: &Operation, call: &Call<'_>) -> Result<Preview, Error> {
        let (place, _) = self.place(&operation.config, call)?;
        meet_reading(&place, of(operation), Verb::Preview, call).await?;
        let now = call.clock.now();
        previewing::preview(&place.look(now)?, operation, now)
    }

    async fn perform(&self, operation: &Operation, call: &Call<'_>) -> Result<Outcome, Error> {
        call.may_begin()?;
        let (place, speed) = self.place(&operation.config, call)?;
        match operation.action.as_str() {
            "simulated.check" => {
                meet_reading(&place, of(operation), Verb::Perform, call).await?;
                facts::check(&place, operation, call)
            }
            "simulated.wait" => {
                meet_reading(&place, of(operation), Verb::Perform, call).await?;
                facts::wait(&place, operation, call).await
            }
            "simulated.verify" => {
                meet_reading(&place, of(operation), Verb::Perform, call).await?;
                facts::verify(&place, operation, call)
            }
            "simulated.run" if class_of(operation)? == Class::Read => {
                meet_reading(&place, of(operation), Verb::Perform, call).await?;
                let world = place.look(call.clock.now())?;
                Ok(Outcome::of(
                    begin::order(&world, operation, call.clock.now())?.outputs,
                ))
            }
            _ => {
                let name = request(&place, operation, speed, call).await?;
                call.progress.named(&name).await?;
                await_work(&place, &name, call).await
            }
        }
    }

    async fn probe(&self, operation: &Operation, call: &Call<'_>) -> Result<Probe, Error> {
        let (place, _) = self.place(&operation.config, call)?;
        meet_reading(&place, of(operation), Verb::Probe, call).await?;
        let world = place.look(call.clock.now())?;
        match class_of(operation)? {
            Class::Read => return Ok(Probe::Absent),
            Class::Unkeyed => {
                let why = "work of the class unkeyed carries no mark".to_owned();
                return Ok(Probe::CannotTell { why });
            }
            Class::Token | Class::Named | Class::Fenced | Class::Convergent => {}
        }
        let name = begin::work_name(operation)?.to_string();
        let Some(work) = begin::known(&world, operation, &name) else {
            return Ok(match begin::conflict(&world, operation)? {
                Some(found) => Probe::Conflict { found },
                None => Probe::Absent,
            });
        };
        Ok(match &work.state {
            WorkState::Running => Probe::InFlight { name: Some(name) },
            WorkState::Failed(_) => Probe::Done(outcome_of(work)),
            WorkState::Done if begin::holds(&world, work) => Probe::Done(outcome_of(work)),
            WorkState::Done if class_of(operation)? == Class::Convergent => Probe::Absent,
            WorkState::Done => Probe::CannotTell {
                why: format!("{name} was done, and what it made has changed since or is gone"),
            },
            WorkState::Strange(state) => Probe::CannotTell {
                why: strange(&name, state),
            },
        })
    }

    async fn observe(
        &self,
        operation: &Operation,
        outcome: &Outcome,
        call: &Call<'_>,
    ) -> Result<Vec<Finding>, Error> {
        let (place, _) = self.place(&operation.config, call)?;
        yield_now().await;
        let world = place.look(call.clock.now())?;
        let Some(work) = world.work.get(begin::work_name(operation)?.as_str()) else {
            return Ok(Vec::new());
        };
        let (subject, expected, observed) = match &work.deed {
            Deed::Content(shelf, name, _) => {
                let rows = world.shelf(*shelf).get(name).map(|content| content.rows);
                let expected = outcome.outputs.get("rows").map(ToString::to_string);
                (format!("rows of {}", shelf.key(name)), expected, rows)
            }
            Deed::Replicas(name, replicas) => {
                let found = world.deployments.get(name).map(|found| found.replicas);
                (
                    format!("replicas of {name}"),
                    Some(replicas.to_string()),
                    found,
                )
            }
            Deed::Value(..) | Deed::Backup(..) => return Ok(Vec::new()),
        };
        let expected = expected.unwrap_or_else(|| "any number".to_owned());
        let observed = observed.map_or_else(|| "nothing there".to_owned(), |n| n.to_string());
        let judgement = Judgement::of(expected == observed);
        Ok(vec![Finding {
            subject,
            expected,
            observed,
            judgement,
        }])
    }

    async fn remove(&self, operation: &Operation, call: &Call<'_>) -> Result<Removal, Error> {
        let (place, _) = self.place(&operation.config, call)?;
        meet_reading(&place, of(operation), Verb::Remove, call).await?;
        let removal = place.change(call.clock.now(), |world| removing::remove(world, operation));
        yield_now().await;
        removal
    }
}
