//! Clusters of Kubernetes as a shell sees them: a `kubectl` that keeps how many replicas each deployment has, and the
//! commands of a question, typed as they are printed.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use crate::operator::Question;
use crate::world::World;

/// A folder a context, a file a deployment. Whatever is not known here is refused.
const SCRIPT: &str = r#"#!/bin/sh
set -eu
PATH=/usr/bin:/bin
test "$1" = --context
cd "$0.contexts/$2"
shift 2
case "$1 $2 $3" in
  "get deployments -n") grep '' -- * | tr ':' ' ' ;;
  "get deployment "*) cat -- "$3" ;;
  "scale deployment --all") for name in *; do echo "${6#--replicas=}" > "$name"; done ;;
  "scale deployment "*) test -f "$3"; echo "${6#--replicas=}" > "$3" ;;
  "wait pods -n") ;;
  "rollout status deployment/"*) test "$(cat -- "${3#deployment/}")" != 0 ;;
  *) echo "nobody expects: $*" >&2; exit 64 ;;
esac
"#;

/// The clusters that the contexts of a kubeconfig name.
pub struct Clusters {
    contexts: PathBuf,
    /// Where the operator types: the folder of the plan.
    folder: PathBuf,
}

impl Clusters {
    /// Puts `kubectl` into the world's path. There is no cluster yet.
    pub fn install(world: &World) -> Self {
        let path = world.path("programs").join("kubectl");
        fs::write(&path, SCRIPT).expect("the folder is the test's own");
        let executable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(&path, executable).expect("the file is the test's own");
        Self {
            contexts: path.with_file_name("kubectl.contexts"),
            folder: world.plan_file(""),
        }
    }

    /// A cluster with these deployments.
    pub fn make(&self, context: &str, deployments: &[(&str, u32)]) {
        let folder = self.contexts.join(context);
        fs::create_dir_all(&folder).expect("the folder is the test's own");
        for (name, replicas) in deployments {
            let text = format!("{replicas}\n");
            fs::write(folder.join(name), text).expect("the folder is the test's own");
        }
    }

    /// How many replicas each deployment of a cluster has.
    pub fn replicas(&self, context: &str) -> BTreeMap<String, String> {
        let folder = self.contexts.join(context);
        let entries = fs::read_dir(folder).expect("the cluster was made");
        let replicas = |entry: fs::DirEntry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            let text = fs::read_to_string(entry.path()).expect("a deployment");
            (name, text.trim().to_owned())
        };
        entries
            .map(|entry| replicas(entry.expect("an entry")))
            .collect()
    }

    /// Types the commands of a question one after the other, but those of the cloud, which is not here, and gives what
    /// each printed.
    pub fn types(&self, question: &Question) -> Vec<String> {
        let programs = self.contexts.parent().expect("it is in a folder");
        let path = format!("{}:/usr/bin:/bin", programs.display());
        let commands = question.commands().filter(|line| !line.starts_with("aws "));
        commands
            .map(|line| {
                let mut shell = Command::new("/bin/sh");
                shell.args(["-euc", line]).current_dir(&self.folder);
                let output = shell.env_clear().env("PATH", &path).output();
                let output = output.expect("a shell starts");
                let said = String::from_utf8_lossy(&output.stderr).into_owned();
                assert!(output.status.success(), "{line}\n{said}");
                String::from_utf8_lossy(&output.stdout).trim().to_owned()
            })
            .collect()
    }
}
