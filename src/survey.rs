//! Asks the providers which recovery points the stores of a run have now.
//!
//! It only reads. What could not be seen is a value of its own, [`Unseen`], and never an empty list: the
//! selection must not take "could not be seen" for "there is none". It chooses nothing.

use std::any::Any;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::time::Duration;

use futures::FutureExt as _;
use futures::StreamExt as _;
use jiff::Timestamp;
use salvor_contract::Call;
use salvor_contract::Error;
use salvor_contract::RecoveryPoint;
use salvor_contract::StoreName;
use salvor_contract::StoreRequest;
use tokio_util::sync::CancellationToken;

use crate::graph::Graph;
use crate::model::instance::Instance;
use crate::model::instance::StoreRole;
use crate::registry::Registry;
use crate::surroundings::Heard;
use crate::surroundings::LOOK_MAX;
use crate::surroundings::SILENCE_MAX;
use crate::surroundings::Surroundings;
use crate::template;

/// How many providers are asked at once.
pub const CONCURRENT_MAX: usize = 16;

/// How often a look is tried that fails for a reason that may pass.
const ATTEMPTS: u32 = 3;

/// What the providers report now.
#[derive(Clone, Debug, PartialEq)]
pub struct Surveyed {
    /// When the look was finished.
    pub at: Timestamp,
    /// The recovery points of each store that was looked at, or why they could not be seen.
    pub stores: BTreeMap<StoreName, Result<Vec<RecoveryPoint>, Unseen>>,
}

/// A store that could not be looked at.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Unseen {
    /// What happened.
    pub what: String,
    /// What the operator can do, where the provider said it.
    pub hint: Option<String>,
}

/// The stores whose recovery point the run needs: those that a step restores or verifies, and those whose
/// point a step's inputs refer to.
pub fn touched_stores(plan: &Instance, graph: &Graph) -> BTreeSet<StoreName> {
    let mut touched = BTreeSet::new();
    for name in graph.steps() {
        let step = &plan.steps[name];
        match &step.store {
            Some((StoreRole::Restore | StoreRole::Verify, store)) => {
                touched.insert(store.clone());
            }
            Some((StoreRole::Backup, _)) | None => {}
        }
        for path in step
            .with
            .iter()
            .flat_map(|(_, value)| template::references(value))
        {
            if let [root, store, ..] = path.as_slice()
                && root == "stores"
            {
                touched.insert(StoreName::new(store.as_str()));
            }
        }
    }
    touched
}

/// A store's inputs and its provider's configuration, as the provider takes them; `None` for a store that
/// is declared without a kind.
pub fn request_of(plan: &Instance, name: &StoreName) -> Option<StoreRequest> {
    let store = plan.stores.get(name)?;
    let kind = store.kind.clone()?;
    Some(StoreRequest {
        store: name.clone(),
        with: store.with.clone(),
        config: plan
            .providers
            .get(kind.provider())
            .cloned()
            .unwrap_or_default(),
        kind,
    })
}

/// True when the store can only be looked at in the course of the run.
pub fn is_known_later(plan: &Instance, graph: &Graph, name: &StoreName) -> bool {
    let store = plan.stores.get(name);
    store
        .and_then(|store| store.known_after.as_ref())
        .is_some_and(|step| graph.contains(step))
}

/// All that is needed to look at the world: providers, what they are lent, and how to stop.
#[derive(Clone, Copy)]
pub struct Reading<'a> {
    /// The providers.
    pub registry: &'a Registry,
    /// Clock, secrets, programs, folders.
    pub surroundings: &'a Surroundings,
    /// Where a look may put files of its own.
    pub scratch: &'a Path,
    /// Set when the operator wants to stop.
    pub stop: &'a CancellationToken,
}

