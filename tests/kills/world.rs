//! One case's own world: a folder with plan and state, a database, a prefix; what is in it at the end.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Output;

use salvor::digest::Digest;
use serde_json::Value;

use crate::servers::Servers;

/// Everything that a recovery makes, without what is the case's own.
#[derive(Debug, PartialEq)]
pub struct Content {
    rows: String,
    databases: Vec<String>,
    objects: BTreeMap<String, Digest>,
    files: BTreeMap<&'static str, String>,
    simulated: Value,
    lines: BTreeMap<&'static str, usize>,
}

impl Content {
    /// The parts in which it differs from another one.
    pub fn differences(&self, other: &Self) -> String {
        let objects = |one: &Self, two: &Self| {
            let differs =
                |(key, digest): &(&String, &Digest)| two.objects.get(*key) != Some(*digest);
            let keys = one
                .objects
                .iter()
                .filter(differs)
                .map(|(key, _)| key.clone());
            keys.collect::<Vec<_>>()
        };
        format!(
            "objects {:?} / {:?}\n{:?}\n{:?}",
            objects(self, other),
            objects(other, self),
            (
                &self.rows,
                &self.databases,
                &self.files,
                &self.simulated,
                &self.lines
            ),
            (
                &other.rows,
                &other.databases,
                &other.files,
                &other.simulated,
                &other.lines
            ),
        )
    }
}

/// A world after the disaster.
pub struct World<'a> {
    /// The servers.
    pub servers: &'a Servers,
    /// What is its own on them.
    pub name: String,
    /// The folder of the plan.
    pub folder: PathBuf,
}

impl<'a> World<'a> {
    /// Makes it, with a change set that recovers it.
    pub fn new(servers: &'a Servers, name: &str) -> Self {
        let folder = servers.home.path().join(name);
        fs::create_dir_all(folder.join("tmp")).expect("a folder");
        let plan = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kills/plan");
        for file in ["plan.toml", "shop.conf.hbs", "mark.sh", "scale.sh"] {
            fs::copy(plan.join(file), folder.join(file)).expect("a file of the plan");
        }
        let at = "2026-01-01T00:00:00Z";
        let world = serde_json::json!({
            "indices": { "search": { "rows": 900, "bytes": 48_000, "data-until": at, "created": at, "state": "lost" } },
            "deployments": { "search": { "replicas": 2 } },
            "backups": { "indices/search": [{ "id": "nightly", "at": at, "rows": 900, "bytes": 48_000 }] },
        });
        fs::write(folder.join("world.json"), world.to_string()).expect("a world");
        fs::write(folder.join("replicas"), "3\n").expect("a file");
        fs::write(folder.join("shop.conf"), "old\n").expect("a file");
        let world = Self {
            servers,
            name: name.to_owned(),
            folder,
        };
        let output = world.run(&["plan", ".", "--out", "change-set"]);
        assert!(output.status.success(), "{}", said(&output));
        world
    }

    /// A salvor in the plan's folder.
    pub fn salvor(&self) -> Command {
        self.with_environment(Command::new(env!("CARGO_BIN_EXE_salvor")))
    }

    /// Gives a command folder and environment of this world.
    pub fn with_environment(&self, mut command: Command) -> Command {
        let servers = self.servers;
        command
            .current_dir(&self.folder)
            .env("TMPDIR", self.folder.join("tmp"))
            .env("SALVOR_OPERATOR", "test")
            .env("KILLS_KEY", servers.store.access_key())
            .env("KILLS_SECRET", servers.store.secret_key())
            .env("SALVOR_INPUT_KEY", "env:KILLS_KEY")
            .env("SALVOR_INPUT_SECRET", "env:KILLS_SECRET")
            .env("SALVOR_INPUT_CASE", &self.name)
            .env("SALVOR_INPUT_BIN", servers.postgres.bin_dir())
            .env("SALVOR_INPUT_PORT", servers.postgres.port().to_string())
            .env(
                "SALVOR_INPUT_DUMPS",
                format!("file://{}/", servers.dumps().display()),
            )
            .env("SALVOR_INPUT_ENDPOINT", servers.endpoint());
        command
    }

