//! What a plan promises against what its own numbers allow: objectives, retention, invariants, interrupted
//! operations, traps of kinds.

use std::collections::BTreeSet;

use salvor_contract::Class;
use salvor_contract::Condition;
use salvor_contract::Idempotency;
use salvor_contract::Period;
use salvor_contract::StepName;

use crate::model::check::Judged;
use crate::model::check_case::CaseCheck;
use crate::model::instance::Store;
use crate::model::instance::StoreClass;
use crate::model::instance::StoreRole;
use crate::model::instantiate::Builder;
use crate::model::plan::InvariantDeclaration;
use crate::model::plan::Named;
use crate::model::plan::ScenarioDeclaration;
use crate::model::schedule;
use crate::plan_file::Code;
use crate::plan_file::Node;
use crate::plan_file::Position;
use crate::plan_file::Problem;
use crate::plan_file::Problems;

/// Adds the problems of policies in one case.
pub fn check<'r, 'a>(
    judged: &'r Judged<'r, 'a>,
    builder: &'r Builder<'r, 'a>,
    problems: &mut Problems,
) {
    let policy = Policy {
        judged,
        builder,
        is_given: false,
    };
    policy.schedules(problems);
    policy.windows(problems);
    policy.invariants(problems);
    policy.traps(problems);
    let check = CaseCheck { judged, builder };
    for scenario in check.scenarios() {
        let within = check.run_of(&scenario);
        policy.objectives(&scenario, &within, problems);
        policy.uneven(&within, problems);
        policy.unkeyed(&scenario, &within, problems);
    }
}

/// Adds the errors of policies with the inputs that were given: what `check` computed of defaults need not
/// hold of them.
pub fn check_given<'r, 'a>(
    judged: &'r Judged<'r, 'a>,
    builder: &'r Builder<'r, 'a>,
    problems: &mut Problems,
) {
    let policy = Policy {
        judged,
        builder,
        is_given: true,
    };
    policy.schedules(problems);
    policy.invariants(problems);
}

/// The keys that say how long backups are kept.
const KEPT: &[&str] = &["keep", "retention", "pitr"];

struct Policy<'r, 'a> {
    judged: &'r Judged<'r, 'a>,
    builder: &'r Builder<'r, 'a>,
    /// Whether the inputs are those that were given: then all that can be known is known.
    is_given: bool,
}

impl Policy<'_, '_> {
    fn place(&self, store: &str) -> Option<Position> {
        let declared = self.judged.resolution.stores.get(store)?;
        Some(declared.name.at)
    }

    /// The first of these keys of the store's `backup` that is there, else the store.
    fn backup_place(&self, store: &str, keys: &[&str]) -> Option<Position> {
        let declared = self.judged.resolution.stores.get(store)?;
        let written = declared.backup_written.as_ref().and_then(Node::table);
        let entry = keys.iter().find_map(|key| written?.entry(key));
        Some(entry.map_or(declared.name.at, |entry| entry.key_at))
    }

    fn schedules(&self, problems: &mut Problems) {
        let plan = self.judged.resolution.plan;
        let stores = self
            .judged
            .resolution
            .stores
            .values()
            .filter_map(|store| store.backup_written.as_ref()?.table()?.get("schedule"));
        for node in stores.chain(plan.sets.iter().filter_map(|set| set.schedule.as_ref())) {
            let Some(text) = self.builder.text(Some(node), problems) else {
                continue;
            };
            if let Err(why) = schedule::interval(&text) {
                problems.push(
                    Problem::error(Code::BadValue, format!("`{text}` is not a schedule"))
                        .at(node.at, why)
                        .help(
                            "five cron fields in UTC, \"0 2 * * *\", or @hourly, @daily, @weekly",
                        ),
                );
            }
        }
    }

    /// How far apart the recovery points of a store lie, by the plan's own numbers.
    fn interval(&self, name: &str, store: &Store) -> Option<Period> {
        let of = |schedule: &Option<String>| {
            schedule
                .as_ref()
                .and_then(|text| schedule::interval(text).ok())
        };
        let by_set = self
            .judged
            .resolution
            .plan
            .sets
            .iter()
            .filter(|set| set.members.iter().any(|member| member.name == name))
            .filter_map(|set| {
                self.builder
                    .text(set.schedule.as_ref(), &mut Problems::new())
            })
            .filter_map(|text| schedule::interval(&text).ok())
            .min();
        let by_window = match (store.backup.pitr, store.backup.interval) {
            (Some(_), Some(interval)) => Some(interval),
            // A window without its lag: every moment, as far as the plan says.
            (Some(_), None) => Some(Period::ZERO),
            (None, interval) => interval,
        };
        [of(&store.backup.schedule), by_set, by_window]
            .into_iter()
            .flatten()
            .min()
    }

    /// How long the points of a store are kept, by the plan's own numbers.
    fn kept(&self, name: &str, store: &Store) -> Option<Period> {
        let by_set = self
            .judged
            .resolution
            .plan
            .sets
            .iter()
            .filter(|set| set.members.iter().any(|member| member.name == name))
            .filter_map(|set| self.builder.period(set.ttl.as_ref(), &mut Problems::new()))
            .max();
        store.backup.kept().max(by_set)
    }

