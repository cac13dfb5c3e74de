//! A shop, its change set, and journals of its recoveries by a made-up clock.

use jiff::SignedDuration;
use jiff::Timestamp;
use salvor_contract::Answer;
use salvor_contract::ChosenPoint;
use salvor_contract::Class;
use salvor_contract::Finding;
use salvor_contract::Judgement;
use salvor_contract::KindName;
use salvor_contract::Outcome;
use salvor_contract::Period;
use salvor_contract::PointState;
use salvor_contract::Reach;
use salvor_contract::RecoveryPoint;
use salvor_contract::StoreRequest;
use salvor_contract::Values;

use crate::change_set::ChangeSet;
use crate::change_set::Choice;
use crate::change_set::LaterRule;
use crate::change_set::PlannedStep;
use crate::change_set::PointSource;
use crate::change_set::StoreSelection;
use crate::digest::Digest;
use crate::execution::sample;
use crate::journal::Body;
use crate::journal::Decision;
use crate::journal::FailureKind;
use crate::journal::Found;
use crate::journal::Record;
use crate::journal::RunState;
use crate::journal::StopReason;
use crate::journal::Verdict;
use crate::journal::chain::Chain;
use crate::journal::lock::Holder;
use crate::model::instance::StoreClass;
use crate::model::instance::StoreRole;

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().expect("a moment")
}

pub(super) fn opened() -> Timestamp {
    at("2026-04-06T04:00:00Z")
}

pub(super) fn holder(by: &str) -> Holder {
    Holder {
        by: by.to_owned(),
        host: "ops-1".to_owned(),
        boot: "boot".to_owned(),
        pid: 4711,
        started: 1,
    }
}

pub(super) fn opening() -> Body {
    Body::Opened {
        lineage: "00".to_owned(),
        plan: "shop".to_owned(),
        scenario: "full".to_owned(),
        change_set: Digest::of_bytes(b"change set"),
        approval: "approval".to_owned(),
        goal: at("2026-04-06T03:20:00Z"),
        tool: "0.1.0".to_owned(),
        holder: holder("kim"),
        confirmed: Vec::new(),
        adopts: false,
    }
}

/// A journal of these records, each so many seconds after the opening of the run.
pub(super) fn chain(bodies: Vec<(u64, Body)>) -> Chain {
    let mut records: Vec<Record> = Vec::new();
    let mut state: Option<RunState> = None;
    let mut epoch = 1;
    let opening = std::iter::once((0, opening()));
    for (seq, (second, body)) in (0_u64..).zip(opening.chain(bodies)) {
        epoch += u64::from(matches!(body, Body::Resumed { .. }));
        let record = Record {
            seq,
            prev: state
                .as_ref()
                .map_or_else(Digest::zero, |state| state.head.hash.clone()),
            run: "run".into(),
            epoch,
            nonce: format!("{seq:032}"),
            mono_ms: second * 1000,
            wall: opened()
                + SignedDuration::from_millis(i64::try_from(second * 1000).expect("short")),
            body,
        };
        let hash = record.line().0.hash;
        match &mut state {
            None => state = Some(RunState::begin(&record, &hash).expect("an opening")),
            Some(state) => state.apply(&record, &hash).expect("it may follow"),
        }
        records.push(record);
    }
    Chain {
        records,
        state: state.expect("it was opened"),
        torn_bytes: 0,
    }
}

pub(super) fn intent(step: &str, attempt: u32) -> Body {
    Body::Intent {
        step: step.into(),
        attempt,
        op: format!("{step}-{attempt}").as_str().into(),
        class: Class::Named,
        inputs: Digest::of_bytes(b"inputs"),
    }
}

pub(super) fn done(step: &str, attempt: u32, findings: &[(&str, &str)]) -> Body {
    let findings = findings.iter().map(|(subject, observed)| Finding {
        subject: (*subject).to_owned(),
        expected: (*observed).to_owned(),
        observed: (*observed).to_owned(),
        judgement: Judgement::Passed,
    });
    Body::Succeeded {
        step: step.into(),
        op: format!("{step}-{attempt}").as_str().into(),
        outcome: Outcome {
            findings: findings.collect(),
            ..Outcome::default()
        },
        adopted: false,
        took_ms: 0,
    }
}

pub(super) fn failed(step: &str, attempt: u32, what: &str, again: bool) -> Body {
    Body::Failed {
        step: step.into(),
        op: Some(format!("{step}-{attempt}").as_str().into()),
        kind: FailureKind::Transient,
        what: what.to_owned(),
        hint: None,
        findings: Vec::new(),
        again,
    }
}

pub(super) fn asked(step: &str) -> Body {
    Body::Asked {
        step: step.into(),
        question: "Does a test order go through?".to_owned(),
        role: Some("on-call".to_owned()),
        evidence: Some("text".to_owned()),
    }
}

pub(super) fn answered(step: &str, text: &str) -> Body {
    Body::Answered {
        step: step.into(),
        answer: Answer {
            text: text.to_owned(),
            by: "robin".to_owned(),
            role: Some("on-call".to_owned()),
            at: opened(),
            file: Some(("ab".repeat(32), "order.png".to_owned())),
        },
    }
}

pub(super) fn resumed() -> Body {
    Body::Resumed {
        holder: holder("robin"),
        why: "asked by robin".to_owned(),
        cut_bytes: 0,
    }
}

pub(super) fn point(title: &str, moment: &str) -> ChosenPoint {
    ChosenPoint {
        point: RecoveryPoint {
            id: "p1".into(),
            reach: Reach::Moment(at(moment)),
            state: PointState::Usable,
            size: None,
            objects: None,
            expires: None,
            set: None,
            title: title.to_owned(),
            details: Values::new(),
        },
        at: at(moment),
    }
}

