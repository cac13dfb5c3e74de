//! plans/datafly-signal: the database is a real PostgreSQL on every platform, restored by salvor where it is one's own
//! and by the operator's word where a cloud does it; Kubernetes is a scripted `kubectl`, the status page a web server.

use std::path::PathBuf;
use std::sync::Arc;

use salvor_testbed::Port;

use crate::case::Case;
use crate::case::Course;
use crate::case::each;
use crate::case::recover;
use crate::case::with;
use crate::database::Database;
use crate::operator::Question;
use crate::programs::Program;
use crate::storage::Storage;
use crate::storage::fresh;
use crate::web::Web;
use crate::world::World;
use crate::world::compact;
use crate::world::hours_ago;

const AWS: (&str, &str) = ("platform", "aws");
const GCP: (&str, &str) = ("platform", "gcp");
const AZURE: (&str, &str) = ("platform", "azure");
const OWN: (&str, &str) = ("platform", "self-managed");
const ARCHIVING: (&str, &str) = ("platform", "self-managed-archiving");

/// All that is applied of it.
pub const CASES: [Case; 20] = [
    with("database-failure", &[AWS]),
    with("database-failure", &[GCP]),
    with("database-failure", &[AZURE]),
    with("database-failure", &[OWN]),
    with("database-failure", &[ARCHIVING, ("tier", "enhanced")]),
    with("cluster-loss", &[OWN]),
    with("cluster-loss", &[AWS]),
    with("standby-promotion", &[AWS]),
    with("standby-promotion", &[OWN]),
    with("pre-upgrade", &[AZURE]),
    with("pre-upgrade", &[OWN]),
    with("backup-settings", &[GCP]),
    with("backup-settings", &[OWN]),
    with("backup-settings", &[ARCHIVING]),
    with("pod-failure", &[AWS]),
    with("node-failure", &[AWS]),
    with("kafka-failure", &[AWS]),
    with("mirror", &[AWS]),
    with("kafka-standby", &[AWS]),
    with("kafka-switch-back", &[AWS]),
];

const ROWS: &str = "create table organisations(id int primary key, name text);
create table users(id int primary key, organisation int references organisations);
insert into organisations select n, 'organisation ' || n from generate_series(1, 40) n;
insert into users select n, 1 + n % 40 from generate_series(1, 200) n;";

/// A platform before its disaster, and what is left of it.
struct Platform<'a> {
    world: World,
    storage: &'a Storage,
    database: Arc<Database>,
    kubectl: Program,
    bucket: String,
    recovered: Port,
}

impl<'a> Platform<'a> {
    fn new(storage: &'a Storage, web: &Web, live: &Arc<Database>, case: &Case) -> Option<Self> {
        // Restored into, or backed up as a whole: by one case only.
        let is_touched = match case.input("platform") {
            Some("self-managed") => restores(case),
            Some("self-managed-archiving") => true,
            _ => false,
        };
        let database = match is_touched {
            true => Arc::new(live_database()?),
            false => Arc::clone(live),
        };
        let bucket = fresh("datafly-backups");
        storage.bucket(&bucket);
        let mut world = World::of("datafly-signal");
        storage.tell(&mut world);
        world.set("DATAFLY_DB_PASSWORD", "not asked for");
        world.give("backups", format!("s3://{bucket}/"));
        world.give("database", "127.0.0.1");
        world.give("db-port", database.port());
        world.give("window-from", hours_ago(7 * 24 - 1));
        world.give("window-to", hours_ago(0));
        world.give("delivery-check", web.url("/delivery"));
        world.give("data", world.path("").display().to_string());
        let recovered = Port::reserve().expect("a port is free");
        world.give("recovered-port", recovered.number().to_string());
        let kubectl = Program::install(&world, "kubectl");
        let platform = Self {
            world,
            storage,
            database,
            kubectl,
            bucket,
            recovered,
        };
        platform.back_up(case);
        Some(platform)
    }

    /// The hourly dump, or base backup and WAL; afterwards something is broken that they do not have.
    fn back_up(&self, case: &Case) {
        match case.input("platform") {
            Some("self-managed") => self.put_dump(&compact(&hours_ago(0))),
            Some("self-managed-archiving") => {
                let bucket = self.storage.folder(&self.bucket);
                let base = bucket.join("base").join(compact(&hours_ago(0)));
                self.database.back_up(&base, &bucket.join("wal"));
                // A window ends before the last transaction that is archived.
                for number in [41, 42] {
                    let insert = format!("insert into organisations values ({number}, 'later')");
                    self.database.sql("datafly", &insert);
                }
                self.database.copy_wal(&bucket.join("wal"));
            }
            _ => {}
        }
    }

    fn put_dump(&self, moment: &str) {
        let dump = self.database.dump("datafly", &["--format=custom"]);
        let key = format!("dumps/datafly-{moment}.dump");
        self.storage.put(&self.bucket, &key, dump);
    }

    fn data(&self) -> PathBuf {
        self.world.path("datafly-recovery")
    }

