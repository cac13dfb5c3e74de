//! `salvor init` writes plans that pass `salvor check`, for every kind of store, and overwrites none.

use std::path::Path;
use std::process::Command;
use std::process::Output;

use salvor::builtin_providers::registry;

fn salvor(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_salvor"))
        .args(arguments)
        .output()
        .expect("the binary was built for this test")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

fn demand_checked(folder: &Path, of: &str) {
    let checked = salvor(&["check", text(folder)]);
    let told = String::from_utf8_lossy(&checked.stdout);
    let plan = std::fs::read_to_string(folder.join("plan.toml")).expect("written");
    assert!(checked.status.success(), "{of}:\n{told}\n{plan}");
    assert!(!told.contains("warning"), "{of}:\n{told}\n{plan}");
}

#[test]
fn a_starter_plan_of_every_kind_of_store_passes_the_check() {
    let dir = tempfile::tempdir().expect("a folder");
    let registry = registry();
    let kinds = registry.stores();
    assert!(kinds.len() > 5, "{} kinds", kinds.len());
    for kind in &kinds {
        let folder = dir.path().join(kind.name);
        let output = salvor(&["init", text(&folder), "--store", kind.name]);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {told}", kind.name);
        demand_checked(&folder, kind.name);
        let plan = std::fs::read_to_string(folder.join("plan.toml")).expect("written");
        for field in kind.with.iter() {
            assert!(
                plan.contains(&format!("{} = ", field.name)),
                "{}",
                field.name
            );
        }
    }
    // All of them at once, two of one kind, and one with a name of its own.
    let folder = dir.path().join("All of it");
    let mut arguments = vec!["init", text(&folder)];
    for kind in &kinds {
        arguments.extend(["--store", kind.name]);
    }
    let orders = format!("orders={}", kinds[0].name);
    arguments.extend(["--store", kinds[0].name, "--store", &orders]);
    assert!(salvor(&arguments).status.success());
    demand_checked(&folder, "all");
    let plan = std::fs::read_to_string(folder.join("plan.toml")).expect("written");
    assert!(plan.contains("name  = \"all-of-it\""), "{plan}");
    assert!(plan.contains("[stores.orders]"), "{plan}");
}

#[test]
fn what_cannot_be_written_is_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = dir.path().join("plan");
    let check = |stores: &[&str], code: i32, expected: &str| {
        let mut arguments = vec!["init", text(&folder)];
        arguments.extend(stores.iter().flat_map(|store| ["--store", store]));
        let output = salvor(&arguments);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{told}");
        assert!(told.contains(expected), "{told}");
    };
    check(&[], 2, "--store");
    check(
        &["simulated.databse"],
        2,
        "Did you mean `simulated.database`?",
    );
    check(&["a b=simulated.database"], 2, "`a b` is not a name");
    check(
        &["a=simulated.database", "a=simulated.index"],
        2,
        "two stores are called `a`",
    );
    assert!(!folder.exists(), "nothing was written");
    check(&["simulated.database"], 0, "salvor check");
    let plan = std::fs::read_to_string(folder.join("plan.toml")).expect("written");
    check(&["simulated.index"], 4, "plan.toml is there already");
    let after = std::fs::read_to_string(folder.join("plan.toml")).expect("still there");
    assert_eq!(plan, after);
}
