//! What a provider is asked to do.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::error::Error;
use crate::names::KindName;
use crate::names::OperationId;
use crate::names::RunId;
use crate::names::StepName;
use crate::names::StoreName;
use crate::point::RecoveryPoint;
use crate::values::Values;

/// A store to look at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StoreRequest {
    /// The store's name in the plan.
    pub store: StoreName,
    /// Its kind.
    pub kind: KindName,
    /// Its inputs, as the kind types them.
    pub with: Values,
    /// The provider's configuration in the plan.
    pub config: Values,
}

impl StoreRequest {
    /// The refusal of a kind that the provider does not have: a plan may be of a newer version.
    pub fn of_no_kind(&self) -> Error {
        Error::refused(format!("there is no kind of store `{}`", self.kind))
    }
}

/// One operation: one attempt of one step of one run.
///
/// Equal ids mean the same operation: `perform` of one that is done or under way must find it and not repeat it.
/// A provider marks what it makes with [`Operation::mark`], so that the next attempt finds what a failed one
/// left and goes on there; with the id it marks what a service must not take for a repetition, such as a token.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// The id, derived from run, step, attempt and inputs. At plan time, before there is a run, a
    /// placeholder: previews must not depend on it.
    pub id: OperationId,
    /// What the things that it makes are named and marked by: the id of the first attempt of the step in this run
    /// that was given the same inputs, of those since the step was last done. The first attempt's is its own id.
    pub mark: OperationId,
    /// The run that this belongs to.
    pub run: RunId,
    /// The step in the plan.
    pub step: StepName,
    /// Which try this is, from 1.
    pub attempt: u32,
    /// The journal's sequence number of the intent: grows with every operation of a run, so a resource
    /// that remembers the highest it has seen can refuse a late call (class `Fenced`).
    pub token: u64,
    /// The service's own name of it, when [`crate::Progress::named`] recorded one: a probe looks for it first.
    pub service_name: Option<String>,
    /// The action's kind.
    pub action: KindName,
    /// The inputs, rendered and typed; secrets are references.
    pub with: Values,
    /// The provider's configuration in the plan.
    pub config: Values,
    /// The store that is restored, backed up or verified, for the actions that have one.
    pub store: Option<StoreRequest>,
    /// The recovery point, for actions that restore or verify one.
    pub point: Option<ChosenPoint>,
    /// The answer of a person, for kinds that ask.
    pub answer: Option<Answer>,
}

impl Operation {
    /// The refusal of an action that the provider does not have: a change set may be of a newer version.
    pub fn of_no_action(&self) -> Error {
        Error::refused(format!("there is no action `{}`", self.action))
    }
}

/// A recovery point and the moment in its reach that was chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChosenPoint {
    /// The point as the survey reported it.
    pub point: RecoveryPoint,
    /// The moment to bring back, within the point's reach.
    pub at: Timestamp,
}

/// What a person answered to a step that asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The words of the answer, or the evidence itself when it is text.
    pub text: String,
    /// Who answered.
    pub by: String,
    /// The role in which they answered.
    pub role: Option<String>,
    /// When, by the clock of the machine where it was given.
    pub at: Timestamp,
    /// SHA-256 of a file that was given as evidence, hexadecimal, and its name.
    pub file: Option<(String, String)>,
}
