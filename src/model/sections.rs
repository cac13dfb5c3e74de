//! Reads the sections of a document into a [`Plan`]. Shapes were checked by `shape`: what is missing or
//! ill-typed here was reported there and is passed over.

use std::collections::BTreeMap;

use regex::Regex;
use salvor_contract::Period;
use serde_json::Value;

use crate::model::condition::Condition;
use crate::model::inputs::Input;
use crate::model::inputs::InputType;
use crate::model::instance::BackupPolicy;
use crate::model::instance::Limits;
use crate::model::instance::OnFailure;
use crate::model::instance::StoreClass;
use crate::model::instance::StoreRole;
use crate::model::plan::Does;
use crate::model::plan::Drill;
use crate::model::plan::InvariantDeclaration;
use crate::model::plan::Named;
use crate::model::plan::NotifyDeclaration;
use crate::model::plan::Only;
use crate::model::plan::ScenarioDeclaration;
use crate::model::plan::SetDeclaration;
use crate::model::plan::StepDeclaration;
use crate::model::plan::StoreDeclaration;
use crate::model::plan::Variant;
use crate::plan_file::Code;
use crate::plan_file::Content;
use crate::plan_file::Entry;
use crate::plan_file::Node;
use crate::plan_file::Problem;
use crate::plan_file::Problems;
use crate::plan_file::Sources;
use crate::plan_file::Table;

/// The tables of a section, with their entries.
pub fn named<'a>(root: &'a Table, section: &str) -> impl Iterator<Item = (&'a Entry, &'a Table)> {
    root.table(section)
        .into_iter()
        .flat_map(|section| &section.entries)
        .filter_map(|entry| entry.value.table().map(|table| (entry, table)))
}

fn key_of(entry: &Entry) -> Named {
    Named {
        name: entry.key.clone(),
        at: entry.key_at,
    }
}

fn name_in(table: &Table, key: &str) -> Option<Named> {
    let node = table.get(key)?;
    Some(Named {
        name: node.text()?.to_owned(),
        at: node.at,
    })
}

fn names_in(table: &Table, key: &str) -> Vec<Named> {
    table
        .get(key)
        .into_iter()
        .flat_map(Node::texts)
        .map(|(name, at)| Named {
            name: name.to_owned(),
            at,
        })
        .collect()
}

fn text_in(table: &Table, key: &str) -> Option<String> {
    table.text(key).map(str::to_owned)
}

fn is_set(table: &Table, key: &str) -> bool {
    table
        .get(key)
        .is_some_and(|node| node.content == Content::Boolean(true))
}

fn integer_in(table: &Table, key: &str) -> Option<u64> {
    match table.get(key).map(|node| &node.content) {
        Some(Content::Integer(number)) => u64::try_from(*number).ok(),
        Some(
            Content::Text(_)
            | Content::Float(_)
            | Content::Boolean(_)
            | Content::Time(_)
            | Content::List(_)
            | Content::Table(_),
        )
        | None => None,
    }
}

/// A length of time that is not a template.
pub fn period_in(table: &Table, key: &str) -> Option<Period> {
    table.text(key).and_then(|text| text.parse().ok())
}

fn table_in(table: &Table, key: &str) -> Table {
    table.table(key).cloned().unwrap_or_default()
}

fn condition_in(
    table: &Table,
    key: &str,
    sources: &Sources,
    problems: &mut Problems,
) -> Option<(Condition, Node)> {
    let node = table.get(key)?;
    let text = node.text()?;
    match Condition::parse(text) {
        Ok(condition) => Some((condition, node.clone())),
        Err(error) => {
            let at = sources.inside(node.at, text, error.at.start, error.at.end);
            problems.push(
                Problem::error(Code::BadCondition, "this is not a condition")
                    .at(at, error.message)
                    .help("compare enum or boolean inputs: mode == in-place, tier in [a, b], not flag, and, or"),
            );
            None
        }
    }
}

/// `[inputs]`.
pub fn inputs(root: &Table, problems: &mut Problems) -> Vec<Input> {
    named(root, "inputs")
        .filter_map(|(entry, table)| input(entry, table, problems))
        .collect()
}

fn input(entry: &Entry, table: &Table, problems: &mut Problems) -> Option<Input> {
    let takes = input_type(entry, table, problems)?;
    let pattern = table.get("pattern").and_then(|node| {
        let text = node.text()?;
        // The size limit keeps a pattern from eating memory.
        match regex::RegexBuilder::new(text).size_limit(1 << 20).build() {
            Ok(pattern) => Some(pattern),
            Err(_) => {
                problems.push(
                    Problem::error(Code::BadValue, "this is not a regular expression")
                        .at(node.at, "cannot be read")
                        .help("in a TOML text a backslash is written twice, or the text stands between single quotes"),
                );
                None::<Regex>
            }
        }
    });
    let mut input = Input {
        name: entry.key.clone(),
        at: entry.key_at,
        takes,
        pattern,
        default: None,
        is_optional: is_set(table, "optional"),
        is_absolute_allowed: is_set(table, "absolute"),
        help: text_in(table, "help").unwrap_or_default(),
        example: table.text("example").map(str::to_owned),
    };
    if let Some(node) = table.get("default") {
        let value = match node.text() {
            Some(text) if text.contains("{{") => Err("a default is no template".to_owned()),
            Some(_) | None => input.takes.of_node(node),
        };
        match value.and_then(|value| input.matches(&value).map(|()| value)) {
            Ok(value) => input.default = Some(value),
            Err(why) => problems.push(bad_value(&input, node, &why)),
        }
    }
    Some(input)
}

