//! The world of `plans/rds`: a snapshot, a restore beside the old database, and the swap of the two, on a scripted fake
//! of RDS of each case's own.

use std::fs;
use std::path::Path;
use std::process::Command;

use salvor_fakes::Aws;
use salvor_fakes::Course;
use salvor_fakes::Phase;
use salvor_fakes::rds::Courses;
use salvor_fakes::rds::Instance;
use tempfile::TempDir;

use crate::world::Content;
use crate::world::Place;
use crate::world::Seen;
use crate::world::Setting;
use crate::world::World;

/// What changes something, with how often a whole recovery does it.
const CALLS: [(&str, u32); 3] = [
    ("RestoreDBInstanceToPointInTime", 1),
    ("CreateDBSnapshot", 1),
    // Two renames.
    ("ModifyDBInstance", 2),
];

/// Where the cases' folders are.
pub struct Databases {
    home: TempDir,
}

impl Databases {
    /// An empty home.
    pub fn new() -> Self {
        Self {
            home: tempfile::tempdir().expect("a folder"),
        }
    }
}

impl Setting for Databases {
    fn world(&self, name: &str) -> World<'_> {
        let folder = self.home.path().join(name);
        fs::create_dir_all(&folder).expect("a folder");
        let plan = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kills/databases.toml");
        fs::copy(plan, folder.join("plan.toml")).expect("the plan");
        let aws = Aws::start().expect("a port");
        aws.rds(|rds| {
            rds.add_instance(Instance {
                multi_az: true,
                ..Instance::new("shop")
            });
            let at_once = || Course::at("available");
            let in_two = |first: &str| Course::of([Phase::of(first), Phase::of("available")]);
            rds.courses = Courses {
                restored_instance: in_two("creating"),
                snapshot: in_two("creating"),
                modified: at_once(),
                renamed: at_once(),
                ..Courses::default()
            };
        });
        World::new(&folder, Box::new(Account { aws }), &[])
    }
}

struct Account {
    aws: Aws,
}

impl Place for Account {
    fn prepare(&self, command: &mut Command) {
        command
            .env("AWS_ENDPOINT_URL", self.aws.endpoint())
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test");
    }

    fn content(&self) -> Content {
        self.aws.rds(|rds| {
            let instances = rds.instances.values().map(|instance| {
                let Instance {
                    origin,
                    class,
                    multi_az,
                    security_groups,
                    ..
                } = instance;
                let told = format!("{origin:?} {class} {multi_az} {security_groups:?}");
                (format!("instance {}", instance.id), told)
            });
            let snapshots = rds.snapshots.values().map(|snapshot| {
                let told = format!("of {}", snapshot.of.resource_id);
                (format!("snapshot {}", snapshot.id), told)
            });
            instances.chain(snapshots).collect()
        })
    }

    fn repeated(&self) -> Vec<String> {
        let done = |(action, times): (&str, u32)| {
            let done = self.aws.script().done(action);
            (done > times).then(|| format!("{action} was done {done} times"))
        };
        CALLS.into_iter().filter_map(done).collect()
    }

    fn answers(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    fn unkeyed(&self) -> &'static [&'static str] {
        &[]
    }

    fn seen(&self, _: &str) -> Option<Seen> {
        None
    }

    fn confirms(&self) -> &'static [&'static str] {
        &["--confirm", "shop/1e4c67"]
    }

    fn remove(&self) {}
}
