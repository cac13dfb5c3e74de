//! One plan with every kind of store and step, and all that a person reads of it.

use salvor::change_set::Asked;
use salvor::recovery_points::Request;
use salvor::report::Look;
use salvor::report::change_set_markdown;

use crate::setting::Setting;
use crate::setting::problems;
use crate::setting::shown;
use crate::setting::time;

const PLAN: &str = r#"
format = 1

[plan]
name  = "calabi"
title = "Recover one Calabi tenant"

[inputs]
tenant = { type = "string", default = "acme" }

[stores.metadata]
title = "Metadata database"
kind  = "simulated.database"
class = "authoritative"
with  = { name = "{{inputs.tenant}}" }

[stores.pipelines]
title = "Pipelines database"
kind  = "simulated.database"
class = "authoritative"
with  = { name = "pipelines" }
rpo   = "24h"

[stores.search]
title = "Search index"
kind  = "simulated.index"
class = "rebuildable"
with  = { name = "catalogue" }

[stores.redis]
class = "ephemeral"
why   = "warmed on demand"

[steps.metadata]
restore = "metadata"
with    = { target = "{{inputs.tenant}}-restored" }
expect  = "12m"

[steps.stop]
uses = "simulated.scale"
with = { deployment = "scheduler", replicas = 0 }

[steps.pipelines]
title    = "Overwrite the pipelines database"
restore  = "pipelines"
needs    = ["stop"]
destroys = "the old pipelines database"
with     = { target = "pipelines" }
expect   = "7m"

[steps.start]
uses    = "simulated.scale"
needs   = ["pipelines"]
finally = true
with    = { deployment = "scheduler", replicas = "{{steps.stop.previous}}" }

[steps.search]
restore = "search"
after   = ["metadata"]
with    = { target = "catalogue-new" }

[steps.point-apps]
uses  = "simulated.run"
needs = ["pipelines"]
with  = { target = "database-host", value = "{{steps.metadata.endpoint}}", class = "convergent" }

[steps.smoke]
uses  = "simulated.check"
needs = ["point-apps"]
after = ["start", "search"]
with  = { fact = "databases/{{inputs.tenant}}-restored/rows", at-least = 1 }

[scenarios.pitr]
title = "Back to a moment"
goal  = ["smoke"]
rpo   = "5m"
rto   = "15m"

[scenarios.full]
goal = ["smoke", "search"]
rpo  = "24h"
"#;

const WORLD: &str = r#"{
    "databases": {
        "acme": { "rows": 4100, "rows-per-hour": 10, "bytes": 61000000000, "created": "2025-01-01T00:00:00Z",
                  "data-until": "2026-04-06T01:58:40Z", "pitr-from": "2026-03-30T02:00:00Z" },
        "pipelines": { "rows": 41, "bytes": 3200000000, "created": "2025-01-01T00:00:00Z",
                       "data-until": "2026-04-06T02:00:00Z" }
    },
    "indices": { "catalogue": { "rows": 900, "bytes": 500000, "created": "2025-01-01T00:00:00Z",
                                "data-until": "2026-04-06T02:00:00Z" } },
    "deployments": { "scheduler": { "replicas": 2 } },
    "backups": {
        "databases/pipelines": [
            { "id": "2026-04-06", "at": "2026-04-06T02:00:00Z", "rows": 41, "bytes": 3200000000 },
            { "id": "2026-04-05", "at": "2026-04-05T02:00:00Z", "rows": 40, "bytes": 3100000000 } ],
        "indices/catalogue": [
            { "id": "nightly", "at": "2026-04-05T02:30:00Z", "rows": 880, "bytes": 490000 } ]
    }
}"#;

/// The moment that people want back.
pub fn goal() -> Request {
    Request::new(Asked::At(time("2026-04-06T01:30:00Z")))
}

/// The plan in its world.
pub fn calabi() -> Setting {
    Setting::new(PLAN, WORLD)
}

const FULL: &str = r#"calabi · full · goal 2026-04-06T01:30Z · surveyed 02:04:00Z
inputs: tenant acme

Recovery points
  store      from                                        loses        why
  metadata   PITR of acme at 2026-04-06T01:30Z, 61.0 GB  34 min       inside its window (6 d 23 h, up to
                                                                      2026-04-06T01:58:40Z)
  pipelines  snapshot 2026-04-05 of pipelines, 3.1 GB    24 h 04 min  newest usable one not after the goal; 1
                                                                      after the goal
  redis      not restored                                -            ephemeral, warmed on demand
  search     snapshot nightly of catalogue, 490 kB       23 h 34 min  newest usable one not after the goal

  skew  `metadata` is 23 h 30 min newer than `pipelines`: what `metadata` got after 2026-04-05T02:00Z is not
        in `pipelines`
  skew  `metadata` is 23 h newer than `search`: what `metadata` got after 2026-04-05T02:30Z is not in `search`

