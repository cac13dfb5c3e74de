"""Creates a database instance of a name and prints its state.

Arguments: the endpoint and the name.
"""

import sys

import boto3


def main(endpoint, name):
    rds = boto3.client("rds", endpoint_url=endpoint)
    rds.create_db_instance(
        DBInstanceIdentifier=name,
        DBInstanceClass="db.t4g.micro",
        Engine="postgres",
        AllocatedStorage=20,
        MasterUsername="owner",
        MasterUserPassword="not-a-secret",
    )
    for instance in rds.describe_db_instances()["DBInstances"]:
        print(instance["DBInstanceIdentifier"], instance["DBInstanceStatus"])


if __name__ == "__main__":
    main(*sys.argv[1:])