/// Looks at all stores whose point the run needs and that can be seen before it.
pub async fn survey(plan: &Instance, graph: &Graph, reading: &Reading<'_>) -> Surveyed {
    let wanted = touched_stores(plan, graph);
    let requests = wanted
        .iter()
        .filter(|name| !is_known_later(plan, graph, name))
        .filter_map(|name| request_of(plan, name));
    let looks = requests.map(|request| async move {
        let points = reading.points_of(&request).await;
        (request.store, points)
    });
    let stores = futures::stream::iter(looks)
        .buffer_unordered(CONCURRENT_MAX)
        .collect()
        .await;
    Surveyed {
        at: reading.surroundings.clock.now(),
        stores,
    }
}

impl Reading<'_> {
    /// The recovery points that one store has now.
    ///
    /// # Errors
    /// When it could not be looked at, or when what was seen makes no sense.
    pub async fn points_of(&self, request: &StoreRequest) -> Result<Vec<RecoveryPoint>, Unseen> {
        let provider = self
            .registry
            .provider(request.kind.provider())
            .ok_or_else(|| Unseen {
                what: format!(
                    "there is no provider for the kind `{}` in this build",
                    request.kind
                ),
                hint: None,
            })?;
        let points = self
            .ask(async |call: Call<'_>| {
                let seen = provider.survey(request, &call).await?;
                provider.recovery_points(request, &seen)
            })
            .await
            .map_err(unseen)?;
        let mut ids = BTreeSet::new();
        match points.iter().find(|point| !ids.insert(&point.id)) {
            Some(twice) => Err(Unseen {
                what: format!("two recovery points are called `{}`", twice.id),
                hint: None,
            }),
            None => Ok(points),
        }
    }

    /// Asks something that only reads, until it answers or nothing is heard of it, again when it fails for a reason
    /// that may pass. A panic and silence come back as errors.
    ///
    /// # Errors
    /// The provider's own error, when it stays.
    pub async fn ask<T>(
        &self,
        ask: impl AsyncFn(Call<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let clock = self.surroundings.clock.as_ref();
        let mut attempt = 1;
        loop {
            let heard = Heard::new(clock);
            let call = self
                .surroundings
                .call(&heard, self.stop.clone(), LOOK_MAX, self.scratch);
            let work = AssertUnwindSafe(ask(call)).catch_unwind();
            let result = tokio::select! {
                biased;
                () = self.stop.cancelled() => return Err(Error::transient("stopped by the operator")),
                result = work => result.unwrap_or_else(|panic| {
                    Err(Error::refused(format!("the provider panicked: {}", words_of(panic))))
                }),
                () = heard.silence(SILENCE_MAX) => Err(Error::transient(silent())),
            };
            match result {
                Err(Error::Transient { what, retry_after }) if attempt < ATTEMPTS => {
                    let wait =
                        retry_after.map_or(Duration::from_secs(1 << attempt), |p| p.duration());
                    if wait > SILENCE_MAX {
                        return Err(Error::Transient { what, retry_after });
                    }
                    tokio::select! {
                        () = clock.sleep(wait) => attempt += 1,
                        () = self.stop.cancelled() => return Err(Error::Transient { what, retry_after }),
                    }
                }
                result => return result,
            }
        }
    }
}

/// What is said of a look that hangs.
pub fn silent() -> String {
    format!(
        "no answer and no progress within {} s",
        SILENCE_MAX.as_secs()
    )
}

/// The words of a panic, where it has any.
pub fn words_of(panic: Box<dyn Any + Send>) -> String {
    // By value: a reference to the box is itself something that could be cast down, and has no words.
    let panic = match panic.downcast::<String>() {
        Ok(words) => return *words,
        Err(panic) => panic,
    };
    panic
        .downcast::<&str>()
        .map_or_else(|_| "no message".to_owned(), |words| (*words).to_owned())
}

fn unseen(error: Error) -> Unseen {
    Unseen {
        hint: error.hint().map(str::to_owned),
        what: error.to_string(),
    }
}
