//! Reads `[stores]`, with where they and their copies are.

use crate::model::instance::BackupPolicy;
use crate::model::instance::StoreClass;
use crate::model::plan::Only;
use crate::model::plan::StoreDeclaration;
use crate::model::posture::CopyDeclaration;
use crate::model::posture::PlaceDeclaration;
use crate::model::posture::PostureDeclaration;
use crate::model::sections::nodes::condition_in;
use crate::model::sections::nodes::integers;
use crate::model::sections::nodes::is_set;
use crate::model::sections::nodes::key_of;
use crate::model::sections::nodes::name_in;
use crate::model::sections::nodes::named;
use crate::model::sections::nodes::period_in;
use crate::model::sections::nodes::table_in;
use crate::model::sections::nodes::text_in;
use crate::plan_file::Node;
use crate::plan_file::Problems;
use crate::plan_file::Sources;
use crate::plan_file::Table;

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
            posture: posture(table),
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

fn posture(table: &Table) -> PostureDeclaration {
    PostureDeclaration {
        place: place(table),
        key: name_in(table, "key"),
        copies_at: table.entry("copies").map(|entry| entry.key_at),
        copies: table
            .get("copies")
            .map(Node::list)
            .unwrap_or_default()
            .iter()
            .filter_map(|node| Some(copy(node, node.table()?)))
            .collect(),
    }
}

fn place(table: &Table) -> PlaceDeclaration {
    PlaceDeclaration {
        site: table.get("site").cloned(),
        account: table.get("account").cloned(),
        medium: table.get("medium").cloned(),
    }
}

fn copy(node: &Node, table: &Table) -> CopyDeclaration {
    CopyDeclaration {
        at: table.entry("site").map_or(node.at, |entry| entry.value.at),
        place: place(table),
        is_locked: is_set(table, "immutable") || is_set(table, "offline"),
        key: name_in(table, "key"),
        access: name_in(table, "access"),
        verified: name_in(table, "verified"),
    }
}
