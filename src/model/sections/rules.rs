//! Reads the sections that bring stores and steps together: variants, sets, scenarios, invariants, drills,
//! notifications, limits, policies.

use std::collections::BTreeMap;

use salvor_contract::Period;

use crate::model::instance::Limits;
use crate::model::plan::Drill;
use crate::model::plan::InvariantDeclaration;
use crate::model::plan::Named;
use crate::model::plan::NotifyDeclaration;
use crate::model::plan::ScenarioDeclaration;
use crate::model::plan::SetDeclaration;
use crate::model::plan::Variant;
use crate::model::posture::CopiesRule;
use crate::model::posture::PolicyDeclaration;
use crate::model::sections::nodes::integer_in;
use crate::model::sections::nodes::integers;
use crate::model::sections::nodes::is_set;
use crate::model::sections::nodes::key_of;
use crate::model::sections::nodes::name_in;
use crate::model::sections::nodes::named;
use crate::model::sections::nodes::names_in;
use crate::model::sections::nodes::period_in;
use crate::model::sections::nodes::table_in;
use crate::model::sections::nodes::text_in;
use crate::plan_file::Code;
use crate::plan_file::Content;
use crate::plan_file::Node;
use crate::plan_file::Problem;
use crate::plan_file::Problems;
use crate::plan_file::Table;

/// `[variants]`, without their files.
pub fn variants(root: &Table) -> Vec<Variant> {
    named(root, "variants")
        .filter_map(|(entry, table)| {
            Some(Variant {
                name: key_of(entry),
                by: name_in(table, "by")?,
                offers: names_in(table, "offers"),
                values: table_in(table, "files")
                    .entries
                    .iter()
                    .map(key_of)
                    .collect(),
                files: BTreeMap::new(),
            })
        })
        .collect()
}

/// `[sets]`.
pub fn sets(root: &Table) -> Vec<SetDeclaration> {
    named(root, "sets")
        .map(|(entry, table)| SetDeclaration {
            name: key_of(entry),
            members: names_in(table, "members"),
            skew_max: table.get("skew-max").cloned(),
            schedule: table.get("schedule").cloned(),
            ttl: table.get("ttl").cloned(),
            is_whole: is_set(table, "whole"),
            is_chain: is_set(table, "chain"),
        })
        .collect()
}

/// `[scenarios]`.
pub fn scenarios(root: &Table) -> Vec<ScenarioDeclaration> {
    named(root, "scenarios")
        .map(|(entry, table)| ScenarioDeclaration {
            name: key_of(entry),
            title: text_in(table, "title"),
            goal: names_in(table, "goal"),
            inputs: table_in(table, "inputs"),
            rpo: table.get("rpo").cloned(),
            rto: table.get("rto").cloned(),
            lost: table
                .get("lost")
                .map(Node::list)
                .unwrap_or_default()
                .to_vec(),
        })
        .collect()
}

/// `[[invariants]]`.
pub fn invariants(
    root: &Table,
    problems: &mut Problems,
) -> Vec<(InvariantDeclaration, crate::plan_file::Position)> {
    let mut found = Vec::new();
    for node in root.get("invariants").map(Node::list).unwrap_or_default() {
        let Some(table) = node.table() else { continue };
        let before = found.len();
        if let Some(rule) = table.table("references")
            && let (Some(from), Some(to)) = (name_in(rule, "from"), name_in(rule, "to"))
        {
            found.push((InvariantDeclaration::References(from, to), node.at));
        }
        if let Some(rule) = table.table("outlives")
            && let (Some(store), Some(than)) = (name_in(rule, "store"), name_in(rule, "than"))
        {
            let by = period_in(rule, "by").unwrap_or(Period::ZERO);
            found.push((InvariantDeclaration::Outlives(store, than, by), node.at));
        }
        if found.len() == before && table.entries.is_empty() {
            problems.push(
                Problem::error(Code::MissingKey, "an invariant says nothing")
                    .at(node.at, "`references` or `outlives` is missing")
                    .help(
                        "write references = { from = \"STORE\", to = \"STORE\" }, or take it out",
                    ),
            );
        }
    }
    found
}

/// `[drills]`.
pub fn drills(root: &Table) -> Vec<Drill> {
    named(root, "drills")
        .filter_map(|(entry, table)| {
            let isolate = table_in(table, "isolate");
            Some(Drill {
                name: key_of(entry),
                title: text_in(table, "title"),
                scenario: name_in(table, "scenario")?,
                every: period_in(table, "every")?,
                only: names_in(table, "only"),
                profile: text_in(table, "profile").unwrap_or_else(|| "full".to_owned()),
                suffix: text_in(&isolate, "suffix"),
                inputs: table_in(&isolate, "inputs"),
                overrides: table_in(&isolate, "steps"),
                leave_out: names_in(&isolate, "leave-out"),
                refuse: names_in(&isolate, "refuse")
                    .into_iter()
                    .map(|n| n.name)
                    .collect(),
            })
        })
        .collect()
}

/// `[[notify]]`.
pub fn notify(root: &Table) -> Vec<NotifyDeclaration> {
    root.get("notify")
        .map(Node::list)
        .unwrap_or_default()
        .iter()
        .filter_map(Node::table)
        .map(|table| NotifyDeclaration {
            on: names_in(table, "on"),
            uses: name_in(table, "uses"),
            with: table_in(table, "with"),
            drills: is_set(table, "drills"),
        })
        .collect()
}

/// The providers that `[limits]` names.
pub fn limited(root: &Table) -> Vec<Named> {
    let limits = root.table("limits");
    let providers = limits.and_then(|table| table.table("providers"));
    let entries = providers.into_iter().flat_map(|table| &table.entries);
    entries.map(key_of).collect()
}

/// `[limits]`.
pub fn limits(root: &Table, problems: &mut Problems) -> Limits {
    let mut limits = Limits::default();
    let Some(table) = root.table("limits") else {
        return limits;
    };
    let providers = table.table("providers").into_iter();
    for entry in (table.entries.iter()).chain(providers.flat_map(|table| &table.entries)) {
        if entry.value.content == Content::Integer(0) {
            problems.push(
                Problem::error(Code::BadValue, format!("`{}` lets no step run", entry.key))
                    .at(entry.value.at, "a limit is 1 or more")
                    .help("leave it out, or choose a scenario without these steps"),
            );
        }
    }
    let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX).max(1);
    if let Some(number) = integer_in(table, "parallel") {
        limits.parallel = size(number);
    }
    if let Some(number) = integer_in(table, "target") {
        limits.target = size(number);
    }
    limits.providers = integers(table, "providers")
        .into_iter()
        .map(|(name, number)| (name, size(number)))
        .collect();
    limits
}

/// `[policies]`.
pub fn policies(root: &Table, problems: &mut Problems) -> PolicyDeclaration {
    let Some(table) = root.table("policies") else {
        return PolicyDeclaration::default();
    };
    let at = |key: &str| table.get(key).map(|node| node.at);
    let copies = table.get("copies").and_then(|node| {
        let written = node.text()?;
        match written.parse::<CopiesRule>() {
            Ok(rule) => Some((rule, node.at)),
            Err(why) => {
                problems.push(
                    Problem::error(Code::BadValue, format!("`{written}` is no rule of copies"))
                        .at(node.at, why)
                        .help("copies, media, off site, immutable or offline, unverified: \"3-2-1-1-0\""),
                );
                None
            }
        }
    });
    PolicyDeclaration {
        copies,
        keys_apart: at("keys"),
        accounts_apart: at("accounts"),
        state_site: table.get("state-site").cloned(),
    }
}
