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
