//! Turns calls of the API of Amazon RDS into changes of a world that a test has scripted.
//!
//! What is taken from AWS's documents and what an emulator leaves out: states that take their time, defaults that a
//! restore applies in silence, the window of a restore, names that are taken, quotas, keys, deletion protection. Source
//! of all shapes, codes and defaults: the API reference,
//! <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/Welcome.html>. Where it does not say which code refuses
//! something, the place that refuses says so. What a world has no cause for, such as `InsufficientDBInstanceCapacity`, is
//! [`Effect::Refused`](crate::Effect::Refused).

mod cluster;
mod copies;
mod create;
mod describe;
mod instance;
mod modify;
mod reading;
mod restore;
mod settings;
mod shape;
mod snapshot;
mod tags;

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::ToSpan as _;

pub use self::cluster::Cluster;
pub use self::instance::Instance;
use self::instance::Pending;
pub use self::snapshot::ClusterSnapshot;
pub use self::snapshot::Snapshot;
use crate::aws::ACCOUNT;
use crate::course::Course;
use crate::course::Phase;
use crate::http::Answer;
use crate::operation::Refusal;
use crate::query;
use crate::query::Parameters;
use crate::query::invalid_value;
use crate::xml::Element;

/// The version of the API, which every call names.
pub(crate) const VERSION: &str = "2014-10-31";

const NAME_SPACE: &str = "http://rds.amazonaws.com/doc/2014-10-31/";

/// The codes of errors that the API defines and this fake sends, each with its status.
const CODES: &[(&str, u16)] = &[
    ("DBClusterAlreadyExistsFault", 400),
    ("DBClusterAutomatedBackupNotFoundFault", 404),
    ("DBClusterNotFoundFault", 404),
    ("DBClusterSnapshotAlreadyExistsFault", 400),
    ("DBClusterSnapshotNotFoundFault", 404),
    ("DBInstanceAlreadyExists", 400),
    ("DBInstanceAutomatedBackupNotFound", 404),
    ("DBInstanceNotFound", 404),
    ("DBParameterGroupNotFound", 404),
    ("DBSnapshotAlreadyExists", 400),
    ("DBSnapshotNotFound", 404),
    ("DBSubnetGroupNotFoundFault", 404),
    ("InstanceQuotaExceeded", 400),
    ("InvalidDBClusterSnapshotStateFault", 400),
    ("InvalidDBClusterStateFault", 400),
    ("InvalidDBInstanceState", 400),
    ("InvalidDBSnapshotState", 400),
    ("KMSKeyNotAccessibleFault", 400),
    ("OptionGroupNotFoundFault", 404),
    ("PointInTimeRestoreNotEnabled", 400),
    ("StorageQuotaExceeded", 400),
];

/// Returns the codes of errors that this fake sends of those that the API defines, each with its status. There are also
/// those that all services have, such as `InvalidParameterValue`, and those of a fault that a test asks for.
pub fn codes() -> &'static [(&'static str, u16)] {
    CODES
}

/// Returns a refusal by a code of the table.
fn refuse(code: &str, message: impl Into<String>) -> Refusal {
    let status = CODES
        .iter()
        .find_map(|(known, status)| (*known == code).then_some(*status))
        .expect("the table has every code that is sent");
    Refusal::new(status, code, message)
}

/// What a resource came from, for tests to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A snapshot of this name.
    Snapshot(String),
    /// An instance or a cluster of this name, as it was at this moment.
    Moment(String, Timestamp),
}

/// The moments from and to which something can be restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestoreWindow {
    /// The first one.
    pub earliest: Timestamp,
    /// The last one. At AWS it follows the present by up to five minutes; here it stays where the test puts it.
    pub latest: Timestamp,
}

/// Something that happened, as `DescribeEvents` tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The name of what it happened to.
    pub source: String,
    /// Its kind: `db-instance`, `db-cluster`, `db-snapshot`, `db-cluster-snapshot`.
    pub source_type: String,
    /// The text.
    pub message: String,
    /// The category.
    pub category: String,
    /// When.
    pub moment: Timestamp,
}

/// The courses of what is made or changed, where no other is given for its name.
#[derive(Clone, Debug)]
pub struct Courses {
    /// Of a restored instance.
    pub restored_instance: Course,
    /// Of a created instance: the member of a cluster.
    pub created_instance: Course,
    /// Of a restored cluster.
    pub restored_cluster: Course,
    /// Of a snapshot that is made or copied.
    pub snapshot: Course,
    /// Of what is changed.
    pub modified: Course,
    /// Of what is renamed. The new name counts from its last phase on.
    pub renamed: Course,
    /// Of what is deleted.
    pub deleted: Course,
}

