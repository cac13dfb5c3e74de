//! Every edit of a journal is found and named; every tear is told from an edit.

use std::sync::Arc;

use salvor_contract::Finding;
use salvor_contract::Judgement;
use salvor_contract::Outcome;
use salvor_contract::Values;

use crate::journal::body::Body;
use crate::journal::body::StopReason;
use crate::journal::body::Verdict;
use crate::journal::chain;
use crate::journal::chain::ChainError;
use crate::journal::chain::Check;
use crate::journal::memory::Shelf;
use crate::journal::record::Line;
use crate::journal::state::Head;
use crate::journal::trial::intent;
use crate::journal::trial::opened;
use crate::journal::trial::source;
use crate::journal::writer::Journal;

const RECORDS: usize = 60;

/// A journal of 60 records with steps that ask, fail, are named and found; and its head.
async fn sixty() -> (Shelf, Head) {
    let shelf = Shelf::new();
    let journal = Journal::create(
        Arc::new(shelf.open()),
        source(),
        "run".into(),
        opened("lineage"),
    )
    .await
    .expect("new");
    let step = |n: usize| format!("step-{n}").as_str().into();
    let op = |n: usize| format!("step-{n}-1").as_str().into();
    for n in 0..14 {
        let bodies = [
            intent(&format!("step-{n}"), 1),
            Body::Named {
                step: step(n),
                op: op(n),
                name: format!("job/{n} \"quoted\" ü"),
            },
            Body::Unknown {
                step: step(n),
                op: op(n),
                why: "the answer was lost".to_owned(),
                under_way: false,
            },
            Body::Succeeded {
                step: step(n),
                op: op(n),
                outcome: Outcome {
                    outputs: Values::new().with("endpoint", "db:5432").with("rows", n),
                    findings: vec![Finding {
                        subject: "rows".to_owned(),
                        expected: "41".to_owned(),
                        observed: "41".to_owned(),
                        judgement: Judgement::Passed,
                    }],
                },
                adopted: true,
                took_ms: 12,
            },
        ];
        for body in bodies {
            journal.append(body).await.expect("legal");
        }
    }
    journal
        .append(Body::Stopping {
            why: StopReason::Interrupt,
            detail: "SIGINT".to_owned(),
        })
        .await
        .expect("legal");
    journal
        .append(Body::Skipped {
            step: "last".into(),
            why: "stopping".to_owned(),
        })
        .await
        .expect("legal");
    journal
        .append(Body::Finished {
            verdict: Verdict::Amber,
            summary: "14 of 15".to_owned(),
        })
        .await
        .expect("legal");
    (shelf, journal.head())
}

async fn check(bytes: &[u8], anchor: Option<&Head>) -> Check {
    let shelf = Shelf::new();
    shelf.replace(bytes);
    chain::check(&shelf.open(), anchor)
        .await
        .expect("memory is readable")
}

/// The place that a reader names when it refuses these bytes.
async fn refused_at(bytes: &[u8]) -> Option<u64> {
    let shelf = Shelf::new();
    shelf.replace(bytes);
    match chain::read(&shelf.open(), &"run".into()).await {
        Ok(_) => None,
        Err(ChainError::Damaged { seq, .. } | ChainError::Newer { seq, .. }) => Some(seq),
        Err(
            error @ (ChainError::Storage(_)
            | ChainError::Illegal(_)
            | ChainError::Foreign { .. }
            | ChainError::Empty),
        ) => panic!("it is damaged, and the reader says: {error}"),
    }
}

#[tokio::test]
async fn a_whole_journal_has_no_problems() {
    let (shelf, head) = sixty().await;
    let check = check(shelf.text().as_bytes(), Some(&head)).await;
    assert_eq!(
        check,
        Check {
            records: RECORDS as u64,
            head: Some(head),
            torn_bytes: 0,
            problems: Vec::new()
        }
    );
}

/// Every bit is flipped. What stands before the damage reads as before, so the line alone is judged each time
/// and the whole journal at every 499th flip and at every line break.
#[tokio::test]
async fn every_flipped_bit_is_found_in_its_record() {
    let (shelf, _) = sixty().await;
    let mut bytes = shelf.text().into_bytes();
    let mut flips = 0;
    let mut start = 0;
    for seq in 0..RECORDS as u64 {
        let end = start
            + bytes[start..]
                .iter()
                .position(|b| *b == b'\n')
                .expect("a line");
        for place in start..=end {
            for bit in 0..8 {
                bytes[place] ^= 1 << bit;
                if place < end {
                    let line = Line::parse(&bytes[start..end]);
                    assert!(line.is_err(), "byte {place}, bit {bit}");
                }
                if place == end || flips % 499 == 0 {
                    assert_eq!(
                        refused_at(&bytes).await,
                        Some(seq),
                        "byte {place}, bit {bit}"
                    );
                }
                bytes[place] ^= 1 << bit;
                flips += 1;
            }
        }
        start = end + 1;
    }
    assert_eq!(flips, bytes.len() * 8);
}

