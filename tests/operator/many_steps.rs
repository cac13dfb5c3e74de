//! A plan far larger than a person would write: every verb goes through it, and nothing of it is lost.

use serde_json::json;

use crate::support::Folder;

const STEPS: usize = 2_000;

/// Each step waits for the one ten places before it, so that ten are always ready.
const ABREAST: usize = 10;

#[test]
fn two_thousand_steps_are_checked_planned_applied_and_reported() {
    let step = |place: usize| {
        let needs = place
            .checked_sub(ABREAST)
            .map(|before| format!("needs = [\"s{before}\"]\n"))
            .unwrap_or_default();
        format!(
            "[steps.s{place}]\nuses = \"simulated.check\"\n{needs}\
             with = {{ fact = \"deployments/web/replicas\", equals = 3 }}\n"
        )
    };
    let steps: String = (0..STEPS).map(step).collect();
    let goal: Vec<String> = (STEPS - ABREAST..STEPS).map(|n| format!("s{n}")).collect();
    let goal: Vec<&str> = goal.iter().map(String::as_str).collect();
    let world = json!({ "deployments": { "web": { "replicas": 3 } } });
    let folder = Folder::of_steps(&steps, &goal, &world);

    folder.salvor(&["check"]).ends_with(0).says("2000 steps");
    folder.salvor(&["plan"]).ends_with(0);
    folder.apply().ends_with(0).says("GREEN");
    let kinds = folder.record_types();
    let count = |kind: &str| kinds.iter().filter(|found| *found == kind).count();
    assert_eq!((count("intent"), count("succeeded")), (STEPS, STEPS));
    assert_eq!(kinds.last().map(String::as_str), Some("finished"));
    let run = folder.run_id();
    folder.salvor(&["report", &run]).ends_with(0).says("GREEN");
}