impl Default for Courses {
    fn default() -> Courses {
        let creating = || Phase::of("creating").readings(2);
        let available = || Phase::of("available");
        let modifying = || Phase::of("modifying");
        Courses {
            restored_instance: Course::of([
                creating(),
                Phase::of("backing-up"),
                modifying(),
                available(),
            ]),
            created_instance: Course::of([creating(), available()]),
            restored_cluster: Course::of([creating(), available()]),
            snapshot: Course::of([
                Phase::of("creating").percent(0),
                Phase::of("creating").percent(50),
                available().percent(100),
            ]),
            modified: Course::of([modifying(), available()]),
            renamed: Course::of([Phase::of("renaming"), available()]),
            deleted: Course::of([Phase::of("deleting").readings(2), Phase::gone()]),
        }
    }
}

/// The world of one region: what is there, and what is to happen to what is made.
///
/// Tests put things in, let the client work, and look at what is there then. The keys of the maps are the names.
#[derive(Clone, Debug)]
pub struct Rds {
    /// The region.
    pub region: String,
    /// The present. Each call that makes something moves it on by a second, and nothing else does.
    pub now: Timestamp,
    /// The instances, members of clusters included.
    pub instances: BTreeMap<String, Instance>,
    /// The clusters.
    pub clusters: BTreeMap<String, Cluster>,
    /// The snapshots of instances. Automated ones begin with `rds:`.
    pub snapshots: BTreeMap<String, Snapshot>,
    /// The snapshots of clusters.
    pub cluster_snapshots: BTreeMap<String, ClusterSnapshot>,
    /// Instances that were deleted and whose automated backups were retained.
    pub retained: BTreeMap<String, Instance>,
    /// What happened.
    pub events: Vec<Event>,
    /// The courses of what is made or changed.
    pub courses: Courses,
    /// How many instances there may be.
    pub instance_quota: Option<usize>,
    /// How many GiB all instances may have together.
    pub storage_quota: Option<u32>,
    /// Keys that cannot be used: disabled, being deleted, or of a grant that is gone.
    pub inaccessible_keys: BTreeSet<String>,
    /// The subnet groups that there are, besides those of the instances and clusters that were added.
    pub subnet_groups: BTreeSet<String>,
    /// The parameter groups that there are, of instances and clusters, likewise.
    pub parameter_groups: BTreeSet<String>,
    /// The option groups that there are, likewise.
    pub option_groups: BTreeSet<String>,
    expected: BTreeMap<String, Course>,
    /// Changes that are asked for and not made, by the name of the instance.
    pending: BTreeMap<String, Pending>,
    /// The new names of clusters, by their names.
    renamed_clusters: BTreeMap<String, String>,
    made: u32,
}

impl Rds {
    pub(crate) fn new(region: &str) -> Rds {
        Rds {
            region: region.to_owned(),
            now: PRESENT.parse().expect("the constant is a moment"),
            instances: BTreeMap::new(),
            clusters: BTreeMap::new(),
            snapshots: BTreeMap::new(),
            cluster_snapshots: BTreeMap::new(),
            retained: BTreeMap::new(),
            events: Vec::new(),
            courses: Courses::default(),
            instance_quota: None,
            storage_quota: None,
            inaccessible_keys: BTreeSet::new(),
            subnet_groups: BTreeSet::from(["default".to_owned()]),
            parameter_groups: BTreeSet::new(),
            option_groups: BTreeSet::new(),
            expected: BTreeMap::new(),
            pending: BTreeMap::new(),
            renamed_clusters: BTreeMap::new(),
            made: 0,
        }
    }

    /// Adds an instance, with the groups that it names.
    pub fn add_instance(&mut self, instance: Instance) {
        self.subnet_groups.insert(instance.subnet_group.clone());
        self.parameter_groups
            .insert(instance.parameter_group.clone());
        self.option_groups.insert(instance.option_group.clone());
        self.instances.insert(instance.id.clone(), instance);
    }

    /// Adds a cluster, with the groups that it names. Its members are instances that name it.
    pub fn add_cluster(&mut self, cluster: Cluster) {
        self.subnet_groups.insert(cluster.subnet_group.clone());
        self.parameter_groups
            .insert(cluster.parameter_group.clone());
        self.clusters.insert(cluster.id.clone(), cluster);
    }

    /// Adds a snapshot of an instance.
    pub fn add_snapshot(&mut self, snapshot: Snapshot) {
        self.snapshots.insert(snapshot.id.clone(), snapshot);
    }

    /// Adds a snapshot of a cluster.
    pub fn add_cluster_snapshot(&mut self, snapshot: ClusterSnapshot) {
        self.cluster_snapshots.insert(snapshot.id.clone(), snapshot);
    }

    /// Gives the course of the next instance, cluster or snapshot that is made with this name, or of what has this name
    /// when it is next changed or deleted.
    pub fn expect(&mut self, name: &str, course: Course) {
        self.expected.insert(name.to_owned(), course);
    }

    /// Returns the course of something that is made now.
    fn course(&mut self, name: &str, otherwise: fn(&Courses) -> &Course) -> Course {
        let expected = self.expected.remove(name);
        expected.unwrap_or_else(|| otherwise(&self.courses).clone())
    }

    /// Counts something that is made, and returns when and as which one.
    fn make(&mut self) -> (Timestamp, u32) {
        self.made += 1;
        self.now += 1.second();
        (self.now, self.made)
    }

