//! Recovery points: the moments to which a store can be brought back, as a survey found them.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;

use crate::names::PointId;
use crate::quantity::Size;
use crate::values::Values;

/// What a provider saw when it looked at a store. Opaque to the core.
///
/// It must hold all that [`crate::Provider::recovery_points`] needs, since that function reads nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Survey(pub Value);

/// One recovery point, or one window in which every moment is one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecoveryPoint {
    /// Its id, unique within the store and stable: a second survey of an unchanged world reports it again.
    pub id: PointId,
    /// Which moments it can bring back.
    pub reach: Reach,
    /// Whether it can be used.
    pub state: PointState,
    /// The bytes that a restore has to read, where known.
    pub size: Option<Size>,
    /// The number of things in it (objects, tables), where known.
    pub objects: Option<u64>,
    /// When its keeper will remove it, where known.
    pub expires: Option<Timestamp>,
    /// The backup id under which it was taken together with points of other stores.
    pub set: Option<String>,
    /// How it is named to a person: `PITR of app-1`, `dump pipelines/2026-04-05`.
    pub title: String,
    /// What the provider needs to restore exactly this point: keys, versions, digests. Its digest is part
    /// of the change set, so it must not change while the point stays the same.
    pub details: Values,
}

/// The moments that a recovery point can bring back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Reach {
    /// One moment: a snapshot, a dump, a dated prefix.
    Moment(Timestamp),
    /// Every moment of a closed interval: point-in-time recovery, object versions.
    Window {
        /// The first moment that can be reached.
        from: Timestamp,
        /// The last moment that can be reached at the time of the survey.
        to: Timestamp,
    },
}

impl Reach {
    /// The latest moment in reach.
    pub fn latest(&self) -> Timestamp {
        match self {
            Self::Moment(moment) => *moment,
            Self::Window { to, .. } => *to,
        }
    }
}

/// Whether a recovery point can be used. Only `Usable` ones are chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum PointState {
    /// Complete, as far as its keeper says and a survey can see.
    Usable,
    /// Parts are missing; what is missing, in words. Chosen only when the plan allows partial points.
    Partial(String),
    /// Still being made.
    Pending,
    /// Its making failed, or its bytes are known to be damaged; why.
    Failed(String),
    /// The service reported a state that this version does not know. Never taken for usable.
    Unknown(String),
}
