//! What a person may decide about steps that failed or that nobody can tell of, and what such a decision proves.

use serde_json::json;

use crate::support::Folder;

/// Applies, and kills salvor while `orders` sleeps, so that what became of it is not known.
fn unknown_orders(later: &str, goal: &[&str]) -> (Folder, String) {
    let steps = format!(
        r#"
[steps.orders]
uses = "exec"
with = {{ argv = ["/bin/sleep", "600"] }}
{later}
[steps.web]
uses = "simulated.check"
with = {{ fact = "deployments/web/replicas", equals = 3 }}
"#
    );
    let world = json!({ "deployments": { "web": { "replicas": 3 } } });
    let folder = Folder::of_steps(&steps, goal, &world);
    let mut apply = folder.start(&["apply", "--no-input"]);
    folder.wait_for("succeeded");
    folder.wait_for("intent");
    while !folder
        .records()
        .iter()
        .any(|record| record["type"] == "intent" && record["body"]["step"] == "orders")
    {
        std::thread::yield_now();
    }
    apply.kill().expect("it is the test's own");
    apply.wait().expect("it was killed");
    let run = folder.run_id();
    folder
        .salvor(&["resume", &run, "--no-input"])
        .ends_with(5)
        .says("unknown  orders");
    (folder, run)
}

#[test]
fn a_declared_success_is_not_proof() {
    let (folder, run) = unknown_orders("", &["web", "orders"]);
    folder
        .salvor(&[
            "resume",
            &run,
            "--succeeded",
            "orders",
            "--why",
            "seen in the console",
        ])
        .ends_with(0)
        .says("AMBER")
        .says("orders was declared done (kim: seen in the console)");
}

#[test]
fn a_declared_success_needs_a_reason() {
    let (folder, run) = unknown_orders("", &["web", "orders"]);
    folder
        .salvor(&["resume", &run, "--succeeded", "orders"])
        .ends_with(2)
        .says("--why");
    // The refusal leaves the run as it was.
    assert_eq!(
        folder.record_types().last().map(String::as_str),
        Some("halted")
    );
}

#[test]
fn a_failed_step_cannot_be_declared_done() {
    let steps = r#"
[steps.web]
uses = "simulated.check"
with = { fact = "deployments/web/replicas", equals = 3 }
[steps.other]
uses = "simulated.check"
with = { fact = "deployments/web/replicas", equals = 1 }
"#;
    let world = json!({ "deployments": { "web": { "replicas": 1 } } });
    let folder = Folder::of_steps(steps, &["web", "other"], &world);
    folder.apply().ends_with(5);
    let run = folder.run_id();
    folder
        .salvor(&["resume", &run, "--succeeded", "web", "--why", "I say so"])
        .ends_with(4)
        .says("`web` is failed");
    assert_eq!(
        folder.record_types().last().map(String::as_str),
        Some("halted")
    );
}

#[test]
fn a_step_that_did_not_fail_is_not_tried_again() {
    let (folder, run) = unknown_orders("", &["web", "orders"]);
    folder
        .salvor(&["resume", &run, "--retry", "web"])
        .ends_with(4)
        .says("step `web` has not failed: it is succeeded");
    folder
        .salvor(&["resume", &run, "--retry", "orders"])
        .ends_with(4)
        .says("a second time may repeat its effect");
    folder
        .salvor(&["resume", &run, "--retry", "nosuch"])
        .ends_with(2)
        .says("the run has no step `nosuch`");
    folder
        .salvor(&[
            "resume",
            &run,
            "--retry",
            "orders",
            "--succeeded",
            "orders",
            "--why",
            "x",
        ])
        .ends_with(2)
        .says("orders cannot be both tried again and declared done");
    assert_eq!(
        folder.record_types().last().map(String::as_str),
        Some("halted")
    );
}

#[test]
fn outputs_that_others_use_come_with_the_declared_success() {
    let later = r#"
[steps.use]
uses = "simulated.run"
with = { target = "host", value = "{{steps.orders.stdout}}", class = "named" }
"#;
    let (folder, run) = unknown_orders(later, &["web", "use"]);
    folder
        .salvor(&["resume", &run, "--succeeded", "orders", "--why", "seen"])
        .ends_with(2)
        .says("use needs orders.stdout")
        .says("--output orders.stdout=");
    assert_eq!(
        folder.record_types().last().map(String::as_str),
        Some("halted")
    );
    folder
        .salvor(&[
            "resume",
            &run,
            "--succeeded",
            "orders",
            "--why",
            "seen",
            "--output",
            "orders.stdout=db-7",
        ])
        .ends_with(0);
    assert_eq!(folder.world()["values"]["host"]["value"], "db-7");
}
