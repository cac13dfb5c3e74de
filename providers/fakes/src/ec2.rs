//! Turns calls of the API of Amazon EC2 for EBS into volumes and snapshots of a world that a test has scripted.
//!
//! What an emulator leaves out: snapshots and volumes take their time, and a client token makes a volume once. Source of
//! shapes and codes: the API reference, <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Welcome.html>, and
//! "Ensuring idempotency in Amazon EC2 API requests" of its developer guide.

mod shape;

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::ToSpan as _;

use self::shape::paged;
use self::shape::passes;
use self::shape::specified_tags;
use crate::aws::ACCOUNT;
use crate::course::Course;
use crate::course::Phase;
use crate::http::Answer;
use crate::operation::REQUEST_ID;
use crate::operation::Refusal;
use crate::query::Parameters;
use crate::query::invalid_value;
use crate::xml::Element;

const NAME_SPACE: &str = "http://ec2.amazonaws.com/doc/2016-11-15/";

/// The actions that this fake answers.
pub const ACTIONS: [&str; 6] = [
    "CreateSnapshot",
    "CreateTags",
    "CreateVolume",
    "DescribeFastSnapshotRestores",
    "DescribeSnapshots",
    "DescribeVolumes",
];

/// A snapshot of a volume.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The id.
    pub id: String,
    /// Its states: `pending`, `completed`, `error` and others.
    pub course: Course,
    /// The volume that it is of.
    pub volume: String,
    /// GiB.
    pub size: u32,
    /// The description.
    pub description: String,
    /// The key that it is encrypted with.
    pub kms_key: Option<String>,
    /// The tags.
    pub tags: BTreeMap<String, String>,
    /// When it was begun.
    pub started: Timestamp,
    /// The zones in which volumes of it are fast from the first reading on.
    pub fast_zones: BTreeSet<String>,
}

/// A volume.
#[derive(Clone, Debug)]
pub struct Volume {
    /// The id.
    pub id: String,
    /// Its states: `creating`, `available`, `in-use`, `error` and others.
    pub course: Course,
    /// The snapshot that it was made from.
    pub snapshot: Option<String>,
    /// The zone.
    pub zone: String,
    /// GiB.
    pub size: u32,
    /// The kind.
    pub kind: String,
    /// The key that it is encrypted with.
    pub kms_key: Option<String>,
    /// The tags.
    pub tags: BTreeMap<String, String>,
    /// When it was made.
    pub created: Timestamp,
}

/// The volumes and snapshots of one region, by their ids.
#[derive(Clone, Debug)]
pub struct Ec2 {
    /// The region.
    pub region: String,
    /// The present. Each call that makes something moves it on by a second.
    pub now: Timestamp,
    /// The snapshots.
    pub snapshots: BTreeMap<String, Snapshot>,
    /// The volumes.
    pub volumes: BTreeMap<String, Volume>,
    /// The course of a snapshot that is made.
    pub snapshot_course: Course,
    /// The course of a volume that is made.
    pub volume_course: Course,
    /// What each client token made, and with which parameters.
    tokens: BTreeMap<String, (BTreeMap<String, String>, String)>,
    made: u32,
}

impl Ec2 {
    pub(crate) fn new(region: &str, now: Timestamp) -> Ec2 {
        Ec2 {
            region: region.to_owned(),
            now,
            snapshots: BTreeMap::new(),
            volumes: BTreeMap::new(),
            snapshot_course: Course::of([
                Phase::of("pending").percent(0),
                Phase::of("pending").percent(50),
                Phase::of("completed").percent(100),
            ]),
            volume_course: Course::of([Phase::of("creating").readings(2), Phase::of("available")]),
            tokens: BTreeMap::new(),
            made: 0,
        }
    }

    /// Adds an available volume of 10 GiB in the first zone, and returns its id.
    pub fn add_volume(&mut self) -> String {
        let id = self.make("vol");
        let volume = Volume {
            id: id.clone(),
            course: Course::at("available"),
            snapshot: None,
            zone: format!("{}a", self.region),
            size: 10,
            kind: "gp3".to_owned(),
            kms_key: None,
            tags: BTreeMap::new(),
            created: self.now,
        };
        self.volumes.insert(id.clone(), volume);
        id
    }

