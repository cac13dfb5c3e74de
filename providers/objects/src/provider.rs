//! The provider itself: which call goes to which kind.

use std::sync::Arc;

use async_trait::async_trait;
use salvor_contract::Call;
use salvor_contract::Description;
use salvor_contract::Effect;
use salvor_contract::Error;
use salvor_contract::Finding;
use salvor_contract::InputRefusal;
use salvor_contract::KindName;
use salvor_contract::Operation;
use salvor_contract::Outcome;
use salvor_contract::Preview;
use salvor_contract::Probe;
use salvor_contract::Provider;
use salvor_contract::RecoveryPoint;
use salvor_contract::Removal;
use salvor_contract::SharedStore;
use salvor_contract::StoreRequest;
use salvor_contract::Survey;
use salvor_contract::Values;

use crate::actions::plan;
use crate::check::CheckInputs;
use crate::check::check;
use crate::check::verify;
use crate::client::Clients;
use crate::config::Config;
use crate::copy::Copy;
use crate::description::description;
use crate::failure::one_line;
use crate::place::Place;
use crate::shared::Shared;
use crate::shared::keeps_state;
use crate::store::Dated;
use crate::store::Whole;
use crate::store::refusals_of_dated;

/// The provider `objects`. It holds nothing but clients with their connections.
pub struct Objects {
    description: Description,
    clients: Clients,
}

/// The provider `objects`.
pub fn provider() -> Objects {
    Objects {
        description: description(),
        clients: Clients::new(),
    }
}

/// The actions.
enum Action {
    Sync,
    Copy,
    Check,
    Verify,
}

impl Action {
    fn of(operation: &Operation) -> Result<Self, Error> {
        match operation.action.as_str() {
            "objects.restore" | "objects.sync" => Ok(Self::Sync),
            "objects.copy" => Ok(Self::Copy),
            "objects.check" => Ok(Self::Check),
            "objects.verify" => Ok(Self::Verify),
            _ => Err(operation.of_no_action()),
        }
    }
}

/// The kinds of stores, with their inputs.
enum Store {
    Dated(Dated),
    Versions(Whole),
    Prefix(Whole),
}

impl Store {
    fn of(request: &StoreRequest) -> Result<Self, Error> {
        match request.kind.as_str() {
            "objects.dated" => Ok(Self::Dated(request.with.parse()?)),
            "objects.versions" => Ok(Self::Versions(request.with.parse()?)),
            "objects.prefix" => Ok(Self::Prefix(request.with.parse()?)),
            _ => Err(request.of_no_kind()),
        }
    }

    fn url(&self) -> &str {
        match self {
            Self::Dated(inputs) => &inputs.url,
            Self::Versions(inputs) | Self::Prefix(inputs) => &inputs.url,
        }
    }
}

#[async_trait]
impl Provider for Objects {
    fn description(&self) -> &Description {
        &self.description
    }

    fn refusals(&self, kind: &KindName, with: &Values) -> Vec<InputRefusal> {
        match kind.as_str() {
            "objects.dated" => refusals_of_dated(with),
            _ => Vec::new(),
        }
    }

    async fn survey(&self, store: &StoreRequest, call: &Call<'_>) -> Result<Survey, Error> {
        let kind = Store::of(store)?;
        let config: Config = store.config.parse()?;
        let place = Place::open_with(&self.clients, kind.url(), &config, call).await?;
        let look = async {
            match kind {
                Store::Dated(inputs) => inputs.survey(&place).await,
                Store::Versions(inputs) => inputs.survey_versions(&place, call).await,
                Store::Prefix(inputs) => inputs.survey_prefix(&place).await,
            }
        };
        place.told(call, look).await
    }

    fn recovery_points(
        &self,
        store: &StoreRequest,
        seen: &Survey,
    ) -> Result<Vec<RecoveryPoint>, Error> {
        match Store::of(store)? {
            Store::Dated(inputs) => inputs.points(seen),
            Store::Versions(inputs) => inputs.points_of_versions(seen),
            Store::Prefix(inputs) => inputs.points_of_prefix(seen),
        }
    }

    async fn preview(&self, operation: &Operation, call: &Call<'_>) -> Result<Preview, Error> {
        match Action::of(operation)? {
            Action::Sync => {
                let planned = plan(&self.clients, operation, call).await?;
                planned.preview(call).await
            }
            Action::Copy => {
                let copy = Copy::plan(&self.clients, operation, call).await?;
                copy.preview().await
            }
            Action::Check => {
                let inputs: CheckInputs = operation.with.parse()?;
                let summary = format!("{}: is looked at", one_line(&inputs.url));
                Ok(Preview::new(Effect::Read, summary))
            }
            Action::Verify => {
                let title = operation
                    .point
                    .as_ref()
                    .map(|chosen| chosen.point.title.as_str());
                let summary = format!("{}: is verified", title.unwrap_or("the recovery point"));
                Ok(Preview::new(Effect::Read, summary))
            }
        }
    }

    async fn perform(&self, operation: &Operation, call: &Call<'_>) -> Result<Outcome, Error> {
        match Action::of(operation)? {
            Action::Sync => {
                let planned = plan(&self.clients, operation, call).await?;
                planned.perform(operation, call).await
            }
            Action::Copy => {
                let copy = Copy::plan(&self.clients, operation, call).await?;
                copy.perform(operation, call).await
            }
            Action::Check => check(&self.clients, operation, call).await,
            Action::Verify => verify(&self.clients, operation, call).await,
        }
    }

    async fn probe(&self, operation: &Operation, call: &Call<'_>) -> Result<Probe, Error> {
        match Action::of(operation)? {
            Action::Sync => {
                let planned = plan(&self.clients, operation, call).await?;
                planned.probe(call).await
            }
            Action::Copy => {
                let copy = Copy::plan(&self.clients, operation, call).await?;
                copy.probe().await
            }
            // They change nothing, so they can be done again.
            Action::Check | Action::Verify => Ok(Probe::Absent),
        }
    }

    async fn observe(
        &self,
        operation: &Operation,
        _outcome: &Outcome,
        call: &Call<'_>,
    ) -> Result<Vec<Finding>, Error> {
        match Action::of(operation)? {
            Action::Sync => {
                let planned = plan(&self.clients, operation, call).await?;
                planned.observe(call).await
            }
            Action::Copy | Action::Check | Action::Verify => Ok(Vec::new()),
        }
    }

    async fn remove(&self, operation: &Operation, call: &Call<'_>) -> Result<Removal, Error> {
        match Action::of(operation)? {
            Action::Sync => {
                let planned = plan(&self.clients, operation, call).await?;
                planned.remove(operation).await
            }
            Action::Copy => {
                let copy = Copy::plan(&self.clients, operation, call).await?;
                copy.remove(operation).await
            }
            Action::Check | Action::Verify => Ok(Removal::NothingThere),
        }
    }

    fn keeps_state(&self, address: &str) -> Option<Result<(), Error>> {
        keeps_state(address)
    }

    async fn shared_store(
        &self,
        address: &str,
        config: &Values,
        call: &Call<'_>,
    ) -> Result<Arc<dyn SharedStore>, Error> {
        let config: Config = config.parse()?;
        let shared = Shared::open(&self.clients, address, &config, call).await?;
        Ok(Arc::new(shared))
    }
}
