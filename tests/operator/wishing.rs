//! What `plan` says of wishes that cannot be fulfilled, and of what everybody should know.

use serde_json::Value;
use serde_json::json;

use crate::support::Folder;

/// Two stores, and a scenario that brings back one of them.
const SHOP: &str = r#"
format = 1
[plan]
name = "shop"
title = "Recover the shop"
[providers.simulated]
[stores.orders]
kind = "simulated.database"
class = "authoritative"
with = { name = "orders" }
[stores.carts]
kind = "simulated.database"
class = "authoritative"
with = { name = "carts" }
[steps.orders]
restore = "orders"
with = { target = "orders-new" }
[steps.carts]
restore = "carts"
with = { target = "carts-new" }
[scenarios.full]
goal = ["orders", "carts"]
[scenarios.orders]
goal = ["orders"]
"#;

#[test]
fn the_json_of_a_plan_has_the_problems_that_keep_it_from_being_applied() {
    let folder = Folder::with(SHOP, &json!({}));
    let said = folder
        .salvor(&["plan", "--scenario", "orders", "--json"])
        .ends_with(4);
    let printed: Value = serde_json::from_str(&said.stdout).expect("JSON");
    assert_eq!(printed["change-set"]["plan"], "shop");
    let problem = &printed["problems"][0];
    let what = problem["what"].as_str().expect("a text");
    assert!(what.contains("must be brought back"), "{printed}");
    assert_eq!(problem["subject"], json!({ "store": "orders" }));
}

#[test]
fn a_warning_that_is_denied_ends_as_an_error_does() {
    let steps = "[steps.load]\nuses = \"exec\"\nwith = { argv = [\"/bin/true\"] }\n";
    let folder = Folder::of_steps(steps, &["load"], &json!({}));
    folder.salvor(&["check"]).ends_with(0).says("[trap]");
    let check = |deny: &str| folder.salvor(&["check", "--deny", deny]);
    check("not-fenced").ends_with(0);
    check("trap").ends_with(3).says("--deny names: trap");
    check("warnings")
        .ends_with(3)
        .says("--deny names: unkeyed-steps, trap");
    check("tarp").ends_with(2).says("did you mean `trap`?");
}

#[test]
fn a_point_of_a_store_that_the_scenario_does_not_restore_is_refused() {
    let folder = Folder::with(SHOP, &json!({}));
    folder
        .salvor(&["plan", "--scenario", "orders", "--point", "carts=nightly"])
        .ends_with(2)
        .says("scenario `orders` does not restore `carts`")
        .says("restores orders");
}

#[test]
fn what_is_the_same_for_several_steps_is_said_once() {
    let steps = r#"
[steps.one]
uses = "exec"
with = { argv = ["/bin/true"], class = "convergent" }
[steps.two]
uses = "exec"
with = { argv = ["/bin/true"], class = "convergent" }
"#;
    let folder = Folder::of_steps(steps, &["one", "two"], &json!({}));
    let said = folder.salvor(&["plan"]).ends_with(0).says("`one`, `two`: ");
    assert_eq!(said.stdout.matches("an exit code of 0").count(), 1);
}

#[test]
fn programs_that_hide_their_failures_are_pointed_at() {
    let plan_of = |argv: &str| {
        let steps = format!(
            "[steps.load]\nuses = \"exec\"\nwith = {{ argv = {argv}, class = \"convergent\" }}\n"
        );
        let folder = Folder::of_steps(&steps, &["load"], &json!({}));
        folder.salvor(&["plan"]).ends_with(0).stdout
    };
    for (argv, words) in [
        (
            r#"["/bin/sh", "-c", "gunzip -c a.gz | psql"]"#,
            "a pipeline in a shell's",
        ),
        (
            r#"["bash", "-euc", "gunzip -c a.gz | psql"]"#,
            "a pipeline in a shell's",
        ),
        (
            r#"["psql", "-d", "shop", "-f", "shop.sql"]"#,
            "psql goes on after an error",
        ),
        (
            r#"["psql", "-d", "shop"]"#,
            "psql reads what it is to do from its input",
        ),
        (
            r#"["pg_restore", "-d", "shop", "shop.dump"]"#,
            "pg_restore goes on after an",
        ),
        (
            r#"["pg_restore", "-1", "-d", "shop", "--clean", "shop.dump"]"#,
            "pg_restore drops what is there",
        ),
    ] {
        let said = plan_of(argv);
        assert!(said.contains(words), "{argv}: {said}");
    }
    for argv in [
        r#"["psql", "-v", "ON_ERROR_STOP=1", "-f", "shop.sql"]"#,
        r#"["psql", "-v", "ON_ERROR_STOP=1"]"#,
        r#"["psql", "-c", "select 1"]"#,
        r#"["sh", "-c", "exec ./load"]"#,
        r#"["bash", "-c", "set -euo pipefail; gunzip -c a.gz | ./load"]"#,
    ] {
        let said = plan_of(argv);
        let is_trapped = said.contains("psql goes on") || said.contains("psql reads");
        assert!(
            !is_trapped && !said.contains("a pipeline"),
            "{argv}: {said}"
        );
    }
}
