//! Texts from outside that would make a terminal lie.

use serde_json::json;

use crate::support::Folder;

#[test]
fn what_a_service_says_cannot_command_the_terminal() {
    let steps = r#"
[steps.load]
uses = "simulated.run"
with = { target = "loaded", value = 1, class = "named" }
"#;
    let says = "no\u{1b}[2J\u{1b}]0;owned\u{7} room\rrun is GREEN\u{202e}";
    let world = json!({
        "faults": [{ "step": "load", "call": "perform", "fault": { "refuse": says } }],
    });
    let folder = Folder::of_steps(steps, &["load"], &world);
    let is_tame = |text: &str| !text.contains(['\u{1b}', '\u{7}', '\r', '\u{202e}']);
    let apply = folder.apply().ends_with(5).says("no\\u001b[2J");
    assert!(is_tame(&apply.stdout) && is_tame(&apply.stderr));
    let run = folder.run_id();
    for verb in ["show", "report"] {
        let said = folder.salvor(&[verb, &run]).ends_with(0);
        assert!(is_tame(&said.stdout), "{verb}");
    }
}

#[test]
fn what_a_program_prints_is_shown_without_what_a_terminal_obeys() {
    // Bytes that are no text, an override of the direction of writing, and a command to the terminal.
    let steps = r#"
[steps.load]
uses = "exec"
with = { argv = ["/usr/bin/printf", '\377\376 \342\200\256exe.txt \033[2J end'], class = "convergent" }
"#;
    let folder = Folder::of_steps(steps, &["load"], &json!({}));
    let applied = folder.apply().ends_with(0);
    let run = folder.run_id();
    let shown = folder.salvor(&["show", &run, "load"]).ends_with(0);
    let mut all = vec![applied, shown];
    for form in ["text", "markdown", "html", "json"] {
        all.push(
            folder
                .salvor(&["report", &run, "--format", form])
                .ends_with(0),
        );
    }
    for said in &all {
        let text = said.all();
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
    }
    assert!(all[1].stdout.contains("exe.txt"), "{}", all[1].all());
    folder.salvor(&["journal", "check", &run]).ends_with(0);
}
