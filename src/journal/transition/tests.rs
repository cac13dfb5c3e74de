//! The rules, one test each; the words of a refusal are part of what an operator sees.

use jiff::SignedDuration;
use jiff::Timestamp;
use salvor_contract::Answer;
use salvor_contract::Class;
use salvor_contract::Outcome;

use crate::digest::Digest;
use crate::journal::body::Body;
use crate::journal::body::Decision;
use crate::journal::body::FailureKind;
use crate::journal::body::Found;
use crate::journal::body::StopReason;
use crate::journal::body::Verdict;
use crate::journal::lock::Holder;
use crate::journal::record::Record;
use crate::journal::state::Phase;
use crate::journal::state::RunState;
use crate::journal::state::Status;
use crate::journal::transition::Illegal;

const START: &str = "2026-04-06T02:00:00Z";

fn holder() -> Holder {
    Holder {
        by: "j.doe".to_owned(),
        host: "ops-1".to_owned(),
        boot: "boot".to_owned(),
        pid: 123,
        started: 456,
    }
}

fn asked() -> Body {
    Body::Asked {
        step: "a".into(),
        question: "which?".to_owned(),
        role: None,
        evidence: None,
    }
}

fn answered() -> Body {
    Body::Answered {
        step: "a".into(),
        answer: Answer {
            text: "that".to_owned(),
            by: "j.doe".to_owned(),
            role: None,
            at: START.parse().expect("a time"),
            file: None,
        },
    }
}

fn opened() -> Body {
    Body::Opened {
        lineage: "lineage".to_owned(),
        plan: "calabi".to_owned(),
        scenario: "pitr".to_owned(),
        change_set: Digest::of_bytes(b"change set"),
        approval: "approval".to_owned(),
        goal: START.parse().expect("a time"),
        tool: "0.1.0".to_owned(),
        holder: holder(),
        confirmed: vec!["app/9f27".to_owned()],
        adopts: false,
    }
}

fn resumed() -> Body {
    Body::Resumed {
        holder: holder(),
        why: "asked".to_owned(),
        cut_bytes: 0,
    }
}

fn intent(step: &str, attempt: u32) -> Body {
    Body::Intent {
        step: step.into(),
        attempt,
        op: format!("{step}-{attempt}").as_str().into(),
        class: Class::Named,
        inputs: Digest::of_bytes(b"inputs"),
    }
}

fn succeeded(step: &str, attempt: u32, adopted: bool) -> Body {
    Body::Succeeded {
        step: step.into(),
        op: format!("{step}-{attempt}").as_str().into(),
        outcome: Outcome::default(),
        adopted,
        took_ms: 5,
    }
}

fn failed(step: &str, attempt: Option<u32>, again: bool) -> Body {
    Body::Failed {
        step: step.into(),
        op: attempt.map(|attempt| format!("{step}-{attempt}").as_str().into()),
        kind: FailureKind::Transient,
        what: "busy".to_owned(),
        hint: None,
        findings: Vec::new(),
        again,
    }
}

fn unknown(step: &str, attempt: u32) -> Body {
    Body::Unknown {
        step: step.into(),
        op: format!("{step}-{attempt}").as_str().into(),
        why: "the answer was lost".to_owned(),
        under_way: false,
    }
}

fn decided(step: &str, decision: Decision) -> Body {
    Body::Decided {
        step: step.into(),
        decision,
        by: "j.doe".to_owned(),
        why: "looked".to_owned(),
    }
}

fn skipped(step: &str) -> Body {
    Body::Skipped {
        step: step.into(),
        why: "a failed".to_owned(),
    }
}

fn finished() -> Body {
    Body::Finished {
        verdict: Verdict::Green,
        summary: "all".to_owned(),
    }
}

fn halted() -> Body {
    Body::Halted {
        why: StopReason::Interrupt,
        detail: "SIGINT".to_owned(),
    }
}

/// The state after these bodies, one record each, one second apart by the monotonic clock, all at one time of day.
fn fold(bodies: &[Body]) -> Result<RunState, Illegal> {
    let start = START.parse().expect("a time");
    fold_at(bodies, |_| start)
}