    /// What the operator does and says.
    fn reply(&self, question: &Question) -> String {
        let words = match question.step.as_str() {
            "database" => "127.0.0.1",
            "connection" | "connection-promoted" => "4711",
            "restart-deployments" | "restart-promoted-deployments" | "placement" => "yes",
            "restarts" => "none",
            "settings" => "7 days, 02:00-03:00",
            "infra" => "three nodes are ready",
            "topics" => "events.raw, events.processed, events.delivery.webhook, events.dlq",
            "redis" => "PONG",
            "deployed" | "upgrade" | "standby-serves" | "primary-written" | "primary-serves" => "3",
            "lag" | "standby-lag" | "standby-drained" => "0",
            "kafka-provider" => "case 12345",
            "fenced" if question.ask.contains("pg_ctl stop") => "127.0.0.1:5432 - no response",
            "fenced" => "sg-0a1b2c3d4e5f60718 was taken away",
            "primary-stopped" => "127.0.0.1:5432 - no response",
            "old-cluster-stopped" => "it does not answer, its roles are taken away",
            "admitted" => {
                // The address that goes into the secret is the one that the server listens on.
                assert!(question.ask.contains("On 127.0.0.1, "), "{}", question.ask);
                "1"
            }
            "backed-up-again" => "20260406T020000Z",
            "promoted" if question.ask.contains("prints: f") => "f",
            "promoted" => "us-east-1a, us-east-1b",
            "release-recorded" => "datafly 2.14.0",
            "images-recorded" => "gateway 2.14.0",
            "snapshot" if question.ask.contains("pg_dump") => {
                let moment = compact(&hours_ago(0));
                self.put_dump(&moment);
                return format!("datafly-{moment}.dump");
            }
            "snapshot" => "pre-upgrade-202604060200",
            "snapshot-verified" => "40 200",
            "mirror-stopped" => "offset 17",
            "mirror-running" => "primary.events.raw",
            "primary-answers" => {
                "events.raw, events.processed, events.delivery.webhook, events.dlq"
            }
            step => panic!("{step} asks: {}", question.ask),
        };
        words.to_owned()
    }

    fn is_restored_by_salvor(&self, case: &Case) -> bool {
        matches!(
            case.input("platform"),
            Some("self-managed" | "self-managed-archiving")
        )
    }

    /// What the recovered database holds, asked without salvor.
    fn is_recovered(&self, case: &Case) {
        let counts = "select (select count(*) from organisations), (select count(*) from users)";
        let ask = |port: &str, database: &str| self.database.ask(port, "datafly", database, counts);
        match case.input("platform") {
            Some("self-managed") => {
                assert_eq!(ask(&self.database.port(), "datafly_recovery"), "40|200");
            }
            Some("self-managed-archiving") => {
                let port = self.recovered.number().to_string();
                assert_eq!(ask(&port, "datafly"), "41|200");
            }
            _ => assert_eq!(ask(&self.database.port(), "datafly"), "40|200"),
        }
    }
}

impl Drop for Platform<'_> {
    fn drop(&mut self) {
        self.database.stop_restored(&self.data());
    }
}

fn live_database() -> Option<Database> {
    let database = Database::start("datafly")?;
    database.create("datafly", "datafly", ROWS);
    Some(database)
}

fn restores(case: &Case) -> bool {
    matches!(case.scenario, "database-failure" | "cluster-loss")
}

#[test]
fn datafly_signal_comes_back_in_every_scenario() {
    let Some(storage) = Storage::shared() else {
        return;
    };
    let Some(live) = live_database() else {
        return;
    };
    let (live, web) = (Arc::new(live), Web::start());
    web.answers("/delivery", r#"{"delivered": 12}"#);
    each(&CASES, 4, |case| {
        let Some(platform) = Platform::new(&storage, &web, &live, case) else {
            return;
        };
        platform.kubectl.expect(
            "--context datafly-prod wait deployments --all -n datafly --for=condition=Available --timeout=10m",
            &["deployment.apps/gateway condition met\ndeployment.apps/management-api condition met\n"],
        );
        let course = match (case.scenario, case.inputs) {
            ("database-failure", [OWN, ..]) => Course::KilledAfter(1),
            ("cluster-loss", [OWN, ..]) => Course::KilledAfter(4),
            ("pre-upgrade", _) => Course::Contradicted,
            _ => Course::Undisturbed,
        };
        let done = recover(&platform.world, case, course, &|question| {
            platform.reply(question)
        });
        platform.kubectl.was_called_as_expected();
        let verdict = match case.scenario {
            // People say all of it, and nothing of it is looked at.
            "pre-upgrade" | "kafka-failure" | "mirror" | "kafka-standby" | "kafka-switch-back" => {
                ": AMBER in "
            }
            "backup-settings" if case.inputs.contains(&GCP) => ": AMBER in ",
            _ => ": GREEN in ",
        };
        assert!(done.told.contains(verdict), "{}", done.told);
        if restores(case) {
            platform.is_recovered(case);
        }
        // What is there already is not made again.
        if restores(case) && platform.is_restored_by_salvor(case) {
            done.again.says("refused");
        } else {
            done.again.ends_with(0);
        }
        let (file, lines): (&str, &[&str]) = match case.scenario {
            "mirror" => (
                "rendered/mm2.properties",
                &[r"primary->standby.topics = events\\..*"],
            ),
            "kafka-standby" => (
                "rendered/kafka.standby.yaml",
                &["    topicPrefix: \"primary.\""; 2],
            ),
            "kafka-switch-back" => (
                "rendered/kafka.drain.yaml",
                &["    topicPrefix: \"\"", "    topicPrefix: \"primary.\""],
            ),
            _ => return,
        };
        let text = platform.world.read(file);
        let found: Vec<&str> = text.lines().filter(|line| line.contains("opic")).collect();
        let found = found.into_iter().filter(|line| !line.starts_with('#'));
        let found: Vec<&str> = found
            .filter(|line| line.contains(".topics = ") || line.contains("Prefix"))
            .collect();
        assert_eq!(found, lines, "{text}");
    });
}
