//! plans/hopsworks: HopsFS is a real versioned bucket, Kubernetes a scripted `kubectl` that knows what the operator has
//! made there so far.

use serde_json::json;

use crate::case::Case;
use crate::case::Course;
use crate::case::each;
use crate::case::plain;
use crate::case::recover;
use crate::case::with;
use crate::operator::Question;
use crate::programs::Program;
use crate::storage::Storage;
use crate::storage::fresh;
use crate::world::World;
use crate::world::hours_ago;

/// All that is applied of it.
pub const CASES: [Case; 4] = [
    plain("set-up"),
    with("new-cluster", &[("access", "keys")]),
    plain("in-place"),
    with(
        "in-place",
        &[("opensearch-id", "254811139"), ("indices", "*,-myindex")],
    ),
];

const MAIN: &str = "k8s-backups-main-20260213153627";
const USERS: &str = "k8s-backups-users-resources-20260213153630";
const BACKUP: &str = "254811140";

/// A cluster, and what lies in its bucket.
struct Cluster {
    world: World,
    kubectl: Program,
    bucket: String,
}

impl Cluster {
    fn new(storage: &Storage, case: &Case) -> Self {
        let bucket = fresh("hopsworks-prod");
        storage.bucket(&bucket);
        if case.scenario != "set-up" {
            storage.keep_versions(&bucket);
        }
        storage.put(&bucket, "blocks/1", "block 1");
        storage.put(&bucket, "blocks/2", "block 2");
        let mut world = World::of("hopsworks");
        let (access, secret) = storage.keys();
        world.give("endpoint", storage.endpoint());
        world.give("s3-access-key", "env:HOPSWORKS_ACCESS");
        world.give("s3-secret-key", "env:HOPSWORKS_SECRET");
        world.set("HOPSWORKS_ACCESS", access);
        world.set("HOPSWORKS_SECRET", secret);
        world.give("bucket", &*bucket);
        world.give("region", storage.region());
        let kubectl = Program::install(&world, "kubectl");
        Self {
            world,
            kubectl,
            bucket,
        }
    }

    /// What `kubectl get … -o json` prints from now on.
    fn has(&self, what: &str, namespace: &str, states: &[serde_json::Value]) {
        let states: Vec<String> = states.iter().map(|state| format!("{state:#}\n")).collect();
        let states: Vec<&str> = states.iter().map(String::as_str).collect();
        let call = format!("--context hopsworks-prod get {what} -n {namespace} -o json");
        self.kubectl.expect(&call, &states);
    }

    /// The operator makes a restore of a rendered file: Velero goes to work on it.
    fn makes_restore(&self, file: &str, backup: &str) {
        let text = self.world.read(file);
        let value = |key: &str| {
            let line = text.lines().find_map(|line| line.trim().strip_prefix(key));
            line.unwrap_or_else(|| panic!("{file} has no {key}\n{text}"))
                .trim_matches([' ', '"'])
                .to_owned()
        };
        assert_eq!(value("backupName:"), backup, "{text}");
        let state = |phase: &str| {
            json!({
                "apiVersion": "velero.io/v1", "kind": "Restore",
                "metadata": { "name": value("name:"), "namespace": "velero" },
                "spec": { "backupName": backup },
                "status": { "phase": phase },
            })
        };
        let what = format!("restores.velero.io {}", value("name:"));
        self.has(&what, "velero", &[state("Completed")]);
    }

    /// The release is upgraded in place: its jobs run to their end.
    fn replaces_data(&self) {
        for job in ["hopsfs-inplace-restore", "restore-native-backup"] {
            let state = json!({
                "apiVersion": "batch/v1", "kind": "Job",
                "metadata": { "name": format!("{job}-{BACKUP}"), "namespace": "hopsworks" },
                "status": {
                    "succeeded": 1, "ready": 0, "terminating": 0,
                    "conditions": [
                        { "type": "SuccessCriteriaMet", "status": "True", "reason": "CompletionsReached" },
                        { "type": "Complete", "status": "True", "reason": "CompletionsReached" },
                    ],
                },
            });
            self.has(&format!("job {job}-{BACKUP}"), "hopsworks", &[state]);
        }
    }

