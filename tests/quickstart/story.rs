//! Each block of the README, and what is there at the end, looked at without salvor.

use std::collections::BTreeMap;

use salvor_testbed::story::ARTIFACT_BUCKET;
use salvor_testbed::story::ARTIFACTS;
use salvor_testbed::story::artifact;

use crate::operator;
use crate::quickstart::objects_below;
use crate::readme;
use crate::world::World;

const README: &str = include_str!("../../README.md");

/// What the README has the reader type before: each is run by the test named beside it.
const TYPED_BEFORE: [&str; 4] = [
    "cargo run -- demo",                   // tests/demo.rs
    "cargo run -p salvor-testbed -- test", // how all tests are run
    "cargo build --workspace",             // what built this test
    "cargo run -p salvor-testbed -- story --dir /tmp/salvor-quickstart", // Story::start, as here
];

#[test]
fn the_readme_leads_to_a_recovered_platform() {
    assert_eq!(readme::shell_lines(README), TYPED_BEFORE);
    let Some(world) = World::make() else { return };
    let steps = readme::steps(&fitted(README, &world));
    let mut remembered = String::new();
    for (at, step) in steps.iter().enumerate() {
        // The last one stops the cluster that is looked at first.
        if at + 1 == steps.len() {
            the_platform_is_back(&world);
        }
        let command = format!("{remembered}{}", step.command);
        let is_first_apply = step.command.starts_with("salvor apply") && step.exit == 0;
        let said = match is_first_apply {
            true => operator::apply(&world, &command),
            false => world.run(&command),
        };
        assert_eq!(
            said.exit, step.exit,
            "`{}` said:\n{}",
            step.command, said.text
        );
        let missing = readme::missing(&step.lines, &said.text);
        assert_eq!(missing, None, "`{}` said:\n{}", step.command, said.text);
        if step.command.starts_with("RUN=") {
            remembered = format!("{}\n", step.command);
        }
    }
}

/// The README with this world's folder and port, and the programs of its PostgreSQL.
fn fitted(text: &str, world: &World) -> String {
    text.replace(
        "/tmp/salvor-quickstart",
        &world.story.directory().display().to_string(),
    )
    .replace("55433", &world.restored_port.to_string())
    .replace("$ psql ", "$ \"$SALVOR_INPUT_POSTGRES_BIN/psql\" ")
}

fn the_platform_is_back(world: &World) {
    world.databases_are_back();
    let found = objects_below(&world.bucket(ARTIFACT_BUCKET));
    let expected: BTreeMap<String, Vec<u8>> = (0..ARTIFACTS)
        .map(|number| (format!("artifact-{number:04}.bin"), artifact(number)))
        .collect();
    assert_eq!(found.len(), ARTIFACTS);
    assert!(found == expected, "an artifact differs");

    let values = std::fs::read_to_string(world.story.directory().join("platform/values.yaml"))
        .expect("the values are there");
    let port = format!("port: {}", world.restored_port);
    assert_eq!(values.matches(&port).count(), 2, "{values}");
}