    fn windows(&self, problems: &mut Problems) {
        for (name, store) in &self.judged.stores {
            let units = ["hourly", "daily", "weekly", "monthly", "yearly"];
            for unit in store
                .backup
                .keep
                .keys()
                .filter(|unit| !units.contains(&unit.as_str()))
            {
                if let Some(at) = self.backup_place(name, &["keep"]) {
                    problems.push(
                        Problem::error(Code::UnknownKey, format!("nothing is kept `{unit}`"))
                            .at(at, "in this policy")
                            .help(format!("there are `{}`", units.join("`, `"))),
                    );
                }
            }
            let (Some(retention), Some(window)) = (store.backup.retention, store.backup.pitr)
            else {
                continue;
            };
            if let (true, Some(at)) = (retention < window, self.backup_place(name, &["retention"]))
            {
                problems.push(
                    Problem::warning(
                        Code::RetentionBelowWindow,
                        format!("`{name}` keeps backups {retention} and promises a window of {window}"),
                    )
                    .at(at, "shorter than the window")
                    .help("a window reaches back only to its oldest base backup: keep those longer than the window"),
                );
            }
        }
    }

    fn objectives(
        &self,
        scenario: &ScenarioDeclaration,
        within: &BTreeSet<StepName>,
        problems: &mut Problems,
    ) {
        let of_scenario = self
            .builder
            .objective(scenario.rpo.as_ref(), &mut Problems::new());
        for name in self.restored(within) {
            let Some(store) = self.judged.stores.get(&name) else {
                continue;
            };
            let (Some(rpo), Some(interval)) =
                (store.rpo.or(of_scenario), self.interval(&name, store))
            else {
                continue;
            };
            if rpo >= interval {
                continue;
            }
            let Some(at) = self.backup_place(&name, &["interval", "schedule"]) else {
                continue;
            };
            let problem = Problem::warning(
                Code::RpoBelowBackup,
                format!("`{name}` is backed up every {interval}, and its RPO is {rpo}"),
            )
            .at(at, "cannot hold it");
            problems.push(match (&store.rpo, &scenario.rpo) {
                (None, Some(node)) => problem.and_at(node.at, "this RPO"),
                (_, _) => problem,
            });
        }
    }

    fn restored(&self, within: &BTreeSet<StepName>) -> BTreeSet<String> {
        within
            .iter()
            .filter_map(|name| self.judged.steps.get(name)?.store.as_ref())
            .filter(|(role, _)| *role == StoreRole::Restore)
            .map(|(_, store)| store.as_str().to_owned())
            .collect()
    }

    /// Stores of one run whose points are kept for different lengths: older points do not go together.
    fn uneven(&self, within: &BTreeSet<StepName>, problems: &mut Problems) {
        let mut kept: Vec<(Period, String)> = self
            .restored(within)
            .into_iter()
            .filter_map(|name| {
                let store = self.judged.stores.get(&name)?;
                let is_judged = matches!(
                    store.class,
                    StoreClass::Authoritative | StoreClass::Replicated | StoreClass::Key
                );
                is_judged.then_some(())?;
                Some((self.kept(&name, store)?, name))
            })
            .collect();
        kept.sort();
        let Some((longest, longest_name)) = kept.pop() else {
            return;
        };
        for (length, name) in kept {
            let is_explained = self
                .judged
                .stores
                .get(&name)
                .is_some_and(|s| s.why.is_some());
            if length == longest || is_explained {
                continue;
            }
            let (Some(at), Some(other)) = (
                self.backup_place(&name, KEPT),
                self.backup_place(&longest_name, KEPT),
            ) else {
                continue;
            };
            problems.push(
                Problem::warning(
                    Code::RetentionUneven,
                    format!("`{name}` is kept {length}, `{longest_name}` {longest}: older points have no `{name}`"),
                )
                .at(at, "kept shorter")
                .and_at(other, "kept longer")
                .help(format!(
                    "set `class = \"rebuildable\"` and a step that rebuilds it, keep it for {longest}, or write `why` it is kept shorter"
                )),
            );
        }
    }

    /// True when an input without a default says how long a store is kept: it is judged once it is given.
    fn waits_for_inputs(&self, store: &str) -> bool {
        let declared = self.judged.resolution.stores.get(store);
        let written = declared
            .and_then(|store| store.backup_written.as_ref())
            .and_then(Node::table);
        ["retention", "pitr"]
            .iter()
            .filter_map(|key| written?.get(key)?.text())
            .any(|text| text.contains("{{"))
    }

