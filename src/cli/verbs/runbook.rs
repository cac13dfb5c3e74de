//! `salvor runbook`: a plan for a person without the tool.

use std::collections::BTreeMap;

use anyhow::Context as _;

use crate::change_set;
use crate::change_set::Choice;
use crate::cli::arguments::Runbook as Arguments;
use crate::cli::arguments::RunbookForm;
use crate::cli::exit::Exit;
use crate::cli::load;
use crate::cli::output;
use crate::graph::Graph;
use crate::registry::Registry;
use crate::report::Runbook;
use crate::report::runbook_html;
use crate::report::runbook_markdown;

/// Writes the runbook of a scenario. Nothing is contacted.
pub fn runbook(arguments: &Arguments, registry: &Registry) -> anyhow::Result<Exit> {
    let approved = match &arguments.change_set {
        Some(file) => Some((
            format!("--change-set {}", file.display()),
            change_set::load(file)?,
        )),
        None => None,
    };
    let (instance, points) = match &approved {
        Some((shown, approved)) => {
            let chosen =
                approved
                    .selections
                    .iter()
                    .filter_map(|selection| match &selection.choice {
                        Choice::Restore(point) => Some((selection.store.clone(), point.clone())),
                        Choice::Later(_) | Choice::Leave | Choice::Impossible => None,
                    });
            let instance = load::approved_instance(&arguments.choice, approved, shown, registry)?;
            (instance, chosen.collect())
        }
        None => {
            let scenario = arguments.scenario.scenario.as_deref();
            let instance = load::instance(&arguments.choice, scenario, registry)?;
            (instance, BTreeMap::new())
        }
    };
    let graph = Graph::of(&instance).context("the steps have no order")?;
    let files = |path: &str| std::fs::read_to_string(instance.dir.join(path));
    let runbook = Runbook::of(&instance, &graph, &points, registry, &files)?;
    output::result_text(&match arguments.format {
        RunbookForm::Markdown => runbook_markdown(&runbook),
        RunbookForm::Html => runbook_html(&runbook),
    });
    Ok(Exit::Ok)
}