/// The problem of a value that an input does not take; a secret's line is not shown.
pub fn bad_value(input: &Input, node: &Node, why: &str) -> Problem {
    let title = format!("input `{}` does not take this value", input.name);
    match (&input.takes, node.text()) {
        (InputType::Secret, _) => Problem::error(Code::SecretAsText, title)
            .at(node.at, "")
            .help("write where the secret is to be found: env:NAME or file:/path")
            .hidden(),
        (InputType::Time, Some(_)) => Problem::error(Code::TimeWithoutZone, title).at(node.at, why),
        (InputType::Time, None) => Problem::error(Code::TimeWithoutZone, title)
            .at(node.at, "a moment needs its zone: end it with Z or +02:00"),
        (InputType::Duration, _) => Problem::error(Code::BadDuration, title).at(node.at, why),
        (InputType::File, Some(_)) if !input.is_absolute_allowed => {
            Problem::error(Code::BadValue, title).at(node.at, why).help(
                "a path that leads out of the plan's folder needs `absolute = true` in its input",
            )
        }
        (_, _) => Problem::error(Code::BadValue, title).at(node.at, why),
    }
}

fn input_type(entry: &Entry, table: &Table, problems: &mut Problems) -> Option<InputType> {
    let written = table.text("type")?;
    let of = table.get("of");
    let inner = |problems: &mut Problems| match of.and_then(Node::text) {
        Some(text) => InputType::simple(text).unwrap_or_else(|| {
            if let Some(node) = of {
                problems.push(
                    Problem::error(Code::BadValue, format!("`{text}` is not a type of values"))
                        .at(node.at, "not a type")
                        .meant(node.at, text, InputType::SIMPLE),
                );
            }
            InputType::String
        }),
        None => InputType::String,
    };
    match written {
        "enum" => {
            let words: Vec<String> = of
                .into_iter()
                .flat_map(Node::texts)
                .map(|(text, _)| text.to_owned())
                .collect();
            if words.is_empty() {
                problems.push(
                    Problem::error(
                        Code::MissingKey,
                        format!("input `{}` has no words", entry.key),
                    )
                    .at(entry.key_at, "an enum needs its words")
                    .help("write of = [\"a\", \"b\"]"),
                );
                return None;
            }
            Some(InputType::Enum(words))
        }
        "list" => Some(InputType::List(Box::new(inner(problems)))),
        "map" => Some(InputType::Map(Box::new(inner(problems)))),
        other => InputType::simple(other),
    }
}

/// `[tables]`, as one JSON object.
pub fn tables(root: &Table, problems: &mut Problems) -> Value {
    match root.get("tables") {
        Some(node) if node.table().is_some() => literal(node, problems),
        Some(_) | None => Value::Object(serde_json::Map::new()),
    }
}

/// A value that stands for itself.
fn literal(node: &Node, problems: &mut Problems) -> Value {
    match &node.content {
        Content::Text(text) => {
            if text.contains("{{") {
                problems.push(
                    Problem::error(Code::BadValue, "a table holds values, not templates")
                        .at(node.at, "braces mean nothing here")
                        .help("write the value, and look it up by an input: {{lookup tables.T inputs.I \"column\"}}"),
                );
            }
            Value::String(text.clone())
        }
        Content::Integer(number) => Value::from(*number),
        Content::Float(number) => Value::from(*number),
        Content::Boolean(value) => Value::Bool(*value),
        Content::Time(text) => Value::String(text.clone()),
        Content::List(list) => list.iter().map(|node| literal(node, problems)).collect(),
        Content::Table(table) => table
            .entries
            .iter()
            .map(|entry| (entry.key.clone(), literal(&entry.value, problems)))
            .collect(),
    }
}

