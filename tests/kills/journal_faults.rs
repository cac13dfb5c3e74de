//! Errors of the disk under the journal: the process says so, has no effect after it, and the run goes on later.

use std::fs;
use std::process::Command;
use std::process::ExitStatus;

use salvor::journal::names::run_id;
use salvor_testbed::Part;
use salvor_testbed::install;
use salvor_testbed::require;

use crate::case::go_on;
use crate::case::no_effect_is_repeated;
use crate::case::same;
use crate::case::words;
use crate::processes::alive;
use crate::processes::wait_until;
use crate::servers::Servers;
use crate::supervisor::finish;
use crate::supervisor::is_asked;
use crate::supervisor::start;
use crate::world::Setting as _;
use crate::world::World;

/// At which sync or write of one thread the fault comes.
const WHEN: [u32; 4] = [1, 2, 4, 7];

#[test]
fn faults_of_the_journals_disk_end_the_process_and_not_the_run() {
    let Some(servers) = Servers::start() else {
        return;
    };
    if require(install(Part::Strace)).is_none() {
        return;
    }
    let world = servers.world("undisturbed");
    assert!(finish(&world, &["apply", "change-set", "--no-input"]).success());
    let undisturbed = world.place().content();
    let mut struck = 0;
    for (call, error) in [("fdatasync", "EIO"), ("write", "EIO"), ("write", "ENOSPC")] {
        for when in WHEN {
            let name = format!("{call}{when}{}", error.to_lowercase());
            let world = servers.world(&name);
            let status = {
                let mut strace = Command::new("strace");
                strace.args(["-f", "-D", "-qq", "-o", "/dev/null", "-P"]);
                strace.arg(journal_to_be(&world));
                strace.args(["-e", &format!("trace={call}"), "-e"]);
                strace.arg(format!("inject={call}:error={error}:when={when}"));
                strace.arg(env!("CARGO_BIN_EXE_salvor"));
                strace.args(["apply", "change-set", "--no-input"]);
                let mut child = start(&world, world.with_environment(strace));
                let mut status = None;
                wait_until("its end or its question", || {
                    status = child.try_wait().expect("our child");
                    status.is_some() || is_asked(&world)
                });
                if status.is_none() {
                    child.kill().expect("our child");
                    child.wait().expect("our child");
                }
                status
            };
            wait_until("the children to end", || alive(&world.folder).is_empty());
            if let Some(status) = status {
                struck += 1;
                says_why(&world, status, error, &name);
            }
            go_on(&world);
            no_effect_is_repeated(&world);
            same(&world, &undisturbed, &name);
            world.remove();
        }
    }
    assert!(struck > WHEN.len(), "only {struck} faults came");
}

/// The process names the journal and the error of its disk, in another line than the one that every run begins with.
/// It refuses only where nothing was begun.
fn says_why(world: &World<'_>, status: ExitStatus, error: &str, name: &str) {
    let words = words(world);
    let has_begun = world
        .records()
        .iter()
        .any(|record| record["type"] == "intent");
    let is_fit = match status.code() {
        Some(1 | 5) => true,
        Some(4) => !has_begun,
        Some(_) | None => false,
    };
    assert!(is_fit, "{name}: {status}\n{words}");
    let said = fs::read_to_string(world.folder.join("said")).unwrap_or_default();
    let reason = match error {
        "ENOSPC" => "no space left",
        _ => "Input/output error",
    };
    let says_both = |line: &str| line.contains("journal") && line.contains(reason);
    assert!(said.lines().any(says_both), "{name}\n{words}");
}

/// Where the journal of the change set's run will be.
fn journal_to_be(world: &World<'_>) -> std::path::PathBuf {
    let change_set =
        salvor::change_set::load(&world.folder.join("change-set")).expect("a change set");
    let run = run_id(&change_set.lineage, &change_set.digest(), &change_set.nonce);
    let folder = world.folder.canonicalize().expect("a folder");
    folder
        .join(".salvor/runs")
        .join(run.as_str())
        .join("journal")
}
