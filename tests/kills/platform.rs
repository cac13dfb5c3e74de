//! The world of the quickstart: a restored cluster, an object store and a platform of each case's own, after one
//! disaster that all cases share.
//!
//! Base backup and archive are only read, so cases share them; the objects of the backup are second names of the
//! same files.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use salvor::digest::Digest;
use salvor_testbed::Port;
use salvor_testbed::Story;
use salvor_testbed::Versitygw;
use salvor_testbed::require;
use salvor_testbed::story::ARTIFACT_BUCKET;
use salvor_testbed::story::BACKUP_BUCKET;
use tempfile::TempDir;

use crate::proxy::Proxy;
use crate::quickstart::ANSWERS;
use crate::quickstart::copy_plan;
use crate::quickstart::objects_below;
use crate::quickstart::psql;
use crate::quickstart::stop_restored;
use crate::quickstart::variables;
use crate::world::Content;
use crate::world::Place;
use crate::world::Seen;
use crate::world::Setting;
use crate::world::World;

/// How many artifacts of the newest backup are kept: with all of them nearly every system call would be of one step.
const ARTIFACTS_KEPT: usize = 100;

/// The statements that the restored server logs and that put a database in its place.
const RENAME: &str = "RENAME TO";

/// How many replicas the scheduler has before the recovery.
const REPLICAS: &str = "2";

/// The disaster, and the scenario by which each world recovers from it.
pub struct Disaster {
    story: Story,
    variables: BTreeMap<String, String>,
    scenario: &'static str,
    // Last: the servers end before their folder goes.
    home: TempDir,
}

impl Disaster {
    /// Makes it; nothing when a part cannot be had on this machine.
    pub fn make(scenario: &'static str) -> Option<Self> {
        let home = tempfile::Builder::new()
            .permissions(fs::Permissions::from_mode(0o755))
            .tempdir()
            .expect("a temporary folder can be made");
        let story = require(Story::start(&home.path().join("story"), None))?;
        let disaster = Self {
            variables: variables(&story),
            story,
            scenario,
            home,
        };
        disaster.keep_some_artifacts();
        Some(disaster)
    }

    /// The folder of the backups of one kind from the newest day.
    pub fn newest_backup(&self, kind: &str) -> PathBuf {
        let days = fs::read_dir(self.backups().join(kind)).expect("backups");
        let days = days.map(|day| day.expect("a backup").path());
        days.max().expect("a day of backups")
    }

    fn backups(&self) -> PathBuf {
        self.story.s3().data_dir().join(BACKUP_BUCKET)
    }

    fn keep_some_artifacts(&self) {
        let runs = fs::read_dir(self.newest_backup("ml-artifacts")).expect("runs");
        let mut files: Vec<PathBuf> = runs
            .flat_map(|run| fs::read_dir(run.expect("a run").path()).expect("artifacts"))
            .map(|file| file.expect("an artifact").path())
            .collect();
        files.sort_by_key(|file| file.file_name().map(ToOwned::to_owned));
        for file in files.iter().skip(ARTIFACTS_KEPT) {
            fs::remove_file(file).expect("an artifact can be removed");
        }
    }
}

impl Setting for Disaster {
    fn world(&self, name: &str) -> World<'_> {
        let home = self.home.path().join(name);
        let world = home.join("world");
        fs::create_dir_all(world.join("platform")).expect("a folder");
        let story = self.story.directory();
        symlink(story.join("postgres"), world.join("postgres")).expect("a link");
        for file in ["values.yaml", "scheduler"] {
            let file = Path::new("platform").join(file);
            fs::copy(story.join(&file), world.join(&file)).expect("a file of the platform");
        }
        let store = Versitygw::builder().directory(home.join("s3")).start();
        let store = store.expect("the object store starts");
        store.create_bucket(ARTIFACT_BUCKET).expect("a bucket");
        link(&self.backups(), &store.data_dir().join(BACKUP_BUCKET));
        let folder = home.join("plan");
        copy_plan(&folder);
        let platform = Platform {
            disaster: self,
            proxy: Proxy::start(store.port()),
            store,
            port: Port::reserve().expect("a port is free"),
            world,
        };
        let plan = ["--scenario", self.scenario, "--at", self.story.moment()];
        World::new(&folder, Box::new(platform), &plan)
    }
}

/// What is one case's own.
struct Platform<'a> {
    disaster: &'a Disaster,
    proxy: Proxy,
    store: Versitygw,
    // Held, so that no other case takes the port before the restored cluster does.
    port: Port,
    world: PathBuf,
}

