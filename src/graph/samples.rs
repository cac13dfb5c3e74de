//! Small plans for the tests of this station and of those after it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use salvor_contract::KindName;
use salvor_contract::StepName;
use salvor_contract::Values;

use crate::model::StateSettings;
use crate::model::instance::Instance;
use crate::model::instance::Limits;
use crate::model::instance::OnFailure;
use crate::model::instance::Retry;
use crate::model::instance::Scenario;
use crate::model::instance::Step;

/// A step of this action that waits for nothing.
pub(crate) fn step(action: &str) -> Step {
    Step {
        title: String::new(),
        action: KindName::new(action),
        store: None,
        with: Values::new(),
        needs: names(&[]).into_iter().collect(),
        references: names(&[]).into_iter().collect(),
        after: names(&[]).into_iter().collect(),
        finally: false,
        timeout: None,
        retry: Retry::default(),
        on_failure: OnFailure::Stop,
        expect: None,
        destroys: None,
    }
}

/// Names of steps.
pub(crate) fn names(names: &[&str]) -> Vec<StepName> {
    names.iter().map(|name| StepName::from(*name)).collect()
}

/// A plan of these steps, with one scenario of this goal.
pub(crate) fn plan(steps: Vec<(&str, Step)>, goal: &[&str]) -> Instance {
    Instance {
        plan: "sample".to_owned(),
        title: "Sample".to_owned(),
        dir: PathBuf::from("."),
        sources: BTreeMap::new(),
        scenario: Scenario {
            name: "full".to_owned(),
            title: "All of it".to_owned(),
            goal: names(goal),
            rpo: None,
            rto: None,
        },
        inputs: Values::new(),
        tables: Values::new(),
        providers: BTreeMap::new(),
        stores: BTreeMap::new(),
        steps: steps
            .into_iter()
            .map(|(name, step)| (StepName::from(name), step))
            .collect(),
        sets: BTreeMap::new(),
        invariants: Vec::new(),
        limits: Limits::default(),
        notify: Vec::new(),
        state: StateSettings {
            at: ".salvor".to_owned(),
            with: Values::new(),
        },
    }
}
