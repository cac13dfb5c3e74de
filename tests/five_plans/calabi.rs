//! plans/calabi: dumps, artifacts, chunks and the audit log lie in real buckets, the platform is a web server, its
//! clusters keep their replicas, and one PostgreSQL stands for the live instance and for what RDS restores by the
//! operator's word.

use crate::case::Case;
use crate::case::Course;
use crate::case::each;
use crate::case::plain;
use crate::case::recover;
use crate::case::with;
use crate::cluster::Clusters;
use crate::database::Database;
use crate::operator::Question;
use crate::storage::Storage;
use crate::storage::fresh;
use crate::web::Web;
use crate::world::World;
use crate::world::hours_ago;

/// All that is applied of it.
pub const CASES: [Case; 15] = [
    plain("full"),
    with(
        "new-cluster",
        &[
            ("method", "pitr"),
            ("pipelines-database", "calabi_pipelines_new"),
        ],
    ),
    with(
        "region-loss",
        &[("pipelines-database", "calabi_pipelines_away")],
    ),
    plain("pitr"),
    plain("single-table"),
    plain("pipelines"),
    plain("ml-artifacts"),
    plain("ml-run"),
    plain("audit-log"),
    plain("helm-values"),
    plain("search"),
    plain("search-rebuild"),
    plain("configure-backup"),
    plain("backup-health"),
    plain("verification"),
];

const CHARTS: &str = "create table charts(id int primary key, title text);
insert into charts select n, 'chart ' || n from generate_series(1, 20) n;";
const RUNS: &str = "create table dag_run(id int primary key);
insert into dag_run select generate_series(1, 400);";

/// The database of scenario single-table: others compare the rows of the live one.
const ROWS: &str = "calabi_rows";

/// What the tenant runs before its disaster.
const DEPLOYMENTS: [(&str, u32); 2] = [("calabi-pipelines-scheduler", 3), ("calabi-web", 5)];

/// A tenant, and what is left of it.
struct Tenant<'a> {
    world: World,
    clusters: Clusters,
    /// What the names of the buckets end with that are left: those of home, or their replicas.
    ending: &'static str,
    storage: &'a Storage,
    database: &'a Database,
    name: String,
}

impl<'a> Tenant<'a> {
    fn new(
        storage: &'a Storage,
        database: &'a Database,
        dump: &[u8],
        web: &Web,
        case: &Case,
    ) -> Self {
        let name = fresh("acme");
        let mut world = World::of("calabi");
        let clusters = Clusters::install(&world);
        clusters.make("calabi-prod", &DEPLOYMENTS);
        storage.tell(&mut world);
        world.give("home", storage.region());
        world.set("CALABI_RDS_PASSWORD", "not asked for");
        world.set("CALABI_SLACK_WEBHOOK", web.url("/hook"));
        world.give("tenant", &*name);
        world.give("rds-host", "127.0.0.1");
        world.give("rds-port", database.port());
        world.give("search", web.url(""));
        world.give("iq-count", web.url("/api/charts/count"));
        world.give("chunk-bucket", format!("{name}-chunks"));
        world.give("audit-bucket", format!("{name}-audit"));
        world.give("replica-backups", format!("calabi-backups-{name}-replica"));
        world.give(
            "replica-artifacts",
            format!("calabi-{name}-mlartifacts-replica"),
        );
        world.give("replica-chunks", format!("{name}-chunks-replica"));
        world.give("replica-audit", format!("{name}-audit-replica"));
        // The backups of one night, which lie hours back whatever the time of day is.
        let day = hours_ago(5)[..10].to_owned();
        world.give("snapshot", "rds:calabi-rds-nightly");
        world.give("snapshot-at", format!("{day}T02:05:00Z"));
        world.give("window-from", hours_ago(160));
        world.give("window-to", hours_ago(0));
        world.give("volumes-at", format!("{day}T04:00:00Z"));
        let mut tenant = Self {
            world,
            clusters,
            ending: match case.scenario {
                "region-loss" => "-replica",
                _ => "",
            },
            storage,
            database,
            name,
        };
        tenant.lives(&day, dump);
        tenant.is_damaged();
        tenant
    }

    fn bucket(&self, name: &str) -> String {
        let (tenant, ending) = (&self.name, self.ending);
        match name {
            "backups" => format!("calabi-backups-{tenant}{ending}"),
            "artifacts" => format!("calabi-{tenant}-mlartifacts{ending}"),
            "chunks-restore" => format!("{tenant}-chunks{ending}-restore"),
            "audit-restored" => format!("{tenant}-audit{ending}-restored"),
            other => format!("{tenant}-{other}{ending}"),
        }
    }