/// The same with the time of day of each record.
fn fold_at(bodies: &[Body], wall: impl Fn(u64) -> Timestamp) -> Result<RunState, Illegal> {
    let mut records: Vec<(Record, Digest)> = Vec::new();
    let mut epoch = 1;
    for (seq, body) in (0_u64..).zip(bodies) {
        epoch += u64::from(matches!(body, Body::Resumed { .. }));
        let record = Record {
            seq,
            prev: records
                .last()
                .map_or_else(Digest::zero, |(_, hash)| hash.clone()),
            run: "run".into(),
            epoch,
            nonce: seq.to_string(),
            mono_ms: seq * 1_000,
            wall: wall(seq),
            body: body.clone(),
        };
        let hash = record.line().0.hash;
        records.push((record, hash));
    }
    RunState::of(records.iter().map(|(record, hash)| (record, hash)))
}

fn status_of_a(bodies: &[Body]) -> Status {
    fold(bodies).expect("legal").status(&"a".into())
}

fn refused(bodies: &[Body]) -> String {
    fold(bodies).expect_err("illegal").to_string()
}

#[test]
fn a_step_goes_from_intent_to_its_end() {
    let begun = [opened(), intent("a", 1)];
    assert_eq!(status_of_a(&begun), Status::Intended);
    let with = |body: Body| status_of_a(&[begun[0].clone(), begun[1].clone(), body]);
    assert_eq!(with(succeeded("a", 1, false)), Status::Succeeded);
    assert_eq!(with(failed("a", Some(1), false)), Status::Failed);
    assert_eq!(with(failed("a", Some(1), true)), Status::Retrying);
    assert_eq!(with(unknown("a", 1)), Status::Unknown);
}

#[test]
fn a_try_after_a_transient_failure_has_the_next_number() {
    let begun = [opened(), intent("a", 1), failed("a", Some(1), true)];
    let [x, y, z] = begun;
    assert_eq!(
        status_of_a(&[x.clone(), y.clone(), z.clone(), intent("a", 2)]),
        Status::Intended
    );
    assert_eq!(
        refused(&[x, y, z, intent("a", 3)]),
        "record 3 (intent) is not allowed: step a is retrying: the next attempt is 2"
    );
}

/// What a failed attempt left is taken up under its id; what was done and undone is not.
#[test]
fn an_attempt_marks_with_the_id_of_the_first_one_since_the_step_was_done() {
    let mark_of_third = |bodies: &[Body], inputs: &[u8]| {
        let state = fold(bodies).expect("legal");
        let mark = state
            .step(&"a".into())
            .mark_before(3, &Digest::of_bytes(inputs));
        mark.map(|mark| mark.to_string())
    };
    let failed_twice = [
        opened(),
        intent("a", 1),
        failed("a", Some(1), true),
        intent("a", 2),
        failed("a", Some(2), true),
    ];
    assert_eq!(
        mark_of_third(&failed_twice, b"inputs").as_deref(),
        Some("a-1")
    );
    assert_eq!(mark_of_third(&failed_twice, b"others"), None);
    let second = fold(&failed_twice).expect("legal").step(&"a".into());
    let of_second = second.mark_before(2, &Digest::of_bytes(b"inputs"));
    assert_eq!(of_second, Some("a-1".into()));
    let of_first = second.mark_before(1, &Digest::of_bytes(b"inputs"));
    assert_eq!(of_first, None);
    let done = [opened(), intent("a", 1), succeeded("a", 1, false)];
    assert_eq!(mark_of_third(&done, b"inputs"), None);
}

#[test]
fn only_a_probe_leads_from_unknown_to_success() {
    let begun = vec![opened(), intent("a", 1), unknown("a", 1)];
    let with = |body: Body| [begun.clone(), vec![body]].concat();
    assert_eq!(
        status_of_a(&with(succeeded("a", 1, true))),
        Status::Succeeded
    );
    assert_eq!(
        refused(&with(succeeded("a", 1, false))),
        "record 3 (succeeded) is not allowed: step a is unknown: it has to be intended"
    );
    let probed = Body::Probed {
        step: "a".into(),
        op: "a-1".into(),
        found: Found::Absent,
    };
    assert_eq!(status_of_a(&with(probed)), Status::Intended);
}

