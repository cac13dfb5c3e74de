//! The fake of RDS where AWS is not as kind as an emulator: states, names, defaults, refusals, pages and regions.

mod support;

use anyhow::Context as _;
use anyhow::Result;
use salvor_fakes::Aws;
use salvor_fakes::Course;
use salvor_fakes::Effect;
use salvor_fakes::Fault;
use salvor_fakes::Phase;
use salvor_fakes::rds::Event;
use salvor_fakes::rds::Instance;
use salvor_fakes::rds::Origin;
use salvor_fakes::rds::Snapshot;

use crate::support::full_world;
use crate::support::rds;
use crate::support::value;

#[test]
fn a_restore_of_which_the_answer_is_lost_is_done_once_and_found_again() -> Result<()> {
    let aws = full_world()?;
    let endpoint = aws.endpoint();
    aws.rds(|rds| {
        let course = Course::of([
            Phase::unseen().readings(2),
            Phase::of("creating").percent(40),
            Phase::of("a-state-of-next-year"),
            Phase::of("available"),
        ]);
        rds.expect("drill", course);
    });
    aws.script().fault(Fault::on(
        "RestoreDBInstanceFromDBSnapshot",
        Effect::AnswerLost,
    ));
    let restore = || {
        let names = [
            ("DBSnapshotIdentifier", "rds:prod-1"),
            ("DBInstanceIdentifier", "drill"),
        ];
        rds(&endpoint, "RestoreDBInstanceFromDBSnapshot", &names)
    };
    restore().expect_err("the connection was closed");
    let (status, body) = restore()?;
    assert_eq!(
        (status, value(&body, "Code")),
        (400, Some("DBInstanceAlreadyExists"))
    );
    let restores = aws.script().calls_of("RestoreDBInstanceFromDBSnapshot");
    let done: Vec<_> = restores
        .iter()
        .map(|call| (call.done, call.status))
        .collect();
    assert_eq!(done, [(1, None), (0, Some(400))]);

    let mut shown = Vec::new();
    for _ in 0..5 {
        let (_, body) = rds(
            &endpoint,
            "DescribeDBInstances",
            &[("DBInstanceIdentifier", "drill")],
        )?;
        let state = value(&body, "DBInstanceStatus").or(value(&body, "Code"));
        shown.push(state.context("a state or a code")?.to_owned());
    }
    let unseen = "DBInstanceNotFound";
    assert_eq!(
        shown,
        [
            unseen,
            unseen,
            "creating",
            "a-state-of-next-year",
            "available"
        ]
    );
    Ok(())
}

#[test]
fn a_restore_applies_its_defaults_in_silence() -> Result<()> {
    let aws = full_world()?;
    aws.rds(|rds| {
        let source = rds.instances.get_mut("prod").expect("it was added");
        source.multi_az = true;
        source.has_deletion_protection = true;
        source.copies_tags_to_snapshots = true;
    });
    let names = [
        ("SourceDBInstanceIdentifier", "prod"),
        ("TargetDBInstanceIdentifier", "Drill"),
        ("RestoreTime", "2026-11-20T10:00:00Z"),
    ];
    let (status, body) = rds(&aws.endpoint(), "RestoreDBInstanceToPointInTime", &names)?;
    assert_eq!(status, 200, "{body}");
    let made = aws.rds(|rds| rds.instances["drill"].clone());
    let moment = "2026-11-20T10:00:00Z".parse()?;
    assert_eq!(made.origin, Some(Origin::Moment("prod".to_owned(), moment)));
    assert_eq!(made.class, "db.t4g.medium");
    assert!(!made.multi_az && !made.has_deletion_protection && !made.copies_tags_to_snapshots);
    assert_eq!(made.security_groups, ["sg-default"]);
    assert_eq!(made.subnet_group, "default");
    assert_eq!(made.parameter_group, "default.postgres16");
    assert_eq!(made.option_group, "default:postgres-16");
    assert_eq!((made.storage_type.as_str(), made.iops), ("gp3", None));
    assert!(made.tags.is_empty());
    assert_eq!(made.backup_retention_days, 7);
    assert_ne!(made.resource_id, "db-PROD");
    Ok(())
}