    /// Its buckets, with one night's backups and two versions of what is kept by versions.
    fn lives(&self, day: &str, dump: &[u8]) {
        let backups = self.bucket("backups");
        self.storage.versioned(&backups);
        let key = format!("pipelines/{day}/pipelines_db.sql.gz");
        self.storage.put(&backups, &key, dump);
        for (run, file) in [("0/0", "model.bin"), ("0/1", "plot.png")] {
            let key = format!("ml-artifacts/{day}/{run}/{file}");
            self.storage
                .put(&backups, &key, format!("artifact of {run}"));
        }
        for bucket in ["artifacts", "chunks-restore", "audit-restored"] {
            self.storage.bucket(&self.bucket(bucket));
        }
        for bucket in ["chunks", "audit"] {
            self.storage.versioned(&self.bucket(bucket));
            self.storage.put(&self.bucket(bucket), "one", "first");
        }
        self.storage
            .put(&backups, "helm/values.yaml", "replicas: 2\n");
    }

    /// What happens after the moment that is gone back to.
    fn is_damaged(&mut self) {
        self.world.recover_to(self.storage.moment());
        self.storage
            .put(&self.bucket("backups"), "helm/values.yaml", "replicas: 0\n");
        for bucket in ["chunks", "audit"] {
            self.storage.delete(&self.bucket(bucket), "one");
        }
    }

    /// What the operator does and says.
    fn reply(&self, question: &Question) -> String {
        let words = match question.step.as_str() {
            "assess" => "the instance is lost",
            "recovery-point" | "values-read" | "metadata-removed" => "yes",
            "bucket-posture" => "yes",
            "pipelines-stop" => return self.clusters.types(question)[0].clone(),
            "fence" => return self.clusters.types(question)[1].clone(),
            "workloads-started" | "pipelines-start" => {
                self.clusters.types(question);
                "yes"
            }
            "infra" => "the cluster is there",
            "metadata" => "127.0.0.1",
            "search-repository" => "acknowledged",
            "search-snapshot" => "daily-2026.04.06",
            "search-snapshot-at" => return hours_ago(4),
            "search" | "search-rebuilt" => "1200",
            "volumes" => "model-cache vol-1",
            "buckets-named" => {
                let ask: String = question.ask.split_whitespace().collect();
                for bucket in ["chunks-restore", "artifacts"] {
                    let url = format!("s3://{}", self.bucket(bucket));
                    assert!(ask.contains(&url), "{url} is not in {ask}");
                }
                "ai.chunks.bucket, ml.artifacts.bucket"
            }
            "deploy" | "backup-configured" => "7",
            "cut-over" => "203.0.113.7",
            "health" => {
                self.runs(question);
                "all is green"
            }
            "run-shows" | "backup-health" => "all is green",
            "smoke-scheduler" => "1 ready, run 12",
            "stakeholders" => "mail to all tenants",
            "review" => "wiki/2026-04",
            "rows-taken" => return self.takes_rows(),
            "rows-merged" => return self.merges_rows(),
            "verification-job" => "5 of 5 acts passed",
            step => panic!("{step} asks: {}", question.ask),
        };
        words.to_owned()
    }

    /// Health is asked of what runs: no deployment is left at the zero of the fence. A new cluster never had one.
    fn runs(&self, question: &Question) {
        if question.commands().any(|line| line.contains("calabi-prod")) {
            let found = self.clusters.replicas("calabi-prod");
            assert!(found.values().all(|replicas| replicas != "0"), "{found:?}");
        }
    }

    /// Rows 7 and 8 were lost, row 9 was spoilt; the restored instance has all three.
    fn takes_rows(&self) -> String {
        let rows = "id,title\n7,chart 7\n8,chart 8\n9,chart 9\n";
        let file = self.world.plan_file("rows.csv");
        std::fs::write(file, rows).expect("the folder is ours");
        "COPY 3".to_owned()
    }

    fn merges_rows(&self) -> String {
        self.database.create(ROWS, "calabi", CHARTS);
        self.database
            .sql(ROWS, "delete from charts where id in (7, 8)");
        self.database
            .sql(ROWS, "update charts set title = 'spoilt' where id = 9");
        let folder = self.world.plan_file("");
        self.database.run(ROWS, &folder, "rendered/merge.sql");
        "restored 3".to_owned()
    }

