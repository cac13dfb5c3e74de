//! What this provider tells of its kinds, as data.

use salvor_contract::ActionKind;
use salvor_contract::Class;
use salvor_contract::Condition;
use salvor_contract::Description;
use salvor_contract::Destroys;
use salvor_contract::Effect;
use salvor_contract::Fields;
use salvor_contract::Idempotency;
use salvor_contract::IdentityTemplate;
use salvor_contract::Isolation;
use salvor_contract::Output;
use salvor_contract::Period;
use salvor_contract::Permission;
use salvor_contract::StoreKind;
use salvor_contract::Trap;
use salvor_contract::Type;
use serde_json::json;

use crate::actions::Restore;
use crate::actions::SyncInputs;
use crate::by_hand::brought_back;
use crate::by_hand::copied;
use crate::by_hand::counted;
use crate::by_hand::listed;
use crate::by_hand::listed_as_of;
use crate::by_hand::synced;
use crate::check::CheckInputs;
use crate::check::VerifyInputs;
use crate::config::Config;
use crate::copy::CopyInputs;
use crate::store::Dated;
use crate::store::Whole;

/// All of it.
pub(crate) fn description() -> Description {
    Description {
        name: "objects",
        summary: "Objects under s3:// and file:// addresses: dated copies, versions, sync.",
        config: Fields::of::<Config>(),
        stores: stores(),
        actions: vec![restore(), sync(), copy(), check(), verify()],
    }
}

/// The kind of everything that has an address here; the scheme of the address tells where it is.
const PLACE: &str = "objects.place";

fn stores() -> Vec<StoreKind> {
    let store = |name, summary, with, details| StoreKind {
        name,
        summary,
        with,
        identity: vec![IdentityTemplate::new(PLACE, "{url}")],
        details,
        is_stated: false,
        restore: Some("objects.restore"),
        backup: None,
        verify: Some("objects.verify"),
    };
    vec![
        store(
            "objects.dated",
            "Backups with a date in their name: every folder or file is a recovery point.",
            Fields::of::<Dated>(),
            details_of_copies(),
        ),
        store(
            "objects.versions",
            "A bucket that keeps old versions: every moment since they are kept is a recovery point.",
            Fields::of::<Whole>(),
            details_of_versions(),
        ),
        store(
            "objects.prefix",
            "One plain current copy: a recovery point of the time of its newest object.",
            Fields::of::<Whole>(),
            details_of_copies(),
        ),
    ]
}

fn details_of_copies() -> Vec<Output> {
    vec![
        Output::new(
            "url",
            Type::Text,
            "The address of the folder, or of the one object.",
        ),
        Output::new(
            "folder",
            Type::Text,
            "The folder, below the store's address.",
        ),
        Output::new(
            "file",
            Type::Text,
            "The name of the one object, where it is only one.",
        ),
        Output::new(
            "digest",
            Type::Text,
            "The digest of the list of its objects.",
        ),
        Output::new("objects", Type::Integer, "The number of its objects."),
        Output::new("bytes", Type::Integer, "Their bytes together."),
        Output::new(
            "keys",
            Type::Any,
            "Its objects one by one with key, size and etag, where they are few.",
        ),
    ]
}

fn details_of_versions() -> Vec<Output> {
    vec![
        Output::new("bucket", Type::Text, "The bucket."),
        Output::new("prefix", Type::Text, "What the keys begin with."),
        Output::new("versioning", Type::Text, "`enabled` or `suspended`."),
        Output::new(
            "kept-days",
            Type::Any,
            "Days after which old versions go: a number, `unknown`, or nothing when they stay.",
        ),
    ]
}

fn outputs() -> Vec<Output> {
    vec![
        Output::new("url", Type::Text, "the address that was written to"),
        Output::new(
            "file",
            Type::Text,
            "the address of the one object, where the recovery point is one; else the same as url",
        ),
        Output::new(
            "objects",
            Type::Integer,
            "the number of objects of the source",
        ),
        Output::new("bytes", Type::Integer, "the bytes of the source"),
    ]
}

fn reading() -> Vec<Permission> {
    vec![
        permission("s3:ListBucket", "listing what is there"),
        permission(
            "s3:GetObject",
            "reading objects, and copying them within the service",
        ),
    ]
}

fn writing() -> Vec<Permission> {
    let mut permissions = reading();
    permissions.extend([
        permission("s3:PutObject", "writing objects to the target"),
        permission(
            "s3:GetBucketVersioning",
            "telling whether overwriting loses anything",
        ),
        permission(
            "s3:ListBucketMultipartUploads",
            "finding uploads that were not finished",
        ),
        permission(
            "s3:AbortMultipartUpload",
            "ending uploads that were not finished",
        ),
        permission(
            "s3:DeleteObject",
            "deleting with `delete = true`, and cleaning up after a drill",
        ),
    ]);
    permissions
}

