//! Turns a running cluster into base backups and archived WAL: what a recovery starts from.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;

use crate::command;
use crate::postgres::Postgres;
use crate::process;
use crate::surroundings::Deadline;

/// How long the archiver may take for a segment, a failed attempt and its pause of a minute not included.
const ARCHIVE_TIMEOUT: Duration = Duration::from_secs(45);

/// Whether a base backup has the WAL that makes it consistent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WalInBackup {
    /// It has, and can be started without an archive.
    Included,
    /// It has not: the archive must have it.
    Excluded,
}

impl Postgres {
    /// Takes a base backup (plain format, fast checkpoint) into a new folder of mode 700 that belongs to the
    /// account of the server, so that it can be started as it is.
    ///
    /// # Errors
    /// The folder exists, or `pg_basebackup` fails.
    pub fn base_backup(&self, into: &Path, wal: WalInBackup) -> Result<()> {
        self.make_directory(into)?;
        let mut tool = self.program_as_account("pg_basebackup");
        tool.arg("-D")
            .arg(into)
            .args(["-c", "fast", "--no-sync", "-X"])
            .arg(match wal {
                WalInBackup::Included => "stream",
                WalInBackup::Excluded => "none",
            });
        command::run(&mut self.with_connection(tool)).map(drop)
    }

    /// Ends the current WAL segment and returns the name of the last one that is whole now.
    ///
    /// # Errors
    /// The server does not run, or is in recovery.
    pub fn switch_wal(&self) -> Result<String> {
        // One byte back: at the border of two segments the versions disagree about which of them it is.
        self.psql("postgres", "select pg_walfile_name(pg_switch_wal() - 1)")
    }

    /// Waits until a segment that is whole, as [`switch_wal`](Postgres::switch_wal) named it, is archived.
    ///
    /// # Errors
    /// The cluster does not archive, or 45 s have passed. The error says what the archiver last failed with.
    pub fn wait_until_archived(&self, segment: &str) -> Result<()> {
        if self.psql("postgres", "show archive_mode")? == "off" {
            bail!("the cluster does not archive: build it with archive()");
        }
        // Not `pg_stat_archiver.last_archived_wal`: the small file that a backup leaves is archived under the
        // name of the segment in which the backup *began*, so that the value also goes back. The server
        // notes a whole segment as `.ready` before `pg_switch_wal` returns, and takes that away when it is
        // archived.
        let note = self
            .data_dir()
            .join(format!("pg_wal/archive_status/{segment}.ready"));
        let deadline = Deadline::after(ARCHIVE_TIMEOUT);
        process::wait(deadline, "the archiver", || !note.exists()).with_context(|| {
            let statistics = self
                .psql(
                    "postgres",
                    "select row_to_json(pg_stat_archiver) from pg_stat_archiver",
                )
                .unwrap_or_else(|error| format!("{error:#}"));
            format!("wait until {segment} is archived; the archiver says {statistics}")
        })
    }

    /// Ends the current segment and waits until everything written so far is archived. Returns its name.
    ///
    /// # Errors
    /// As [`switch_wal`](Postgres::switch_wal) and [`wait_until_archived`](Postgres::wait_until_archived).
    pub fn archive_all(&self) -> Result<String> {
        let segment = self.switch_wal()?;
        self.wait_until_archived(&segment)?;
        Ok(segment)
    }
}
