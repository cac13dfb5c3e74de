//! The small world: a plan with a step of every class, a database and a prefix of its own on shared servers.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use salvor::digest::Digest;
use serde_json::Value;

use crate::servers::Servers;
use crate::world::Content;
use crate::world::Place;
use crate::world::Seen;
use crate::world::Setting;
use crate::world::World;

/// What the person says who is asked.
const ANSWERS: [(&str, &str); 1] = [("review", "it sells")];

/// How many replicas the search service has before the disaster.
const REPLICAS: u64 = 2;

impl Setting for Servers {
    fn world(&self, name: &str) -> World<'_> {
        let folder = self.home.path().join(name);
        fs::create_dir_all(&folder).expect("a folder");
        let plan = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kills/plan");
        for file in ["plan.toml", "shop.conf.hbs", "mark.sh", "scale.sh"] {
            fs::copy(plan.join(file), folder.join(file)).expect("a file of the plan");
        }
        let at = "2026-01-01T00:00:00Z";
        let world = serde_json::json!({
            "indices": { "search": { "rows": 900, "bytes": 48_000, "data-until": at, "created": at, "state": "lost" } },
            "deployments": { "search": { "replicas": REPLICAS } },
            "backups": { "indices/search": [{ "id": "nightly", "at": at, "rows": 900, "bytes": 48_000 }] },
        });
        fs::write(folder.join("world.json"), world.to_string()).expect("a world");
        fs::write(folder.join("replicas"), "3\n").expect("a file");
        fs::write(folder.join("shop.conf"), "old\n").expect("a file");
        let shop = Shop {
            servers: self,
            name: name.to_owned(),
            folder: folder.clone(),
        };
        World::new(&folder, Box::new(shop), &[])
    }
}

/// What is one case's own on the shared servers.
struct Shop<'a> {
    servers: &'a Servers,
    name: String,
    folder: PathBuf,
}

impl Place for Shop<'_> {
    fn prepare(&self, command: &mut Command) {
        let servers = self.servers;
        command
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
    }

    fn content(&self) -> Content {
        let postgres = &self.servers.postgres;
        let query =
            "select count(*) || ' ' || md5(string_agg(o::text, ',' order by id)) from orders o";
        let rows = postgres.psql(&format!("shop-{}", self.name), query);
        // Its own name alone: the id of an operation may have the name of another case in it.
        let names = format!(
            "select datname from pg_database where datname = 'shop-{0}' or datname like 'shop-{0}\\_%'",
            self.name
        );
        let names = postgres.psql("postgres", &names).expect("databases");
        let mut content = Content::new();
        let mut put = |name: &str, text: String| {
            content.insert(
                name.to_owned(),
                text.replace(&format!("shop-{}", self.name), "shop-CASE"),
            );
        };
        put("rows", rows.unwrap_or_else(|error| error.to_string()));
        put("databases", names);
        for file in ["shop.conf", "replicas"] {
            put(
                file,
                fs::read_to_string(self.folder.join(file)).unwrap_or_default(),
            );
        }
        for mark in ["named", "convergent", "unkeyed"] {
            put(mark, self.lines(mark).to_string());
        }
        put("simulated", self.simulated().to_string());
        content.extend(self.effects());
        content.extend(self.objects());
        content
    }

    fn repeated(&self) -> Vec<String> {
        let mut repeated = self
            .servers
            .proxy
            .repeated(&format!("/target/{}/", self.name));
        let log = fs::read_to_string(self.servers.postgres.log_file()).expect("the server's log");
        let database = format!("shop-{}\"", self.name);
        let renames = log
            .lines()
            .filter(|line| line.to_uppercase().contains("RENAME TO"))
            .filter(|line| line.contains("statement:") || line.contains("execute"))
            .filter(|line| line.contains(&database))
            .count();
        if renames != 1 {
            repeated.push(format!("{renames} databases put in place"));
        }
        repeated
    }

    fn answers(&self) -> &'static [(&'static str, &'static str)] {
        &ANSWERS
    }

    fn unkeyed(&self) -> &'static [&'static str] {
        &["unkeyed"]
    }

    fn seen(&self, step: &str) -> Option<Seen> {
        match step {
            "unkeyed" => Some(Seen {
                is_done: self.lines(step) == 1,
                outputs: Vec::new(),
            }),
            "pause" if self.replicas() == 0 => Some(Seen {
                is_done: true,
                outputs: vec![("previous", REPLICAS.to_string())],
            }),
            "pause" | "photos" => Some(Seen::not_done()),
            _ => None,
        }
    }

    fn remove(&self) {
        let drop = format!("drop database if exists \"shop-{}\"", self.name);
        // What stays is in temporary folders and goes with them.
        let _ = self.servers.postgres.psql("postgres", &drop);
        let _ = fs::remove_dir_all(
            self.servers
                .store
                .data_dir()
                .join("target")
                .join(&self.name),
        );
    }
}

impl Shop<'_> {
    /// How often a program left its mark.
    fn lines(&self, mark: &str) -> usize {
        let text = fs::read_to_string(self.folder.join("effects").join(mark)).unwrap_or_default();
        text.lines().count()
    }

    fn objects(&self) -> Content {
        let folder = self
            .servers
            .store
            .data_dir()
            .join("target")
            .join(&self.name);
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let digest = |path: &Path| Digest::of_bytes(&fs::read(path).expect("an object"));
        entries
            .map(|entry| {
                let name = format!("object {}", entry.file_name().to_string_lossy());
                (name, digest(&entry.path()).to_string())
            })
            .collect()
    }

    /// How many replicas the search service has.
    fn replicas(&self) -> u64 {
        let replicas = &self.world()["deployments"]["search"]["replicas"];
        replicas.as_u64().expect("a number of replicas")
    }

    fn world(&self) -> Value {
        let bytes = fs::read(self.folder.join("world.json")).expect("a world");
        serde_json::from_slice(&bytes).expect("JSON")
    }

    /// How often each step had its effect in the simulated world.
    fn effects(&self) -> Content {
        let world = self.world();
        let mut times = BTreeMap::new();
        for effect in world["effects"].as_array().into_iter().flatten() {
            let step = effect["step"].as_str().expect("a name");
            *times
                .entry(format!("effects of {step}: {}", effect["what"]))
                .or_insert(0) += 1;
        }
        let told = times.into_iter();
        told.map(|(name, times)| (name, times.to_string()))
            .collect()
    }

    /// The simulated world without times, ids and effects.
    fn simulated(&self) -> Value {
        let world = self.world();
        serde_json::json!({
            "deployments": world["deployments"],
            "rows": world["indices"]["search-restored"]["rows"],
            "state": world["indices"]["search-restored"]["state"],
        })
    }
}