    /// Answers a call.
    pub(crate) fn answer(
        &mut self,
        action: &str,
        parameters: Parameters<'_>,
    ) -> Result<Answer, Refusal> {
        let response = match action {
            "DescribeSnapshots" => self.describe_snapshots(parameters),
            "DescribeVolumes" => self.describe_volumes(parameters),
            "DescribeFastSnapshotRestores" => Ok(self.describe_fast_restores()),
            "CreateSnapshot" => self.create_snapshot(parameters),
            "CreateVolume" => self.create_volume(parameters),
            "CreateTags" => self.create_tags(parameters),
            _ => Err(crate::aws::unknown_action(action, "2016-11-15")),
        }?;
        let body = response.with("requestId", REQUEST_ID).document(NAME_SPACE);
        Ok(Answer::new(200, "text/xml;charset=UTF-8", body))
    }

    fn make(&mut self, kind: &str) -> String {
        self.made += 1;
        self.now += 1.second();
        format!("{kind}-{:017x}", self.made)
    }

    fn describe_snapshots(&mut self, parameters: Parameters<'_>) -> Result<Element, Refusal> {
        let wanted = parameters.list("SnapshotId");
        for id in &wanted {
            let found = self.snapshots.get_mut(id);
            match found {
                Some(snapshot) if snapshot.course.is_unseen() => snapshot.course.advance(),
                Some(_) => continue,
                None => {}
            }
            let message = format!("The snapshot '{id}' does not exist.");
            return Err(Refusal::new(400, "InvalidSnapshot.NotFound", message));
        }
        let filters = parameters.structures("Filter");
        let mut items = Vec::new();
        for snapshot in self.snapshots.values_mut() {
            let is_wanted = wanted.is_empty() || wanted.contains(&snapshot.id);
            if !is_wanted || !passes(&filters, &snapshot.tags, |name| snapshot.field(name))? {
                continue;
            }
            if !snapshot.course.is_unseen() {
                items.push(snapshot.fields(Element::new("item")));
            }
            snapshot.course.advance();
        }
        paged(
            "DescribeSnapshotsResponse",
            "snapshotSet",
            items,
            parameters,
        )
    }

    fn describe_volumes(&mut self, parameters: Parameters<'_>) -> Result<Element, Refusal> {
        let wanted = parameters.list("VolumeId");
        for id in &wanted {
            match self.volumes.get_mut(id) {
                Some(volume) if volume.course.is_unseen() => volume.course.advance(),
                Some(_) => continue,
                None => {}
            }
            let message = format!("The volume '{id}' does not exist.");
            return Err(Refusal::new(400, "InvalidVolume.NotFound", message));
        }
        let filters = parameters.structures("Filter");
        let mut items = Vec::new();
        for volume in self.volumes.values_mut() {
            let is_wanted = wanted.is_empty() || wanted.contains(&volume.id);
            if !is_wanted || !passes(&filters, &volume.tags, |name| volume.field(name))? {
                continue;
            }
            if !volume.course.is_unseen() {
                items.push(volume.fields(Element::new("item")));
            }
            volume.course.advance();
        }
        paged("DescribeVolumesResponse", "volumeSet", items, parameters)
    }

    fn describe_fast_restores(&self) -> Element {
        let mut set = Element::new("fastSnapshotRestoreSet");
        for snapshot in self.snapshots.values() {
            for zone in &snapshot.fast_zones {
                let item = Element::new("item")
                    .with("snapshotId", &snapshot.id)
                    .with("availabilityZone", zone)
                    .with("state", "enabled")
                    .with("ownerId", ACCOUNT);
                set = set.child(item);
            }
        }
        Element::new("DescribeFastSnapshotRestoresResponse").child(set)
    }

