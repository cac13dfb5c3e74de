//! Goes through the steps level by level, asks for the previews of a level together, and puts the change set
//! together. The order of the answers does not reach the result.

use std::collections::BTreeMap;

use futures::StreamExt as _;
use salvor_contract::ActionKind;
use salvor_contract::Error;
use salvor_contract::Preview;
use salvor_contract::StepName;

use crate::change_set::Change;
use crate::change_set::ChangeSet;
use crate::change_set::Choice;
use crate::change_set::FORMAT;
use crate::change_set::PlannedStep;
use crate::change_set::Predicted;
use crate::change_set::files::read_by;
use crate::diff::commission::Commission;
use crate::diff::commission::Computed;
use crate::diff::commission::DiffProblem;
use crate::diff::commission::Subject;
use crate::diff::draft::Draft;
use crate::diff::draft::draft;
use crate::diff::facts::add_known;
use crate::diff::facts::plan_facts;
use crate::diff::forecast::forecast;
use crate::diff::forecast::predicted;
use crate::diff::guard::Ledger;
use crate::diff::guard::confirmed;
use crate::diff::guard::shared_fingerprints;
use crate::diff::warnings::StepWarning;
use crate::diff::warnings::grouped;
use crate::diff::warnings::traps;
use crate::graph::Graph;
use crate::model::instance::Instance;
use crate::model::instance::Step;
use crate::model::order::Followers;
use crate::recovery_points::Loss;
use crate::recovery_points::select;
use crate::survey::CONCURRENT_MAX;
use crate::survey::Reading;
use crate::survey::Surveyed;

/// Makes the change set of a run, with all problems that keep it from being applied.
pub async fn compute(
    plan: &Instance,
    graph: &Graph,
    surveyed: &Surveyed,
    commission: &Commission,
    reading: &Reading<'_>,
) -> Computed {
    let selected = select(plan, graph, surveyed, &commission.request);
    let mut problems: Vec<DiffProblem> = Vec::new();
    for selection in &selected.selections {
        if selection.choice == Choice::Impossible {
            let seen = surveyed.stores.get(&selection.store);
            problems.push(DiffProblem {
                subject: Subject::Store(selection.store.clone()),
                what: format!("must be brought back and cannot be: {}", selection.reason),
                hint: seen
                    .and_then(|seen| seen.as_ref().err())
                    .and_then(|unseen| unseen.hint.clone()),
            });
        }
    }
    let fixed = plan_facts(plan, &selected);
    let mut known = fixed.clone();
    let mut ledger = Ledger::default();
    let followers = Followers::of(&plan.steps, reading.registry);
    let mut hints: Vec<StepWarning> = Vec::new();
    let mut planned: BTreeMap<StepName, PlannedStep> = BTreeMap::new();
    for level in graph.levels() {
        let mut drafts = Vec::with_capacity(level.len());
        for name in level {
            let step = &plan.steps[name];
            let Some(kind) = reading.registry.action(&step.action) else {
                problems.push(problem(
                    name,
                    format!("there is no action `{}` in this build", step.action),
                ));
                continue;
            };
            match draft(
                plan,
                reading.registry,
                step,
                kind,
                &selected.selections,
                &fixed,
                &known,
            ) {
                Ok(mut draft) => {
                    if let Some(why) = ledger.made_before(graph, name, kind, &draft)
                        && draft.preview_with.is_ok()
                    {
                        draft.preview_with = Err(why);
                    }
                    drafts.push(Drafted {
                        name,
                        step,
                        kind,
                        draft,
                    });
                }
                Err(error) => problems.push(problem(name, error.to_string())),
            }
        }
        // In the order of the names again, whatever the order of the answers.
        let answers: BTreeMap<&StepName, Change> = futures::stream::iter(&drafts)
            .map(|drafted| async move { (drafted.name, drafted.previewed(reading).await) })
            .buffer_unordered(CONCURRENT_MAX)
            .map(|(name, answer)| (name, answer))
            .collect::<Vec<_>>()
            .await
            .into_iter()
            .map(|(name, (change, warning))| {
                hints.extend(
                    warning.map(|warning| match ledger.is_changed_before(graph, name) {
                        true => warning,
                        false => warning.stands(),
                    }),
                );
                (name, change)
            })
            .collect();
        for drafted in drafts {
            let Some(change) = answers.get(drafted.name) else {
                continue;
            };
            let Drafted {
                name,
                step,
                kind,
                draft,
            } = drafted;
            let confirm = confirmed(&ledger, graph, name, step, kind, &draft, change);
            let confirm = confirm.unwrap_or_else(|problem| {
                // A store that cannot be restored is named once, not again by each of its steps.
                if !is_impossible(step, &selected.selections) {
                    problems.push(problem);
                }
                Vec::new()
            });
            if let Change::Seen(preview) = change {
                add_known(&mut known, name, &preview.known);
            }
            hints.extend(traps(
                reading.registry,
                name,
                kind,
                &draft,
                followers.after(name),
            ));
            let plan_dir = &reading.surroundings.plan_dir;
            let is_made_here = |path: &str| ledger.is_written(path);
            let files = read_by(kind, &draft.with, plan_dir, is_made_here);
            let planned_step = PlannedStep {
                name: name.clone(),
                title: step.title.clone(),
                action: step.action.clone(),
                class: draft.class,
                asks: kind.asks,
                store: draft.store,
                role: step.store.as_ref().map(|(role, _)| *role),
                point: draft.point,
                config: draft.config,
                with: draft.with,
                needs: graph.needs(name).into_iter().cloned().collect(),
                after: graph.after(name).into_iter().cloned().collect(),
                finally: step.finally,
                deadline: step.timeout.unwrap_or(kind.deadline),
                settle: kind.settle,
                retry: step.retry,
                on_failure: step.on_failure,
                files,
                writes: draft.writes,
                change: change.clone(),
                confirm,
                predicted: predicted(name, step, &commission.history),
            };
            ledger.add(name, change, &planned_step.writes);
            planned.insert(name.clone(), planned_step);
        }
    }
    problems.extend(ledger.races(graph));
    let steps: Vec<PlannedStep> = graph
        .steps()
        .iter()
        .filter_map(|name| planned.remove(name))
        .collect();
    problems.extend(shared_fingerprints(&steps));
    problems.sort_by(|one, other| {
        one.subject
            .cmp(&other.subject)
            .then_with(|| one.what.cmp(&other.what))
    });
    let mut warnings = selected.warnings.clone();
    warnings.extend(grouped(hints));
    let lengths: BTreeMap<StepName, Predicted> = steps
        .iter()
        .filter_map(|step| {
            step.predicted
                .clone()
                .map(|length| (step.name.clone(), length))
        })
        .collect();
    let expires = surveyed.at.checked_add(commission.valid.duration());
    let mut change_set = ChangeSet {
        format: FORMAT,
        tool: commission.tool.clone(),
        plan: plan.plan.clone(),
        title: plan.title.clone(),
        sources: plan.sources.clone(),
        lineage: commission.lineage.clone(),
        nonce: commission.nonce.clone(),
        scenario: plan.scenario.clone(),
        inputs: plan.inputs.clone(),
        tables: plan.tables.clone(),
        surveyed: surveyed.at,
        expires: expires.unwrap_or(jiff::Timestamp::MAX),
        goal: selected.goal,
        asked: commission.request.asked.clone(),
        selections: selected.selections,
        warnings,
        steps,
        limits: plan.limits.clone(),
        notify: plan.notify.clone(),
        forecast: forecast(graph, &lengths),
    };
    say_losses(&mut change_set);
    Computed {
        change_set,
        problems,
        since: None,
    }
}