    fn tell(&mut self, source_type: &str, source: &str, category: &str, message: &str) {
        self.events.push(Event {
            source: source.to_owned(),
            source_type: source_type.to_owned(),
            message: message.to_owned(),
            category: category.to_owned(),
            moment: self.now,
        });
    }

    fn arn(&self, kind: &str, id: &str) -> String {
        format!("arn:aws:rds:{}:{ACCOUNT}:{kind}:{id}", self.region)
    }

    /// Answers a call. The worlds of other regions are there to copy from.
    pub(crate) fn answer(
        &mut self,
        action: &str,
        parameters: Parameters<'_>,
        elsewhere: &dyn Fn(&str) -> Option<Rds>,
    ) -> Result<Answer, Refusal> {
        let result = match action {
            "DescribeDBInstances" => self.describe_instances(parameters),
            "DescribeDBClusters" => self.describe_clusters(parameters),
            "DescribeDBSnapshots" => self.describe_snapshots(parameters),
            "DescribeDBClusterSnapshots" => self.describe_cluster_snapshots(parameters),
            "DescribeDBInstanceAutomatedBackups" => self.describe_instance_backups(parameters),
            "DescribeDBClusterAutomatedBackups" => self.describe_cluster_backups(parameters),
            "DescribeEvents" => self.describe_events(parameters),
            "RestoreDBInstanceFromDBSnapshot" => self.restore_instance_from_snapshot(parameters),
            "RestoreDBInstanceToPointInTime" => self.restore_instance_to_moment(parameters),
            "RestoreDBClusterFromSnapshot" => self.restore_cluster_from_snapshot(parameters),
            "RestoreDBClusterToPointInTime" => self.restore_cluster_to_moment(parameters),
            "CreateDBInstance" => self.create_instance(parameters),
            "CreateDBSnapshot" => self.create_snapshot(parameters),
            "CreateDBClusterSnapshot" => self.create_cluster_snapshot(parameters),
            "CopyDBSnapshot" => self.copy_snapshot(parameters, elsewhere),
            "CopyDBClusterSnapshot" => self.copy_cluster_snapshot(parameters, elsewhere),
            "ModifyDBInstance" => self.modify_instance(parameters),
            "ModifyDBCluster" => self.modify_cluster(parameters),
            "DeleteDBInstance" => self.delete_instance(parameters),
            "DeleteDBCluster" => self.delete_cluster(parameters),
            "DeleteDBSnapshot" => self.delete_snapshot(parameters),
            "DeleteDBClusterSnapshot" => self.delete_cluster_snapshot(parameters),
            "ListTagsForResource" => self.list_tags(parameters),
            "AddTagsToResource" => self.add_tags(parameters),
            _ => Err(crate::aws::unknown_action(action, VERSION)),
        }?;
        let result = Element::new(&format!("{action}Result")).children(result);
        Ok(query::answer(action, NAME_SPACE, result))
    }
}

/// The actions that this fake answers, for the test that compares them with the model of AWS.
pub fn actions() -> &'static [&'static str] {
    &[
        "AddTagsToResource",
        "CopyDBClusterSnapshot",
        "CopyDBSnapshot",
        "CreateDBClusterSnapshot",
        "CreateDBInstance",
        "CreateDBSnapshot",
        "DeleteDBCluster",
        "DeleteDBClusterSnapshot",
        "DeleteDBInstance",
        "DeleteDBSnapshot",
        "DescribeDBClusterAutomatedBackups",
        "DescribeDBClusterSnapshots",
        "DescribeDBClusters",
        "DescribeDBInstanceAutomatedBackups",
        "DescribeDBInstances",
        "DescribeDBSnapshots",
        "DescribeEvents",
        "ListTagsForResource",
        "ModifyDBCluster",
        "ModifyDBInstance",
        "RestoreDBClusterFromSnapshot",
        "RestoreDBClusterToPointInTime",
        "RestoreDBInstanceFromDBSnapshot",
        "RestoreDBInstanceToPointInTime",
    ]
}

/// The elements of a result, in their order.
type Elements = Vec<Element>;

/// The present of every world, until calls move it on.
const PRESENT: &str = "2026-11-22T02:00:00Z";

/// Returns a name in the form in which RDS keeps it.
///
/// # Errors
/// It is none: 1 to 63 letters, digits and hyphens, beginning with a letter, without a hyphen at the end or two in a row.
fn name(text: &str) -> Result<String, Refusal> {
    let is_allowed = |character: char| character.is_ascii_alphanumeric() || character == '-';
    let is_name = text.len() <= 63
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(is_allowed)
        && !text.ends_with('-')
        && !text.contains("--");
    if is_name {
        return Ok(text.to_ascii_lowercase());
    }
    Err(invalid_value(format!(
        "The parameter {text} is not a valid identifier. Identifiers must begin with a letter; must contain only ASCII \
         letters, digits, and hyphens; and must not end with a hyphen or contain two consecutive hyphens."
    )))
}
