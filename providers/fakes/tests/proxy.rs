//! The proxy before a store that knows no faults: what reaches the store, and what the client makes of the answers.

mod support;

use anyhow::Result;
use salvor_fakes::Aws;
use salvor_fakes::Effect;
use salvor_fakes::Fault;
use salvor_fakes::FaultProxy;
use salvor_fakes::rds::Instance;
use salvor_testbed::Boto3;
use salvor_testbed::Moto;
use salvor_testbed::Versitygw;
use salvor_testbed::require;
use serde_json::Value;
use serde_json::json;

use crate::support::program;
use crate::support::send;

/// Puts objects through a proxy before this store, one for each fault. `unconditional` is how the one ends that loses
/// its condition on the way, and what its size is then: 5 before, 100,000 where it was overwritten.
fn check_store(store: &str, unconditional: (&str, u32)) -> Result<()> {
    let proxy = FaultProxy::start(store)?;
    // Those that are held need a hand that lets go, and an answer without a body cannot be cut.
    let effects: Vec<_> = Effect::all()
        .into_iter()
        .filter(|(_, effect)| !matches!(effect, Effect::HeldBefore | Effect::HeldAfter))
        .filter(|(_, effect)| !matches!(effect, Effect::Truncated | Effect::Reset))
        .collect();
    for (number, (_, effect)) in (1..).zip(&effects) {
        let fault = Fault::on("PUT /backups/*", effect.clone()).call(number);
        proxy.script().fault(fault);
    }
    proxy
        .script()
        .fault(Fault::on("GET /backups/*", Effect::Reset));
    let names: Vec<&str> = effects.iter().map(|(name, _)| *name).collect();
    let arguments = [&proxy.endpoint(), store, &json!(names).to_string()];
    let output = Boto3::install()?.run(&program("s3_faults.py"), &arguments)?;
    let (end, size) = unconditional;
    let expected = json!({
        "ends": {
            "no answer": "ConnectionClosedError",
            "answer lost": "ConnectionClosedError",
            "error after done": "InternalError",
            "throttled": "SlowDown",
            "token expired": "ExpiredToken",
            "refused": "ServiceUnavailable",
            // The second of the two found what the first had stored.
            "duplicated": "PreconditionFailed",
            "without header": end,
            "unknown value": "done",
            "read": "ResponseStreamingError",
        },
        "stored": {
            "answer lost": 100_000,
            "duplicated": 100_000,
            "error after done": 100_000,
            "unknown value": 100_000,
            "without header": size,
        },
    });
    let seen: Value = serde_json::from_str(&output)?;
    assert_eq!(seen, expected);
    Ok(())
}

#[test]
fn moto_gets_what_the_fault_lets_through() -> Result<()> {
    let Some(moto) = require(Moto::start()) else {
        return Ok(());
    };
    check_store(&moto.endpoint(), ("done", 100_000))
}

#[test]
fn a_store_that_checks_signatures_takes_them_through_the_proxy() -> Result<()> {
    let Some(server) = require(Versitygw::start()) else {
        return Ok(());
    };
    if require(Boto3::install()).is_none() {
        return Ok(());
    }
    // A condition is signed: without it the signature is wrong.
    check_store(&server.endpoint(), ("SignatureDoesNotMatch", 5))
}

#[test]
fn an_answer_passes_as_it_is_and_a_server_that_is_gone_is_said_to_be() -> Result<()> {
    let aws = Aws::start()?;
    aws.rds(|rds| rds.add_instance(Instance::new("prod")));
    let proxy = FaultProxy::start(&aws.endpoint())?;
    let head = "POST / HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded";
    let form = "Action=DescribeDBInstances&Version=2014-10-31";
    let through = send(&proxy.endpoint(), head, form)?;
    assert_eq!(through, send(&aws.endpoint(), head, form)?);
    assert_eq!(through.0, 200);
    assert_eq!(proxy.script().done("DescribeDBInstances"), 1);
    // The log of the proxy and that of the fake speak of the same call.
    assert_eq!(aws.script().done("DescribeDBInstances"), 2);
    drop(aws);
    assert_eq!(send(&proxy.endpoint(), head, form)?.0, 502);
    assert!(FaultProxy::start("https://example.invalid").is_err());
    Ok(())
}
