//! How long a run is predicted to take: the longest path, from earlier runs and from what the plan expects.

use std::collections::BTreeMap;
use std::time::Duration;

use salvor_contract::Period;
use salvor_contract::StepName;

use crate::change_set::Forecast;
use crate::change_set::Predicted;
use crate::graph::Graph;
use crate::model::instance::Step;

/// How long a step is predicted to take: as in earlier runs, else as the plan expects.
pub(super) fn predicted(
    name: &StepName,
    step: &Step,
    history: &BTreeMap<StepName, Predicted>,
) -> Option<Predicted> {
    history.get(name).cloned().or_else(|| {
        step.expect.map(|length| Predicted {
            length,
            from: "the plan".to_owned(),
        })
    })
}

/// The forecast of a run. It is a lower bound: the limits on how much goes on at once are not counted, since
/// they bind only when more is ready than they let through.
pub(super) fn forecast(graph: &Graph, predicted: &BTreeMap<StepName, Predicted>) -> Forecast {
    let takes = |name: &StepName| {
        predicted
            .get(name)
            .map_or(Duration::ZERO, |predicted| predicted.length.duration())
    };
    let path = graph.critical_path(takes);
    let no_data: Vec<StepName> = graph
        .steps()
        .iter()
        .filter(|name| !predicted.contains_key(*name))
        .cloned()
        .collect();
    let is_whole = path.steps.iter().all(|name| predicted.contains_key(name));
    Forecast {
        length: is_whole.then(|| Period::from(path.length)),
        critical_path: path.steps,
        no_data,
    }
}