    /// Runs salvor to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.salvor()
            .args(arguments)
            .output()
            .expect("salvor can be started")
    }

    /// The journal of the run, when one was begun.
    pub fn journal(&self) -> Option<PathBuf> {
        let mut runs = fs::read_dir(self.folder.join(".salvor/runs"))
            .ok()?
            .flatten();
        let journal = runs.next()?.path().join("journal");
        journal.exists().then_some(journal)
    }

    /// The whole records of the journal.
    pub fn records(&self) -> Vec<Value> {
        let bytes = self
            .journal()
            .and_then(|path| fs::read(path).ok())
            .unwrap_or_default();
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').unwrap_or(0);
        bytes[..whole]
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).expect("a whole record is JSON"))
            .collect()
    }

    /// How many whole records there are.
    pub fn length(&self) -> usize {
        let bytes = self.journal().and_then(|path| fs::read(path).ok());
        bytes.map_or(0, |bytes| bytes.iter().filter(|b| **b == b'\n').count())
    }

    /// The run, once it has a whole record.
    pub fn run_id(&self) -> Option<String> {
        let journal = self.journal().filter(|_| self.length() > 0)?;
        let name = journal.parent()?.file_name()?;
        Some(name.to_string_lossy().into_owned())
    }

    /// How often a program left its mark.
    pub fn lines(&self, mark: &str) -> usize {
        let text = fs::read_to_string(self.folder.join("effects").join(mark)).unwrap_or_default();
        text.lines().count()
    }

    /// What is there now.
    pub fn content(&self) -> Content {
        let database = format!("shop-{}", self.name);
        let postgres = &self.servers.postgres;
        let query =
            "select count(*) || ' ' || md5(string_agg(o::text, ',' order by id)) from orders o";
        let rows = postgres.psql(&database, query);
        let names = format!(
            "select datname from pg_database where datname like '%{}%'",
            self.name
        );
        let names = postgres.psql("postgres", &names).expect("databases");
        let own = |text: &str| text.replace(&self.name, "CASE");
        let file =
            |name: &str| own(&fs::read_to_string(self.folder.join(name)).unwrap_or_default());
        Content {
            rows: rows.unwrap_or_else(|error| error.to_string()),
            databases: names.lines().map(own).collect(),
            objects: self.objects(),
            files: ["shop.conf", "replicas"]
                .map(|name| (name, file(name)))
                .into(),
            simulated: self.simulated(),
            lines: ["named", "convergent", "unkeyed"]
                .map(|mark| (mark, self.lines(mark)))
                .into(),
        }
    }

    fn objects(&self) -> BTreeMap<String, Digest> {
        let folder = self
            .servers
            .store
            .data_dir()
            .join("target")
            .join(&self.name);
        let Ok(entries) = fs::read_dir(folder) else {
            return BTreeMap::new();
        };
        let digest = |path: &Path| Digest::of_bytes(&fs::read(path).expect("an object"));
        entries
            .flatten()
            // The mark of who writes here holds ids, which are another in each run.
            .filter(|entry| entry.file_name() != ".salvor-claim.json")
            .map(|entry| {
                (
                    entry.file_name().to_string_lossy().into_owned(),
                    digest(&entry.path()),
                )
            })
            .collect()
    }

    /// The simulated world without times and ids, each effect by what it did.
    fn simulated(&self) -> Value {
        let bytes = fs::read(self.folder.join("world.json")).expect("a world");
        let world: Value = serde_json::from_slice(&bytes).expect("JSON");
        let mut effects: Vec<String> = world["effects"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|effect| format!("{} {}", effect["step"], effect["what"]))
            .collect();
        effects.sort();
        serde_json::json!({
            "effects": effects,
            "deployments": world["deployments"],
            "rows": world["indices"]["search-restored"]["rows"],
            "state": world["indices"]["search-restored"]["state"],
        })
    }

    /// Takes everything away that was this case's own.
    pub fn remove(self) {
        let drop = format!("drop database if exists \"shop-{}\"", self.name);
        // What stays is in temporary folders and goes with them.
        let _ = self.servers.postgres.psql("postgres", &drop);
        let _ = fs::remove_dir_all(&self.folder);
        let objects = self
            .servers
            .store
            .data_dir()
            .join("target")
            .join(&self.name);
        let _ = fs::remove_dir_all(objects);
    }
}

/// What a command printed.
pub fn said(output: &Output) -> String {
    format!(
        "{}\n{}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}