#[tokio::test]
async fn every_record_that_is_removed_doubled_swapped_or_put_elsewhere_is_named() {
    let (shelf, head) = sixty().await;
    let text = shelf.text();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    assert_eq!(lines.len(), RECORDS);
    for n in 0..RECORDS {
        let mut removed = lines.clone();
        removed.remove(n);
        let bytes = removed.concat();
        // The last one leaves a whole chain: only a head that was kept elsewhere tells.
        let expected = (n + 1 < RECORDS).then_some(n as u64);
        assert_eq!(refused_at(bytes.as_bytes()).await, expected, "without {n}");
        let problems = check(bytes.as_bytes(), Some(&head)).await.problems;
        assert_eq!(
            problems.first().map(|p| p.seq),
            Some(n as u64),
            "without {n}"
        );

        let mut doubled = lines.clone();
        doubled.insert(n, lines[n]);
        let found = refused_at(doubled.concat().as_bytes()).await;
        assert_eq!(found, Some(n as u64 + 1), "{n} twice");

        for m in (n + 1..RECORDS).step_by(5) {
            let mut swapped = lines.clone();
            swapped.swap(n, m);
            let found = refused_at(swapped.concat().as_bytes()).await;
            assert_eq!(found, Some(n as u64), "{n} and {m} swapped");
        }
    }
}

#[tokio::test]
async fn a_record_that_was_sealed_again_does_not_carry_the_next_one() {
    let (shelf, _) = sixty().await;
    let chain = chain::read(&shelf.open(), &"run".into())
        .await
        .expect("whole");
    let text = shelf.text();
    for n in 0..RECORDS - 1 {
        // Somebody who knows the format edits one record and computes its hash anew.
        let mut forged = chain.records[n].clone();
        forged.nonce = "forged".to_owned();
        let forged = forged.line().0.text;
        let edited: String = text
            .lines()
            .enumerate()
            .map(|(place, line)| format!("{}\n", if place == n { &forged } else { line }))
            .collect();
        assert_eq!(
            refused_at(edited.as_bytes()).await,
            Some(n as u64 + 1),
            "record {n}"
        );
    }
}

#[tokio::test]
async fn a_cut_at_any_byte_leaves_the_whole_records_before_it() {
    let (shelf, _) = sixty().await;
    let text = shelf.text();
    let bytes = text
        .split_inclusive('\n')
        .take(5)
        .collect::<String>()
        .into_bytes();
    for cut in 0..bytes.len() {
        for zeros in [0, 512] {
            let mut torn = bytes[..cut].to_vec();
            torn.extend(std::iter::repeat_n(0, zeros));
            let whole = torn.iter().filter(|byte| **byte == b'\n').count();
            let tail = torn.len() - torn.iter().rposition(|b| *b == b'\n').map_or(0, |p| p + 1);
            let shelf = Shelf::new();
            shelf.replace(&torn);
            match chain::read(&shelf.open(), &"run".into()).await {
                Ok(chain) => {
                    let found = (chain.records.len(), chain.torn_bytes);
                    assert_eq!(found, (whole, tail as u64), "cut at {cut}");
                }
                Err(ChainError::Empty) => assert_eq!(whole, 0, "cut at {cut}"),
                Err(error) => panic!("cut at {cut}, {zeros} zeros: {error}"),
            }
        }
    }
}

#[tokio::test]
async fn all_problems_are_listed_each_once() {
    let (shelf, head) = sixty().await;
    let mut lines: Vec<String> = shelf
        .text()
        .split_inclusive('\n')
        .map(str::to_owned)
        .collect();
    lines[50] = lines[50].replace("job", "jab");
    lines[50] = lines[50].replace("step", "stop");
    lines.remove(20);
    let check = check(lines.concat().as_bytes(), Some(&head)).await;
    let problems: Vec<(u64, &str)> = check
        .problems
        .iter()
        .map(|problem| (problem.seq, problem.what.as_str()))
        .collect();
    assert_eq!(
        problems,
        [
            (20, "record 21 stands in its place"),
            (49, "its bytes do not have the hash at its end"),
            (59, "it was seen before and is gone"),
        ]
    );
    assert_eq!(check.records, 20);
}
