//! The quickstart's recovery by hand: the commands of its runbook bring the same world back as `apply` does.

use std::collections::BTreeMap;

use salvor_testbed::Part;
use salvor_testbed::install;
use salvor_testbed::require;
use salvor_testbed::story::ARTIFACT_BUCKET;
use salvor_testbed::story::ARTIFACTS;
use salvor_testbed::story::artifact;

use crate::quickstart::ANSWERS;
use crate::quickstart::objects_below;
use crate::typed::Printed;
use crate::typed::Typed;
use crate::typed::paste;
use crate::typed::typed;
use crate::world::PLAN;
use crate::world::World;

#[test]
fn the_commands_of_a_runbook_recover_the_platform() {
    let Some(aws) = require(install(Part::Awscli)) else {
        return;
    };
    let Some(world) = World::make() else { return };
    world.plan("full", "reviewed.changeset");
    let change_set = world.plan_file("reviewed.changeset");
    let markdown = world.must(&format!(
        "salvor runbook {PLAN} --change-set {}",
        change_set.display()
    ));
    let blocks = typed(&markdown);
    let is_manual = |block: &&Typed| ANSWERS.iter().any(|(step, _)| *step == block.step);
    let pasted: Vec<&Typed> = blocks.iter().filter(|block| !is_manual(block)).collect();
    let printed = paste(&pasted, |script| {
        let programs = aws.programs().display();
        let mut shell = world.shell(&format!("PATH='{programs}':\"$PATH\"\n{script}"));
        shell.current_dir(world.plan_file(""));
        shell
    });
    let steps = pasted.iter().map(|block| block.step.as_str());
    let printed: BTreeMap<&str, &Printed> = steps.zip(&printed).collect();
    for (step, said) in &printed {
        assert_eq!(said.exit, 0, "{step} said:\n{}", said.text);
    }
    for (step, expected) in [
        ("charts-newest", "1500"),
        ("charts-count", "1500"),
        ("pipelines-count", "400"),
        ("scheduler-before", "2"),
    ] {
        assert_eq!(printed[step].text.trim(), expected, "{step}");
    }
    let listed = &printed["artifacts-there"].text;
    assert!(
        listed.contains(&format!("Total Objects: {ARTIFACTS}")),
        "{listed}"
    );
    the_platform_is_back(&world);
}

/// Looked at without the runbook's own checks.
fn the_platform_is_back(world: &World) {
    world.databases_are_back();
    assert_eq!(
        world.psql(
            "calabi",
            "select pg_is_in_recovery(), current_setting('archive_mode')"
        ),
        "f|off"
    );
    let objects = objects_below(&world.bucket(ARTIFACT_BUCKET));
    assert_eq!(objects.len(), ARTIFACTS);
    for number in [0, 7, ARTIFACTS - 1] {
        let name = format!("artifact-{number:04}.bin");
        assert_eq!(objects.get(&name), Some(&artifact(number)), "{name}");
    }
    let platform = world.story.directory().join("platform");
    let file = |name: &str| std::fs::read_to_string(platform.join(name)).expect("a file");
    assert_eq!(file("scheduler"), "replicas 2\n");
    let port = world.restored_port;
    assert_eq!(
        file("values.yaml"),
        format!(
            "# Values of the platform, as deployed.\ndatabase:\n  external:\n    host: \"127.0.0.1\"\n    port: {port}\n    \
             name: calabi\npipelines:\n  database:\n    host: \"127.0.0.1\"\n    port: {port}\n    name: calabi_pipelines\n"
        )
    );
}
