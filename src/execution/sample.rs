//! Small change sets for the tests of this module.

use jiff::Timestamp;
use salvor_contract::Class;
use salvor_contract::Effect;
use salvor_contract::KindName;
use salvor_contract::Period;
use salvor_contract::StepName;
use salvor_contract::Values;

use crate::change_set::Asked;
use crate::change_set::Change;
use crate::change_set::ChangeSet;
use crate::change_set::FORMAT;
use crate::change_set::Forecast;
use crate::change_set::PlannedStep;
use crate::change_set::PointSource;
use crate::change_set::Predicted;
use crate::model::instance::Limits;
use crate::model::instance::OnFailure;
use crate::model::instance::Retry;
use crate::model::instance::Scenario;

/// A step that needs these.
pub fn step(name: &str, needs: &[&str]) -> PlannedStep {
    PlannedStep {
        name: StepName::new(name),
        title: name.to_owned(),
        action: KindName::new("simulated.run"),
        class: Class::Named,
        asks: false,
        store: None,
        role: None,
        point: PointSource::None,
        config: Values::new(),
        with: Values::new(),
        needs: needs.iter().map(|name| StepName::new(*name)).collect(),
        after: Vec::new(),
        finally: false,
        deadline: Period::from_seconds(600),
        settle: Period::ZERO,
        retry: Retry::default(),
        on_failure: OnFailure::Stop,
        files: Default::default(),
        writes: Vec::new(),
        change: Change::Unseen {
            effect: Effect::Run,
            why: "a sample".to_owned(),
        },
        confirm: Vec::new(),
        predicted: None,
    }
}

/// The same step with a predicted length.
pub fn lasting(mut step: PlannedStep, seconds: u64) -> PlannedStep {
    let length = Period::from_seconds(seconds);
    step.predicted = Some(Predicted {
        length,
        from: "the plan".to_owned(),
    });
    step
}

/// A change set of these steps, which stand in a good order.
pub fn change_set(steps: Vec<PlannedStep>) -> ChangeSet {
    ChangeSet {
        format: FORMAT,
        tool: "0.0.0".to_owned(),
        plan: "sample".to_owned(),
        title: "A sample".to_owned(),
        sources: Default::default(),
        lineage: "00".to_owned(),
        nonce: "00".to_owned(),
        scenario: Scenario {
            name: "full".to_owned(),
            title: "All of it".to_owned(),
            goal: steps.iter().map(|step| step.name.clone()).collect(),
            rpo: None,
            rto: None,
        },
        inputs: Values::new(),
        tables: Values::new(),
        surveyed: Timestamp::UNIX_EPOCH,
        expires: Timestamp::UNIX_EPOCH,
        goal: Timestamp::UNIX_EPOCH,
        asked: Asked::Latest,
        selections: Vec::new(),
        warnings: Vec::new(),
        steps,
        limits: Limits::default(),
        notify: Vec::new(),
        forecast: Forecast::default(),
    }
}
