//! Command lines that are wrong are refused with the right exit code, and with what to do.

use std::process::Command;

fn check(arguments: &[&str], code: i32, expected: &[&str]) {
    let output = Command::new(env!("CARGO_BIN_EXE_salvor"))
        .args(arguments)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/plans"))
        .output()
        .expect("the binary was built for this test");
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {told}");
    for words in expected {
        assert!(told.contains(words), "{arguments:?}: {told}");
    }
}

#[test]
fn wrong_arguments_are_refused_with_what_to_do() {
    check(
        &["plan", "demo", "--input", "x"],
        2,
        &["--input name=value"],
    );
    check(
        &["plan", "demo", "--input", "x=1"],
        3,
        &["the plan takes none"],
    );
    check(
        &["plan", "demo", "--inputs", "none.toml"],
        2,
        &["none.toml", "TOML file"],
    );
    check(
        &["plan", "demo", "--at", "yesterday"],
        2,
        &["2026-04-06T01:30:00Z"],
    );
    check(&["plan", "demo", "--point", "orders"], 2, &["store=id"]);
    check(
        &["apply", "README.md"],
        4,
        &["README.md", "salvor plan --out"],
    );
    check(
        &["apply", "README.md", "--at", "2026-04-06T01:30:00Z"],
        2,
        &["--at cannot be given with README.md", "has it fixed"],
    );
    check(
        &["apply", "README.md", "--scenario", "full"],
        2,
        &["--scenario cannot be given with README.md"],
    );
    check(&["check", "calabbi"], 3, &[]);
    check(
        &["graph", "calabbi"],
        3,
        &["there is no plan", "did you mean `calabi`?", "salvor init"],
    );
    check(
        &["plan", "calabi", "--inputs", "calabi/plan.toml"],
        3,
        &["unknown input `format`", "not an input of this plan"],
    );
    check(&["kinds", "nothing"], 2, &["`salvor kinds` lists them"]);
    check(
        &["runs", "nowhere"],
        4,
        &["nowhere/.salvor", "folder of the plan"],
    );
}

#[test]
fn a_point_of_a_store_that_is_not_there_is_no_wish_for_the_newest() {
    let dir = tempfile::tempdir().expect("a folder");
    let plan = dir.path().join("demo");
    let plan = plan.to_str().expect("a plain path");
    check(
        &["init", plan, "--store", "orders=simulated.database"],
        0,
        &[],
    );
    let inputs = [
        "--input",
        "orders-name=a",
        "--input",
        "orders-restore-target=b",
        "--input",
        "smoke-url=http://127.0.0.1/",
    ];
    let mut arguments = vec!["plan", plan, "--point", "order=nightly"];
    arguments.extend(inputs);
    check(
        &arguments,
        2,
        &["no store `order`", "Did you mean `orders`?"],
    );
}

#[test]
fn a_run_that_is_not_there_is_refused_by_every_verb() {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = dir.path().to_str().expect("a plain path");
    check(
        &["init", folder, "--store", "orders=simulated.database"],
        0,
        &[],
    );
    // To save a plan makes the state folder; the world is missing, so it is refused.
    let saved = dir.path().join("saved.changeset");
    let plan = [
        "plan",
        folder,
        "--out",
        saved.to_str().expect("a plain path"),
        "-i",
        "orders-name=a",
        "-i",
        "orders-restore-target=b",
        "-i",
        "smoke-url=http://127.0.0.1/",
    ];
    check(&plan, 4, &["cannot be applied"]);
    let there = ["--plan-dir", folder];
    for verb in [
        &["show"][..],
        &["report"],
        &["resume"],
        &["abort"],
        &["answer"],
        &["journal", "check"],
    ] {
        let mut arguments = verb.to_vec();
        arguments.push("zzz");
        arguments.extend(there);
        check(
            &arguments,
            4,
            &["there is no run `zzz`", "`salvor runs` lists them"],
        );
    }
}