    fn invariants(&self, problems: &mut Problems) {
        for (rule, _) in &self.judged.resolution.plan.invariants {
            let InvariantDeclaration::Outlives(store, than, by) = rule else {
                continue;
            };
            let number = |named: &Named| {
                let store = self.judged.stores.get(&named.name)?;
                Some((
                    self.kept(&named.name, store),
                    self.interval(&named.name, store),
                ))
            };
            let (Some((kept, _)), Some((needed, interval))) = (number(store), number(than)) else {
                continue;
            };
            let (Some(kept), Some(needed)) = (kept, needed) else {
                let unknown = if kept.is_none() { store } else { than };
                if !self.is_given && self.waits_for_inputs(&unknown.name) {
                    continue;
                }
                problems.push(
                    Problem::error(
                        Code::InvariantBroken,
                        format!(
                            "whether `{}` outlives `{}` cannot be judged",
                            store.name, than.name
                        ),
                    )
                    .at(unknown.at, "the plan does not say how long it is kept")
                    .help(format!(
                        "write backup = {{ retention = \"…\" }} in [stores.{}]",
                        unknown.name
                    )),
                );
                continue;
            };
            let interval = interval.unwrap_or_default();
            let least = Period::from(needed.duration() + interval.duration() + by.duration());
            if kept < least {
                let problem = Problem::error(
                    Code::InvariantBroken,
                    format!("`{}` does not outlive `{}`", store.name, than.name),
                )
                .at(store.at, format!("kept {kept}, {least} are needed"))
                .note(format!(
                    "`{}` is kept {needed}, one interval is {interval}, and {by} are asked for beyond that",
                    than.name
                ))
                .help(format!(
                    "keep `{}` for {least} or longer, or `{}` shorter",
                    store.name, than.name
                ));
                problems.push(match self.place(&store.name) {
                    Some(at) => problem.and_at(at, "kept shorter"),
                    None => problem,
                });
            }
        }
    }

    fn unkeyed(
        &self,
        scenario: &ScenarioDeclaration,
        within: &BTreeSet<StepName>,
        problems: &mut Problems,
    ) {
        let names: Vec<&str> = within
            .iter()
            .filter(|name| self.class(name) == Some(Class::Unkeyed))
            .map(StepName::as_str)
            .collect();
        if names.is_empty() {
            return;
        }
        let convergent = within
            .iter()
            .filter(|name| self.class(name) == Some(Class::Convergent))
            .count();
        let (count, verb) = match names.len() {
            1 => ("1 step".to_owned(), "stops"),
            many => (format!("{many} steps"), "stop"),
        };
        let problem = Problem::warning(
            Code::UnkeyedSteps,
            format!("{count} of `{}` {verb} the run when interrupted: a person must say what became of it", scenario.name.name),
        )
        .at(scenario.name.at, format!("`{}`", names.join("`, `")))
        .help(format!(
            "where it is true, say how it may be repeated: {} = \"read\" or \"convergent\"",
            self.class_input(within).unwrap_or("class")
        ));
        problems.push(match convergent {
            0 => problem,
            1 => problem.note("1 more step sets a state again after a look"),
            many => problem.note(format!("{many} more steps set a state again after a look")),
        });
    }

    /// The input in which the first of these steps that may declare its class does so.
    fn class_input(&self, within: &BTreeSet<StepName>) -> Option<&'static str> {
        within.iter().find_map(|name| {
            let step = self.judged.steps.get(name)?;
            match self
                .judged
                .resolution
                .plan
                .registry
                .action(&step.action)?
                .idempotency
            {
                Idempotency::Declared(input) => Some(input),
                Idempotency::Fixed(_) => None,
            }
        })
    }

    fn class(&self, name: &StepName) -> Option<Class> {
        let step = self.judged.steps.get(name)?;
        let action = self.judged.resolution.plan.registry.action(&step.action)?;
        if action.asks {
            return None;
        }
        match action.idempotency {
            Idempotency::Fixed(class) => Some(class),
            Idempotency::Declared(input) => {
                let declared = step.with.get(input).cloned();
                Some(
                    declared
                        .and_then(|value| serde_json::from_value(value).ok())
                        .unwrap_or(Class::Unkeyed),
                )
            }
        }
    }

    /// Traps that the inputs of a step step into. What holds whatever they are is said by `plan`, not here: a
    /// warning that cannot be got rid of is not read.
    fn traps(&self, problems: &mut Problems) {
        for (name, step) in &self.judged.steps {
            let Some(action) = self.judged.resolution.plan.registry.action(&step.action) else {
                continue;
            };
            let Some(declared) = self.judged.resolution.steps.get(name.as_str()) else {
                continue;
            };
            let judged = salvor_contract::Judged {
                takes: &action.with,
                with: &step.with,
                store: None,
            };
            for trap in &action.traps {
                let Some(input) = trap.when.input() else {
                    continue;
                };
                // An input with a wrong value, or with one that is known later, was not left out.
                let is_missing = matches!(trap.when, Condition::InputMissing(_));
                let is_written = declared.with.get(input).is_some();
                if trap.when.holds(judged) && !(is_missing && is_written) {
                    let at = declared.with.entry(input).map(|entry| entry.key_at);
                    problems.push(
                        Problem::warning(Code::Trap, trap.message)
                            .at(at.unwrap_or(declared.name.at), format!("`{}`", trap.id))
                            .note(format!("source: {}", trap.source)),
                    );
                }
            }
        }
    }
}
