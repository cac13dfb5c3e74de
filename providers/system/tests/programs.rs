//! Real programs: their output, their end, their children, their secrets.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use salvor_conformance::Case;
use salvor_conformance::Cut;
use salvor_conformance::Report;
use salvor_conformance::Surroundings;
use salvor_conformance::check_action;
use salvor_conformance::check_description;
use salvor_conformance::cut;
use salvor_conformance::operation;
use salvor_contract::Call;
use salvor_contract::Effect;
use salvor_contract::Error;
use salvor_contract::Judgement;
use salvor_contract::Launcher;
use salvor_contract::Operation;
use salvor_contract::Outcome;
use salvor_contract::Probe;
use salvor_contract::Provider;
use salvor_system::System;
use serde_json::Value;
use serde_json::json;

fn exec(inputs: Value) -> Operation {
    operation(
        "system.exec",
        serde_json::from_value(inputs).expect("an object"),
    )
}

fn shell(script: &str) -> Value {
    json!(["sh", "-c", script])
}

async fn perform(inputs: Value, surroundings: &Surroundings) -> Result<Outcome, Error> {
    System::new()
        .perform(&exec(inputs), &surroundings.call())
        .await
}

#[test]
fn the_description_conforms() -> Result<(), Report> {
    check_description(&System::new())
}

#[tokio::test]
async fn a_program_gets_its_input_and_gives_its_output() {
    let surroundings = Surroundings::real_time();
    let inputs = json!({
        "argv": shell("read word; echo \"{\\\"$NAME\\\": \\\"$word\\\"}\"; echo \"op $SALVOR_OPERATION\" >&2"),
        "env": { "NAME": "said" }, "stdin": "hello\n", "stdout-json": true,
    });
    let outcome = perform(inputs, &surroundings).await.expect("it runs");
    assert_eq!(
        outcome.outputs.get("stdout-json"),
        Some(&json!({ "said": "hello" }))
    );
    assert_eq!(outcome.outputs.get("exit"), Some(&json!(0)));
    assert!(
        outcome
            .findings
            .iter()
            .all(|f| f.judgement == Judgement::Passed),
        "{outcome:?}"
    );
    let says: Vec<String> = surroundings
        .progress
        .updates()
        .into_iter()
        .filter_map(|u| u.says)
        .collect();
    assert!(
        says.contains(&"op a2345678bcdefghijklmnopqrs".to_owned()),
        "{says:?}"
    );
}

#[tokio::test]
async fn an_exit_that_was_not_expected_is_a_failed_finding_with_the_last_words() {
    let surroundings = Surroundings::real_time();
    let outcome = perform(
        json!({ "argv": shell("echo oh no >&2; exit 3") }),
        &surroundings,
    )
    .await;
    let outcome = outcome.expect("it ran");
    let finding = &outcome.findings[0];
    assert_eq!(
        (finding.expected.as_str(), finding.observed.as_str()),
        ("0", "3: oh no")
    );
    assert_eq!(finding.judgement, Judgement::Failed);
    let outcome = perform(json!({ "argv": shell("kill -9 $$") }), &surroundings).await;
    assert_eq!(outcome.expect("it ran").findings[0].observed, "signal 9");
    let inputs = json!({ "argv": shell("exit 3"), "expect-exit": [0, 3] });
    let outcome = perform(inputs, &surroundings).await.expect("it ran");
    assert_eq!(outcome.findings[0].judgement, Judgement::Passed);
}

#[tokio::test]
async fn a_program_that_is_not_there_is_refused_before_the_run() {
    let surroundings = Surroundings::real_time();
    let inputs = json!({ "argv": ["no-such-program-here"] });
    let error = System::new()
        .preview(&exec(inputs), &surroundings.call())
        .await;
    assert_eq!(
        error.expect_err("not there").to_string(),
        "the program `no-such-program-here` was not found"
    );
}

