//! Every scenario of every plan as a person works through it, with commands that a shell can read.

use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;

use salvor::builtin_providers::registry;
use salvor::model::read;

use crate::typed::Typed;
use crate::typed::typed;
use crate::variables::missing;

fn plans() -> Vec<PathBuf> {
    let plans = Path::new(env!("CARGO_MANIFEST_DIR")).join("plans");
    let mut folders: Vec<PathBuf> = std::fs::read_dir(plans)
        .expect("plans/ is part of the repository")
        .map(|entry| entry.expect("an entry of plans/").path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders
}

pub fn runbook(plan: &Path, scenario: &str, format: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_salvor"));
    command
        .arg("runbook")
        .arg(plan)
        .args(["--scenario", scenario, "--format", format]);
    let example = plan.join("example.inputs.toml");
    if example.exists() {
        command.arg("--inputs").arg(example);
    }
    let output = command.output().expect("salvor runs");
    let text = String::from_utf8(output.stdout).expect("a runbook is UTF-8");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{} · {scenario}\n{said}",
        plan.display()
    );
    assert!(
        !text.contains(['\u{e000}', '\u{e001}']),
        "a slot was not filled:\n{text}"
    );
    text
}

/// Lets a shell read a text without running it.
fn is_read_by_a_shell(text: &str) -> Result<(), String> {
    let mut shell = Command::new("sh")
        .arg("-n")
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a shell");
    let mut input = shell.stdin.take().expect("its input");
    input.write_all(text.as_bytes()).expect("it reads");
    drop(input);
    let output = shell.wait_with_output().expect("it ends");
    if output.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

#[test]
fn every_command_of_every_scenario_can_be_pasted_and_has_its_variables() {
    let registry = registry();
    let mut commands = 0;
    for folder in plans() {
        let plan = read(&folder, &registry).plan.expect("a valid plan");
        for scenario in &plan.scenarios {
            let name = &scenario.name.name;
            let markdown = runbook(&folder, name, "markdown");
            let place = format!("{} · {name}", folder.display());
            assert_eq!(missing(&markdown), Vec::<String>::new(), "{place}");
            for Typed {
                commands: block, ..
            } in typed(&markdown)
            {
                commands += 1;
                if let Err(said) = is_read_by_a_shell(&block) {
                    panic!("{place}: {said}\n{block}");
                }
            }
        }
    }
    assert!(commands > 100, "only {commands} blocks were found");
}

#[test]
fn a_shell_refuses_what_is_no_command() {
    is_read_by_a_shell("echo 'open").expect_err("an open quote");
}

#[test]
fn what_is_known_later_is_a_variable_that_must_be_set() {
    let plan = Path::new(env!("CARGO_MANIFEST_DIR")).join("plans/calabi");
    let text = runbook(&plan, "full", "markdown");
    assert!(
        text.contains("PIPELINES_STOP_ANSWER=  # The words of the answer."),
        "{text}"
    );
    assert!(
        text.contains("--replicas=\"${PIPELINES_STOP_ANSWER:?}\""),
        "{text}"
    );
}

#[test]
fn every_page_fits_a_phone_and_begins_with_its_steps() {
    let registry = registry();
    for folder in plans() {
        let plan = read(&folder, &registry).plan.expect("a valid plan");
        for scenario in &plan.scenarios {
            let name = &scenario.name.name;
            let page = runbook(&folder, name, "html");
            let at = |what: &str| page.find(what);
            let place = format!("{} · {name}", folder.display());
            let viewport =
                "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">";
            assert!(at(viewport).is_some(), "{place}");
            // Nothing is wider than the page: what is typed wraps, a line under itself, and breaks where it must.
            assert!(at("overflow-wrap:anywhere").is_some(), "{place}");
            assert!(at("white-space:pre-wrap").is_some(), "{place}");
            let bare = page.split("<pre>").skip(1);
            for block in bare {
                assert!(block.starts_with("<span>"), "{place}: {block}");
            }
            let style = page.split("</style>").next().expect("a page has a style");
            assert_eq!(too_wide(style), Vec::<&str>::new(), "{place}");
            let first = at("<section class=\"step\">").expect("a runbook has steps");
            for table in page.match_indices("<table").map(|(place, _)| place) {
                assert!(
                    first < table,
                    "{place}: a table keeps the reader from step 1"
                );
            }
        }
    }
}

#[test]
fn a_page_is_whole_and_shows_markup_as_text() {
    let plan = Path::new(env!("CARGO_MANIFEST_DIR")).join("plans/calabi");
    let page = runbook(&plan, "full", "html");
    assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
    assert!(
        !page.contains("src=") && !page.contains("href="),
        "a page needs no network"
    );
    assert!(page.contains("&#39;"), "quotes of commands are text");
}

#[test]
fn a_secret_is_named_by_where_it_is_kept() {
    let plan = Path::new(env!("CARGO_MANIFEST_DIR")).join("plans/calabi");
    let text = runbook(&plan, "full", "markdown");
    assert!(
        text.contains("PGPASSWORD=\"${CALABI_RDS_PASSWORD:?}\" createdb "),
        "{text}"
    );
    assert!(
        text.contains("&lt;env:CALABI\\_RDS\\_PASSWORD&gt;"),
        "{text}"
    );
}

/// A plan that brings a dated folder back, and one backup of it.
const DATED: &str = r#"
format = 1

[plan]
name  = "dated"
title = "Bring the photos back"

[stores.photos]
kind = "objects.dated"
with = { url = "file://backups/", pattern = "{date}/", time = "02:00" }

[steps.photos]
restore = "photos"
with    = { target = "file://photos/" }

[scenarios.full]
goal = ["photos"]
"#;

#[test]
fn the_points_of_a_change_set_are_filled_in() {
    let folder = tempfile::tempdir().expect("a folder");
    let backup = folder.path().join("backups/2020-04-05");
    std::fs::create_dir_all(&backup).expect("a backup");
    std::fs::write(backup.join("a.jpg"), "a").expect("a photo");
    std::fs::write(folder.path().join("plan.toml"), DATED).expect("a plan");
    let command = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_salvor"))
            .args(arguments)
            .current_dir(folder.path())
            .output()
            .expect("salvor runs")
    };
    let salvor = |arguments: &[&str]| {
        let output = command(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let open = salvor(&["runbook"]);
    assert!(open.contains("\"${PHOTOS_POINT_URL:?}\""), "{open}");
    assert!(
        open.contains("PHOTOS_POINT_URL=  # url of the recovery point of photos"),
        "{open}"
    );
    salvor(&["plan", "--out", "reviewed.changeset"]);
    let chosen = salvor(&["runbook", "--change-set", "reviewed.changeset"]);
    assert!(chosen.contains("2020-04-05/"), "{chosen}");
    assert!(!chosen.contains("PHOTOS_POINT_URL"), "{chosen}");
    let plan = std::fs::read_to_string(folder.path().join("plan.toml")).expect("written");
    let other = plan.replacen("name", "name = \"another\" #", 1);
    std::fs::write(folder.path().join("plan.toml"), other).expect("written");
    let refused = command(&["runbook", "--change-set", "reviewed.changeset"]);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(4), "{said}");
    assert!(said.contains("not for scenario `"), "{said}");
}

/// A tree and a file, from one folder to another and from one bucket to another.
fn moved(scheme: &str, endpoint: &str) -> String {
    format!(
        r#"
format = 1
plan   = {{ name = "moved", title = "Bring the photos back" }}
[providers.objects]
{endpoint}
[stores.photos]
kind = "objects.dated"
with = {{ url = "{scheme}backups/", pattern = "photos-{{date}}.zip", time = "02:00" }}
[steps.archive]
restore = "photos"
with    = {{ target = "{scheme}new/archive" }}
[steps.tree]
uses = "objects.sync"
with = {{ source = "{scheme}old/tree", target = "{scheme}new/tree" }}
[steps.exact]
uses     = "objects.sync"
destroys = "what only the target has"
with     = {{ source = "{scheme}old/exact/", target = "{scheme}new/exact/", delete = true }}
[steps.one]
uses = "objects.copy"
with = {{ source = "{scheme}old/a.jpg", target = "{scheme}new/b.jpg" }}
[scenarios.full]
goal = ["archive", "exact", "one", "tree"]
"#
    )
}

#[test]
fn folders_are_named_so_that_programs_take_them_for_folders() {
    let transfers = |scheme: &str, endpoint: &str| {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("plan.toml"), moved(scheme, endpoint)).expect("a plan");
        let text = runbook(folder.path(), "full", "markdown");
        let is_typed = |line: &&str| line.starts_with("rsync") || line.starts_with("aws");
        let lines = text.lines().map(str::trim).filter(is_typed);
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(
        transfers("file:///srv/", ""),
        [
            "rsync -a --mkpath \"${PHOTOS_POINT_URL:?}\" /srv/new/archive/",
            "rsync -a --mkpath --delete /srv/old/exact/ /srv/new/exact/",
            "rsync -a --mkpath /srv/old/a.jpg /srv/new/b.jpg",
            "rsync -a --mkpath /srv/old/tree/ /srv/new/tree/",
        ]
    );
    let endpoint = "endpoint = \"http://127.0.0.1:9000\"";
    let aws = "--endpoint-url http://127.0.0.1:9000";
    assert_eq!(
        transfers("s3://photos/", endpoint),
        [
            format!("aws s3 cp {aws} \"${{PHOTOS_POINT_URL:?}}\" s3://photos/new/archive/"),
            format!("aws s3 sync {aws} --delete s3://photos/old/exact/ s3://photos/new/exact/"),
            format!("aws s3 cp {aws} s3://photos/old/a.jpg s3://photos/new/b.jpg"),
            format!("aws s3 sync {aws} s3://photos/old/tree/ s3://photos/new/tree/"),
        ]
    );
}

/// The widths that a page's style demands and a telephone does not have. `max-width` demands nothing.
fn too_wide(style: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for (at, _) in style.match_indices("width:") {
        let name = style[..at].rfind(['{', ';', '(']).map_or(0, |end| end + 1);
        let value = &style[at + "width:".len()..];
        let value = &value[..value.find([';', '}', ')']).unwrap_or(value.len())];
        let pixels = value.trim().strip_suffix("px").and_then(|n| n.parse().ok());
        if !style[name..at].trim().starts_with("max-") && pixels.is_some_and(|n: f64| n > 320.0) {
            found.push(&style[name..at + "width:".len() + value.len()]);
        }
    }
    found
}

#[test]
fn a_width_that_a_telephone_does_not_have_is_found() {
    let style =
        "body{max-width:960px;padding:0}td{min-width:720px} i{width:960px}u{stroke-width:2px}";
    assert_eq!(too_wide(style), ["min-width:720px", "width:960px"]);
}
