//! plans/kiok: the buttons of the admin page are pressed by the operator, the bucket is a real one.

use crate::case::Case;
use crate::case::Course;
use crate::case::each;
use crate::case::plain;
use crate::case::recover;
use crate::operator::Question;
use crate::storage::Storage;
use crate::storage::fresh;
use crate::world::World;

/// All that is applied of it.
pub const CASES: [Case; 4] = [
    plain("disk-loss"),
    plain("roll-back"),
    plain("back-up"),
    plain("age"),
];

/// The backup that is restored, and the one that is made meanwhile.
const BACKUP: &str = "20260406T020000Z";
const NEXT: &str = "20261121T020000Z";

const MANIFEST: &str =
    r#"{"stores": {"metadata": {"sha256": "00", "held-by": "20260405T020000Z"}}}"#;

fn world(storage: &Storage) -> (World, String) {
    let bucket = fresh("kiok-backups");
    storage.bucket(&bucket);
    storage.put(&bucket, &format!("{BACKUP}/manifest.json"), MANIFEST);
    storage.put(&bucket, &format!("{BACKUP}/metadata"), "rows");
    let mut world = World::of("kiok");
    let (access, secret) = storage.keys();
    world.give("endpoint", storage.endpoint());
    world.give("access-key", "env:KIOK_ACCESS");
    world.give("secret-key", "env:KIOK_SECRET");
    world.set("KIOK_ACCESS", access);
    world.set("KIOK_SECRET", secret);
    world.give("bucket", &*bucket);
    world.give("backup-id", BACKUP);
    world.give("backup-at", "2026-04-06T02:00:00Z");
    (world, bucket)
}

/// What the operator does and says.
fn reply(storage: &Storage, bucket: &str, question: &Question) -> String {
    match question.step.as_str() {
        "enabled" | "target" => "the page of the settings".to_owned(),
        "backup" => {
            storage.put(bucket, &format!("{NEXT}/manifest.json"), MANIFEST);
            NEXT.to_owned()
        }
        "master-key" | "master" | "choice" => "yes".to_owned(),
        "chain" => "all five agree with the manifest".to_owned(),
        "restore" => "the page says that it is complete".to_owned(),
        "kms" => "12".to_owned(),
        "iam" => "a.miller, group operators".to_owned(),
        "connections" => "warehouse".to_owned(),
        "joblog" | "restored" => "run 4711".to_owned(),
        "credentials" => "none".to_owned(),
        step => panic!("{step} asks: {}", question.ask),
    }
}

#[test]
fn a_kiok_cluster_comes_back_in_every_scenario() {
    let Some(storage) = Storage::shared() else {
        return;
    };
    each(&CASES, 4, |case| {
        let (world, bucket) = world(&storage);
        let course = match case.scenario {
            "disk-loss" => Course::KilledAfter(5),
            "roll-back" => Course::Contradicted,
            _ => Course::Undisturbed,
        };
        let before = storage.texts(&bucket);
        let done = recover(&world, case, course, &|question| {
            reply(&storage, &bucket, question)
        });
        let mut after = storage.texts(&bucket);
        let next = after.remove(&format!("{NEXT}/manifest.json"));
        let backs_up = matches!(case.scenario, "roll-back" | "back-up");
        assert_eq!(next.is_some(), backs_up, "{}", case.scenario);
        assert_eq!(before, after);
        assert!(done.told.contains(": GREEN in "), "{}", done.told);
        done.again.ends_with(0);
    });
}
