//! Turns names of parts into installed parts, and says of each whether it was there and what it took.

use std::process::ExitCode;

use anyhow::Result;
use salvor_testbed::Origin;
use salvor_testbed::Part;
use salvor_testbed::find;
use salvor_testbed::install;

use crate::output;

/// Install parts that are not on this machine yet.
///
/// Debian packages are installed by apt-get and need root. Everything else is kept in a cache folder:
/// $SALVOR_TESTBED_CACHE, else /var/cache/salvor-testbed for root, else $XDG_CACHE_HOME/salvor-testbed or
/// ~/.cache/salvor-testbed. To install a part anew, remove its folder there.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The parts: postgres15, strace, awscli, moto, postgres16, postgres18, versitygw, minio; of benchmarks also terraform, make,
    /// restic, kubectl, rclone, s5cmd, awscli, pgbackrest.
    parts: Vec<Part>,
    /// All parts of a use, when none is named.
    #[arg(long = "for", value_enum, default_value_t = Use::Test, conflicts_with = "parts")]
    whose: Use,
}

/// What parts are installed for.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Use {
    /// Servers and tools of the tests.
    Test,
    /// Servers of the benchmarks, and the peers that they compare with.
    Bench,
}

/// Installs and prints a line for each part. A part that cannot be had does not keep the others from being tried.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let parts = match (arguments.parts.as_slice(), arguments.whose) {
        ([], Use::Test) => &Part::OF_TESTS[..],
        ([], Use::Bench) => &Part::OF_BENCHMARKS[..],
        (named, Use::Test | Use::Bench) => named,
    };
    match install_each(parts)? {
        0 => Ok(ExitCode::SUCCESS),
        _ => Ok(ExitCode::FAILURE),
    }
}

/// Installs parts in this order and returns how many cannot be had.
pub(crate) fn install_each(parts: &[Part]) -> Result<usize> {
    let mut missing = 0;
    for part in parts {
        if find(*part)?.is_none() {
            output::progress(&format!("{part}: installing {}", part.description()));
        }
        match install(*part) {
            Ok(installed) => output::progress(&format!(
                "{part}: {} {} ({:.1} s)",
                match installed.origin() {
                    Origin::Present => "there already, in",
                    Origin::Installed => "installed into",
                },
                installed.programs().display(),
                installed.took().as_secs_f64(),
            )),
            Err(error) => {
                missing += 1;
                output::error(&error);
            }
        }
    }
    Ok(missing)
}