#[tokio::test]
async fn a_preview_starts_nothing_and_pins_the_program() {
    let surroundings = Surroundings::real_time();
    let inputs = json!({ "argv": ["touch", "it ran"] });
    let preview = System::new()
        .preview(&exec(inputs), &surroundings.call())
        .await
        .expect("a preview");
    assert_eq!(
        (preview.effect, preview.summary.as_str()),
        (Effect::Run, "touch 'it ran'")
    );
    let path = preview.facts.text("program").expect("a path");
    assert!(Path::new(path).is_absolute());
    assert_eq!(preview.facts.text("sha256").map(str::len), Some(64));
    assert!(!surroundings.plan_dir().join("it ran").exists());
}

#[tokio::test]
async fn a_program_that_only_reads_is_previewed_as_reading_with_nothing_unknown() {
    let surroundings = Surroundings::real_time();
    let inputs = json!({ "argv": ["cat", "a b"], "class": "read" });
    let preview = System::new()
        .preview(&exec(inputs), &surroundings.call())
        .await
        .expect("a preview");
    assert_eq!(preview.effect, Effect::Read);
    assert_eq!(
        preview.summary,
        "cat 'a b': only reads, as the plan declares"
    );
    assert_eq!(preview.unknown, Vec::<String>::new());
}

#[tokio::test]
async fn much_output_keeps_its_beginning_and_its_end() {
    let surroundings = Surroundings::real_time();
    let inputs =
        json!({ "argv": shell("echo begin; head -c 10000000 /dev/zero | tr '\\0' x; echo end") });
    let outcome = perform(inputs, &surroundings).await.expect("it ran");
    let stdout = outcome.outputs.text("stdout").expect("a text");
    assert!(stdout.starts_with("begin") && stdout.ends_with("end") && stdout.len() < 70_000);
}

#[tokio::test]
async fn secrets_reach_the_program_and_nothing_else() {
    let surroundings = Surroundings::real_time().secret("env:PASSWORD", "hunter2");
    let inputs = json!({
        "argv": shell("echo pw=$PGPASSWORD; echo lost $PGPASSWORD >&2; exit 1"),
        "secrets": { "PGPASSWORD": "env:PASSWORD" },
    });
    let outcome = perform(inputs, &surroundings).await.expect("it ran");
    assert_eq!(outcome.outputs.text("stdout"), Some("pw=<PGPASSWORD>"));
    assert_eq!(outcome.findings[0].observed, "1: lost <PGPASSWORD>");
    let told = format!("{outcome:?} {:?}", surroundings.progress.updates());
    assert!(!told.contains("hunter2"), "{told}");
}

/// A script that writes the ids of itself and of a child in the background, and then waits for ever.
const FAMILY: &str = "sleep 600 & echo $$ $! > ids.new; mv ids.new ids; echo ready; wait";

fn ids(surroundings: &Surroundings) -> Vec<String> {
    let text = std::fs::read_to_string(surroundings.plan_dir().join("ids")).expect("it began");
    text.split_whitespace().map(str::to_owned).collect()
}

/// True when the process is gone, or is a zombie that only waits to be counted.
fn is_gone(id: &str) -> bool {
    match std::fs::read_to_string(format!("/proc/{id}/stat")) {
        Err(_) => true,
        Ok(stat) => stat
            .rsplit_once(") ")
            .is_some_and(|(_, rest)| rest.starts_with('Z')),
    }
}

/// Looks until it is so: killing takes the kernel a moment.
async fn until(is_so: impl Fn() -> bool) {
    for _ in 0..2000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("it was never so");
}

#[tokio::test]
async fn a_program_at_its_deadline_is_killed_with_its_children_and_its_outcome_is_unknown() {
    let surroundings = Surroundings::real_time().allowing(Duration::from_secs(1));
    let error = perform(json!({ "argv": shell(FAMILY) }), &surroundings)
        .await
        .expect_err("it never ends");
    let Error::Unknown { what } = &error else {
        panic!("{error:?}");
    };
    assert!(
        what.contains("was killed because its deadline passed; it had said: ready"),
        "{what}"
    );
    let ids = ids(&surroundings);
    until(|| ids.iter().all(|id| is_gone(id))).await;
}