pub(super) fn selection(store: &str, title: &str, choice: Choice) -> StoreSelection {
    StoreSelection {
        store: store.into(),
        title: title.to_owned(),
        class: StoreClass::Authoritative,
        choice,
        reason: "newest usable one not after the goal".to_owned(),
        rejected: Vec::new(),
        rejected_more: 0,
        loses: None,
        behind_goal: None,
        rpo: Some(Period::from_seconds(900)),
    }
}

/// A step that brings a store back.
pub(super) fn restoring(step: PlannedStep, store: &str, point: PointSource) -> PlannedStep {
    of_store(step, StoreRole::Restore, store, point)
}

/// A step that is given the point of a store.
fn of_store(
    mut step: PlannedStep,
    role: StoreRole,
    store: &str,
    point: PointSource,
) -> PlannedStep {
    step.role = Some(role);
    step.store = Some(StoreRequest {
        store: store.into(),
        kind: KindName::new("simulated.database"),
        with: Values::new(),
        config: Values::new(),
    });
    step.point = point;
    step
}

/// A shop of four stores: one point is known, one only during the run, one store is only looked at, one left.
pub(super) fn shop() -> ChangeSet {
    let orders = point("PITR of orders", "2026-04-06T03:20:00Z");
    let photos = point("snapshot nightly", "2026-04-05T18:30:00Z");
    let rule = LaterRule {
        after: "stop".into(),
        not_after: at("2026-04-06T03:20:00Z"),
        not_before: None,
        point: None,
        backup: None,
        allow_partial: false,
        behind_max: None,
    };
    let mut review = sample::step("review", &["start"]);
    review.asks = true;
    let look = sample::step("photos-there", &["stop"]);
    let mut change_set = sample::change_set(vec![
        sample::step("stop", &[]),
        restoring(
            sample::step("orders", &["stop"]),
            "orders",
            PointSource::Pinned(orders.clone()),
        ),
        restoring(
            sample::step("search", &["stop"]),
            "search",
            PointSource::Later(rule.clone()),
        ),
        of_store(
            look,
            StoreRole::Verify,
            "photos",
            PointSource::Pinned(photos.clone()),
        ),
        sample::step("start", &["orders", "search"]),
        review,
    ]);
    change_set.plan = "shop".to_owned();
    change_set.title = "Recover the shop".to_owned();
    change_set.goal = at("2026-04-06T03:20:00Z");
    change_set.surveyed = at("2026-04-06T03:26:00Z");
    change_set.scenario.rto = Some(Period::from_seconds(7200));
    let mut of_orders = selection("orders", "Orders database", Choice::Restore(orders));
    of_orders.behind_goal = Some(Period::ZERO);
    let mut sessions = selection("sessions", "", Choice::Leave);
    sessions.reason = "ephemeral, people log in again".to_owned();
    change_set.selections = vec![
        of_orders,
        selection("photos", "Product photos", Choice::Restore(photos)),
        selection("search", "Search index", Choice::Later(rule)),
        sessions,
    ];
    change_set
}

/// A run that is killed, taken up by another person, tries a step again, waits for a person, and ends well.
pub(super) fn recovered() -> Chain {
    chain(vec![
        (1, intent("stop", 1)),
        (20, done("stop", 1, &[("replicas of web", "0")])),
        (21, intent("orders", 1)),
        (21, intent("photos-there", 1)),
        (
            22,
            Body::Chosen {
                store: "search".into(),
                step: "search".into(),
                point: point("snapshot 41", "2026-04-06T03:10:00Z"),
                reason: "the newest".to_owned(),
            },
        ),
        (22, intent("search", 1)),
        (40, done("photos-there", 1, &[("photos", "2000")])),
        (60, failed("search", 1, "busy <em>now</em>", true)),
        (120, intent("search", 2)),
        (300, done("search", 2, &[("rows of search", "9000")])),
        (960, resumed()),
        (
            961,
            Body::Probed {
                step: "orders".into(),
                op: "orders-1".into(),
                found: Found::InFlight { name: None },
            },
        ),
        (1800, done("orders", 1, &[("rows of orders", "50000")])),
        (1801, intent("start", 1)),
        (1860, done("start", 1, &[("replicas of web", "3")])),
        (1861, asked("review")),
        (2400, answered("review", "order 50017")),
        (2401, intent("review", 1)),
        (2402, done("review", 1, &[])),
        (
            2403,
            Body::Finished {
                verdict: Verdict::Green,
                summary: "6 of 6 steps done".to_owned(),
            },
        ),
    ])
}

/// A run in which one step fails for good, one cannot be found out, and a point is never chosen.
pub(super) fn stopped() -> Chain {
    chain(vec![
        (1, intent("stop", 1)),
        (20, failed("stop", 1, "no route to host", false)),
        (
            21,
            Body::Halted {
                why: StopReason::Failure,
                detail: "1 step failed".to_owned(),
            },
        ),
        (600, resumed()),
        (
            601,
            Body::Decided {
                step: "stop".into(),
                decision: Decision::Retry,
                by: "robin".to_owned(),
                why: "the network is back".to_owned(),
            },
        ),
        (602, intent("stop", 2)),
        (620, done("stop", 2, &[])),
        (621, intent("orders", 1)),
        (
            8000,
            Body::Unknown {
                step: "orders".into(),
                op: "orders-1".into(),
                why: "no answer".to_owned(),
                under_way: false,
            },
        ),
        (
            8001,
            Body::Halted {
                why: StopReason::Unknown,
                detail: "what became of orders is not known".to_owned(),
            },
        ),
    ])
}
