//! The provider itself: which call goes to which kind.

use async_trait::async_trait;
use salvor_contract::Call;
use salvor_contract::Description;
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
use salvor_contract::StoreRequest;
use salvor_contract::Survey;
use salvor_contract::Values;

use crate::client::Clients;
use crate::copy_snapshot;
use crate::description::description;
use crate::points;
use crate::restore;
use crate::retention;
use crate::snapshot;
use crate::store;
use crate::swap;

/// The provider `aws`. It holds nothing but clients with their connections.
pub struct Aws {
    description: Description,
    clients: Clients,
}

impl Aws {
    /// The provider.
    pub fn new() -> Self {
        Self {
            description: description(),
            clients: Clients::default(),
        }
    }
}

impl Default for Aws {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Provider for Aws {
    fn description(&self) -> &Description {
        &self.description
    }

    fn refusals(&self, kind: &KindName, with: &Values) -> Vec<InputRefusal> {
        match kind.as_str() {
            store::NAME => store::refusals(with),
            restore::NAME => restore::refusals(with),
            snapshot::NAME => snapshot::refusals(with),
            copy_snapshot::NAME => copy_snapshot::refusals(with),
            retention::NAME => retention::refusals(with),
            swap::NAME => swap::refusals(with),
            _ => Vec::new(),
        }
    }

    async fn survey(&self, store: &StoreRequest, call: &Call<'_>) -> Result<Survey, Error> {
        match store.kind.as_str() {
            store::NAME => store::survey(&self.clients, store, call).await,
            _ => Err(store.of_no_kind()),
        }
    }

    fn recovery_points(
        &self,
        store: &StoreRequest,
        seen: &Survey,
    ) -> Result<Vec<RecoveryPoint>, Error> {
        match store.kind.as_str() {
            store::NAME => points::points(seen),
            _ => Err(store.of_no_kind()),
        }
    }

    async fn preview(&self, operation: &Operation, call: &Call<'_>) -> Result<Preview, Error> {
        let clients = &self.clients;
        match operation.action.as_str() {
            restore::NAME => restore::preview(clients, operation, call).await,
            snapshot::NAME => snapshot::preview(clients, operation, call).await,
            copy_snapshot::NAME => copy_snapshot::preview(clients, operation, call).await,
            retention::NAME => retention::preview(clients, operation, call).await,
            swap::NAME => swap::preview(clients, operation, call).await,
            _ => Err(operation.of_no_action()),
        }
    }

    async fn perform(&self, operation: &Operation, call: &Call<'_>) -> Result<Outcome, Error> {
        call.may_begin()?;
        let clients = &self.clients;
        match operation.action.as_str() {
            restore::NAME => restore::perform(clients, operation, call).await,
            snapshot::NAME => snapshot::perform(clients, operation, call).await,
            copy_snapshot::NAME => copy_snapshot::perform(clients, operation, call).await,
            retention::NAME => retention::perform(clients, operation, call).await,
            swap::NAME => swap::perform(clients, operation, call).await,
            _ => Err(operation.of_no_action()),
        }
    }

    async fn probe(&self, operation: &Operation, call: &Call<'_>) -> Result<Probe, Error> {
        let clients = &self.clients;
        match operation.action.as_str() {
            restore::NAME => restore::probe(clients, operation, call).await,
            snapshot::NAME => snapshot::probe(clients, operation, call).await,
            copy_snapshot::NAME => copy_snapshot::probe(clients, operation, call).await,
            retention::NAME => retention::probe(clients, operation, call).await,
            swap::NAME => swap::probe(clients, operation, call).await,
            _ => Err(operation.of_no_action()),
        }
    }

    async fn observe(
        &self,
        operation: &Operation,
        _: &Outcome,
        call: &Call<'_>,
    ) -> Result<Vec<Finding>, Error> {
        let clients = &self.clients;
        match operation.action.as_str() {
            restore::NAME => restore::observe(clients, operation, call).await,
            copy_snapshot::NAME => copy_snapshot::observe(clients, operation, call).await,
            retention::NAME => retention::observe(clients, operation, call).await,
            swap::NAME => swap::observe(clients, operation, call).await,
            _ => Ok(Vec::new()),
        }
    }

    async fn remove(&self, operation: &Operation, call: &Call<'_>) -> Result<Removal, Error> {
        let clients = &self.clients;
        match operation.action.as_str() {
            restore::NAME => restore::remove(clients, operation, call).await,
            snapshot::NAME => snapshot::remove(clients, operation, call).await,
            copy_snapshot::NAME => copy_snapshot::remove(clients, operation, call).await,
            swap::NAME => swap::remove(clients, operation, call).await,
            // A retention was something before, and nobody kept what.
            _ => Ok(Removal::NothingThere),
        }
    }
}
