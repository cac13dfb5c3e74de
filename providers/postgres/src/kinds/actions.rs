//! The kinds of actions: inputs, outputs, what they touch, what a person would type, what goes wrong.

use salvor_contract::ActionKind;
use salvor_contract::Class;
use salvor_contract::Condition;
use salvor_contract::Destroys;
use salvor_contract::Effect;
use salvor_contract::Fields;
use salvor_contract::Idempotency;
use salvor_contract::IdentityTemplate;
use salvor_contract::Isolation;
use salvor_contract::Output;
use salvor_contract::Period;
use salvor_contract::Permission;
use salvor_contract::Trap;
use salvor_contract::Type;

use crate::archiving::ArchivingInputs;
use crate::baseline::BaselineInputs;
use crate::baseline::CompareInputs;
use crate::dump::DumpInputs;
use crate::kinds::by_hand;
use crate::query::QueryInputs;
use crate::restore_dump::inputs::RestoreDumpInputs;
use crate::restore_pitr::inputs::RestorePitrInputs;
use crate::take_base_backup::BaseBackupInputs;

const SERVER: IdentityTemplate = IdentityTemplate::new("postgres.server", "{host}:{port}");
const DATABASE: IdentityTemplate =
    IdentityTemplate::new("postgres.database", "{host}:{port}/{database}");

const IN_THE_CLEAR: &str = "the connection is not encrypted and the server is not verified: on a network that others \
     reach, the password's proof and the data can be read and changed";

pub fn restore_dump() -> ActionKind {
    ActionKind {
        outputs: vec![
            Output::new("database", Type::Text, "The database."),
            Output::new("host", Type::Text, "The server."),
            Output::new("port", Type::Integer, "Its port."),
            Output::new("tables", Type::Integer, "Tables that were restored."),
            Output::new("rows", Type::Integer, "Rows that were copied in."),
            Output::new("bytes", Type::Integer, "The size of the database."),
            Output::new(
                "kept",
                Type::Text,
                "The name under which the replaced database is kept, or nothing.",
            ),
        ],
        effect: Effect::Create,
        reads: vec![
            SERVER,
            IdentityTemplate::new("postgres.dumps", "{store.url}"),
        ],
        writes: vec![DATABASE],
        destroys: Destroys::IfPresentWhen("as", "replace"),
        idempotency: Idempotency::Fixed(Class::Named),
        settle: Period::ZERO,
        deadline: Period::from_seconds(4 * 60 * 60),
        isolation: Isolation::Rename(vec!["database"]),
        permissions: vec![
            Permission {
                name: "CREATEDB",
                why: "to make the database that is loaded",
            },
            Permission {
                name: "pg_signal_backend",
                why: "to end the sessions of a replaced database",
            },
        ],
        by_hand: by_hand::RESTORE_DUMP.to_vec(),
        traps: vec![
            Trap {
                id: "pg-plain-sql-meta-commands",
                when: Condition::Always,
                message: "a plain dump can hold commands for psql that run programs on the machine that restores; the \
                          \\restrict guard was broken once, so salvor never gives a dump to psql and refuses such dumps",
                advice: "do not restore one by hand that salvor refused",
                source: "PostgreSQL security page, CVE-2025-8714 and CVE-2026-18408",
            },
            Trap {
                id: "pg-restore-as-superuser",
                when: Condition::Always,
                message: "functions in a dump run with the rights of the role that restores",
                advice: "restore as a role that is no superuser and not a member of pg_execute_server_program",
                source: "PostgreSQL documentation, pg_restore, notes",
            },
            Trap {
                id: "pg-database-settings",
                when: Condition::InputIs("as", serde_json::json!("replace")),
                message: "settings and grants of the database itself (ALTER DATABASE … SET, GRANT … ON DATABASE) are in \
                          no dump made without --create",
                advice: "give them to the new database afterwards",
                source: "PostgreSQL documentation, pg_dump, --create",
            },
            in_the_clear(),
        ],
        ..ActionKind::reading(
            super::RESTORE_DUMP,
            "Restores a dump into a new database in one transaction; it gets its name at the end.",
            Fields::of::<RestoreDumpInputs>(),
        )
    }
}

