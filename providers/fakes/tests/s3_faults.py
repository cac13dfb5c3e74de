"""Puts one object for each fault through a proxy, without retries, and prints what boto3 makes of it, as JSON.

Arguments: the endpoint of the proxy, that of the store behind it, and a JSON list of the names of faults. Fault N is to
meet the N-th object that is put. Prints the ends of the calls, and the names of what was stored.
"""

import json
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError


def client(endpoint):
    config = Config(
        retries={"total_max_attempts": 1},
        read_timeout=30,
        s3={"addressing_style": "path"},
    )
    return boto3.client("s3", endpoint_url=endpoint, config=config)


def main(proxy, store, names):
    client(store).create_bucket(Bucket="backups")
    client(store).put_object(Bucket="backups", Key="without header", Body=b"first")
    s3 = client(proxy)
    ends = {}
    for name in json.loads(names):
        try:
            s3.put_object(Bucket="backups", Key=name, Body=b"x" * 100_000, IfNoneMatch="*")
            ends[name] = "done"
        except ClientError as error:
            ends[name] = error.response["Error"]["Code"]
        except Exception as error:
            ends[name] = type(error).__name__
    listed = client(store).list_objects_v2(Bucket="backups")["Contents"]
    sizes = {entry["Key"]: entry["Size"] for entry in listed}
    try:
        s3.get_object(Bucket="backups", Key="answer lost")["Body"].read()
        ends["read"] = "done"
    except Exception as error:
        ends["read"] = type(error).__name__
    print(json.dumps({"ends": ends, "stored": sizes}))


if __name__ == "__main__":
    main(*sys.argv[1:])
