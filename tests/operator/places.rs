//! State folders that cannot hold a run, and disks that become full.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use serde_json::json;

use crate::support::Folder;

const STEPS: &str = r#"
[steps.fill]
uses = "exec"
with = { argv = ["/bin/sh", "-c", "cat /dev/zero > full/fill; test -s full/fill"], class = "convergent" }
[steps.load]
uses  = "exec"
needs = ["fill"]
with  = { argv = ["/bin/sh", "-c", "head -c 20000 /dev/zero | tr '\\000' x"], class = "convergent" }
[steps.last]
uses  = "simulated.run"
needs = ["load"]
with  = { target = "last", value = 1, class = "named" }
"#;

/// A small file system in memory below the plan's folder; given back when dropped.
struct Disk(PathBuf);

impl Disk {
    fn new(folder: &Folder, size: &str) -> Self {
        let place = folder.path().join("full");
        std::fs::create_dir(&place).expect("a folder");
        let disk = Self(place);
        let options = format!("size={size},mode=700");
        disk.run("mount", &["-t", "tmpfs", "-o", &options, "tmpfs"]);
        disk
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let status = Command::new(program).args(arguments).arg(&self.0).status();
        let is_done = status.is_ok_and(|status| status.success());
        assert!(
            is_done,
            "{program} {arguments:?}: these tests need the right to mount"
        );
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

fn with_state_on_the_disk() -> Folder {
    let folder = Folder::of_steps(STEPS, &["last"], &json!({}));
    let plan = folder.read("plan.toml");
    folder.write(
        "plan.toml",
        &plan.replace("format = 1\n", "format = 1\nstate = \"full/state\"\n"),
    );
    folder
}

#[test]
fn a_state_folder_that_is_none_is_refused_with_what_to_do() {
    let folder = Folder::of_steps(STEPS, &["last"], &json!({}));
    folder.write(".salvor", "");
    for verb in [&["apply", "--no-input"][..], &["plan"], &["runs"]] {
        folder
            .salvor(verb)
            .ends_with(4)
            .says("Not a directory")
            .says("= help: ");
    }
}

#[test]
fn a_disk_without_room_for_a_journal_is_refused_before_anything_begins() {
    let folder = with_state_on_the_disk();
    let disk = Disk::new(&folder, "1m");
    folder
        .apply()
        .ends_with(4)
        .says("No space left")
        .says("20 MB free");
    assert!(folder.effects().is_empty());
    drop(disk);
}

#[test]
fn a_read_only_state_folder_is_refused_before_anything_begins() {
    let folder = with_state_on_the_disk();
    let disk = Disk::new(&folder, "32m");
    disk.run("mount", &["-o", "remount,ro"]);
    folder.apply().ends_with(4).says("Read-only file system");
    assert!(folder.effects().is_empty());
    drop(disk);
}

#[test]
fn a_disk_that_becomes_full_halts_the_run_and_room_lets_it_go_on() {
    let folder = with_state_on_the_disk();
    let disk = Disk::new(&folder, "20m");
    let apply = folder.apply();
    assert!(matches!(apply.code, Some(5)), "{}", apply.all());
    assert!(!apply.stderr.contains("panicked"), "{}", apply.all());
    // What was under way is recorded in the space that was set aside; nothing new begins.
    assert!(folder.effects().is_empty());
    let fill = disk.0.join("fill");
    std::fs::remove_file(&fill).expect("the filling is there");
    let runs = std::fs::read_dir(disk.0.join("state/runs")).expect("runs");
    let run = runs.flatten().next().expect("the run").file_name();
    let run = run.into_string().expect("an id");
    folder.salvor(&["journal", "check", &run]).ends_with(0);
    folder
        .salvor(&["resume", &run, "--no-input"])
        .ends_with(0)
        .says("GREEN");
    assert_eq!(folder.effects(), ["last"]);
    drop(disk);
}

#[test]
fn a_result_that_was_not_written_is_an_error_and_a_reader_that_left_is_none() {
    let salvor = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_salvor"));
        command.args(["schema", "plan"]);
        command
    };
    let full = std::fs::File::create("/dev/full").expect("every Linux has it");
    let output = salvor().stdout(full).output().expect("salvor runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("the result was not written: No space left"),
        "{said}"
    );

    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let output = salvor().stdout(writer).output().expect("salvor runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), said.as_ref()), (Some(0), ""));
}

#[test]
fn a_run_goes_on_in_a_folder_that_was_moved() {
    let steps = r#"
[steps.first]
uses = "simulated.run"
with = { target = "first", value = 1, class = "named" }
[steps.review]
uses  = "manual"
needs = ["first"]
with  = { ask = "Go on?", evidence = "none" }
[steps.last]
uses  = "simulated.run"
needs = ["review"]
with  = { target = "last", value = 1, class = "named" }
"#;
    let folder = Folder::of_steps(steps, &["last"], &json!({}));
    let mut apply = folder.start(&["apply", "--no-input"]);
    folder.wait_for("asked");
    apply.kill().expect("it is the test's own");
    apply.wait().expect("it was killed");
    let run = folder.run_id();
    let moved = Folder::with("", &json!({}));
    for name in ["plan.toml", "world.json", ".salvor"] {
        std::fs::rename(folder.path().join(name), moved.path().join(name)).expect("one disk");
    }
    moved.salvor(&["answer", &run]).ends_with(0);
    moved.salvor(&["resume", &run, "--no-input"]).ends_with(0);
    assert_eq!(moved.effects(), ["first", "last"]);
    assert!(
        !folder.path().join(".salvor").exists(),
        "the old place is left alone"
    );
}

#[test]
fn a_plan_that_is_only_looked_at_leaves_nothing_behind() {
    let folder = with_state_on_the_disk();
    folder.salvor(&["plan"]).ends_with(0);
    assert!(!folder.path().join(".salvor").exists());
}

#[test]
fn what_operations_put_aside_is_out_of_the_reach_of_others() {
    let steps = r#"
[steps.load]
uses = "exec"
with = { argv = ["/bin/false"], class = "convergent" }
"#;
    let folder = Folder::of_steps(steps, &["load"], &json!({}));
    folder.apply().ends_with(5);
    let run = folder.path().join(".salvor/runs").join(folder.run_id());
    for name in [".", "scratch", "blobs", "inbox"] {
        let metadata = std::fs::metadata(run.join(name)).expect("it is there");
        assert_eq!(metadata.permissions().mode() & 0o777, 0o700, "{name}");
    }
}