/// Calls with these parameters are refused by this status and this code, and change nothing.
fn check_refused(aws: &Aws, action: &str, parameters: &[(&str, &str)], expected: (u16, &str)) {
    let before = aws.rds(|rds| rds.instances.keys().cloned().collect::<Vec<_>>());
    let (status, body) = rds(&aws.endpoint(), action, parameters).expect("an answer");
    let code = value(&body, "Code").unwrap_or_default();
    assert_eq!((status, code), expected, "{action} {parameters:?}: {body}");
    let after = aws.rds(|rds| rds.instances.keys().cloned().collect::<Vec<_>>());
    assert_eq!(before, after);
}

#[test]
fn what_an_emulator_lets_pass_is_refused() -> Result<()> {
    let aws = full_world()?;
    let restore = |more: &[(&'static str, &'static str)]| {
        let mut parameters = vec![
            ("SourceDBInstanceIdentifier", "prod"),
            ("TargetDBInstanceIdentifier", "drill"),
        ];
        parameters.extend_from_slice(more);
        parameters
    };
    let to_moment = "RestoreDBInstanceToPointInTime";
    let value = (400, "InvalidParameterValue");
    let combination = (400, "InvalidParameterCombination");
    let late = restore(&[("RestoreTime", "2026-11-22T01:56:00Z")]);
    check_refused(&aws, to_moment, &late, value);
    let early = restore(&[("RestoreTime", "2026-11-14T00:00:00Z")]);
    check_refused(&aws, to_moment, &early, value);
    check_refused(&aws, to_moment, &restore(&[]), combination);
    let latest = ("UseLatestRestorableTime", "true");
    let both = restore(&[("RestoreTime", "2026-11-20T00:00:00Z"), latest]);
    check_refused(&aws, to_moment, &both, combination);
    let groups = restore(&[latest, ("DBSubnetGroupName", "none")]);
    check_refused(
        &aws,
        to_moment,
        &groups,
        (404, "DBSubnetGroupNotFoundFault"),
    );
    let groups = restore(&[latest, ("DBParameterGroupName", "none")]);
    check_refused(&aws, to_moment, &groups, (404, "DBParameterGroupNotFound"));
    let zones = restore(&[
        latest,
        ("MultiAZ", "true"),
        ("AvailabilityZone", "us-east-1a"),
    ]);
    check_refused(&aws, to_moment, &zones, combination);

    aws.rds(|rds| rds.instance_quota = Some(1));
    check_refused(
        &aws,
        to_moment,
        &restore(&[latest]),
        (400, "InstanceQuotaExceeded"),
    );
    aws.rds(|rds| {
        rds.instance_quota = None;
        rds.storage_quota = Some(150);
    });
    check_refused(
        &aws,
        to_moment,
        &restore(&[latest]),
        (400, "StorageQuotaExceeded"),
    );
    aws.rds(|rds| {
        rds.storage_quota = None;
        rds.inaccessible_keys
            .insert("arn:aws:kms:us-east-1:123456789012:key/k".to_owned());
    });
    check_refused(
        &aws,
        to_moment,
        &restore(&[latest]),
        (400, "KMSKeyNotAccessibleFault"),
    );
    aws.rds(|rds| {
        rds.instances
            .get_mut("prod")
            .expect("it was added")
            .backup_retention_days = 0;
    });
    check_refused(
        &aws,
        to_moment,
        &restore(&[latest]),
        (400, "PointInTimeRestoreNotEnabled"),
    );

    let one = [("DBInstanceIdentifier", "prod")];
    let delete = "DeleteDBInstance";
    check_refused(&aws, delete, &one, combination);
    aws.rds(|rds| {
        rds.instances.get_mut("prod").expect("it was added").course = Course::at("storage-full");
    });
    let snapshot = [one[0], ("DBSnapshotIdentifier", "rds:x")];
    check_refused(&aws, "CreateDBSnapshot", &snapshot, value);
    check_refused(&aws, "Rename", &one, (400, "InvalidAction"));
    let few = [("MaxRecords", "19")];
    check_refused(&aws, "DescribeDBInstances", &few, value);
    Ok(())
}