    fn sql(&self, database: &str, sql: &str) -> String {
        self.database.sql(database, sql)
    }

    /// What is there at the end, asked without salvor.
    fn is_recovered(&self, case: &Case) {
        let texts = |bucket: &str| self.storage.texts(&self.bucket(bucket));
        let runs = "select count(*) from dag_run";
        let artifacts: Vec<String> = texts("artifacts").into_keys().collect();
        match case.scenario {
            "full" | "new-cluster" | "region-loss" => {
                let name = case.input("pipelines-database");
                let name = name.unwrap_or("calabi_pipelines_restored");
                assert_eq!(self.sql(name, runs), "400");
                assert_eq!(artifacts, ["0/0/model.bin", "0/1/plot.png"]);
                assert_eq!(texts("chunks-restore")["one"], "first");
                let values = self.world.read("rendered/values.restored.yaml");
                assert!(values.contains("host: \"127.0.0.1\""), "{values}");
                assert!(values.contains(name), "{values}");
            }
            "single-table" => {
                let restored = "select count(*), max(title) filter (where id = 9) from charts";
                assert_eq!(self.sql(ROWS, restored), "20|chart 9");
            }
            // The dump is of 400 runs; the 401st came after it.
            "pipelines" => assert_eq!(self.sql("calabi_pipelines", runs), "400"),
            "ml-artifacts" => assert_eq!(artifacts, ["0/0/model.bin", "0/1/plot.png"]),
            "ml-run" => assert_eq!(artifacts, ["0/0/model.bin"]),
            "audit-log" => assert_eq!(texts("audit-restored")["one"], "first"),
            "helm-values" => {
                assert_eq!(
                    self.world.read("rendered/helm/values.yaml"),
                    "replicas: 2\n"
                );
            }
            "configure-backup" => {
                let values = self.world.read("rendered/values.backup.yaml");
                assert!(values.contains(&self.bucket("backups")), "{values}");
            }
            _ => {}
        }
        let replicas = |(name, before): (&str, u32)| {
            // A lost cluster stays fenced, whatever becomes of its region.
            let is_lost = matches!(case.scenario, "new-cluster" | "region-loss");
            let replicas = if is_lost { 0 } else { before };
            (name.to_owned(), replicas.to_string())
        };
        let expected = DEPLOYMENTS.into_iter().map(replicas).collect();
        let found = self.clusters.replicas("calabi-prod");
        assert_eq!(found, expected, "{}", case.scenario);
    }
}

fn live_database() -> Option<Database> {
    let database = Database::start("calabi")?;
    database.create("calabi", "calabi", CHARTS);
    database.create("calabi_pipelines", "calabi", RUNS);
    Some(database)
}

#[test]
fn a_calabi_tenant_comes_back_in_every_scenario() {
    let (Some(storage), Some(database)) = (Storage::minio(), live_database()) else {
        return;
    };
    let web = Web::start();
    web.answers("/api/charts/count", r#"{"count": 20}"#);
    web.answers("/_cat/recovery?active_only=true&format=json", "[]");
    let found = r#"{"hits": {"total": {"value": 1200, "relation": "eq"}, "hits": []}}"#;
    web.answers("/calabi_catalogue/_search?size=1", found);
    let dump = database.dump("calabi_pipelines", &["--format=plain", "--compress=6"]);
    database.sql("calabi_pipelines", "insert into dag_run values (401)");
    each(&CASES, 4, |case| {
        let tenant = Tenant::new(&storage, &database, &dump, &web, case);
        let reply = |question: &Question| tenant.reply(question);
        if case.scenario == "verification" {
            // Compares with what was written down when the backup was looked at.
            recover(
                &tenant.world,
                &plain("backup-health"),
                Course::Undisturbed,
                &reply,
            );
        }
        let course = match case.scenario {
            "full" => Course::KilledAfter(10),
            "configure-backup" => Course::Contradicted,
            _ => Course::Undisturbed,
        };
        recover(&tenant.world, case, course, &reply);
        tenant.is_recovered(case);
        let told = web.posted();
        let has = |event: &str| {
            let words = format!("{}, scenario {}, run", tenant.name, case.scenario);
            told.iter()
                .any(|text| text.contains(&words) && text.contains(event))
        };
        assert!(has("started") && has("finished"), "{told:?}");
    });
}
