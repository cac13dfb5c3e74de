//! What is told of steps of the system: programs, waits, messages, files and people.

use std::process::Command;

const PLAN: &str = r#"
format = 1
plan   = { name = "told", title = "Tell it" }
[inputs]
hook = { type = "secret", default = "env:CHAT_HOOK" }
[steps.ask]
uses = "manual"
with = { ask = "Which revision?", role = "platform", expects = "[0-9]+", commands = ["helm history calabi", "helm status calabi"] }
[steps.wait]
uses  = "wait"
needs = ["ask"]
with  = { exec = { argv = ["kubectl", "get", "job", "x", "-o", "jsonpath={.status}"] }, until = { "/phase" = "Completed", "/left" = 0 }, fails-when = { "" = "gone" }, every = "15s" }
[steps.count]
uses = "exec"
with = { argv = ["wc", "-l", "a b"], dir = "in", env = { LC_ALL = "C" }, class = "read" }
[steps.file]
uses = "render"
with = { template = "values.hbs", target = "out/values.yaml", values = { revision = "{{steps.ask.answer}}", note = "$5 `x`" } }
[steps.tell]
uses  = "notify"
needs = ["file", "wait"]
with  = { secret-url = "{{inputs.hook}}", text = "It's {{steps.count.stdout}}", fields = { channel = "ops" } }
[scenarios.full]
goal = ["tell"]
"#;

fn salvor(arguments: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).expect("a file of the plan");
    };
    file("plan.toml", PLAN);
    file("values.hbs", "revision: {{revision}}\nnote: {{note}}\n");
    let output = Command::new(env!("CARGO_BIN_EXE_salvor"))
        .args(arguments)
        .env("CHAT_HOOK", "https://chat.example/hook")
        .current_dir(folder.path())
        .output()
        .expect("salvor runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    for part in expected {
        assert!(text.contains(part), "{part}\n\n{text}");
    }
}

#[test]
fn a_person_is_told_all_that_the_engine_knows() {
    let text = salvor(&["runbook"]);
    check(
        &text,
        &[
            ": \"${CHAT_HOOK:?}\"  # a secret: the input hook\n",
            "- [ ] `ask`: A person does this.\n\nWhich revision?\n\nWho: platform. Evidence: an answer in words. The answer looks like: \\[0-9\\]+\n",
            "\nASK_ANSWER=  # The words of the answer.\n",
            "\nUntil /phase is \"Completed\" and /left is 0, by JSON pointer. Then stop it (Ctrl-C). It has failed when the answer is \"gone\".\n",
            "\nwatch --exec --interval=15 -- kubectl get job x -o 'jsonpath={.status}'\n",
            "\nCOUNT_STDOUT=$( (cd in && LC_ALL=C wc -l 'a b')) && echo \"$COUNT_STDOUT\"\n",
            "cat <<EOF > out/values.yaml\nrevision: ${ASK_ANSWER:?}\nnote: \\$5 \\`x\\`\nEOF\n",
            "--data \"{\\\"channel\\\":\\\"ops\\\",\\\"text\\\":\\\"It's ${COUNT_STDOUT:?}\\\"}\" \"${CHAT_HOOK:?}\"\n",
        ],
    );
    assert!(!text.contains("More than 24 h"), "{text}");
}

#[test]
fn the_commands_of_a_question_can_be_copied_from_a_pull_request() {
    let text = salvor(&["plan", "--format", "markdown"]);
    check(
        &text,
        &["\nWhat a person types in ask:\n\n```sh\nhelm history calabi\nhelm status calabi\n```\n"],
    );
    assert!(!text.contains("$ helm"), "{text}");
}
