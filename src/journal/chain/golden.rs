//! The format of version 1, byte for byte: one record of each type.

use std::sync::Arc;

use salvor_contract::Answer;
use salvor_contract::ChosenPoint;
use salvor_contract::Class;
use salvor_contract::Outcome;
use salvor_contract::PointState;
use salvor_contract::Reach;
use salvor_contract::RecoveryPoint;
use salvor_contract::Removal;
use salvor_contract::Values;

use crate::digest::Digest;
use crate::journal::body::Body;
use crate::journal::body::Decision;
use crate::journal::body::FailureKind;
use crate::journal::body::Found;
use crate::journal::body::StopReason;
use crate::journal::body::Verdict;
use crate::journal::chain;
use crate::journal::memory::Shelf;
use crate::journal::trial::holder;
use crate::journal::trial::intent;
use crate::journal::trial::opened;
use crate::journal::trial::source;
use crate::journal::writer::Journal;

/// A journal of these records, written by hand-fixed inputs.
async fn golden(bodies: Vec<Body>) -> Shelf {
    let shelf = Shelf::new();
    let journal = Journal::create(
        Arc::new(shelf.open()),
        source(),
        "run".into(),
        opened("lineage"),
    )
    .await
    .expect("new");
    for body in bodies {
        journal.append(body).await.expect("legal");
    }
    shelf
}

/// Each word for what a probe found; `v1.jsonl` was written before there was `unclear`.
fn each_find() -> Vec<Body> {
    let name = Some("job/1".to_owned());
    let why = "no answer within 120 s".to_owned();
    let finds = [
        Found::Absent,
        Found::InFlight { name },
        Found::Unclear { why },
    ];
    let probed = finds.into_iter().map(|found| Body::Probed {
        step: "a".into(),
        op: "a-1".into(),
        found,
    });
    std::iter::once(intent("a", 1)).chain(probed).collect()
}

fn one_of_each() -> Vec<Body> {
    let at = "2026-04-06T01:30:00Z".parse().expect("a time");
    let op = |n: u32| format!("a-{n}").as_str().into();
    let a = || "a".into();
    vec![
        Body::Asked {
            step: a(),
            question: "which?".to_owned(),
            role: Some("incident-commander".to_owned()),
            evidence: Some("text".to_owned()),
        },
        Body::Answered {
            step: a(),
            answer: Answer {
                text: "that".to_owned(),
                by: "j.doe".to_owned(),
                role: None,
                at,
                file: None,
            },
        },
        Body::Chosen {
            store: "db".into(),
            step: a(),
            point: ChosenPoint {
                point: RecoveryPoint {
                    id: "p1".into(),
                    reach: Reach::Moment(at),
                    state: PointState::Usable,
                    size: None,
                    objects: Some(41),
                    expires: None,
                    set: None,
                    title: "dump".to_owned(),
                    details: Values::new().with("key", "dumps/p1"),
                },
                at,
            },
            reason: "the newest".to_owned(),
        },
        intent("a", 1),
        Body::Named {
            step: a(),
            op: op(1),
            name: "job/1".to_owned(),
        },
        Body::Failed {
            step: a(),
            op: Some(op(1)),
            kind: FailureKind::Transient,
            what: "busy".to_owned(),
            hint: Some("wait".to_owned()),
            findings: Vec::new(),
            again: true,
        },
        Body::Intent {
            step: a(),
            attempt: 2,
            op: op(2),
            class: Class::Unkeyed,
            inputs: Digest::of_bytes(b"inputs"),
        },
        Body::Unknown {
            step: a(),
            op: op(2),
            why: "no answer".to_owned(),
            under_way: false,
        },
        Body::Probed {
            step: a(),
            op: op(2),
            found: Found::InFlight { name: None },
        },
        Body::Unknown {
            step: a(),
            op: op(2),
            why: "no answer".to_owned(),
            under_way: false,
        },
        Body::Decided {
            step: a(),
            decision: Decision::Retry,
            by: "j.doe".to_owned(),
            why: "looked".to_owned(),
        },
        Body::Skipped {
            step: "b".into(),
            why: "a failed".to_owned(),
        },
        Body::Stopping {
            why: StopReason::Failure,
            detail: "a failed".to_owned(),
        },
        Body::Halted {
            why: StopReason::Failure,
            detail: "a failed".to_owned(),
        },
        Body::Resumed {
            holder: holder(),
            why: "asked".to_owned(),
            cut_bytes: 7,
        },
        intent("a", 3),
        Body::Succeeded {
            step: a(),
            op: op(3),
            outcome: Outcome::of(Values::new().with("rows", 41)),
            adopted: false,
            took_ms: 5,
        },
        Body::Removing {
            step: a(),
            op: op(3),
        },
        Body::NotRemoved {
            step: a(),
            op: op(3),
            what: "busy".to_owned(),
        },
        Body::Removing {
            step: a(),
            op: op(3),
        },
        Body::Removed {
            step: a(),
            op: op(3),
            removal: Removal::NothingThere,
        },
        Body::Finished {
            verdict: Verdict::Green,
            summary: "all".to_owned(),
        },
    ]
}

/// A later version must read these files as they are, and write the same bytes while the format is 1.
/// `UPDATE=1 cargo test version_1` writes them anew.
#[tokio::test]
async fn version_1_is_written_and_read_as_ever() {
    for (name, bodies) in [("v1", one_of_each()), ("v1-probed", each_find())] {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/journal");
        let path = format!("{folder}/{name}.jsonl");
        let count = bodies.len() + 1;
        let written = golden(bodies).await.text();
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, &written).expect("writable");
        }
        let kept = std::fs::read_to_string(&path).expect("the golden file is there");
        assert_eq!(written, kept);
        let shelf = Shelf::new();
        shelf.replace(kept.as_bytes());
        let chain = chain::read(&shelf.open(), &"run".into())
            .await
            .expect("whole");
        assert_eq!(chain.records.len(), count);
    }
}
