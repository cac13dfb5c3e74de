//! The fake of RDS as its own client sees it: by the model of AWS, beside moto, and under every fault.

mod support;

use std::collections::BTreeMap;

use anyhow::Result;
use salvor_fakes::Aws;
use salvor_fakes::Effect;
use salvor_fakes::Fault;
use salvor_fakes::rds::Cluster;
use salvor_fakes::rds::Instance;
use salvor_testbed::Boto3;
use salvor_testbed::Moto;
use salvor_testbed::require;
use serde_json::Value;
use serde_json::json;

use crate::support::full_world;
use crate::support::program;

/// One call of each action, in an order in which each is possible in the full world.
fn calls() -> Value {
    let arn = "arn:aws:rds:us-east-1:123456789012:db:prod";
    let tags = json!([{ "Key": "k", "Value": "v" }]);
    json!([
        ["DescribeDBInstances", {}],
        ["DescribeDBClusters", {}],
        ["DescribeDBSnapshots", { "SnapshotType": "automated" }],
        ["DescribeDBClusterSnapshots", { "DBClusterIdentifier": "aurora" }],
        ["DescribeDBInstanceAutomatedBackups", {}],
        ["DescribeDBClusterAutomatedBackups", {}],
        ["CreateDBSnapshot", { "DBInstanceIdentifier": "prod", "DBSnapshotIdentifier": "one", "Tags": tags }],
        ["CopyDBSnapshot", { "SourceDBSnapshotIdentifier": "one", "TargetDBSnapshotIdentifier": "two" }],
        ["RestoreDBInstanceFromDBSnapshot", {
            "DBInstanceIdentifier": "copy", "DBSnapshotIdentifier": "two",
            "VpcSecurityGroupIds": ["sg-1", "sg-2"], "Tags": tags,
        }],
        ["RestoreDBInstanceToPointInTime", {
            "SourceDBInstanceIdentifier": "prod", "TargetDBInstanceIdentifier": "late", "RestoreTime": "2026-11-20T10:00:00Z",
        }],
        ["ModifyDBInstance", {
            "DBInstanceIdentifier": "prod", "NewDBInstanceIdentifier": "next", "DBInstanceClass": "db.r6g.large",
            "AllocatedStorage": 200, "DBPortNumber": 5433, "BackupRetentionPeriod": 3, "MultiAZ": true, "Iops": 4000,
            "EngineVersion": "16.5", "StorageType": "io2",
        }],
        ["CreateDBInstance", {
            "DBInstanceIdentifier": "member", "DBInstanceClass": "db.r6g.large", "Engine": "aurora-postgresql",
            "DBClusterIdentifier": "aurora",
        }],
        ["DescribeDBClusters", { "DBClusterIdentifier": "aurora" }],
        ["ModifyDBCluster", { "DBClusterIdentifier": "aurora", "BackupRetentionPeriod": 3 }],
        ["CreateDBClusterSnapshot", { "DBClusterIdentifier": "aurora", "DBClusterSnapshotIdentifier": "c1" }],
        ["CopyDBClusterSnapshot", {
            "SourceDBClusterSnapshotIdentifier": "c1", "TargetDBClusterSnapshotIdentifier": "c2",
        }],
        ["RestoreDBClusterFromSnapshot", {
            "DBClusterIdentifier": "a2", "SnapshotIdentifier": "c2", "Engine": "aurora-postgresql",
        }],
        ["RestoreDBClusterToPointInTime", {
            "DBClusterIdentifier": "a3", "SourceDBClusterIdentifier": "aurora", "UseLatestRestorableTime": true,
        }],
        ["AddTagsToResource", { "ResourceName": arn, "Tags": tags }],
        ["ListTagsForResource", { "ResourceName": arn }],
        ["DescribeEvents", {}],
        ["DeleteDBSnapshot", { "DBSnapshotIdentifier": "one" }],
        ["DeleteDBClusterSnapshot", { "DBClusterSnapshotIdentifier": "c1" }],
        ["DeleteDBInstance", { "DBInstanceIdentifier": "copy", "SkipFinalSnapshot": true }],
        ["DeleteDBCluster", { "DBClusterIdentifier": "a2", "FinalDBSnapshotIdentifier": "c9" }],
    ])
}

/// Has the model judge the answers to all calls.
fn judged(boto3: &Boto3, aws: &Aws) -> Result<Value> {
    let asked = json!({
        "service": "rds",
        "actions": salvor_fakes::rds::actions(),
        "codes": salvor_fakes::rds::codes(),
        "calls": calls(),
    });
    let arguments = [aws.endpoint(), asked.to_string()];
    let output = boto3.run(&program("model.py"), &[&arguments[0], &arguments[1]])?;
    Ok(serde_json::from_str(&output)?)
}

