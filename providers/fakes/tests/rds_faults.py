"""Makes one call for each fault, without retries, and prints what boto3 makes of it, as JSON.

Arguments: the endpoint, and a JSON list of the names of faults. Fault N is to meet the N-th reading.
"""

import json
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError


def main(endpoint, names):
    rds = boto3.client(
        "rds",
        endpoint_url=endpoint,
        config=Config(retries={"total_max_attempts": 1}, read_timeout=30),
    )
    ends = {}
    for name in json.loads(names):
        try:
            ends[name] = rds.describe_db_instances()["DBInstances"][0]["DBInstanceStatus"]
        except ClientError as error:
            ends[name] = error.response["Error"]["Code"]
        except Exception as error:
            ends[name] = type(error).__name__
    print(json.dumps(ends))


if __name__ == "__main__":
    main(*sys.argv[1:])
