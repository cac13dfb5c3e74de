//! Programs that a plan runs and that are not here: each knows the argument vectors that its test expects, answers as
//! the real one would, notes every call, and refuses all others.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use crate::world::World;

/// What stands in the path. Answers lie in a folder a call, named by the digest of its arguments; the first is given
/// and removed, the last stays.
const SCRIPT: &str = r#"#!/bin/sh
set -eu
PATH=/usr/bin:/bin
folder="$0.answers"
call=$(printf '%s\037' "$@")
printf '%s\n' "$call" >> "$folder/calls"
answers="$folder/$(printf '%s' "$call" | sha256sum | cut -c 1-64)"
if ! test -d "$answers"; then
  printf '%s\n' "$call" >> "$folder/unexpected"
  echo "nobody expects: ${0##*/} $*" >&2
  exit 64
fi
set -- "$answers"/*
cat "$1"
if test $# -gt 1; then rm "$1"; fi
"#;

/// Divides the arguments of a call.
const DIVIDER: &str = "\u{1f}";

/// A program in the path of a world.
#[derive(Clone, Debug)]
pub struct Program {
    answers: PathBuf,
}

impl Program {
    /// Puts a program of this name into the world's path.
    pub fn install(world: &World, name: &str) -> Self {
        let path = world.path("programs").join(name);
        let answers = path.with_file_name(format!("{name}.answers"));
        fs::create_dir(&answers).expect("the folder is the test's own");
        fs::write(&path, SCRIPT).expect("the folder is the test's own");
        let executable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(&path, executable).expect("the file is the test's own");
        Self { answers }
    }

    /// Expects these arguments, divided by blanks, and prints these texts: one a call, the last one for ever.
    pub fn expect(&self, arguments: &str, printed: &[&str]) {
        let call: String = arguments
            .split(' ')
            .map(|word| format!("{word}{DIVIDER}"))
            .collect();
        let folder = self.answers.join(digest(&call));
        fs::create_dir_all(&folder).expect("the folder is the test's own");
        for (number, text) in printed.iter().enumerate() {
            let path = folder.join(format!("{number:03}"));
            fs::write(path, text).expect("the folder is the test's own");
        }
    }

    /// The calls so far, their arguments divided by blanks.
    pub fn calls(&self) -> Vec<String> {
        self.noted("calls")
    }

    /// Fails when it was called in a way that nobody expects.
    #[track_caller]
    pub fn was_called_as_expected(&self) {
        assert_eq!(self.noted("unexpected"), Vec::<String>::new());
    }

    fn noted(&self, file: &str) -> Vec<String> {
        let text = fs::read_to_string(self.answers.join(file)).unwrap_or_default();
        let call = |line: &str| line.replace(DIVIDER, " ").trim_end().to_owned();
        text.lines().map(call).collect()
    }
}

fn digest(text: &str) -> String {
    use sha2::Digest as _;
    let bytes = sha2::Sha256::digest(text);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