#[test]
fn the_model_of_aws_has_every_action_code_and_member() -> Result<()> {
    let Some(boto3) = require(Boto3::install()) else {
        return Ok(());
    };
    let judged = judged(&boto3, &full_world()?)?;
    assert_eq!(judged["actions"], salvor_fakes::rds::actions().len());
    assert!(judged["members"].as_u64() > Some(190), "{judged}");
    Ok(())
}

#[test]
fn the_judge_finds_what_the_model_has_not() -> Result<()> {
    let Some(boto3) = require(Boto3::install()) else {
        return Ok(());
    };
    let wrong = [
        (
            "DBInstanceClass",
            "Class",
            "Class is not a member of DBInstance",
        ),
        ("<MultiAZ>false", "<MultiAZ>no", "no is no boolean"),
        ("DBInstance>", "member>", "is not DBInstance"),
    ];
    for (from, to, expected) in wrong {
        let aws = full_world()?;
        let effect = Effect::Replaced(from.to_owned(), to.to_owned());
        aws.script().fault(Fault::on("DescribeDBInstances", effect));
        let error = judged(&boto3, &aws).expect_err("the answer is wrong");
        assert!(format!("{error:#}").contains(expected), "{error:#}");
    }
    Ok(())
}

/// The chapters in which moto is kinder than AWS or names another error, with how they end here.
const OTHERWISE_IN_MOTO: [(&str, &str); 4] = [
    ("rename to what is there", "DBInstanceAlreadyExists"),
    ("to the future", "InvalidParameterValue"),
    ("both ways", "InvalidParameterCombination"),
    ("restore it again", "DBClusterAlreadyExistsFault"),
];

#[test]
fn a_story_ends_as_in_moto_but_where_moto_is_not_like_aws() -> Result<()> {
    let Some(moto) = require(Moto::start()) else {
        return Ok(());
    };
    let boto3 = Boto3::install()?;
    let aws = Aws::start()?;
    aws.rds(|rds| rds.add_cluster(Cluster::new("aurora")));
    let tell = |endpoint: String| -> Result<BTreeMap<String, Value>> {
        let output = boto3.run(&program("rds_story.py"), &[&endpoint])?;
        Ok(serde_json::from_str(&output)?)
    };
    let (ours, theirs) = (tell(aws.endpoint())?, tell(moto.endpoint())?);
    assert!(ours.len() >= 40, "{}", ours.len());
    let otherwise: BTreeMap<&str, &str> = OTHERWISE_IN_MOTO.into_iter().collect();
    let mut differences = Vec::new();
    for (chapter, end) in &ours {
        if let Some(code) = otherwise.get(chapter.as_str()) {
            assert_eq!(end, code, "{chapter}");
            assert_ne!(&theirs[chapter], code, "{chapter}: moto has it right now");
            continue;
        }
        match (end, &theirs[chapter]) {
            // What both send has the same type; each may send what the other does not.
            (Value::Object(ours), Value::Object(theirs)) => {
                for (member, kind) in ours {
                    if theirs.get(member).is_some_and(|other| other != kind) {
                        differences.push(format!("{chapter}: {member}: {kind}"));
                    }
                }
            }
            (ours, theirs) if ours == theirs => {}
            (ours, theirs) => differences.push(format!("{chapter}: {ours} and {theirs}")),
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    Ok(())
}

#[test]
fn boto3_meets_every_fault() -> Result<()> {
    let Some(boto3) = require(Boto3::install()) else {
        return Ok(());
    };
    let aws = Aws::start()?;
    aws.rds(|rds| rds.add_instance(Instance::new("prod")));
    // Those that are held need a hand that lets go: see the test of its own.
    let effects: Vec<_> = Effect::all()
        .into_iter()
        .filter(|(_, effect)| !matches!(effect, Effect::HeldBefore | Effect::HeldAfter))
        .collect();
    for (number, (_, effect)) in (1..).zip(&effects) {
        aws.script()
            .fault(Fault::on("DescribeDBInstances", effect.clone()).call(number));
    }
    let names: Vec<&str> = effects.iter().map(|(name, _)| *name).collect();
    let output = boto3.run(
        &program("rds_faults.py"),
        &[&aws.endpoint(), &json!(names).to_string()],
    )?;
    let ends: Value = serde_json::from_str(&output)?;
    let expected = json!({
        "no answer": "ConnectionClosedError",
        "answer lost": "ConnectionClosedError",
        "error after done": "InternalFailure",
        "throttled": "Throttling",
        "token expired": "ExpiredToken",
        "refused": "ServiceUnavailable",
        "duplicated": "available",
        "truncated": "ResponseParserError",
        "reset": "ConnectionClosedError",
        "without header": "available",
        "unknown value": "a-state-of-next-year",
    });
    assert_eq!(ends, expected);
    let reached: Vec<u32> = aws
        .script()
        .calls()
        .iter()
        .map(|call| call.reached)
        .collect();
    assert_eq!(reached, [0, 1, 1, 0, 0, 0, 2, 1, 1, 1, 1]);
    Ok(())
}