/// Says of each store what is lost of it: only the steps tell which stores are brought back.
fn say_losses(change_set: &mut ChangeSet) {
    let losses: Vec<Option<Loss>> = change_set
        .selections
        .iter()
        .map(|selection| Loss::of(change_set, selection, None))
        .collect();
    for (selection, loss) in change_set.selections.iter_mut().zip(losses) {
        selection.loses = loss.map(|loss| loss.length);
    }
}

struct Drafted<'a> {
    name: &'a StepName,
    step: &'a Step,
    kind: &'a ActionKind,
    draft: Draft,
}

impl Drafted<'_> {
    /// What the provider says, or why it was not asked or did not say it.
    async fn previewed(&self, reading: &Reading<'_>) -> (Change, Option<StepWarning>) {
        let unseen = |why: String| Change::Unseen {
            effect: self.kind.effect,
            why,
        };
        let with = match &self.draft.preview_with {
            Ok(with) => with.clone(),
            Err(why) => return (unseen(why.clone()), None),
        };
        let Some(provider) = reading.registry.provider(self.step.action.provider()) else {
            return (unseen("its provider is not in this build".to_owned()), None);
        };
        let operation = self.draft.operation(self.name, self.step, with);
        let answer: Result<Preview, Error> = reading
            .ask(async |call| provider.preview(&operation, &call).await)
            .await;
        match answer {
            Ok(preview) => (Change::Seen(preview), None),
            Err(error) => {
                let why = error.to_string();
                // What is refused now will most likely be refused then: worth more than a line under the table.
                let warning = matches!(error, Error::Refused { .. }).then(|| StepWarning {
                    about: "refused",
                    step: self.name.clone(),
                    what: match error.hint() {
                        Some(hint) => format!("{why}: {hint}"),
                        None => why.clone(),
                    },
                });
                (unseen(why), warning)
            }
        }
    }
}

fn is_impossible(step: &Step, selections: &[crate::change_set::StoreSelection]) -> bool {
    let Some((_, store)) = &step.store else {
        return false;
    };
    let selection = selections
        .iter()
        .find(|selection| &selection.store == store);
    selection.is_some_and(|selection| selection.choice == Choice::Impossible)
}

fn problem(name: &StepName, what: String) -> DiffProblem {
    DiffProblem {
        subject: Subject::Step(name.clone()),
        what,
        hint: None,
    }
}