#[test]
fn an_unknown_step_is_sent_again_only_after_a_decision() {
    let begun = vec![opened(), intent("a", 1), unknown("a", 1)];
    let with = |bodies: &[Body]| [begun.clone(), bodies.to_vec()].concat();
    assert_eq!(
        refused(&with(&[intent("a", 2)])),
        "record 3 (intent) is not allowed: step a is unknown: it has to be pending or answered or retrying"
    );
    let retry = decided("a", Decision::Retry);
    assert_eq!(
        status_of_a(&with(std::slice::from_ref(&retry))),
        Status::Pending
    );
    assert_eq!(
        status_of_a(&with(&[retry, intent("a", 2)])),
        Status::Intended
    );
    let done = decided("a", Decision::Succeeded(Outcome::default()));
    assert_eq!(status_of_a(&with(&[done])), Status::Succeeded);
    assert_eq!(
        status_of_a(&with(&[decided("a", Decision::Failed)])),
        Status::Failed
    );
}

#[test]
fn a_question_is_answered_before_the_step_begins() {
    let bodies = [opened(), asked(), answered(), intent("a", 1)];
    let expected = [
        Status::Pending,
        Status::Asked,
        Status::Answered,
        Status::Intended,
    ];
    for (length, status) in (1..=4).zip(expected) {
        assert_eq!(status_of_a(&bodies[..length]), status);
    }
    let [x, y, z, i] = bodies;
    assert!(fold(&[x.clone(), y, i]).is_err(), "it was not answered");
    assert!(fold(&[x, z]).is_err(), "it was not asked");
}

#[test]
fn a_skipped_step_gets_a_new_chance_when_the_run_is_resumed() {
    let bodies = [opened(), skipped("a"), halted(), resumed(), intent("a", 1)];
    assert_eq!(status_of_a(&bodies[..2]), Status::Skipped);
    assert_eq!(status_of_a(&bodies[..4]), Status::Pending);
    assert_eq!(status_of_a(&bodies), Status::Intended);
    assert!(fold(&[opened(), skipped("a"), intent("a", 1)]).is_err());
}

#[test]
fn records_that_break_a_rule_are_refused_with_its_words() {
    let cases: &[(&[Body], &str)] = &[
        (&[], "record 0 (opened) is not allowed: it is missing"),
        (
            &[resumed()],
            "record 0 (resumed) is not allowed: the first record is `opened`",
        ),
        (
            &[opened(), opened()],
            "record 1 (opened) is not allowed: a run is opened once",
        ),
        (
            &[opened(), intent("a", 2)],
            "record 1 (intent) is not allowed: step a is pending: the next attempt is 1",
        ),
        (
            &[opened(), intent("a", 1), intent("a", 2)],
            "record 2 (intent) is not allowed: step a is intended: it has to be pending or answered or retrying",
        ),
        (
            &[opened(), succeeded("a", 1, false)],
            "record 1 (succeeded) is not allowed: step a is pending: it has to be intended",
        ),
        (
            &[opened(), intent("a", 1), succeeded("a", 2, false)],
            "record 2 (succeeded) is not allowed: step a is intended: its operation is a-1, not a-2",
        ),
        (
            &[opened(), intent("a", 1), failed("a", None, false)],
            "record 2 (failed) is not allowed: step a is intended: it has to be pending or asked or answered or retrying",
        ),
        (
            &[opened(), intent("a", 1), finished()],
            "record 2 (finished) is not allowed: step a is intended",
        ),
        (
            &[opened(), halted(), intent("a", 1)],
            "record 2 (intent) is not allowed: the run is halted, and only `resumed` may follow",
        ),
        (
            &[opened(), finished(), resumed()],
            "record 2 (resumed) is not allowed: the run is finished",
        ),
    ];
    for (bodies, expected) in cases {
        assert_eq!(refused(bodies), *expected);
    }
}

