"""Tells the same story of RDS to any endpoint and prints how each chapter ends, as JSON.

Arguments: the endpoint. The story begins in a world without anything and with a cluster `aurora`, which is made here
where there is none. Each chapter ends with the code of an error or with the types of the members of the answer.
"""

import json
import sys
from datetime import datetime, timedelta, timezone

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

INSTANCE = {
    "DBInstanceClass": "db.t4g.micro",
    "Engine": "postgres",
    "EngineVersion": "16.4",
    "AllocatedStorage": 20,
    "MasterUsername": "owner",
    "MasterUserPassword": "not-a-secret",
}
READINGS = 12

# What every action may be refused with: "Common errors" of the API reference.
COMMON = {"InvalidParameterCombination", "InvalidParameterValue", "MissingParameter"}


def kinds(value):
    """Returns the types of the members of what an answer tells of first, without what is empty."""
    value = {key: it for key, it in value.items() if key != "ResponseMetadata"}
    for it in list(value.values()):
        if isinstance(it, list) and it and isinstance(it[0], dict):
            it = it[0]
        if isinstance(it, dict):
            value = it
    return {key: type(it).__name__ for key, it in value.items() if it not in (None, [], {}, "")}


class Story:
    def __init__(self, endpoint):
        self.rds = boto3.client(
            "rds",
            endpoint_url=endpoint,
            config=Config(retries={"total_max_attempts": 1}),
        )
        self.chapters = {}

    def tell(self, chapter, method, **parameters):
        try:
            end = kinds(getattr(self.rds, method)(**parameters))
        except ClientError as error:
            end = error.response["Error"]["Code"]
            operation = self.rds.meta.service_model.operation_model(error.operation_name)
            known = {shape.error_code for shape in operation.error_shapes}
            if end not in known | COMMON:
                end = f"{end}, which {error.operation_name} does not have"
        self.chapters[chapter] = end

    def wait(self, name):
        for _ in range(READINGS):
            found = self.rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"]
            if found[0]["DBInstanceStatus"] == "available":
                return
        raise AssertionError(f"{name} is not available after {READINGS} readings")

    def wait_for_snapshot(self, name):
        for _ in range(READINGS):
            found = self.rds.describe_db_snapshots(DBSnapshotIdentifier=name)["DBSnapshots"]
            if found[0]["Status"] == "available":
                return
        raise AssertionError(f"{name} is not available after {READINGS} readings")

    def instances(self):
        tell = self.tell
        tell("create", "create_db_instance", DBInstanceIdentifier="prod", **INSTANCE)
        tell("create what is there", "create_db_instance", DBInstanceIdentifier="prod", **INSTANCE)
        self.wait("prod")
        tell("describe", "describe_db_instances", DBInstanceIdentifier="prod")
        tell("describe what is not there", "describe_db_instances", DBInstanceIdentifier="none")
        snapshot = {"DBInstanceIdentifier": "prod", "DBSnapshotIdentifier": "one"}
        tell("snapshot", "create_db_snapshot", **snapshot)
        self.wait_for_snapshot("one")
        tell("snapshot what is there", "create_db_snapshot", **snapshot)
        tell("describe no snapshot", "describe_db_snapshots", DBSnapshotIdentifier="none")
        restore = {"DBSnapshotIdentifier": "one", "DBInstanceIdentifier": "copy"}
        tell("restore", "restore_db_instance_from_db_snapshot", **restore)
        tell("restore to what is there", "restore_db_instance_from_db_snapshot", **restore)
        restore = {"DBSnapshotIdentifier": "none", "DBInstanceIdentifier": "copy2"}
        tell("restore from nothing", "restore_db_instance_from_db_snapshot", **restore)
        latest = {"SourceDBInstanceIdentifier": "prod", "UseLatestRestorableTime": True}
        to_moment = "restore_db_instance_to_point_in_time"
        tell("to the latest", to_moment, TargetDBInstanceIdentifier="late", **latest)
        tell("to what is there", to_moment, TargetDBInstanceIdentifier="late", **latest)
        nowhere = {"SourceDBInstanceIdentifier": "none", "UseLatestRestorableTime": True}
        tell("to a moment of nothing", to_moment, TargetDBInstanceIdentifier="x", **nowhere)
        future = datetime.now(timezone.utc) + timedelta(days=365)
        tell(
            "to the future",
            to_moment,
            TargetDBInstanceIdentifier="future",
            SourceDBInstanceIdentifier="prod",
            RestoreTime=future,
        )
        tell("both ways", to_moment, TargetDBInstanceIdentifier="both", RestoreTime=future, **latest)
        copy = {"TargetDBSnapshotIdentifier": "two"}
        tell("copy", "copy_db_snapshot", SourceDBSnapshotIdentifier="one", **copy)
        copy = {"TargetDBSnapshotIdentifier": "three"}
        tell("copy nothing", "copy_db_snapshot", SourceDBSnapshotIdentifier="none", **copy)

    def changes(self):
        tell, rds = self.tell, self.rds
        arn = rds.describe_db_instances(DBInstanceIdentifier="prod")["DBInstances"][0]["DBInstanceArn"]
        tell("tag", "add_tags_to_resource", ResourceName=arn, Tags=[{"Key": "k", "Value": "v"}])
        tell("tags", "list_tags_for_resource", ResourceName=arn)
        self.wait("copy")
        self.wait("late")
        change = {"ApplyImmediately": True, "NewDBInstanceIdentifier": "late"}
        tell("rename to what is there", "modify_db_instance", DBInstanceIdentifier="prod", **change)
        change = {"ApplyImmediately": True, "NewDBInstanceIdentifier": "new"}
        tell("rename nothing", "modify_db_instance", DBInstanceIdentifier="none", **change)
        tell("protect", "modify_db_instance", DBInstanceIdentifier="copy", DeletionProtection=True)
        self.wait("copy")
        delete = {"SkipFinalSnapshot": True}
        tell("delete what is protected", "delete_db_instance", DBInstanceIdentifier="copy", **delete)
        tell("delete nothing", "delete_db_instance", DBInstanceIdentifier="none", **delete)
        tell("delete no snapshot", "delete_db_snapshot", DBSnapshotIdentifier="none")
        tell("delete a snapshot", "delete_db_snapshot", DBSnapshotIdentifier="one")
        tell("events", "describe_events")
        tell("backups", "describe_db_instance_automated_backups")

    def clusters(self):
        tell, rds = self.tell, self.rds
        if not rds.describe_db_clusters()["DBClusters"]:
            rds.create_db_cluster(
                DBClusterIdentifier="aurora",
                Engine="aurora-postgresql",
                EngineVersion="16.4",
                MasterUsername="owner",
                MasterUserPassword="not-a-secret",
            )
        tell("describe clusters", "describe_db_clusters", DBClusterIdentifier="aurora")
        tell("describe no cluster", "describe_db_clusters", DBClusterIdentifier="none")
        snapshot = {"DBClusterIdentifier": "aurora", "DBClusterSnapshotIdentifier": "c1"}
        tell("snapshot a cluster", "create_db_cluster_snapshot", **snapshot)
        for _ in range(READINGS):
            rds.describe_db_cluster_snapshots(DBClusterSnapshotIdentifier="c1")
        tell("snapshot it again", "create_db_cluster_snapshot", **snapshot)
        restore = {"Engine": "aurora-postgresql", "SnapshotIdentifier": "c1"}
        from_snapshot = "restore_db_cluster_from_snapshot"
        tell("restore a cluster", from_snapshot, DBClusterIdentifier="copied", **restore)
        tell("restore it again", from_snapshot, DBClusterIdentifier="copied", **restore)
        restore["SnapshotIdentifier"] = "none"
        tell("restore no cluster", from_snapshot, DBClusterIdentifier="x", **restore)
        latest = {"SourceDBClusterIdentifier": "aurora", "UseLatestRestorableTime": True}
        to_moment = "restore_db_cluster_to_point_in_time"
        tell("a cluster to the latest", to_moment, DBClusterIdentifier="latest", **latest)
        nothing = {"SourceDBClusterIdentifier": "none", "UseLatestRestorableTime": True}
        tell("no cluster to the latest", to_moment, DBClusterIdentifier="x", **nothing)
        member = {"DBInstanceClass": "db.r6g.large", "Engine": "aurora-postgresql"}
        member["DBInstanceIdentifier"] = "member"
        tell("a member", "create_db_instance", DBClusterIdentifier="aurora", **member)
        delete = {"SkipFinalSnapshot": True}
        tell("delete no cluster", "delete_db_cluster", DBClusterIdentifier="none", **delete)
        tell("delete with a member", "delete_db_cluster", DBClusterIdentifier="aurora", **delete)


def main(endpoint):
    story = Story(endpoint)
    story.instances()
    story.changes()
    story.clusters()
    print(json.dumps(story.chapters))


if __name__ == "__main__":
    main(*sys.argv[1:])
