//! What `check` finds in the five plans: the defects of their documents when they are put back, and what the documents
//! leave open.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;

use salvor::builtin_providers::registry;
use salvor::model::read;
use salvor::plan_file::Code;
use salvor::plan_file::Problem;

use crate::folders;

/// What a check finds after one text of a plan was replaced by another.
fn after_change(plan: &str, file: &str, from: &str, to: &str) -> Vec<Problem> {
    let copy = tempfile::tempdir().expect("a folder for the copy");
    copy_folder(&folders()[plan], copy.path());
    let path = copy.path().join(file);
    let text = std::fs::read_to_string(&path).expect("a file of the plan");
    assert!(text.contains(from), "plans/{plan}/{file} has no `{from}`");
    std::fs::write(&path, text.replace(from, to)).expect("the copy can be written");
    read(copy.path(), &registry())
        .problems
        .into_iter()
        .collect()
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder of the plan") {
        let entry = entry.expect("an entry of it");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("a file of the plan");
        }
    }
}

/// The documents' own values and habits, put back where the plans put them right.
#[test]
fn the_defects_of_the_documents_are_found() {
    // What each plan says as it is, read once.
    let mut known: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (plan, file, from, to, code) in [
        // Old versions and backups are kept equally long: blocks vanish under a live backup.
        (
            "hopsworks",
            "plan.toml",
            "\"75d\"",
            "\"60d\"",
            Code::InvariantBroken,
        ),
        // Dumps for years, blobs for 45 days.
        (
            "backup-strategies",
            "database/lite.toml",
            "weekly = 4 }",
            "weekly = 4, monthly = 12 }",
            Code::InvariantBroken,
        ),
        (
            "backup-strategies",
            "plan.toml",
            "default = \"45d\"",
            "default = \"30d\"",
            Code::InvariantBroken,
        ),
        // The day of the dump is the day of the disaster.
        (
            "calabi",
            "stores.toml",
            "{date}/pipelines_db",
            "$(date +%Y-%m-%d)/pipelines_db",
            Code::ShellExpression,
        ),
        (
            "datafly-signal",
            "database/aws.toml",
            "{{date run.started \"%Y%m%d%H%M\"}}",
            "$(date +%Y%m%d%H%M)",
            Code::ShellExpression,
        ),
        (
            "calabi",
            "plan.toml",
            "help = \"The tenant's own key\"",
            "default = \"arn:aws:kms:us-east-1:123456789:key/abc-123\"",
            Code::BadValue,
        ),
        (
            "hopsworks",
            "plan.toml",
            "{ mode = \"in-place\" }",
            "{ mode = \"in-place\", rondb-id = 254811140 }",
            Code::NumberForText,
        ),
        // Daily dumps against an objective of one hour.
        (
            "datafly-signal",
            "database/self-managed.toml",
            "\"0 * * * *\"",
            "\"0 2 * * *\"",
            Code::RpoBelowBackup,
        ),
        (
            "datafly-signal",
            "plan.toml",
            "example = \"env:DATAFLY_DB_PASSWORD\"",
            "default = \"datafly\"",
            Code::SecretAsText,
        ),
        // A window that is older than its archive, and one that its base backups do not carry.
        (
            "datafly-signal",
            "database/aws.toml",
            "retention = \"7d\", pitr",
            "retention = \"1d\", pitr",
            Code::RetentionBelowWindow,
        ),
        // Backups of every day against an objective of minutes, where nobody but a person restores.
        (
            "calabi",
            "metadata/pitr.toml",
            "interval = \"5m\"",
            "interval = \"1h\"",
            Code::RpoBelowBackup,
        ),
        (
            "hopsworks",
            "plan.toml",
            "rpo    = \"7d\"",
            "rpo    = \"1d\"",
            Code::RpoBelowBackup,
        ),
        (
            "backup-strategies",
            "plan.toml",
            "backup = { pitr = \"{{inputs.blobs-kept}}\", retention = \"{{inputs.blobs-kept}}\" }\n",
            "",
            Code::InvariantBroken,
        ),
        // The ids are used before the objects that hold them are back.
        (
            "hopsworks",
            "plan.toml",
            "known  = { after = \"backup-at\" }\n",
            "",
            Code::NotKnownBeforeRun,
        ),
        // A moment without its zone, and one in words.
        (
            "kiok",
            "plan.toml",
            "help = \"When that backup was taken\"",
            "default = \"2026-04-06 02:00:00\"",
            Code::TimeWithoutZone,
        ),
        (
            "kiok",
            "plan.toml",
            "at = \"{{inputs.backup-at}}\"",
            "at = \"{{inputs.backup-at}}\", newest = true",
            Code::UnknownKey,
        ),
        // Search, if it were no copy, is kept shorter than the database, and nobody says why.
        (
            "calabi",
            "stores.toml",
            "class  = \"rebuildable\"\nwhy    = \"14 days of snapshots",
            "class  = \"authoritative\"\n# why = \"14 days of snapshots",
            Code::RetentionUneven,
        ),
        // A wait that knows no bad phase.
        (
            "hopsworks",
            "restore.toml",
            ", fails-when = { \"/status/phase\" = [\"Failed\", \"PartiallyFailed\", \"FailedValidation\"] }",
            "",
            Code::Trap,
        ),
        // Two copies, all in one account, the key beside them, and all of it in the region that is lost.
        (
            "backup-strategies",
            "database/cluster.toml",
            "site = \"{{inputs.away}}\"",
            "site = \"{{inputs.home}}\"",
            Code::TooFewCopies,
        ),
        (
            "backup-strategies",
            "plan.toml",
            "immutable = true, key = \"backup-keys\", verified = \"volumes\"",
            "key = \"backup-keys\"",
            Code::TooFewCopies,
        ),
        (
            "backup-strategies",
            "database/lite.toml",
            "account = \"backup\"",
            "account = \"production\"",
            Code::TooFewCopies,
        ),
        (
            "backup-strategies",
            "plan.toml",
            "account = \"security\"",
            "account = \"backup\"",
            Code::KeyNotApart,
        ),
        (
            "backup-strategies",
            "database/cluster.toml",
            "key = \"backup-keys\"",
            "key = \"keys\"",
            Code::KeyNotApart,
        ),
        (
            "backup-strategies",
            "plan.toml",
            "default = \"eu-central-1\"",
            "default = \"eu-west-1\"",
            Code::LostSite,
        ),
        (
            "backup-strategies",
            "plan.toml",
            "only      = [\"volumes\"]",
            "only      = [\"archiving\"]",
            Code::NotVerified,
        ),
        // What a scenario loses and does not bring back, and the old one that comes back.
        (
            "datafly-signal",
            "events.toml",
            "rebuilds = [\"events\"]\n",
            "",
            Code::NotBroughtBack,
        ),
        (
            "calabi",
            "restore.toml",
            "fences  = [\"metadata\", ",
            "fences  = [",
            Code::NotFenced,
        ),
        (
            "calabi",
            "stores.toml",
            "copies  = [{ site = \"{{inputs.replica-region}}\", account = \"calabi\" }]",
            "",
            Code::LostSite,
        ),
        // A button that brings back some of five stores, and old ids that newer manifests name.
        (
            "kiok",
            "plan.toml",
            "needs = [\"restore\", \"kms\", \"iam\", \"connections\", \"joblog\"]",
            "needs = [\"restore\", \"kms\"]",
            Code::SetInPart,
        ),
        (
            "kiok",
            "plan.toml",
            "chain    = true",
            "chain    = true\nttl      = \"30d\"",
            Code::ChainExpires,
        ),
        // What RDS takes from its defaults, and a scheduler that stays at zero.
        (
            "calabi",
            "metadata/snapshot.toml",
            " --db-subnet-group-name {{inputs.subnet-group}}",
            "",
            Code::Trap,
        ),
        ("calabi", "restore.toml", "finally = true\n", "", Code::Trap),
        // Monthly and yearly generations that end before the daily ones.
        (
            "backup-strategies",
            "plan.toml",
            "weekly = 4, monthly = 12, yearly = 3",
            "weekly = 1",
            Code::GenerationWithoutUse,
        ),
        // A new cluster takes an hour and a half of an objective of four.
        (
            "calabi",
            "plan.toml",
            "rto    = \"5h30m\"",
            "rto    = \"1h\"",
            Code::RtoBelowSteps,
        ),
        // The endpoint of the other instance: nothing offers it.
        (
            "calabi",
            "metadata/pitr.toml",
            "{{steps.metadata.answer}}",
            "{{steps.metadata-restore.answer}}",
            Code::UnknownStep,
        ),
    ] {
        let codes = |to: &str| -> BTreeSet<String> {
            let problems = after_change(plan, file, from, to);
            let said = |problem: &Problem| format!("{} {}", problem.code, problem.title);
            problems.iter().map(said).collect()
        };
        let before = known.entry(plan).or_insert_with(|| codes(from)).clone();
        let found = codes(to);
        let word = code.to_string();
        assert!(
            found
                .difference(&before)
                .any(|said| said.starts_with(&word)),
            "plans/{plan}/{file} with `{to}`: {found:?}"
        );
    }
}

