//! A change set beside the one that was approved last.

use serde_json::Value;
use serde_json::json;

use crate::support::Folder;

const STEPS: &str = r#"
[steps.catalogue]
uses = "simulated.run"
with = { target = "catalogue", value = 1 }
[steps.banner]
uses = "simulated.run"
with = { target = "banner", value = 1 }
"#;

/// A plan of which a change set is saved, and which is edited then.
fn edited() -> Folder {
    let folder = Folder::of_steps(STEPS, &["catalogue", "banner"], &json!({}));
    folder
        .salvor(&["plan", "--out", "approved.changeset"])
        .ends_with(0);
    let plan = folder
        .read("plan.toml")
        .replace(
            r#"with = { target = "catalogue", value = 1 }"#,
            r#"with = { target = "catalogue", value = 2 }"#,
        )
        .replace("[steps.banner]", "[steps.poster]")
        .replace(r#""banner"]"#, r#""poster"]"#);
    folder.write("plan.toml", &plan);
    folder
}

#[test]
fn what_changed_since_the_approval_comes_first() {
    let folder = edited();
    let text = folder
        .salvor(&["plan", "--against", "approved.changeset"])
        .ends_with(0)
        .stdout;
    let (since, whole) = text.split_once("\n\n").expect("two parts");
    assert!(since.starts_with("Since change set "), "{text}");
    assert!(
        since.contains("  step catalogue: with.value: 1 → 2"),
        "{text}"
    );
    assert!(since.contains("  step banner: "), "{text}");
    assert!(since.contains("  step poster: nothing → "), "{text}");
    assert!(
        !since.contains("step poster: with"),
        "one fact is enough: {text}"
    );
    assert!(since.contains("plan file plan.toml: "), "{text}");
    assert!(whole.contains("catalogue"), "{text}");
}

#[test]
fn a_reviewer_gets_it_as_a_table_and_a_program_as_json() {
    let folder = edited();
    let against = ["--against", "approved.changeset"];
    let markdown = folder
        .salvor(&[&["plan", "--format", "markdown"], &against[..]].concat())
        .ends_with(0)
        .stdout;
    assert!(markdown.starts_with("### Since change set "), "{markdown}");
    assert!(
        markdown.contains("| step catalogue: with.value | 1 | 2 |\n"),
        "{markdown}"
    );
    assert!(markdown.contains("\n| | step | | what |\n"), "{markdown}");
    let json = folder
        .salvor(&[&["plan", "--json"], &against[..]].concat())
        .ends_with(0)
        .stdout;
    let json: Value = serde_json::from_str(&json).expect("JSON");
    let changed = json["since"]["changed"].as_array().expect("a list");
    let expected = json!({ "fact": "step catalogue: with.value", "before": "1", "after": "2" });
    assert!(changed.contains(&expected), "{changed:?}");
}

#[test]
fn a_plan_that_is_as_it_was_differs_in_nothing() {
    let folder = Folder::of_steps(STEPS, &["catalogue", "banner"], &json!({}));
    folder
        .salvor(&["plan", "--out", "approved.changeset"])
        .ends_with(0);
    folder
        .salvor(&["plan", "--against", "approved.changeset"])
        .ends_with(0)
        .says(": nothing changed");
}

#[test]
fn what_cannot_be_held_against_a_plan_is_refused() {
    let folder = edited();
    folder.write("note.txt", "approved, it looks good");
    folder
        .salvor(&["plan", "--against", "note.txt"])
        .ends_with(4)
        .says("--against note.txt: ");
    let plan = folder.read("plan.toml");
    let other = plan.replace("[scenarios.", "[scenarios.other-");
    assert_ne!(plan, other, "the scenario has another name");
    folder.write("plan.toml", &other);
    folder
        .salvor(&["plan", "--against", "approved.changeset"])
        .ends_with(4)
        .says("is for scenario `");
}
