//! From the text of a plan to an instance.

use std::path::Path;

use salvor::graph::Graph;
use salvor::model::GivenInputs;
use salvor::model::Instance;
use salvor::model::Plan;
use salvor::model::instance::StoreRole;
use salvor::model::read;
use salvor::plan_file::Look;
use salvor::plan_file::show;
use salvor_contract::StepName;
use salvor_contract::StoreName;
use serde_json::json;

use crate::provider::registry;

/// The plan of these files; the first is `plan.toml`.
fn plan_of(files: &[(&str, &str)]) -> Plan {
    let dir = tempfile::tempdir().expect("a folder for the plan");
    for (name, text) in files {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().expect("below the folder")).expect("a folder");
        std::fs::write(path, text).expect("the file is written");
    }
    let reading = read(dir.path(), &registry());
    let shown = show(&reading.problems, &reading.sources, Look::Plain);
    reading.plan.unwrap_or_else(|| panic!("{shown}"))
}

fn instance(plan: &Plan, scenario: &str, flags: &[(&str, &str)]) -> Instance {
    let given = GivenInputs {
        flags: flags
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        ..GivenInputs::default()
    };
    plan.instance(Some(scenario), &given)
        .unwrap_or_else(|problems| panic!("{}", show(&problems, &plan.sources, Look::Plain)))
}

const CALABI: &str = r#"
#:schema ../../schemas/plan.schema.json
format = 1

[plan]
name  = "calabi"
title = "Recover one tenant"

[inputs]
tenant   = { type = "string", pattern = "^[a-z0-9-]+$", help = "Tenant id" }
password = { type = "secret", default = "env:PGPASSWORD" }
region   = { type = "string", default = "us-east-1" }
tier     = { type = "enum", of = ["standard", "enhanced"], default = "standard" }

[tables.tier]
standard = { rpo = "1h", rto = "4h" }
enhanced = { rpo = "15m", rto = "1h" }

[providers.cloud]
region = "{{inputs.region}}"

[stores.metadata]
title  = "Metadata database"
kind   = "cloud.database"
with   = { instance = "calabi-{{inputs.tenant}}-rds" }
rpo    = "24h"
backup = { schedule = "0 2 * * *", keep = { daily = 30 }, pitr = "7d", interval = "5m" }

[stores.connect]
class = "external"
why   = "re-syncs from the source"

[steps.stop]
uses = "cloud.scale"
with = { deployment = "scheduler", replicas = 0 }

[steps.metadata]
restore = "metadata"
needs   = ["stop"]
timeout = "2h"
retry   = { attempts = 3, wait = "1s" }
with    = { target = "calabi-{{inputs.tenant}}-restore", class = "large", password = "{{inputs.password}}" }
destroys = "the instance calabi-{{inputs.tenant}}-restore"

[steps.start]
uses    = "cloud.scale"
finally = true
needs   = ["metadata"]
with    = { deployment = "scheduler", replicas = "{{steps.stop.previous}}" }

[steps.smoke]
uses  = "http.check"
needs = ["start"]
with  = { url = "https://{{steps.metadata.endpoint}}/{{inputs.tenant}}", json = { "/ok" = true } }

[scenarios.full]
goal = ["smoke"]
rpo  = { table = "tier", column = "rpo" }
rto  = "{{lookup tables.tier inputs.tier \"rto\"}}"

[[notify]]
on   = ["failed"]
uses = "system.notify"
with = { text = "run {{run.id}} failed" }
"#;