#[tokio::test]
async fn a_program_is_killed_with_its_children_when_its_call_is_dropped_or_stopped() {
    for stops in [false, true] {
        let surroundings = Surroundings::real_time();
        let call: Call<'_> = surroundings.call();
        let operation = exec(json!({ "argv": shell(FAMILY) }));
        let system = System::new();
        let began = || surroundings.plan_dir().join("ids").exists();
        let mut perform = Box::pin(system.perform(&operation, &call));
        tokio::select! {
            result = &mut perform => panic!("it never ends: {result:?}"),
            () = until(began) => {}
        }
        if stops {
            call.stop.cancel();
            let error = perform.await.expect_err("stopped");
            assert!(matches!(error, Error::Unknown { .. }), "{error:?}");
        } else {
            drop(perform);
        }
        let ids = ids(&surroundings);
        until(|| ids.iter().all(|id| is_gone(id))).await;
    }
}

#[tokio::test]
async fn a_program_that_leaves_a_child_with_its_output_does_not_hang() {
    let surroundings = Surroundings::real_time();
    let outcome = perform(
        json!({ "argv": shell("sleep 600 & echo $! > ids") }),
        &surroundings,
    )
    .await;
    assert_eq!(
        outcome.expect("it ended").findings[0].judgement,
        Judgement::Passed
    );
    let ids = ids(&surroundings);
    until(|| ids.iter().all(|id| is_gone(id))).await;
}

#[tokio::test]
async fn programs_start_through_the_launchers_shim_with_its_environment_and_no_other() {
    let shim = ["/usr/bin/env", "SHIM=was here"]
        .map(OsString::from)
        .to_vec();
    let environment = vec![("PATH".into(), "/usr/bin:/bin".into())];
    let surroundings = Surroundings::real_time().launcher(Launcher::new(shim, environment));
    let outcome = perform(json!({ "argv": ["env"] }), &surroundings)
        .await
        .expect("it runs");
    let mut lines: Vec<&str> = outcome
        .outputs
        .text("stdout")
        .expect("a text")
        .lines()
        .collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "PATH=/usr/bin:/bin",
            "SALVOR_MARK=a2345678bcdefghijklmnopqrs",
            "SALVOR_OPERATION=a2345678bcdefghijklmnopqrs",
            "SALVOR_RUN=r7kq4m",
            "SALVOR_TOKEN=17",
            "SHIM=was here",
        ]
    );
}

#[tokio::test]
async fn a_wait_looks_by_a_program_until_it_says_so_or_has_failed() {
    for (last, judgement) in [("ready", Judgement::Passed), ("failed", Judgement::Failed)] {
        let surroundings = Surroundings::real_time();
        // The first look finds a file that the second one finds changed.
        let script = format!("cat state 2>/dev/null || echo pending; echo {last} > state");
        let inputs = json!({
            "exec": { "argv": shell(&script) },
            "until": { "": "ready" },
            "fails-when": { "": "failed" },
            "every": "1ms",
        });
        let with = serde_json::from_value(inputs).expect("an object");
        let wait = operation("system.wait", with);
        let outcome = System::new()
            .perform(&wait, &surroundings.call())
            .await
            .expect("an end");
        assert_eq!(outcome.outputs.get("last"), Some(&json!(last)));
        assert_eq!(outcome.outputs.get("looks"), Some(&json!(2)));
        assert_eq!(outcome.findings[0].judgement, judgement, "{outcome:?}");
    }
}

#[tokio::test]
async fn a_class_with_a_key_needs_a_probe() {
    let surroundings = Surroundings::real_time();
    let inputs = json!({ "argv": ["true"], "class": "named" });
    let error = System::new()
        .preview(&exec(inputs), &surroundings.call())
        .await
        .expect_err("no probe");
    assert!(
        error
            .hint()
            .is_some_and(|hint| hint.starts_with("write a `probe`")),
        "{error:?}"
    );
}

