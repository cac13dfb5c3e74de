//! Checks, waits and notifications against a real server with scripted answers.

mod support;

use salvor_conformance::Case;
use salvor_conformance::Report;
use salvor_conformance::Surroundings;
use salvor_conformance::check_action;
use salvor_conformance::operation;
use salvor_contract::Error;
use salvor_contract::Finding;
use salvor_contract::Judgement;
use salvor_contract::Outcome;
use salvor_contract::Provider;
use salvor_contract::Values;
use salvor_system::System;
use serde_json::Value;
use serde_json::json;

use crate::support::Reply;
use crate::support::Server;

fn with(value: Value) -> Values {
    serde_json::from_value(value).expect("an object")
}

async fn perform(action: &str, inputs: Value) -> Result<Outcome, Error> {
    let surroundings = Surroundings::real_time().secret("env:TOKEN", "hunter2");
    System::new()
        .perform(&operation(action, with(inputs)), &surroundings.call())
        .await
}

fn lines(outcome: &Outcome) -> Vec<String> {
    let line = |f: &Finding| {
        format!(
            "{:?}: {} expected, {} seen",
            f.judgement, f.expected, f.observed
        )
    };
    outcome.findings.iter().map(line).collect()
}

#[tokio::test]
async fn a_check_says_what_was_expected_and_what_was_seen() {
    let body = r#"{"delivered": 0, "status": "green"}"#;
    let server = Server::start(vec![Reply::Body(200, body)]).await;
    let outcome = perform(
        "system.http-check",
        json!({
            "url": server.url("/health"),
            "json": { "/delivered": "> 0", "/status": "== green", "/missing": true },
            "contains": "green",
        }),
    )
    .await
    .expect("an answer");
    assert_eq!(
        lines(&outcome),
        [
            "Passed: 200 expected, 200 seen",
            "Failed: > 0 expected, 0 seen",
            "Failed: == true expected, nothing there seen",
            "Passed: == \"green\" expected, \"green\" seen",
            "Passed: contains `green` expected, contains it seen",
        ]
    );
}

