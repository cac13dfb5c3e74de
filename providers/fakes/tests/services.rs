//! The fakes of KMS, EBS, CloudWatch Logs and STS as their own client and model see them.

mod support;

use anyhow::Result;
use salvor_fakes::Aws;
use salvor_fakes::Course;
use salvor_fakes::Effect;
use salvor_fakes::Fault;
use salvor_fakes::Phase;
use salvor_fakes::ec2;
use salvor_fakes::kms;
use salvor_fakes::kms::Key;
use salvor_fakes::logs;
use salvor_fakes::sts;
use salvor_testbed::Boto3;
use salvor_testbed::require;
use serde_json::Value;
use serde_json::json;

use crate::support::program;
use crate::support::send;
use crate::support::value;

/// Makes these calls, and has the model of AWS judge the answers.
fn check_model(aws: &Aws, mut asked: Value, codes: &[&str]) -> Result<()> {
    let Some(boto3) = require(Boto3::install()) else {
        return Ok(());
    };
    asked["codes"] = codes.iter().map(|code| json!([code, 400])).collect();
    let arguments = [aws.endpoint(), asked.to_string()];
    let output = boto3.run(&program("model.py"), &[&arguments[0], &arguments[1]])?;
    let judged: Value = serde_json::from_str(&output)?;
    assert_eq!(
        judged["actions"],
        asked["actions"].as_array().map_or(0, Vec::len)
    );
    assert!(judged["members"].as_u64() > Some(0), "{judged}");
    Ok(())
}

fn with_keys() -> Result<Aws> {
    let aws = Aws::start()?;
    let regions = ["us-east-1", "eu-west-1"];
    for region in regions {
        aws.kms_in(region, |kms| {
            kms.add_key(Key {
                aliases: vec!["alias/backups".to_owned()],
                regions: regions.map(str::to_owned).to_vec(),
                ..Key::new("mrk-00000000000000000000000000000001")
            });
        });
    }
    let deletion = Some("2026-12-01T00:00:00Z".parse()?);
    aws.kms_in(regions[0], |kms| {
        kms.add_key(Key {
            state: "Disabled".to_owned(),
            ..Key::new("disabled")
        });
        kms.add_key(Key {
            state: "PendingDeletion".to_owned(),
            deletion,
            ..Key::new("going")
        });
    });
    Ok(aws)
}

#[test]
fn the_model_of_aws_has_what_kms_says() -> Result<()> {
    let context = json!({ "a": "b" });
    let key = "alias/backups";
    let asked = json!({
        "service": "kms",
        "actions": kms::ACTIONS,
        "calls": [
            ["DescribeKey", { "KeyId": key }],
            ["DescribeKey", { "KeyId": "going" }],
            ["ListAliases", {}],
            ["Encrypt", { "KeyId": key, "Plaintext": "p", "EncryptionContext": context }],
            ["GenerateDataKey", { "KeyId": key, "KeySpec": "AES_256", "EncryptionContext": context }],
            ["Decrypt", { "CiphertextBlob": "$CiphertextBlob", "EncryptionContext": context }],
        ],
    });
    check_model(&with_keys()?, asked, &kms::CODES)
}

#[test]
fn a_key_is_used_where_it_is_and_only_while_it_is_enabled() -> Result<()> {
    let Some(boto3) = require(Boto3::install()) else {
        return Ok(());
    };
    let aws = with_keys()?;
    let output = boto3.run(&program("kms.py"), &[&aws.endpoint()])?;
    let ends: Value = serde_json::from_str(&output)?;
    let expected = json!({
        "generate": "done",
        "open here": "done",
        "open in the other region": "done",
        "another context": "InvalidCiphertextException",
        "another key": "IncorrectKeyException",
        "no ciphertext": "InvalidCiphertextException",
        "no key": "NotFoundException",
        "a key of another region": "NotFoundException",
        "disabled": "DisabledException",
        "being deleted": "KMSInvalidStateException",
        "type there": "REPLICA",
        "primary": "us-east-1",
        "going at": "1796083200.0",
    });
    assert_eq!(ends, expected);
    Ok(())
}