#[tokio::test]
async fn an_unkeyed_program_that_was_cut_off_cannot_be_told_unless_it_has_a_probe() {
    let surroundings = Surroundings::real_time();
    let call = surroundings.call();
    let system = System::new();
    let unkeyed = exec(json!({ "argv": ["true"] }));
    assert_eq!(cut(system.perform(&unkeyed, &call), 1).await, Cut::Dropped);
    let found = system.probe(&unkeyed, &call).await.expect("a probe");
    assert!(matches!(found, Probe::CannotTell { .. }), "{found:?}");
    for (exit, expected) in [(0, "Done"), (1, "Absent"), (2, "CannotTell")] {
        let probed = exec(json!({ "argv": ["true"], "probe": shell(&format!("exit {exit}")) }));
        let found = system.probe(&probed, &call).await.expect("a probe");
        assert!(
            format!("{found:?}").starts_with(expected),
            "{exit}: {found:?}"
        );
    }
}

/// A program without a key that was about to end is not recorded as unknown: it has an exit of its own.
#[tokio::test]
async fn a_program_that_ends_by_itself_after_a_stop_tells_how() {
    let surroundings = Surroundings::real_time();
    let gate = surroundings.plan_dir().join("gate");
    let made = std::process::Command::new("mkfifo").arg(&gate).status();
    assert!(made.expect("mkfifo starts").success());
    let call = surroundings.call();
    let unkeyed = exec(json!({ "argv": shell("echo begun; read word < gate; echo $word") }));
    let system = System::new();
    let stop = async {
        while surroundings.progress.updates().is_empty() {
            tokio::task::yield_now().await;
        }
        call.stop.cancel();
        // Opening it waits for the program, which is not asked to end yet.
        let opened = tokio::task::spawn_blocking(move || std::fs::write(gate, "done\n"));
        opened.await.expect("it goes on").expect("it is written");
    };
    let (outcome, ()) = tokio::join!(system.perform(&unkeyed, &call), stop);
    let outcome = outcome.expect("its own end");
    assert_eq!(outcome.outputs.text("stdout"), Some("begun\ndone"));
    assert_eq!(outcome.outputs.get("exit"), Some(&0.into()));
}

#[tokio::test]
async fn programs_of_every_class_conform() -> Result<(), Report> {
    // It appends one line for each effect; the probe looks for the line of this operation.
    let append = shell("echo $SALVOR_OPERATION >> log");
    let probe = shell("test -e log && grep -q $SALVOR_OPERATION log");
    // What has a name is not made again by the next attempt.
    let make = shell("grep -qs $SALVOR_MARK log || echo $SALVOR_MARK >> log");
    let made = shell("test -e log && grep -q $SALVOR_MARK log");
    for inputs in [
        json!({ "argv": make, "class": "named", "probe": made }),
        json!({ "argv": append, "class": "token", "probe": probe }),
        json!({ "argv": append, "class": "unkeyed" }),
        json!({ "argv": append, "class": "unkeyed", "probe": probe }),
        json!({ "argv": shell("echo set > log"), "class": "convergent" }),
        json!({ "argv": ["true"], "class": "read" }),
        json!({ "argv": shell("echo $PW"), "secrets": { "PW": "env:PASSWORD" }, "class": "read" }),
    ] {
        let surroundings = Surroundings::real_time().secret("env:PASSWORD", "hunter2");
        let log = surroundings.plan_dir().join("log");
        let count = async || {
            let text = std::fs::read_to_string(&log).unwrap_or_default();
            text.lines().count() as u64
        };
        let reset = async || {
            // Not there is what is wanted.
            let _ = std::fs::remove_file(&log);
        };
        let case = Case::new(exec(inputs.clone()), count, reset);
        check_action(
            &System::new(),
            &surroundings,
            case.cut_at_most(8)
                .settling_within(Duration::from_millis(50)),
        )
        .await
        .inspect_err(|_| eprintln_inputs(&inputs))?;
    }
    Ok(())
}

#[expect(
    clippy::print_stderr,
    reason = "a failing case has to say which of them it is"
)]
fn eprintln_inputs(inputs: &Value) {
    eprintln!("{inputs}");
}
