//! What the provider tells about itself, as data.

mod actions;
mod by_hand;
mod details;

use salvor_contract::Description;
use salvor_contract::Fields;
use salvor_contract::IdentityTemplate;
use salvor_contract::StoreKind;

use crate::config::Config;
use crate::dumps::DumpsInputs;
use crate::pitr::PitrInputs;

/// The store of dumps.
pub const DUMPS: &str = "postgres.dumps";
/// The store of base backups and WAL.
pub const PITR: &str = "postgres.pitr";
/// A dump into a database.
pub const RESTORE_DUMP: &str = "postgres.restore-dump";
/// A dump of a database.
pub const DUMP: &str = "postgres.dump";
/// A base backup of a server.
pub const BASE_BACKUP: &str = "postgres.base-backup";
/// A server as of a moment.
pub const RESTORE_PITR: &str = "postgres.restore-pitr";
/// A query that is judged.
pub const QUERY: &str = "postgres.query";
/// Rows and digests of tables, kept.
pub const BASELINE: &str = "postgres.baseline";
/// Rows and digests of tables, compared.
pub const COMPARE: &str = "postgres.compare";
/// Whether a server archives.
pub const ARCHIVING: &str = "postgres.archiving";

/// All of it.
pub fn description() -> Description {
    Description {
        name: "postgres",
        summary: "PostgreSQL: dumps, point-in-time recovery, queries as checks, baselines.",
        config: Fields::of::<Config>(),
        stores: vec![
            StoreKind {
                name: DUMPS,
                summary: "Dumps made by pg_dump (plain, gzip, zstd, custom, directory); each is a recovery point.",
                with: Fields::of::<DumpsInputs>(),
                identity: vec![IdentityTemplate::new("postgres.dumps", "{url}")],
                details: details::of_dumps(),
                is_stated: false,
                restore: Some(RESTORE_DUMP),
                backup: Some(DUMP),
                verify: None,
            },
            StoreKind {
                name: PITR,
                summary: "Base backups and archived WAL of one cluster; each base backup reaches a window of moments.",
                with: Fields::of::<PitrInputs>(),
                identity: vec![
                    IdentityTemplate::new("postgres.base-backups", "{base}"),
                    IdentityTemplate::new("postgres.wal-archive", "{wal}"),
                ],
                details: details::of_base_backups(),
                is_stated: false,
                restore: Some(RESTORE_PITR),
                backup: Some(BASE_BACKUP),
                verify: None,
            },
        ],
        actions: vec![
            actions::restore_dump(),
            actions::restore_pitr(),
            actions::dump(),
            actions::base_backup(),
            actions::query(),
            actions::baseline(),
            actions::compare(),
            actions::archiving(),
        ],
    }
}