#[test]
fn the_model_of_aws_has_what_ebs_says() -> Result<()> {
    let aws = Aws::start()?;
    let volume = aws.ec2(|ec2| {
        let volume = ec2.add_volume();
        ec2.snapshot_course = Course::of([Phase::of("completed").percent(100)]);
        volume
    });
    let tags = json!([{ "Key": "k", "Value": "v" }]);
    let specified = |kind| json!([{ "ResourceType": kind, "Tags": tags }]);
    let asked = json!({
        "service": "ec2",
        "actions": ec2::ACTIONS,
        "calls": [
            ["CreateSnapshot", { "VolumeId": volume, "TagSpecifications": specified("snapshot") }],
            ["CreateVolume", {
                "SnapshotId": "$SnapshotId", "AvailabilityZone": "us-east-1a", "ClientToken": "t",
                "TagSpecifications": specified("volume"),
            }],
            ["CreateTags", { "Resources": [volume], "Tags": tags }],
            ["DescribeSnapshots", { "Filters": [{ "Name": "tag:k", "Values": ["v"] }] }],
            ["DescribeVolumes", { "VolumeIds": [volume] }],
            ["DescribeFastSnapshotRestores", {}],
        ],
    });
    check_model(&aws, asked, &[])?;
    let tagged = aws.ec2(|ec2| {
        ec2.volumes
            .values()
            .filter(|it| it.tags["k"] == "v")
            .count()
    });
    assert_eq!(tagged, 2);
    Ok(())
}

#[test]
fn a_client_token_makes_one_volume_and_a_snapshot_has_none() -> Result<()> {
    let aws = Aws::start()?;
    let volume = aws.ec2(|ec2| ec2.add_volume());
    let call = |form: &str| {
        let head = "POST / HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded";
        send(&aws.endpoint(), head, &format!("Version=2016-11-15&{form}"))
    };
    let form = "Action=CreateVolume&AvailabilityZone=us-east-1a&Size=5&ClientToken=t";
    for effect in [Effect::AnswerLost, Effect::Duplicated] {
        aws.script()
            .fault(Fault::on("CreateVolume", effect.clone()));
        let _ = call(form);
        aws.script().clear_faults();
    }
    let (_, body) = call(form)?;
    assert_eq!(value(&body, "status"), Some("creating"));
    assert_eq!(aws.ec2(|ec2| ec2.volumes.len()), 2);
    let (status, body) = call(&form.replace("Size=5", "Size=6"))?;
    let code = value(&body, "Code");
    assert_eq!((status, code), (400, Some("IdempotentParameterMismatch")));

    aws.script()
        .fault(Fault::on("CreateSnapshot", Effect::Duplicated));
    call(&format!("Action=CreateSnapshot&VolumeId={volume}"))?;
    let made: Vec<String> = aws.ec2(|ec2| ec2.snapshots.keys().cloned().collect());
    assert_eq!(made.len(), 2);
    let (_, body) = call("Action=CreateVolume&AvailabilityZone=us-east-1a&SnapshotId=snap-1")?;
    assert_eq!(value(&body, "Code"), Some("InvalidSnapshot.NotFound"));
    let form = format!(
        "Action=CreateVolume&AvailabilityZone=us-east-1a&SnapshotId={}",
        made[0]
    );
    assert_eq!(value(&call(&form)?.1, "Code"), Some("IncorrectState"));
    Ok(())
}

#[test]
fn the_model_of_aws_has_what_the_logs_say() -> Result<()> {
    let aws = Aws::start()?;
    aws.logs(|logs| logs.groups.insert("audit".to_owned()));
    let asked = json!({
        "service": "logs",
        "actions": logs::ACTIONS,
        "calls": [
            ["CreateExportTask", { "logGroupName": "audit", "from": 1, "to": 2, "destination": "bucket" }],
            ["DescribeExportTasks", { "taskId": "$taskId" }],
        ],
    });
    check_model(&aws, asked, &logs::CODES)
}

#[test]
fn one_export_is_active_at_a_time() -> Result<()> {
    let aws = Aws::start()?;
    aws.logs(|logs| logs.groups.insert("audit".to_owned()));
    let call = |action: &str, body: &str| {
        let head = format!("POST / HTTP/1.1\r\nX-Amz-Target: Logs_20140328.{action}");
        send(&aws.endpoint(), &head, body)
    };
    let task = r#"{"logGroupName":"audit","from":1,"to":2,"destination":"b"}"#;
    assert_eq!(call("CreateExportTask", task)?.0, 200);
    let (status, body) = call("CreateExportTask", task)?;
    assert!(
        status == 400 && body.contains("LimitExceededException"),
        "{body}"
    );
    let mut states = Vec::new();
    for _ in 0..3 {
        let told: Value = serde_json::from_str(&call("DescribeExportTasks", "{}")?.1)?;
        states.push(told["exportTasks"][0]["status"]["code"].clone());
    }
    assert_eq!(states, ["PENDING", "RUNNING", "COMPLETED"]);
    assert_eq!(call("CreateExportTask", task)?.0, 200);
    Ok(())
}

#[test]
fn the_model_of_aws_has_who_calls() -> Result<()> {
    let asked = json!({
        "service": "sts",
        "actions": sts::ACTIONS,
        "calls": [["GetCallerIdentity", {}]],
    });
    check_model(&Aws::start()?, asked, &[])
}