#[test]
fn a_refused_record_changes_nothing() {
    let mut state = fold(&[opened(), intent("a", 1)]).expect("legal");
    let before = state.clone();
    for (seq, body) in [
        (2, intent("a", 2)),
        (3, succeeded("a", 1, false)),
        (2, opened()),
    ] {
        let record = Record {
            seq,
            prev: state.head.hash.clone(),
            run: "run".into(),
            epoch: 1,
            nonce: String::new(),
            mono_ms: 9_000,
            wall: START.parse().expect("a time"),
            body,
        };
        state.apply(&record, &Digest::zero()).expect_err("illegal");
        assert_eq!(state, before);
    }
}

#[test]
fn time_runs_by_the_monotonic_clock_and_over_epochs_by_the_time_of_day() {
    let mut state = fold(&[opened(), intent("a", 1)]).expect("legal");
    assert_eq!(state.last.run_ms, 1_000);
    let mut append = |epoch: u64, mono_ms: u64, wall: &str, body: Body| {
        let record = Record {
            seq: state.head.seq + 1,
            prev: state.head.hash.clone(),
            run: "run".into(),
            epoch,
            nonce: String::new(),
            mono_ms,
            wall: wall.parse().expect("a time"),
            body,
        };
        let hash = record.line().0.hash;
        state.apply(&record, &hash).expect("legal");
        state.last.run_ms
    };
    // Another process, a minute later; its monotonic clock has nothing to do with the first one's.
    assert_eq!(append(2, 7, "2026-04-06T02:01:00Z", resumed()), 61_000);
    // Its time of day jumps back by an hour, and that does not matter.
    assert_eq!(
        append(2, 2_007, "2026-04-06T01:01:00Z", succeeded("a", 1, true)),
        63_000
    );
    // A third process, which believes that it is yesterday.
    assert_eq!(append(3, 0, "2026-04-05T01:01:00Z", resumed()), 63_000);
    assert_eq!(append(3, 500, "2026-04-05T01:01:00Z", finished()), 63_500);
    assert_eq!(
        state.phase,
        Phase::Finished(Verdict::Green, "all".to_owned())
    );
}

/// How long step `a` is said to take, when an hour lies before the record that resumes the run.
fn measured(bodies: &[Body]) -> Option<u64> {
    let resumed = bodies
        .iter()
        .position(|body| matches!(body, Body::Resumed { .. }))
        .expect("one of them resumes") as u64;
    let start: Timestamp = START.parse().expect("a time");
    let wall = |seq: u64| {
        let hour = if seq < resumed { 0 } else { 3_600 };
        start + SignedDuration::from_secs(hour + i64::try_from(seq).expect("small"))
    };
    let state = fold_at(bodies, wall).expect("legal");
    state.measured_ms(&state.step(&"a".into()))
}

#[test]
fn a_step_is_measured_without_earlier_tries_and_pauses() {
    let bodies = [
        opened(),
        intent("a", 1),
        failed("a", Some(1), false),
        halted(),
        resumed(),
        decided("a", Decision::Retry),
        intent("a", 2),
        succeeded("a", 2, false),
    ];
    assert_eq!(measured(&bodies), Some(1_000));
}

#[test]
fn a_step_that_was_under_way_while_nobody_looked_is_not_measured() {
    let bodies = [opened(), intent("a", 1), resumed(), succeeded("a", 1, true)];
    assert_eq!(measured(&bodies), None);
}

#[test]
fn the_wait_for_an_answer_counts_while_somebody_could_give_one() {
    let bodies = [
        opened(),
        asked(),
        halted(),
        resumed(),
        answered(),
        intent("a", 1),
        succeeded("a", 1, false),
    ];
    // From the question to the end are five seconds and an hour, of which nobody worked an hour and a second.
    assert_eq!(measured(&bodies), Some(4_000));
}
