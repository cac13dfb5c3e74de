//! plans/backup-strategies: blobs lie in a real bucket with versions, the metadata in a real PostgreSQL, which salvor
//! restores from a dump and CloudNativePG, a scripted `kubectl` here, by the operator's word.

use serde_json::json;

use crate::case::Case;
use crate::case::Course;
use crate::case::each;
use crate::case::plain;
use crate::case::recover;
use crate::case::with;
use crate::database::Database;
use crate::operator::Question;
use crate::programs::Program;
use crate::storage::Storage;
use crate::storage::fresh;
use crate::world::World;
use crate::world::compact;
use crate::world::hours_ago;

const LITE: (&str, &str) = ("edition", "lite");

/// All that is applied of it.
pub const CASES: [Case; 7] = [
    plain("metadata"),
    with("metadata", &[LITE]),
    with("region-loss", &[("search-from", "snapshot")]),
    with("region-loss", &[LITE]),
    plain("safety-net"),
    plain("blobs"),
    plain("posture"),
];

const ROWS: &str = "create table blobs(key text primary key);
insert into blobs select 'blob-' || n from generate_series(1, 5) n;";

/// A platform whose database names five blobs.
struct Platform<'a> {
    world: World,
    storage: &'a Storage,
    database: Database,
    kubectl: Program,
    backups: String,
    blobs: String,
}

impl<'a> Platform<'a> {
    fn new(storage: &'a Storage) -> Option<Self> {
        let database = Database::start("app")?;
        database.create("app", "app", ROWS);
        let (backups, blobs) = (fresh("acme-backups"), fresh("acme-blobs"));
        let replica = format!("{blobs}-replica");
        storage.bucket(&backups);
        for bucket in [&blobs, &replica] {
            storage.versioned(bucket);
            for number in 1..=5 {
                let (key, text) = (format!("blob-{number}"), format!("bytes {number}"));
                storage.put(bucket, &key, text);
            }
        }
        let dump = database.dump("app", &["--format=custom"]);
        let key = format!("dumps/metadata-{}.dump", compact(&hours_ago(0)));
        storage.put(&backups, &key, dump);
        let mut world = World::of("backup-strategies");
        storage.tell(&mut world);
        world.set("METADATA_PASSWORD", "not asked for");
        world.give("backups", &*backups);
        world.give("blobs", &*blobs);
        world.give("replica", replica);
        world.give("lite-host", "127.0.0.1");
        world.give("db-port", database.port());
        world.give("window-from", hours_ago(200));
        world.give("window-to", hours_ago(0));
        world.give("velero-backup", "platform-20260406000011");
        world.give("velero-backup-at", hours_ago(10));
        world.give("streams-at", hours_ago(9));
        world.give("search-snapshot", "daily-2026.04.06");
        world.give("search-snapshot-at", hours_ago(1));
        // What happens from here on is the damage.
        world.recover_to(storage.moment());
        storage.delete(&blobs, "blob-2");
        storage.put(&blobs, "blob-3", "encrypted by somebody else");
        let kubectl = Program::install(&world, "kubectl");
        Some(Self {
            world,
            storage,
            database,
            kubectl,
            backups,
            blobs,
        })
    }

    /// The manifest is applied: the operator of PostgreSQL makes the cluster, which archives.
    fn makes_cluster(&self, case: &Case) {
        let manifest = self.world.read("rendered/recovery.yaml");
        for words in ["serverName: \"metadata\"", "imageName: \"ghcr.io/"] {
            assert!(manifest.contains(words), "{manifest}");
        }
        let cluster = json!({
            "apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster",
            "metadata": { "name": "metadata-recovered", "namespace": "platform" },
            "status": { "phase": "Cluster in healthy state", "instances": 3, "readyInstances": 3 },
        });
        let context = match case.scenario {
            "region-loss" => "prod-away",
            _ => "prod",
        };
        let cluster_of = "get clusters.postgresql.cnpg.io metadata-recovered -n platform -o";
        let get = format!("--context {context} {cluster_of}");
        self.kubectl
            .expect(&format!("{get} json"), &[&format!("{cluster:#}\n")]);
        let condition = "{.status.conditions[?(@.type=='ContinuousArchiving')].status}";
        self.kubectl
            .expect(&format!("{get} jsonpath={condition}"), &["True"]);
    }

    /// What the operator does and says.
    fn reply(&self, case: &Case, question: &Question) -> String {
        let words = match question.step.as_str() {
            "configuration" => "0a1b2c3",
            "database" => {
                self.makes_cluster(case);
                "yes"
            }
            "database-ready" | "dump-target" => "yes",
            "object-store" => {
                let store = self.world.read("rendered/object-store.yaml");
                for words in [&*self.backups, "endpointURL:", "backups-credentials"] {
                    assert!(store.contains(words), "{store}");
                }
                return format!("s3://{}/", self.backups);
            }
            "no-dangling" => "0 of 5",
            "cut-over" => "app.acme.example 203.0.113.7",
            "search-restored" | "search-built" => "1200",
            "cache-started" => "17 keys",
            "journal-restored" => "3",
            "journal-replayed" => "sequence 4711",
            "volumes" => "Completed",
            "home-fenced" => "DNS points away, its roles are revoked",
            "locked" | "as-declared" | "append-only" | "tiers" | "data-key" => "yes",
            "velero-lock" => "platform-20260406000011",
            step => panic!("{step} asks: {}", question.ask),
        };
        words.to_owned()
    }

    /// What is there at the end, asked without salvor.
    fn is_recovered(&self, case: &Case) {
        let count = |database: &str| {
            let port = self.database.port();
            self.database
                .ask(&port, "app", database, "select count(*) from blobs")
        };
        match (case.scenario, case.inputs) {
            ("safety-net", _) => assert_eq!(count("app_from_dump"), "5"),
            ("metadata" | "region-loss", [LITE]) => assert_eq!(count("app_recovered"), "5"),
            _ => {}
        }
        let blobs = self.storage.texts(&self.blobs);
        let is_back = |key: &str, text: &str| blobs.get(key).is_some_and(|found| found == text);
        let is_whole = is_back("blob-2", "bytes 2") && is_back("blob-3", "bytes 3");
        assert_eq!(is_whole, case.scenario == "blobs", "{case:?} {blobs:?}");
    }
}

#[test]
fn what_the_decision_record_backs_up_comes_back() {
    let Some(storage) = Storage::minio() else {
        return;
    };
    each(&CASES, 4, |case| {
        let Some(platform) = Platform::new(&storage) else {
            return;
        };
        let course = match (case.scenario, case.inputs) {
            ("region-loss", [LITE]) => Course::KilledAfter(3),
            ("posture", _) => Course::Contradicted,
            _ => Course::Undisturbed,
        };
        let done = recover(&platform.world, case, course, &|question| {
            platform.reply(case, question)
        });
        assert!(done.told.contains(": GREEN in "), "{}", done.told);
        platform.kubectl.was_called_as_expected();
        platform.is_recovered(case);
        match (case.scenario, case.inputs) {
            ("safety-net", _) | ("metadata" | "region-loss", [LITE]) => done.again.says("refused"),
            _ => done.again.ends_with(0),
        };
    });
}