/// What the plans are warned of as they are: where a document's own posture breaks a rule, the warning is right.
const KNOWN: [(&str, &[&str]); 5] = [
    ("backup-strategies", &[]),
    (
        "calabi",
        &[
            "rto-below-steps: the steps of `single-table` take 45m one after the other, and its RTO is 30m",
            "too-few-copies: the copies of `pipelines` do not hold 3-2-1-1-0: 0 of 1 immutable or offline, 1 not verified",
            "too-few-copies: the copies of `artifacts` do not hold 3-2-1-1-0: 1 of 2 media, 0 of 1 immutable or offline, 1 not verified",
            "not-scheduled: nothing says how often `chunks` is backed up",
            "too-few-copies: the copies of `chunks` do not hold 3-2-1-1-0: 1 of 2 media, 0 of 1 immutable or offline, 1 not verified",
            "too-few-copies: the copies of `audit-log` do not hold 3-2-1-1-0: 0 of 1 immutable or offline, 2 not verified",
            "trap: settings and grants of the database itself (ALTER DATABASE … SET, GRANT … ON DATABASE) are in no dump made without --create",
            "too-few-copies: the copies of `metadata` do not hold 3-2-1-1-0: 0 of 1 immutable or offline, 1 not verified",
            "too-few-copies: the copies of `metadata` do not hold 3-2-1-1-0: 0 of 1 immutable or offline, 1 not verified",
        ],
    ),
    (
        "datafly-signal",
        &[
            "too-few-copies: the copies of `postgres` do not hold 3-2-1-1-0: 2 of 3 copies, 0 of 1 off its site, 0 of 1 immutable or offline",
            "too-few-copies: the copies of `postgres` do not hold 3-2-1-1-0: 2 of 3 copies, 0 of 1 off its site, 0 of 1 immutable or offline",
            "too-few-copies: the copies of `postgres` do not hold 3-2-1-1-0: 2 of 3 copies, 0 of 1 off its site, 0 of 1 immutable or offline",
            "too-few-copies: the copies of `postgres` do not hold 3-2-1-1-0: 2 of 3 copies, 0 of 1 immutable or offline",
            "too-few-copies: the copies of `postgres` do not hold 3-2-1-1-0: 2 of 3 copies, 0 of 1 immutable or offline",
        ],
    ),
    (
        "hopsworks",
        &[
            "too-few-copies: the copies of `objects-main` do not hold 3-2-1-1-0: 2 of 3 copies, 0 of 1 immutable or offline",
            "too-few-copies: the copies of `objects-users` do not hold 3-2-1-1-0: 2 of 3 copies, 0 of 1 immutable or offline",
            "too-few-copies: the copies of `rondb` do not hold 3-2-1-1-0: 2 of 3 copies, 0 of 1 immutable or offline",
            "too-few-copies: the copies of `opensearch` do not hold 3-2-1-1-0: 2 of 3 copies, 0 of 1 immutable or offline",
            "too-few-copies: the copies of `hopsfs` do not hold 3-2-1-1-0: 2 of 3 copies, 1 of 2 media, 0 of 1 off its site, 0 of 1 immutable or offline",
        ],
    ),
    (
        "kiok",
        &[
            "not-scheduled: nothing says how often the set `backup` is taken",
            "too-few-copies: the copies of `metadata` do not hold 3-2-1-1-0: 2 of 3 copies, 0 of 1 immutable or offline",
            "too-few-copies: the copies of `kms` do not hold 3-2-1-1-0: 2 of 3 copies, 0 of 1 immutable or offline",
            "key-not-apart: `master-key` opens `kms` and its copy",
            "too-few-copies: the copies of `iam` do not hold 3-2-1-1-0: 2 of 3 copies, 0 of 1 immutable or offline",
            "too-few-copies: the copies of `connections` do not hold 3-2-1-1-0: 2 of 3 copies, 0 of 1 immutable or offline",
            "key-not-apart: `master-key` opens `connections` and its copy",
            "too-few-copies: the copies of `joblog` do not hold 3-2-1-1-0: 2 of 3 copies, 0 of 1 immutable or offline",
        ],
    ),
];

#[test]
fn what_the_documents_leave_open_is_warned_about_and_nothing_else() {
    let registry = registry();
    let mut wrong = String::new();
    for (plan, known) in KNOWN {
        let mut found: Vec<String> = Vec::new();
        for problem in read(&folders()[plan], &registry).problems {
            let why = problem.primary.iter().map(|label| label.text.as_str());
            let why: Vec<&str> = why.filter(|_| problem.code == Code::TooFewCopies).collect();
            let said = format!("{}: {}", problem.code, problem.title);
            found.push([vec![said.as_str()], why].concat().join(": "));
        }
        if found != known {
            wrong.push_str(&format!("{plan}: {found:#?}\n"));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