#[test]
fn an_ordinary_plan_becomes_an_instance() {
    let plan = plan_of(&[("plan.toml", CALABI)]);
    let instance = instance(&plan, "full", &[("tenant", "acme"), ("tier", "enhanced")]);
    assert_eq!(
        instance.scenario.rpo.map(|p| p.to_string()).as_deref(),
        Some("15m")
    );
    assert_eq!(
        instance.scenario.rto.map(|p| p.to_string()).as_deref(),
        Some("1h")
    );
    assert_eq!(
        instance.providers["cloud"].text("region"),
        Some("us-east-1")
    );
    let store = &instance.stores[&StoreName::from("metadata")];
    assert_eq!(store.with.text("instance"), Some("calabi-acme-rds"));
    assert_eq!(store.backup.keep["daily"], 30);
    let step = &instance.steps[&StepName::from("metadata")];
    assert_eq!(step.action.as_str(), "cloud.restore");
    assert_eq!(
        step.with.get("password"),
        Some(&json!({"secret": [{"from": "env:PGPASSWORD"}]}))
    );
    assert_eq!(
        step.destroys.as_deref(),
        Some("the instance calabi-acme-restore")
    );
    assert_eq!(step.retry.attempts, 3);
    let start = &instance.steps[&StepName::from("start")];
    assert_eq!(
        start.with.get("replicas"),
        Some(&json!({"$template": "{{steps.stop.previous}}"}))
    );
    let references: Vec<&str> = start.references.iter().map(StepName::as_str).collect();
    assert_eq!(references, ["stop"]);
    let smoke = &instance.steps[&StepName::from("smoke")];
    assert_eq!(
        smoke.with.get("url"),
        Some(&json!({"$template": "https://{{steps.metadata.endpoint}}/{{inputs.tenant}}"}))
    );
    assert_eq!(instance.sources.keys().collect::<Vec<_>>(), ["plan.toml"]);
    assert!(Path::new(&instance.state).is_relative());
}

const HEAD: &str =
    "format = 1\n\n[plan]\nname = \"p\"\ntitle = \"P\"\n\n[providers.cloud]\nregion = \"r\"\n";

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

/// The steps that a step goes after.
fn after(made: &Instance, step: &str) -> Vec<String> {
    let step = &made.steps[&StepName::from(step)];
    step.after.iter().map(ToString::to_string).collect()
}

