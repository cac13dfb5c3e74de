//! Turns "this process is root" into the system account that servers run as instead: PostgreSQL refuses root.

use std::os::unix::fs::MetadataExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;

use crate::surroundings;

/// The accounts that are tried in this order. The first comes with Debian's PostgreSQL.
const CANDIDATES: [&str; 2] = ["postgres", "nobody"];

/// A system account that root runs a server as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    name: String,
    user_id: u32,
    group_id: u32,
}

impl Account {
    /// Returns the account for servers that refuse root; nothing where this process is not root, as servers
    /// then run as whoever runs it.
    ///
    /// # Errors
    /// `/etc/passwd` cannot be read or has none of `postgres` and `nobody`.
    pub fn for_servers() -> Result<Option<Account>> {
        if !surroundings::is_root() {
            return Ok(None);
        }
        let text = std::fs::read_to_string("/etc/passwd").context("read the system's accounts")?;
        for name in CANDIDATES {
            if let Some(account) = text.lines().find_map(|line| Account::parse(line, name)) {
                return Ok(Some(account));
            }
        }
        bail!("PostgreSQL refuses root, and there is neither an account postgres nor nobody")
    }

    fn parse(line: &str, wanted: &str) -> Option<Account> {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| *name == wanted)?;
        let user_id = fields.nth(1)?.parse().ok()?;
        let group_id = fields.next()?.parse().ok()?;
        Some(Account {
            name: name.to_owned(),
            user_id,
            group_id,
        })
    }

    /// Returns the name of the account.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the arguments to put before a command, so that root runs it as this account.
    pub fn run_as(&self) -> Vec<String> {
        let mut arguments = vec!["setpriv".to_owned()];
        arguments.extend(self.setpriv_options());
        arguments.push("--".to_owned());
        arguments
    }

    /// Returns what `setpriv` is told to become this account.
    pub(crate) fn setpriv_options(&self) -> [String; 3] {
        [
            format!("--reuid={}", self.user_id),
            format!("--regid={}", self.group_id),
            "--clear-groups".to_owned(),
        ]
    }

    /// Makes the account the owner of a file or folder, not of what is in it.
    pub(crate) fn own(&self, path: &Path) -> Result<()> {
        std::os::unix::fs::chown(path, Some(self.user_id), Some(self.group_id))
            .with_context(|| format!("give {} to {}", path.display(), self.name))
    }

    /// Checks that the account can walk down to this path.
    ///
    /// # Errors
    /// A folder on the way is closed to it. The message names it.
    pub(crate) fn check_reaches(&self, path: &Path) -> Result<()> {
        for folder in path
            .ancestors()
            .skip(1)
            .filter(|folder| !folder.as_os_str().is_empty())
        {
            let facts = std::fs::metadata(folder)
                .with_context(|| format!("look at {}", folder.display()))?;
            let mode = facts.permissions().mode();
            let is_open = mode & 0o001 != 0
                || (facts.uid() == self.user_id && mode & 0o100 != 0)
                || (facts.gid() == self.group_id && mode & 0o010 != 0);
            if !is_open {
                bail!(
                    "servers run as {}, who cannot reach {}: {} has mode {:o}. Choose another folder, \
                     or open that one with mode 755",
                    self.name,
                    path.display(),
                    folder.display(),
                    mode & 0o7777,
                );
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Account;

    #[test]
    fn an_account_is_read_from_its_line() {
        let line = "postgres:x:101:104:PostgreSQL administrator,,,:/var/lib/postgresql:/bin/bash";
        let account = Account::parse(line, "postgres").expect("the line is of that account");
        assert_eq!((account.user_id, account.group_id), (101, 104));
        assert_eq!(
            account.run_as().join(" "),
            "setpriv --reuid=101 --regid=104 --clear-groups --"
        );
        assert_eq!(Account::parse(line, "nobody"), None);
    }
}
