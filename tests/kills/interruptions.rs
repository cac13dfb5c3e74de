//! Signals: one that asks to stop, two that insist, and a process that is stopped and holds the lock.

use std::os::unix::process::ExitStatusExt as _;
use std::process::Child;

use rustix::process::Pid;
use rustix::process::Signal;
use rustix::process::kill_process;

use crate::case::go_on;
use crate::case::no_effect_is_repeated;
use crate::case::same;
use crate::case::words;
use crate::processes::alive;
use crate::processes::wait_until;
use crate::servers::Servers;
use crate::supervisor::finish;
use crate::supervisor::start;
use crate::world::Setting as _;
use crate::world::World;
use crate::world::said;

/// After how many records the signals come.
const RECORDS: [usize; 5] = [2, 5, 9, 14, 20];

#[test]
fn signals_stop_a_recovery_and_lose_nothing() {
    let Some(servers) = Servers::start() else {
        return;
    };
    let world = servers.world("undisturbed");
    assert!(finish(&world, &["apply", "change-set", "--no-input"]).success());
    let undisturbed = world.place().content();
    for (signal, word) in [(Signal::INT, "int"), (Signal::TERM, "term")] {
        for records in RECORDS {
            let world = servers.world(&format!("{word}{records}"));
            let mut child = applied(&world, records);
            send(&child, signal);
            let status = child.wait().expect("our child");
            assert_eq!(
                status.code(),
                Some(130),
                "{word} {records}\n{}",
                words(&world)
            );
            let run = world.run_id().expect("a run");
            let said = words(&world);
            assert!(
                said.contains(&format!("salvor resume {run}")),
                "no line to resume by: {said}"
            );
            assert_eq!(alive(&world.folder), Vec::<String>::new(), "{said}");
            go_on(&world);
            no_effect_is_repeated(&world);
            same(
                &world,
                &undisturbed,
                &format!("{word} after record {records}"),
            );
            world.remove();
        }
    }
    for records in RECORDS {
        let world = servers.world(&format!("twice{records}"));
        let mut child = applied(&world, records);
        send(&child, Signal::INT);
        send(&child, Signal::TERM);
        let status = child.wait().expect("our child");
        // Where the first one was enough already, the second came too late.
        assert!(
            status.signal() == Some(9) || status.code() == Some(130),
            "{status}\n{}",
            words(&world)
        );
        wait_until("the children to end", || alive(&world.folder).is_empty());
        go_on(&world);
        no_effect_is_repeated(&world);
        same(
            &world,
            &undisturbed,
            &format!("twice after record {records}"),
        );
        world.remove();
    }
}

#[test]
fn a_stopped_process_that_holds_the_lock_is_named() {
    let Some(servers) = Servers::start() else {
        return;
    };
    let world = servers.world("stopped");
    let mut child = applied(&world, 3);
    send(&child, Signal::STOP);
    wait_until("it to stop", || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id()));
        stat.is_ok_and(|stat| stat.contains(") T "))
    });
    let run = world.run_id().expect("a run");
    let refused = world.run(&["resume", &run, "--no-input"]);
    assert_eq!(refused.status.code(), Some(4), "{}", said(&refused));
    let text = said(&refused);
    for part in [child.id().to_string().as_str(), "stopped", "test"] {
        assert!(text.contains(part), "`{part}` is missing: {text}");
    }
    child.kill().expect("our child");
    child.wait().expect("our child");
    wait_until("the children to end", || alive(&world.folder).is_empty());
    go_on(&world);
    no_effect_is_repeated(&world);
}

fn applied(world: &World<'_>, records: usize) -> Child {
    let mut command = world.salvor();
    command.args(["apply", "change-set", "--no-input"]);
    let child = start(world, command);
    wait_until("records", || world.length() >= records);
    child
}

fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).expect("our child");
}
