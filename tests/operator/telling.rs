//! The plan's notifications: told at the moments that it names, once, whatever becomes of salvor or of the receiver.

use std::process::Child;

use serde_json::Value;
use serde_json::json;

use crate::support::Folder;
use crate::web::Reply;
use crate::web::Server;

const TOLD_OF_ALL: &str = r#"["started", "asked", "failed", "finished"]"#;

/// A plan with a check and a question that tells this server, whose address is a secret.
fn folder(on: &str, replicas: u32, server: &Server) -> Folder {
    let steps = format!(
        r#"
[steps.web]
uses = "simulated.check"
with = {{ fact = "deployments/web/replicas", equals = 3 }}
[steps.review]
uses = "manual"
needs = ["web"]
with = {{ ask = "Is it well?", evidence = "confirm" }}
[[notify]]
on = {on}
uses = "system.notify"
with = {{ secret-url = "file:hook", text = "{{{{run.event}}}} {{{{run.step}}}}: {{{{run.says}}}}" }}
"#
    );
    let world = json!({ "deployments": { "web": { "replicas": replicas } } });
    let folder = Folder::of_steps(&steps, &["review"], &world);
    folder.write("hook", &server.url("/secret-path"));
    folder
}

/// The texts that the server got, in their order.
fn texts(server: &Server) -> Vec<String> {
    let text = |request: &String| {
        let body = request.split("\r\n\r\n").nth(1).unwrap_or_default();
        let body: Value = serde_json::from_str(body).expect("JSON is sent");
        body["text"].as_str().unwrap_or_default().to_owned()
    };
    server.requests().iter().map(text).collect()
}

/// The operation that each request names.
fn keys(server: &Server) -> Vec<String> {
    let key = |request: &String| {
        let line = request
            .lines()
            .find_map(|line| line.strip_prefix("idempotency-key: "));
        line.unwrap_or_default().to_owned()
    };
    server.requests().iter().map(key).collect()
}

/// Waits until the journal holds what came of so many messages.
fn wait_for_messages(folder: &Folder, count: usize) {
    folder.wait_for("succeeded");
    let sent = |record: &&Value| {
        let step = record["body"]["step"].as_str().unwrap_or_default();
        record["type"] == "succeeded" && step.starts_with("notify/")
    };
    while folder.records().iter().filter(sent).count() < count {
        std::thread::yield_now();
    }
}

fn kill(mut child: Child) {
    child.kill().expect("it is the test's own");
    child.wait().expect("it was killed");
}

const ALL_WELL: [&str; 3] = [
    "started : Recover the shop: 2 steps",
    "asked review: Is it well?",
    "finished : GREEN: 2 of 2 steps done, 1 finding as expected",
];

#[tokio::test(flavor = "multi_thread")]
async fn each_moment_is_told_once() {
    let server = Server::start(vec![Reply::Body(200, "ok")]).await;
    let folder = folder(TOLD_OF_ALL, 3, &server);
    let apply = folder.start(&["apply", "--no-input"]);
    wait_for_messages(&folder, 2);
    folder
        .salvor(&["answer", &folder.run_id(), "--text", "yes"])
        .ends_with(0);
    let output = apply.wait_with_output().expect("it ends");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    assert!(
        told.contains("told     asked review, by system.notify"),
        "{told}"
    );
    assert_eq!(texts(&server), ALL_WELL);
    folder
        .salvor(&["report", &folder.run_id()])
        .ends_with(0)
        .says("Told\n  started: sent\n  asked review: sent\n  finished: sent\n");
    let journal = std::fs::read_to_string(folder.journal_path()).expect("it is there");
    assert!(!journal.contains("secret-path"), "{journal}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_told_before_a_kill_is_not_told_again() {
    let server = Server::start(vec![Reply::Body(200, "ok")]).await;
    let folder = folder(TOLD_OF_ALL, 3, &server);
    let apply = folder.start(&["apply", "--no-input"]);
    wait_for_messages(&folder, 2);
    kill(apply);
    let run = folder.run_id();
    let resume = folder.start(&["resume", &run, "--no-input"]);
    folder.wait_for("resumed");
    folder
        .salvor(&["answer", &run, "--text", "yes"])
        .ends_with(0);
    let output = resume.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(texts(&server), ALL_WELL);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_was_under_way_at_a_kill_is_sent_again_under_its_own_key() {
    let server = Server::start(vec![Reply::Silence, Reply::Body(200, "ok")]).await;
    let folder = folder(r#"["started"]"#, 3, &server);
    let apply = folder.start(&["apply", "--no-input"]);
    while server.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    kill(apply);
    let run = folder.run_id();
    let unclear = "started: nobody can tell; salvor was stopped";
    folder.salvor(&["report", &run]).says(unclear);
    folder
        .salvor(&["report", &run, "--format", "html"])
        .says("nobody can tell; salvor was stopped");
    let resume = folder.start(&["resume", &run, "--no-input"]);
    wait_for_messages(&folder, 1);
    kill(resume);
    let keys = keys(&server);
    assert_eq!(keys.len(), 2, "{keys:?}");
    assert!(!keys[0].is_empty());
    assert_eq!(keys[0], keys[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_cannot_be_sent_fails_no_run_and_is_told_of() {
    let server = Server::start(vec![Reply::Body(403, "no")]).await;
    let folder = folder(r#"["finished"]"#, 3, &server);
    let apply = folder.start(&["apply", "--no-input"]);
    folder.wait_for("asked");
    folder
        .salvor(&["answer", &folder.run_id(), "--text", "yes"])
        .ends_with(0);
    let output = apply.wait_with_output().expect("it ends");
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{printed}");
    assert!(printed.contains("GREEN"), "{printed}");
    assert!(printed.contains("  not told finished: "), "{printed}");
    folder
        .salvor(&["report", &folder.run_id()])
        .ends_with(0)
        .says("Told\n  finished: NOT sent: ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_told_with_its_reason_and_holds_nothing_back() {
    let server = Server::start(vec![Reply::Body(200, "ok")]).await;
    let folder = folder(r#"["failed"]"#, 1, &server);
    folder.apply().ends_with(5);
    let texts = texts(&server);
    assert_eq!(texts.len(), 1, "{texts:?}");
    assert!(texts[0].starts_with("failed web: "), "{texts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_asks_for_a_day_of_silence_holds_nothing_up() {
    let server = Server::start(vec![Reply::Header(429, "Retry-After: 100000")]).await;
    let folder = folder(r#"["failed"]"#, 1, &server);
    let plan = folder.read("plan.toml");
    folder.write(
        "plan.toml",
        &plan.replace("secret-url", "required = true, secret-url"),
    );
    folder.apply().ends_with(5);
    folder
        .salvor(&["report", &folder.run_id()])
        .ends_with(0)
        .says("it asks to be left alone for 1d3h46m40s, and this step waits ");
}