#[test]
fn the_order_through_a_step_that_is_not_there_stays() {
    let plan = format!(
        "{HEAD}
[inputs]
cluster = {{ type = \"enum\", of = [\"healthy\", \"new\"] }}

[steps.assess]
uses  = \"manual\"
after = [\"turned\"]
with  = {{ ask = \"?\" }}

[steps.machines]
uses  = \"manual\"
when  = \"cluster == new\"
after = [\"assess\"]
with  = {{ ask = \"?\" }}

[steps.infra]
uses = \"manual\"
when = \"cluster == new\"
with = {{ ask = \"Are there machines after {{{{steps.machines.answer}}}}?\" }}

[steps.artifacts]
uses  = \"manual\"
needs = [\"infra\"]
with  = {{ ask = \"?\" }}

[steps.early]
uses  = \"manual\"
needs = [\"infra\"]
with  = {{ ask = \"?\" }}

[steps.look]
uses  = \"manual\"
when  = \"cluster == healthy\"
needs = [\"early\"]
with  = {{ ask = \"?\" }}

[steps.turned]
uses  = \"manual\"
when  = \"cluster == healthy\"
needs = [\"infra\"]
with  = {{ ask = \"?\" }}

[steps.undo]
uses    = \"manual\"
needs   = [\"infra\"]
finally = true
with    = {{ ask = \"?\" }}

[scenarios.full]
goal = [\"assess\", \"artifacts\", \"look\", \"turned\"]

[drills.quarterly]
scenario = \"full\"
every    = \"90d\"

[drills.quarterly.isolate]
leave-out = [\"infra\", \"early\"]
"
    );
    let plan = plan_of(&[("plan.toml", &plan)]);
    let healthy = instance(&plan, "full", &[("cluster", "healthy")]);
    assert_eq!(after(&healthy, "artifacts"), ["assess"]);
    assert_eq!(after(&healthy, "early"), ["assess"]);
    assert!(
        after(&healthy, "turned").is_empty(),
        "the plan says the other order itself"
    );
    assert!(
        !Graph::of(&healthy)
            .expect("a graph")
            .contains(&"undo".into())
    );
    let new = instance(&plan, "full", &[("cluster", "new")]);
    assert!(after(&new, "artifacts").is_empty());
    assert!(Graph::of(&new).expect("a graph").contains(&"undo".into()));
    let given = GivenInputs {
        flags: [("cluster".to_owned(), "healthy".to_owned())].into(),
        ..GivenInputs::default()
    };
    let drill = plan.drill("quarterly").expect("it is written");
    let drilled = plan.drill_instance(drill, &given).expect("all is given");
    assert_eq!(after(&drilled, "look"), ["assess"]);
    assert!(drilled.steps[&StepName::from("look")].needs.is_empty());
}

#[test]
fn a_drill_moves_what_its_scenario_fixes() {
    let plan = format!(
        "{HEAD}
[inputs]
target    = {{ type = \"string\" }}
temporary = {{ type = \"boolean\" }}

[steps.restore]
uses = \"cloud.restore\"
with = {{ target = \"{{{{inputs.target}}}}\", class = \"large\" }}

[steps.remove]
uses  = \"manual\"
when  = \"temporary\"
needs = [\"restore\"]
with  = {{ ask = \"Remove {{{{inputs.target}}}}.\" }}

[scenarios.full]
goal   = [\"restore\", \"remove\"]
inputs = {{ temporary = false, target = \"live\" }}

[drills.quarterly]
scenario = \"full\"
every    = \"90d\"

[drills.quarterly.isolate]
inputs = {{ temporary = true, target = \"copy\" }}
"
    );
    let plan = plan_of(&[("plan.toml", &plan)]);
    let live = instance(&plan, "full", &[]);
    assert_eq!(live.steps.len(), 1);
    let drill = plan.drill("quarterly").expect("it is written");
    let drilled = plan.drill_instance(drill, &GivenInputs::default());
    let drilled = drilled.expect("the drill gives all inputs");
    let target = |made: &Instance| {
        let restore = &made.steps[&StepName::from("restore")];
        restore.with.text("target").map(str::to_owned)
    };
    assert_eq!(target(&live).as_deref(), Some("live"));
    assert_eq!(target(&drilled).as_deref(), Some("copy"));
    assert!(drilled.steps.contains_key("remove"));
    let other = GivenInputs {
        flags: [("target".to_owned(), "elsewhere".to_owned())].into(),
        ..GivenInputs::default()
    };
    assert!(plan.instance(Some("full"), &other).is_err());
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

#[test]
fn a_flag_wins_over_the_environment_and_that_over_the_file() {
    let plan = format!(
        "{HEAD}
[inputs]
a = {{ type = \"string\", default = \"default\" }}
b = {{ type = \"list\", of = \"integer\", default = [1] }}
c = {{ type = \"secret\", optional = true }}
d = {{ type = \"time\", optional = true }}

[steps.ask]
uses = \"manual\"
with = {{ ask = \"{{{{inputs.a}}}} {{{{join inputs.b '-'}}}} {{{{default inputs.d 'never'}}}}\" }}

[steps.restore]
uses = \"cloud.restore\"
with = {{ target = \"t\", class = \"small\", password = \"{{{{inputs.c}}}}\" }}

[scenarios.full]
goal = [\"ask\", \"restore\"]
"
    );
    let plan = plan_of(&[("plan.toml", &plan)]);
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("inputs.toml");
    std::fs::write(
        &path,
        "a = \"file\"\nb = [2, 3]\nd = 2026-04-06T03:30:00+02:00\n",
    )
    .expect("written");
    let file = plan
        .read_inputs(&path)
        .map_err(|(problems, sources)| show(&problems, &sources, Look::Plain));
    let mut given = GivenInputs {
        file: file.expect("a good file"),
        ..GivenInputs::default()
    };
    let asked = |given: &GivenInputs| {
        let made = plan.instance(None, given).expect("all is given");
        made.steps[&StepName::from("ask")]
            .with
            .text("ask")
            .map(str::to_owned)
    };
    assert_eq!(
        asked(&given).as_deref(),
        Some("file 2-3 2026-04-06T01:30:00Z")
    );
    given
        .environment
        .insert("a".to_owned(), "environment".to_owned());
    assert_eq!(
        asked(&given).as_deref(),
        Some("environment 2-3 2026-04-06T01:30:00Z")
    );
    given.flags.insert("a".to_owned(), "{{run.id}}".to_owned());
    given.flags.insert("b".to_owned(), "7".to_owned());
    assert_eq!(
        asked(&given).as_deref(),
        Some("{{run.id}} 7 2026-04-06T01:30:00Z")
    );
    let made = plan.instance(None, &given).expect("all is given");
    assert!(
        made.steps[&StepName::from("restore")]
            .with
            .get("password")
            .is_none()
    );
    std::fs::write(&path, "aa = 1\nb = \"x\"\n").expect("written");
    let (problems, _) = plan.read_inputs(&path).expect_err("a bad file");
    assert_eq!(problems.errors(), 2);
}

#[test]
fn equal_plans_make_equal_instances() {
    let plan = plan_of(&[("plan.toml", CALABI)]);
    let one = instance(&plan, "full", &[("tenant", "acme")]);
    let two = instance(&plan, "full", &[("tenant", "acme")]);
    assert_eq!(one, two);
}

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