/// `[stores]`.
pub fn stores(
    root: &Table,
    only: Option<&Only>,
    sources: &Sources,
    problems: &mut Problems,
) -> Vec<StoreDeclaration> {
    named(root, "stores")
        .map(|(entry, table)| StoreDeclaration {
            name: key_of(entry),
            title: text_in(table, "title"),
            kind: name_in(table, "kind"),
            class: class(table.text("class")),
            with: table_in(table, "with"),
            rpo: table.get("rpo").cloned(),
            why: text_in(table, "why"),
            backup: table.table("backup").map(backup).unwrap_or_default(),
            backup_written: table.get("backup").cloned(),
            known: table.table("known").and_then(|known| {
                let when = condition_in(known, "when", sources, problems);
                Some((
                    name_in(known, "after")?,
                    when.map(|(condition, _)| condition),
                ))
            }),
            allow_partial: is_set(table, "allow-partial"),
            only: only.cloned(),
        })
        .collect()
}

fn class(written: Option<&str>) -> StoreClass {
    match written {
        Some("replicated") => StoreClass::Replicated,
        Some("rebuildable") => StoreClass::Rebuildable,
        Some("ephemeral") => StoreClass::Ephemeral,
        Some("external") => StoreClass::External,
        Some("in-git") => StoreClass::InGit,
        Some("key") => StoreClass::Key,
        Some(_) | None => StoreClass::Authoritative,
    }
}

fn backup(table: &Table) -> BackupPolicy {
    BackupPolicy {
        schedule: text_in(table, "schedule"),
        pitr: period_in(table, "pitr"),
        interval: period_in(table, "interval"),
        retention: period_in(table, "retention"),
        keep: integers(table, "keep"),
    }
}

fn integers(table: &Table, key: &str) -> BTreeMap<String, u64> {
    let Some(table) = table.table(key) else {
        return BTreeMap::new();
    };
    table
        .keys()
        .filter_map(|name| Some((name.to_owned(), integer_in(table, name)?)))
        .collect()
}

/// `[steps]`.
pub fn steps(
    root: &Table,
    only: Option<&Only>,
    sources: &Sources,
    problems: &mut Problems,
) -> Vec<StepDeclaration> {
    named(root, "steps")
        .map(|(entry, table)| StepDeclaration {
            name: key_of(entry),
            title: text_in(table, "title"),
            does: does(entry, table, problems),
            with: table_in(table, "with"),
            needs: names_in(table, "needs"),
            after: names_in(table, "after"),
            when: condition_in(table, "when", sources, problems),
            finally: is_set(table, "finally"),
            timeout: table.get("timeout").cloned(),
            retry: table.table("retry").cloned(),
            on_failure: match table.text("on-failure") {
                Some("continue") => OnFailure::Continue,
                Some(_) | None => OnFailure::Stop,
            },
            expect: table.get("expect").cloned(),
            destroys: table.get("destroys").and_then(|node| match node.table() {
                None => Some((node.clone(), None)),
                Some(table) => {
                    let when = condition_in(table, "when", sources, problems);
                    Some((table.get("what")?.clone(), when.map(|(c, _)| c)))
                }
            }),
            only: only.cloned(),
        })
        .collect()
}

fn does(entry: &Entry, table: &Table, problems: &mut Problems) -> Does {
    let roles = [
        ("restore", StoreRole::Restore),
        ("backup", StoreRole::Backup),
        ("verify", StoreRole::Verify),
    ];
    let found: Vec<(&str, StoreRole)> = roles
        .into_iter()
        .filter(|(key, _)| table.get(key).is_some())
        .collect();
    let by = name_in(table, "uses");
    match (found.as_slice(), by) {
        ([], Some(by)) => Does::Uses(by),
        ([(key, role)], by) => match name_in(table, key) {
            Some(store) => Does::With {
                role: *role,
                store,
                by,
            },
            None => Does::Nothing,
        },
        // An ill-typed `uses` was reported.
        ([], None) if table.get("uses").is_some() => Does::Nothing,
        ([], None) => {
            problems.push(
                Problem::error(
                    Code::MissingKey,
                    format!("step `{}` does nothing", entry.key),
                )
                .at(
                    entry.key_at,
                    "one of `uses`, `restore`, `backup`, `verify` is missing",
                )
                .help("a step that nobody can automate yet is `uses = \"manual\"`"),
            );
            Does::Nothing
        }
        ([(first, _), (second, _), ..], _) => {
            let at = table.entry(second).map_or(entry.key_at, |e| e.key_at);
            problems.push(
                Problem::error(
                    Code::Duplicate,
                    format!("step `{}` does two things", entry.key),
                )
                .at(at, format!("there is `{first}` as well"))
                .help("a step does one thing: make it two steps"),
            );
            Does::Nothing
        }
    }
}

/// `[variants]`, without their files.
pub fn variants(root: &Table) -> Vec<Variant> {
    named(root, "variants")
        .filter_map(|(entry, table)| {
            Some(Variant {
                name: key_of(entry),
                by: name_in(table, "by")?,
                offers: names_in(table, "offers"),
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
                    .at(node.at, "`references` or `outlives` is missing"),
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
pub fn limits(root: &Table) -> Limits {
    let mut limits = Limits::default();
    let Some(table) = root.table("limits") else {
        return limits;
    };
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
