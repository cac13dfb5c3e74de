//! The provider: gives each call to the module of its kind.

use async_trait::async_trait;
use salvor_contract::Call;
use salvor_contract::Description;
use salvor_contract::Error;
use salvor_contract::Fields;
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

use crate::exec;
use crate::http_check;
use crate::manual;
use crate::notify;
use crate::open_secret;
use crate::render;
use crate::stated;
use crate::wait;

/// The provider `system`.
pub struct System {
    description: Description,
}

impl System {
    /// The provider. It has no configuration.
    pub fn new() -> Self {
        Self {
            description: Description {
                name: "system",
                summary: "Programs, HTTP checks, rendered files, people, notifications, waits.",
                config: Fields::none(),
                stores: vec![stated::kind()],
                actions: vec![
                    exec::kind(),
                    http_check::kind(),
                    render::kind(),
                    manual::kind(),
                    notify::kind(),
                    wait::kind(),
                ],
            },
        }
    }
}

impl Default for System {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Provider for System {
    fn description(&self) -> &Description {
        &self.description
    }

    fn refusals(&self, kind: &KindName, with: &Values) -> Vec<InputRefusal> {
        match kind.as_str() {
            // The name of a store as well.
            manual::NAME => [
                stated::refusals(with),
                manual::refusals(with),
                open_secret::refusals(with, None, &["ask", "commands"]),
            ]
            .concat(),
            exec::NAME => open_secret::refusals(with, Some("env"), &["argv", "probe", "stdin"]),
            http_check::NAME => {
                let open = open_secret::refusals(with, None, &["url", "body"]);
                // An error names the URL: not one with a secret in it.
                match open.is_empty() {
                    true => http_check::refusals(with),
                    false => open,
                }
            }
            render::NAME => render::refusals(with),
            _ => Vec::new(),
        }
    }

    async fn survey(&self, store: &StoreRequest, call: &Call<'_>) -> Result<Survey, Error> {
        match store.kind.as_str() {
            stated::NAME => stated::survey(store, call),
            _ => Err(store.of_no_kind()),
        }
    }

    fn recovery_points(
        &self,
        store: &StoreRequest,
        _: &Survey,
    ) -> Result<Vec<RecoveryPoint>, Error> {
        match store.kind.as_str() {
            stated::NAME => stated::recovery_points(store),
            _ => Err(store.of_no_kind()),
        }
    }

    async fn preview(&self, operation: &Operation, call: &Call<'_>) -> Result<Preview, Error> {
        match operation.action.as_str() {
            exec::NAME => exec::preview(operation, call).await,
            http_check::NAME => http_check::preview(operation),
            render::NAME => render::preview(operation, call),
            manual::NAME => manual::preview(operation),
            notify::NAME => notify::preview(operation),
            wait::NAME => wait::preview(operation),
            _ => Err(operation.of_no_action()),
        }
    }

    async fn perform(&self, operation: &Operation, call: &Call<'_>) -> Result<Outcome, Error> {
        call.may_begin()?;
        match operation.action.as_str() {
            exec::NAME => exec::perform(operation, call).await,
            http_check::NAME => http_check::perform(operation, call).await,
            render::NAME => render::perform(operation, call).await,
            manual::NAME => manual::perform(operation),
            notify::NAME => notify::perform(operation, call).await,
            wait::NAME => wait::perform(operation, call).await,
            _ => Err(operation.of_no_action()),
        }
    }

    async fn probe(&self, operation: &Operation, call: &Call<'_>) -> Result<Probe, Error> {
        match operation.action.as_str() {
            exec::NAME => exec::probe(operation, call).await,
            render::NAME => render::probe(operation, call),
            manual::NAME => Ok(manual::probe(operation)),
            // Looks are repeated, and so is a message.
            http_check::NAME | notify::NAME | wait::NAME => Ok(Probe::Absent),
            _ => Err(operation.of_no_action()),
        }
    }

    async fn remove(&self, operation: &Operation, call: &Call<'_>) -> Result<Removal, Error> {
        match operation.action.as_str() {
            render::NAME => render::remove(operation, call),
            // What a program made is not known here, and a message cannot be taken back.
            exec::NAME | http_check::NAME | manual::NAME | notify::NAME | wait::NAME => {
                Ok(Removal::NothingThere)
            }
            _ => Err(operation.of_no_action()),
        }
    }
}
