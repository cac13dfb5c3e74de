//! Every example in `docs/plan-language.md` is read as a plan. An example begins with ```toml; the first line
//! may be `# file: NAME` for a further file of the example before it.

use std::path::Path;

use salvor::model::read;
use salvor::plan_file::Look;
use salvor::plan_file::show;

use crate::provider::registry;

#[test]
fn the_examples_of_the_documentation_are_plans() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/plan-language.md");
    let text = std::fs::read_to_string(path).expect("the document is there");
    let examples: Vec<(usize, &str)> = text
        .match_indices("```toml\n")
        .map(|(at, fence)| {
            let rest = &text[at + fence.len()..];
            let end = rest.find("```").expect("the fence is closed");
            (1 + text[..at].lines().count(), &rest[..end])
        })
        .collect();
    assert!(examples.len() > 10, "{} examples", examples.len());
    // All examples together are one plan: what one defines, another may use.
    let dir = tempfile::tempdir().expect("a folder");
    let mut plan = String::new();
    for (line, example) in examples {
        match example
            .strip_prefix("# file: ")
            .and_then(|rest| rest.split_once('\n'))
        {
            Some((name, body)) => {
                let file = dir.path().join(name.trim());
                std::fs::create_dir_all(file.parent().expect("below")).expect("a folder");
                std::fs::write(file, body).expect("written");
            }
            None => plan.push_str(&format!("# line {line}\n{example}\n")),
        }
    }
    std::fs::write(dir.path().join("plan.toml"), &plan).expect("written");
    let reading = read(dir.path(), &registry());
    let shown = show(&reading.problems, &reading.sources, Look::Plain);
    assert!(reading.problems.is_empty(), "{shown}");
}

/// The one key of which a plan has another form as well.
#[test]
fn the_example_of_a_shared_state_is_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/plan-language.md");
    let text = std::fs::read_to_string(path).expect("the document is there");
    let (_, rest) = text
        .split_once("```toml\n# file: state.toml\n")
        .expect("it is there");
    let (state, _) = rest.split_once("```").expect("the fence is closed");
    let dir = tempfile::tempdir().expect("a folder");
    let rest = "[plan]\nname = \"a\"\ntitle = \"A\"\n[steps.look]\nuses = \"manual\"\n\
                with = { ask = \"Well?\" }\n[scenarios.full]\ngoal = [\"look\"]\n";
    let plan = format!("format = 1\n{state}{rest}");
    std::fs::write(dir.path().join("plan.toml"), plan).expect("written");
    let reading = read(dir.path(), &registry());
    let shown = show(&reading.problems, &reading.sources, Look::Plain);
    let plan = reading.plan.expect(&shown);
    assert_eq!(plan.state.settings.at, "s3://acme-dr-state/example");
    assert_eq!(plan.state.settings.with.text("region"), Some("eu-north-1"));
}

#[test]
fn every_key_of_the_language_is_in_the_documentation() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/plan-language.md");
    let text = std::fs::read_to_string(path).expect("the document is there");
    use salvor::model::keys;
    let tables = [
        keys::ROOT,
        keys::STATE,
        keys::PLAN,
        keys::INPUT,
        keys::STORE,
        keys::BACKUP,
        keys::KNOWN,
        keys::COPY,
        keys::POLICIES,
        keys::STEP,
        keys::RETRY,
        keys::DESTROYS,
        keys::GROUP,
        keys::GROUP_FILE,
        keys::VARIANT,
        keys::VARIANT_FILE,
        keys::SET,
        keys::SCENARIO,
        keys::OBJECTIVE,
        keys::INVARIANT,
        keys::REFERENCES,
        keys::OUTLIVES,
        keys::DRILL,
        keys::ISOLATE,
        keys::NOTIFY,
        keys::LIMITS,
    ];
    let missing: Vec<&str> = tables
        .into_iter()
        .flatten()
        .map(|key| key.name)
        .filter(|name| !text.contains(&format!("`{name}`")))
        .collect();
    assert!(missing.is_empty(), "not described: {}", missing.join(", "));
}