pub fn restore_pitr() -> ActionKind {
    ActionKind {
        outputs: vec![
            Output::new("host", Type::Text, "The address of the server."),
            Output::new("port", Type::Integer, "Its port."),
            Output::new("data", Type::Text, "Its data directory."),
            Output::new("timeline", Type::Integer, "Its timeline."),
            Output::new(
                "reached",
                Type::Text,
                "When the last transaction ended that it holds.",
            ),
            Output::new("system-identifier", Type::Text, "The cluster's own number."),
        ],
        effect: Effect::Create,
        reads: vec![
            IdentityTemplate::new("postgres.base-backups", "{store.base}"),
            IdentityTemplate::new("postgres.wal-archive", "{store.wal}"),
        ],
        writes: vec![
            IdentityTemplate::new("postgres.data-directory", "{data}"),
            IdentityTemplate::new("postgres.server", "127.0.0.1:{port}"),
        ],
        idempotency: Idempotency::Fixed(Class::Named),
        settle: Period::ZERO,
        deadline: Period::from_seconds(12 * 60 * 60),
        isolation: Isolation::Override("give the drill a `data` directory and a `port` of its own"),
        permissions: vec![Permission {
            name: "root or the server's system user",
            why: "to make the data directory and start the server",
        }],
        by_hand: by_hand::RESTORE_PITR.to_vec(),
        traps: vec![
            Trap {
                id: "pg-target-without-later-transaction",
                when: Condition::Always,
                message: "PostgreSQL stops before the first transaction after the target; when no later one is \
                          archived, recovery fails with \"recovery ended before configured recovery target was \
                          reached\"",
                advice: "choose a moment before the end of the window, which lies just before the last archived \
                         transaction for that reason",
                source: "cloudnative-pg/cloudnative-pg#5177, CrunchyData/postgres-operator#2930",
            },
            Trap {
                id: "pg-restored-server-archives",
                when: Condition::Always,
                message: "a restored server that archives into production's archive starts a timeline there that breaks \
                          later restores; it has archive_mode off",
                advice: "give it an archive of its own before it becomes production",
                source: "pgbackrest/pgbackrest#1616",
            },
            Trap {
                id: "pg-restored-server-subscribes",
                when: Condition::Always,
                message: "logical subscriptions of a restored server would take changes from production's; they do not \
                          run (max_logical_replication_workers = 0) unless `settings` says otherwise",
                advice: "leave that setting as it is until production's are gone",
                source: "PostgreSQL documentation, logical replication, architecture",
            },
        ],
        ..ActionKind::reading(
            super::RESTORE_PITR,
            "Restores a base backup into a new data directory, replays WAL to the moment, proves it, opens the server.",
            Fields::of::<RestorePitrInputs>(),
        )
    }
}

pub fn dump() -> ActionKind {
    ActionKind {
        outputs: vec![
            Output::new("key", Type::Text, "The key of the dump."),
            Output::new("bytes", Type::Integer, "Its size."),
        ],
        effect: Effect::Create,
        reads: vec![DATABASE],
        writes: vec![IdentityTemplate::new("postgres.dump", "{store.url}{key}")],
        idempotency: Idempotency::Fixed(Class::Named),
        deadline: Period::from_seconds(4 * 60 * 60),
        isolation: Isolation::Override("give the drill a `key` of its own"),
        permissions: vec![Permission {
            name: "pg_read_all_data",
            why: "to read everything in the database",
        }],
        by_hand: by_hand::DUMP.to_vec(),
        traps: vec![
            Trap {
                id: "pg-dump-without-roles",
                when: Condition::Always,
                message: "a dump holds neither roles nor settings of the database",
                advice: "keep those too (pg_dumpall --globals-only), or restore with `keep-owners = false`",
                source: "PostgreSQL documentation, pg_dump, notes",
            },
            in_the_clear(),
        ],
        ..ActionKind::reading(
            super::DUMP,
            "Takes a dump of one database by pg_dump into a store of dumps.",
            Fields::of::<DumpInputs>(),
        )
    }
}

pub fn base_backup() -> ActionKind {
    ActionKind {
        outputs: vec![
            Output::new("name", Type::Text, "The folder of the base backup."),
            Output::new("bytes", Type::Integer, "The bytes of its files."),
            Output::new("start", Type::Text, "Where replay begins."),
            Output::new("end", Type::Text, "Where it is consistent."),
        ],
        effect: Effect::Create,
        reads: vec![SERVER],
        writes: vec![IdentityTemplate::new(
            "postgres.base-backup",
            "{store.base}{name}",
        )],
        idempotency: Idempotency::Fixed(Class::Named),
        deadline: Period::from_seconds(12 * 60 * 60),
        isolation: Isolation::Override("give the drill a `name` of its own"),
        permissions: vec![Permission {
            name: "REPLICATION",
            why: "to copy the cluster's files",
        }],
        by_hand: by_hand::BASE_BACKUP.to_vec(),
        traps: vec![in_the_clear()],
        ..ActionKind::reading(
            super::BASE_BACKUP,
            "Takes a base backup of a server that archives its WAL, into a folder of this machine.",
            Fields::of::<BaseBackupInputs>(),
        )
    }
}

