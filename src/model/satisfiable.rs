//! Conditions that no value of their inputs fulfils: of a step, of what it destroys, of a store's `known`, and of
//! a goal for which the scenario fixes the inputs otherwise.

use std::collections::BTreeMap;

use crate::model::condition::Condition;
use crate::model::plan::Plan;
use crate::model::plan::ScenarioDeclaration;
use crate::model::plan::StepDeclaration;
use crate::model::resolution::CASES_MAX;
use crate::model::resolution::Case;
use crate::plan_file::Code;
use crate::plan_file::Content;
use crate::plan_file::Position;
use crate::plan_file::Problem;
use crate::plan_file::Problems;

/// Adds a warning for each condition that never holds.
pub fn check(plan: &Plan, problems: &mut Problems) {
    let nothing = Case::new();
    let mut judge = |owner: &str, condition: &Condition, at: Position| {
        if !can_hold(plan, condition, &nothing) {
            problems.push(
                Problem::warning(Code::NeverTrue, format!("`{condition}` never holds"))
                    .at(at, format!("so {owner}"))
                    .help("no values of its inputs make it true: look at its `and` and `not`"),
            );
        }
    };
    for step in &plan.steps {
        if let Some((condition, node)) = &step.when {
            judge("the step is never there", condition, node.at);
        }
        if let Some((what, Some(condition))) = &step.destroys {
            judge("it never destroys this", condition, what.at);
        }
    }
    for store in &plan.stores {
        if let Some((step, Some(condition))) = &store.known {
            judge("its points are never known after it", condition, step.at);
        }
    }
    for scenario in &plan.scenarios {
        check_goals(plan, scenario, problems);
    }
}

/// Goals that are passed over whatever the inputs are, because the scenario fixes them. Where none of the goals
/// is there, `check` says so of the scenario.
fn check_goals(plan: &Plan, scenario: &ScenarioDeclaration, problems: &mut Problems) {
    let drills = plan.drills.iter();
    let moved = drills
        .filter(|drill| drill.scenario.name == scenario.name.name)
        .filter_map(|drill| plan.moved(drill));
    let fixed: Vec<Case> = std::iter::once(scenario.clone())
        .chain(moved)
        .map(|scenario| fixed(&scenario))
        .collect();
    let is_there = |name: &str| {
        let mut declared = plan.steps.iter().filter(|step| step.name.name == name);
        declared.any(|step| fixed.iter().any(|case| can_be_there(plan, step, case)))
    };
    // One that is not there in any scenario was told of already.
    let is_known = |name: &str| {
        let mut declared = plan.steps.iter().filter(|step| step.name.name == name);
        declared.any(|step| can_be_there(plan, step, &Case::new()))
    };
    if !scenario.goal.iter().any(|goal| is_there(&goal.name)) {
        return;
    }
    for goal in &scenario.goal {
        if is_known(&goal.name) && !is_there(&goal.name) {
            problems.push(
                Problem::warning(
                    Code::NeverTrue,
                    format!(
                        "`{}` is never there in scenario `{}`",
                        goal.name, scenario.name.name
                    ),
                )
                .at(goal.at, "passed over")
                .help("its condition contradicts the inputs that the scenario fixes: take it out of the goals, or fix other inputs"),
            );
        }
    }
}

fn fixed(scenario: &ScenarioDeclaration) -> Case {
    let entries = scenario.inputs.entries.iter();
    let word = |content: &Content| match content {
        Content::Text(text) => Some(text.clone()),
        Content::Boolean(value) => Some(value.to_string()),
        Content::Integer(_)
        | Content::Float(_)
        | Content::Time(_)
        | Content::List(_)
        | Content::Table(_) => None,
    };
    entries
        .filter_map(|entry| Some((entry.key.clone(), word(&entry.value.content)?)))
        .collect()
}

fn can_be_there(plan: &Plan, step: &StepDeclaration, fixed: &Case) -> bool {
    let mut case = fixed.clone();
    if let Some(only) = &step.only {
        if case
            .get(&only.input)
            .is_some_and(|word| *word != only.value)
        {
            return false;
        }
        case.insert(only.input.clone(), only.value.clone());
    }
    let when = step.when.as_ref();
    when.is_none_or(|(condition, _)| can_hold(plan, condition, &case))
}

/// True when some values of the condition's inputs fulfil it; true as well when that cannot be judged, because an
/// input is unknown (which is reported where it is named) or there are too many values.
fn can_hold(plan: &Plan, condition: &Condition, fixed: &Case) -> bool {
    let mut cases = vec![BTreeMap::new()];
    for name in condition.inputs() {
        let words = match fixed.get(name) {
            Some(word) => Some(vec![word.clone()]),
            None => plan.input(name).and_then(|input| input.takes.words()),
        };
        let Some(words) = words else { return true };
        if cases.len().saturating_mul(words.len()) > CASES_MAX {
            return true;
        }
        cases = cases
            .iter()
            .flat_map(|case: &Case| {
                words.iter().map(|word| {
                    let mut case = case.clone();
                    case.insert(name.to_owned(), word.clone());
                    case
                })
            })
            .collect();
    }
    let is_asked_rightly = condition.comparisons().iter().all(|(name, _, words)| {
        let known = plan.input(name).and_then(|input| input.takes.words());
        known.is_some_and(|known| words.iter().all(|word| known.contains(word)))
    });
    !is_asked_rightly || cases.iter().any(|case| condition.holds(case))
}