const fn permission(name: &'static str, why: &'static str) -> Permission {
    Permission { name, why }
}

fn restore() -> ActionKind {
    let mut permissions = writing();
    permissions.extend([
        permission(
            "s3:ListBucketVersions",
            "objects.versions: reading the history",
        ),
        permission(
            "s3:GetObjectVersion",
            "objects.versions: copying old versions",
        ),
        permission(
            "s3:GetLifecycleConfiguration",
            "objects.versions: telling how far back versions are kept",
        ),
        permission(
            "s3:DeleteObjectVersion",
            "cleaning up after a drill in a bucket that keeps versions",
        ),
    ]);
    ActionKind {
        outputs: outputs(),
        effect: Effect::Change,
        reads: vec![IdentityTemplate::new(PLACE, "{store.url}")],
        writes: vec![IdentityTemplate::new(PLACE, "{target}")],
        destroys: Destroys::IfPresent,
        idempotency: Idempotency::Fixed(Class::Convergent),
        deadline: Period::from_seconds(24 * 3600),
        isolation: Isolation::Rename(vec!["target"]),
        permissions,
        by_hand: vec![
            "{{#if (eq kind \"objects.versions\")}}# Each line is an object that was brought back as of the moment; none may \
             say FAILED: an object of more than 5 GB is copied in parts (aws s3api upload-part-copy). What came after the \
             moment stays.{{/if}}",
            concat!(
                "{{#if (eq kind \"objects.versions\")}}",
                brought_back!(),
                "{{else}}{{#if (eq kind \"objects.prefix\")}}",
                synced!("store.url", "folder", "store.url", "with.target"),
                "{{else}}{{#if (or point.details.file (or store.file (not (ends store.pattern \"/\"))))}}",
                copied!("store.url", "point.details.url", "folder", "with.target"),
                "{{else}}",
                synced!("store.url", "path", "point.details.url", "with.target"),
                "{{/if}}{{/if}}{{/if}}"
            ),
            "{{#if told.url}}{{told.url}}={{q with.target}}{{/if}}",
            concat!(
                "{{#if told.objects}}{{told.objects}}={{#if point.is-open}}$(",
                counted!("with.target"),
                "){{else}}{{q point.details.objects}}{{/if}}{{/if}}"
            ),
        ],
        traps: vec![
            Trap {
                id: "s3-multipart-modified",
                when: Condition::StoreIs("objects.versions"),
                message: "an object that was uploaded in parts has the time at which its upload began; as of a time \
                          between begin and end it is taken for there",
                advice: "choose the time after long uploads",
                source: "Amazon S3 User Guide, Working with object metadata: Last-Modified",
            },
            Trap {
                id: "s3-versitygw-version-times",
                when: Condition::StoreIs("objects.versions"),
                message: "versitygw on a POSIX file system tells for a replaced version when it was replaced, not when \
                          it was written; its versions cannot be brought back as of a time, and are reported as unknown \
                          where that shows",
                advice: "keep backups elsewhere, or restore from dated copies",
                source: "experiment with versitygw 1.8.0, ListObjectVersions after three writes of one key",
            },
            time_trap(),
            delete_trap(),
        ],
        ..ActionKind::reading(
            "objects.restore",
            "Brings a recovery point to a bucket or a folder, object by object, only what is missing or different.",
            Fields::of::<Restore>(),
        )
    }
}

fn time_trap() -> Trap {
    Trap {
        id: "objects-time-left-out",
        when: Condition::InputMissing("store.time"),
        message: "a backup whose name tells only its day counts, without `time`, as taken at 00:00 UTC, not when it was \
                  really taken",
        advice: "give `time`, or a goal in the middle of the day chooses too new a backup",
        source: "seed system Calabi: backup.schedule 02:00, aws s3 cp …/$(date +%Y-%m-%d)/",
    }
}

fn delete_trap() -> Trap {
    Trap {
        id: "objects-delete-is-for-good",
        when: Condition::InputIs("delete", json!(true)),
        message: "objects that only the target has are deleted; in a bucket without versions they are gone for good",
        advice: "leave `delete` out, or restore to a new prefix",
        source: "AWS CLI reference, s3 sync --delete",
    }
}

