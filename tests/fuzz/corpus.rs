//! The inputs that are kept: `corpus/TARGET`, and files of the repository that a target names besides.

use std::path::Path;
use std::path::PathBuf;

use crate::targets::Target;

/// An input and where it is kept.
pub struct Kept {
    /// Its path below the repository.
    pub name: String,
    /// The input.
    pub bytes: Vec<u8>,
}

impl Kept {
    /// Whether it must be taken: a reader that refuses everything breaks no promise of a format. Of `corpus`, what is
    /// to be refused is named so; folders of broken plans have both.
    pub fn must_be_taken(&self) -> Option<bool> {
        let is_mixed = ["tests/broken-plans/", "tests/literal-documents/"];
        if is_mixed.iter().any(|place| self.name.starts_with(place)) {
            return None;
        }
        Some(!self.name.contains("/refused-"))
    }
}

/// All inputs that are kept for a target, by name.
pub fn kept(target: &Target) -> Vec<Kept> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found: Vec<Kept> = files(&root.join("tests/fuzz/corpus").join(target.name))
        .into_iter()
        .map(|path| Kept {
            name: shown(root, &path),
            bytes: std::fs::read(&path).expect("a readable input"),
        })
        .collect();
    for place in target.besides {
        found.extend(besides(root, &root.join(place)));
    }
    assert!(!found.is_empty(), "{}: no input is kept", target.name);
    found
}

/// The inputs of one place: a file as it is, a folder of plans as one input a plan.
fn besides(root: &Path, place: &Path) -> Vec<Kept> {
    if place.is_file() {
        return vec![Kept {
            name: shown(root, place),
            bytes: std::fs::read(place).expect("a readable input"),
        }];
    }
    let mut folders: Vec<PathBuf> = std::fs::read_dir(place)
        .expect("the folder is there")
        .map(|entry| entry.expect("a readable entry").path())
        .filter(|path| path.join("plan.toml").is_file())
        .collect();
    folders.sort();
    let joined = folders.into_iter().map(|folder| Kept {
        name: shown(root, &folder),
        bytes: joined(&folder),
    });
    joined.collect()
}

/// The files of a plan as one text, each below a line with its name.
fn joined(folder: &Path) -> Vec<u8> {
    let mut text = std::fs::read(folder.join("plan.toml")).expect("a readable plan");
    for path in files(folder) {
        let name = shown(folder, &path);
        if name == "plan.toml" || !(name.ends_with(".toml") || name.ends_with(".hbs")) {
            continue;
        }
        text.extend(format!("\n# file: {name}\n").bytes());
        text.extend(std::fs::read(&path).expect("a readable file"));
    }
    text
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn shown(root: &Path, path: &Path) -> String {
    let below = path.strip_prefix(root).expect("below the repository");
    below.to_string_lossy().into_owned()
}
