//! All checks of a plan that need nothing but the plan: once for what does not depend on inputs, and once
//! for every case of the deciding inputs.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use salvor_contract::StepName;
use salvor_contract::Values;
use serde_json::Value;
use serde_json::json;

use crate::model::check_case::CaseCheck;
use crate::model::check_names::check_names;
use crate::model::check_posture;
use crate::model::instance::Step;
use crate::model::instance::Store;
use crate::model::instantiate::Builder;
use crate::model::plan::Plan;
use crate::model::policy;
use crate::model::resolution::Case;
use crate::model::resolution::Resolution;
use crate::model::satisfiable;
use crate::model::unused;
use crate::plan_file::Code;
use crate::plan_file::Position;
use crate::plan_file::Problem;
use crate::plan_file::Problems;
use crate::plan_file::Table;

/// The most steps that a plan may have.
const STEPS_MAX: usize = 10_000;

/// A plan for one case, as far as defaults tell.
pub struct Judged<'r, 'a> {
    /// Names and conditions.
    pub resolution: &'r Resolution<'a>,
    /// Providers' configurations.
    pub providers: BTreeMap<String, Values>,
    /// Stores; those with problems too.
    pub stores: BTreeMap<String, Store>,
    /// Steps; those whose action is not known are missing.
    pub steps: BTreeMap<StepName, Step>,
}

impl Plan {
    /// Adds all problems of the plan.
    pub(super) fn check(&self, problems: &mut Problems) {
        if self.steps.len() > STEPS_MAX {
            problems.push(
                Problem::error(
                    Code::TooMany,
                    format!(
                        "a plan has at most {STEPS_MAX} steps; this one has {}",
                        self.steps.len()
                    ),
                )
                .help("make several plans of it, or let one step do more"),
            );
            return;
        }
        check_names(self, problems);
        check_posture::check(self, problems);
        satisfiable::check(self, problems);
        let cases = self.cases();
        let deciding = self.deciding_inputs();
        let all: usize = deciding
            .values()
            .map(Vec::len)
            .fold(1, usize::saturating_mul);
        if all > cases.len() {
            let names: Vec<&str> = deciding.keys().map(String::as_str).collect();
            problems.push(
                Problem::warning(
                    Code::TooMany,
                    format!("{all} combinations of inputs decide what is part of the plan; {} were checked", cases.len()),
                )
                .note(format!("deciding inputs: `{}`", names.join("`, `")))
                .help("let fewer inputs decide, or make several plans of it"),
            );
        }
        let mut found: Vec<(Problem, Vec<&Case>)> = Vec::new();
        // Those that are the same have the same place.
        let mut by_place: BTreeMap<(Code, Option<Position>), Vec<usize>> = BTreeMap::new();
        let mut reached = BTreeSet::new();
        for case in &cases {
            let (problems, in_case) = self.check_case(case);
            reached.extend(in_case);
            for problem in problems {
                let at = problem.primary.as_ref().map(|label| label.at);
                let there = by_place.entry((problem.code, at)).or_default();
                let same = |index: &usize| is_same(&found[*index].0, &problem);
                match there.iter().copied().find(same) {
                    Some(index) => found[index].1.push(case),
                    None => {
                        there.push(found.len());
                        found.push((problem, vec![case]));
                    }
                }
            }
        }
        for (mut problem, in_cases) in found {
            if in_cases.len() < cases.len()
                && let Some(words) = common(&in_cases)
                && !problem.title.contains(&words)
            {
                problem.notes.push(format!("this is so when {words}"));
            }
            problems.push(problem);
        }
        // Not every case was looked at: what none of them reaches may be reached in another.
        let reached = (all <= cases.len()).then_some(&reached);
        unused::check(self, reached, problems);
    }

    /// The inputs that are known without an operator: defaults, and those of the case.
    fn known_inputs(&self, case: &Case) -> serde_json::Map<String, Value> {
        let mut known = serde_json::Map::new();
        for input in &self.inputs {
            let by_case = case.get(&input.name).map(|word| match word.as_str() {
                "true" if input.takes.words().is_some_and(|w| w == ["true", "false"]) => {
                    json!(true)
                }
                "false" if input.takes.words().is_some_and(|w| w == ["true", "false"]) => {
                    json!(false)
                }
                word => json!(word),
            });
            if let Some(value) = by_case.or_else(|| input.default.clone()) {
                known.insert(input.name.clone(), value);
            }
        }
        known
    }

    /// The problems of one case, and the steps that its scenarios run.
    fn check_case(&self, case: &Case) -> (Problems, BTreeSet<StepName>) {
        let mut problems = Problems::new();
        let resolution = Resolution::new(self, case);
        let facts = json!({"inputs": self.known_inputs(case), "tables": self.tables});
        let builder = Builder {
            plan: self,
            resolution: &resolution,
            facts: &facts,
            overrides: &Table::default(),
        };
        builder.limits_and_notifications(&mut problems);
        let judged = Judged {
            resolution: &resolution,
            providers: builder.providers(&mut problems),
            stores: resolution
                .stores
                .iter()
                .map(|(name, store)| ((*name).to_owned(), builder.store(store, &mut problems)))
                .collect(),
            steps: builder.steps(&mut problems),
        };
        let check = CaseCheck {
            judged: &judged,
            builder: &builder,
        };
        let reached = check.run(&mut problems);
        for drill in self
            .drills
            .iter()
            .filter(|drill| !drill.overrides.entries.is_empty())
        {
            let builder = Builder {
                overrides: &drill.overrides,
                ..builder
            };
            for entry in &drill.overrides.entries {
                if let Some(step) = resolution.steps.get(entry.key.as_str()) {
                    builder.step(step, &mut problems);
                }
            }
        }
        policy::check(&judged, &builder, &mut problems);
        (problems, reached)
    }
}

/// True for problems that are told once. That two stores are kept for different lengths, or that the steps of a
/// scenario take too long, is one thing, whatever the lengths of each case.
fn is_same(a: &Problem, b: &Problem) -> bool {
    let places = |problem: &Problem| {
        let labels = problem.primary.iter().chain(&problem.secondary);
        labels.map(|label| label.at).collect::<Vec<Position>>()
    };
    let is_of_lengths = matches!(a.code, Code::RetentionUneven | Code::RtoBelowSteps);
    a == b || is_of_lengths && a.code == b.code && places(a) == places(b)
}

/// What the cases have in common, in words; `None` when nothing.
fn common(cases: &[&Case]) -> Option<String> {
    let first = cases.first()?;
    let words: Vec<String> = first
        .iter()
        .filter(|(name, value)| cases.iter().all(|case| case.get(*name) == Some(value)))
        .map(|(name, value)| format!("{name} = {value}"))
        .collect();
    (!words.is_empty()).then(|| words.join(" and "))
}
