//! What the tests of the quickstart and the tests that kill it share: the plan's files, what the operator says, and
//! the cluster that a run restores and leaves running.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rustix::process::Pid;
use rustix::process::Signal;
use rustix::process::kill_process;
use salvor_testbed::Story;

/// What the operator says to each manual step.
pub const ANSWERS: [(&str, &str); 8] = [
    ("assess", "the cluster and the artifacts are lost"),
    ("recovery-point", "yes"),
    ("infra", "yes"),
    ("search", "re-index"),
    ("deploy", "42"),
    ("health", "yes"),
    ("stakeholders", "mail to all tenants"),
    ("review", "wiki/2026-11"),
];

/// How often it is looked whether the cluster has ended, and how many times.
const LOOK_EVERY: Duration = Duration::from_millis(20);
const LOOKS_MAX: usize = 1500;

/// Copies the plan's files into a new folder.
pub fn copy_plan(to: &Path) {
    fs::create_dir_all(to).expect("a folder for the plan");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("plans/quickstart");
    for file in fs::read_dir(source).expect("the plan is there") {
        let file = file.expect("the plan's folder can be read");
        if file.path().is_file() {
            fs::copy(file.path(), to.join(file.file_name())).expect("a file is copied");
        }
    }
}

/// The variables that the story's file gives to a shell.
pub fn variables(story: &Story) -> BTreeMap<String, String> {
    let text = fs::read_to_string(story.environment_file()).expect("the story's variables");
    let line = |line: &str| {
        let (name, value) = line.strip_prefix("export ")?.split_once('=')?;
        Some((name.to_owned(), value.trim_matches('\'').to_owned()))
    };
    text.lines().filter_map(line).collect()
}

/// Asks the restored cluster by psql.
pub fn psql(programs: &str, port: u16, database: &str, sql: &str) -> String {
    let output = Command::new(Path::new(programs).join("psql"))
        .args(["-X", "-h", "127.0.0.1", "-U", "calabi", "-Atc", sql])
        .args(["-p", &port.to_string(), "-d", database])
        .output()
        .expect("psql can be started");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "`{sql}` failed: {errors}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Ends the restored cluster of a story's folder, where one runs. It is a daemon: told by the number in its own file,
/// which it removes when it ends.
pub fn stop_restored(world: &Path) {
    let file = world.join("restored/postmaster.pid");
    let Ok(text) = fs::read_to_string(&file) else {
        return;
    };
    let id = text
        .lines()
        .next()
        .and_then(|line| line.trim().parse().ok());
    let Some(id) = id.and_then(Pid::from_raw) else {
        return;
    };
    let works_in = fs::read_link(format!("/proc/{}/cwd", id.as_raw_nonzero())).ok();
    if works_in != fs::canonicalize(world.join("restored")).ok() {
        return;
    }
    let _ = kill_process(id, Signal::INT);
    for _ in 0..LOOKS_MAX {
        if !file.exists() {
            return;
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// The objects below a folder of the S3 server by their last name. Names that begin with a dot are the server's
/// own.
pub fn objects_below(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    collect(folder, &mut found);
    found
}

fn collect(folder: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
    for item in fs::read_dir(folder).expect("the bucket can be read") {
        let path = item.expect("the bucket can be read").path();
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        let name = name.unwrap_or_default();
        if name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            collect(&path, found);
        } else {
            let bytes = fs::read(&path).expect("an object can be read");
            assert_eq!(found.insert(name, bytes), None, "two objects of one name");
        }
    }
}
