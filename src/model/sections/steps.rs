//! Reads `[steps]`.

use crate::model::instance::OnFailure;
use crate::model::instance::StoreRole;
use crate::model::plan::Does;
use crate::model::plan::Only;
use crate::model::plan::StepDeclaration;
use crate::model::sections::nodes::condition_in;
use crate::model::sections::nodes::is_set;
use crate::model::sections::nodes::key_of;
use crate::model::sections::nodes::name_in;
use crate::model::sections::nodes::named;
use crate::model::sections::nodes::names_in;
use crate::model::sections::nodes::table_in;
use crate::model::sections::nodes::text_in;
use crate::plan_file::Code;
use crate::plan_file::Entry;
use crate::plan_file::Problem;
use crate::plan_file::Problems;
use crate::plan_file::Sources;
use crate::plan_file::Table;

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
            rebuilds: names_in(table, "rebuilds"),
            fences: names_in(table, "fences"),
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
