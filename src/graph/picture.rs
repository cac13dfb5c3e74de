//! A graph with all that a drawing of it says, so that the renderers need neither the plan nor the kinds.

use std::collections::BTreeSet;

use salvor_contract::Effect;
use salvor_contract::KindName;
use salvor_contract::StepName;

use crate::graph::order::Graph;
use crate::model::instance::Instance;

/// What a drawing shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Its title: plan and scenario.
    pub title: String,
    /// The steps, in the order of the run.
    pub steps: Vec<PictureStep>,
    /// The edges, from the earlier to the later step, by position in `steps`.
    pub edges: Vec<PictureEdge>,
}

/// One step of a drawing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PictureStep {
    /// Its name.
    pub name: String,
    /// Its title.
    pub title: String,
    /// The full name of its action.
    pub kind: String,
    /// What its action does, where the kind is known.
    pub effect: Option<Effect>,
    /// How many steps stand before it on the longest chain.
    pub level: usize,
    /// It runs also when the run fails.
    pub is_finally: bool,
    /// It stands on the critical path.
    pub is_critical: bool,
}

/// One edge of a drawing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PictureEdge {
    /// The earlier step.
    pub from: usize,
    /// The later step.
    pub to: usize,
    /// Only the order counts: the later step does not need the earlier one.
    pub is_soft: bool,
    /// It joins two steps that follow each other on the critical path.
    pub is_critical: bool,
}

/// Above this number of steps, edges that others imply are drawn too: finding them takes quadratic room.
const REDUCED_MAX: usize = 2_000;

impl Picture {
    /// The picture of a plan's graph. `effect` gives what an action does; `critical` are the steps to mark.
    ///
    /// An edge that a longer chain of edges implies is left out.
    pub fn of(
        graph: &Graph,
        plan: &Instance,
        effect: impl Fn(&KindName) -> Option<Effect>,
        critical: &[StepName],
    ) -> Self {
        let on_path: BTreeSet<&StepName> = critical.iter().collect();
        let pairs: BTreeSet<(&StepName, &StepName)> = critical
            .windows(2)
            .map(|pair| (&pair[0], &pair[1]))
            .collect();
        let steps = graph.steps().iter().enumerate().map(|(position, name)| {
            let step = &plan.steps[name];
            PictureStep {
                name: name.to_string(),
                title: step.title.clone(),
                kind: step.action.to_string(),
                effect: effect(&step.action),
                level: graph.level(position),
                is_finally: step.finally,
                is_critical: on_path.contains(name),
            }
        });
        let mut edges = Vec::new();
        for to in 0..graph.len() {
            let hard = graph.needs_of(to).iter().map(|from| (*from, false));
            let soft = graph.after_of(to).iter().map(|from| (*from, true));
            edges.extend(hard.chain(soft).map(|(from, is_soft)| PictureEdge {
                from,
                to,
                is_soft,
                is_critical: pairs.contains(&(&graph.steps()[from], &graph.steps()[to])),
            }));
        }
        let steps: Vec<PictureStep> = steps.collect();
        if steps.len() <= REDUCED_MAX {
            edges = reduced(steps.len(), edges);
        }
        Self {
            title: format!("{} · {}", plan.plan, plan.scenario.name),
            steps,
            edges,
        }
    }
}

/// The edges that no longer chain of edges implies. Edges come in the order of their later step.
fn reduced(steps: usize, edges: Vec<PictureEdge>) -> Vec<PictureEdge> {
    let words = steps.div_ceil(64);
    let mut before = vec![vec![0_u64; words]; steps];
    let mut by_later: Vec<Vec<PictureEdge>> = vec![Vec::new(); steps];
    for edge in edges {
        by_later[edge.to].push(edge);
    }
    let mut kept = Vec::new();
    for (to, mut edges) in by_later.into_iter().enumerate() {
        // The latest first: what stands before it is implied by it.
        edges.sort_by_key(|edge| std::cmp::Reverse(edge.from));
        let mut seen = vec![0_u64; words];
        for edge in edges {
            let (word, bit) = (edge.from / 64, 1_u64 << (edge.from % 64));
            if seen[word] & bit == 0 || edge.is_critical {
                kept.push(edge);
            }
            for (all, more) in seen.iter_mut().zip(&before[edge.from]) {
                *all |= more;
            }
            seen[word] |= bit;
        }
        before[to] = seen;
    }
    kept.sort_by_key(|edge| (edge.from, edge.to));
    kept
}

/// The word for what a step does.
pub(super) fn effect_word(effect: Option<Effect>) -> &'static str {
    match effect {
        Some(Effect::Create) => "create",
        Some(Effect::Change) => "change",
        Some(Effect::Replace) => "replace",
        Some(Effect::Delete) => "delete",
        Some(Effect::Nothing) => "nothing",
        Some(Effect::Read) => "read",
        Some(Effect::Ask) => "manual",
        Some(Effect::Run) => "run",
        None => "unknown kind",
    }
}
