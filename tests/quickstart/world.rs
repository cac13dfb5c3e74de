//! A story of the test bed, a copy of the plan beside it, and the binary as an operator calls it.

use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;

use salvor_testbed::Port;
use salvor_testbed::Story;
use salvor_testbed::require;
use tempfile::TempDir;

use crate::quickstart::copy_plan;
use crate::quickstart::psql;
use crate::quickstart::stop_restored;
use crate::quickstart::variables;

/// The plan's folder as the README names it.
pub const PLAN: &str = "plans/quickstart";

/// What a command printed, and its exit code.
#[derive(Debug)]
pub struct Said {
    pub exit: i32,
    pub text: String,
}

/// A world after its disaster.
pub struct World {
    pub story: Story,
    pub restored_port: u16,
    // Held, so that no other test takes the port before the restored cluster does.
    _port: Port,
    // Last: the servers end before their folder goes.
    folder: TempDir,
}

impl World {
    /// Makes it; nothing when a part cannot be had on this machine.
    pub fn make() -> Option<World> {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::Builder::new()
            .prefix("salvor-quickstart-")
            .permissions(std::fs::Permissions::from_mode(0o755))
            .tempdir()
            .expect("a temporary folder can be made");
        let story = require(Story::start(&folder.path().join("story"), None))?;
        copy_plan(&folder.path().join(PLAN));
        let port = Port::reserve().expect("a port is free");
        Some(World {
            story,
            restored_port: port.number(),
            _port: port,
            folder,
        })
    }

    /// The folder in which commands run.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A file or folder of the plan.
    pub fn plan_file(&self, name: &str) -> PathBuf {
        self.folder().join(PLAN).join(name)
    }

    /// The bucket's folder on the S3 server.
    pub fn bucket(&self, name: &str) -> PathBuf {
        self.story.s3().data_dir().join(name)
    }

    /// A shell's command with the story's variables, the binary in its path, and no terminal.
    pub fn shell(&self, command: &str) -> Command {
        let binaries = Path::new(env!("CARGO_BIN_EXE_salvor"))
            .parent()
            .expect("the binary lies in a folder");
        let script = format!(
            ". '{}'\nexport PATH='{}':\"$PATH\"\n{command}",
            self.story.environment_file().display(),
            binaries.display(),
        );
        let mut shell = Command::new("bash");
        shell
            .args(["-c", &script])
            .env("SALVOR_INPUT_PORT", self.restored_port.to_string())
            .env("SALVOR_OPERATOR", "j.doe")
            .env("TZ", "UTC")
            .current_dir(self.folder())
            .stdin(Stdio::null());
        shell
    }

    /// Runs a shell's command to its end.
    pub fn run(&self, command: &str) -> Said {
        let output = self.shell(command).output().expect("bash can be started");
        Said {
            exit: output.status.code().unwrap_or(-1),
            text: String::from_utf8_lossy(&output.stdout).into_owned()
                + &String::from_utf8_lossy(&output.stderr),
        }
    }

    /// Runs a command that must succeed, and returns what it printed.
    pub fn must(&self, command: &str) -> String {
        let said = self.run(command);
        assert_eq!(said.exit, 0, "`{command}` failed:\n{}", said.text);
        said.text
    }

    /// Makes a change set of a scenario at the story's moment.
    pub fn plan(&self, scenario: &str, file: &str) {
        let moment = self.story.moment();
        self.must(&format!(
            "salvor plan {PLAN} --scenario {scenario} --at {moment} --out {PLAN}/{file}"
        ));
    }

    /// The databases are back as of the moment, and no row of after it.
    pub fn databases_are_back(&self) {
        assert_eq!(
            self.psql("calabi", "select count(*), min(id), max(id) from charts"),
            "1500|1|1500"
        );
        assert_eq!(
            self.psql(
                "calabi",
                "select count(*) from charts where title = 'broken'"
            ),
            "0"
        );
        let newest = format!(
            "select max(made) <= '{moment}'::timestamptz from charts",
            moment = self.story.moment()
        );
        assert_eq!(self.psql("calabi", &newest), "t");
        assert_eq!(
            self.psql("calabi_pipelines", "select count(*), max(id) from dag_run"),
            "400|400"
        );
    }

    /// Asks the restored cluster by psql.
    pub fn psql(&self, database: &str, sql: &str) -> String {
        let programs = &variables(&self.story)["SALVOR_INPUT_POSTGRES_BIN"];
        psql(programs, self.restored_port, database, sql)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        stop_restored(self.story.directory());
    }
}
