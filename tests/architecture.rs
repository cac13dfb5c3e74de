//! The order of the modules in `src/lib.rs` is the direction of the data: a module imports what stands
//! above it and nothing below. Providers know the contract and nothing of the core.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn modules() -> Vec<String> {
    let lib = fs::read_to_string(root().join("src/lib.rs")).expect("src/lib.rs is there");
    lib.lines()
        .filter_map(|line| {
            line.strip_prefix("pub mod ")?
                .strip_suffix(';')
                .map(str::to_owned)
        })
        .collect()
}

/// The names of the modules of this crate that a source text mentions as `crate::name`.
fn imports(text: &str) -> Vec<String> {
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| line.split("crate::").skip(1))
        .map(|rest| {
            rest.chars()
                .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                .collect()
        })
        .filter(|name: &String| !name.is_empty())
        .collect()
}

#[test]
fn a_module_imports_only_what_stands_above_it() {
    let modules = modules();
    assert!(modules.len() > 10, "lib.rs lists the modules: {modules:?}");
    let mut wrong = Vec::new();
    for file in rust_files(&root().join("src")) {
        let relative = file.strip_prefix(root().join("src")).expect("below src");
        let first = relative
            .components()
            .next()
            .expect("a file has a name")
            .as_os_str();
        let own = first.to_string_lossy().trim_end_matches(".rs").to_owned();
        let Some(place) = modules.iter().position(|module| *module == own) else {
            continue;
        };
        for import in imports(&fs::read_to_string(&file).expect("readable")) {
            match modules.iter().position(|module| *module == import) {
                Some(other) if other <= place => {}
                Some(_) => wrong.push(format!(
                    "{}: crate::{import} stands below {own}",
                    relative.display()
                )),
                None => wrong.push(format!(
                    "{}: crate::{import} is not a module of lib.rs",
                    relative.display()
                )),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn providers_do_not_know_the_core_and_the_contract_knows_nobody() {
    for entry in fs::read_dir(root().join("providers")).expect("providers/ is there") {
        let folder = entry.expect("a readable entry").path();
        let name = folder
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).expect("a crate");
        let depends_on_core = manifest
            .lines()
            .any(|line| line.starts_with("salvor.") || line.starts_with("salvor ="));
        assert!(
            !depends_on_core,
            "providers/{name} depends on the root crate"
        );
        if name == "contract" {
            assert!(!manifest.contains("salvor-") || manifest.matches("salvor-").count() == 1);
        }
    }
}

#[test]
fn the_core_never_names_a_provider() {
    let names = ["aws", "objects", "postgres", "simulated", "system"];
    let homes = ["builtin_providers.rs", "cli"];
    for file in rust_files(&root().join("src")) {
        let relative = file.strip_prefix(root().join("src")).expect("below src");
        if homes.iter().any(|home| relative.starts_with(home)) {
            continue;
        }
        let text = fs::read_to_string(&file).expect("readable");
        // Inline tests may use whatever provider they like.
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for name in names {
            let crate_name = format!("salvor_{name}");
            assert!(
                !code.contains(&crate_name),
                "{} imports {crate_name}",
                relative.display()
            );
        }
    }
}