    /// What the release is given names the chosen backup.
    fn has_values_for(&self, case: &Case) {
        let (file, lines): (&str, &[&str]) = match case.scenario {
            "set-up" => ("rendered/backup.values.yaml", &["ttl: 60d"]),
            "new-cluster" => ("rendered/restore.values.yaml", &["backupId: \"254811140\""]),
            _ => (
                "rendered/in-place.values.yaml",
                &["backupId: \"254811140\"", "forceDataClear: true"],
            ),
        };
        let values = self.world.read(file);
        let has = |line: &str| assert!(values.contains(line), "`{line}` is missing in\n{values}");
        lines.iter().for_each(|line| has(line));
        if case.scenario != "set-up" {
            let snapshot = case.input("opensearch-id").unwrap_or(BACKUP);
            has(&format!("snapshot_name: \"{snapshot}\""));
            let indices = case.input("indices").unwrap_or("*");
            has(&format!("indices: \"{indices}\""));
        }
        if case.scenario == "in-place" {
            has(&format!("mainScheduleBackupId: \"{MAIN}\""));
            has(&format!("usersScheduleBackupId: \"{USERS}\""));
        }
    }

    /// What the operator does and says.
    fn reply(&self, storage: &Storage, question: &Question) -> String {
        let words = match question.step.as_str() {
            "velero" => {
                let state = json!({
                    "apiVersion": "apps/v1", "kind": "Deployment",
                    "metadata": { "name": "velero", "namespace": "velero" },
                    "spec": { "replicas": 1 },
                    "status": { "availableReplicas": 1, "readyReplicas": 1, "replicas": 1, "updatedReplicas": 1 },
                });
                self.has("deployment velero", "velero", &[state]);
                "velero/velero:v1.17.1"
            }
            "location" => {
                let location = self.world.read("rendered/location.yaml");
                for words in [&*self.bucket, "s3Url:", "name: hopsworks-bsl-credentials"] {
                    assert!(location.contains(words), "{location}");
                }
                let state = json!({
                    "apiVersion": "velero.io/v1", "kind": "BackupStorageLocation",
                    "metadata": { "name": "hopsworks-bsl", "namespace": "velero" },
                    "spec": { "accessMode": "ReadOnly", "provider": "aws" },
                    "status": { "phase": "Available", "lastValidationTime": "2026-02-20T10:00:00Z" },
                });
                self.has(
                    "backupstoragelocations.velero.io hopsworks-bsl",
                    "velero",
                    &[state],
                );
                "hopsworks-bsl"
            }
            "location-credentials" => "hopsworks-bsl-credentials",
            "location-writable" => "ReadWrite",
            "versioning" => {
                storage.keep_versions(&self.bucket);
                "Enabled"
            }
            "lifecycle" => "75",
            "backup-enabled" | "install" => "2",
            "status" => "enabled everywhere",
            "backup-main" => MAIN,
            "backup-users" => USERS,
            "backup-main-at" | "backup-users-at" | "backup-at" => return hours_ago(2),
            "main" => {
                self.makes_restore("rendered/restore-main.yaml", MAIN);
                "yes"
            }
            "users" => {
                self.makes_restore("rendered/restore-users.yaml", USERS);
                "yes"
            }
            "resources" | "version" => "yes",
            "backup-id" => BACKUP,
            "markers" => "none",
            "in-place" => {
                self.replaces_data();
                "8"
            }
            "opensearch" => "17",
            "main-in-place" | "users-in-place" => "Completed",
            "environments" | "replay" => "none",
            "old-cluster-fenced" => "its user has no access any more",
            step => panic!("{step} asks: {}", question.ask),
        };
        words.to_owned()
    }
}

#[test]
fn hopsworks_comes_back_in_every_scenario() {
    let Some(storage) = Storage::shared() else {
        return;
    };
    each(&CASES, 4, |case| {
        let cluster = Cluster::new(&storage, case);
        let course = match (case.scenario, case.inputs) {
            ("new-cluster", _) => Course::KilledAfter(9),
            ("in-place", []) => Course::Contradicted,
            _ => Course::Undisturbed,
        };
        let done = recover(&cluster.world, case, course, &|question| {
            cluster.reply(&storage, question)
        });
        assert!(done.told.contains(": GREEN in "), "{}", done.told);
        done.again.ends_with(0);
        cluster.kubectl.was_called_as_expected();
        if case.scenario == "set-up" {
            let look = "--context hopsworks-prod get deployment velero -n velero -o json";
            assert_eq!(cluster.kubectl.calls(), [look]);
        }
        cluster.has_values_for(case);
    });
}
