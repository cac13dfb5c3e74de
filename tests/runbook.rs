//! `salvor runbook`: every scenario of every plan as a person works through it, with commands that a shell can read.

use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;

use salvor::builtin_providers::registry;
use salvor::model::read;

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

fn runbook(plan: &Path, scenario: &str, format: &str) -> String {
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

/// The code blocks of a Markdown text.
fn blocks(markdown: &str) -> Vec<String> {
    let (mut blocks, mut open) = (Vec::new(), None::<(String, String)>);
    for line in markdown.lines() {
        open = match open {
            Some((fence, block)) if line == fence => {
                blocks.push(block);
                None
            }
            Some((fence, block)) => Some((fence, format!("{block}{line}\n"))),
            None => line
                .strip_suffix("sh")
                .filter(|fence| fence.starts_with("```"))
                .map(|fence| (fence.to_owned(), String::new())),
        };
    }
    assert!(open.is_none(), "a block is not closed:\n{markdown}");
    blocks
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
fn every_command_of_every_scenario_can_be_pasted() {
    let registry = registry();
    let mut commands = 0;
    for folder in plans() {
        let plan = read(&folder, &registry).plan.expect("a valid plan");
        for scenario in &plan.scenarios {
            let name = &scenario.name.name;
            let markdown = runbook(&folder, name, "markdown");
            for block in blocks(&markdown) {
                commands += 1;
                if let Err(said) = is_read_by_a_shell(&block) {
                    panic!("{} · {name}: {said}\n{block}", folder.display());
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
            let fixed = style.split("width:").skip(1).map(|rest| {
                let end = rest.find([';', '}', ')']).unwrap_or(rest.len());
                &rest[..end]
            });
            let fixed: Vec<&str> = fixed
                .filter(|width| width.ends_with("px") && width.len() > "9.9px".len())
                .collect();
            assert!(fixed.is_empty(), "{place}: {fixed:?}");
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
    let salvor = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_salvor"))
            .args(arguments)
            .current_dir(folder.path())
            .output()
            .expect("salvor runs");
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
}
