//! The change set of a schedule, and the world that must be there when it is done.

use std::collections::BTreeMap;

use jiff::Timestamp;
use salvor::change_set::Asked;
use salvor::change_set::Change;
use salvor::change_set::ChangeSet;
use salvor::change_set::FORMAT;
use salvor::change_set::Forecast;
use salvor::change_set::PlannedStep;
use salvor::change_set::PointSource;
use salvor::model::instance::Limits;
use salvor::model::instance::OnFailure;
use salvor::model::instance::Retry;
use salvor::model::instance::Scenario;
use salvor::template;
use salvor_contract::Class;
use salvor_contract::Effect;
use salvor_contract::KindName;
use salvor_contract::Period;
use salvor_contract::StepName;
use salvor_contract::Values;
use serde_json::Value;
use serde_json::json;

use crate::schedule::Schedule;
use crate::schedule::Step;
use crate::schedule::name;

/// The change set of a schedule.
pub fn change_set(schedule: &Schedule) -> ChangeSet {
    let steps: Vec<PlannedStep> = (0..schedule.steps.len())
        .map(|place| planned(schedule, place))
        .collect();
    ChangeSet {
        format: FORMAT,
        tool: "0.0.0".to_owned(),
        plan: "simulated".to_owned(),
        title: "A schedule".to_owned(),
        sources: BTreeMap::new(),
        lineage: "00".to_owned(),
        nonce: schedule.seed.to_string(),
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
        limits: Limits {
            parallel: schedule.parallel,
            ..Limits::default()
        },
        notify: Vec::new(),
        forecast: Forecast::default(),
    }
}

fn planned(schedule: &Schedule, place: usize) -> PlannedStep {
    let step = &schedule.steps[place];
    let value: Value = match step.refers {
        Some(other) => json!({template::KEY: format!("after {{{{steps.{}.value}}}}", name(other))}),
        None => json!(own_value(place)),
    };
    PlannedStep {
        name: StepName::new(name(place)),
        title: name(place),
        action: KindName::new("simulated.run"),
        class: step.class,
        asks: step.asks,
        store: None,
        role: None,
        point: PointSource::None,
        config: Values::new(),
        with: Values::new()
            .with("target", target(schedule, place))
            .with("value", value)
            .with("class", json!(step.class))
            .with("takes", json!(step.takes)),
        needs: step.needs.iter().map(|n| StepName::new(name(*n))).collect(),
        after: Vec::new(),
        finally: step.finally,
        deadline: step.deadline,
        settle: step.settle,
        retry: Retry {
            attempts: step.attempts,
            wait: Period::from_seconds(1),
            wait_max: Period::from_seconds(4),
        },
        on_failure: if step.goes_on {
            OnFailure::Continue
        } else {
            OnFailure::Stop
        },
        files: Default::default(),
        writes: Vec::new(),
        change: Change::Unseen {
            effect: Effect::Run,
            why: "simulated".to_owned(),
        },
        confirm: Vec::new(),
        predicted: None,
    }
}

/// The name of the value that a step sets.
pub fn target(schedule: &Schedule, place: usize) -> String {
    match schedule.steps[place] {
        Step {
            shares_target: true,
            refers: Some(other),
            ..
        } => format!("value-{other}"),
        Step { .. } => format!("value-{place}"),
    }
}

/// The values that a run without faults leaves.
pub fn expected(schedule: &Schedule) -> BTreeMap<String, Value> {
    let values = (0..schedule.steps.len())
        .filter(|place| schedule.steps[*place].class != Class::Read)
        .map(|place| (target(schedule, place), json!(value(schedule, place))));
    values.collect()
}

fn value(schedule: &Schedule, place: usize) -> String {
    match schedule.steps[place].refers {
        Some(other) => format!("after {}", value(schedule, other)),
        None => own_value(place),
    }
}

fn own_value(place: usize) -> String {
    format!("done {}", name(place))
}