Changes
  + metadata    create    database acme-restored: 4100 rows come from PITR of acme (61.0 GB to move)
  + search      create    index catalogue-new: 880 rows come from snapshot nightly of catalogue (490 kB to
                          move)
  ~ stop        change    deployment scheduler: 2 → 0 replicas
  ! pipelines   replace   database pipelines: 41 rows go, 40 rows come from snapshot 2026-04-05 of pipelines
                          (3.1 GB to move)
  > point-apps  run       sets database-host to "(known after metadata: its endpoint)"
  ~ start       change    simulated.scale simulated.deployment world.json/scheduler (changed by stop first);
                          also when the run fails
    1 only look: smoke

Destroys
  pipelines  database pipelines: 41 rows, 3.2 GB: to be confirmed by typing pipelines/3116

Objectives
  RPO 24 h  met by metadata, pipelines, search
  time      at least 12 min: metadata → search → smoke; from the plan; no data for search, smoke

Not shown
  metadata  the endpoint of acme-restored
  search    the endpoint of catalogue-new

2 to create, 2 to change, 1 to replace, 0 to delete, 1 to run, 0 manual.
Digest DIGEST, good until 2026-04-07T02:04Z.
"#;

#[tokio::test]
async fn a_plan_says_from_which_moment_what_is_lost_and_what_changes() {
    let computed = calabi().plan("full", goal()).await;
    assert_eq!(problems(&computed), [""; 0]);
    assert_eq!(shown(&computed), FULL);
}

#[tokio::test]
async fn objectives_are_judged_before_anything_runs() {
    let computed = calabi().plan("pitr", goal()).await;
    let text = shown(&computed);
    let (_, objectives) = text.split_once("Objectives\n").expect("objectives");
    let (objectives, _) = objectives.split_once("\n\n").expect("another section");
    assert_eq!(
        objectives,
        "  RPO 5 min   met by metadata\n  \
           RPO 24 h    met by pipelines\n  \
           RTO 15 min  at least 12 min: metadata → point-apps → smoke; from the plan; no data for point-apps, smoke"
    );
    let order: Vec<&str> = computed
        .change_set
        .steps
        .iter()
        .map(|step| step.name.as_str())
        .collect();
    assert_eq!(
        order,
        [
            "metadata",
            "stop",
            "pipelines",
            "point-apps",
            "start",
            "smoke"
        ]
    );
}

#[tokio::test]
async fn what_a_step_gives_stays_a_template_and_is_known_for_the_preview() {
    let computed = calabi().plan("full", goal()).await;
    let start = computed.change_set.step(&"start".into()).expect("a step");
    let replicas = start.with.get("replicas").expect("an input").to_string();
    assert_eq!(replicas, r#"{"$template":"{{steps.stop.previous}}"}"#);
    let metadata = computed
        .change_set
        .step(&"metadata".into())
        .expect("a step");
    assert_eq!(metadata.with.text("target"), Some("acme-restored"));
    assert_eq!(
        metadata.writes[0].to_string(),
        "simulated.content world.json/acme-restored"
    );
}

#[tokio::test]
async fn a_pull_request_gets_the_same_words() {
    let computed = calabi().plan("full", goal()).await;
    let look = Look {
        width: 0,
        zone: None,
        with_details: false,
    };
    let text = change_set_markdown(&computed.change_set, &computed.problems, &look);
    for line in [
        "| search | snapshot nightly of catalogue, 490 kB | 23 h 34 min | newest usable one not after the goal |",
        "| `!` | pipelines | replace | database pipelines: 41 rows go, 40 rows come from snapshot 2026-04-05 of pipelines (3.1 GB to move) |",
        "- pipelines: database pipelines: 41 rows, 3.2 GB (`pipelines/3116`)",
        "| RPO 24 h | met by metadata, pipelines, search |",
        "Inputs: tenant acme.",
        "2 to create, 2 to change, 1 to replace, 0 to delete, 1 to run, 0 manual.",
    ] {
        assert!(
            text.lines().any(|written| written == line),
            "{line}\n\n{text}"
        );
    }
}

#[tokio::test]
async fn a_thousand_steps_make_a_change_set() {
    let steps: String = (0..1000)
        .map(|i| {
            let needs = if i < 10 { String::new() } else { format!("needs = [\"s{:04}\"]\n", i - 10) };
            format!("[steps.s{i:04}]\nuses = \"simulated.check\"\n{needs}with = {{ fact = \"values/x{i}/value\" }}\n")
        })
        .collect();
    let goals: Vec<String> = (990..1000).map(|i| format!("\"s{i:04}\"")).collect();
    let plan = format!(
        "format = 1\n[plan]\nname = \"large\"\ntitle = \"Large\"\n{steps}\n[scenarios.all]\ngoal = [{}]\n",
        goals.join(", ")
    );
    let computed = Setting::new(&plan, "{}")
        .plan("all", Request::new(Asked::Latest))
        .await;
    assert_eq!(problems(&computed), [""; 0]);
    assert_eq!(computed.change_set.steps.len(), 1000);
    assert_eq!(computed.change_set.forecast.critical_path.len(), 100);
}