    /// There is no client token here at AWS either: a call that is sent twice makes two.
    fn create_snapshot(&mut self, parameters: Parameters<'_>) -> Result<Element, Refusal> {
        let volume = parameters.required("VolumeId")?;
        let of = self.volumes.get(volume).cloned().ok_or_else(|| {
            let message = format!("The volume '{volume}' does not exist.");
            Refusal::new(400, "InvalidVolume.NotFound", message)
        })?;
        let id = self.make("snap");
        let snapshot = Snapshot {
            id: id.clone(),
            course: self.snapshot_course.clone(),
            volume: of.id,
            size: of.size,
            description: parameters.text_or("Description", ""),
            kms_key: of.kms_key,
            tags: specified_tags(parameters, "snapshot"),
            started: self.now,
            fast_zones: BTreeSet::new(),
        };
        let response = snapshot.fields(Element::new("CreateSnapshotResponse"));
        self.snapshots.insert(id, snapshot);
        Ok(response)
    }

    fn create_volume(&mut self, parameters: Parameters<'_>) -> Result<Element, Refusal> {
        let token = parameters.text("ClientToken");
        let before = token.and_then(|token| self.tokens.get(token));
        if let Some((before, id)) = before {
            if before != parameters.0 {
                let message = "The client token was used with other parameters.";
                return Err(Refusal::new(400, "IdempotentParameterMismatch", message));
            }
            let volume = &self.volumes[id];
            return Ok(volume.fields(Element::new("CreateVolumeResponse")));
        }
        let volume = self.new_volume(parameters)?;
        let response = volume.fields(Element::new("CreateVolumeResponse"));
        if let Some(token) = token {
            let made = (parameters.0.clone(), volume.id.clone());
            self.tokens.insert(token.to_owned(), made);
        }
        self.volumes.insert(volume.id.clone(), volume);
        Ok(response)
    }

    fn new_volume(&mut self, parameters: Parameters<'_>) -> Result<Volume, Refusal> {
        let zone = parameters.required("AvailabilityZone")?;
        if !zone.starts_with(&self.region) {
            let message = format!("The zone '{zone}' does not exist.");
            return Err(Refusal::new(400, "InvalidZone.NotFound", message));
        }
        let size: Option<u32> = parameters.parsed("Size")?;
        let source = parameters.text("SnapshotId");
        let source = source.map(|id| self.whole_snapshot(id)).transpose()?;
        let (size, snapshot, kms_key) = match source {
            Some(of) => (
                size.unwrap_or(of.size).max(of.size),
                Some(of.id),
                of.kms_key,
            ),
            None => {
                let missing = || invalid_value("Size or SnapshotId is required");
                (size.ok_or_else(missing)?, None, None)
            }
        };
        Ok(Volume {
            id: self.make("vol"),
            course: self.volume_course.clone(),
            snapshot,
            zone: zone.to_owned(),
            size,
            kind: parameters.text_or("VolumeType", "gp2"),
            kms_key: parameters.text("KmsKeyId").map(str::to_owned).or(kms_key),
            tags: specified_tags(parameters, "volume"),
            created: self.now,
        })
    }

    fn whole_snapshot(&self, id: &str) -> Result<Snapshot, Refusal> {
        let found = self.snapshots.get(id).filter(|it| !it.course.is_unseen());
        let snapshot = found.ok_or_else(|| {
            let message = format!("The snapshot '{id}' does not exist.");
            Refusal::new(400, "InvalidSnapshot.NotFound", message)
        })?;
        if snapshot.course.status() != "completed" {
            let message = format!(
                "Snapshot is in invalid state - {}",
                snapshot.course.status()
            );
            return Err(Refusal::new(400, "IncorrectState", message));
        }
        Ok(snapshot.clone())
    }

    fn create_tags(&mut self, parameters: Parameters<'_>) -> Result<Element, Refusal> {
        let tags = parameters.tags("Tag");
        for id in parameters.list("ResourceId") {
            let snapshot = self.snapshots.get_mut(&id).map(|it| &mut it.tags);
            let place = snapshot.or_else(|| self.volumes.get_mut(&id).map(|it| &mut it.tags));
            let place = place.ok_or_else(|| {
                let message = format!("The ID '{id}' is not valid");
                Refusal::new(400, "InvalidID", message)
            })?;
            place.extend(tags.clone());
        }
        Ok(Element::new("CreateTagsResponse").with("return", true))
    }
}
