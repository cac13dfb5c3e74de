//! The bytes of a line, which are the format, and what is refused.

use salvor_contract::Class;
use salvor_contract::Outcome;
use salvor_contract::Values;

use super::BODY_MAX;
use super::BadLine;
use super::Line;
use super::Parsed;
use super::Record;
use crate::digest::Digest;
use crate::journal::body::Body;

fn record(body: Body) -> Record {
    Record {
        seq: 17,
        prev: Digest::of_bytes(b"before"),
        run: "r7kq4m".into(),
        epoch: 3,
        nonce: "n".to_owned(),
        mono_ms: 12,
        wall: "2026-04-06T02:04:11Z".parse().expect("a time"),
        body,
    }
}

fn intent() -> Record {
    record(Body::Intent {
        step: "metadata".into(),
        attempt: 1,
        op: "op".into(),
        class: Class::Named,
        inputs: Digest::of_bytes(b"inputs"),
    })
}

#[test]
fn a_line_reads_as_the_format_says() {
    let (line, spill) = intent().line();
    assert_eq!(spill, None);
    let (open, hash) = line.text.split_at(line.text.len() - 66);
    assert_eq!(
        open,
        format!(
            "{{\"v\":1,\"seq\":17,\"prev\":\"{}\",\"run\":\"r7kq4m\",\"epoch\":3,\"nonce\":\"n\",\
             \"mono_ms\":12,\"wall\":\"2026-04-06T02:04:11Z\",\"type\":\"intent\",\"body\":{{\
             \"step\":\"metadata\",\"attempt\":1,\"op\":\"op\",\"class\":\"named\",\
             \"inputs\":\"{}\"}},\"hash\":\"",
            Digest::of_bytes(b"before"),
            Digest::of_bytes(b"inputs"),
        )
    );
    assert_eq!(hash, format!("{}\"}}", line.hash));
    let unsealed = format!(
        "{}}}",
        open.strip_suffix(",\"hash\":\"").expect("the member")
    );
    let bytes = format!("{}{unsealed}", Digest::of_bytes(b"before"));
    assert_eq!(line.hash, Digest::of_bytes(bytes.as_bytes()));
}

#[test]
fn a_line_gives_its_record_back() {
    let record = intent();
    let (line, _) = record.line();
    let (same, parsed) = Line::parse(line.text.as_bytes()).expect("our own line");
    assert_eq!((same, parsed), (line, Parsed::Whole(Box::new(record))));
}

#[test]
fn a_long_body_goes_to_a_blob_and_comes_back() {
    let outcome = Outcome::of(Values::new().with("log", "x".repeat(BODY_MAX)));
    let record = record(Body::Succeeded {
        step: "metadata".into(),
        op: "op".into(),
        outcome,
        adopted: false,
        took_ms: 1,
    });
    let (line, spill) = record.line();
    let spill = spill.expect("the body is longer than a line may be");
    assert!(line.text.len() < 1_000);
    let (_, parsed) = Line::parse(line.text.as_bytes()).expect("our own line");
    let Parsed::Spilled(digest, unfetched) = parsed else {
        panic!("the body is not on the line");
    };
    assert_eq!(digest, spill.digest);
    assert_eq!(
        unfetched.clone().with_body(&digest, b"{}"),
        Err(BadLine::BlobMismatch {
            digest: digest.clone()
        })
    );
    assert_eq!(unfetched.with_body(&digest, &spill.bytes), Ok(record));
}

#[test]
fn a_newer_format_and_an_unknown_type_are_refused() {
    let prev = Digest::zero();
    let sealed = |text: &str| Line::seal(0, &prev, text.to_owned()).text;
    let (line, _) = Record {
        prev: prev.clone(),
        ..intent()
    }
    .line();
    let (unsealed, _) = super::unseal(&line.text).expect("our own line");
    let newer = sealed(&unsealed.replace("\"v\":1", "\"v\":2"));
    assert_eq!(
        Line::parse(newer.as_bytes()),
        Err(BadLine::Newer { found: 2 })
    );
    for changed in [
        unsealed.replace("\"type\":\"intent\"", "\"type\":\"leapt\""),
        unsealed.replace("\"nonce\"", "\"more\":1,\"nonce\""),
        unsealed.replace("\"attempt\"", "\"more\":1,\"attempt\""),
        unsealed.replace("\"}}", "\"},\"more\":1}"),
        unsealed.replace("\"type\":\"intent\",", ""),
        unsealed.replace("\"type\"", "\"more\":{\"type\":1},\"type\""),
        unsealed.replace("\"body\":{", "\"body\":{\"$blob\":\"no digest\","),
    ] {
        let refused = Line::parse(sealed(&changed).as_bytes()).expect_err("it is not understood");
        assert!(
            matches!(refused, BadLine::NotUnderstood { .. }),
            "{changed}: {refused}"
        );
    }
}
