//! Turns the settings of a cluster into the text of `testbed.conf`, or into arguments of `postgres`.
//!
//! The file is for clusters of our own: it is included at the end of `postgresql.conf`, so a base backup carries
//! it as the settings of a real cluster are carried. The arguments are for data folders of others.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use anyhow::Result;

use crate::account::Account;

const FILE_NAME: &str = "testbed.conf";

/// What every cluster of the test bed has. Nothing is synced: the processes may crash, the machine may not. A commit
/// still waits until it is written (`synchronous_commit`), so what a test was told survives a crash.
const DEFAULTS: [(&str, &str); 7] = [
    ("fsync", "off"),
    ("shared_buffers", "16MB"),
    ("max_connections", "50"),
    ("max_wal_senders", "4"),
    ("wal_level", "replica"),
    ("log_min_messages", "log"),
    ("log_line_prefix", "%m [%p] "),
];

/// The settings of a cluster.
#[derive(Debug)]
pub(super) struct Configuration {
    archive: Option<PathBuf>,
    settings: BTreeMap<String, String>,
    is_foreign: bool,
}

impl Configuration {
    /// Has `postgresql.conf` read the file of this module.
    pub(super) const INCLUDE_LINE: &str = "\ninclude_if_exists 'testbed.conf'\n";

    /// Keeps the settings; `is_foreign` says that the data folder is not ours to write in.
    pub(super) fn new(
        archive: Option<PathBuf>,
        settings: BTreeMap<String, String>,
        is_foreign: bool,
    ) -> Configuration {
        Configuration {
            archive,
            settings,
            is_foreign,
        }
    }

    /// Returns the folder of the archive.
    pub(super) fn archive(&self) -> Option<&Path> {
        self.archive.as_deref()
    }

    /// Writes the file where the data folder is ours.
    ///
    /// # Errors
    /// A path is not UTF-8, or the file cannot be written.
    pub(super) fn write(&self, data: &Path, socket: &Path, port: u16) -> Result<()> {
        if self.is_foreign {
            return Ok(());
        }
        let mut text = "# Written at each start: changes belong into the builder.\n".to_owned();
        for (name, value) in self.parameters(socket, port)? {
            text.push_str(&format!("{name} = {}\n", quoted(&value)));
        }
        let path = data.join(FILE_NAME);
        std::fs::write(&path, text).with_context(|| format!("write {}", path.display()))
    }

    /// Gives the file to the account of the server, which copies it into backups.
    ///
    /// # Errors
    /// The file is not there.
    pub(super) fn own(&self, data: &Path, account: &Account) -> Result<()> {
        if self.is_foreign {
            Ok(())
        } else {
            account.own(&data.join(FILE_NAME))
        }
    }

    /// Returns the arguments for a data folder that is not ours; none for our own.
    ///
    /// # Errors
    /// A path is not UTF-8.
    pub(super) fn arguments(&self, socket: &Path, port: u16) -> Result<Vec<OsString>> {
        if !self.is_foreign {
            return Ok(Vec::new());
        }
        let mut arguments = Vec::new();
        for (name, value) in self.parameters(socket, port)? {
            arguments.push("-c".into());
            arguments.push(format!("{name}={value}").into());
        }
        Ok(arguments)
    }

    fn parameters(&self, socket: &Path, port: u16) -> Result<BTreeMap<String, String>> {
        let mut parameters: BTreeMap<String, String> = DEFAULTS
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let mut set = |name: &str, value: String| parameters.insert(name.to_owned(), value);
        match &self.archive {
            Some(folder) => {
                set("archive_mode", "on".to_owned());
                set("archive_command", archive_command(text_of(folder)?));
            }
            // Said and not left out: a restored cluster must not write into the archive of its source.
            None => {
                set("archive_mode", "off".to_owned());
            }
        }
        set("listen_addresses", "127.0.0.1".to_owned());
        set("unix_socket_directories", text_of(socket)?.to_owned());
        set("port", port.to_string());
        parameters.extend(self.settings.clone());
        Ok(parameters)
    }
}

/// Returns the command that PostgreSQL runs by a shell for each whole segment: `%p` is its path, `%f` its name.
/// A repeated call must succeed, as a crash between the rename and PostgreSQL's note of it leads to one.
fn archive_command(folder: &str) -> String {
    let folder = shell_word(folder).replace('%', "%%");
    format!(
        "if test -f {folder}/%f; then cmp -s %p {folder}/%f; \
         else cp %p {folder}/%f.partial && mv {folder}/%f.partial {folder}/%f; fi"
    )
}

/// Returns the text as one word of a POSIX shell.
fn shell_word(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// Returns the text as a value of `postgresql.conf`.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "''"))
}

fn text_of(path: &Path) -> Result<&str> {
    path.to_str()
        .with_context(|| format!("{} is not UTF-8", path.display()))
}

/// Creates a folder of mode 700 that belongs to the account.
pub(super) fn make_private_folder(path: &Path, account: Option<&Account>) -> Result<()> {
    let doing = || format!("create {}", path.display());
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).with_context(doing)?;
    }
    std::fs::DirBuilder::new()
        .mode(0o700)
        .create(path)
        .with_context(doing)?;
    account.map_or(Ok(()), |account| account.own(path))
}

#[cfg(test)]
mod tests {
    use super::archive_command;
    use super::quoted;

    #[test]
    fn a_folder_with_special_letters_stays_one_word() {
        assert_eq!(
            archive_command("/a b/100%'s"),
            "if test -f '/a b/100%%'\\''s'/%f; then cmp -s %p '/a b/100%%'\\''s'/%f; \
             else cp %p '/a b/100%%'\\''s'/%f.partial && \
             mv '/a b/100%%'\\''s'/%f.partial '/a b/100%%'\\''s'/%f; fi"
        );
    }

    #[test]
    fn a_value_is_quoted_as_postgresql_reads_it() {
        assert_eq!(quoted("it's a \\"), "'it''s a \\\\'");
    }
}
