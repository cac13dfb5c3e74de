//! Traps of the services that the inputs of a step step into.

use salvor_contract::Condition;
use salvor_contract::Trap;

use crate::model::order::Followers;
use crate::model::policy::numbers::Policy;
use crate::plan_file::Code;
use crate::plan_file::Node;
use crate::plan_file::Position;
use crate::plan_file::Problem;
use crate::plan_file::Problems;
use crate::template::as_written;

impl Policy<'_, '_> {
    /// Traps that the inputs of a step step into. What holds whatever they are is said by `plan`, not here: a
    /// warning that cannot be got rid of is not read.
    pub(super) fn traps(&self, problems: &mut Problems) {
        let registry = &self.judged.resolution.plan.registry;
        let followers = Followers::of(&self.judged.steps, registry);
        for (name, step) in &self.judged.steps {
            let Some(action) = registry.action(&step.action) else {
                continue;
            };
            let Some(declared) = self.judged.resolution.steps.get(name.as_str()) else {
                continue;
            };
            let with = as_written(&step.with);
            let judged = salvor_contract::Judged {
                takes: &action.with,
                with: &with,
                store: None,
                after: followers.after(name),
            };
            for trap in &action.traps {
                let Some(input) = trap.when.input() else {
                    continue;
                };
                // An input with a wrong value, or with one that is known later, was not left out.
                let is_missing = matches!(trap.when, Condition::InputMissing(_));
                let written = declared.with.entry(input);
                if trap.when.holds(judged) && !(is_missing && written.is_some()) {
                    let elements = trap.when.elements(judged);
                    let places = written.map(|entry| places(&entry.value, &elements));
                    problems.push(stepped_into(trap, declared.name.at, places.as_deref()));
                }
            }
        }
    }
}

/// The elements of a list that are meant, else the whole value.
fn places(value: &Node, elements: &[usize]) -> Vec<Position> {
    let list = value.list();
    let found = elements.iter().filter_map(|index| list.get(*index));
    let found: Vec<Position> = found.map(|node| node.at).collect();
    match found.is_empty() {
        true => vec![value.at],
        false => found,
    }
}

fn stepped_into(trap: &Trap, step: Position, places: Option<&[Position]>) -> Problem {
    let problem = Problem::warning(Code::Trap, trap.message)
        .note(format!("source: {}", trap.source))
        .help(trap.advice);
    match places {
        Some([first, others @ ..]) => {
            let problem = problem.at(*first, format!("`{}`", trap.id));
            let and_at = |problem: Problem, at: &Position| problem.and_at(*at, "and here");
            others.iter().fold(problem, and_at)
        }
        Some([]) | None => problem.at(step, format!("`{}`", trap.id)),
    }
}
