//! What is lost of a store by bringing it back. `plan` and `report` both say it from here.

use jiff::Timestamp;
use salvor_contract::ChosenPoint;
use salvor_contract::Period;
use schemars::JsonSchema;
use serde::Serialize;

use crate::change_set::ChangeSet;
use crate::change_set::Choice;
use crate::change_set::StoreSelection;
use crate::recovery_points::words::between;

/// What was written to a store between two moments and is not in what is brought back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Loss {
    /// The moment to which the store is brought.
    pub from: Timestamp,
    /// The moment at which the world was looked at: what was written later is not counted.
    pub until: Timestamp,
    /// The time between the two.
    pub length: Period,
}

impl Loss {
    /// The loss of a store that is brought back to `at` by a run whose survey was at `surveyed`.
    fn new(at: Timestamp, surveyed: Timestamp) -> Self {
        Self {
            from: at,
            until: surveyed.max(at),
            length: between(at, surveyed),
        }
    }

    /// What is lost of a store; `None` when it is not brought back but only looked at or left, or when its point is
    /// not chosen yet. `chosen` is the point that was chosen during the run, where the change set has only the rule.
    pub fn of(
        change_set: &ChangeSet,
        selection: &StoreSelection,
        chosen: Option<&ChosenPoint>,
    ) -> Option<Self> {
        let point = match &selection.choice {
            Choice::Restore(point) => point,
            Choice::Later(_) => chosen?,
            Choice::Leave | Choice::Impossible => return None,
        };
        let is_restored = !change_set.restoring(&selection.store).is_empty();
        is_restored.then(|| Self::new(point.at, change_set.surveyed))
    }
}