#[tokio::test]
async fn a_check_goes_on_until_it_holds() {
    let server = Server::start(vec![
        Reply::Body(503, "starting"),
        Reply::Hangup,
        Reply::Body(200, r#"{"ready": true}"#),
    ])
    .await;
    let outcome = perform(
        "system.http-check",
        json!({ "url": server.url("/"), "json": { "/ready": true }, "within": "30s", "every": "1ms" }),
    )
    .await
    .expect("it holds in the end");
    assert_eq!(
        lines(&outcome),
        [
            "Passed: 200 expected, 200 seen",
            "Passed: == true expected, true seen"
        ]
    );
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn a_silent_server_fails_the_check_after_its_timeout() {
    let server = Server::start(vec![Reply::Silence]).await;
    let outcome = perform(
        "system.http-check",
        json!({ "url": server.url("/"), "timeout": "50ms" }),
    )
    .await
    .expect("a finding, not an error");
    assert_eq!(
        lines(&outcome),
        ["Failed: 200 expected, no answer within 50ms seen"]
    );
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let server = Server::start(vec![Reply::Header(302, "Location: /login")]).await;
    let outcome = perform("system.http-check", json!({ "url": server.url("/") }))
        .await
        .expect("an answer");
    assert_eq!(lines(&outcome), ["Failed: 200 expected, 302 seen"]);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn secrets_go_into_headers_and_not_over_open_lines() {
    let server = Server::start(vec![Reply::Body(200, "")]).await;
    let headers =
        json!({ "Authorization": { "secret": [{ "text": "Bearer " }, { "from": "env:TOKEN" }] } });
    perform(
        "system.http-check",
        json!({ "url": server.url("/"), "secret-headers": headers }),
    )
    .await
    .expect("loopback may be plain");
    assert!(server.requests()[0].contains("authorization: Bearer hunter2\r\n"));
    let error = perform(
        "system.http-check",
        json!({ "url": "http://192.0.2.1/", "secret-headers": headers }),
    )
    .await
    .expect_err("an open line");
    assert_eq!(
        error.to_string(),
        "a secret would go to 192.0.2.1 in the clear"
    );
}

#[tokio::test]
async fn metadata_services_are_not_asked() {
    for url in [
        "http://169.254.169.254/latest",
        "http://2852039166/",
        "http://0xa9.0xfe.0xa9.0xfe/",
        "http://[fd00:ec2::254]/",
        "http://[::ffff:a9fe:a9fe]/",
    ] {
        let error = perform("system.http-check", json!({ "url": url }))
            .await
            .expect_err("denied");
        assert!(
            error.to_string().contains("metadata address"),
            "{url}: {error}"
        );
    }
}

#[tokio::test]
async fn a_wait_knows_success_failure_and_its_deadline() {
    let creating = Reply::Body(200, r#"{"phase": "creating"}"#);
    let inputs = |server: &Server| {
        json!({
            "http": { "url": server.url("/") },
            "until": { "/phase": "available" },
            "fails-when": { "/phase": ["unknown", "failed"] },
            "every": "1ms",
        })
    };
    let server = Server::start(vec![
        creating.clone(),
        Reply::Body(200, r#"{"phase": "available"}"#),
    ])
    .await;
    let outcome = perform("system.wait", inputs(&server))
        .await
        .expect("available");
    assert_eq!(
        lines(&outcome),
        [r#"Passed: == "available" expected, "available" seen"#]
    );
    assert_eq!(outcome.outputs.get("looks"), Some(&json!(2)));

    let server = Server::start(vec![
        creating.clone(),
        Reply::Body(200, r#"{"phase": "failed"}"#),
    ])
    .await;
    let outcome = perform("system.wait", inputs(&server))
        .await
        .expect("failed, and said so");
    assert_eq!(
        lines(&outcome),
        [r#"Failed: never == "failed" expected, "failed" seen"#]
    );

    let server = Server::start(vec![creating]).await;
    let surroundings = Surroundings::real_time().allowing(std::time::Duration::from_millis(200));
    let wait = operation("system.wait", with(inputs(&server)));
    let outcome = System::new()
        .perform(&wait, &surroundings.call())
        .await
        .expect("what was seen last");
    assert!(
        outcome
            .findings
            .iter()
            .any(|f| f.judgement == Judgement::Failed),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_message_that_does_not_get_through_fails_only_a_step_that_requires_it() {
    let server = Server::start(vec![Reply::Body(403, "no")]).await;
    let optional = perform(
        "system.notify",
        json!({ "url": server.url("/hook"), "text": "down" }),
    )
    .await
    .expect("not required");
    assert_eq!(optional.findings[0].judgement, Judgement::Inconclusive);
    assert_eq!(optional.outputs.get("sent"), Some(&json!(false)));
    let error = perform(
        "system.notify",
        json!({ "url": server.url("/hook"), "text": "down", "required": true }),
    )
    .await
    .expect_err("required");
    assert!(
        matches!(&error, Error::Refused { what, .. } if what.ends_with("answered 403")),
        "{error}"
    );
}

#[tokio::test]
async fn a_busy_receiver_says_when_to_come_again() {
    let server = Server::start(vec![Reply::Header(429, "Retry-After: 7")]).await;
    let inputs = json!({ "url": server.url("/"), "text": "down", "required": true });
    let error = perform("system.notify", inputs).await.expect_err("busy");
    let seven = Some("7s".parse().expect("a period"));
    assert!(
        matches!(&error, Error::Transient { retry_after, .. } if *retry_after == seven),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_secret_url_is_in_no_text() {
    let server = Server::start(vec![Reply::Hangup]).await;
    let surroundings = Surroundings::real_time().secret("env:HOOK", &server.url("/T0KEN"));
    let inputs = json!({ "secret-url": "env:HOOK", "text": "down" });
    let notify = operation("system.notify", with(inputs));
    let preview = System::new()
        .preview(&notify, &surroundings.call())
        .await
        .expect("a preview");
    assert_eq!(preview.summary, "tells <env:HOOK>: down");
    let outcome = System::new()
        .perform(&notify, &surroundings.call())
        .await
        .expect("not required");
    assert_eq!(server.requests().len(), 1);
    assert!(!format!("{outcome:?}").contains("T0KEN"), "{outcome:?}");
}

#[tokio::test]
async fn checking_waiting_and_telling_conform() -> Result<(), Report> {
    let server = Server::start(vec![Reply::Body(200, r#"{"ready": true}"#)]).await;
    let surroundings = Surroundings::real_time();
    let system = System::new();
    let check = json!({ "url": server.url("/"), "json": { "/ready": true } });
    let case = Case::new(
        operation("system.http-check", with(check)),
        async || 0,
        async || {},
    );
    check_action(&system, &surroundings, case).await?;
    let wait = json!({ "http": { "url": server.url("/") }, "until": { "/ready": true } });
    let case = Case::new(
        operation("system.wait", with(wait)),
        async || 0,
        async || {},
    );
    check_action(&system, &surroundings, case).await?;
    // The state that is reached: people have been told, once or more.
    let before = std::cell::Cell::new(server.requests().len());
    let count = async || u64::from(server.requests().len() > before.get());
    let notify = operation(
        "system.notify",
        with(json!({ "url": server.url("/"), "text": "down" })),
    );
    let case = Case::new(notify, count, async || before.set(server.requests().len()));
    check_action(&system, &surroundings, case).await
}
