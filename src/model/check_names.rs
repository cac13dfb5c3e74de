//! Names that do not depend on a case: conditions, variants, scenarios' inputs, drills, sets, providers.

use crate::model::condition::Condition;
use crate::model::inputs::InputType;
use crate::model::plan::InvariantDeclaration;
use crate::model::plan::Named;
use crate::model::plan::Plan;
use crate::model::sections::bad_value;
use crate::plan_file::Code;
use crate::plan_file::Entry;
use crate::plan_file::Node;
use crate::plan_file::Position;
use crate::plan_file::Problem;
use crate::plan_file::Problems;
use crate::plan_file::Table;

/// Adds the problems of names.
pub fn check_names(plan: &Plan, problems: &mut Problems) {
    for step in &plan.steps {
        if let Some((condition, node)) = &step.when {
            check_condition(plan, condition, node.at, node.text(), problems);
        }
        if let Some((node, Some(condition))) = &step.destroys {
            check_condition(plan, condition, node.at, None, problems);
        }
    }
    for store in &plan.stores {
        if let Some((step, condition)) = &store.known {
            refuse_unknown_step(plan, step, problems);
            if let Some(condition) = condition {
                check_condition(plan, condition, step.at, None, problems);
            }
        }
    }
    check_variants(plan, problems);
    check_sets(plan, problems);
    let configured = plan.providers.iter().map(|config| &config.provider);
    for provider in configured.chain(&plan.limited) {
        if plan.registry.provider(&provider.name).is_none() {
            let known = plan.registry.iter().map(|p| p.description().name);
            problems.push(unknown(
                Code::UnknownProvider,
                "provider",
                provider,
                "not in this binary",
                known,
            ));
        }
    }
    for scenario in &plan.scenarios {
        check_inputs(plan, &scenario.inputs, problems);
        let is_said = problems
            .iter()
            .any(|p| p.primary.as_ref().is_some_and(|l| l.at == scenario.name.at));
        if scenario.goal.is_empty() && !is_said {
            problems.push(
                Problem::error(
                    Code::MissingKey,
                    format!("scenario `{}` has no goal", scenario.name.name),
                )
                .at(scenario.name.at, "its goal is empty")
                .help("name the steps that must have succeeded in the end: goal = [\"…\"]"),
            );
        }
        for node in [&scenario.rpo, &scenario.rto].into_iter().flatten() {
            check_objective(plan, node, problems);
        }
    }
    for store in &plan.stores {
        if let Some(node) = &store.rpo {
            check_objective(plan, node, problems);
        }
    }
    check_drills(plan, problems);
    check_events(plan, problems);
}

/// The problem of a name that the plan does not define.
pub(super) fn unknown<'a>(
    code: Code,
    what: &str,
    named: &Named,
    label: &str,
    known: impl Iterator<Item = &'a str>,
) -> Problem {
    Problem::error(code, format!("unknown {what} `{}`", named.name))
        .at(named.at, label)
        .meant(named.at, &named.name, known)
}

fn check_condition(
    plan: &Plan,
    condition: &Condition,
    at: Position,
    text: Option<&str>,
    problems: &mut Problems,
) {
    for (name, (start, end), words) in condition.comparisons() {
        let place = text.map_or(at, |text| plan.sources.inside(at, text, start, end));
        let Some(input) = plan.input(name) else {
            let named = Named {
                name: name.to_owned(),
                at: place,
            };
            let known = plan.inputs.iter().map(|input| input.name.as_str());
            problems.push(unknown(
                Code::UnknownInput,
                "input",
                &named,
                "not an input of this plan",
                known,
            ));
            continue;
        };
        let Some(known) = input.takes.words() else {
            problems.push(
                Problem::error(
                    Code::BadCondition,
                    format!("a condition cannot ask about `{name}`"),
                )
                .at(place, "neither an enum nor a boolean")
                .and_at(input.at, "defined here")
                .help("make it an enum, so that `check` can look at every value"),
            );
            continue;
        };
        for word in words.iter().filter(|word| !known.contains(word)) {
            let problem = Problem::error(Code::BadCondition, format!("`{name}` is never `{word}`"))
                .at(place, "compared here")
                .and_at(input.at, "defined here");
            problems.push(problem.meant(place, word, known.iter().map(String::as_str)));
        }
    }
}

