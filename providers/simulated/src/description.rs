//! What this provider tells about its kinds, as data.

use salvor_contract::ActionKind;
use salvor_contract::Class;
use salvor_contract::Description;
use salvor_contract::Destroys;
use salvor_contract::Effect;
use salvor_contract::Fields;
use salvor_contract::Idempotency;
use salvor_contract::IdentityTemplate;
use salvor_contract::Isolation;
use salvor_contract::Output;
use salvor_contract::Period;
use salvor_contract::StoreKind;
use salvor_contract::Type;

use crate::inputs;

/// All kinds.
pub(crate) fn description() -> Description {
    Description {
        name: "simulated",
        summary: "A world in a file, with scripted latencies and faults, for rehearsals without infrastructure.",
        config: Fields::of::<inputs::Config>(),
        stores: vec![
            store(
                "simulated.database",
                "A database with a window of point-in-time recovery and snapshots.",
            ),
            store(
                "simulated.objects",
                "A set of objects with dated snapshots.",
            ),
            store(
                "simulated.index",
                "A search index with snapshots, which can also be built again.",
            ),
        ],
        actions: vec![
            restore(),
            overwrite(),
            scale(),
            run(),
            backup(),
            ActionKind::reading(
                "simulated.verify",
                "Looks whether the chosen backup is whole.",
                Fields::of::<inputs::Verify>(),
            ),
            ActionKind {
                previews_unknown: true,
                ..ActionKind::reading(
                    "simulated.check",
                    "Compares one fact of the world with what is expected.",
                    Fields::of::<inputs::Check>(),
                )
            },
            ActionKind {
                previews_unknown: true,
                ..ActionKind::reading(
                    "simulated.wait",
                    "Waits until one fact of the world has a value, or one that means failure.",
                    Fields::of::<inputs::Wait>(),
                )
            },
        ],
    }
}

fn store(name: &'static str, summary: &'static str) -> StoreKind {
    StoreKind {
        name,
        summary,
        with: Fields::of::<inputs::Store>(),
        // As the restores name their targets, so that a drill's guard sees when one meets a store.
        identity: vec![IdentityTemplate::new(
            "simulated.content",
            "{config.world}/{name}",
        )],
        details: vec![
            Output::new(
                "key",
                Type::Text,
                "Its name in the world, behind that of its shelf.",
            ),
            Output::new(
                "rows",
                Type::Integer,
                "The rows, objects or documents of a backup.",
            ),
            Output::new(
                "created",
                Type::Time,
                "When the content of a window was made.",
            ),
        ],
        is_stated: false,
        restore: Some("simulated.restore"),
        backup: Some("simulated.backup"),
        verify: Some("simulated.verify"),
    }
}

/// What both kinds of restore give.
fn restored() -> Vec<Output> {
    vec![
        Output::new(
            "endpoint",
            Type::Text,
            "The host name of what was restored.",
        ),
        Output::new("port", Type::Integer, "Its port."),
        Output::new("rows", Type::Integer, "Its rows, objects or documents."),
        Output::new("data-until", Type::Time, "The moment that its data reach."),
    ]
}

fn restore() -> ActionKind {
    ActionKind {
        outputs: restored(),
        effect: Effect::Create,
        writes: vec![IdentityTemplate::new(
            "simulated.content",
            "{config.world}/{target}",
        )],
        idempotency: Idempotency::Fixed(Class::Named),
        deadline: Period::from_seconds(2 * 3600),
        isolation: Isolation::Rename(vec!["target"]),
        by_hand: vec!["jq '.work' {{#if config.world}}{{q config.world}}{{else}}world.json{{/if}}"],
        ..ActionKind::reading(
            "simulated.restore",
            "Brings a store back from its recovery point under a new name.",
            Fields::of::<inputs::Restore>(),
        )
    }
}

fn overwrite() -> ActionKind {
    ActionKind {
        outputs: restored(),
        effect: Effect::Replace,
        writes: vec![IdentityTemplate::new(
            "simulated.content",
            "{config.world}/{target}",
        )],
        destroys: Destroys::IfPresent,
        idempotency: Idempotency::Fixed(Class::Token),
        deadline: Period::from_seconds(2 * 3600),
        isolation: Isolation::Rename(vec!["target"]),
        by_hand: vec!["jq '.work' {{#if config.world}}{{q config.world}}{{else}}world.json{{/if}}"],
        ..ActionKind::reading(
            "simulated.overwrite",
            "Brings a store back from its recovery point in the place of what is there.",
            Fields::of::<inputs::Overwrite>(),
        )
    }
}

fn scale() -> ActionKind {
    ActionKind {
        outputs: vec![
            Output::new("previous", Type::Integer, "The replicas before."),
            Output::new("replicas", Type::Integer, "The replicas now."),
        ],
        effect: Effect::Change,
        writes: vec![IdentityTemplate::new(
            "simulated.deployment",
            "{config.world}/{deployment}",
        )],
        idempotency: Idempotency::Fixed(Class::Convergent),
        isolation: Isolation::Override("a deployment cannot be renamed: name another one"),
        by_hand: vec![
            "jq --arg name {{q with.deployment}} '.deployments[$name]' {{#if config.world}}{{q config.world}}{{else}}world.json{{/if}}",
        ],
        ..ActionKind::reading(
            "simulated.scale",
            "Gives a deployment a number of replicas.",
            Fields::of::<inputs::Scale>(),
        )
    }
}

fn run() -> ActionKind {
    ActionKind {
        outputs: vec![Output::new("value", Type::Any, "The value that was set.")],
        effect: Effect::Run,
        writes: vec![IdentityTemplate::new(
            "simulated.value",
            "{config.world}/{target}",
        )],
        idempotency: Idempotency::Declared("class"),
        isolation: Isolation::Rename(vec!["target"]),
        previews_unknown: true,
        by_hand: vec![
            "jq '.values' {{#if config.world}}{{q config.world}}{{else}}world.json{{/if}}",
        ],
        ..ActionKind::reading(
            "simulated.run",
            "Sets a value, with the idempotency class that the plan declares.",
            Fields::of::<inputs::Run>(),
        )
    }
}

fn backup() -> ActionKind {
    ActionKind {
        outputs: vec![
            Output::new("backup", Type::Text, "The id of the backup."),
            Output::new("at", Type::Time, "The moment that it holds."),
            Output::new(
                "rows",
                Type::Integer,
                "The rows, objects or documents in it.",
            ),
            Output::new("bytes", Type::Size, "Its size."),
        ],
        effect: Effect::Create,
        reads: vec![IdentityTemplate::new(
            "simulated.content",
            "{config.world}/{store.name}",
        )],
        writes: vec![IdentityTemplate::new(
            "simulated.backup",
            "{config.world}/{store.name}/{name}",
        )],
        idempotency: Idempotency::Fixed(Class::Named),
        isolation: Isolation::Rename(vec!["name"]),
        by_hand: vec![
            "jq '.backups' {{#if config.world}}{{q config.world}}{{else}}world.json{{/if}}",
        ],
        ..ActionKind::reading(
            "simulated.backup",
            "Takes a snapshot of a store.",
            Fields::of::<inputs::TakeBackup>(),
        )
    }
}