pub fn query() -> ActionKind {
    ActionKind {
        outputs: vec![
            Output::new("value", Type::Text, "The first column of the first row."),
            Output::new("rows", Type::Integer, "The number of rows."),
        ],
        reads: vec![DATABASE],
        deadline: Period::from_seconds(10 * 60),
        by_hand: by_hand::QUERY.to_vec(),
        traps: vec![in_the_clear()],
        ..ActionKind::reading(
            super::QUERY,
            "Asks a database one question in a read-only transaction and judges the answer.",
            Fields::of::<QueryInputs>(),
        )
    }
}

pub fn baseline() -> ActionKind {
    ActionKind {
        outputs: vec![
            Output::new("file", Type::Text, "The file."),
            Output::new("tables", Type::Integer, "The number of tables."),
            Output::new("rows", Type::Integer, "The number of rows."),
            Output::new("sha256", Type::Text, "The digest of the file."),
        ],
        effect: Effect::Change,
        reads: vec![DATABASE],
        writes: vec![IdentityTemplate::new("file", "{write-to}")],
        idempotency: Idempotency::Fixed(Class::Convergent),
        deadline: Period::from_seconds(4 * 60 * 60),
        isolation: Isolation::Rename(vec!["write-to"]),
        permissions: vec![Permission {
            name: "pg_read_all_data",
            why: "to read every table",
        }],
        by_hand: by_hand::BASELINE.to_vec(),
        traps: vec![in_the_clear()],
        ..ActionKind::reading(
            super::BASELINE,
            "Writes the number of rows and a digest of every table to a file, all of one snapshot.",
            Fields::of::<BaselineInputs>(),
        )
    }
}

pub fn compare() -> ActionKind {
    ActionKind {
        outputs: vec![
            Output::new("tables", Type::Integer, "Tables that were compared."),
            Output::new("different", Type::Integer, "Tables that differ."),
            Output::new("taken", Type::Time, "When the baseline was taken."),
        ],
        reads: vec![DATABASE, IdentityTemplate::new("file", "{baseline}")],
        deadline: Period::from_seconds(4 * 60 * 60),
        permissions: vec![Permission {
            name: "pg_read_all_data",
            why: "to read every table",
        }],
        by_hand: by_hand::COMPARE.to_vec(),
        traps: vec![in_the_clear()],
        ..ActionKind::reading(
            super::COMPARE,
            "Compares the tables of a database with a baseline.",
            Fields::of::<CompareInputs>(),
        )
    }
}

pub fn archiving() -> ActionKind {
    ActionKind {
        outputs: vec![Output::new(
            "last-archived",
            Type::Text,
            "The segment that was archived last.",
        )],
        reads: vec![SERVER],
        deadline: Period::from_seconds(5 * 60),
        permissions: vec![Permission {
            name: "pg_monitor",
            why: "to see segments that wait to be archived",
        }],
        by_hand: by_hand::ARCHIVING.to_vec(),
        traps: vec![
            Trap {
                id: "pg-archive-command-overwrites",
                when: Condition::Always,
                message: "`cp %p /archive/%f` overwrites a segment that is there, and leaves half of one after a crash",
                advice: "let the command refuse existing files and write under another name first",
                source: "PostgreSQL documentation, continuous archiving, setting up WAL archiving",
            },
            in_the_clear(),
        ],
        ..ActionKind::reading(
            super::ARCHIVING,
            "Checks whether a self-managed server archives its WAL so that it can be restored.",
            Fields::of::<ArchivingInputs>(),
        )
    }
}

fn in_the_clear() -> Trap {
    Trap {
        id: "pg-in-the-clear",
        when: Condition::InputIs("tls", serde_json::json!("disable")),
        message: IN_THE_CLEAR,
        advice: "use verify-full with `ca`",
        source: "PostgreSQL documentation, libpq, SSL support",
    }
}