#[test]
fn a_rename_takes_its_time_and_the_old_name_is_free_then() -> Result<()> {
    let aws = full_world()?;
    let endpoint = aws.endpoint();
    let names = [
        ("DBInstanceIdentifier", "prod"),
        ("NewDBInstanceIdentifier", "prod-old"),
        ("ApplyImmediately", "true"),
    ];
    assert_eq!(rds(&endpoint, "ModifyDBInstance", &names)?.0, 200);
    let state = |name: &str| -> Result<String> {
        let (_, body) = rds(
            &endpoint,
            "DescribeDBInstances",
            &[("DBInstanceIdentifier", name)],
        )?;
        let state = value(&body, "DBInstanceStatus").or(value(&body, "Code"));
        Ok(state.context("a state or a code")?.to_owned())
    };
    // Whoever asks for the new name only moves it on too.
    assert_eq!(state("prod-old")?, "DBInstanceNotFound");
    assert_eq!(state("prod-old")?, "available");
    assert_eq!(state("prod")?, "DBInstanceNotFound");
    let kept = aws.rds(|rds| rds.instances["prod-old"].resource_id.clone());
    assert_eq!(kept, "db-PROD");

    // Without `ApplyImmediately` it waits for the window of maintenance.
    let later = [
        ("DBInstanceIdentifier", "prod-old"),
        ("NewDBInstanceIdentifier", "prod"),
    ];
    assert_eq!(rds(&endpoint, "ModifyDBInstance", &later)?.0, 200);
    for _ in 0..3 {
        state("prod-old")?;
    }
    assert_eq!(state("prod")?, "DBInstanceNotFound");
    Ok(())
}

#[test]
fn a_reset_is_a_reset_and_no_answer_is_an_end() -> Result<()> {
    let aws = full_world()?;
    let endpoint = aws.endpoint();
    aws.script()
        .fault(Fault::on("DescribeDBInstances", Effect::Reset));
    let error = rds(&endpoint, "DescribeDBInstances", &[]).expect_err("it is reset");
    let kind = error.downcast::<std::io::Error>()?.kind();
    assert_eq!(kind, std::io::ErrorKind::ConnectionReset);

    aws.script().clear_faults();
    aws.script()
        .fault(Fault::on("DescribeDBInstances", Effect::NoAnswer));
    let error = rds(&endpoint, "DescribeDBInstances", &[]).expect_err("it ends");
    assert_eq!(error.to_string(), "no answer");
    Ok(())
}

#[test]
fn a_list_has_pages_and_no_page_is_whole_by_chance() -> Result<()> {
    let aws = Aws::start()?;
    aws.rds(|rds| {
        for number in 0..45 {
            rds.add_instance(Instance::new(&format!("i{number:02}")));
        }
    });
    let endpoint = aws.endpoint();
    let mut seen = Vec::new();
    let mut marker = String::new();
    for _ in 0..3 {
        let mut parameters = vec![("MaxRecords", "20")];
        if !marker.is_empty() {
            parameters.push(("Marker", &marker));
        }
        let (_, body) = rds(&endpoint, "DescribeDBInstances", &parameters)?;
        let names = body.matches("<DBInstanceIdentifier>").count();
        seen.push(names);
        marker = value(&body, "Marker").unwrap_or_default().to_owned();
    }
    assert_eq!(seen, [20, 20, 5]);
    assert_eq!(marker, "");
    Ok(())
}

