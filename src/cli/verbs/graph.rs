//! `salvor graph`: the steps of a scenario, in four forms.

use anyhow::Context as _;

use crate::cli::arguments::Graph as Arguments;
use crate::cli::arguments::GraphForm;
use crate::cli::exit::Exit;
use crate::cli::load;
use crate::cli::output;
use crate::graph::Graph;
use crate::graph::Picture;
use crate::graph::dot;
use crate::graph::mermaid;
use crate::graph::svg;
use crate::graph::text;
use crate::registry::Registry;

/// Draws the steps of a scenario; the critical path is by the durations that the plan expects.
pub fn graph(arguments: &Arguments, registry: &Registry) -> anyhow::Result<Exit> {
    let instance = load::instance(
        &arguments.choice,
        arguments.scenario.scenario.as_deref(),
        registry,
    )?;
    let graph = Graph::of(&instance).context("the steps have no order")?;
    let takes = |name: &_| instance.steps[name].expect.unwrap_or_default().duration();
    let critical = graph.critical_path(takes);
    let effect = |kind: &_| registry.action(kind).map(|kind| kind.effect);
    let picture = Picture::of(&graph, &instance, effect, &critical.steps);
    let drawn = match arguments.format {
        GraphForm::Text => text(&picture),
        GraphForm::Dot => dot(&picture),
        GraphForm::Mermaid => mermaid(&picture),
        GraphForm::Svg => svg(&picture),
    };
    output::result_text(&drawn);
    Ok(Exit::Ok)
}