fn check_variants(plan: &Plan, problems: &mut Problems) {
    for variant in &plan.variants {
        let Some(input) = plan.input(&variant.by.name) else {
            let known = plan.inputs.iter().map(|input| input.name.as_str());
            problems.push(unknown(
                Code::UnknownInput,
                "input",
                &variant.by,
                "not an input of this plan",
                known,
            ));
            continue;
        };
        let InputType::Enum(words) = &input.takes else {
            problems.push(
                Problem::error(
                    Code::BadValue,
                    format!("variant `{}` is chosen by an enum", variant.name.name),
                )
                .at(variant.by.at, "not an enum")
                .and_at(input.at, "defined here")
                .help("give the input type = \"enum\" and a word for each file"),
            );
            continue;
        };
        for word in words
            .iter()
            .filter(|word| !variant.values.iter().any(|value| value.name == **word))
        {
            problems.push(
                Problem::error(
                    Code::MissingKey,
                    format!("variant `{}` has no file for `{word}`", variant.name.name),
                )
                .at(variant.name.at, "every value needs one")
                .and_at(input.at, "defined here")
                .help(format!("add to its `files`: {word} = \"….toml\"")),
            );
        }
        for value in &variant.values {
            if !words.contains(&value.name) {
                let label = format!("`{}` is never this", variant.by.name);
                problems.push(unknown(
                    Code::BadValue,
                    "value",
                    value,
                    &label,
                    words.iter().map(String::as_str),
                ));
            }
        }
        for (value, part) in &variant.files {
            check_offers(variant, value, part, problems);
        }
    }
}

fn check_offers(
    variant: &crate::model::plan::Variant,
    value: &str,
    part: &crate::model::plan::VariantPart,
    problems: &mut Problems,
) {
    for offer in &variant.offers {
        if part.offers.get(&offer.name).is_none() {
            problems.push(
                Problem::error(
                    Code::MissingKey,
                    format!(
                        "`{value}` does not offer `{}` of variant `{}`",
                        offer.name, variant.name.name
                    ),
                )
                .at(part.at, "its file lacks it")
                .and_at(offer.at, "promised here")
                .help(format!(
                    "write under [offers]: {} = \"{{{{steps.NAME.OUTPUT}}}}\"",
                    offer.name
                )),
            );
        }
    }
    for entry in &part.offers.entries {
        if !variant.offers.iter().any(|offer| offer.name == entry.key) {
            let known = variant.offers.iter().map(|offer| offer.name.as_str());
            let owner = format!("what variant `{}` offers", variant.name.name);
            problems.push(crate::model::shape::unknown_key(entry, known, &owner));
        }
    }
}

fn check_sets(plan: &Plan, problems: &mut Problems) {
    let stores = || plan.stores.iter().map(|store| store.name.name.as_str());
    let mut store = |named: &Named| {
        if !stores().any(|name| name == named.name) {
            problems.push(unknown(
                Code::UnknownStore,
                "store",
                named,
                "not a store of this plan",
                stores(),
            ));
        }
    };
    for set in &plan.sets {
        set.members.iter().for_each(&mut store);
    }
    for (rule, _) in &plan.invariants {
        match rule {
            InvariantDeclaration::References(a, b) | InvariantDeclaration::Outlives(a, b, _) => {
                store(a);
                store(b);
            }
        }
    }
}