#[test]
fn events_of_more_than_an_hour_ago_are_left_out_in_silence() -> Result<()> {
    let aws = Aws::start()?;
    aws.rds(|rds| {
        for moment in ["2026-11-22T00:30:00Z", "2026-11-22T01:30:00Z"] {
            rds.events.push(Event {
                source: "prod".to_owned(),
                source_type: "db-instance".to_owned(),
                message: "Storage is full".to_owned(),
                category: "low storage".to_owned(),
                moment: moment.parse().expect("the constant is a moment"),
            });
        }
    });
    let told = |parameters: &[(&str, &str)]| -> Result<usize> {
        let (_, body) = rds(&aws.endpoint(), "DescribeEvents", parameters)?;
        Ok(body.matches("<Date>").count())
    };
    assert_eq!(told(&[])?, 1);
    assert_eq!(told(&[("Duration", "120")])?, 2);
    let whole = ("StartTime", "2026-11-21T00:00:00Z");
    assert_eq!(told(&[whole])?, 2);
    assert_eq!(told(&[whole, ("EndTime", "2026-11-22T01:00:00Z")])?, 1);
    assert_eq!(told(&[whole, ("SourceType", "db-cluster")])?, 0);
    Ok(())
}

#[test]
fn a_call_that_is_held_is_done_when_the_test_lets_go() -> Result<()> {
    let aws = full_world()?;
    let endpoint = aws.endpoint();
    aws.script()
        .fault(Fault::on("CreateDBSnapshot", Effect::HeldBefore));
    aws.script()
        .fault(Fault::on("CreateDBSnapshot", Effect::HeldAfter).call(2));
    let snapshot = |id: &'static str| {
        let endpoint = endpoint.clone();
        std::thread::spawn(move || {
            let names = [
                ("DBInstanceIdentifier", "prod"),
                ("DBSnapshotIdentifier", id),
            ];
            rds(&endpoint, "CreateDBSnapshot", &names)
        })
    };
    let is_there = |id: &str| aws.rds(|rds| rds.snapshots.contains_key(id));
    let first = snapshot("one");
    aws.script().wait_until_held();
    assert!(!is_there("one"));
    aws.script().release();
    assert_eq!(first.join().expect("no panic")?.0, 200);
    assert!(is_there("one"));

    let second = snapshot("two");
    aws.script().wait_until_held();
    assert!(is_there("two"));
    // The fake may end while a call is held.
    drop(aws);
    let _ = second.join().expect("no panic");
    Ok(())
}

#[test]
fn a_snapshot_is_copied_from_another_region_with_a_key_of_this_one() -> Result<()> {
    let aws = Aws::start()?;
    aws.rds_in("eu-west-1", |rds| {
        let source = Instance {
            kms_key: Some("arn:aws:kms:eu-west-1:123456789012:key/k".to_owned()),
            ..Instance::new("prod")
        };
        rds.add_snapshot(Snapshot::new("s", &source, rds.now));
    });
    let arn = "arn:aws:rds:eu-west-1:123456789012:snapshot:s";
    let mut names = vec![
        ("SourceDBSnapshotIdentifier", arn),
        ("TargetDBSnapshotIdentifier", "copy"),
    ];
    check_refused(
        &aws,
        "CopyDBSnapshot",
        &names,
        (400, "KMSKeyNotAccessibleFault"),
    );
    names.push(("KmsKeyId", "alias/here"));
    let (status, body) = rds(&aws.endpoint(), "CopyDBSnapshot", &names)?;
    assert_eq!(status, 200, "{body}");
    assert_eq!(value(&body, "SourceRegion"), Some("eu-west-1"));
    assert_eq!(value(&body, "SourceDBSnapshotIdentifier"), Some(arn));
    assert_eq!(value(&body, "PercentProgress"), Some("0"));
    assert_eq!(value(&body, "KmsKeyId"), Some("alias/here"));
    Ok(())
}
