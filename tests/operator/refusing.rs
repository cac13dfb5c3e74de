//! What no world could make good is said when the plan is read, and not when the turn of its step has come.

use serde_json::json;

use crate::support::Folder;

/// The step that is refused comes after one that destroys.
const STEPS: &str = r#"
[inputs]
page = { type = "string", default = "https://shop.example/health" }
[stores.carts]
kind = "manual"
with = { place = "the vault", id = "a", id-pattern = "(a", at = 2026-01-01T00:00:00Z }
[stores.dumps]
kind = "postgres.dumps"
class = "ephemeral"
why = "made anew"
with = { url = "file:///backups/", pattern = "x-{timestmp}.dump", time = "25:00" }
[stores.pages]
kind = "objects.dated"
class = "ephemeral"
why = "made anew"
with = { url = "file:///backups/", pattern = "{year}/" }
[steps.wipe]
uses = "exec"
destroys = "everything"
with = { argv = ["/bin/true"], class = "unkeyed" }
[steps.ask]
uses = "manual"
needs = ["wipe"]
with = { ask = "How many?", role = "platform", expects = "[0-9" }
[steps.look]
uses = "http.check"
needs = ["ask"]
with = { url = "shop.example", json = { "ok" = true } }
[steps.page]
uses = "http.check"
needs = ["look"]
with = { url = "{{inputs.page}}", json = { "/ok" = "=> 3" } }
[steps.write]
uses = "render"
needs = ["page"]
with = { template = "/etc/passwd", target = "../../x" }
"#;

#[test]
fn an_input_that_can_never_be_taken_is_an_error_of_the_plan() {
    let folder = Folder::of_steps(STEPS, &["write"], &json!({}));
    let mut said = folder.salvor(&["check"]).ends_with(3);
    for what in [
        "`expects` is not a regular expression: [0-9",
        "shop.example is not a URL",
        "`ok` is not a JSON pointer",
        "`=> 3` begins with a sign that is none",
        "the template /etc/passwd is not below the plan's folder",
        "the target ../../x leaves the plan's folder",
        "pattern: `{timestmp}` is not one of {date}, {time}, {timestamp}",
        "time: `25:00` is not a time of day",
        "the pattern `{year}/` is not one of dated names: it names no day",
        "`id-pattern` is not a regular expression: (a",
    ] {
        said = said.says(what);
    }
    folder
        .salvor(&["plan", "--input", "page=nothing"])
        .ends_with(3)
        .says("leaves the plan's folder");
}

#[test]
fn a_secret_that_stands_in_a_step_is_told_and_not_shown() {
    let steps = r#"
[steps.load]
uses = "exec"
with = { argv = ["psql", "postgres://u:hunter2@h/db"], env = { PGPASSWORD = "hunter2" }, class = "read" }
[steps.ask]
uses = "manual"
needs = ["load"]
with = { ask = "Type it.", role = "platform", commands = ["PGPASSWORD=hunter2 psql", "PGPASSWORD=$MINE psql"] }
[steps.look]
uses = "http.check"
needs = ["ask"]
with = { url = "ftp://u:hunter2@shop.example/", json = { "/ok" = true } }
"#;
    let folder = Folder::of_steps(steps, &["look"], &json!({}));
    let said = folder
        .salvor(&["check"])
        .ends_with(3)
        .says("a URL has its password as text")
        .says("`PGPASSWORD` is given its secret as text")
        .says("4 errors");
    assert!(!said.all().contains("hunter2"), "{}", said.all());
}

#[test]
fn an_input_that_is_given_is_judged_when_it_is_given() {
    let steps = r#"
[inputs]
page = { type = "string", default = "https://shop.example/health" }
[steps.look]
uses = "http.check"
with = { url = "{{inputs.page}}", json = { "/ok" = true } }
"#;
    let folder = Folder::of_steps(steps, &["look"], &json!({}));
    folder.salvor(&["check"]).ends_with(0);
    folder
        .salvor(&["plan", "--input", "page=nothing"])
        .ends_with(3)
        .says("nothing is not a URL");
}
