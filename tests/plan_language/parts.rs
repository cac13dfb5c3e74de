//! What a plan is put together of: variants, groups, steps that are there in one case and not in another.

use salvor::model::GivenInputs;
use salvor::model::instance::StoreRole;
use salvor::model::read;
use salvor::plan_file::Look;
use salvor::plan_file::show;
use salvor_contract::StepName;
use salvor_contract::StoreName;
use serde_json::json;

use crate::instances::HEAD;
use crate::instances::instance;
use crate::instances::plan_of;
use crate::provider::registry;

#[test]
fn a_variant_gives_the_same_outputs_whatever_is_behind_them() {
    let plan = format!(
        "{HEAD}
[inputs]
platform = {{ type = \"enum\", of = [\"aws\", \"own\"] }}

[variants.database]
by     = \"platform\"
offers = [\"endpoint\", \"port\"]
files  = {{ aws = \"database/aws.toml\", own = \"database/own.toml\" }}

[steps.check]
uses = \"http.check\"
with = {{ url = \"https://{{{{database.endpoint}}}}:{{{{text database.port}}}}/\" }}

[scenarios.full]
goal = [\"check\"]
"
    );
    let plan = plan_of(&[
        ("plan.toml", &plan),
        (
            "database/aws.toml",
            "[steps.database]\nuses = \"cloud.restore\"\nwith = { target = \"a\", class = \"large\" }\n\
             [offers]\nendpoint = \"{{steps.database.endpoint}}\"\nport = \"{{steps.database.port}}\"\n",
        ),
        (
            "database/own.toml",
            "[offers]\nendpoint = \"db.internal\"\nport = 5432\n",
        ),
    ]);
    let aws = instance(&plan, "full", &[("platform", "aws")]);
    let check = &aws.steps[&StepName::from("check")];
    assert_eq!(
        check.with.get("url"),
        Some(
            &json!({"$template": "https://{{steps.database.endpoint}}:{{text steps.database.port}}/"})
        )
    );
    assert!(check.references.contains("database"));
    let own = instance(&plan, "full", &[("platform", "own")]);
    let check = &own.steps[&StepName::from("check")];
    assert_eq!(check.with.text("url"), Some("https://db.internal:5432/"));
    assert!(check.references.is_empty());
    assert_eq!(own.steps.len(), 1);
}

#[test]
fn a_store_is_restored_by_the_action_that_the_step_names() {
    let plan = format!(
        "{HEAD}
[stores.metadata]
kind = \"cloud.database\"
with = {{ instance = \"app\" }}

[steps.over]
restore = \"metadata\"
uses    = \"cloud.overwrite\"
with    = {{ instance = \"app\" }}

[steps.proof]
verify = \"metadata\"
uses   = \"http.check\"
needs  = [\"over\"]
with   = {{ url = \"https://app.example/{{{{stores.metadata.point.id}}}}\" }}

[scenarios.full]
goal = [\"proof\"]
"
    );
    let made = instance(&plan_of(&[("plan.toml", &plan)]), "full", &[]);
    let over = &made.steps[&StepName::from("over")];
    assert_eq!(over.action.as_str(), "cloud.overwrite");
    assert_eq!(over.with.text("instance"), Some("app"));
    let metadata = StoreName::from("metadata");
    assert_eq!(over.store, Some((StoreRole::Restore, metadata.clone())));
    let proof = &made.steps[&StepName::from("proof")];
    assert_eq!(proof.action.as_str(), "system.http-check");
    assert_eq!(proof.store, Some((StoreRole::Verify, metadata)));
}

#[test]
fn a_group_brings_steps_of_its_own_under_its_name() {
    let plan = format!(
        "{HEAD}
[inputs]
mode = {{ type = \"enum\", of = [\"new\", \"old\"], default = \"new\" }}

[steps.infra]
uses = \"manual\"
with = {{ ask = \"ready?\" }}

[groups.search]
file  = \"../shared/search.toml\"
needs = [\"infra\"]
with  = {{ host = \"{{{{inputs.mode}}}}.example\", replicas = 3, mode = \"{{{{inputs.mode}}}}\" }}

[scenarios.full]
goal = [\"search-start\"]
"
    );
    let shared = "
[inputs]
host     = { type = \"string\" }
replicas = { type = \"integer\", default = 2 }
mode     = { type = \"enum\", of = [\"new\", \"old\"] }
note     = { type = \"string\", optional = true }

[stores.index]
kind = \"cloud.database\"
with = { instance = \"{{inputs.host}}\" }

[steps.restore]
restore = \"index\"
with    = { target = \"{{inputs.host}}-copy\", class = \"large\", tags = { key = \"index\", when = \"mode == old\", after = \"start\" } }

[steps.start]
uses  = \"cloud.scale\"
needs = [\"restore\"]
with  = { deployment = \"{{steps.restore.endpoint}}\", replicas = \"{{inputs.replicas}}\" }

[steps.ask]
uses  = \"manual\"
when  = \"mode == old\"
after = [\"start\"]
with  = { ask = \"?\", role = \"{{inputs.note}}\" }
";
    let dir = tempfile::tempdir().expect("a folder");
    for (name, text) in [
        ("plan/plan.toml", plan.as_str()),
        ("shared/search.toml", shared),
    ] {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().expect("below")).expect("a folder");
        std::fs::write(path, text).expect("written");
    }
    let reading = read(&dir.path().join("plan"), &registry());
    let shown = show(&reading.problems, &reading.sources, Look::Plain);
    let plan = reading.plan.unwrap_or_else(|| panic!("{shown}"));
    let made = instance(&plan, "full", &[]);
    let names: Vec<&str> = made.steps.keys().map(StepName::as_str).collect();
    assert_eq!(names, ["infra", "search-restore", "search-start"]);
    let restore = &made.steps[&StepName::from("search-restore")];
    assert_eq!(restore.with.text("target"), Some("new.example-copy"));
    // What an action takes is not of the language, whatever it is called.
    let tags = json!({"key": "index", "when": "mode == old", "after": "start"});
    assert_eq!(restore.with.get("tags"), Some(&tags));
    assert!(restore.needs.contains("infra"));
    let start = &made.steps[&StepName::from("search-start")];
    assert_eq!(start.with.get("replicas"), Some(&json!(3)));
    assert_eq!(
        start.with.get("deployment"),
        Some(&json!({"$template": "{{steps.search-restore.endpoint}}"}))
    );
    assert!(start.needs.contains("search-restore") && !start.needs.contains("infra"));
    assert_eq!(
        made.sources.keys().collect::<Vec<_>>(),
        ["../shared/search.toml", "plan.toml"]
    );
    let old = instance(&plan, "full", &[("mode", "old")]);
    assert!(
        old.steps[&StepName::from("search-ask")]
            .with
            .get("role")
            .is_none()
    );
}

#[test]
fn a_scenario_decides_conditions_and_when_points_are_known() {
    let plan = format!(
        "{HEAD}
[inputs]
mode = {{ type = \"enum\", of = [\"new\", \"in-place\"] }}

[stores.objects]
kind = \"cloud.database\"
with = {{ instance = \"a\" }}

[stores.rondb]
kind  = \"cloud.database\"
with  = {{ instance = \"b\" }}
known = {{ after = \"objects\", when = \"mode == new\" }}

[steps.objects]
restore = \"objects\"
with    = {{ target = \"a\", class = \"large\" }}

[steps.location]
uses = \"manual\"
when = \"mode == new\"
with = {{ ask = \"?\" }}

[steps.version]
uses  = \"manual\"
needs = [\"location\"]
with  = {{ ask = \"is it {{{{default stores.rondb.point.version 'unknown'}}}}?\" }}

[steps.install]
restore  = \"rondb\"
needs    = [\"version\"]
with     = {{ target = \"b\", class = \"large\" }}
destroys = {{ what = \"all of b\", when = \"mode == in-place\" }}

[scenarios.new]
inputs = {{ mode = \"new\" }}
goal   = [\"install\"]

[scenarios.in-place]
inputs = {{ mode = \"in-place\" }}
goal   = [\"install\", \"location\"]

[drills.quarterly]
scenario = \"new\"
every    = \"90d\"
only     = [\"version\"]
isolate  = {{ suffix = \"-drill\", steps = {{ install = {{ target = \"drill\" }} }}, leave-out = [\"location\"] }}
"
    );
    let plan = plan_of(&[("plan.toml", &plan)]);
    let new = instance(&plan, "new", &[]);
    let store = &new.stores[&StoreName::from("rondb")];
    assert_eq!(store.known_after, Some(StepName::from("objects")));
    let version = &new.steps[&StepName::from("version")];
    assert!(version.needs.contains("location") && version.references.contains("objects"));
    assert_eq!(new.steps[&StepName::from("install")].destroys, None);
    let old = instance(&plan, "in-place", &[]);
    assert_eq!(old.stores[&StoreName::from("rondb")].known_after, None);
    let version = &old.steps[&StepName::from("version")];
    assert!(version.needs.is_empty() && version.references.is_empty());
    assert_eq!(
        old.steps[&StepName::from("install")].destroys.as_deref(),
        Some("all of b")
    );
    assert_eq!(old.scenario.goal, [StepName::from("install")]);
    let drill = plan.drill("quarterly").expect("it is defined");
    let drilled = plan
        .drill_instance(drill, &GivenInputs::default())
        .expect("all is known");
    assert_eq!(
        drilled.steps[&StepName::from("install")]
            .with
            .text("target"),
        Some("drill")
    );
    assert!(!drilled.steps.contains_key("location"));
    assert_eq!(drilled.scenario.goal, [StepName::from("version")]);
}
