//! What must be refused before anything runs.

use salvor::change_set::Asked;
use salvor::change_set::Choice;
use salvor::recovery_points::Request;

use crate::setting::Setting;
use crate::setting::problems;

const WORLD: &str = r#"{
    "databases": {
        "app": { "rows": 40, "bytes": 3200000000, "created": "2025-01-01T00:00:00Z",
                 "data-until": "2026-04-06T02:00:00Z" },
        "taken": { "rows": 1, "created": "2025-01-01T00:00:00Z", "data-until": "2026-04-06T02:00:00Z" }
    },
    "backups": { "databases/app": [
        { "id": "nightly", "at": "2026-04-05T02:00:00Z", "rows": 40, "bytes": 3100000000 } ] }
}"#;

/// The problems and warnings of a plan of these steps, all of them goals, in a world with one database.
async fn refused(steps: &str, world: &str) -> Vec<String> {
    let names: Vec<String> = steps
        .lines()
        .filter_map(|line| line.strip_prefix("[steps.")?.strip_suffix(']'))
        .map(|name| format!("\"{name}\""))
        .collect();
    let plan = format!(
        r#"
format = 1
[plan]
name = "guards"
title = "What must be refused"
[stores.app]
kind  = "simulated.database"
with  = {{ name = "app" }}
{steps}
[scenarios.all]
goal = [{}]
"#,
        names.join(", ")
    );
    let computed = Setting::new(&plan, world)
        .plan("all", Request::new(Asked::Latest))
        .await;
    let warnings = computed.change_set.warnings.iter();
    let warnings = warnings.map(|warning| format!("{}: {}", warning.about, warning.message));
    let confirm = computed
        .change_set
        .steps
        .iter()
        .flat_map(|step| &step.confirm);
    let confirm =
        confirm.map(|destroyed| format!("confirm {}: {}", destroyed.fingerprint, destroyed.what));
    problems(&computed)
        .into_iter()
        .chain(warnings)
        .chain(confirm)
        .collect()
}

#[tokio::test]
async fn destroying_needs_the_plans_word_and_a_fingerprint() {
    let overwrite =
        "[steps.back]\ntitle = \"Overwrite\"\nrestore = \"app\"\nwith = { target = \"app\" }\n";
    assert_eq!(
        refused(overwrite, WORLD).await,
        ["step `back`: destroys what the plan does not allow: database app: 40 rows, 3.2 GB"]
    );
    let allowed = format!("{overwrite}destroys = \"the old database\"\n");
    assert_eq!(
        refused(&allowed, WORLD).await,
        ["confirm app/c1e4: database app: 40 rows, 3.2 GB"]
    );
}

#[tokio::test]
async fn a_target_that_is_known_too_late_cannot_be_confirmed() {
    let late = r#"
[steps.name]
uses = "simulated.run"
with = { target = "name", class = "convergent" }
[steps.back]
title = "Overwrite"
restore = "app"
destroys = "whatever is there"
with = { target = "{{run.id}}-{{steps.name.value}}" }
"#;
    assert_eq!(
        refused(late, WORLD).await,
        [
            "step `back`: may destroy what is there, and that cannot be known before the run: (known after name: its value), (known when the run starts)"
        ]
    );
}

#[tokio::test]
async fn what_this_run_makes_may_be_overwritten_by_it() {
    let steps = r#"
[steps.new]
restore = "app"
with = { target = "fresh" }
[steps.again]
title = "Overwrite"
restore = "app"
needs = ["new"]
destroys = "nothing that was there before"
with = { target = "fresh" }
[steps.into]
title = "Overwrite"
restore = "app"
destroys = "nothing that was there before"
with = { target = "{{steps.new.endpoint}}" }
"#;
    assert_eq!(refused(steps, WORLD).await, [""; 0]);
}

#[tokio::test]
async fn two_steps_do_not_write_one_thing_in_any_order() {
    // What `check` cannot see: one of the names is known only from a preview.
    let steps = |after: &str| {
        format!(
            "[steps.name]\nuses = \"simulated.run\"\nwith = {{ target = \"name\", value = \"x\" }}\n\
             [steps.a]\nuses = \"simulated.run\"\nwith = {{ target = \"x\" }}\n\
             [steps.b]\nuses = \"simulated.run\"\nwith = {{ target = \"{{{{steps.name.value}}}}\" }}\n{after}"
        )
    };
    assert_eq!(
        refused(&steps(""), WORLD).await,
        ["step `b`: writes simulated.value world.json/x like `a`, and neither waits for the other"]
    );
    assert_eq!(refused(&steps("after = [\"a\"]\n"), WORLD).await, [""; 0]);
}

#[tokio::test]
async fn what_a_script_destroys_is_confirmed_by_the_plans_words() {
    let steps = "[steps.clear]\nuses = \"simulated.run\"\nwith = { target = \"x\" }\ndestroys = \"all data of the chart\"\n";
    assert_eq!(
        refused(steps, WORLD).await,
        ["confirm clear/f7407d: all data of the chart"]
    );
}

#[tokio::test]
async fn a_service_that_says_no_and_one_that_does_not_answer_are_told_apart() {
    let restore = "[steps.back]\nrestore = \"app\"\nwith = { target = \"taken\" }\n";
    assert_eq!(
        refused(restore, WORLD).await,
        [
            "refused: `back`: database taken is there already, with 1 rows: choose another name; no step before it changes anything, so the run will be refused the same"
        ]
    );
    let prepared = format!(
        "[steps.drop]\nuses = \"simulated.run\"\nwith = {{ target = \"x\" }}\n{restore}needs = [\"drop\"]\n"
    );
    assert_eq!(
        refused(&prepared, WORLD).await,
        ["refused: `back`: database taken is there already, with 1 rows: choose another name"],
        "the step before it may make it good"
    );
    let deaf = |times: u32| {
        let faults = format!(
            r#"{{ "faults": [ {{ "call": "survey", "times": {times}, "fault": {{ "transient": null }} }} ],"#
        );
        WORLD.replacen('{', &faults, 1)
    };
    let restore = "[steps.back]\nrestore = \"app\"\nwith = { target = \"new\" }\n";
    assert_eq!(
        refused(restore, &deaf(2)).await,
        [""; 0],
        "it is asked three times"
    );
    assert_eq!(
        refused(restore, &deaf(9)).await,
        [
            "store `app`: must be brought back and cannot be: it could not be seen: the service is busy"
        ]
    );
}

#[tokio::test]
async fn a_store_without_a_usable_point_makes_the_change_set_inapplicable() {
    let world = WORLD.replace(
        "\"rows\": 40, \"bytes\": 3100000000",
        "\"state\": { \"failed\": \"disk full\" }",
    );
    let restore = "[steps.back]\nrestore = \"app\"\nwith = { target = \"new\" }\n";
    assert_eq!(
        refused(restore, &world).await,
        [
            "store `app`: must be brought back and cannot be: its only point cannot be used for 2026-04-06T02:04Z: snapshot nightly of app: failed: disk full"
        ]
    );
    let plan = "format = 1\n[plan]\nname = \"p\"\ntitle = \"P\"\n[stores.app]\nkind = \"simulated.database\"\nwith = { name = \"app\" }\n\
                [steps.back]\nrestore = \"app\"\nwith = { target = \"new\" }\n[scenarios.all]\ngoal = [\"back\"]\n";
    let computed = Setting::new(plan, &world)
        .plan("all", Request::new(Asked::Latest))
        .await;
    assert_eq!(computed.change_set.selections[0].choice, Choice::Impossible);
    assert!(computed.applicable().is_err());
}
