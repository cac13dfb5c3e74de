//! From the text of a plan to an instance.

use std::path::Path;

use salvor::graph::Graph;
use salvor::model::GivenInputs;
use salvor::model::Instance;
use salvor::model::Plan;
use salvor::model::read;
use salvor::plan_file::Look;
use salvor::plan_file::show;
use salvor_contract::StepName;
use salvor_contract::StoreName;
use serde_json::json;

use crate::provider::registry;

/// The plan of these files; the first is `plan.toml`.
pub fn plan_of(files: &[(&str, &str)]) -> Plan {
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

pub fn instance(plan: &Plan, scenario: &str, flags: &[(&str, &str)]) -> Instance {
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
    assert!(Path::new(&instance.state.at).is_relative());
}

/// What every plan of these tests begins with.
pub const HEAD: &str =
    "format = 1\n\n[plan]\nname = \"p\"\ntitle = \"P\"\n\n[providers.cloud]\nregion = \"r\"\n";

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