/// Values that a scenario or a drill fixes.
fn check_inputs(plan: &Plan, table: &Table, problems: &mut Problems) {
    for Entry { key, key_at, value } in &table.entries {
        let Some(input) = plan.input(key) else {
            let named = Named {
                name: key.clone(),
                at: *key_at,
            };
            let known = plan.inputs.iter().map(|input| input.name.as_str());
            problems.push(unknown(
                Code::UnknownInput,
                "input",
                &named,
                "not an input of this plan",
                known,
            ));
            continue;
        };
        let fits = input
            .takes
            .of_node(value)
            .and_then(|value| input.matches(&value));
        if let Err(unfit) = fits {
            problems.push(bad_value(input, value, unfit).and_at(input.at, "defined here"));
        }
    }
}

fn check_objective(plan: &Plan, node: &Node, problems: &mut Problems) {
    let Some(place) = node.table() else { return };
    let (Some(table), Some(column)) = (place.text("table"), place.text("column")) else {
        return;
    };
    let by = place.text("by").unwrap_or(table);
    let at = |key: &str| place.get(key).map_or(node.at, |node| node.at);
    let rows = plan
        .tables
        .get(table)
        .and_then(serde_json::Value::as_object);
    // A table that is not there says nothing of the input that is named like it.
    let is_by_its_name = place.get("by").is_none() && rows.is_none();
    if plan.input(by).is_none() && !is_by_its_name {
        problems.push(
            Problem::error(Code::UnknownInput, format!("unknown input `{by}`"))
                .at(at("by"), "its value names the row")
                .help("write by = \"INPUT\""),
        );
    }
    let Some(rows) = rows else {
        let named = Named {
            name: table.to_owned(),
            at: at("table"),
        };
        let known: Vec<&str> = plan
            .tables
            .as_object()
            .map(|tables| tables.keys().map(String::as_str).collect())
            .unwrap_or_default();
        problems.push(unknown(
            Code::UnknownTable,
            "table",
            &named,
            "not a table of this plan",
            known.into_iter(),
        ));
        return;
    };
    let words = plan.input(by).and_then(|input| input.takes.words());
    for word in words.unwrap_or_default() {
        let value = rows.get(&word).and_then(|row| row.get(column));
        let period = value.and_then(serde_json::Value::as_str);
        if period.is_none_or(|text| text.parse::<salvor_contract::Period>().is_err()) {
            problems.push(
                Problem::error(
                    Code::UnknownTable,
                    format!(
                        "table `{table}` has no length of time for `{word}` in column `{column}`"
                    ),
                )
                .at(at("column"), format!("looked up when {by} = {word}"))
                .help(format!(
                    "write under [tables.{table}]: {word} = {{ {column} = \"4h\" }}"
                )),
            );
        }
    }
}

fn refuse_unknown_step(plan: &Plan, named: &Named, problems: &mut Problems) {
    let steps = || plan.steps.iter().map(|step| step.name.name.as_str());
    if !steps().any(|name| name == named.name) {
        problems.push(unknown(
            Code::UnknownStep,
            "step",
            named,
            "not a step of this plan",
            steps(),
        ));
    }
}

fn check_drills(plan: &Plan, problems: &mut Problems) {
    for drill in &plan.drills {
        if plan.scenario(&drill.scenario.name).is_none() {
            let known = plan.scenarios.iter().map(|s| s.name.name.as_str());
            problems.push(unknown(
                Code::UnknownScenario,
                "scenario",
                &drill.scenario,
                "not a scenario of this plan",
                known,
            ));
        }
        for step in drill.only.iter().chain(&drill.leave_out) {
            refuse_unknown_step(plan, step, problems);
        }
        for entry in &drill.overrides.entries {
            let named = Named {
                name: entry.key.clone(),
                at: entry.key_at,
            };
            refuse_unknown_step(plan, &named, problems);
        }
        check_inputs(plan, &drill.inputs, problems);
    }
}

fn check_events(plan: &Plan, problems: &mut Problems) {
    let events = ["started", "asked", "failed", "finished"];
    for event in plan.notify.iter().flat_map(|told| &told.on) {
        if !events.contains(&event.name.as_str()) {
            problems.push(unknown(
                Code::BadValue,
                "event",
                event,
                "nothing of this name happens",
                events.into_iter(),
            ));
        }
    }
}
