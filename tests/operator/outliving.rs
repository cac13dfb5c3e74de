//! What becomes of programs and of what they start, when salvor is killed, interrupted, or loses its terminal.

use std::process::Child;

use rustix::process::Pid;
use rustix::process::Signal;
use rustix::process::kill_process;
use serde_json::json;

use crate::support::Folder;
use crate::support::ended;

/// A program that ignores every polite signal and has a child of its own; both write their ids.
const STUBBORN: &str =
    "trap '' TERM INT HUP; sleep 600 & echo $! >> ids; echo $$ >> ids; : > ready; wait; sleep 600";

fn stubborn(class: &str) -> Folder {
    stubborn_with(class, "")
}

fn stubborn_with(class: &str, more: &str) -> Folder {
    let steps = format!(
        r#"
[steps.load]
uses = "exec"
with = {{ argv = ["/bin/sh", "-c", "exec /bin/sh ./stubborn"], class = "{class}" }}
{more}
"#
    );
    let folder = Folder::of_steps(&steps, &["load"], &json!({}));
    folder.write("stubborn", STUBBORN);
    folder
}

/// Starts `apply`, and returns when the program and its child are there. It takes SIGHUP as a terminal's programs
/// do, also when the tests themselves were started to ignore it.
fn begun(folder: &Folder) -> Child {
    let salvor = folder.command(&["apply", "--no-input"]);
    let mut command = folder.command_of("/usr/bin/env");
    command
        .arg("--default-signal=HUP")
        .arg(salvor.get_program())
        .args(salvor.get_args());
    let mut apply = command.spawn().expect("env starts it");
    while !folder.path().join("ready").exists() {
        if apply.try_wait().expect("it is the test's own").is_some() {
            panic!("it ended before the program began: {}", ended(apply).all());
        }
        std::thread::yield_now();
    }
    apply
}

/// Waits until the program and its child have ended. A test that hangs here has found one that goes on.
fn wait_for_their_end(folder: &Folder) {
    let ids = folder.read("ids");
    assert_eq!(ids.lines().count(), 2);
    let is_alive = |id: &str| {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        let state = stat
            .rsplit(") ")
            .next()
            .and_then(|rest| rest.chars().next());
        !matches!(state, None | Some('Z' | 'X'))
    };
    for id in ids.lines() {
        let mut looks = 0_u32;
        while is_alive(id) {
            looks += 1;
            assert!(looks < 3_000_000, "process {id} goes on");
            std::thread::yield_now();
        }
    }
}

fn signal(child: &Child, signal: Signal) {
    let id = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    kill_process(id.expect("an id"), signal).expect("it is the test's own");
}

#[test]
fn what_a_program_started_ends_with_a_killed_salvor() {
    let folder = stubborn("convergent");
    let mut apply = begun(&folder);
    apply.kill().expect("it is the test's own");
    apply.wait().expect("it was killed");
    wait_for_their_end(&folder);
}

#[test]
fn a_deadline_ends_a_program_and_what_it_started() {
    let folder = stubborn_with("unkeyed", "timeout = \"5s\"");
    let output = begun(&folder).wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(5), "{said}");
    assert!(said.contains("load"), "{said}");
    wait_for_their_end(&folder);
}

#[track_caller]
fn stops_in_good_order(by: Signal) {
    let folder = stubborn("unkeyed");
    let apply = begun(&folder);
    signal(&apply, by);
    let output = apply.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130), "{by:?}");
    wait_for_their_end(&folder);
    assert_eq!(
        folder.record_types().last().map(String::as_str),
        Some("halted")
    );
}

#[test]
fn an_interrupt_ends_a_program_that_does_not_want_to() {
    stops_in_good_order(Signal::INT);
}

#[test]
fn a_terminal_that_goes_away_stops_the_run_in_good_order() {
    stops_in_good_order(Signal::HUP);
}

#[test]
fn a_second_interrupt_leaves_no_program_behind() {
    let folder = stubborn("unkeyed");
    let mut apply = begun(&folder);
    signal(&apply, Signal::INT);
    signal(&apply, Signal::TERM);
    let status = apply.wait().expect("it ends");
    assert!(!status.success(), "{status}");
    wait_for_their_end(&folder);
}

#[test]
fn a_salvor_that_was_stopped_and_continued_goes_on() {
    let steps = r#"
[steps.load]
uses = "exec"
with = { argv = ["/bin/sh", "-c", "while test ! -e go; do :; done; echo over"], class = "convergent" }
"#;
    let folder = Folder::of_steps(steps, &["load"], &json!({}));
    let mut apply = folder.start(&["apply", "--no-input"]);
    folder.wait_for("intent");
    signal(&apply, Signal::STOP);
    folder.write("go", "");
    signal(&apply, Signal::CONT);
    assert!(apply.wait().expect("it ends").success());
}

#[test]
fn a_program_that_a_signal_ended_is_told_from_one_that_failed() {
    for (name, number) in [("KILL", 9), ("TERM", 15), ("HUP", 1)] {
        let steps = format!(
            r#"
[steps.load]
uses = "exec"
with = {{ argv = ["/bin/sh", "-c", "kill -{name} $$"], class = "convergent" }}
"#
        );
        let folder = Folder::of_steps(&steps, &["load"], &json!({}));
        folder
            .apply()
            .ends_with(5)
            .says(&format!("found signal {number}"));
    }
}