impl Place for Platform<'_> {
    fn prepare(&self, command: &mut Command) {
        command
            .envs(&self.disaster.variables)
            .env("SALVOR_INPUT_WORLD", &self.world)
            .env(
                "SALVOR_INPUT_ENDPOINT",
                format!("http://127.0.0.1:{}", self.proxy.port()),
            )
            .env("SALVOR_INPUT_PORT", self.port.number().to_string());
    }

    fn content(&self) -> Content {
        let mut content = Content::new();
        let mut put = |name: &str, text: String| content.insert(name.to_owned(), text);
        let cluster = [
            (
                "databases",
                "select string_agg(datname, ' ' order by datname) from pg_database",
            ),
            (
                "roles",
                "select string_agg(rolname, ' ' order by rolname) from pg_roles",
            ),
            (
                "timeline",
                "select timeline_id from pg_control_checkpoint()",
            ),
            (
                "identity",
                "select system_identifier from pg_control_system()",
            ),
            (
                "charts",
                "select count(*) || md5(string_agg(c::text, ',' order by id)) from charts c",
            ),
        ];
        for (name, sql) in cluster {
            put(name, self.psql("calabi", sql));
        }
        let runs = "select count(*) || md5(string_agg(d::text, ',' order by id)) from dag_run d";
        put("dag_run", self.psql("calabi_pipelines", runs));
        for database in ["calabi", "calabi_pipelines"] {
            let relations = "select string_agg(format('%s %s', relkind, relname), ', ' order by relname) from pg_class where relnamespace = 'public'::regnamespace";
            put(
                &format!("relations of {database}"),
                self.psql(database, relations),
            );
        }
        let wal = names(&self.world.join("restored/pg_wal"));
        put(
            "timelines",
            wal.into_iter()
                .filter(|name| name.ends_with(".history"))
                .collect(),
        );
        put("folder", names(&self.world).join(" "));
        for file in [
            "platform/values.yaml",
            "platform/scheduler",
            "restored/postgresql.auto.conf",
        ] {
            let text = fs::read_to_string(self.world.join(file)).unwrap_or_default();
            let text = text.replace(&self.world.display().to_string(), "WORLD");
            put(file, text.replace(&self.port.number().to_string(), "PORT"));
        }
        for (name, bytes) in objects_below(&self.store.data_dir().join(ARTIFACT_BUCKET)) {
            put(
                &format!("object {name}"),
                Digest::of_bytes(&bytes).to_string(),
            );
        }
        content
    }

    fn repeated(&self) -> Vec<String> {
        let mut repeated = self.proxy.repeated("/");
        let log = fs::read_to_string(self.world.join("restored/salvor-server.log"));
        let log = log.unwrap_or_default();
        for words in ["selected new timeline ID", "archive recovery complete"] {
            let times = log.matches(words).count();
            if times != 1 {
                repeated.push(format!("`{words}` {times} times"));
            }
        }
        let renames = log
            .lines()
            .filter(|line| line.to_uppercase().contains(RENAME));
        if renames.clone().count() > 1 {
            repeated.extend(renames.map(ToOwned::to_owned));
        }
        repeated
    }

    fn answers(&self) -> &'static [(&'static str, &'static str)] {
        &ANSWERS
    }

    fn unkeyed(&self) -> &'static [&'static str] {
        &[]
    }

    fn seen(&self, step: &str) -> Option<Seen> {
        match step {
            // Read again it is what the lost run made of it.
            "scheduler-before" => Some(Seen {
                is_done: true,
                outputs: vec![("stdout", REPLICAS.to_owned())],
            }),
            "artifacts" | "values" => Some(Seen::not_done()),
            _ => None,
        }
    }

    fn remove(&self) {
        stop_restored(&self.world);
        // What stays is in a temporary folder and goes with it.
        let _ = fs::remove_dir_all(&self.world);
        let _ = fs::remove_dir_all(self.store.directory());
    }
}

impl Platform<'_> {
    fn psql(&self, database: &str, sql: &str) -> String {
        let programs = &self.disaster.variables["SALVOR_INPUT_POSTGRES_BIN"];
        psql(programs, self.port.number(), database, sql)
    }
}

impl Drop for Platform<'_> {
    fn drop(&mut self) {
        stop_restored(&self.world);
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// Gives each file below a folder a second name below another one.
fn link(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            link(&path, &target);
        } else {
            fs::hard_link(&path, &target).expect("a second name");
        }
    }
}
