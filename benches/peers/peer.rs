//! Finds the peers on this machine, and remembers those that are not.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use salvor_testbed::Part;
use salvor_testbed::find;

use crate::measure::measured;
use crate::table;

/// The peers that were asked for and are not on this machine.
#[derive(Default)]
pub struct Peers {
    missing: RefCell<BTreeSet<String>>,
}

/// A peer that is on this machine.
#[derive(Clone, Debug)]
pub struct Peer {
    program: PathBuf,
    /// The first line of what it says of its version.
    pub version: String,
}

impl Peer {
    /// A command of it, to be measured.
    pub fn command(&self) -> Command {
        alike(measured(&self.program))
    }

    /// A command of it whose cost nobody asks for.
    pub fn unmeasured(&self) -> Command {
        alike(Command::new(&self.program))
    }
}

/// What people set for themselves must not decide a comparison; each of these is read by one of the peers.
fn alike(mut command: Command) -> Command {
    command
        .env("TF_CLI_CONFIG_FILE", "/dev/null")
        .env("TF_IN_AUTOMATION", "1")
        .env("CHECKPOINT_DISABLE", "1")
        .env_remove("AWS_CA_BUNDLE")
        .env_remove("MAKEFLAGS");
    command
}

impl Peers {
    /// A peer: the program of this part that says its version when it is given these arguments.
    pub fn get(&self, part: Part, program: &str, version: &[&str]) -> Option<Peer> {
        let found = find(part).map(|found| found.map(|installed| installed.program(program)));
        let program = match found {
            Ok(Some(program)) => program,
            Ok(None) => return self.lacking(part, "it is not installed"),
            Err(error) => return self.lacking(part, &format!("{error:#}")),
        };
        let said = match alike(Command::new(&program)).args(version).output() {
            Ok(output) if output.status.success() => output.stdout,
            Ok(output) => return self.lacking(part, &format!("it ended with {}", output.status)),
            Err(error) => return self.lacking(part, &error.to_string()),
        };
        let version = String::from_utf8_lossy(&said);
        let version = version.lines().next().unwrap_or_default().trim().to_owned();
        Some(Peer { program, version })
    }

    /// What is missing, and why.
    pub fn missing(&self) -> Vec<String> {
        self.missing.borrow().iter().cloned().collect()
    }

    fn lacking(&self, part: Part, why: &str) -> Option<Peer> {
        let what = format!("{part}: {why}; try `salvor-testbed install {part}`");
        table::line(&format!("PEER MISSING: {what}"));
        self.missing.borrow_mut().insert(what);
        None
    }
}
