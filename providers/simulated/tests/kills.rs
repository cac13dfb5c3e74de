//! Processes that share a world in a file, killed at many moments: no effect is lost, none happens twice.
//!
//! The test starts itself as the process to be killed, so it has a `main` of its own.

use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::ExitCode;
use std::process::Stdio;

use salvor_conformance::Surroundings;
use salvor_conformance::operation;
use salvor_contract::Operation;
use salvor_contract::Probe;
use salvor_contract::Provider;
use salvor_contract::Values;
use salvor_simulated::Simulated;
use salvor_simulated::World;
use tempfile::TempDir;
use tokio::time::Instant;

/// How many times a process is killed, each time a little later.
const KILLS: u32 = 60;
/// How many operations each of two processes does on one world.
const EACH: u32 = 40;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.expect("a runtime");
    if let [_, mode, world, first, count] = arguments.as_slice()
        && mode == "work"
    {
        let (first, count) = (
            first.parse().expect("a number"),
            count.parse().expect("a number"),
        );
        runtime.block_on(work(Path::new(world), first, count));
        return ExitCode::SUCCESS;
    }
    if arguments.iter().any(|argument| argument == "--list") {
        return ExitCode::SUCCESS;
    }
    runtime.block_on(killed_processes_repeat_and_lose_nothing());
    two_processes_do_not_lose_each_others_effects();
    ExitCode::SUCCESS
}

/// Work that takes some milliseconds at the service.
fn run(world: &Path, number: u32) -> Operation {
    let with = Values::new()
        .with("target", format!("job-{number}"))
        .with("class", "named")
        .with("takes", "15ms");
    Operation {
        id: format!("operation{number}").as_str().into(),
        mark: format!("operation{number}").as_str().into(),
        config: Values::new().with("world", world.display().to_string()),
        ..operation("simulated.run", with)
    }
}

async fn work(world: &Path, first: u32, count: u32) {
    let surroundings = Surroundings::real_time();
    for number in first..first + count {
        let performed = Simulated::new()
            .perform(&run(world, number), &surroundings.call())
            .await;
        performed.expect("nothing stands in its way");
    }
}

fn start(world: &Path, first: u32, count: u32) -> Child {
    Command::new(std::env::current_exe().expect("this program"))
        .arg("work")
        .arg(world)
        .args([first.to_string(), count.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .spawn()
        .expect("it starts")
}

fn empty_world(folder: &TempDir) -> std::path::PathBuf {
    let path = folder.path().join("world.json");
    std::fs::write(&path, "{}").expect("a new file");
    path
}

fn read(path: &Path) -> World {
    let text = std::fs::read_to_string(path).expect("the world is there");
    World::parse(&text).expect("the world is whole")
}

async fn killed_processes_repeat_and_lose_nothing() {
    let folder = TempDir::new().expect("a folder");
    let path = empty_world(&folder);
    let surroundings = Surroundings::real_time();
    let mut found = [0, 0, 0];
    // How long a process takes that nobody kills: the kills are spread over that and half as much again.
    let begun = Instant::now();
    start(&path, KILLS, 1).wait().expect("it was started by us");
    let whole = begun.elapsed();
    for number in 0..KILLS {
        let mut child = start(&path, number, 1);
        // From before it can have begun to after it has ended.
        tokio::time::sleep(whole * 3 * number / (2 * KILLS)).await;
        child.kill().expect("it was started by us");
        child.wait().expect("it was killed");
        let before = read(&path);
        let operation = run(&path, number);
        let probe = Simulated::new()
            .probe(&operation, &surroundings.call())
            .await;
        match probe.expect("the world can be read") {
            Probe::Absent => {
                found[0] += 1;
                assert_eq!(before.effects_of(&operation.id), 0, "kill {number}");
            }
            Probe::InFlight { .. } => found[1] += 1,
            Probe::Done(_) => found[2] += 1,
            other @ (Probe::Conflict { .. } | Probe::CannotTell { .. }) => {
                panic!("kill {number}: {other:?}");
            }
        }
        work(&path, number, 1).await;
        assert_eq!(read(&path).effects_of(&operation.id), 1, "kill {number}");
    }
    assert_eq!(read(&path).effects.len() as u32, KILLS + 1);
    assert!(
        found[1] + found[2] > 0,
        "every kill came too early to prove anything"
    );
    report(&format!(
        "{KILLS} kills: {} absent, {} in flight, {} done",
        found[0], found[1], found[2]
    ));
}

fn two_processes_do_not_lose_each_others_effects() {
    let folder = TempDir::new().expect("a folder");
    let path = empty_world(&folder);
    let children = [start(&path, 0, EACH), start(&path, EACH, EACH)];
    for mut child in children {
        assert!(child.wait().expect("it was started by us").success());
    }
    let world = read(&path);
    assert_eq!(world.effects.len() as u32, 2 * EACH);
    assert_eq!(world.values.len() as u32, 2 * EACH);
    report(&format!("2 processes: {} effects", world.effects.len()));
}

#[expect(
    clippy::print_stdout,
    reason = "a test with its own main tells its figures itself"
)]
fn report(line: &str) {
    println!("{line}");
}