fn sync() -> ActionKind {
    ActionKind {
        outputs: outputs(),
        effect: Effect::Change,
        reads: vec![IdentityTemplate::new(PLACE, "{source}")],
        writes: vec![IdentityTemplate::new(PLACE, "{target}")],
        destroys: Destroys::IfPresent,
        idempotency: Idempotency::Fixed(Class::Convergent),
        deadline: Period::from_seconds(24 * 3600),
        isolation: Isolation::Rename(vec!["target"]),
        permissions: writing(),
        by_hand: vec![
            synced!("with.source", "folder", "with.source", "with.target"),
            "{{#if told.url}}{{told.url}}={{q with.target}}{{/if}}",
            concat!(
                "{{#if told.objects}}{{told.objects}}=$(",
                counted!("with.source"),
                "){{/if}}"
            ),
        ],
        traps: vec![delete_trap()],
        ..ActionKind::reading(
            "objects.sync",
            "Makes a target hold the objects of a source: writes what is missing or different.",
            Fields::of::<SyncInputs>(),
        )
    }
}

fn copy() -> ActionKind {
    ActionKind {
        outputs: vec![
            Output::new("url", Type::Text, "the address of the new object"),
            Output::new("bytes", Type::Integer, "its size"),
        ],
        effect: Effect::Change,
        reads: vec![IdentityTemplate::new(PLACE, "{source}")],
        writes: vec![IdentityTemplate::new(PLACE, "{target}")],
        destroys: Destroys::IfPresent,
        idempotency: Idempotency::Fixed(Class::Convergent),
        deadline: Period::from_seconds(12 * 3600),
        isolation: Isolation::Rename(vec!["target"]),
        permissions: writing(),
        by_hand: vec![
            copied!("with.source", "with.source", "path", "with.target"),
            "{{#if told.url}}{{told.url}}={{q with.target}}{{/if}}",
        ],
        ..ActionKind::reading(
            "objects.copy",
            "Copies one object to one address.",
            Fields::of::<CopyInputs>(),
        )
    }
}

fn check_outputs() -> Vec<Output> {
    vec![
        Output::new("objects", Type::Integer, "the number of objects"),
        Output::new("bytes", Type::Integer, "their bytes"),
        Output::new("digest", Type::Text, "SHA-256 over the sorted listing"),
    ]
}

fn check() -> ActionKind {
    ActionKind {
        outputs: check_outputs(),
        reads: vec![IdentityTemplate::new(PLACE, "{url}")],
        deadline: Period::from_seconds(6 * 3600),
        permissions: reading(),
        by_hand: vec![
            "{{#if with.min-objects}}# At least {{with.min-objects}} objects.{{/if}}",
            "{{#if with.max-objects}}# At most {{with.max-objects}} objects.{{/if}}",
            "{{#if with.min-size}}# At least {{with.min-size}}.{{/if}}",
            "{{#if with.max-age}}# The newest is at most {{with.max-age}} old.{{/if}}",
            "{{#if with.objects}}# There and not empty:{{#each with.objects}} {{this}}{{#unless @last}},{{/unless}}{{/each}}.{{/if}}",
            "{{#if with.manifest}}# Each object has the SHA-256 that {{with.manifest}} tells: fetch all, then sha256sum \
             --check.{{/if}}",
            listed!("with.url"),
        ],
        ..ActionKind::reading(
            "objects.check",
            "Compares what is at an address with what is expected: numbers, age, objects, a SHA-256 manifest.",
            Fields::of::<CheckInputs>(),
        )
    }
}

fn verify() -> ActionKind {
    ActionKind {
        outputs: check_outputs(),
        reads: vec![IdentityTemplate::new(PLACE, "{store.url}")],
        deadline: Period::from_seconds(24 * 3600),
        permissions: reading(),
        by_hand: vec![
            "{{#if point.details.objects}}{{#unless point.is-open}}# {{point.details.objects}} objects, \
             {{point.details.bytes}} bytes, in {{point.details.url}}.{{/unless}}{{/if}}",
            "{{#if with.read}}# And every one can be read to its end.{{/if}}",
            "{{#if (eq kind \"objects.versions\")}}# Each line is an object as it was at the moment: when it was written, its \
             version, its bytes and its key.{{/if}}",
            concat!(
                "{{#if (eq kind \"objects.versions\")}}",
                listed_as_of!(),
                "{{else}}",
                listed!("store.url"),
                "{{/if}}"
            ),
        ],
        ..ActionKind::reading(
            "objects.verify",
            "Shows that a recovery point is what it was when it was surveyed; with `read`, that every byte of it can be read.",
            Fields::of::<VerifyInputs>(),
        )
    }
}
