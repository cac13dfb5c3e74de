//! Who is told of a run, and what can be said to them.

use salvor::model::GivenInputs;
use salvor::model::read;
use salvor::plan_file::Look;
use salvor::plan_file::show;

use crate::instances::HEAD;
use crate::instances::instance;
use crate::instances::plan_of;
use crate::provider::registry;

#[test]
fn a_drill_tells_only_whom_the_plan_names_for_it() {
    let more = r#"
[steps.look]
uses = "manual"
with = { ask = "Is it well?" }
[scenarios.full]
goal = ["look"]
[[notify]]
on   = ["failed"]
uses = "system.notify"
with = { text = "production: {{run.event}} {{run.step}}: {{run.says}}" }
[[notify]]
on     = ["failed"]
uses   = "system.notify"
with   = { text = "rehearsal" }
drills = true
[drills.quarterly]
scenario = "full"
every    = "90d"
"#;
    let plan = plan_of(&[("plan.toml", &format!("{HEAD}{more}"))]);
    assert_eq!(instance(&plan, "full", &[]).notify.len(), 2);
    let drill = plan.drill("quarterly").expect("it is written");
    let drilled = plan
        .drill_instance(drill, &GivenInputs::default())
        .expect("nothing is missing");
    let texts = drilled.notify.iter().map(|told| told.with.text("text"));
    assert_eq!(texts.collect::<Vec<_>>(), [Some("rehearsal")]);
}

#[test]
fn who_is_told_is_reached_as_the_provider_is_configured() {
    let more = r#"
[steps.look]
uses = "manual"
with = { ask = "Is it well?" }
[scenarios.full]
goal = ["look"]
[[notify]]
on   = ["finished"]
uses = "cloud.scale"
with = { deployment = "banner", replicas = 1 }
"#;
    let plan = plan_of(&[("plan.toml", &format!("{HEAD}{more}"))]);
    let told = &instance(&plan, "full", &[]).notify[0];
    assert_eq!(told.config.text("region"), Some("r"), "{told:?}");
}

#[test]
fn only_a_message_can_say_what_happened_and_it_waits_for_no_step() {
    let check = |ask: &str, text: &str, expected: &str| {
        let plan = format!(
            r#"{HEAD}
[steps.look]
uses = "manual"
with = {{ ask = "{ask}" }}
[scenarios.full]
goal = ["look"]
[[notify]]
on   = ["failed"]
uses = "system.notify"
with = {{ text = "{text}" }}
"#
        );
        let dir = tempfile::tempdir().expect("a folder for the plan");
        std::fs::write(dir.path().join("plan.toml"), plan).expect("the file is written");
        let reading = read(dir.path(), &registry());
        let shown = show(&reading.problems, &reading.sources, Look::Plain);
        assert!(shown.contains(expected), "{shown}");
    };
    check("{{run.event}}?", "x", "a run has no `event`");
    check(
        "well?",
        "{{steps.look.answer}}",
        "may be sent before the step has run",
    );
}
