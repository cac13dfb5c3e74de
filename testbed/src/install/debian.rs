//! Turns names of Debian packages into installed packages, by `apt-get`.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;

use crate::cache::Cache;
use crate::cache::WasFilled;
use crate::command;
use crate::surroundings;

/// How long `apt-get` waits for another package manager, as it wants it written. In seconds.
const LOCK_TIMEOUT: &str = "DPkg::Lock::Timeout=900";

/// Installs packages, then returns what `find` finds. `find` is also asked before, under the lock: another
/// process may have installed them meanwhile.
///
/// # Errors
/// Not root, no `apt-get`, the packages do not exist or cannot be fetched, or `find` finds nothing afterwards.
pub(super) fn install(
    cache: &Cache,
    packages: &[&str],
    find: impl Fn() -> Option<PathBuf>,
) -> Result<(PathBuf, WasFilled)> {
    let names = packages.join(" ");
    if !surroundings::is_root() {
        bail!("Debian's {names} would have to be installed, which only root can do");
    }
    let Some(program) = surroundings::program_on_path("apt-get") else {
        bail!("Debian's {names} would have to be installed, and there is no apt-get for it");
    };
    let _lock = cache.lock("apt-get")?;
    if let Some(found) = find() {
        return Ok((found, WasFilled::No));
    }
    let apt_get = || {
        let mut command = Command::new(&program);
        command.args(["-o", LOCK_TIMEOUT, "-q", "-y"]);
        command.env("DEBIAN_FRONTEND", "noninteractive");
        // At run level 1 the scripts of a package start no service: the test bed starts its own servers.
        command.env("RUNLEVEL", "1");
        command
    };
    // Lists that cannot be renewed may still do: the install is the judge, and a failure tells of both.
    let update = command::run(apt_get().arg("update"));
    let installed = command::run(
        apt_get()
            .args(["install", "--no-install-recommends"])
            .args(packages),
    );
    match (update, installed) {
        (Ok(_) | Err(_), Ok(_)) => {}
        (Ok(_), Err(error)) => return Err(error),
        (Err(update), Err(install)) => {
            return Err(
                install.context(format!("renewing the package lists failed too: {update:#}"))
            );
        }
    }
    let found =
        find().with_context(|| format!("find the programs of {names} after its install"))?;
    Ok((found, WasFilled::Yes))
}
