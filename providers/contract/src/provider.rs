//! The trait that every provider implements.

use std::sync::Arc;

use async_trait::async_trait;

use crate::call::Call;
use crate::error::Error;
use crate::input_refusal::InputRefusal;
use crate::kind::Description;
use crate::names::KindName;
use crate::operation::Operation;
use crate::operation::StoreRequest;
use crate::outcome::Finding;
use crate::outcome::Outcome;
use crate::outcome::Probe;
use crate::outcome::Removal;
use crate::point::RecoveryPoint;
use crate::point::Survey;
use crate::preview::Preview;
use crate::shared::SharedStore;
use crate::values::Values;

/// Something that salvor can recover with: a cloud, a database, a cluster, the local system.
///
/// A provider holds no state between calls that a second process would miss (a cache of connections is
/// fine), prints nothing, reads no environment but what its configuration names, and waits only by
/// [`Call::pause`]. The engine may drop a call's future at any await: that is a crash, and must leave
/// nothing that a later `probe` cannot find.
#[async_trait]
pub trait Provider: Send + Sync {
    /// What this provider tells about itself. Always the same.
    fn description(&self) -> &Description;

    /// What of the inputs of a store or an action it refuses whatever the world looks like: an expression that is none,
    /// an address that is none. Pure. Inputs that are known only in the run are not texts yet: [`Values::text`] gives
    /// what is written as it is.
    fn refusals(&self, kind: &KindName, with: &Values) -> Vec<InputRefusal> {
        let _ = (kind, with);
        Vec::new()
    }

    /// Looks at a store: reads only, paged to the end. What could not be seen is an error or is marked
    /// in the survey, never taken for absent. A provider without kinds of stores leaves it out.
    async fn survey(&self, store: &StoreRequest, call: &Call<'_>) -> Result<Survey, Error> {
        let _ = call;
        Err(store.of_no_kind())
    }

    /// The recovery points in what a survey saw. Pure. A provider without kinds of stores leaves it out.
    fn recovery_points(
        &self,
        store: &StoreRequest,
        seen: &Survey,
    ) -> Result<Vec<RecoveryPoint>, Error> {
        let _ = seen;
        Err(store.of_no_kind())
    }

    /// What the operation would change. Reads only.
    async fn preview(&self, operation: &Operation, call: &Call<'_>) -> Result<Preview, Error>;

    /// Does the operation, once: when it is done or under way under the same id, it is found and waited for.
    async fn perform(&self, operation: &Operation, call: &Call<'_>) -> Result<Outcome, Error>;

    /// Finds out what became of an operation that may have been begun. Reads only.
    async fn probe(&self, operation: &Operation, call: &Call<'_>) -> Result<Probe, Error>;

    /// Compares what was declared with what is there now, after `perform`. Reads only.
    async fn observe(
        &self,
        operation: &Operation,
        outcome: &Outcome,
        call: &Call<'_>,
    ) -> Result<Vec<Finding>, Error> {
        let _ = (operation, outcome, call);
        Ok(Vec::new())
    }

    /// Removes what the operation made, and only what carries its run's mark.
    async fn remove(&self, operation: &Operation, call: &Call<'_>) -> Result<Removal, Error>;

    /// Whether the state of an environment can be kept at this address: `None` when the address is not one of this
    /// provider's, an error when it is and is wrong. Pure. A provider without a shared store leaves it out.
    fn keeps_state(&self, address: &str) -> Option<Result<(), Error>> {
        let _ = address;
        None
    }

    /// Opens the shared store at an address that [`Provider::keeps_state`] knows. `config` is what the plan says beside
    /// the address, in the form of the provider's own configuration. Nothing need be asked of the store yet.
    async fn shared_store(
        &self,
        address: &str,
        config: &Values,
        call: &Call<'_>,
    ) -> Result<Arc<dyn SharedStore>, Error> {
        let _ = (config, call);
        Err(Error::refused(format!("no state is kept at {address}")))
    }
}
